"""An answer that a reader may not read any more is withdrawn; one from an older text says so."""

import pytest

from policies import Class
from policies.tables.people import UserStatus
from tests.workers.slack_company import TEAM, Company
from tests.workers.upkeep.posted_answers import SECRET, Desk, actions, late, only, replace_text
from workers.observe import metrics
from workers.replies.rendering import OUTDATED, WITHDRAWN
from workers.upkeep import judgement, review

# What is withdrawn


def test_what_a_reader_may_not_read_any_more_is_withdrawn(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    """Threat 39; and without a turn the text stays for everybody to read."""
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.turn()
    desk.allow(document, alice)
    assert [SECRET in text for text in desk.shown("CBOARD")] == [True]

    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN]
    (message,) = desk.slack.messages.values()
    assert "ten million" not in repr(message)
    assert actions(message) == ["ken_again"]
    assert desk.revisions(question_id) == [("withdrawn", True)]
    assert "million" not in str(desk.look(question_id, "SELECT payload FROM outbox"))


def test_an_answer_from_a_deleted_document_is_withdrawn(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    """Threat 39: in the same words as one from a document that was revoked."""
    *_, document = board
    desk.answered("CBOARD", "UALICE", document)
    with desk.library.change() as change:
        change.delete_document(document)

    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN]


def test_a_document_that_was_used_and_not_cited_counts(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    alice, bob, document = board
    other = desk.library.document("other", "Something else.", only(alice, bob))
    question_id = desk.answered("CBOARD", "UALICE", document, other)
    desk.look(question_id, "UPDATE answer SET cited = '{}', versions = '{}' RETURNING id")
    desk.allow(other, alice)

    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN]


def test_a_paused_source_takes_its_answers_back(desk: Desk, board: tuple[int, int, int]) -> None:
    *_, document = board
    desk.answered("CBOARD", "UALICE", document)
    with desk.library.change() as change:
        change.set_freshness(desk.library.source_id, paused=True, max_staleness=None)

    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN]


def test_a_source_that_is_late_takes_nothing_back_but_its_last_word_counts(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    alice, bob, document = board
    other = desk.library.document("other", "Something else.", only(alice, bob))
    stays = desk.answered("CBOARD", "UALICE", document)
    goes = desk.answered("CBOARD", "UALICE", other)
    late(desk)
    disagreed = counted("ken_layers_disagree_total", layer="after_post")
    desk.turn()
    assert desk.revisions(stays) == desk.revisions(goes) == [(None, False)]

    desk.allow(other, alice)
    late(desk)
    desk.turn()

    assert desk.revisions(stays) == [(None, False)]
    assert desk.revisions(goes) == [("withdrawn", True)]
    assert counted("ken_layers_disagree_total", layer="after_post") == disagreed


def test_when_two_layers_disagree_nobody_reads_on(
    desk: Desk, board: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, _bob, document = board
    desk.answered("CBOARD", "UALICE", document)
    desk.allow(document, alice)
    disagreed = counted("ken_layers_disagree_total", layer="after_post")
    for layer in ("revoked", "unreadable"):
        monkeypatch.setattr(judgement, layer, lambda *_: set())

    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN]
    assert counted("ken_layers_disagree_total", layer="after_post") == disagreed + 1


def test_an_answer_is_withdrawn_if_python_alone_refuses(
    desk: Desk, board: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, document = board
    desk.answered("CBOARD", "UALICE", document)
    desk.person("carl")  # another epoch
    for layer in ("revoked", "unreadable"):
        monkeypatch.setattr(judgement, layer, lambda *_: {document})

    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN]


def test_a_person_who_lost_their_link_or_their_place_reads_no_further(desk: Desk) -> None:
    """Threat 9: in a direct message."""
    alice, bob = desk.person("alice"), desk.person("bob")
    document = desk.library.document("budget", SECRET, only(alice, bob, Class.MEMBERS))
    unlinked = desk.answered("DUALICE", "UALICE", document)
    suspended = desk.answered("DUBOB", "UBOB", document)
    with desk.library.change() as change:
        change.unlink(change.put_source(f"slack:{TEAM}"), "UALICE")
    with desk.library.change() as change:
        change.set_status(bob, UserStatus.SUSPENDED)

    desk.turn()

    assert desk.revisions(unlinked) == desk.revisions(suspended) == [("withdrawn", True)]
    assert desk.shown("DUALICE") == desk.shown("DUBOB") == [WITHDRAWN]


def test_what_is_allowed_again_is_not_shown_again(desk: Desk, board: tuple[int, int, int]) -> None:
    alice, bob, document = board
    desk.answered("CBOARD", "UALICE", document)
    desk.allow(document, alice)
    desk.turn()
    desk.allow(document, alice, bob)
    desk.turn()
    desk.library.document("budget", "The budget is twelve million.", only(alice, bob))

    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN]
    assert desk.slack.calls.count("update") == 1


def test_every_part_of_a_long_answer_is_withdrawn(desk: Desk, board: tuple[int, int, int]) -> None:
    """Threat 39: even one that comes out only after that."""
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document, parts=3)
    desk.look(
        question_id, "UPDATE outbox SET state = 'ready' WHERE kind = 'channel/3' RETURNING id"
    )
    withdrawn = counted("ken_answers_revised_total", revision="withdrawn")
    desk.allow(document, alice)
    desk.turn()
    assert desk.shown("CBOARD")[:2] == [WITHDRAWN] * 2

    desk.look(
        question_id, "UPDATE outbox SET state = 'posted' WHERE kind = 'channel/3' RETURNING id"
    )
    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN] * 3
    assert [actions(one) for _, one in sorted(desk.slack.messages.items())] == [
        [],
        [],
        ["ken_again"],
    ]
    assert desk.revisions(question_id) == [("withdrawn", True)] * 3
    assert counted("ken_answers_revised_total", revision="withdrawn") == withdrawn + 1


def test_a_notice_is_nothing_to_withdraw(desk: Desk, board: tuple[int, int, int]) -> None:
    """Though there was an answer once, which was not posted."""
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document, notice=True)
    desk.allow(document, alice)

    desk.turn()

    assert desk.revisions(question_id) == [(None, False)]


# What is out of date


def test_an_answer_from_a_text_that_was_replaced_says_so_once(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    replace_text(desk, document, "other")

    desk.turn()
    desk.library.folder("another epoch")
    desk.turn()

    (message,) = desk.shown("CBOARD")
    assert SECRET in message
    assert message.count(OUTDATED) == 1
    assert actions(*desk.slack.messages.values())[-1] == "ken_more"
    assert "ken_again" in actions(*desk.slack.messages.values())
    assert desk.slack.calls.count("update") == 1

    desk.allow(document, alice)
    desk.turn()
    assert desk.shown("CBOARD") == [WITHDRAWN]
    assert desk.revisions(question_id) == [("withdrawn", True)]


def test_an_answer_from_texts_that_are_as_they_were_stays(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    alice, bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    other = desk.library.document("other", "Something else.", only(alice, bob))
    replace_text(desk, other, "new")

    desk.turn()

    assert desk.revisions(question_id) == [(None, False)]
    assert desk.slack.calls.count("update") == 0


# The whole way, through Slack's own API


def test_an_answer_that_ken_gave_is_withdrawn_in_slack(company: Company) -> None:
    """Threats 12 and 39."""
    alice, bob = company.person("alice"), company.person("bob")
    ours = company.library.document("ours", SECRET, only(alice, bob))
    question_id = company.asked("CBOARD", "alice", "What is the budget?")
    review.review_all(company.services)
    assert SECRET in repr(company.posts("CBOARD")[0].blocks)

    with company.library.change() as change:
        change.set_permissions(ours, only(alice))
    review.review_all(company.services)

    (posted,) = company.posts("CBOARD")
    assert posted.text == WITHDRAWN
    assert SECRET not in repr(posted)
    assert company.look(question_id, "SELECT revision FROM outbox") == [("withdrawn",)]


def test_an_answer_that_ken_gave_is_withdrawn_when_somebody_joins(company: Company) -> None:
    """Threat 12."""
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("ours", SECRET, only(alice, bob))
    company.asked("CBOARD", "alice", "What is the budget?")
    company.slack.join("CBOARD", "UCARL")

    review.review_channel(company.services, "CBOARD")

    assert [posted.text for posted in company.posts("CBOARD")] == [WITHDRAWN]


# For tests


def counted(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0
