"""A Slack workspace in memory: people, channels and messages, loaded from a file."""

import copy
import dataclasses
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_origin, get_type_hints

Json = dict[str, Any]
T = TypeVar("T")

BOT_USER = "UKEN"
BOT_ID = "BKEN"
APP_ID = "AKEN"

_MOST_KEPT = 500
"""Messages that survive a restart; more would take too long to write."""
_PLAIN_STATE = ("homes", "statuses", "titles", "prompts", "sessions", "read", "serial", "clock")


class WorkspaceInvalid(Exception):
    """The workspace file is invalid. The message names the file and the field."""


@dataclass(slots=True, kw_only=True)
class Team:
    id: str
    name: str
    domain: str


@dataclass(slots=True, kw_only=True)
class User:
    id: str
    name: str
    real_name: str = ""
    email: str = ""
    is_email_confirmed: bool = True
    title: str = ""
    tz: str = "Etc/UTC"
    locale: str = "en-US"
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_bot: bool = False
    deleted: bool = False
    team_id: str = ""
    """Empty for the workspace's own team."""


@dataclass(slots=True, kw_only=True)
class Channel:
    id: str
    name: str = ""
    is_private: bool = False
    is_mpim: bool = False
    is_im: bool = False
    is_ext_shared: bool = False
    is_pending_ext_shared: bool = False
    """Another company is invited and has not accepted yet."""
    is_org_shared: bool = False
    """Shared with other workspaces of the organisation."""
    is_shared: bool = False
    """Shared in a way that no other flag covers."""
    is_archived: bool = False
    members: list[str] = field(default_factory=list)

    @property
    def is_public(self) -> bool:
        return not (self.is_private or self.is_mpim or self.is_im)

    @property
    def kind(self) -> str:
        """As in the `types` argument of conversations.list."""
        if self.is_im:
            return "im"
        if self.is_mpim:
            return "mpim"
        return "private_channel" if self.is_private else "public_channel"


@dataclass(slots=True, kw_only=True)
class Usergroup:
    """A user group; `name` is also its handle."""

    id: str
    name: str
    users: list[str] = field(default_factory=list)
    deleted: bool = False


@dataclass(slots=True, kw_only=True)
class Message:
    channel: str
    ts: str
    user: str
    text: str = ""
    thread_ts: str = ""
    """The root's ts, on replies only."""
    subtype: str = ""
    bot_id: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    files: list[Json] = field(default_factory=list)
    metadata: Json = field(default_factory=dict)
    edited_ts: str = ""
    reactions: dict[str, list[str]] = field(default_factory=dict)
    ephemeral_to: str = ""
    """Only this person sees it; no API method returns it."""
    streaming: bool = False
    chunks: list[Json] = field(default_factory=list)
    """Chunks streamed so far; empty once the stream was stopped."""


@dataclass(slots=True)
class Stream:
    """A message that is still being written."""

    ends_at: float
    """As time.monotonic() counts."""
    as_plan: bool
    is_stopped: bool = False
    """Stopped by a person; the app still has to end it."""


@dataclass(slots=True)
class Trigger:
    """The trigger of a person's interaction; it opens one view for them."""

    user: str
    expires_at: float
    """As time.monotonic() counts."""
    view_id: str = ""
    """The modal of the interaction; empty outside modals."""
    is_used: bool = False


@dataclass(slots=True, kw_only=True)
class Workspace:
    team: Team
    users: dict[str, User]
    channels: dict[str, Channel]
    messages: list[Message] = field(default_factory=list)
    homes: dict[str, Json] = field(default_factory=dict)
    """Home views by person."""
    statuses: dict[str, str] = field(default_factory=dict)
    """The assistant's status by `channel/thread_ts`."""
    titles: dict[str, str] = field(default_factory=dict)
    prompts: dict[str, list[Json]] = field(default_factory=dict)
    sessions: dict[str, Json] = field(default_factory=dict)
    """Status and title of agent sessions by `channel/thread_ts`."""
    read: dict[str, dict[str, str]] = field(default_factory=dict)
    """The ts of the newest message seen, by person and channel."""
    streams: dict[str, Stream] = field(default_factory=dict)
    """Messages that are still being written, by `channel/ts`."""
    usergroups: dict[str, Usergroup] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    modals: dict[str, list[Json]] = field(default_factory=dict)
    """Open modals by person, the top one last."""
    serial: int = 0
    clock: int = 0
    """The last ts that was issued, in microseconds."""

    def next_ts(self) -> str:
        """Return a new ts, higher than all before, also after a restart from a state file."""
        self.clock = max(time.time_ns() // 1000, self.clock + 1)
        return f"{self.clock // 1_000_000}.{self.clock % 1_000_000:06}"

    def next_id(self, prefix: str) -> str:
        self.serial += 1
        return f"{prefix}{self.serial:010}"

    def in_channel(self, channel_id: str) -> Iterator[Message]:
        """Yield the messages that everybody there sees, oldest first."""
        for message in self.messages:
            if message.channel == channel_id and not message.ephemeral_to:
                yield message

    def find(self, channel_id: str, ts: str) -> Message | None:
        return next((m for m in self.in_channel(channel_id) if m.ts == ts), None)

    def replies(self, root: Message) -> list[Message]:
        return [m for m in self.in_channel(root.channel) if m.thread_ts == root.ts]

    def remove(self, message: Message) -> None:
        """Delete a message. A root with replies leaves a tombstone, which keeps the thread."""
        if not self.replies(message):
            self.messages.remove(message)
            return
        message.user, message.subtype = "USLACKBOT", "tombstone"
        message.text, message.bot_id = "This message was deleted.", ""
        message.blocks, message.attachments, message.files, message.metadata = [], [], [], {}

    def open_im(self, user_id: str) -> Channel:
        """Return the direct conversation of a person with Ken; create it if needed."""
        channel_id = f"D{user_id}"
        return self.channels.setdefault(
            channel_id, Channel(id=channel_id, is_im=True, members=[user_id, BOT_USER])
        )

    def open_mpim(self, user_ids: list[str]) -> Channel:
        members = sorted({*user_ids, BOT_USER})
        for channel in self.channels.values():
            if channel.is_mpim and sorted(channel.members) == members:
                return channel
        names = "--".join(self.users[user_id].name for user_id in members)
        channel = Channel(
            id=self.next_id("G"), name=f"mpdm-{names}-1", is_mpim=True, members=members
        )
        self.channels[channel.id] = channel
        return channel

    def is_foreign(self, user_id: str) -> bool:
        return self.users[user_id].team_id != self.team.id

    def mark_read(self, user_id: str, channel_id: str, ts: str) -> None:
        """Move the read mark forward, never back: another window may have read further."""
        marks = self.read.setdefault(user_id, {})
        marks[channel_id] = max(ts, marks.get(channel_id, ""))

    def state(self) -> Json:
        """Return what can change after the file is read, with the newest messages."""
        channels = {key: dataclasses.asdict(channel) for key, channel in self.channels.items()}
        messages = [dataclasses.asdict(one) for one in self.messages[-_MOST_KEPT:]]
        plain = {name: getattr(self, name) for name in _PLAIN_STATE}
        return {"channels": channels, "messages": messages, **plain}

    def restore(self, state: Json) -> None:
        self.channels = {key: Channel(**value) for key, value in state["channels"].items()}
        self.messages = [Message(**value) for value in state["messages"]]
        for name in _PLAIN_STATE:
            setattr(self, name, state.get(name, getattr(self, name)))


def load_workspace(path: Path) -> Workspace:
    """Read a workspace file. Raises WorkspaceInvalid, which names the file and the field."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WorkspaceInvalid(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise WorkspaceInvalid(f"{path}: not valid JSON: {error}") from None
    return read_workspace(raw, where=str(path))


def read_workspace(raw: object, *, where: str = "workspace") -> Workspace:
    """Build a workspace from JSON, with the bot user and a direct conversation for everybody.

    Raises WorkspaceInvalid.
    """
    if not isinstance(raw, dict):
        raise WorkspaceInvalid(f"{where}: not an object")
    for name in raw:
        if name not in ("team", "users", "channels", "usergroups"):
            raise WorkspaceInvalid(f"{where}: {name}: unknown field")
    team = _record(Team, raw.get("team"), f"{where}: team")
    users = [_record(User, item, place) for item, place in _items(raw, "users", where)]
    channels = [_record(Channel, item, place) for item, place in _items(raw, "channels", where)]
    groups = [_record(Usergroup, item, place) for item, place in _items(raw, "usergroups", where)]
    users.append(User(id=BOT_USER, name="ken", real_name="Ken", is_bot=True))
    workspace = Workspace(
        team=team,
        users=_by_id(users, r"[UW][A-Z0-9]+", f"{where}: users"),
        channels=_by_id(channels, r"[CG][A-Z0-9]+", f"{where}: channels"),
        usergroups=_by_id(groups, r"S[A-Z0-9]+", f"{where}: usergroups"),
    )
    _check_members(workspace, where)
    for user in users:
        user.team_id = user.team_id or team.id
        if not (user.is_bot or user.deleted or user.is_stranger):
            workspace.open_im(user.id)
    return workspace


def _record(kind: type[T], raw: object, place: str) -> T:
    """Build a dataclass from an object; refuse unknown, missing and wrongly typed fields."""
    if not isinstance(raw, dict):
        raise WorkspaceInvalid(f"{place}: not an object")
    types = get_type_hints(kind)
    for name, value in raw.items():
        if name not in types or name == "is_im":
            raise WorkspaceInvalid(f"{place}.{name}: unknown field")
        expected = get_origin(types[name]) or types[name]
        if not isinstance(value, expected):
            raise WorkspaceInvalid(f"{place}.{name}: not a {expected.__name__}")
    for name in ("id", "name"):
        if not raw.get(name):
            raise WorkspaceInvalid(f"{place}.{name}: missing")
    try:
        return kind(**copy.deepcopy(raw))
    except TypeError as error:
        raise WorkspaceInvalid(f"{place}: {error}") from None


def _items(raw: Json, name: str, where: str) -> Iterator[tuple[object, str]]:
    """Yield each item of a list with its place in the file. Raises WorkspaceInvalid."""
    items = raw.get(name, [])
    if not isinstance(items, list):
        raise WorkspaceInvalid(f"{where}: {name}: not a list")
    for number, item in enumerate(items):
        yield item, f"{where}: {name}[{number}]"


def _by_id(records: list[T], pattern: str, place: str) -> dict[str, T]:
    by_id: dict[str, T] = {}
    for record in records:
        record_id: str = getattr(record, "id")  # noqa: B009
        if not re.fullmatch(pattern, record_id):
            raise WorkspaceInvalid(f"{place}: id {record_id!r} is not like {pattern}")
        if record_id in by_id:
            raise WorkspaceInvalid(f"{place}: id {record_id!r} occurs twice")
        by_id[record_id] = record
    return by_id


def _check_members(workspace: Workspace, where: str) -> None:
    named = [(f"channels: {c.id}.members", c.members) for c in workspace.channels.values()]
    named += [(f"usergroups: {g.id}.users", g.users) for g in workspace.usergroups.values()]
    for place, members in named:
        for member in members:
            if member not in workspace.users:
                raise WorkspaceInvalid(f"{where}: {place}: no user {member!r}")
