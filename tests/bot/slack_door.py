"""The bot between the double and a fake of workers.interface that records what the bot stores."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.__main__ import Handler
from bot.app import create_app
from bot.playground.client import Playground
from bot.playground.double import Access
from bot.playground.server import running
from bot.playground.workspace import read_workspace
from bot.web import create_web
from tests.bot.slack_world import WORLD, Asked, serving, settings_for, until
from workers.intake.messages import Errand
from workers.interface import OperatorError

TRANSPORTS = ("http", "socket")


@contextmanager
def listening(transport: str, data_dir: Path, **access: float) -> Iterator[Playground]:
    """Run a double and a bot. On a slow machine too, nothing is sent twice."""
    retries = {"retry_delays_s": (0.0, 0.0, 0.0), "ack_timeout_s": 60.0, **access}
    if transport == "socket":
        with running(read_workspace(WORLD), Access(**retries)) as url:  # type: ignore[arg-type]
            playground = Playground(url)
            app = create_app(settings_for(playground, data_dir))
            handler = Handler(app, "xapp-playground")
            handler.client.connect()
            playground.wait_until_ready()
            yield playground
            handler.client.auto_reconnect_enabled = False
            playground.fault("cut")
            until(lambda: not handler.client.is_connected())
            handler.client.close()
        return
    app = create_app(settings_for(Playground("http://127.0.0.1:9"), data_dir))
    with (
        serving(create_web(app, "playground")) as bot,
        running(
            read_workspace(WORLD),
            Access(events_url=f"{bot}/slack/events", **retries),  # type: ignore[arg-type]
        ) as url,
    ):
        playground = Playground(url)
        app.client.base_url = playground.api_url
        yield playground


@dataclass
class Door:
    """A fake of workers.interface that records errands, questions and look-ups."""

    asked: Asked = field(default_factory=Asked)
    errands: list[Errand] = field(default_factory=list)
    known: set[tuple[str, str]] = field(default_factory=set)
    """Channel and ts of messages that were asked."""
    followed: set[tuple[str, str]] = field(default_factory=set)
    by_itself: set[str] = field(default_factory=set)
    muted: set[str] = field(default_factory=set)
    languages: dict[str, str] = field(default_factory=dict)
    """What people chose, by team and person; a look-up never fails."""
    lookups: list[str] = field(default_factory=list)
    closed: bool = False
    """PostgreSQL does not answer."""
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def submit_errand(self, errand: Errand) -> int | None:
        self._open()
        with self._changed:
            repeated = any(errand.event_id == other.event_id for other in self.errands)
            self.errands.append(errand)
            self._changed.notify_all()
        return None if repeated else len(self.errands)

    def is_known_question(self, channel_id: str, message_ts: str) -> bool:
        return self._look_up("is_known_question", (channel_id, message_ts) in self.known)

    def is_ken_thread(self, channel_id: str, thread_ts: str) -> bool:
        return self._look_up("is_ken_thread", (channel_id, thread_ts) in self.followed)

    def auto_answer_enabled(self, channel_id: str) -> bool:
        return self._look_up("auto_answer_enabled", channel_id in self.by_itself)

    def is_muted(self, team_id: str, user_id: str) -> bool:
        return self._look_up("is_muted", user_id in self.muted)

    def chosen_language(self, team_id: str, user_id: str) -> str:
        return self.languages.get(f"{team_id}/{user_id}", "")

    def ask(self, question: object) -> None:
        self._open()
        self.asked(question)  # type: ignore[arg-type]

    def wait(self, number: int) -> list[Errand]:
        """Wait for this many errands and return them."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.errands) >= number, 60)
            return list(self.errands)

    def _look_up(self, name: str, answer: bool) -> bool:
        self._open()
        self.lookups.append(name)
        return answer

    def _open(self) -> None:
        if self.closed:
            raise OperatorError("PostgreSQL does not answer.")


def stand_in(monkeypatch: pytest.MonkeyPatch) -> Door:
    """Put the fake in place of workers.interface."""
    door = Door()
    for name in (
        "submit_errand",
        "is_known_question",
        "is_ken_thread",
        "auto_answer_enabled",
        "is_muted",
        "ask",
    ):
        monkeypatch.setattr(f"bot.listeners.{name}", getattr(door, name))
    for name in ("submit_errand", "ask", "chosen_language"):
        monkeypatch.setattr(f"bot.actions.{name}", getattr(door, name))
    return door
