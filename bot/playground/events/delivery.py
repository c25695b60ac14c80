"""Sends events to the bot, over Socket Mode or as signed requests, until they are acknowledged.

https://docs.slack.dev/apis/events-api/#errors and /apis/events-api/using-socket-mode/
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode
from uuid import uuid4

import aiohttp
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from bot.playground.workspace import APP_ID, BOT_USER, Json

RETRY_DELAYS_S = (1.0, 60.0, 300.0)
"""Slack repeats an event almost at once, after one minute, and after five minutes."""
ACK_TIMEOUT_S = 3.0
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Answer:
    """The app's answer to an interaction; `failed` is empty if it came in time."""

    failed: str
    payload: Json = field(default_factory=dict)


@dataclass(slots=True)
class Delivery:
    """Sends each event until it is acknowledged or all repeats are used up."""

    team_id: str
    signing_secret: str
    changed: Callable[[], None]
    events_url: str = ""
    """Empty for Socket Mode, which waits for a connection if there is none."""
    ack_timeout_s: float = ACK_TIMEOUT_S
    retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    attempts: list[Json] = field(default_factory=list)
    _retired: list[web.WebSocketResponse] = field(default_factory=list)
    _acks: dict[str, asyncio.Future[Json]] = field(default_factory=dict)
    _connected: asyncio.Event = field(default_factory=asyncio.Event)
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _turn: int = 0

    @property
    def ready(self) -> bool:
        return bool(self.events_url or self.sockets)

    @property
    def pending(self) -> int:
        """Number of events that are neither acknowledged nor given up."""
        return len(self._running)

    def send(self, *bodies: Json) -> None:
        """Send these one after the other, without waiting for earlier or later events."""
        task = asyncio.create_task(self._deliver_all(bodies))
        self._running.add(task)
        task.add_done_callback(self._done)

    def wrap(self, event: Json, event_id: str, *, is_ext_shared: bool) -> Json:
        authorization = {
            "enterprise_id": None,
            "team_id": self.team_id,
            "user_id": BOT_USER,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        return {
            "token": "unused",
            "team_id": self.team_id,
            "api_app_id": APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(time.time()),
            "authorizations": [authorization],
            "is_ext_shared_channel": is_ext_shared,
            "event_context": f"4-{event_id}",
        }

    async def interact(
        self, kind: Literal["interactive", "slash_commands"], payload: Json
    ) -> Answer:
        """Send an interaction once, and return the answer: Slack does not repeat interactions."""
        if self.events_url:
            form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
            answer = await self._post(urlencode(form), _FORM)
        elif self.sockets:
            answer = await self._send_envelope(kind, payload, {"accepts_response_payload": True})
        else:
            answer = Answer("not_connected")
        self._note(payload.get("trigger_id", ""), payload.get("type", kind), 0, answer.failed)
        return answer

    async def serve_socket(self, socket: web.WebSocketResponse) -> None:
        """Serve one Socket Mode connection, from hello to its end."""
        hello = {
            "type": "hello",
            "num_connections": len(self.sockets) + 1,
            "connection_info": {"app_id": APP_ID},
            "debug_info": {"host": "playground", "approximate_connection_time": 18060},
        }
        await socket.send_str(json.dumps(hello))
        self._set_sockets([*self.sockets, socket])
        retired, self._retired = self._retired, []
        await _close(retired)
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._acknowledge(json.loads(message.data))
        finally:
            self._set_sockets([other for other in self.sockets if other is not socket])

    async def retire_sockets(self, *, politely: bool) -> None:
        """Stop using the open connections; `politely` closes them once another one is open."""
        retired = self.sockets
        self._set_sockets([])
        for socket in retired:
            if politely:
                await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})
        if politely:
            self._retired += retired
        else:
            await _close(retired)

    async def close(self) -> None:
        self.forget()
        await _close([*self.sockets, *self._retired])

    def forget(self) -> None:
        """Cancel all deliveries and clear the attempts."""
        for task in self._running:
            task.cancel()
        self.attempts.clear()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.changed()

    def _set_sockets(self, sockets: list[web.WebSocketResponse]) -> None:
        self.sockets = sockets
        if sockets:
            self._connected.set()
        else:
            self._connected.clear()
        self.changed()

    def _acknowledge(self, answer: Json) -> None:
        waiting = self._acks.pop(answer.get("envelope_id", ""), None)
        if waiting and not waiting.done():
            payload = answer.get("payload")
            waiting.set_result(payload if isinstance(payload, dict) else {})

    async def _deliver_all(self, bodies: tuple[Json, ...]) -> None:
        for body in bodies:
            await self._deliver(body)

    async def _deliver(self, body: Json) -> None:
        reason = ""
        for number, delay_s in enumerate((0.0, *self.retry_delays_s)):
            await asyncio.sleep(delay_s)
            attempt = self._over_http if self.events_url else self._over_socket
            reason = await attempt(body, number, reason)
            self._note(body["event_id"], body["event"]["type"], number, reason)
            if not reason:
                return

    async def _over_socket(self, body: Json, number: int, reason: str) -> str:
        await self._connected.wait()
        more = {"accepts_response_payload": False, "retry_attempt": number, "retry_reason": reason}
        return (await self._send_envelope("events_api", body, more)).failed

    async def _send_envelope(self, kind: str, payload: Json, more: Json) -> Answer:
        """Send an envelope over one of the sockets, in turn, and wait for its answer."""
        envelope_id = str(uuid4())
        ack: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._acks[envelope_id] = ack
        self._turn += 1
        envelope = {"envelope_id": envelope_id, "type": kind, "payload": payload, **more}
        try:
            await self.sockets[self._turn % len(self.sockets)].send_str(json.dumps(envelope))
            return Answer("", await asyncio.wait_for(ack, self.ack_timeout_s))
        except (TimeoutError, ConnectionError):
            return Answer("timeout")

    async def _over_http(self, body: Json, number: int, reason: str) -> str:
        retry = {"x-slack-retry-num": str(number), "x-slack-retry-reason": reason}
        return (await self._post(json.dumps(body), _JSON, retry if number else {})).failed

    async def _post(self, raw: str, kind: str, more: dict[str, str] | None = None) -> Answer:
        headers = {"Content-Type": kind, **self.signed(raw), **(more or {})}
        timeout = aiohttp.ClientTimeout(total=self.ack_timeout_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(
                    self.events_url, data=raw, headers=headers, allow_redirects=False
                ) as response,
            ):
                if not 200 <= response.status < 300:
                    return Answer("http_error")
                return Answer("", _read_answer(response.content_type, await response.text()))
        except TimeoutError:
            return Answer("http_timeout")
        except aiohttp.ClientError:
            return Answer("connection_failed")

    def signed(self, raw: str) -> dict[str, str]:
        timestamp = str(int(time.time()))
        verifier = SignatureVerifier(self.signing_secret)
        signature = verifier.generate_signature(timestamp=timestamp, body=raw)
        return {"x-slack-request-timestamp": timestamp, "x-slack-signature": signature or ""}

    def _note(self, event_id: str, kind: str, number: int, reason: str) -> None:
        self.attempts.append(
            {"event_id": event_id, "type": kind, "attempt": number, "failed": reason}
        )
        self.changed()


def _read_answer(kind: str, raw: str) -> Json:
    """Parse an answer: JSON, or the plain text that a command may answer with."""
    try:
        read = json.loads(raw) if kind == _JSON and raw.strip() else {}
    except ValueError:
        read = {}
    if kind != _JSON and raw.strip():
        read = {"text": raw}
    return read if isinstance(read, dict) else {}


async def _close(sockets: list[web.WebSocketResponse]) -> None:
    for socket in sockets:
        await socket.close(code=aiohttp.WSCloseCode.GOING_AWAY)
