"""A thread of Slack as a document: who wrote what, in order. Nothing here calls Slack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from policies.source import NamedPermissions
from workers.ingest.pushed import File, Pushed
from workers.intake.messages import storable
from workers.slack.client import HUMAN_SUBTYPES, MARK
from workers.slack.marks import named, plain, written

Json = dict[str, Any]

_LONGEST_TITLE = 100
_LONGEST_NAME = 80
_BOT = "bot_message"


@dataclass(frozen=True, slots=True)
class Reader:
    """What counts in a workspace, and where it is."""

    bots_of_ken: frozenset[str]
    url: str
    """The workspace's address, with a slash at its end."""
    with_bots: bool


def thread(
    reader: Reader, part: str, messages: Sequence[Json], names: Mapping[str, str]
) -> Pushed | None:
    """Return the document of these messages, the root first; None if none of them is to be read."""
    said = [(one, words) for one in messages if (words := _words(reader, one, names))]
    if not said:
        return None
    root_ts = str(messages[0]["ts"])
    lines = [f"{_author(one, names)} ({_day(one)}): {words}" for one, words in said]
    changed = max(_changed_at(one) for one, _ in said)
    return Pushed(
        id=f"{part}/{root_ts}",
        permissions=NamedPermissions(),
        parent=part,
        title=" ".join(said[0][1].split())[:_LONGEST_TITLE],
        content=File("thread.txt", "\n\n".join(lines).encode()),
        url=f"{reader.url}archives/{part}/p{root_ts.replace('.', '')}",
        updated_at=datetime.fromtimestamp(changed, UTC),
    )


def is_reply(message: Json) -> bool:
    """Shown in the channel as well, and part of a thread that is read by itself."""
    return message.get("thread_ts") not in (None, message["ts"])


def counts(reader: Reader, message: Json) -> bool:
    """Whether a message is to be read. Ken's own are none: an answer may quote what not everybody
    here may read later.
    """
    is_own = message.get("user") in reader.bots_of_ken
    mark = message.get("metadata")
    if is_own or (isinstance(mark, dict) and mark.get("event_type") == MARK):
        return False
    if message.get("bot_id") or message.get("subtype") == _BOT:
        return reader.with_bots
    return message.get("subtype") in HUMAN_SUBTYPES and bool(message.get("user"))


def _words(reader: Reader, message: Json, names: Mapping[str, str]) -> str:
    """What somebody wrote; empty for what does not count. Forwarded messages are left out: they
    belong to those who could read them where they were.
    """
    if not counts(reader, message):
        return ""
    return storable(named(plain(written(message)), names)).strip()


def _author(message: Json, names: Mapping[str, str]) -> str:
    given = names.get(str(message.get("user")), "") or str(message.get("username") or "")
    return " ".join(storable(given).split())[:_LONGEST_NAME] or "Somebody"


def _day(message: Json) -> str:
    return f"{datetime.fromtimestamp(float(message['ts']), UTC):%Y-%m-%d}"


def _changed_at(message: Json) -> float:
    edited = message.get("edited")
    at = edited.get("ts") if isinstance(edited, dict) else None
    return float(at or message["ts"])
