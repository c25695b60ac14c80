"""The Web API's frame: registers a function per method, checks arguments, reports errors.

https://docs.slack.dev/apis/web-api/
"""

import base64
import binascii
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.playground.events.kinds import OutgoingEvent
from bot.playground.tokens import Tokens
from bot.playground.workspace import BOT_USER, Channel, Json, Message, User, Workspace

COMMON_ERRORS = frozenset(
    {
        "fatal_error",
        "internal_error",
        "invalid_arguments",
        "invalid_auth",
        "missing_scope",
        "not_allowed_token_type",
        "not_authed",
        "ratelimited",
        "request_timeout",
        "service_unavailable",
        "token_expired",
        "token_revoked",
        "account_inactive",
        "unknown_method",
    }
)
"""Errors that any method may return; the lists of single methods leave these out."""

Kind = Literal["str", "bool", "int", "json"]


class Refused(Exception):
    """The call fails with `ok: false`; `details` goes into `response_metadata.messages`."""

    def __init__(self, error: str, *details: str) -> None:
        super().__init__(error)
        self.error = error
        self.details = details
        self.more: Json = {}
        """Further fields of the answer."""


class MissingScope(Refused):
    """The token lacks a scope; the answer names the needed and the given scopes."""

    def __init__(self, needed: tuple[str, ...], provided: tuple[str, ...]) -> None:
        super().__init__("missing_scope")
        self.more = {"needed": ",".join(needed), "provided": ",".join(provided)}


@dataclass(slots=True)
class Slack:
    """State that a method may read and change."""

    workspace: Workspace
    tokens: Tokens
    token: str = ""
    """The token of the call."""
    client: tuple[str, str] = ("", "")
    """The app's client id and client secret."""
    rotates: bool = False
    """New tokens expire."""
    outgoing_events: list[OutgoingEvent] = field(default_factory=list)
    news: list[Json] = field(default_factory=list)
    """Events that belong to no channel."""

    def may(self, scope: str) -> bool:
        token = self.tokens.of(self.token)
        return token is not None and scope in token.scopes

    def readable(self, channel_id: str) -> Channel:
        """Return a channel that is public or has Ken in it; others do not exist for Ken."""
        channel = self.workspace.channels.get(channel_id)
        if channel is None or not (channel.is_public or BOT_USER in channel.members):
            raise Refused("channel_not_found")
        return channel

    def joined(self, channel_id: str, *, otherwise: str = "not_in_channel") -> Channel:
        channel = self.readable(channel_id)
        if BOT_USER not in channel.members:
            raise Refused(otherwise)
        return channel

    def user(self, user_id: str) -> User:
        if user_id not in self.workspace.users:
            raise Refused("user_not_found")
        return self.workspace.users[user_id]

    def end_stream(self, message: Message) -> None:
        """End a message's stream before an update; while the stream is open, refuse."""
        stream = self.workspace.streams.get(f"{message.channel}/{message.ts}")
        if stream is None:
            return
        if time.monotonic() < stream.ends_at and not stream.is_stopped:
            raise Refused("streaming_state_conflict")
        del self.workspace.streams[f"{message.channel}/{message.ts}"]
        message.streaming, message.chunks = False, []

    def message(self, channel: Channel, ts: str, *, otherwise: str) -> Message:
        message = self.workspace.find(channel.id, ts)
        if message is None:
            raise Refused(otherwise)
        return message


Function = Callable[[Slack, Json], Json]


@dataclass(frozen=True, slots=True)
class Method:
    function: Function
    token: Literal["bot", "app", ""]
    required: frozenset[str]
    kinds: dict[str, Kind]
    scopes: tuple[str, ...]
    """The token needs one of these; empty means that no scope is needed. See scopes.py."""


METHODS: dict[str, Method] = {}


def method(
    name: str,
    /,
    *,
    token: Literal["bot", "app", ""] = "bot",
    scopes: tuple[str, ...] = (),
    **arguments: str,
) -> Callable[[Function], Function]:
    """Register a method; each argument is `str`, `bool`, `int` or `json`, with `!` if required."""

    def register(function: Function) -> Function:
        kinds: dict[str, Any] = {key: kind.rstrip("!") for key, kind in arguments.items()}
        required = frozenset(key for key, kind in arguments.items() if kind.endswith("!"))
        METHODS[name] = Method(function, token, required, kinds, scopes)
        return function

    return register


def read_arguments(target: Method, raw: Json) -> Json:
    """Return the method's arguments as Python values; others are ignored, as Slack does."""
    given = {key: value for key, value in raw.items() if value is not None and key in target.kinds}
    missing = sorted(target.required - given.keys())
    if missing:
        details = (f"[ERROR] missing required field: {name}" for name in missing)
        raise Refused("invalid_arguments", *details)
    return {key: _READERS[target.kinds[key]](key, value) for key, value in given.items()}


def page(
    items: list[Any],
    key: Callable[[Any], str],
    arguments: Json,
    *,
    default: int = 100,
    most: int = 1000,
    bad_limit: str = "invalid_limit",
) -> tuple[list[Any], str]:
    """Return one page of sorted items, and the cursor of the next page.

    A cursor holds the next item's key. `limit=0` means the default; `most` is the maximum.
    """
    limit = arguments.get("limit") or default
    if limit < 0:
        raise Refused(bad_limit)
    start = 0
    if arguments.get("cursor"):
        first = _read_cursor(arguments["cursor"])
        keys = [key(item) for item in items]
        if first not in keys:
            raise Refused("invalid_cursor")
        start = keys.index(first)
    end = start + min(limit, most)
    return items[start:end], _cursor(key(items[end])) if end < len(items) else ""


def paged(answer: Json, next_cursor: str) -> Json:
    return {**answer, "response_metadata": {"next_cursor": next_cursor}}


def check_ts(value: str, *, otherwise: str = "invalid_arguments") -> str:
    if not re.fullmatch(r"\d{1,10}\.\d{6}", value):
        raise Refused(otherwise)
    return value


def _cursor(key: str) -> str:
    return base64.b64encode(f"next:{key}".encode()).decode()


def _read_cursor(cursor: str) -> str:
    try:
        decoded = base64.b64decode(cursor, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refused("invalid_cursor") from None
    if not decoded.startswith("next:"):
        raise Refused("invalid_cursor")
    return decoded.removeprefix("next:")


def _read_str(key: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise Refused("invalid_arguments", f"[ERROR] must be a string [json-pointer:/{key}]")


def _read_bool(key: str, value: object) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False}
    read = known.get(str(value).lower())
    if read is None:
        raise Refused("invalid_arguments", f"[ERROR] must be a boolean [json-pointer:/{key}]")
    return read


def _read_int(key: str, value: object) -> int:
    if isinstance(value, (int, str)) and re.fullmatch(r"-?\d{1,9}", str(value)):
        return int(value)
    raise Refused("invalid_arguments", f"[ERROR] must be an integer [json-pointer:/{key}]")


def _read_json(key: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise Refused(_NO_JSON.get(key, "invalid_arguments"), f"[ERROR] not JSON: {key}") from None


_READERS: dict[str, Callable[[str, object], object]] = {
    "str": _read_str,
    "bool": _read_bool,
    "int": _read_int,
    "json": _read_json,
}

_NO_JSON = {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format"}
