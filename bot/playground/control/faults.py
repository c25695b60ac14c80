"""Faults that tests can order, to check that Ken survives them."""

import time
from collections import defaultdict, deque
from dataclasses import dataclass, field, fields
from typing import Literal, get_args, get_type_hints

from bot.playground.workspace import Json

FaultKind = Literal[
    "ratelimited",
    "http",
    "error",
    "delay",
    "drop_before",
    "drop_after",
    "tiers",
    "duplicate_event",
    "reorder_events",
    "stream_expired",
    "disconnect",
    "cut",
]
"""Faults of a call: `ratelimited` (429), `http` (a bare status), `error` (`ok: false`), `delay`,
`drop_before` and `drop_after` (the connection closes before or after the call takes effect),
`tiers` (Slack's rate limits from now on), `stream_expired` (the stream ends before the call).
Faults of events: `duplicate_event` (the next one twice), `reorder_events` (the next one after the
one that follows, or late), `disconnect` (Socket Mode asks to reconnect), `cut` (it closes)."""

PER_MINUTE = {"tier1": 1, "tier2": 20, "tier3": 50, "tier4": 100}
"""https://docs.slack.dev/apis/web-api/rate-limits/"""


@dataclass(slots=True, kw_only=True)
class Fault:
    kind: FaultKind
    method: str = "*"
    times: int = 1
    retry_after: int = 1
    status: int = 503
    error: str = "internal_error"
    seconds: float = 0.0


def read_fault(raw: Json) -> Fault:
    """Parse a fault. Raises ValueError."""
    unknown = raw.keys() - {item.name for item in fields(Fault)}
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    if raw.get("kind") not in get_args(get_type_hints(Fault)["kind"]):
        known = ", ".join(get_args(FaultKind))
        raise ValueError(f"kind: {raw.get('kind')!r} is not one of {known}")
    return Fault(**raw)


@dataclass(slots=True)
class Faults:
    waiting: list[Fault] = field(default_factory=list)
    tiers_on: bool = False
    _called: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def add(self, fault: Fault) -> None:
        if fault.kind == "tiers":
            self.tiers_on = True
        else:
            self.waiting.append(fault)

    def of_call(self, method: str) -> Fault | None:
        """Return the next fault for this method, and count it as used once."""
        for fault in self.waiting:
            if not fault.kind.endswith(("event", "events")) and fault.method in ("*", method):
                return self._use(fault)
        return None

    def of_event(self, kind: FaultKind) -> bool:
        for fault in self.waiting:
            if fault.kind == kind:
                return bool(self._use(fault))
        return False

    def over_limit(self, method: str, channel: str) -> bool:
        """Return whether the method has had too many calls in this minute, if limits are on."""
        limit = PER_MINUTE.get(TIERS.get(method, ""))
        key, window_s = (method, 60.0) if limit else (f"{method} {channel}", 1.0)
        if not self.tiers_on or (limit is None and not method.startswith("chat.post")):
            return False
        called, now = self._called[key], time.monotonic()
        while called and called[0] <= now - window_s:
            called.popleft()
        if len(called) >= (limit or 1):
            return True
        called.append(now)
        return False

    def _use(self, fault: Fault) -> Fault:
        fault.times -= 1
        if fault.times <= 0:
            self.waiting.remove(fault)
        return fault


TIERS = {
    "api.test": "tier4",
    "agents.sessions.rename": "tier3",
    "agents.sessions.setStatus": "tier3",
    "apps.connections.open": "tier1",
    "apps.uninstall": "tier1",
    "auth.revoke": "tier3",
    "assistant.threads.setSuggestedPrompts": "tier3",
    "assistant.threads.setTitle": "tier3",
    "bots.info": "tier3",
    "chat.appendStream": "tier4",
    "chat.delete": "tier3",
    "chat.postEphemeral": "tier4",
    "chat.startStream": "tier2",
    "chat.stopStream": "tier2",
    "chat.update": "tier3",
    "conversations.history": "tier3",
    "conversations.info": "tier3",
    "conversations.join": "tier3",
    "conversations.list": "tier2",
    "conversations.members": "tier4",
    "conversations.open": "tier3",
    "conversations.replies": "tier3",
    "oauth.v2.access": "tier4",
    "oauth.v2.exchange": "tier3",
    "reactions.add": "tier3",
    "reactions.remove": "tier2",
    "team.info": "tier3",
    "usergroups.list": "tier2",
    "usergroups.users.list": "tier2",
    "users.conversations": "tier2",
    "users.info": "tier4",
    "users.list": "tier2",
    "users.lookupByEmail": "tier3",
    "users.profile.get": "tier4",
    "views.open": "tier4",
    "views.publish": "tier4",
    "views.push": "tier4",
    "views.update": "tier4",
}
"""Methods that are not listed have special limits; chat.postMessage: one a second per channel."""
