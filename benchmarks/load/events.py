"""Sends signed events over HTTP, at a fixed pace or with a fixed number in flight."""

import asyncio
import json
import time
from dataclasses import dataclass
from itertools import count
from typing import Any

import aiohttp
from slack_sdk.signature import SignatureVerifier

from benchmarks.load.stack import SECRET, Stack
from bot.playground.workspace import BOT_USER

_LOOK_S = 0.02
_numbers = count(1)


@dataclass(slots=True)
class Sent:
    """One event; times by the clock on the wall, seconds."""

    event_id: str
    due_at: float
    """When it should have been sent: what came late counts as waiting, too."""
    acked_at: float = 0.0
    status: int = 0
    """0: no answer at all."""

    @property
    def ack_ms(self) -> float:
        return (self.acked_at - self.due_at) * 1000


class Sender:
    """Sends on behalf of Slack, over connections that stay open."""

    def __init__(self, stack: Stack, session: aiohttp.ClientSession) -> None:
        self.stack, self.session = stack, session
        self.verifier = SignatureVerifier(SECRET)

    async def at_pace(self, per_second: float, seconds: float, tell: Any) -> list[Sent]:
        """Open loop: each event at its time, whatever became of those before it."""
        first, tasks = time.time() + 0.1, []
        for number in range(int(per_second * seconds)):
            due_at = first + number / per_second
            await asyncio.sleep(max(0.0, due_at - time.time()))
            tasks.append(asyncio.create_task(self.send(due_at=due_at)))
            tell(number + 1)
        return await asyncio.gather(*tasks)

    async def in_flight(self, number: int, enough: Any, tell: Any) -> list[Sent]:
        """Keep this many questions open at any time, until `enough` returns True."""
        tasks: list[asyncio.Task[Sent]] = []
        while not enough(ended := self._ended(tasks)):
            tell(ended)
            missing = range(number - (len(tasks) - ended))
            tasks.extend(asyncio.create_task(self.send()) for _ in missing)
            await asyncio.sleep(_LOOK_S)
        sent = list(await asyncio.gather(*tasks))
        await self.drained()
        return sent

    def _ended(self, tasks: list[asyncio.Task[Sent]]) -> int:
        """A count of all that has ended would cost more than what is measured."""
        acknowledged = sum(task.done() for task in tasks)
        return max(0, acknowledged - self.stack.open_questions())

    async def drained(self) -> None:
        """Until no question is open."""
        while self.stack.open_questions():
            await asyncio.sleep(_LOOK_S)

    async def send(self, *, due_at: float | None = None, in_channel: bool = False) -> Sent:
        raw, event_id = self._event(in_channel=in_channel)
        sent = Sent(event_id, due_at or time.time())
        timestamp = str(int(time.time()))
        signature = self.verifier.generate_signature(timestamp=timestamp, body=raw)
        headers = {
            "Content-Type": "application/json",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature or "",
        }
        try:
            async with self.session.post(
                self.stack.events_url, data=raw, headers=headers
            ) as response:
                sent.status = response.status
        except (aiohttp.ClientError, TimeoutError):
            sent.status = 0
        sent.acked_at = time.time()
        return sent

    def _event(self, *, in_channel: bool) -> tuple[str, str]:
        channel, root, user, text = self.stack.question(in_channel=in_channel)
        number = next(_numbers)
        event_id = f"EvLOAD{number:08}"
        ts = f"{int(time.time())}.{number % 1_000_000:06}"
        event = {
            "type": "app_mention" if in_channel else "message",
            "channel": channel,
            "channel_type": "channel" if in_channel else "im",
            "user": user,
            "text": f"<@{BOT_USER}> {text}" if in_channel else text,
            "ts": ts,
            "event_ts": ts,
            "thread_ts": root,
        }
        body = {
            "team_id": self.stack.team,
            "api_app_id": "AKEN",
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(time.time()),
            "authorizations": [{"team_id": self.stack.team, "user_id": BOT_USER, "is_bot": True}],
        }
        return json.dumps(body), event_id
