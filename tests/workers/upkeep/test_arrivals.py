"""What somebody who joins may not read is withdrawn, also from answers that are on their way."""

import pytest

from policies import Class
from tests.workers.upkeep.posted_answers import SECRET, Desk, only
from workers.errors import Busy, SlackUnavailable
from workers.replies.rendering import WITHDRAWN
from workers.slack.messenger import Place
from workers.upkeep import review


def test_what_somebody_who_joins_may_not_read_is_withdrawn(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    """Threat 12; and what they may read stays, and is theirs from then on."""
    alice, bob, document = board
    carl = desk.person("carl")
    open_to_all = desk.library.document("open", "All may.", only(alice, bob, carl))
    goes = desk.answered("CBOARD", "UALICE", document)
    stays = desk.answered("CBOARD", "UALICE", open_to_all)
    desk.slack.members["CBOARD"].add("UCARL")
    desk.turn()
    assert desk.revisions(goes) == [(None, False)], "nothing reported Carl"

    review.review_channel(desk.services, "CBOARD")

    assert desk.revisions(goes) == [("withdrawn", True)]
    assert desk.revisions(stays) == [(None, False)]
    assert desk.look(stays, "SELECT audience FROM answer") == [(sorted([alice, bob, carl]),)]
    desk.allow(open_to_all, alice, bob)
    desk.turn()
    assert desk.revisions(stays) == [("withdrawn", True)]


def test_an_unlinked_person_who_joins_reads_what_a_stranger_may(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    """Threats 10 and 12."""
    *_, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.slack.members["CBOARD"].add("UNOBODY")

    review.review_channel(desk.services, "CBOARD")

    assert desk.revisions(question_id) == [("withdrawn", True)]


def test_a_guest_who_joins_a_public_channel_reads_along(desk: Desk) -> None:
    """Threats 10 and 12."""
    alice = desk.person("alice")
    guest = desk.person("guest", guest=True)
    desk.slack.members["CALL"] = {"UALICE"}
    desk.slack.public.add("CALL")
    desk.slack.guest_ids.add("UGUEST")
    for_members = desk.library.document("members", SECRET, only(Class.MEMBERS))
    for_guests = desk.library.document("guests", SECRET, only(Class.MEMBERS, guest))
    goes = desk.answered("CALL", "UALICE", for_members)
    stays = desk.answered("CALL", "UALICE", for_guests)
    assert alice
    desk.slack.members["CALL"].add("UGUEST")

    review.review_channel(desk.services, "CALL")

    assert desk.revisions(goes) == [("withdrawn", True)]
    assert desk.revisions(stays) == [(None, False)]


def test_a_channel_that_is_shared_with_another_company_keeps_no_answer(desk: Desk) -> None:
    """Threat 10."""
    alice = desk.person("alice")
    desk.slack.members["CBOARD"] = {"UALICE"}
    document = desk.library.document("budget", SECRET, only(alice, Class.INTERNET))
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.slack.shared.add("CBOARD")

    review.review_channel(desk.services, "CBOARD")

    assert desk.revisions(question_id) == [("withdrawn", True)]


def test_nothing_is_withdrawn_because_slack_did_not_answer(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    *_, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.slack.unanswered = True

    with pytest.raises(SlackUnavailable) as raised:
        review.review_channel(desk.services, "CBOARD")

    assert raised.value.transient
    assert desk.revisions(question_id) == [(None, False)]


def test_of_two_who_look_at_a_channel_at_once_one_looks_again(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    """Else the older list of readers could be the one that is kept."""
    *_, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    place = desk.slack.place

    def interrupted(channel_id: str) -> Place:
        found = place(channel_id)
        changed = "UPDATE answer SET readers = readers || '{\"strangers\": true}' RETURNING id"
        desk.look(question_id, changed)
        return found

    desk.slack.place = interrupted  # type: ignore[method-assign]
    with pytest.raises(Busy):
        review.review_channel(desk.services, "CBOARD")


def test_who_joins_while_an_answer_is_on_its_way_is_found_after_the_post(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    """Threat 12: no notice was sent, because nothing was posted yet when they came."""
    *_, document = board
    question_id = desk.answered("CBOARD", "UALICE", document, looked_at=False)
    desk.look(question_id, "UPDATE outbox SET state = 'ready' RETURNING id")
    desk.slack.members["CBOARD"].add("UCARL")
    review.review_channel(desk.services, "CBOARD")
    desk.turn()
    assert desk.revisions(question_id) == [(None, False)]

    desk.look(question_id, "UPDATE outbox SET state = 'posted' RETURNING id")
    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN]


def test_what_was_revoked_while_an_answer_was_on_its_way_is_found_after_the_post(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    """Threat 7: all answers were looked at, but this one was not out."""
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document, looked_at=False)
    desk.look(question_id, "UPDATE outbox SET state = 'ready' RETURNING id")
    desk.allow(document, alice)
    desk.turn()
    desk.look(question_id, "UPDATE outbox SET state = 'posted' RETURNING id")

    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN]


def test_a_reply_is_looked_at_again_until_slack_has_said_who_reads_it(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    *_, document = board
    question_id = desk.answered("CBOARD", "UALICE", document, looked_at=False)
    desk.slack.unanswered = True
    desk.turn()
    assert desk.look(question_id, "SELECT reviewed_at FROM outbox") == [(None,)]
    before = len(desk.slack.calls)
    desk.turn()
    assert len(desk.slack.calls) == before, "it rests first"

    desk.slack.unanswered = False
    desk.rest_is_over(question_id)
    desk.turn()

    assert desk.look(question_id, "SELECT reviewed_at IS NOT NULL FROM outbox") == [(True,)]
