"""A company in the database and in the Slack double, with a model that a test puts words into."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sqlalchemy import text

from bot.playground.client import Playground, Seen
from policies.tables.people import UserStatus
from tests.workers.library import Library
from workers.database.sessions import connect
from workers.intake.leases import question_session
from workers.intake.messages import Question, Surface
from workers.interface import store_question
from workers.models.base import NOBODY, Draft, Passage, Profile, Sentence
from workers.services import Services
from workers.tasks import work_on

TEAM = "T1"

WORKSPACE: dict[str, Any] = {
    "team": {"id": TEAM, "name": "Acme", "domain": "acme"},
    "users": [
        {"id": "UALICE", "name": "alice"},
        {"id": "UBOB", "name": "bob"},
        {"id": "UCARL", "name": "carl"},
        {"id": "UGUEST", "name": "guest", "is_restricted": True},
        {"id": "UFAR", "name": "far", "is_stranger": True, "team_id": "T2"},
        {"id": "UROBOT", "name": "robot", "is_bot": True},
    ],
    "channels": [
        {"id": "CALL", "name": "all", "members": ["UALICE", "UBOB", "UROBOT", "UKEN"]},
        {"id": "CGUEST", "name": "guests", "members": ["UALICE", "UGUEST", "UKEN"]},
        {
            "id": "CBOARD",
            "name": "board",
            "is_private": True,
            "members": ["UALICE", "UBOB", "UKEN"],
        },
        {
            "id": "CSHARED",
            "name": "shared",
            "is_ext_shared": True,
            "members": ["UALICE", "UFAR", "UKEN"],
        },
        {
            "id": "CJOINT",
            "name": "joint",
            "is_private": True,
            "is_ext_shared": True,
            "members": ["UALICE", "UBOB", "UFAR", "UKEN"],
        },
        {"id": "GTRIO", "name": "trio", "is_mpim": True, "members": ["UALICE", "UBOB", "UKEN"]},
    ],
}
_numbers = count(1)

Write = Callable[[str, tuple[Passage, ...]], Draft]


def quote_all(question: str, passages: tuple[Passage, ...]) -> Draft:
    """An honest model without judgement: every passage is an answer."""
    return Draft(
        tuple(
            Sentence(passage.text, number, passage.text)
            for number, passage in enumerate(passages, start=1)
        )
    )


@dataclass
class FakeAnswerer:
    """Writes what a test says, and remembers what it was shown."""

    write_next: Write = quote_all
    name: str = "fake"
    counts_rows: bool = False
    shown: list[tuple[str, tuple[Passage, ...]]] = field(default_factory=list)
    profiles: list[Profile] = field(default_factory=list)

    def write(
        self,
        question: str,
        passages: tuple[Passage, ...],
        *,
        language: str = "",
        profile: Profile = NOBODY,
    ) -> Draft:
        self.shown.append((question, passages))
        self.profiles.append(profile)
        return self.write_next(question, passages)

    @property
    def documents_shown(self) -> set[str]:
        return {passage.document for _, passages in self.shown for passage in passages}


@dataclass
class Company:
    """People write in the double, and a worker's whole path runs in this process."""

    library: Library
    slack: Playground
    services: Services
    model: FakeAnswerer

    def person(
        self,
        name: str,
        *,
        linked: bool = True,
        status: UserStatus = UserStatus.ACTIVE,
        guest: bool = False,
        profile: Mapping[str, str] | None = None,
    ) -> int:
        """A user of ours, linked to `U` + NAME in Slack."""
        user_id = self.library.person(name, status=status, guest=guest, profile=profile)
        if linked:
            with self.library.change() as change:
                slack = change.put_source(f"slack:{TEAM}")
                change.link(user_id, slack, f"U{name.upper()}", by="admin")
        return user_id

    def asked(self, channel: str, person: str, words: str) -> int:
        """Somebody asks, and a worker takes it up. The channel is an id."""
        question_id = self.said(channel, person, words)
        self.work(question_id)
        return question_id

    def said(self, channel: str, person: str, words: str) -> int:
        """Somebody writes, and the question is kept: its id."""
        user_id = f"U{person.upper()}"
        ts = self.slack.say(channel, user_id, words).ts
        return kept(channel_id=channel, user_id=user_id, ts=ts, words=words)

    def work(self, question_id: int) -> None:
        work_on(self.services, question_id)

    def rest_is_over(self, question_id: int) -> None:
        """As if the time before the next try had passed."""
        self.look(question_id, "UPDATE lease SET expires_at = now() RETURNING token")

    def asked_long_ago(self, question_id: int, seconds: int) -> None:
        """As if it had waited that much longer."""
        owner = connect(self.services.settings, "owner")
        with owner.begin() as connection:
            connection.execute(text("ALTER TABLE question NO FORCE ROW LEVEL SECURITY"))
            connection.execute(
                text(
                    "UPDATE question SET asked_at = asked_at - make_interval(secs => :seconds) "
                    "WHERE id = :id"
                ),
                {"id": question_id, "seconds": seconds},
            )
            connection.execute(text("ALTER TABLE question FORCE ROW LEVEL SECURITY"))
        owner.dispose()

    def state(self, question_id: int) -> tuple[str, str | None]:
        ((state, reason),) = self.look(question_id, "SELECT state, reason FROM question")
        return state, reason

    def look(self, question_id: int, statement: str) -> list[Any]:
        """As a worker sees it that works on this question."""
        with question_session(self.library.database, question_id) as session:
            return list(session.execute(text(statement)))

    def posts(self, channel: str) -> list[Seen]:
        return [seen for seen in self.slack.messages(channel) if seen.user == "UKEN"]

    def emitted(self) -> str:
        """Every byte that went to Slack, and to the model."""
        calls = [repr(call.arguments) for call in self.slack.calls()]
        return "\n".join([*calls, *map(repr, self.model.shown)])


def kept(
    *,
    channel_id: str = "",
    user_id: str = "UALICE",
    ts: str = "",
    thread_ts: str = "",
    words: str = "What is the budget?",
    surface: Surface = Surface.SLACK,
) -> int:
    """A question as the door keeps it: its id. The fixture `door` says where."""
    number = next(_numbers)
    question = Question(
        event_id=f"Ev{number}",
        team_id=TEAM,
        channel_id=channel_id,
        message_ts=ts or f"{number}.000001",
        thread_ts=thread_ts or ts or f"{number}.000001",
        user_id=user_id,
        text=words,
        surface=surface,
        revision="" if surface in (Surface.SLACK, Surface.TERMINAL) else f"Ev{number}",
    )
    question_id = store_question(question)
    assert question_id is not None
    return question_id
