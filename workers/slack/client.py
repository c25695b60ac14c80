"""Slack's Web API as the workers use it: who is in a conversation, and posting to it
exactly once.
"""

import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.http_retry.handler import RetryHandler

from policies.audience import Account
from policies.tables.people import AccountKind
from workers.errors import InputInvalid, SlackBusy, SlackRefused, SlackUnavailable
from workers.intake.messages import storable
from workers.settings import Settings
from workers.slack.calling import PAGE, call, pages
from workers.slack.connections import Connections, KeptWebClient
from workers.slack.marks import carried, plain, written
from workers.slack.messenger import (
    Listed,
    Message,
    Opened,
    Place,
    PlaceKind,
    Posted,
    Profile,
    Said,
    Task,
    source_of_team,
)

log = structlog.get_logger()

_WINDOWS_S = (120.0, 1800.0, 6 * 3600.0, 3 * 86400.0, 60 * 86400.0, 10 * 365 * 86400.0)
"""How far back a long thread is read, until enough of its newest messages were found."""
_ENOUGH, _MOST_SAID = 12, 50
_LONGEST_TITLE = 200
_LONGEST_POST, _LONGEST_UPDATE = 40_000, 4_000
"""For `text`: Slack's pages say characters, one report says bytes. The blocks have the
full text."""
_STREAMS_A_MINUTE = 15
"""Slack's tier 2 begins at 20; other processes of ours start streams, too."""
_TIMEOUT_S = 10
_SHORT_TIMEOUT_S = 3
_SHARED = ("is_ext_shared", "is_pending_ext_shared", "is_org_shared", "is_shared")
"""Shared with other companies or workspaces, from the invitation on. The last flag covers every
kind: Slack may add another."""
_SLACKBOT = "USLACKBOT"
HUMAN_SUBTYPES = frozenset({None, "file_share", "thread_broadcast", "me_message"})
MARK = "ken_reply"
"""The event type of the metadata that our messages carry."""


class TokenBucket:
    """A token bucket: this many calls a minute, and none for a while after Slack asked
    us to wait.
    """

    def __init__(self, a_minute: int) -> None:
        self._most = a_minute
        self._left = float(a_minute)
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> bool:
        with self._lock:
            now = time.monotonic()
            self._left = min(self._most, self._left + max(0.0, now - self._at) * self._most / 60)
            self._at = max(now, self._at)
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def empty(self, for_s: float) -> None:
        with self._lock:
            self._left, self._at = 0.0, time.monotonic() + for_s


@dataclass(frozen=True)
class SlackMessenger:
    client: WebClient
    posting: WebClient
    showing: WebClient
    """For calls that may fail: an answer waits only briefly for them."""
    audience_limit: int
    streams: TokenBucket
    team_of_org: str = ""

    @classmethod
    def connect(
        cls, settings: Settings, *, token: str = "", team_of_org: str = ""
    ) -> "SlackMessenger":
        """Make the clients; no call is made yet. Only reading retries when Slack asks us to wait: a
        dropped connection may mean that a message was posted, and a later post must be checked
        again.

        Without a token, the one from the settings is used. `team_of_org`: the workspace to use if
        the token is for a whole Grid organisation.
        """
        reading: list[RetryHandler] = [RateLimitErrorRetryHandler(max_retry_count=2)]
        token = token or settings.slack_bot_token.get_secret_value()
        connections = Connections.to(settings.slack_api_url)
        of_team = partial(_client, settings, connections, token=token, team_id=team_of_org)
        return cls(
            client=of_team(reading),
            posting=of_team([]),
            showing=of_team([], timeout_s=_SHORT_TIMEOUT_S),
            audience_limit=settings.audience_limit,
            streams=TokenBucket(_STREAMS_A_MINUTE),
            team_of_org=team_of_org,
        )

    # -- who reads there ----------------------------------------------------------------------

    def place(self, channel_id: str) -> Place:
        channel = call(self.client.conversations_info, channel=channel_id)["channel"]
        if channel.get("is_im"):
            return Place(PlaceKind.DIRECT)
        private = bool(channel.get("is_private") or channel.get("is_mpim"))
        external = any(channel.get(flag) for flag in _SHARED)
        members, unanswered = self._members(channel_id)
        return Place(
            kind=PlaceKind.PRIVATE if private and members is not None else PlaceKind.PUBLIC,
            members=members or frozenset(),
            complete=members is not None,
            external=external,
            unanswered=unanswered,
        )

    def _members(self, channel_id: str) -> tuple[frozenset[Account] | None, bool]:
        """Return everybody in the channel but Ken; None if that cannot be known or is too many.

        The second value: whether that may be transient.
        """
        members: set[str] = set()
        try:
            for page in pages(self.client.conversations_members, channel=channel_id):
                members.update(page["members"])
                if len(members) > self.audience_limit:
                    return None, False
        except SlackUnavailable as error:
            return None, error.transient
        people = members - {self._own["user_id"]}
        return frozenset(Account(self._source, one) for one in people), False

    def guests(self, accounts: frozenset[Account]) -> frozenset[Account]:
        return frozenset(account for account in accounts if self._is_guest(account.native_id))

    def _is_guest(self, user_id: str) -> bool:
        user = call(self.client.users_info, user=user_id)["user"]
        return bool(
            user.get("is_restricted")
            or user.get("is_ultra_restricted")
            or user.get("is_stranger")
            or user.get("team_id") != self._own["team_id"]
        )

    def profile(self, user_id: str) -> Profile:
        found = call(self.client.users_info, user=user_id, include_locale=True)
        return self.read_profile(found["user"])

    def profiles(self) -> Iterator[list[Profile]]:
        for page in pages(self.client.users_list):
            yield [self.read_profile(user) for user in page["members"]]

    def read_profile(self, user: dict[str, Any]) -> Profile:
        """Return what Slack sent of a person, as we use it."""
        profile = user.get("profile") or {}
        name = user.get("real_name") or profile.get("real_name") or user.get("name") or user["id"]
        return Profile(
            account=Account(self._source, user["id"]),
            name=storable(name),
            email=storable(profile.get("email") or "") or None,
            confirmed=user.get("is_email_confirmed") is True,
            kind=_kind(user, self._own["team_id"]),
            title=storable(profile.get("title") or ""),
            timezone=storable(user.get("tz") or ""),
            locale=storable(user.get("locale") or ""),
        )

    def channels(self) -> Iterator[list[Listed]]:
        for page in pages(
            self.client.conversations_list,
            types="public_channel,private_channel,mpim",
            exclude_archived=True,
        ):
            yield [
                Listed(
                    channel_id=channel["id"],
                    name=str(channel.get("name") or ""),
                    has_ken=channel.get("is_member") is True or channel.get("is_mpim") is True,
                    is_group_message=channel.get("is_mpim") is True,
                )
                for channel in page["channels"]
            ]

    def channels_of(self, user_id: str) -> frozenset[str]:
        found = pages(
            self.client.users_conversations,
            user=user_id,
            types="public_channel,private_channel,mpim",
        )
        return frozenset(str(channel["id"]) for page in found for channel in page["channels"])

    def find_channel(self, name: str) -> str:
        wanted = name.removeprefix("#")
        seen: list[str] = []
        for page in pages(
            self.client.conversations_list,
            types="public_channel,private_channel,mpim",
            exclude_archived=True,
        ):
            for channel in page["channels"]:
                if wanted in (channel["id"], channel.get("name")):
                    return str(channel["id"])
                seen.append(str(channel.get("name")))
        raise InputInvalid(
            f"Ken is not in a channel {name!r}.",
            remedy="Invite Ken to it."
            + (f" Ken is in: {', '.join(sorted(seen)[:12])}." if seen else ""),
        )

    def public_name(self, channel_id: str) -> str:
        channel = call(self.client.conversations_info, channel=channel_id)["channel"]
        hidden = ("is_private", "is_mpim", "is_im", "is_group")
        if channel.get("is_channel") is not True or any(channel.get(one) for one in hidden):
            return ""
        return storable(str(channel.get("name") or ""))

    # -- posting ------------------------------------------------------------------------------

    def post(self, channel_id: str, thread_ts: str, message: Message) -> Posted:
        return self._post(message, channel=channel_id, thread_ts=thread_ts or None)

    def post_direct(self, user_id: str, message: Message) -> Posted:
        return self._post(message, channel=self._direct_channel(user_id))

    def find(self, channel_id: str, thread_ts: str, mark: str, *, since: str) -> list[Posted]:
        found = {
            message["ts"]
            for message in self._messages(channel_id, thread_ts, since)
            if _mark(message) == {"mark": mark}
        }
        return [Posted(channel_id, ts) for ts in sorted(found)]

    def _messages(self, channel_id: str, thread_ts: str, since: str) -> Iterator[dict[str, Any]]:
        """Read a thread or a conversation; a thread's first message is included,
        however old it is.
        """
        read = self.client.conversations_replies if thread_ts else self.client.conversations_history
        where = {"ts": thread_ts} if thread_ts else {}
        for page in pages(
            read, channel=channel_id, include_all_metadata=True, oldest=since, **where
        ):
            yield from page["messages"]

    def find_direct(self, user_id: str, mark: str, *, since: str) -> list[Posted]:
        return self.find(self._direct_channel(user_id), "", mark, since=since)

    def delete(self, posted: Posted) -> None:
        try:
            call(self.posting.chat_delete, channel=posted.channel_id, ts=posted.message_ts)
        except SlackRefused as refused:
            if str(refused) != "message_not_found":
                raise

    def update(self, posted: Posted, message: Message) -> None:
        call(
            self.posting.chat_update,
            channel=posted.channel_id,
            ts=posted.message_ts,
            text=_cut(message.text, _LONGEST_UPDATE),
            blocks=message.blocks,
            metadata=_metadata(message.mark),
            parse="none",
            link_names=False,
        )

    def _post(self, message: Message, *, by: WebClient | None = None, **where: Any) -> Posted:
        sent = call(
            (by or self.posting).chat_postMessage,
            text=_cut(message.text, _LONGEST_POST),
            blocks=message.blocks,
            metadata=_metadata(message.mark, is_open=message.is_open),
            mrkdwn=False,
            parse="none",
            link_names=False,
            unfurl_links=False,
            unfurl_media=False,
            **where,
        )
        return Posted(sent["channel"], sent["ts"])

    # -- while it works -----------------------------------------------------------------------

    def open(
        self, channel_id: str, thread_ts: str, user_id: str, tasks: Sequence[Task], mark: str
    ) -> Opened:
        if self.streams.take():
            try:
                return self._open_stream(channel_id, thread_ts, user_id, tasks)
            except SlackBusy as busy:
                self.streams.empty(busy.retry_after_s or 0.0)
            except SlackRefused as refused:  # a workspace without streams, or a place
                log.info("stream_refused", error=str(refused))
        words, blocks = _cards(tasks)
        message = Message(words, blocks, mark, is_open=True)
        posted = self._post(
            message, by=self.showing, channel=channel_id, thread_ts=thread_ts or None
        )
        return Opened(posted, stream=False)

    def _open_stream(
        self, channel_id: str, thread_ts: str, user_id: str, tasks: Sequence[Task]
    ) -> Opened:
        in_channel = {"recipient_user_id": user_id, "recipient_team_id": self._own["team_id"]}
        started = call(
            self.showing.chat_startStream,
            channel=channel_id,
            thread_ts=thread_ts,
            chunks=_chunks(tasks),
            task_display_mode="plan",
            **({} if channel_id.startswith("D") else in_channel),
        )
        return Opened(Posted(started["channel"], started["ts"]), stream=True)

    def show(self, opened: Opened, tasks: Sequence[Task]) -> None:
        where = {"channel": opened.posted.channel_id, "ts": opened.posted.message_ts}
        if opened.stream:
            call(self.showing.chat_appendStream, chunks=_chunks(tasks), **where)
            return
        words, blocks = _cards(tasks)
        call(self.showing.chat_update, text=words, blocks=blocks, **where)

    def close(self, opened: Opened, message: Message) -> Posted:
        """Replace what was streamed: its last task would stay in progress for ever."""
        if opened.stream:
            try:
                call(
                    self.posting.chat_stopStream,
                    channel=opened.posted.channel_id,
                    ts=opened.posted.message_ts,
                )
            except SlackRefused as refused:  # it ended by itself, or we ended it before
                if str(refused) != "message_not_in_streaming_state":
                    raise
        self.update(opened.posted, message)
        return opened.posted

    def find_open(self, channel_id: str, thread_ts: str, mark: str, *, since: str) -> list[Posted]:
        """chat.startStream accepts no mark, so all streams of a thread are found."""
        found = {
            message["ts"]
            for message in self._messages(channel_id, thread_ts, since)
            if message.get("user") == self._own["user_id"]
            and message["ts"] > since
            and _mark(message) in ({}, {"mark": mark, "open": True})
        }
        return [Posted(channel_id, ts) for ts in sorted(found)]

    def set_working(
        self, channel_id: str, thread_ts: str, user_id: str, title: str, *, working: bool
    ) -> None:
        """https://docs.slack.dev/ai/agent-sessions/"""
        call(
            self.showing.agents_sessions_setStatus,
            channel_id=channel_id,
            thread_ts=thread_ts,
            status="processing" if working else "active",
            title=title[:_LONGEST_TITLE] or None,
            initiator_user_id=user_id,
        )

    def said_before(self, channel_id: str, thread_ts: str, before: str) -> list[Said]:
        """Slack lists a thread from its beginning. A long one is read from later and later: the
        last minute, ten minutes, and so on, until enough was found; never more than a few pages.
        """
        page, more = self._replies(channel_id, thread_ts, before)
        if not more:
            return self._people(page, before)
        began = self._people(page[:1], before)
        newest: list[Said] = []
        for window_s in _WINDOWS_S:
            since = float(before) - window_s
            page, more = self._replies(channel_id, thread_ts, before, oldest=f"{since:.6f}")
            if more:
                break  # too many to read: what is nearest was found before
            newest = self._people([one for one in page if one["ts"] != thread_ts], before)
            if len(newest) >= _ENOUGH or since <= float(thread_ts):
                break
        return began + newest[-_MOST_SAID:]

    def _replies(
        self, channel_id: str, thread_ts: str, before: str, **since: str
    ) -> tuple[list[dict[str, Any]], bool]:
        """Return one page of a thread, oldest first, and whether there are more."""
        page = call(
            self.client.conversations_replies,
            channel=channel_id,
            ts=thread_ts,
            latest=before,
            limit=PAGE,
            **since,
        )
        more = bool((page.get("response_metadata") or {}).get("next_cursor"))
        return list(page["messages"]), more

    def _people(self, messages: list[dict[str, Any]], before: str) -> list[Said]:
        return [
            Said(message["user"], self._read(message), message["ts"])
            for message in messages
            if message["ts"] < before and _is_from_person(message, self._own["user_id"])
        ]

    def _read(self, message: dict[str, Any]) -> str:
        """Return what a person wrote or forwarded, without the mention of Ken."""
        own_mention = rf"<@{re.escape(self._own['user_id'])}(?:\|[^<>]*)?>"
        own = plain(re.sub(own_mention, " ", written(message)))
        return storable("\n".join(filter(None, (own, carried(message)))))

    # -- beside messages ----------------------------------------------------------------------

    def set_prompts(self, channel_id: str, prompts: Sequence[tuple[str, str]], title: str) -> None:
        call(
            self.posting.assistant_threads_setSuggestedPrompts,
            channel_id=channel_id,
            prompts=[{"title": name, "message": message} for name, message in prompts],
            title=title,
        )

    def publish_home(self, user_id: str, view: dict[str, Any]) -> None:
        call(self.posting.views_publish, user_id=user_id, view=view)

    def permalink(self, posted: Posted) -> str:
        found = call(
            self.client.chat_getPermalink,
            channel=posted.channel_id,
            message_ts=posted.message_ts,
        )
        return str(found["permalink"])

    def direct_address(self, user_id: str) -> str:
        return f"{self._own['url']}archives/{self._direct_channel(user_id)}"

    def _direct_channel(self, user_id: str) -> str:
        opened = call(self.client.conversations_open, users=user_id)
        return str(opened["channel"]["id"])

    # -- who we are -----------------------------------------------------------------------------

    def whoami(self) -> str:
        return f"team {self._own['team_id']} as {self._own['user_id']}"

    @cached_property
    def _own(self) -> dict[str, str]:
        answer = call(self.client.auth_test)
        return {
            "user_id": answer["user_id"],
            "team_id": self.team_of_org or answer["team_id"],
            "url": str(answer.get("url") or ""),
        }

    @property
    def team_id(self) -> str:
        return self._own["team_id"]

    @property
    def _source(self) -> str:
        return source_of_team(self.team_id)


def _metadata(mark: str, *, is_open: bool = False) -> dict[str, Any]:
    payload: dict[str, Any] = {"mark": mark, **({"open": True} if is_open else {})}
    return {"event_type": MARK, "event_payload": payload}


def _cut(escaped: str, most: int) -> str:
    """Cut to this many bytes, without splitting a character or an entity."""
    whole = escaped.encode()
    if len(whole) <= most:
        return escaped
    kept = whole[: most - len("…".encode())].decode("utf-8", "ignore")
    last, end = kept.rfind("&"), kept.rfind(";")
    return (kept[:last] if last > end else kept) + "…"


def _mark(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message's mark; empty if it has none."""
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    return {name: payload[name] for name in ("mark", "open") if name in payload}


def _is_from_person(message: dict[str, Any], own_id: str) -> bool:
    if message.get("bot_id") or message.get("subtype") not in HUMAN_SUBTYPES:
        return False
    return message.get("user") not in (None, _SLACKBOT, own_id)


def _chunks(tasks: Sequence[Task]) -> list[dict[str, Any]]:
    """docs.slack.dev/reference/methods/chat.appendStream: send a task again with its new state."""
    return [
        {
            "type": "task_update",
            "id": task.name,
            "title": task.title,
            "status": "complete" if task.done else "in_progress",
        }
        for task in tasks
    ]


def _cards(tasks: Sequence[Task]) -> tuple[str, list[dict[str, Any]]]:
    """Do the same for a changed message: its text and its blocks."""
    cards = [
        {
            "type": "task_card",
            "task_id": task.name,
            "title": task.title,
            "status": "complete" if task.done else "in_progress",
        }
        for task in tasks
    ]
    return f"{tasks[-1].title}…", cards


def _client(
    settings: Settings,
    connections: Connections,
    retry_handlers: list[RetryHandler],
    *,
    token: str,
    team_id: str,
    timeout_s: int = _TIMEOUT_S,
) -> WebClient:
    client = KeptWebClient(
        token,
        base_url=settings.slack_api_url,
        timeout=timeout_s,
        retry_handlers=retry_handlers,
        team_id=team_id or None,
    )
    client.connections = connections
    return client


def _kind(user: dict[str, Any], home: str) -> AccountKind:
    """Return the kind of account; a full member only if Slack says so
    (docs.slack.dev/reference/objects/user-object).

    Slackbot does not call itself a bot.
    """
    if user.get("is_bot") or user["id"] == _SLACKBOT:
        return AccountKind.BOT
    if user.get("is_stranger") or user.get("deleted") or user.get("team_id") != home:
        return AccountKind.STRANGER
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return AccountKind.GUEST
    return AccountKind.MEMBER
