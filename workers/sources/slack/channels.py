"""Slack's channels as a source: each thread is a document, and a channel's members read it.

A public channel is read by every member of the company and by the guests in it, a private one by
its members. Direct messages are never read. docs/connectors/slack.md says what is mapped how.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import structlog
from slack_sdk import WebClient

from policies.described import SeenAccount
from workers.errors import ServerUnavailable, SlackBusy, SlackRefused, SlackUnavailable
from workers.ingest.pushed import Pushed
from workers.intake.messages import storable
from workers.slack.calling import PAGE, call
from workers.slack.client import SlackMessenger
from workers.slack.messenger import Profile, source_of_team
from workers.sources.base import Cursor, Lines, Page, Part, PartRefused, SourceRefused
from workers.sources.slack.threads import Json, Reader, is_reply, thread

log = structlog.get_logger()

KIND = "slack"
ALL_PUBLIC = "*"
"""Instead of channels: every public channel that Ken is in."""
RECENT_S = 14 * 86_400.0
"""How far back a pass that is not full looks for edits, deletions and replies."""
_THREADS_A_PAGE = 50
_MOST_MEMBERS, _MEMBERS_A_PAGE = 100_000, 1_000
_MOST_REPLIES = 5_000
"""Of one thread; what comes after them is not read."""
_TRIES = 6
_LONGEST_WAIT_S = 120.0
_END = "9"
"""Sorts after every time of a message, which has ten digits before its point."""

_LOCKED_OUT = frozenset(
    {
        *("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"),
        *("not_allowed_token_type", "team_access_not_granted"),
        *("org_login_required", "ekm_access_denied", "not_installed", "token_unreadable"),
    }
)
"""Slack's words for a token that opens nothing; any other refusal is one channel's."""


@dataclass(frozen=True, slots=True)
class Options:
    """What an administrator chose; stored as JSON."""

    channels: tuple[str, ...]
    """Ids, or `*` alone."""
    with_bots: bool = False

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "Options":
        return cls(tuple(stored["channels"]), bool(stored.get("with_bots")))

    def to_json(self) -> Json:
        return {"channels": list(self.channels), "with_bots": self.with_bots}


@dataclass
class SlackChannels:
    """The chosen channels of one workspace."""

    messenger: SlackMessenger
    options: Options
    bots_of_ken: Callable[[], frozenset[str]] = frozenset
    """Returns the users that Ken posts as, if the messenger's token is another app's."""
    wait: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    _names: dict[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        return source_of_team(self._own["team_id"])

    def parts(self) -> list[Part]:
        if self.options.channels == (ALL_PUBLIC,):
            return [Part(one["id"], _name(one)) for one in self._public_channels()]
        return [self._part(channel_id) for channel_id in self.options.channels]

    def directory(self) -> Iterator[Lines]:
        for page in self._profiles():
            yield [_account(one.seen) for one in page]

    def access_of(self, part: Part) -> Lines:
        """A channel that cannot be read is closed by name: at once, and whatever else is listed."""
        closed = [{"type": "node", "id": part.id, "kind": "container", "unknown": True}]
        if part.problem:
            return closed
        try:
            channel = self._info(part.id)
            members = sorted(self._members(part.id))
        except SlackRefused as refused:
            log.warning("channel_closed", channel_id=part.id, error=str(refused))
            return closed
        if len(members) > _MOST_MEMBERS:
            log.warning("channel_members_too_many", channel_id=part.id, members=len(members))
            members = []
        group = {"type": "group", "id": part.id, "name": f"#{_name(channel)}"[:500]}
        everybody = [] if _is_private(channel) else ["class:members"]
        return [
            {**group, "members": [f"user:{one}" for one in members]},
            {
                "type": "node",
                "id": part.id,
                "kind": "container",
                "allow": [*everybody, f"group:{part.id}"],
            },
        ]

    def pages(self, part: str, cursor: Cursor | None, *, full: bool) -> Iterator[Page]:
        """The newest threads first. The cursor holds the time of the oldest thread so far, so that
        nothing is lost where Slack has forgotten a cursor of its own.
        """
        try:
            yield from self._pages(part, cursor, full=full)
        except SlackRefused as refused:
            raise PartRefused(_why(refused)) from None

    def _pages(self, part: str, cursor: Cursor | None, *, full: bool) -> Iterator[Page]:
        names = self._people()
        since = str(cursor["since"]) if cursor else self._since(full=full)
        before = str(cursor["before"]) if cursor else ""
        while True:
            found = self._history(part, since, before)
            messages = _messages_of(found)
            oldest = min((str(one["ts"]) for one in messages), default=since)
            is_last = not found.get("has_more")
            if not is_last and not messages:
                raise ServerUnavailable(_HALF)
            roots = [one for one in messages if not is_reply(one)]
            threads = [self._thread(part, root, names) for root in roots]
            low = since if is_last else oldest
            yield Page(
                tuple(one for one in threads if one is not None),
                (f"{part}/{low}", f"{part}/{before or _END}"),
                {"since": since, "before": low},
            )
            if is_last:
                return
            before = oldest

    # -- who reads ----------------------------------------------------------------------------

    def _members(self, channel_id: str) -> set[str]:
        members: set[str] = set()
        for page in self._all(
            "conversations_members", "members", limit=_MEMBERS_A_PAGE, channel=channel_id
        ):
            members.update(map(str, page))
        return members - {self._own["user_id"]}

    # -- channels -----------------------------------------------------------------------------

    def _part(self, channel_id: str) -> Part:
        try:
            channel = self._info(channel_id)
        except SlackRefused as refused:
            return Part(channel_id, channel_id, _why(refused))
        if channel.get("is_im") or channel.get("is_mpim"):
            return Part(channel_id, channel_id, "direct messages are never read")
        if not channel.get("is_member"):
            return Part(channel_id, _name(channel), _NOT_IN_IT)
        return Part(channel_id, _name(channel))

    def _public_channels(self) -> Iterator[Json]:
        try:
            for page in self._all("conversations_list", "channels", types="public_channel"):
                yield from (one for one in page if one.get("is_member") and not _is_private(one))
        except SlackRefused as refused:
            raise _locked_out(refused) from None

    def _info(self, channel_id: str) -> Json:
        found = self._call("conversations_info", channel=channel_id).get("channel")
        if not isinstance(found, dict):
            raise ServerUnavailable(_HALF)
        return found

    # -- threads ------------------------------------------------------------------------------

    def _since(self, *, full: bool) -> str:
        return f"{0 if full else max(0.0, self.now() - RECENT_S):017.6f}"

    def _history(self, part: str, since: str, before: str) -> Json:
        return self._call(
            "conversations_history",
            channel=part,
            oldest=since,
            latest=before or None,
            limit=_THREADS_A_PAGE,
            include_all_metadata=True,
        )

    def _thread(self, part: str, root: Json, names: Mapping[str, str]) -> Pushed | None:
        messages = [root]
        if root.get("reply_count"):
            messages = self._replies(part, str(root["ts"])) or messages
        return thread(self._reader, part, messages, names)

    def _replies(self, part: str, ts: str) -> list[Json]:
        """The whole thread, oldest first; it may be deleted since its channel was listed."""
        messages: list[Json] = []
        try:
            for page in self._all(
                "conversations_replies",
                "messages",
                channel=part,
                ts=ts,
                include_all_metadata=True,  # the mark of what Ken posted
            ):
                messages += [one for one in page if isinstance(one, dict) and "ts" in one]
                if len(messages) > _MOST_REPLIES:
                    break
        except SlackRefused as refused:
            if str(refused) != "thread_not_found":
                raise
        return messages

    def _people(self) -> Mapping[str, str]:
        """Everybody's name; a pass has listed them already, for their accounts."""
        if not self._names:
            for _ in self._profiles():
                pass
        return self._names

    def _profiles(self) -> Iterator[list[Profile]]:
        try:
            for page in self._all("users_list", "members"):
                found = [self.messenger.read_profile(user) for user in page]
                self._names |= {one.account.native_id: one.name for one in found}
                yield found
        except SlackRefused as refused:
            raise _locked_out(refused) from None

    # -- calls --------------------------------------------------------------------------------

    @cached_property
    def _reader(self) -> Reader:
        kens = {self._own["user_id"]}
        if self.options.with_bots:  # no other message of a bot is read anyway
            kens |= self._patiently(self.bots_of_ken)
        return Reader(frozenset(kens), self._own["url"], self.options.with_bots)

    @cached_property
    def _own(self) -> Mapping[str, str]:
        found = self._call("auth_test")
        return {name: str(found[name]) for name in ("user_id", "team_id", "url")}

    def _all(
        self, method: str, what: str, *, limit: int = PAGE, **arguments: Any
    ) -> Iterator[list[Any]]:
        cursor = None
        while True:
            page = self._call(method, limit=limit, cursor=cursor, **arguments)
            found = page.get(what)
            if not isinstance(found, list):
                raise ServerUnavailable(_HALF)
            yield found
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return

    def _call(self, method: str, **arguments: Any) -> Json:
        """Call Slack, and wait where it asks to. Raises SlackRefused for what is one channel's."""
        client: WebClient = self.messenger.posting  # this one does not wait by itself
        found = self._patiently(lambda: call(getattr(client, method), **arguments))
        return dict(found.data) if isinstance(found.data, dict) else {}

    def _patiently(self, work: Callable[[], Any]) -> Any:
        for attempt in range(_TRIES):
            try:
                return work()
            except SlackRefused as refused:
                if str(refused) in _LOCKED_OUT:
                    raise _locked_out(refused) from None
                raise
            except SlackBusy as busy:
                self.wait(min(busy.retry_after_s or 1.0, _LONGEST_WAIT_S))
            except SlackUnavailable:
                self.wait(min(2.0**attempt, _LONGEST_WAIT_S))
        raise ServerUnavailable(
            "Slack does not answer.", remedy="The next pass goes on where this one stopped."
        )


def _locked_out(refused: SlackRefused) -> SourceRefused:
    return SourceRefused(
        f"Slack does not let Ken in: {refused}.",
        remedy="Check the token and its scopes (docs/connectors/slack.md), then run `ken source "
        "test`. What is stored stays as it was.",
    )


def _messages_of(found: Json) -> list[Json]:
    """Half an answer is none: a list that is missing is not an empty one."""
    messages = found.get("messages")
    if not isinstance(messages, list) or not all(
        isinstance(one, dict) and isinstance(one.get("ts"), str) for one in messages
    ):
        raise ServerUnavailable(_HALF)
    return messages


def _account(seen: SeenAccount) -> Json:
    described = {"name": seen.name[:500], "email": seen.email, "kind": seen.kind.value}
    return {"type": "account", "id": seen.native_id, **described}


def _is_private(channel: Json) -> bool:
    """Whatever is not surely a public channel is private."""
    hidden = ("is_private", "is_mpim", "is_im", "is_group")
    return channel.get("is_channel") is not True or any(channel.get(one) for one in hidden)


def _name(channel: Json) -> str:
    return storable(str(channel.get("name") or channel["id"]))


def _why(refused: SlackRefused) -> str:
    return _WHY.get(str(refused), f"Slack does not let Ken read it ({refused})")


_HALF = "Slack sent half an answer."
_NOT_IN_IT = "Ken is not in it: invite Ken there"
_WHY = {
    "channel_not_found": "it does not exist, or is private and Ken is not in it",
    "not_in_channel": _NOT_IN_IT,
}
