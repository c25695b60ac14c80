"""The Slack double: a workspace, the tokens that may call it, and a record of the calls."""

import asyncio
import copy
import json
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from bot.playground.control.faults import Faults
from bot.playground.events.delivery import ACK_TIMEOUT_S, RETRY_DELAYS_S, Delivery
from bot.playground.events.kinds import OutgoingEvent
from bot.playground.methods import chat, conversations, people, streams, surfaces, views
from bot.playground.methods import tokens as token_methods
from bot.playground.scopes import needed_scopes
from bot.playground.tokens import KEN_SCOPES, Token, Tokens
from bot.playground.web_api import METHODS, Method, MissingScope, Refused, Slack, read_arguments
from bot.playground.workspace import Json, Trigger, Workspace

_METHOD_FILES = (chat, conversations, people, streams, surfaces, token_methods, views)
"""Importing them fills METHODS."""

_MOST_CALLS = 20_000
_SAVED_EVERY_S = 2.0
_MOST_HELD_S = 2.0
"""A held-back event is sent after this time even if no other event follows."""

BOT_TOKEN = "xoxb-playground"
APP_TOKEN = "xapp-playground"
SIGNING_SECRET = "playground"
CLIENT_ID = "1.2"
CLIENT_SECRET = "playground-client"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Credentials of the bot, and where and how events are sent to it."""

    bot_token: str = BOT_TOKEN
    app_token: str = APP_TOKEN
    signing_secret: str = SIGNING_SECRET
    events_url: str = ""
    ack_timeout_s: float = ACK_TIMEOUT_S
    retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S
    trigger_life_s: float = 3.0
    response_life_s: float = 1800.0
    scopes: tuple[str, ...] = KEN_SCOPES
    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    rotates: bool = False
    """Tokens from OAuth expire after twelve hours."""


@dataclass(slots=True)
class Response:
    """A response_url: where an app may still reply to an interaction, and to whom."""

    user: str
    channel: str
    original: str
    """The message with the button; empty after a command or a shortcut."""
    expires_at: float
    uses: int = 0


@dataclass(slots=True)
class Double:
    workspace: Workspace
    access: Access
    state_path: Path | None = None
    faults: Faults = field(default_factory=Faults)
    calls: deque[Json] = field(default_factory=lambda: deque(maxlen=_MOST_CALLS))
    tickets: set[str] = field(default_factory=set)
    """Socket Mode connections that were requested and not opened yet."""
    responses: dict[str, Response] = field(default_factory=dict)
    tokens: Tokens = field(init=False)
    address: str = ""
    """The server's address as of the last request, `http://127.0.0.1:PORT`."""
    version: int = 0
    """Rises with every change that a client can wait for."""
    delivery: Delivery = field(init=False)
    _fresh: Workspace = field(init=False)
    _saving: bool = False
    _held: list[Json] = field(default_factory=list)
    _waiters: set[asyncio.Future[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._fresh = copy.deepcopy(self.workspace)
        self.tokens = self._first_tokens()
        self.delivery = Delivery(
            team_id=self.workspace.team.id,
            signing_secret=self.access.signing_secret,
            changed=self.changed,
            events_url=self.access.events_url,
            ack_timeout_s=self.access.ack_timeout_s,
            retry_delays_s=self.access.retry_delays_s,
        )
        if self.state_path and self.state_path.exists():
            self.workspace.restore(json.loads(self.state_path.read_text(encoding="utf-8")))

    def owner(self, token: str) -> str:
        """Return `bot`, `app` or `unknown`; empty without a token."""
        if self.tokens.of(token):
            return "bot"
        return {"": "", self.access.app_token: "app"}.get(token, "unknown")

    def call(self, name: str, token: str, raw: Json) -> Json:
        """Run one Web API call and return its body, with `ok` and `error`."""
        slack = Slack(
            self.workspace,
            self.tokens,
            token,
            client=(self.access.client_id, self.access.client_secret),
            rotates=self.access.rotates,
        )
        try:
            target = METHODS.get(name)
            if target is None:
                return {"ok": False, "error": "unknown_method", "req_method": name}
            self._authorize(target, token, raw)
            answer = target.function(slack, read_arguments(target, raw))
        except Refused as refusal:
            error: Json = {"ok": False, "error": refusal.error, **refusal.more}
            if refusal.details:
                error["response_metadata"] = {"messages": list(refusal.details)}
            return error
        for outgoing in slack.outgoing_events:
            self.announce(outgoing)
        for event in slack.news:
            self.announce_raw(event)
        return {"ok": True, **answer}

    def _authorize(self, target: Method, token: str, raw: Json) -> None:
        owner = self.owner(token)
        if not target.token:
            return
        if owner != target.token:
            errors = {"": "not_authed", "unknown": "invalid_auth"}
            raise Refused(errors.get(owner, "not_allowed_token_type"))
        known = self.tokens.of(token)
        if known is None:
            return
        if known.refusal:
            raise Refused(known.refusal)
        for scopes in needed_scopes(self.workspace, target.scopes, raw):
            if not set(scopes) & set(known.scopes):
                raise MissingScope(scopes, known.scopes)

    def _first_tokens(self) -> Tokens:
        return Tokens({self.access.bot_token: Token(self.access.scopes)})

    @property
    def pending(self) -> int:
        """Number of events that are held back, or neither acknowledged nor given up."""
        return len(self._held) + self.delivery.pending

    def end_stream(self, arguments: Json) -> None:
        """Expire the stream, as if its five minutes were over."""
        key = f"{arguments.get('channel')}/{arguments.get('ts')}"
        if key in self.workspace.streams:
            self.workspace.streams[key].ends_at = 0.0

    def new_trigger(self, user_id: str, view: Json | None = None) -> str:
        """Create the trigger of an interaction, in this modal or elsewhere."""
        trigger_id = self.workspace.next_id("trigger-")
        self.workspace.triggers[trigger_id] = Trigger(
            user_id,
            time.monotonic() + self.access.trigger_life_s,
            view_id=view["id"] if view else "",
        )
        return trigger_id

    def announce(self, outgoing: OutgoingEvent) -> None:
        if outgoing.reaches_ken and self.tokens.is_installed:
            self.announce_raw(outgoing.event, is_ext_shared=outgoing.channel.is_ext_shared)

    def announce_raw(self, event: Json, *, is_ext_shared: bool = False) -> None:
        event_id = self.workspace.next_id("Ev")
        body = self.delivery.wrap(event, event_id, is_ext_shared=is_ext_shared)
        if self.faults.of_event("reorder_events"):
            self._held.append(body)
            asyncio.get_running_loop().call_later(_MOST_HELD_S, self._send)
            return
        copies = 2 if self.faults.of_event("duplicate_event") else 1
        self._send(*[body] * copies)

    def _send(self, *bodies: Json) -> None:
        """Send these events, then the ones that were held back."""
        held, self._held = self._held, []
        if bodies or held:
            self.delivery.send(*bodies, *held)

    def reset(self) -> None:
        self.workspace = copy.deepcopy(self._fresh)
        self.delivery.forget()
        self.faults = Faults()
        self.calls.clear()
        self._held.clear()
        self.responses.clear()
        self.tokens = self._first_tokens()
        self.changed()

    def changed(self) -> None:
        self.version += 1
        if self.state_path and not self._saving:
            self._saving = True
            asyncio.get_running_loop().call_later(_SAVED_EVERY_S, self.save)
        self.wake()

    def wake(self) -> None:
        """Answer everything that waits for a change, even if there is none."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def changes(self, after: int, timeout_s: float) -> int:
        """Wait until the version is above `after` or the time is over; return the version."""
        if self.version > after:
            return self.version
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait([waiter], timeout=timeout_s)
        finally:
            self._waiters.discard(waiter)
        return self.version

    def save(self) -> None:
        """Write the state file. Not after every change: it takes longer with more messages."""
        self._saving = False
        if self.state_path is None:
            return
        beside = self.state_path.with_name(f"{self.state_path.name}.new")
        beside.write_text(json.dumps(self.workspace.state()), encoding="utf-8")
        beside.replace(self.state_path)
