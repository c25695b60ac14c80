"""Client of the playground for tests and the demo: acts as people, and reads what they see."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

Json = dict[str, Any]
T = TypeVar("T")

_LONGEST_WAIT_S = 30.0
PATIENCE_S = 60.0
"""Long enough on a busy machine too: whatever takes longer does not happen at all."""


class OrderRefused(Exception):
    """The playground refused an order, for example because there is no such channel or user."""


@dataclass(frozen=True, slots=True)
class Posted:
    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A message as a channel shows it now."""

    channel: str
    ts: str
    user: str
    text: str
    thread_ts: str
    """Empty at the top of a channel."""
    subtype: str
    bot_id: str
    blocks: list[Json]
    attachments: list[Json]
    files: list[Json]
    metadata: Json
    edited_ts: str
    reactions: dict[str, list[str]]
    ephemeral_to: str
    streaming: bool
    chunks: list[Json]
    """Chunks streamed so far, while the stream is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a bot to the Web API, without its token."""

    method: str
    arguments: Json
    response: Json | None
    """None if the connection was dropped."""
    status: int
    token: str
    http_method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to send an event; `failed` is Slack's retry reason, empty if acknowledged."""

    event_id: str
    type: str
    attempt: int
    failed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Result of an interaction; `failed` is empty if the app answered in time."""

    trigger_id: str
    failed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """Result of submitting a modal: closed, shown again, or refused with errors at its inputs."""

    closed: bool
    errors: dict[str, str]
    view: Json | None
    """The modal that the person sees now; None if no modal is open."""
    failed: str


class Playground:
    def __init__(self, url: str) -> None:
        """Connect to `url`, as the playground prints it, without a path."""
        self.url = url.rstrip("/")
        self.api_url = f"{self.url}/api/"
        """For KEN_SLACK_API_URL and for WebClient's `base_url`."""

    def say(
        self, channel: str, user: str, text: str, *, thread_ts: str = "", subtype: str = ""
    ) -> Posted:
        """Post a message as a person. Takes ids or names; `<@UKEN>` in the text mentions Ken."""
        order = {"channel": channel, "user": user, "text": text}
        return Posted(**self._post("say", **order, thread_ts=thread_ts, subtype=subtype))

    def dm(self, user: str, text: str, *, thread_ts: str = "", subtype: str = "") -> Posted:
        order = {"user": user, "text": text, "thread_ts": thread_ts, "subtype": subtype}
        return Posted(**self._post("dm", **order))

    def group_dm(self, user: str, users: list[str], text: str = "") -> Posted:
        """Open a group message and post in it; `ts` is empty if there is no text."""
        return Posted(**{"ts": "", **self._post("group_dm", user=user, users=users, text=text)})

    def press(
        self,
        user: str,
        action_id: str,
        *,
        channel: str = "",
        ts: str = "",
        view_id: str = "",
        home: bool = False,
        value: str | None = None,
        selected: str | int | list[str] | None = None,
    ) -> Done:
        """Use an element in a message (channel, ts), a modal (view_id) or the Home tab.

        `value` picks one of several buttons with the same action_id, or one of the two feedback
        buttons; `selected` is the value of an option, a date or an id.
        """
        order: Json = {"user": user, "action_id": action_id, "value": value, "selected": selected}
        place: Json = {"channel": channel, "ts": ts} if channel else {"view_id": view_id}
        return Done(**self._post("press", **order, **place, home=home))

    def submit(self, user: str, view_id: str, values: Json | None = None) -> Submitted:
        """Submit a modal; `values` as in Slack: {block_id: {action_id: {"value": "x"}}}."""
        return Submitted(**self._post("submit", user=user, view_id=view_id, values=values or {}))

    def close_view(self, user: str, view_id: str, *, all_of_them: bool = False) -> None:
        self._post("close_view", user=user, view_id=view_id, all=all_of_them)

    def views(self, user: str) -> list[Json]:
        """Return the person's open modals, the top one last."""
        found: list[Json] = self._get("views", user=user)["views"]
        return found

    def command(self, user: str, channel: str, text: str = "", *, command: str = "/ken") -> Done:
        """Send a slash command; the answers are ephemeral messages, see `Seen.ephemeral_to`."""
        order = {"user": user, "channel": channel, "text": text, "command": command}
        return Done(**self._post("command", **order))

    def shortcut(
        self, user: str, channel: str, ts: str, callback_id: str = "ken_ask_about"
    ) -> Done:
        order = {"user": user, "channel": channel, "ts": ts, "callback_id": callback_id}
        return Done(**self._post("shortcut", **order))

    def open_home(self, user: str, tab: str = "home") -> None:
        """Open the app; `tab` is `home` or `messages`."""
        self._post("open_home", user=user, tab=tab)

    def archive(self, channel: str) -> None:
        self._post("archive", channel=channel)

    def unarchive(self, channel: str) -> None:
        self._post("unarchive", channel=channel)

    def create_channel(
        self, name: str, *, is_private: bool = False, members: tuple[str, ...] = ()
    ) -> str:
        """Create a channel and return its id."""
        order = {"name": name, "is_private": is_private, "members": list(members)}
        return str(self._post("create_channel", **order)["channel"])

    def share(self, channel: str, team: str = "TOTHER") -> None:
        """Share a channel with another company."""
        self._post("share", channel=channel, team=team)

    def unshare(self, channel: str, team: str = "TOTHER") -> None:
        self._post("unshare", channel=channel, team=team)

    def convert(self, channel: str, user: str) -> None:
        """Make a private channel public, or a public one private."""
        self._post("convert", channel=channel, user=user)

    def rename(self, channel: str, user: str, name: str) -> None:
        self._post("rename", channel=channel, user=user, name=name)

    def change_id(self, channel: str, new_id: str) -> None:
        """Give a channel a new id; its messages are found only under the new one."""
        self._post("change_id", channel=channel, id=new_id)

    def change_channel(self, channel: str, **changes: Any) -> None:
        """Change fields of the workspace file without an event, such as a group's `members`."""
        self._post("change_channel", channel=channel, **changes)

    def remove_bot(self, channel: str) -> None:
        """Remove Ken from a channel."""
        self._post("remove_bot", channel=channel)

    def keep_out(self) -> None:
        """Take Ken's access to the workspace away: `team_access_not_granted`."""
        self._post("keep_out")

    def let_in(self) -> None:
        """Give Ken access to the workspace again."""
        self._post("let_in")

    def change_user(self, user: str, **changes: Any) -> None:
        """Change fields of the workspace file; `deleted=True` deactivates the person."""
        self._post("change_user", user=user, **changes)

    def revoke(self) -> None:
        """Revoke Ken's tokens: `token_revoked`."""
        self._post("revoke")

    def restore(self) -> None:
        """Make Ken's tokens valid again."""
        self._post("restore")

    def uninstall(self) -> None:
        """Uninstall Ken: its tokens fail with `account_inactive`."""
        self._post("uninstall")

    def expire(self) -> None:
        """Expire the tokens that rotate, as after twelve hours: `token_expired`."""
        self._post("expire")

    def code(self, scopes: list[str] | None = None) -> str:
        """Approve an installation and return its code for oauth.v2.access."""
        return str(self._post("code", scopes=scopes)["code"])

    def grant(self, scopes: list[str]) -> None:
        """Set the scopes of Ken's tokens."""
        self._post("grant", scopes=scopes)

    def stop(self, user: str, channel: str, thread_ts: str) -> list[str]:
        """Click the stop button of an agent session; return the ts of the stopped streams."""
        stopped = self._post("stop", user=user, channel=channel, thread_ts=thread_ts)["stopped"]
        return list(stopped)

    def look_at(self, user: str, channel: str) -> None:
        """Open a channel next to Ken's pane."""
        self._post("look_at", user=user, channel=channel)

    def edit(self, channel: str, ts: str, text: str) -> None:
        self._post("edit", channel=channel, ts=ts, text=text)

    def delete(self, channel: str, ts: str) -> None:
        self._post("delete", channel=channel, ts=ts)

    def join(self, channel: str, user: str) -> None:
        self._post("join", channel=channel, user=user)

    def leave(self, channel: str, user: str) -> None:
        self._post("leave", channel=channel, user=user)

    def event(self, event: Json) -> None:
        """Send any inner event, unchanged."""
        self._post("event", event=event)

    def trigger(self, user: str) -> str:
        return str(self._post("trigger", user=user)["trigger_id"])

    def fault(self, kind: str, *, method: str = "*", times: int = 1, **more: Any) -> None:
        """Add a fault; kinds in `faults.py`, `more`: retry_after, status, error, seconds."""
        self._post("faults", kind=kind, method=method, times=times, **more)

    def calm(self) -> None:
        """Remove all waiting faults."""
        self._post("calm")

    def reset(self) -> None:
        self._post("reset")

    def messages(self, channel: str) -> list[Seen]:
        return [Seen(**item) for item in self._get("messages", channel=channel)["messages"]]

    def calls(self, method: str = "") -> list[Call]:
        found = [Call(**item) for item in self._get("calls")["calls"] if "status" in item]
        return [call for call in found if method in ("", call.method)]

    def attempts(self) -> list[Attempt]:
        return [Attempt(**item) for item in self._get("attempts")["attempts"]]

    def people(self) -> Json:
        """Return team, users, usergroups, and channels with their members."""
        return self._get("people")

    def surfaces(self) -> Json:
        """Return homes, statuses, titles, prompts and sessions."""
        return self._get("surfaces")

    def wait_until_ready(self, timeout_s: float = PATIENCE_S) -> None:
        """Wait until a bot is connected, or events go to a URL. Raises TimeoutError."""
        self.wait_for(lambda: self._get("ready")["ready"], timeout_s)

    def wait_until_delivered(self, timeout_s: float = PATIENCE_S) -> None:
        """Wait until every event is acknowledged or given up. Raises TimeoutError."""
        self.wait_for(lambda: not self._get("ready")["pending"], timeout_s)

    def wait_for_reply(
        self, channel: str, thread_ts: str, timeout_s: float = PATIENCE_S, *, after: str = ""
    ) -> Seen:
        """Return Ken's first message in the thread, or its first after the ts `after`.

        Raises TimeoutError.
        """

        def replies() -> Iterator[Seen]:
            for message in self.messages(channel):
                is_later = message.ts > max(after, thread_ts)
                if message.thread_ts == thread_ts and message.user == "UKEN" and is_later:
                    yield message

        return self.wait_for(lambda: next(replies(), None), timeout_s)

    def wait_for(self, look: Callable[[], T | None], timeout_s: float = PATIENCE_S) -> T:
        """Return what `look` finds, as soon as it finds something. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while True:
            version = self._get("ready")["version"]
            found = look()
            if found:
                return found
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError(f"nothing within {timeout_s} s")
            self._get("changes", after=version, timeout_s=min(left_s, _LONGEST_WAIT_S))

    def _get(self, name: str, /, **query: Any) -> Json:
        return self._send(Request(f"{self.url}/_double/{name}?{urlencode(query)}"))

    def _post(self, name: str, /, **order: Any) -> Json:
        body = json.dumps(order).encode()
        return self._send(Request(f"{self.url}/_double/{name}", data=body, method="POST"))

    def _send(self, request: Request) -> Json:
        try:
            with urlopen(request, timeout=2 * _LONGEST_WAIT_S) as response:
                answer: Json = json.load(response)
                return answer
        except HTTPError as error:
            raise OrderRefused(f"{error.code}: {error.read().decode()}") from None
