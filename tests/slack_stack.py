"""A small company in Slack, all of Ken beside it, and a referee over every byte that leaves."""

import json
import os
import signal
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import redis
from sqlalchemy import text

from bot.playground.client import Call, Playground, Seen
from tests.ends import ANSWER_S, written
from workers.database.sessions import Database
from workers.embedded.process import Child, wait_until
from workers.intake.leases import question_session
from workers.settings import load_settings

Json = dict[str, Any]
T = TypeVar("T")

STAFF = ("alice", "bob", "carol", "dan", "gerda", "hank", "ivy", "judy")
STRANGER = {"id": "UVIC", "name": "vic", "is_stranger": True, "team_id": "TOTHER"}
WORKSPACE = {
    "team": {"id": "T1", "name": "Acme", "domain": "acme"},
    "users": [
        *({"id": f"U{name.upper()}", "name": name} for name in (*STAFF, "wes")),
        {"id": "UEVE", "name": "eve", "is_restricted": True},
        STRANGER,
    ],
    "channels": [
        {"id": f"C{name.upper()}", "name": name, "members": [*members, "UKEN"], **more}
        for name, members, more in (
            ("general", ["UALICE", "UBOB", "UCAROL", "UDAN", "UHANK", "UIVY", "UWES"], {}),
            ("hall", ["UALICE", "UEVE"], {}),
            ("questions", ["UALICE", "UBOB", "UCAROL"], {}),
            ("team", ["UALICE", "UBOB"], {"is_private": True}),
            ("board", ["UALICE", "UCAROL"], {"is_private": True}),
            ("office", ["UALICE", "UBOB"], {"is_private": True}),
            ("deal", ["UALICE", "UBOB"], {"is_private": True}),
            ("old", ["UALICE", "UBOB"], {"is_private": True}),
            ("lost", ["UALICE", "UBOB"], {"is_private": True}),
            ("partners", ["UALICE", "UVIC"], {"is_ext_shared": True}),
            ("deed", ["UALICE", "UBOB"], {"is_private": True}),
            ("away", ["UALICE", "UBOB"], {"is_private": True}),
            ("crew", ["UIVY", "UGERDA"], {"is_private": True}),
            ("people", ["UDAN"], {"is_private": True}),
        )
    ],
}
PRINCIPALS: list[Json] = [
    {"type": "group", "id": "staff"},
    *(
        {
            "type": "user",
            "id": name,
            "kind": "guest" if name == "eve" else "member",
            "groups": [] if name == "eve" else ["staff"],
            "identities": {"slack:T1": f"U{name.upper()}"},
        }
        for name in (*STAFF, "eve")
    ),
]
PERMISSIONS: list[Json] = [
    {"path": "handbook", "allow": ["group:staff"]},
    {"path": "open", "allow": ["class:members"]},
    {"path": "press", "allow": ["class:internet"]},
    {"path": "finance", "allow": ["user:alice", "user:carol"]},
    {"path": "plans", "allow": ["user:alice", "user:bob"]},
]
DOCUMENTS = {
    "handbook/vacation.md": (
        "# Absence Valdessa\n\nEverybody has thirty days of paid vacation a year (Valdessa).\n"
    ),
    "handbook/travel.md": (
        "# Travel Traxomir\n\nTrain tickets are booked in the Traxomir portal by everybody.\n"
    ),
    "handbook/parking.md": (
        "# Parking Parvulo\n\nA parking space costs forty euros a month (Parvulo).\n"
    ),
    "handbook/canteen.md": (
        "# Canteen Canzonet\n\nThe canteen serves lunch from noon, says Canzonet.\n"
    ),
    "open/hours.md": "# Hours Horavent\n\nThe office opens at eight, by the Horavent rule.\n",
    "press/careers.md": "# Careers Carilex\n\nJob applications go to the Carilex desk.\n",
    "finance/bonus.md": (
        "# Bonus Brimvale\n\nThe bonus pool of this year is two million euros (Brimvale).\n"
    ),
    "plans/move.md": "# Move Movarro\n\nThe move to Lisbon happens in March (Movarro).\n",
}
FULL = frozenset(f"U{name.upper()}" for name in (*STAFF, "wes"))
_STAFF = FULL - {"UWES"}
READERS = {
    "Valdessa": _STAFF,
    "Traxomir": _STAFF,
    "Parvulo": _STAFF,
    "Canzonet": _STAFF,
    "Horavent": FULL,
    "Carilex": FULL | {"UEVE", "UVIC"},
    "Brimvale": frozenset({"UALICE", "UCAROL"}),
    "Movarro": frozenset({"UALICE", "UBOB"}),
}
"""One word of each document, and the accounts that may ever see it: in a public channel everybody
of the company may, whom Ken knows or not."""

VACATION = "How many days of paid vacation does everybody have a year?"
TRAVEL = "Where are train tickets booked?"
PARKING = "What does a parking space cost a month?"
CANTEEN = "From when does the canteen serve lunch?"
HOURS = "When does the office open?"
CAREERS = "Where do job applications go?"
BONUS = "How large is the bonus pool of this year?"
MOVE = "When does the move to Lisbon happen?"


@dataclass
class Stack:
    """The double, the processes behind it, and what was seen of them so far."""

    data_dir: Path
    slack: Playground
    folder: Path
    database: Database
    calls: list[Call] = field(default_factory=list)
    """Of a double that was stopped."""
    readers: dict[str, frozenset[str]] = field(default_factory=lambda: dict(READERS))
    judged: int = 0

    # -- what people do and see -----------------------------------------------------------------

    def ask(self, channel: str, person: str, words: str, *, thread_ts: str = "") -> Seen:
        """Somebody mentions Ken: its last word in the thread."""
        said = self.slack.say(channel, person, f"<@UKEN> {words}", thread_ts=thread_ts)
        return self.reply(channel, thread_ts or said.ts, after=said.ts)

    def tell(self, person: str, words: str) -> Seen:
        """Somebody writes to Ken directly."""
        return self.direct(person, after=self.slack.dm(person, words).ts)

    def reply(self, channel: str, thread_ts: str, *, after: str = "") -> Seen:
        return self.wait(
            lambda: next(
                (m for m in self.posts(channel) if m.thread_ts == thread_ts and m.ts > after), None
            )
        )

    def direct(self, person: str, *, after: str) -> Seen:
        return self.wait(
            lambda: next((m for m in self.posts(f"DU{person.upper()}") if m.ts > after), None)
        )

    def wait(self, look: Callable[[], T | None]) -> T:
        return self.slack.wait_for(look, ANSWER_S)

    def posts(self, channel: str) -> list[Seen]:
        """Ken's, for all who are there; what is still being written is none yet."""
        return [
            m
            for m in self.slack.messages(channel)
            if m.user == "UKEN" and not m.ephemeral_to and not m.streaming and not is_open(m)
        ]

    def whispers(self, channel: str, person: str) -> list[str]:
        user_id = f"U{person.upper()}"
        return [m.text for m in self.slack.messages(channel) if m.ephemeral_to == user_id]

    def now(self, channel: str, seen: Seen) -> Seen | None:
        """The message as it stands now; None: it is gone."""
        return next((m for m in self.slack.messages(channel) if m.ts == seen.ts), None)

    def changed(self, channel: str, seen: Seen, words: str) -> Seen:
        """The message, once it says this."""

        def look() -> Seen | None:
            found = self.now(channel, seen)
            return found if found and words in found.text else None

        return self.wait(look)

    def gone(self, channel: str, seen: Seen) -> None:
        self.wait(lambda: self.now(channel, seen) is None)

    def last(self, person: str) -> str:
        """The ts of the last message in somebody's direct messages."""
        return max((m.ts for m in self.slack.messages(f"DU{person.upper()}")), default="0")

    def load(self, **changes: str) -> Path:
        return written(self.folder, changes, PRINCIPALS, PERMISSIONS)

    # -- what is on record ----------------------------------------------------------------------

    def questions(self) -> list[int]:
        with self.database.session("ingress") as session:
            return list(session.scalars(text("SELECT id FROM question ORDER BY id")))

    def stays_silent(self, channel: str, person: str, words: str, *, thread_ts: str = "") -> None:
        """It is no question of Ken's: nothing is kept."""
        before = self.questions()
        self.slack.say(channel, person, words, thread_ts=thread_ts)
        self.slack.wait_until_delivered()
        assert self.questions() == before

    def ended(self, channel: str, ts: str) -> list[tuple[str, str | None]]:
        """How what was asked with this message ended, and why."""
        with self.database.session("ingress") as session:
            given = {"channel": channel, "ts": ts}
            found = session.scalars(
                text("""
                    SELECT id FROM question
                    WHERE channel_id = :channel AND message_ts = :ts AND user_id <> ''
                """),  # a deletion is kept as a version of nobody
                given,
            ).all()
        return [self._ended(question_id) for question_id in found]

    def _ended(self, question_id: int) -> tuple[str, str | None]:
        with question_session(self.database, question_id) as session:
            row = session.execute(
                text("SELECT state, reason FROM question WHERE id = :id"), {"id": question_id}
            ).one()
        return row.state, row.reason

    def ends_as(self, channel: str, ts: str, *ends: tuple[str, str | None]) -> None:
        assert wait_until(lambda: self.ended(channel, ts) == list(ends), ANSWER_S), self.ended(
            channel, ts
        )

    def all_ended(self) -> bool:
        with self.database.session("ingress") as session:
            return not session.scalar(
                text(
                    "SELECT (SELECT count(*) FROM question WHERE state = 'kept')"
                    " + (SELECT count(*) FROM errand WHERE done_at IS NULL)"
                )
            )

    def all_reviewed(self) -> bool:
        """Each reply was looked at once after it was posted: the next look has another cause."""
        with self.database.session("ingress") as session:
            return not session.scalar(
                text(
                    "SELECT count(*) FROM outbox WHERE state = 'posted' AND reviewed_at IS NULL"
                    " AND kind IN ('channel', 'direct')"
                )
            )

    def errands(self) -> set[tuple[str, str | None]]:
        with self.database.session("ingress") as session:
            rows = session.execute(text("SELECT DISTINCT kind, outcome FROM errand"))
            return {(row.kind, row.outcome) for row in rows}

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The worker does nothing meanwhile; what it was to do waits."""
        pid = Child(self.data_dir, "worker").pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def in_redis(self) -> str:
        """Every key and value that is there now; the bodies of tasks in the clear."""
        url = load_settings(self.data_dir).redis_url.get_secret_value()
        with redis.Redis.from_url(url.replace("redis+socket://", "unix://")) as client:
            found = [value for key in client.scan_iter() for value in (key, *_values(client, key))]
        values = [value.decode(errors="replace") for value in found]
        bodies = [json.loads(one)["body"] for one in values if one.startswith('{"body"')]
        return "\n".join([*values, *(b64decode(body).decode() for body in bodies)])

    # -- the referee ----------------------------------------------------------------------------

    def judge(self) -> None:
        """Since the last time: no word of a document went to somebody who may not read it."""
        channels = {one["id"]: one for one in self.slack.people()["channels"]}
        calls = self.slack.calls()
        begin, self.judged = self.judged, len(calls)
        for call in calls[begin:]:
            self._judge(call.method, call.arguments, channels)
        for channel_id in channels:
            for seen in self.slack.messages(channel_id):
                if seen.user == "UKEN":
                    place = {"channel": channel_id} if not seen.ephemeral_to else {}
                    shown = {"text": seen.text, "blocks": seen.blocks, "chunks": seen.chunks}
                    self._judge("stands", {**place, "user": seen.ephemeral_to, **shown}, channels)

    def _judge(self, what: str, arguments: Json, channels: dict[str, Json]) -> None:
        said = json.dumps(arguments, ensure_ascii=False)
        named = [word for word in self.readers if word in said]
        if not named:
            return
        here = _readers(arguments, channels)
        assert here, f"{what}: to whom?"
        for word in named:
            assert here <= self.readers[word], f"{what}: {word} to {here - self.readers[word]}"

    def stopped(self) -> None:
        """The double is stopped, and forgets its calls."""
        self.judge()
        self.calls += self.slack.calls()
        self.judged = 0


def is_open(seen: Seen) -> bool:
    """A message that only says what is being done; an answer that was streamed keeps that above."""
    kinds = {block["type"] for block in seen.blocks}
    return bool(kinds & {"task_card", "plan"}) and "rich_text" not in kinds


def words_of(seen: Seen) -> str:
    """What people read: a message that was streamed has blocks alone."""
    return "".join(
        leaf.get("text", "")
        for block in seen.blocks
        if block["type"] == "rich_text"
        for section in block["elements"]
        for leaf in section["elements"]
    )


def action_ids(seen: Seen) -> set[str]:
    return {
        element["action_id"]
        for block in seen.blocks
        for element in block.get("elements", [])
        if "action_id" in element
    }


def value_of(seen: Seen, action_id: str) -> str:
    """What pressing this button says."""
    return next(
        str(element["value"])
        for block in seen.blocks
        for element in block.get("elements", [])
        if element.get("action_id") == action_id
    )


def number_of(seen: Seen) -> str:
    """The question's, from the menu of its answer."""
    return next(
        str(element["options"][0]["value"]).partition(":")[2]
        for block in seen.blocks
        for element in block.get("elements", [])
        if element.get("action_id") == "ken_more"
    )


def _readers(arguments: Json, channels: dict[str, Json]) -> frozenset[str]:
    """Everybody who can see what was said: in a public channel all who may join, too."""
    place = arguments.get("channel") or arguments.get("channel_id")
    if not place:
        user = arguments.get("user_id") or arguments.get("user")
        return frozenset({str(user)} if user else ())
    channel = channels[str(place)]
    is_public = not (channel["is_private"] or channel["is_im"] or channel["is_mpim"])
    return frozenset(channel["members"]) - {"UKEN"} | (FULL if is_public else frozenset())


def _values(client: Any, key: bytes) -> list[bytes]:
    match client.type(key):
        case b"list":
            return list(client.lrange(key, 0, -1))
        case b"set":
            return list(client.smembers(key))
        case b"zset":
            return list(client.zrange(key, 0, -1))
        case b"hash":
            return [part for pair in client.hgetall(key).items() for part in pair]
    return [client.get(key) or b""]
