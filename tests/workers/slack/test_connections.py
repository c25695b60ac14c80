"""Connections to Slack are kept between calls, and a call is never made twice."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from workers.errors import SlackBusy, SlackUnavailable
from workers.settings import Settings
from workers.slack import connections
from workers.slack.client import SlackMessenger


@dataclass
class Heard:
    """What a Slack of a few lines has heard."""

    connections: int = 0
    calls: list[str] = field(default_factory=list)
    closes: bool = False
    """It closes the connection without an answer."""
    status: int = 200
    open: list[Any] = field(default_factory=list)


@contextmanager
def serving(heard: Heard) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            heard.connections += 1
            heard.open.append(self.connection)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            heard.calls.append(self.path)
            if heard.closes:
                self.close_connection = True
                return
            body = b'{"ok": true}'
            self.send_response(heard.status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Retry-After", "7")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def messenger(
    heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SlackMessenger]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving(heard) as url:
        yield SlackMessenger.connect(Settings(home=tmp_path, slack_api_url=url), token="xoxb-1")


def ask(messenger: SlackMessenger) -> None:
    messenger.set_prompts("D1", [], "")


def test_calls_one_after_the_other_share_a_connection(
    messenger: SlackMessenger, heard: Heard
) -> None:
    for _ in range(3):
        ask(messenger)
    assert (heard.connections, len(heard.calls)) == (1, 3)
    assert heard.calls[0] == "/api/assistant.threads.setSuggestedPrompts"


def test_reading_posting_and_showing_share_it_too(messenger: SlackMessenger, heard: Heard) -> None:
    ask(messenger)
    messenger.client.auth_test()
    messenger.showing.auth_test()
    assert heard.connections == 1


def test_one_that_slack_has_closed_is_not_used_again(
    messenger: SlackMessenger, heard: Heard
) -> None:
    ask(messenger)
    (kept,) = heard.open
    kept.shutdown(2)
    ask(messenger)
    assert (heard.connections, len(heard.calls)) == (2, 2)


def test_one_that_was_idle_for_long_is_not_used_again(
    messenger: SlackMessenger, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(messenger)
    monkeypatch.setattr(connections, "_LONGEST_IDLE_S", 0.0)
    ask(messenger)
    assert heard.connections == 2


def test_a_call_whose_connection_breaks_has_failed_and_is_not_made_again(
    messenger: SlackMessenger, heard: Heard
) -> None:
    """Nobody knows whether Slack has taken it."""
    ask(messenger)
    heard.closes = True
    with pytest.raises(SlackUnavailable):
        ask(messenger)
    assert len(heard.calls) == 2


def test_an_answer_that_refuses_keeps_the_connection(
    messenger: SlackMessenger, heard: Heard
) -> None:
    heard.status = 429
    with pytest.raises(SlackBusy) as busy:
        ask(messenger)
    assert busy.value.retry_after_s == 7
    heard.status = 200
    ask(messenger)
    assert heard.connections == 1
