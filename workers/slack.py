"""Slack, as the workers use it: who is in a conversation, and posting to it exactly once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.http_retry.handler import RetryHandler
from slack_sdk.web import SlackResponse

from policies.directory import Account
from policies.models import AccountKind
from workers.errors import InputInvalid, SlackBusy, SlackRefused, SlackUnavailable
from workers.interface import storable
from workers.messenger import Message, Place, PlaceKind, Posted, Profile
from workers.ops import metrics
from workers.settings import Settings

_PAGE = 200
_TIMEOUT_S = 10
_PASSING = frozenset(
    {"fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable"}
)
_SLACKBOT = "USLACKBOT"
MARK = "ken_reply"
"""The event type of the metadata that our messages carry."""


@dataclass(frozen=True)
class SlackMessenger:
    client: WebClient
    posting: WebClient
    audience_limit: int

    @classmethod
    def connect(cls, settings: Settings) -> "SlackMessenger":
        """No call is made yet. Only reading waits where Slack says so: a dropped connection may
        mean that a message was posted, and what is posted later must be checked again."""
        reading: list[RetryHandler] = [RateLimitErrorRetryHandler(max_retry_count=2)]
        return cls(
            client=_client(settings, reading),
            posting=_client(settings, []),
            audience_limit=settings.audience_limit,
        )

    # -- who reads there ----------------------------------------------------------------------

    def place(self, channel_id: str) -> Place:
        channel = _call(self.client.conversations_info, channel=channel_id)["channel"]
        if channel.get("is_im"):
            return Place(PlaceKind.DIRECT)
        private = bool(channel.get("is_private") or channel.get("is_mpim"))
        external = bool(
            channel.get("is_ext_shared")
            or channel.get("is_pending_ext_shared")
            or channel.get("is_org_shared")
        )
        members = self._members(channel_id)
        return Place(
            kind=PlaceKind.PRIVATE if private and members is not None else PlaceKind.PUBLIC,
            members=members or frozenset(),
            complete=members is not None,
            external=external,
        )

    def _members(self, channel_id: str) -> frozenset[Account] | None:
        """Everybody in the channel but Ken; None if that cannot be known, or is too many."""
        members: set[str] = set()
        try:
            for page in _pages(self.client.conversations_members, channel=channel_id):
                members.update(page["members"])
                if len(members) > self.audience_limit:
                    return None
        except SlackUnavailable:
            return None
        return frozenset(Account(self._source, m) for m in members - {self._own["user_id"]})

    def guests(self, accounts: frozenset[Account]) -> frozenset[Account]:
        return frozenset(account for account in accounts if self._is_guest(account.native_id))

    def _is_guest(self, user_id: str) -> bool:
        user = _call(self.client.users_info, user=user_id)["user"]
        return bool(
            user.get("is_restricted")
            or user.get("is_ultra_restricted")
            or user.get("is_stranger")
            or user.get("team_id") != self._own["team_id"]
        )

    def profile(self, user_id: str) -> Profile:
        return self._profile(_call(self.client.users_info, user=user_id)["user"])

    def profiles(self) -> Iterator[list[Profile]]:
        for page in _pages(self.client.users_list):
            yield [self._profile(user) for user in page["members"]]

    def _profile(self, user: dict[str, Any]) -> Profile:
        told = user.get("profile") or {}
        name = user.get("real_name") or told.get("real_name") or user.get("name") or user["id"]
        return Profile(
            account=Account(self._source, user["id"]),
            name=storable(name),
            email=storable(told.get("email") or "") or None,
            confirmed=user.get("is_email_confirmed") is True,
            kind=_kind(user, self._own["team_id"]),
        )

    def find_channel(self, name: str) -> str:
        wanted = name.removeprefix("#")
        seen: list[str] = []
        for page in _pages(
            self.client.conversations_list, types="public_channel,private_channel,mpim"
        ):
            for channel in page["channels"]:
                if wanted in (channel["id"], channel.get("name")):
                    return str(channel["id"])
                seen.append(str(channel.get("name")))
        raise InputInvalid(
            f"There is no channel {name!r} that Ken is in.",
            remedy=f"Known: {', '.join(sorted(seen)[:12])}" if seen else "Invite Ken to it.",
        )

    # -- posting ------------------------------------------------------------------------------

    def post(self, channel_id: str, thread_ts: str, message: Message) -> Posted:
        return self._post(message, channel=channel_id, thread_ts=thread_ts or None)

    def post_direct(self, user_id: str, message: Message) -> Posted:
        return self._post(message, channel=self._direct_channel(user_id))

    def find(self, channel_id: str, thread_ts: str, mark: str, *, since: str) -> list[Posted]:
        read = self.client.conversations_replies if thread_ts else self.client.conversations_history
        where = {"ts": thread_ts} if thread_ts else {}
        pages = _pages(read, channel=channel_id, include_all_metadata=True, oldest=since, **where)
        found = {
            message["ts"]
            for page in pages
            for message in page["messages"]
            if ((message.get("metadata") or {}).get("event_payload") or {}).get("mark") == mark
        }
        return [Posted(channel_id, ts) for ts in sorted(found)]

    def find_direct(self, user_id: str, mark: str, *, since: str) -> list[Posted]:
        return self.find(self._direct_channel(user_id), "", mark, since=since)

    def delete(self, posted: Posted) -> None:
        try:
            _call(self.posting.chat_delete, channel=posted.channel_id, ts=posted.message_ts)
        except SlackRefused as refused:
            if str(refused) != "message_not_found":
                raise

    def _post(self, message: Message, **where: Any) -> Posted:
        sent = _call(
            self.posting.chat_postMessage,
            text=message.text,
            blocks=message.blocks,
            metadata={"event_type": MARK, "event_payload": {"mark": message.mark}},
            mrkdwn=False,
            parse="none",
            link_names=False,
            unfurl_links=False,
            unfurl_media=False,
            **where,
        )
        return Posted(sent["channel"], sent["ts"])

    def _direct_channel(self, user_id: str) -> str:
        opened = _call(self.client.conversations_open, users=user_id)
        return str(opened["channel"]["id"])

    # -- who we are -----------------------------------------------------------------------------

    def whoami(self) -> str:
        return f"team {self._own['team_id']} as {self._own['user_id']}"

    @cached_property
    def _own(self) -> dict[str, str]:
        answer = _call(self.client.auth_test)
        return {"user_id": answer["user_id"], "team_id": answer["team_id"]}

    @property
    def _source(self) -> str:
        return source_of_team(self._own["team_id"])


def _client(settings: Settings, retry_handlers: list[RetryHandler]) -> WebClient:
    return WebClient(
        settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        timeout=_TIMEOUT_S,
        retry_handlers=retry_handlers,
    )


def _kind(user: dict[str, Any], home: str) -> AccountKind:
    """What is not said to be a full member is none (docs.slack.dev/reference/objects/user-object).

    Slackbot does not call itself a bot.
    """
    if user.get("is_bot") or user["id"] == _SLACKBOT:
        return AccountKind.BOT
    if user.get("is_stranger") or user.get("deleted") or user.get("team_id") != home:
        return AccountKind.STRANGER
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return AccountKind.GUEST
    return AccountKind.MEMBER


def source_of_team(team_id: str) -> str:
    """The name of the source that a workspace's accounts belong to."""
    return f"slack:{team_id}"


def _call(method: Callable[..., SlackResponse], **arguments: Any) -> SlackResponse:
    """Raises SlackUnavailable or SlackRefused: Slack's error code, and nothing that we sent."""
    given = {name: value for name, value in arguments.items() if value is not None}
    with metrics.slack_call(method.__name__):
        return _called(method, given)


def _called(method: Callable[..., SlackResponse], given: dict[str, Any]) -> SlackResponse:
    try:
        return method(**given)
    except SlackApiError as error:
        wait_s = _retry_after(error.response)
        if wait_s is not None:
            raise SlackBusy("ratelimited", retry_after_s=wait_s) from None
        code = str(error.response.get("error", "")) if error.response else ""
        if code and code not in _PASSING:
            raise SlackRefused(code) from None
        raise SlackUnavailable(code or "unreadable") from None
    except (SlackClientError, HTTPException, OSError) as error:
        raise SlackUnavailable(type(error).__name__) from None


def _retry_after(response: SlackResponse | None) -> float | None:
    """Seconds, where Slack says that we call too often."""
    if response is None or response.status_code != 429:
        return None
    told = {name.lower(): value for name, value in response.headers.items()}.get("retry-after", "")
    return float(told) if str(told).isdecimal() else 1.0


def _pages(method: Callable[..., SlackResponse], **arguments: Any) -> Iterator[SlackResponse]:
    cursor = None
    while True:
        page = _call(method, limit=_PAGE, cursor=cursor, **arguments)
        yield page
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return
