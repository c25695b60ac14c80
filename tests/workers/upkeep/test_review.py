"""A posted answer stays right: withdrawn, out of date, or gone; Slack is told until it knows."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from policies import Class, current_epoch
from policies.audience import Account
from policies.described import Permissions
from policies.directory import resolve_audience
from policies.tables.people import UserStatus
from tests.workers.library import Library
from tests.workers.slack_company import TEAM, Company, kept
from workers.answering.audience import readers_of
from workers.database.sessions import connect
from workers.errors import Busy, SlackBusy, SlackRefused, SlackUnavailable
from workers.intake.leases import at_work
from workers.intake.messages import Question
from workers.observe import metrics
from workers.replies import revisions
from workers.replies.outbox import Kind
from workers.replies.rendering import OUTDATED, WITHDRAWN, Citation, Line, Reply
from workers.services import Services
from workers.settings import Settings
from workers.slack.messenger import Message, Place, PlaceKind, Posted
from workers.upkeep import review

SECRET = "The budget is ten million."


def only(*principals: int) -> Permissions:
    return Permissions(allow=frozenset(principals))


@dataclass
class FakeSlack:
    """The messages that stand in it, and who is where."""

    members: dict[str, set[str]] = field(default_factory=dict)
    public: set[str] = field(default_factory=set)
    guest_ids: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    messages: dict[tuple[str, str], Message] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    """For the next changes of messages, one each."""
    unanswered: bool = False
    meanwhile: Callable[[], None] | None = None
    """Happens once, while a message is being changed."""

    def place(self, channel_id: str) -> Place:
        self.calls.append("place")
        if self.unanswered:
            return Place(PlaceKind.PUBLIC, complete=False, unanswered=True)
        kind = PlaceKind.PUBLIC if channel_id in self.public else PlaceKind.PRIVATE
        members = frozenset(map(account, self.members[channel_id]))
        return Place(kind, members, external=channel_id in self.shared)

    def guests(self, accounts: frozenset[Account]) -> frozenset[Account]:
        return frozenset(one for one in accounts if one.native_id in self.guest_ids)

    def update(self, posted: Posted, message: Message) -> None:
        self.calls.append("update")
        self._happens()
        if (posted.channel_id, posted.message_ts) not in self.messages:
            raise SlackRefused("message_not_found")
        self.messages[posted.channel_id, posted.message_ts] = message

    def delete(self, posted: Posted) -> None:
        self.calls.append("delete")
        self._happens()
        self.messages.pop((posted.channel_id, posted.message_ts), None)

    def find(self, channel_id: str, thread_ts: str, mark: str, *, since: str) -> list[Posted]:
        return [
            Posted(channel, ts)
            for (channel, ts), message in sorted(self.messages.items())
            if channel == channel_id and message.mark == mark
        ]

    def find_open(self, channel_id: str, thread_ts: str, mark: str, *, since: str) -> list[Posted]:
        return []

    def _happens(self) -> None:
        happening, self.meanwhile = self.meanwhile, None
        if happening:
            happening()
        if self.failures:
            raise self.failures.pop(0)


def account(user_id: str) -> Account:
    return Account(f"slack:{TEAM}", user_id)


@dataclass
class Desk:
    """Answers that were posted, and the services of a worker."""

    library: Library
    slack: FakeSlack
    settings: Settings
    posted: int = 0

    @property
    def services(self) -> Services:
        return cast(Services, _Services(self.settings, self.library.database, self.slack))

    def person(self, name: str, *, guest: bool = False) -> int:
        user_id = self.library.person(name, guest=guest)
        with self.library.change() as change:
            change.link(user_id, change.put_source(f"slack:{TEAM}"), f"U{name.upper()}", by="admin")
        return user_id

    def answered(
        self,
        channel_id: str,
        user_id: str,
        *documents: int,
        parts: int = 1,
        looked_at: bool = True,
        notice: bool = False,
    ) -> int:
        """An answer from these documents stands in Slack."""
        kind = Kind.DIRECT if channel_id.startswith("D") else Kind.CHANNEL
        question_id = kept(channel_id=channel_id, user_id=user_id)
        question = Question("", TEAM, channel_id, "", "", user_id, "")
        readers = readers_of(self.services, question, kind)
        assert readers is not None
        with self.library.database.session("answerer") as session:
            audience = resolve_audience(session, readers)
        with self.library.database.reading_for(audience) as session:
            found = session.execute(
                text("SELECT id, content_hash FROM document WHERE id = ANY(:ids)"),
                {"ids": list(documents)},
            ).all()
            epoch = current_epoch(session)
        assert {one.id for one in found} == set(documents)
        with at_work(self.library.database, question_id) as session:
            session.execute(
                text("""
                    INSERT INTO answer (question_id, kind, audience, epoch, used, cited, model,
                                        prompt_version, verdicts, readers, versions)
                    VALUES (:id, :kind, :audience, :epoch, :used, :used, '', '', '{}',
                            CAST(:readers AS jsonb), CAST(:versions AS jsonb))
                """),
                {
                    "id": question_id,
                    "kind": kind,
                    "audience": list(audience.ids),
                    "epoch": epoch,
                    "used": list(documents),
                    "readers": json.dumps(readers.told),
                    "versions": json.dumps({str(one.id): one.content_hash for one in found}),
                },
            )
        for number in range(1, parts + 1):
            self.post(question_id, kind.part(number), channel_id, notice=notice)
        if looked_at:
            self.look(question_id, "UPDATE outbox SET reviewed_at = now() RETURNING id")
        return question_id

    def post(self, question_id: int, kind: str, channel_id: str, *, notice: bool = False) -> None:
        self.posted += 1
        ts = f"{self.posted:010}.000001"
        lines = () if notice else (Line(SECRET, (1,)),)
        citation = Citation(1, "Budget", "", None, "wiki", "budget", SECRET, None)
        payload = Reply("From the documents:", lines, (citation,)).payload()
        ((event_id,),) = self.look(question_id, "SELECT event_id FROM question")
        self.slack.messages[channel_id, ts] = Message(
            payload["text"], payload["blocks"], f"{event_id}/{kind}"
        )
        with at_work(self.library.database, question_id) as session:
            session.execute(
                text("""
                    INSERT INTO outbox (question_id, kind, payload, state, attempts, channel_id,
                                        message_ts, posted_at)
                    VALUES (:id, :kind, CAST(:payload AS jsonb), 'posted', 1, :channel, :ts, now())
                """),
                {
                    "id": question_id,
                    "kind": kind,
                    "payload": json.dumps(payload),
                    "channel": channel_id,
                    "ts": ts,
                },
            )

    def look(self, question_id: int, statement: str) -> list[Any]:
        with at_work(self.library.database, question_id) as session:
            return list(session.execute(text(statement)))

    def revisions(self, question_id: int) -> list[tuple[str | None, bool]]:
        """Of each part: what became of it, and whether Slack has confirmed that."""
        rows = self.look(question_id, "SELECT revision, revised_at FROM outbox ORDER BY kind")
        return [(row.revision, row.revised_at is not None) for row in rows]

    def rest_is_over(self, question_id: int) -> None:
        self.look(question_id, "UPDATE outbox SET mend_at = now() RETURNING id")

    def shown(self, channel_id: str) -> list[str]:
        messages = sorted(self.slack.messages.items())
        return [message.text for (channel, _), message in messages if channel == channel_id]

    def turn(self) -> None:
        review.look_at_all(self.services)

    def allow(self, document: int, *principals: int) -> None:
        with self.library.change() as change:
            change.set_permissions(document, only(*principals))


@dataclass(frozen=True)
class _Services:
    settings: Settings
    database: Any
    slack: FakeSlack

    def messenger_of(self, team_id: str) -> FakeSlack:
        assert team_id == TEAM
        return self.slack


@pytest.fixture
def desk(library: Library, door: None, settings: Settings) -> Desk:
    return Desk(library, FakeSlack(), settings)


@pytest.fixture
def board(desk: Desk) -> tuple[int, int, int]:
    """Alice and Bob in a private channel, and a document that both may read."""
    alice, bob = desk.person("alice"), desk.person("bob")
    desk.slack.members["CBOARD"] = {"UALICE", "UBOB"}
    document = desk.library.document("budget", SECRET, only(alice, bob))
    return alice, bob, document


def actions(message: Message) -> list[str]:
    return [
        element["action_id"]
        for block in message.blocks
        for element in block["elements"]
        if "action_id" in element
    ]


# What is withdrawn


def test_what_a_reader_may_not_read_any_more_is_withdrawn(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    """Threat 39; and without a turn the text stays for everybody to read."""
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.turn()
    desk.allow(document, alice)
    assert [SECRET in told for told in desk.shown("CBOARD")] == [True]

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
        monkeypatch.setattr(review, layer, lambda *_: set())

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
        monkeypatch.setattr(review, layer, lambda *_: {document})

    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN]


def test_whoever_lost_their_link_or_their_place_reads_nothing_on(desk: Desk) -> None:
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

    (told,) = desk.shown("CBOARD")
    assert SECRET in told
    assert told.count(OUTDATED) == 1
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


# Who comes into a channel


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
    assert desk.revisions(goes) == [(None, False)], "nobody told us of Carl"

    review.look_at_channel(desk.services, "CBOARD")

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

    review.look_at_channel(desk.services, "CBOARD")

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

    review.look_at_channel(desk.services, "CALL")

    assert desk.revisions(goes) == [("withdrawn", True)]
    assert desk.revisions(stays) == [(None, False)]


def test_a_channel_that_is_shared_with_another_company_keeps_no_answer(desk: Desk) -> None:
    """Threat 10."""
    alice = desk.person("alice")
    desk.slack.members["CBOARD"] = {"UALICE"}
    document = desk.library.document("budget", SECRET, only(alice, Class.INTERNET))
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.slack.shared.add("CBOARD")

    review.look_at_channel(desk.services, "CBOARD")

    assert desk.revisions(question_id) == [("withdrawn", True)]


def test_nothing_is_withdrawn_because_slack_did_not_answer(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    *_, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.slack.unanswered = True

    with pytest.raises(SlackUnavailable) as raised:
        review.look_at_channel(desk.services, "CBOARD")

    assert raised.value.passing
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
        review.look_at_channel(desk.services, "CBOARD")


def test_who_joins_while_an_answer_is_on_its_way_is_found_after_the_post(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    """Threat 12: nobody was told, because nothing was out when they came."""
    *_, document = board
    question_id = desk.answered("CBOARD", "UALICE", document, looked_at=False)
    desk.look(question_id, "UPDATE outbox SET state = 'ready' RETURNING id")
    desk.slack.members["CBOARD"].add("UCARL")
    review.look_at_channel(desk.services, "CBOARD")
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


# Slack is told until it knows


@dataclass(eq=False)
class Killed(BaseException):
    """The process is gone."""


def test_what_a_killed_worker_left_is_done_by_the_next_turn(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.allow(document, alice)
    desk.slack.failures = [Killed()]
    with pytest.raises(Killed):
        desk.turn()
    assert desk.revisions(question_id) == [("withdrawn", False)]
    assert "million" not in str(desk.look(question_id, "SELECT payload FROM outbox"))

    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN]
    assert desk.revisions(question_id) == [("withdrawn", True)]


def test_where_slack_is_busy_it_is_told_later(desk: Desk, board: tuple[int, int, int]) -> None:
    alice, _bob, document = board
    first = desk.answered("CBOARD", "UALICE", document)
    second = desk.answered("CBOARD", "UALICE", document)
    desk.allow(document, alice)
    desk.slack.failures = [SlackBusy("ratelimited", retry_after_s=30)]
    desk.turn()
    assert desk.slack.calls.count("update") == 1, "the workspace is left alone for this turn"
    desk.turn()
    assert desk.revisions(first) == [("withdrawn", False)], "it rests as long as Slack said"
    assert desk.revisions(second) == [("withdrawn", True)]

    desk.rest_is_over(first)
    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN] * 2
    assert desk.revisions(first) == [("withdrawn", True)]


def test_a_message_that_is_gone_is_left_alone(desk: Desk, board: tuple[int, int, int]) -> None:
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.slack.messages.clear()
    desk.allow(document, alice)

    desk.turn()

    assert desk.revisions(question_id) == [("withdrawn", True)]


def test_what_slack_refuses_for_now_is_tried_again_after_a_long_rest(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    """An archived channel is still read, and may be opened again."""
    alice, _bob, document = board
    archived = desk.answered("CBOARD", "UALICE", document)
    other = desk.answered("CBOARD", "UALICE", document)
    desk.slack.failures = [SlackRefused("is_archived")]
    desk.allow(document, alice)
    desk.turn()
    assert desk.revisions(archived) == [("withdrawn", False)]
    assert desk.revisions(other) == [("withdrawn", True)]

    desk.rest_is_over(archived)
    desk.turn()

    assert desk.revisions(archived) == [("withdrawn", True)]


def test_a_withdrawal_that_comes_while_slack_is_told_something_older_is_the_last_word(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    replace_text(desk, document, "other")

    def revoked_meanwhile() -> None:
        desk.allow(document, alice)
        desk.turn()

    desk.slack.meanwhile = revoked_meanwhile
    desk.turn()
    assert desk.revisions(question_id) == [("withdrawn", False)]
    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN]
    assert desk.revisions(question_id) == [("withdrawn", True)]


def test_a_teller_that_lost_its_transaction_has_slack_told_again(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    """It froze before it told Slack; another told the newer word meanwhile."""
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    replace_text(desk, document, "other")

    def frozen() -> None:
        with desk.library.database.session("answerer") as session:
            session.execute(
                text("""
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE usename = current_user AND datname = current_database()
                      AND pid <> pg_backend_pid()
                """)
            )
        desk.allow(document, alice)
        desk.turn()

    desk.slack.meanwhile = frozen
    with pytest.raises(SQLAlchemyError):
        desk.turn()
    assert SECRET in desk.shown("CBOARD")[0], "the older word came last"

    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN]
    assert desk.revisions(question_id) == [("withdrawn", True)]


# All of them, by their readers


def test_a_turn_in_which_nothing_changed_looks_at_nothing(
    desk: Desk, board: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, document = board
    desk.answered("CBOARD", "UALICE", document)
    desk.turn()
    for name in ("_look_at_new", "_look_by_readers", "tell_slack"):
        monkeypatch.setattr(review, name, lambda *_: pytest.fail("there is nothing to do"))

    desk.turn()


def test_equal_readers_are_looked_at_together(
    desk: Desk, board: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, _bob, document = board
    questions = [desk.answered("CBOARD", "UALICE", document) for _ in range(5)]
    desk.answered("DUALICE", "UALICE", document)
    desk.allow(document, alice)
    judged = judgements(monkeypatch)

    desk.turn()

    assert sorted(judged) == [1, 5]
    assert {desk.revisions(one)[0] for one in questions} == {("withdrawn", True)}
    assert SECRET in desk.shown("DUALICE")[0]


def test_a_killed_look_goes_on_where_it_was(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    document, people = company_of(desk, 4)
    monkeypatch.setattr(review, "_GROUPS_AT_ONCE", 1)
    judged: list[str] = []
    look = review._look_at_group

    def killed_at_the_third(database: Any, key: str, answers: list[int]) -> None:
        if len(judged) == 2:
            judged.append("killed")
            raise Killed
        judged.append(key)
        look(database, key, answers)

    monkeypatch.setattr(review, "_look_at_group", killed_at_the_third)
    desk.allow(document)
    with pytest.raises(Killed):
        desk.turn()
    desk.turn()

    keys = [one for one in judged if one != "killed"]
    assert len(keys) == len(set(keys)) == 4
    assert all(desk.revisions(one) == [("withdrawn", True)] for one in people.values())


def test_a_change_in_the_middle_of_a_look_has_another_look(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 39: the group that it bears on was done already."""
    document, people = company_of(desk, 3)
    monkeypatch.setattr(review, "_GROUPS_AT_ONCE", 1)
    look = review._look_at_group
    seen: list[str] = []

    def revoked_after_the_second(database: Any, key: str, answers: list[int]) -> None:
        look(database, key, answers)
        seen.append(key)
        if len(seen) == 2:
            desk.allow(document)

    monkeypatch.setattr(review, "_look_at_group", revoked_after_the_second)
    desk.library.folder("another epoch")
    desk.turn()
    assert {desk.revisions(one)[0][0] for one in people.values()} == {None, "withdrawn"}

    desk.turn()

    assert {desk.revisions(one)[0] for one in people.values()} == {("withdrawn", True)}


def test_two_workers_share_a_look(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one has some groups in hand, the other leaves the look to it."""
    document, people = company_of(desk, 3)
    monkeypatch.setattr(review, "_GROUPS_AT_ONCE", 1)
    look = review._look_at_group
    seen: list[str] = []

    def the_other_comes(database: Any, key: str, answers: list[int]) -> None:
        seen.append(key)
        if len(seen) == 1:
            desk.turn()
        look(database, key, answers)

    monkeypatch.setattr(review, "_look_at_group", the_other_comes)
    desk.allow(document)

    desk.turn()

    assert len(seen) == 3
    assert desk.slack.calls.count("update") == 3
    assert {desk.revisions(one)[0] for one in people.values()} == {("withdrawn", True)}


def test_what_another_worker_did_between_two_steps_is_not_done_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, people = company_of(desk, 3)
    monkeypatch.setattr(review, "_GROUPS_AT_ONCE", 1)
    step = review._look_at_groups

    def the_other_comes_next(database: Any, groups: Any, now_at: int) -> bool:
        done = step(database, groups, now_at)
        monkeypatch.setattr(review, "_look_at_groups", step)
        monkeypatch.setattr(review, "_TURN_S", -1.0)
        desk.turn()  # for one step
        return done

    monkeypatch.setattr(review, "_look_at_groups", the_other_comes_next)
    judged = judgements(monkeypatch)
    desk.allow(document)

    desk.turn()

    assert judged == [1] * 3
    assert {desk.revisions(one)[0] for one in people.values()} == {("withdrawn", True)}


def test_a_plan_of_an_older_look_takes_nothing_from_a_newer_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow worker's list does not hold what was posted since."""
    document, people = company_of(desk, 2)
    late = ("carl", "dora", "emil", "fred")  # one of them comes before somebody in the list
    desk.library.folder("another epoch")
    plan = review._groups

    def slow(services: Services, now_at: int) -> list[tuple[str, list[int]]]:
        old = plan(services, now_at)
        monkeypatch.setattr(review, "_groups", plan)
        desk.turn()  # another worker ends this look
        for name in late:
            desk.person(name)
        desk.allow(document, Class.MEMBERS)
        for name in late:
            people[name] = desk.answered(f"DU{name.upper()}", f"U{name.upper()}", document)
        desk.allow(document)
        with desk.library.database.session("answerer") as session:
            session.execute(review._BEGIN)  # and begins another
        return old

    monkeypatch.setattr(review, "_groups", slow)
    desk.turn()
    desk.turn()

    assert {desk.revisions(people[name])[0] for name in late} == {("withdrawn", True)}


def test_an_answer_of_long_ago_is_left_as_it_is(desk: Desk, board: tuple[int, int, int]) -> None:
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.look(question_id, "UPDATE outbox SET posted_at = now() - interval '91 days' RETURNING id")
    desk.allow(document, alice)

    desk.turn()

    assert desk.revisions(question_id) == [(None, False)]


def test_answers_on_record_before_their_readers_were_go_by_their_audiences(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    alice, _bob, document = board
    goes = desk.answered("CBOARD", "UALICE", document)
    stays = desk.answered("DUALICE", "UALICE", document)
    for question_id in (goes, stays):
        desk.look(question_id, "UPDATE answer SET readers = '{}' RETURNING id")
    desk.allow(document, alice)

    desk.turn()

    assert desk.revisions(goes) == [("withdrawn", True)]
    assert desk.revisions(stays) == [(None, False)]


def test_across_questions_nobody_sees_a_word(desk: Desk, board: tuple[int, int, int]) -> None:
    """Threat 32: and without saying so, not even what an answer rests on."""
    *_, document = board
    desk.answered("CBOARD", "UALICE", document)
    with desk.library.database.session("answerer") as session:
        assert session.execute(text("SELECT id FROM answer")).all() == []
        review._mend(session)
        assert len(session.execute(text("SELECT id FROM answer")).all()) == 1
        for table in ("question", "outbox", "document", "chunk"):
            assert session.execute(text(f"SELECT * FROM {table}")).all() == []  # noqa: S608
    with desk.library.database.session("ingress") as session:
        assert (
            session.scalar(text("SELECT has_column_privilege('outbox', 'payload', 'SELECT')"))
            is False
        )


# What is taken away


def test_all_messages_of_a_question_are_taken_away(desk: Desk, board: tuple[int, int, int]) -> None:
    *_, document = board
    question_id = desk.answered("CBOARD", "UALICE", document, parts=2)
    other = desk.answered("CBOARD", "UALICE", document)

    revisions.remove(desk.services, question_id)

    assert len(desk.shown("CBOARD")) == 1
    assert desk.revisions(question_id) == [("deleted", True)] * 2
    assert desk.revisions(other) == [(None, False)]
    assert "million" not in str(desk.look(question_id, "SELECT payload FROM outbox"))
    revisions.remove(desk.services, question_id)
    assert desk.slack.calls.count("delete") == 2


def test_a_message_that_is_out_and_not_on_record_is_taken_away(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    *_, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.look(
        question_id,
        "UPDATE outbox SET state = 'ready', channel_id = NULL, message_ts = NULL, posted_at = NULL,"
        " opened_channel = 'CBOARD', opened_ts = '9.9' RETURNING id",
    )
    desk.slack.messages["CBOARD", "9.9"] = Message("Searching…", [], "")

    revisions.remove(desk.services, question_id)

    assert desk.shown("CBOARD") == []
    desk.rest_is_over(question_id)
    desk.turn()  # what was late is gone, too
    assert desk.revisions(question_id) == [("deleted", True)]


def test_a_message_that_slack_shows_late_is_taken_away_late(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    *_, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    ((posted, message),) = desk.slack.messages.items()
    desk.look(
        question_id,
        "UPDATE outbox SET state = 'ready', channel_id = NULL, message_ts = NULL, posted_at = NULL"
        " RETURNING id",
    )
    desk.slack.messages.clear()
    revisions.remove(desk.services, question_id)
    desk.slack.messages[posted] = message
    assert desk.look(question_id, "SELECT state FROM outbox") == [("dropped",)], "it waits for none"

    desk.rest_is_over(question_id)
    desk.turn()

    assert desk.shown("CBOARD") == []
    assert desk.revisions(question_id) == [("deleted", True)]


def test_what_was_never_out_is_not_looked_for_for_ever(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    *_, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.look(question_id, "UPDATE outbox SET state = 'ready', posted_at = NULL RETURNING id")
    desk.slack.messages.clear()
    revisions.remove(desk.services, question_id)
    assert desk.revisions(question_id) == [("deleted", False)]
    desk.look(question_id, "UPDATE outbox SET mend_at = now() RETURNING id")

    desk.turn()

    assert desk.revisions(question_id) == [("deleted", True)]


def test_where_slack_is_away_the_sweep_takes_it_away_later(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.slack.failures = [SlackUnavailable("TimeoutError")]
    revisions.remove(desk.services, question_id)
    assert len(desk.shown("CBOARD")) == 1
    desk.allow(document, alice)
    desk.rest_is_over(question_id)

    desk.turn()

    assert desk.shown("CBOARD") == []
    assert desk.revisions(question_id) == [("deleted", True)]


# What it costs


def test_a_look_at_many_answers_takes_as_many_steps_as_there_are_audiences(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And several turns where there is no time for it in one: each goes on where the last ended."""
    document = desk.library.document("budget", SECRET, only(Class.MEMBERS))
    names = [f"p{number}" for number in range(25)]
    for name in names:
        desk.person(name)
    many(desk, document, [f"U{name.upper()}" for name in names], 20)
    monkeypatch.setattr(review, "_TURN_S", -1.0)
    judged = judgements(monkeypatch)
    assert turns_until_done(desk) == 3
    assert judged == [20] * 25
    with desk.library.change() as change:
        change.delete_document(document)

    assert turns_until_done(desk) == 3

    assert judged == [20] * 50
    with desk.library.database.session("ingress") as session:
        left = session.scalar(text("SELECT count(*) FROM outbox WHERE revision IS NULL"))
    assert left == 0


# The whole way, through Slack's own API


def test_an_answer_that_ken_gave_is_withdrawn_in_slack(company: Company) -> None:
    """Threats 12 and 39."""
    alice, bob = company.person("alice"), company.person("bob")
    ours = company.library.document("ours", SECRET, only(alice, bob))
    question_id = company.asked("CBOARD", "alice", "What is the budget?")
    review.look_at_all(company.services)
    assert SECRET in repr(company.posts("CBOARD")[0].blocks)

    with company.library.change() as change:
        change.set_permissions(ours, only(alice))
    review.look_at_all(company.services)

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

    review.look_at_channel(company.services, "CBOARD")

    assert [posted.text for posted in company.posts("CBOARD")] == [WITHDRAWN]


# For tests


def counted(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def judgements(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many answers are judged at once, each time."""
    judged: list[int] = []
    judge = review._judged

    def judging(database: Any, audience: Any, given: Any) -> Any:
        judged.append(len(given))
        return judge(database, audience, given)

    monkeypatch.setattr(review, "_judged", judging)
    return judged


def late(desk: Desk) -> None:
    """The source's permissions are older than it allows."""
    with desk.library.change() as change:
        change.session.execute(
            text("""
                UPDATE source SET max_staleness = interval '1 hour',
                                  synced_at = now() - interval '1 day' WHERE id = :id
            """),
            {"id": desk.library.source_id},
        )


def replace_text(desk: Desk, document: int, content_hash: str) -> None:
    with desk.library.change() as change:
        change.session.execute(
            text("UPDATE document SET content_hash = :hash WHERE id = :id"),
            {"hash": content_hash, "id": document},
        )


def company_of(desk: Desk, people: int) -> tuple[int, dict[str, int]]:
    """A document that each may read, and each one's answer from it in a direct message."""
    names = [f"person{number}" for number in range(people)]
    ids = [desk.person(name) for name in names]
    document = desk.library.document("budget", SECRET, only(*ids))
    return document, {
        name: desk.answered(f"DU{name.upper()}", f"U{name.upper()}", document) for name in names
    }


def many(desk: Desk, document: int, user_ids: list[str], each: int) -> None:
    """Posted answers, written in one go."""
    owner = connect(desk.settings, "owner")
    tables = ("question", "answer", "outbox")
    payload = Reply("", (Line(SECRET, ()),)).payload()
    with owner.begin() as connection:
        for table in tables:
            connection.execute(text(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))
        connection.execute(
            text("""
                INSERT INTO question (event_id, surface, team_id, channel_id, message_ts, thread_ts,
                                      user_id, text)
                SELECT user_id || '/' || number, 'slack', :team, 'D' || user_id, number::text,
                       '', user_id, ''
                FROM unnest(CAST(:users AS text[])) AS user_id, generate_series(1, :each) AS number
            """),
            {"team": TEAM, "users": user_ids, "each": each},
        )
        connection.execute(
            text("""
                INSERT INTO answer (question_id, kind, audience, epoch, used, cited, model,
                                    prompt_version, verdicts, readers)
                SELECT id, 'direct', '{1}', 0, ARRAY[CAST(:document AS bigint)], '{}', '', '', '{}',
                       jsonb_build_object(
                           'accounts', jsonb_build_array(
                               jsonb_build_array('slack:' || team_id, user_id)),
                           'users', '[]'::jsonb, 'classes', '[]'::jsonb, 'strangers', false)
                FROM question
            """),
            {"document": document},
        )
        connection.execute(
            text("""
                INSERT INTO outbox (question_id, kind, payload, state, channel_id, message_ts,
                                    posted_at, reviewed_at)
                SELECT id, 'direct', CAST(:payload AS jsonb), 'posted', channel_id, message_ts,
                       now(), now()
                FROM question
            """),
            {"payload": json.dumps(payload)},
        )
        for table in tables:
            connection.execute(text(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"))
    owner.dispose()


def turns_until_done(desk: Desk) -> int:
    """Without telling Slack."""
    turns = 0
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(review, "tell_slack", lambda _: None)
        while turns < 10:
            desk.turn()
            turns += 1
            with desk.library.database.session("ingress") as session:
                if session.scalar(text("SELECT done >= value FROM mending, epoch")):
                    break
    return turns
