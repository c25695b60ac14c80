"""The Slack double of one cell: people write in it, and it misbehaves on command."""

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.playground.client import Attempt, Playground, Posted
from bot.playground.control.faults import Fault
from bot.playground.double import Access, Double
from bot.playground.server import HOST, create_server
from bot.playground.workspace import BOT_USER, read_workspace
from tests.survive.background import Background
from tests.survive.checker import Post
from tests.survive.company import slack_id, workspace

_RETRIES_S = (1.0,) * 30
"""Slack's own wait up to five minutes; here its patience is the same and the pauses are short."""


@dataclass(slots=True)
class Watched(Double):
    """Counts the messages of Ken's that Ken deletes; one that says what is being done is none."""

    taken_away: int = 0

    def call(self, name: str, token: str, raw: dict[str, Any]) -> dict[str, Any]:
        found = self.workspace.find(str(raw.get("channel")), str(raw.get("ts")))
        told = (found.metadata.get("event_payload") or {}) if found else {}
        answer = Double.call(self, name, token, raw)
        if name == "chat.delete" and answer["ok"] and "mark" in told and not told.get("open"):
            self.taken_away += 1
        return answer


@dataclass
class Slack:
    background: Background
    double: Watched = field(init=False)
    people: Playground = field(init=False)
    _runner: web.AppRunner = field(init=False)

    def start(self, events_url: str) -> None:
        """`events_url` empty: over Socket Mode."""
        access = Access(events_url=events_url, retry_delays_s=_RETRIES_S, trigger_life_s=600.0)
        self.background.run(self._start(access))
        self.people = Playground(f"http://{HOST}:{self.port}")

    async def _start(self, access: Access) -> None:
        self.double = Watched(read_workspace(workspace()), access)
        self._runner = web.AppRunner(create_server(self.double), shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()

    def close(self) -> None:
        self.background.run(self._runner.cleanup())

    @property
    def port(self) -> int:
        return int(self._runner.addresses[0][1])

    def write(self, channel: str, person: str, text: str) -> Posted:
        if channel.startswith("D"):
            return self.people.dm(slack_id(person), text)
        return self.people.say(channel, slack_id(person), f"<@{BOT_USER}> {text}")

    def posts(self, since: float) -> list[Post]:
        """Ken's messages that stand there, from this time on."""
        return self.background.call(lambda: self._posts(since))

    def _posts(self, since: float) -> list[Post]:
        found = []
        for message in reversed(self.double.workspace.messages):
            if float(message.ts) < since:
                break
            if message.user == BOT_USER:
                payload = message.metadata.get("event_payload") or {}
                found.append(
                    Post(
                        channel=message.channel,
                        ts=message.ts,
                        thread_ts=message.thread_ts,
                        content=json.dumps([message.text, message.blocks, message.metadata]),
                        text=message.text or _words(message.blocks),
                        mark=str(payload.get("mark", "")),
                    )
                )
        return found[::-1]

    def taken_away(self) -> int:
        """Messages that Ken deleted again so far, and that were more than a sign of work."""
        return self.background.call(lambda: self.double.taken_away)

    def attempts(self) -> list[Attempt]:
        """Every delivery of an event so far."""
        return self.background.call(
            lambda: [Attempt(**attempt) for attempt in self.double.delivery.attempts]
        )

    def order(self, fault: Fault) -> None:
        self.background.call(lambda: self.double.faults.add(fault))

    def mend(self) -> None:
        """No fault that was ordered is left, the channels are open, and Ken is in them."""
        self.background.call(self._mend)

    def _mend(self) -> None:
        self.double.faults.waiting.clear()
        for channel in self.double.workspace.channels.values():
            channel.is_archived = False
            if BOT_USER not in channel.members:
                channel.members.append(BOT_USER)

    def archive(self, channel: str) -> None:
        def do() -> None:
            self.double.workspace.channels[channel].is_archived = True

        self.background.call(do)

    def remove_ken(self, channel: str) -> None:
        self.background.call(
            lambda: self.double.workspace.channels[channel].members.remove(BOT_USER)
        )

    def delete(self, channel: str, ts: str) -> None:
        self.people.delete(channel, ts)

    def send_to(self, events_url: str) -> None:
        def do() -> None:
            self.double.delivery.events_url = events_url

        self.background.call(do)

    def is_ready(self) -> bool:
        return self.background.call(lambda: bool(self.double.delivery.ready))

    def pending(self) -> int:
        """Events that are neither acknowledged nor given up."""
        return self.background.call(lambda: self.double.pending)


def _words(blocks: list[dict[str, Any]]) -> str:
    """A stream that has ended has blocks and no text."""
    return "".join(
        leaf.get("text", "")
        for block in blocks
        if block["type"] == "rich_text"
        for section in block["elements"]
        for leaf in section["elements"]
    ).strip()
