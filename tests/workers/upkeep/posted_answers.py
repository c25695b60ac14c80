"""Answers that were posted, a Slack that holds them, and what changes about them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import text

from policies import current_epoch
from policies.audience import Account
from policies.described import Permissions
from policies.directory import resolve_audience
from tests.workers.library import Library
from tests.workers.slack_company import TEAM, kept
from workers.answering.audience import readers_of
from workers.errors import SlackRefused
from workers.intake.leases import question_session
from workers.intake.messages import Question
from workers.replies.outbox import Kind
from workers.replies.rendering import Citation, Line, Reply
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
        with question_session(self.library.database, question_id) as session:
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
                    "readers": json.dumps(readers.to_json()),
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
        with question_session(self.library.database, question_id) as session:
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
        with question_session(self.library.database, question_id) as session:
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
        review.review_all(self.services)

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


def actions(message: Message) -> list[str]:
    return [
        element["action_id"]
        for block in message.blocks
        for element in block["elements"]
        if "action_id" in element
    ]


@dataclass(eq=False)
class Killed(BaseException):
    """The process is gone."""


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
