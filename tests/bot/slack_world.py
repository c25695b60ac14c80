"""A small workspace, and fakes that the tests of the bot share."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from pydantic import SecretStr

from bot.playground.client import Playground
from bot.web import Web
from workers.intake.messages import Question
from workers.interface import Settings

Json = dict[str, Any]

WORLD: Json = {
    "team": {"id": "T1", "name": "Acme", "domain": "acme"},
    "users": [
        {
            "id": "UALICE",
            "name": "alice",
            "real_name": "Alice Adams",
            "email": "Alice@acme.example",
            "title": "Head of Finance",
            "tz": "Europe/Berlin",
            "locale": "de-DE",
        },
        {"id": "UBOB", "name": "bob", "email": "bob@acme.example"},
        {"id": "UGUEST", "name": "guest", "is_restricted": True},
        {"id": "UGONE", "name": "gone", "email": "gone@acme.example", "deleted": True},
        {"id": "UFAR", "name": "far", "is_stranger": True, "team_id": "T2"},
        {"id": "UOTHER", "name": "otherbot", "is_bot": True},
    ],
    "channels": [
        {"id": "CGENERAL", "name": "general", "members": ["UALICE", "UBOB", "UOTHER", "UKEN"]},
        {"id": "CEMPTY", "name": "empty", "members": ["UALICE"]},
        {"id": "CSHARED", "name": "both", "is_ext_shared": True, "members": ["UFAR", "UKEN"]},
        {"id": "COLD", "name": "old", "is_archived": True, "members": ["UALICE", "UKEN"]},
        {"id": "CBOARD", "name": "board", "is_private": True, "members": ["UALICE", "UKEN"]},
        {"id": "CSECRET", "name": "secret", "is_private": True, "members": ["UALICE"]},
        {
            "id": "GTRIO",
            "name": "mpdm-trio",
            "is_mpim": True,
            "members": ["UALICE", "UBOB", "UKEN"],
        },
    ],
}


def settings_for(playground: Playground, data_dir: Path, **more: Any) -> Settings:
    return Settings(
        home=data_dir,
        slack_api_url=playground.api_url,
        slack_bot_token=SecretStr("xoxb-playground"),
        slack_app_token=SecretStr("xapp-playground"),
        slack_signing_secret=SecretStr("playground"),
        **more,
    )


class NotKept(Exception):
    """The error of `ask` in these tests; its text must not leak."""


class Asked:
    """A fake of `ask`: records the questions, or fails a given number of times."""

    def __init__(self) -> None:
        self.questions: list[Question] = []
        self.failures = 0
        self.still_to_fail = 0
        self._changed = threading.Condition()

    def __call__(self, question: Question) -> None:
        with self._changed:
            self._changed.notify_all()
            if self.still_to_fail:
                self.still_to_fail -= 1
                self.failures += 1
                raise NotKept(f"could not keep {question.text}")
            self.questions.append(question)

    def wait(self, number: int, timeout_s: float = 60.0) -> list[Question]:
        """Wait for this many questions and return them."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.questions) >= number, timeout_s)
            return list(self.questions)


class Inbox:
    """An app that records what Slack sends, and answers with the next status."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []

    @contextmanager
    def open(self) -> Iterator[str]:
        inbox = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                inbox.requests.append((headers, body))
                self.send_response(inbox.statuses.pop(0) if inbox.statuses else 200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Log nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        with _serving(server):
            yield f"http://127.0.0.1:{server.server_port}/slack/events"


@contextmanager
def serving(web: Web) -> Iterator[str]:
    """Serve a WSGI application on a port of its own; yields its address."""

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    class Silent(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing."""

    server = make_server("127.0.0.1", 0, web, server_class=Server, handler_class=Silent)
    with _serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


def until(look: Callable[[], Any], timeout_s: float = 60.0) -> None:
    """Poll until this holds, for state without a notification."""
    deadline = time.monotonic() + timeout_s
    turn = threading.Event()
    while not look():
        assert time.monotonic() < deadline, "it never came about"
        turn.wait(0.02)


@contextmanager
def _serving(server: ThreadingHTTPServer | WSGIServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
