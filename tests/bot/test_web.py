"""HTTP accepts signed, fresh requests of a sensible size, and refuses others without details."""

import hashlib
import hmac
import http.client
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.workers import gthread  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn  # type: ignore[import-untyped]

from bot import views
from bot.app import create_app
from bot.playground.client import Playground
from bot.web import DeadlineWorker, Web, create_web
from tests.bot.slack_world import Asked, Json, serving, settings_for
from workers.interface import metrics

CANARY = "canary-4711"

MESSAGE: Json = {
    "type": "event_callback",
    "team_id": "T1",
    "event_id": "Ev1",
    "authorizations": [{"team_id": "T1", "user_id": "UKEN", "is_bot": True}],
    "event": {
        "type": "message",
        "channel_type": "im",
        "channel": "DUALICE",
        "user": "UALICE",
        "ts": "1700000000.000001",
        "text": CANARY,
    },
}


@dataclass
class Bot:
    host: str

    def post(self, body: bytes, headers: dict[str, str], path: str = "/slack/events") -> int:
        return self.send("POST", path, body, headers)[0]

    def send(
        self, verb: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.putrequest(verb, path)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            connection.putheader(name, value.encode("utf-8"))
        connection.endheaders(body)
        response = connection.getresponse()
        answer = response.read().decode()
        connection.close()
        return response.status, answer


def signed(
    body: bytes, *, secret: str = "playground", at: str = "", kind: str = "application/json"
) -> dict[str, str]:
    timestamp = at or str(int(time.time()))
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={digest.hexdigest()}",
    }


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    nowhere = Playground("http://127.0.0.1:9")
    app = create_app(settings_for(nowhere, tmp_path_factory.mktemp("home")))
    with serving(create_web(app, "playground")) as url:
        yield Bot(url.removeprefix("http://"))


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked = Asked()
    monkeypatch.setattr("bot.listeners.ask", asked)
    monkeypatch.setattr("bot.actions.ask", asked)
    return asked


def test_a_signed_event_is_accepted(bot: Bot, asked: Asked) -> None:
    body = json.dumps(MESSAGE).encode()

    assert bot.post(body, signed(body)) == 200
    assert [question.text for question in asked.questions] == [CANARY]


def test_a_replay_within_five_minutes_reaches_ask_under_the_same_id(bot: Bot, asked: Asked) -> None:
    body = json.dumps(MESSAGE).encode()
    headers = signed(body)
    retry = {**headers, "X-Slack-Retry-Num": "3", "X-Slack-Retry-Reason": "http_timeout"}
    for sent in (headers, headers, {**headers, "X-Slack-Retry-Num": "0"}, retry):
        assert bot.post(body, sent) == 200
    assert {question.event_id for question in asked.questions} == {"Ev1"}
    assert len(asked.questions) == 4


def forged() -> dict[str, dict[str, str]]:
    """Sign at test time: a timestamp that is too early now becomes valid a little later."""
    body = json.dumps(MESSAGE).encode()
    good, now = signed(body), time.time()

    def at(timestamp: str) -> dict[str, str]:
        return signed(body, at=timestamp)

    return {
        "another secret": signed(body, secret="another"),
        "another body": signed(b"{}"),
        "no headers": {},
        "no signature": {k: v for k, v in good.items() if "Signature" not in k},
        "no timestamp": {k: v for k, v in good.items() if "Timestamp" not in k},
        "empty signature": {**good, "X-Slack-Signature": ""},
        "signature beyond ASCII": {**good, "X-Slack-Signature": "v0=é"},
        "old": at(str(int(now) - 301)),
        "future": at(str(int(now) + 400)),
        "words": at("yesterday"),
        "infinity": at("inf"),
        "not a number": at("nan"),
        "fraction": at(str(now)),
        "negative": at(f"-{int(now)}"),
        "underscores": at("1_700_000_000"),
        "foreign digits": at("\u0661\u0667\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660"),
        "endless": at("1" * 5000),
    }


@pytest.mark.parametrize("name", list(forged()))
def test_a_forged_or_stale_request_is_refused_without_details(
    bot: Bot,
    asked: Asked,
    name: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)

    assert bot.post(json.dumps(MESSAGE).encode(), forged()[name]) == 401
    assert asked.questions == []
    assert CANARY not in caplog.text + "".join(capsys.readouterr())


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b"[" * 100_000, b'{"event":'])
def test_a_malformed_body_is_not_a_server_error(bot: Bot, body: bytes) -> None:
    assert bot.post(body, {}) == 401
    assert bot.post(body, signed(body)) in (400, 401)


def test_ten_megabytes_are_refused_before_they_are_read(bot: Bot, asked: Asked) -> None:
    host, port = bot.host.split(":")
    for length, status in ((1_000_000, 401), (1_000_001, 413), (10_000_000, 413), (10**17, 413)):
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            head = f"POST /slack/events HTTP/1.1\r\nContent-Length: {length}\r\n\r\n"
            connection.sendall(head.encode())
            assert f" {status} ".encode() in connection.recv(100)
    assert asked.questions == []


def test_a_body_of_unknown_length_is_refused(bot: Bot) -> None:
    for length in ("", "-1", "many"):
        assert bot.post(b"", {"Content-Length": length}) == 411


def test_only_two_addresses_exist(bot: Bot) -> None:
    assert bot.send("GET", "/healthz") == (200, "ok")
    for verb, path in (("GET", "/slack/events"), ("POST", "/healthz"), ("POST", "/"), ("GET", "/")):
        assert bot.send(verb, path)[0] == 404


def test_slacks_challenge_is_answered(bot: Bot) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZ"}).encode()
    status, answer = bot.send("POST", "/slack/events", body, signed(body))
    assert (status, json.loads(answer)) == (200, {"challenge": "3eZ"})


USER = {"id": "UALICE", "team_id": "T1"}
UNWANTED: list[dict[str, Any]] = [
    {"type": "block_actions", "actions": [{"action_id": "a", "block_id": "b", "type": "button"}]},
    {"type": "view_submission", "view": {"id": "V1", "type": "modal", "callback_id": "c"}},
    {"type": "view_closed", "view": {"id": "V1", "type": "modal", "callback_id": "c"}},
    {"type": "shortcut", "callback_id": "c"},
    {"type": "message_action", "callback_id": "c", "message": {}, "channel": {"id": "C1"}},
    {"type": "block_suggestion", "action_id": "a", "block_id": "b", "value": "x"},
    {"type": "dialog_submission", "callback_id": "c"},
    {"type": "something_new"},
]


def form(fields: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    body = urlencode(fields).encode()
    return body, signed(body, kind="application/x-www-form-urlencoded")


def interaction(payload: Json) -> tuple[bytes, dict[str, str]]:
    return form({"payload": json.dumps(payload)})


def counted(outcome: str) -> float:
    return float(metrics.EVENTS.labels(outcome)._value.get())


@pytest.mark.parametrize("payload", UNWANTED, ids=[str(item["type"]) for item in UNWANTED])
def test_interactions_without_a_listener_are_acknowledged_and_counted(
    bot: Bot, payload: Json
) -> None:
    before = counted("unknown")
    whole = {**payload, "user": USER, "team": {"id": "T1"}, "trigger_id": "1"}

    assert bot.post(*interaction(whole)) == 200
    assert counted("unknown") == before + 1


def test_a_command_without_a_listener_is_acknowledged(bot: Bot) -> None:
    fields = {"command": "/other", "text": "", "user_id": "UALICE", "team_id": "T1"}
    assert bot.post(*form(fields)) == 200


COMMAND = {
    "command": "/ken",
    "user_id": "UALICE",
    "team_id": "T1",
    "channel_id": "CGENERAL",
    "trigger_id": "1.2",
}


@pytest.mark.parametrize("text", ["how big may a payload be?", "payload={}", "a&payload=b", "ü €"])
def test_a_command_is_parsed_whatever_its_text(bot: Bot, asked: Asked, text: str) -> None:
    """Bolt's parser treats every form with the word `payload` as an interaction."""
    body, headers = form({**COMMAND, "text": text})
    status, answer = bot.send("POST", "/slack/events", body, headers)

    assert (status, json.loads(answer)) == (
        200,
        {"text": views.LOOKING, "response_type": "ephemeral"},
    )
    assert [question.text for question in asked.questions] == [text]


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "text/xml", "multipart/form-data; boundary=x", "application/jsonp"]
)
def test_a_body_of_another_kind_is_refused(bot: Bot, asked: Asked, kind: str) -> None:
    body = json.dumps(MESSAGE).encode()

    assert bot.post(body, signed(body, kind=kind)) == 415
    assert asked.questions == []


def test_the_content_type_may_have_a_charset(bot: Bot, asked: Asked) -> None:
    body = json.dumps(MESSAGE).encode()

    assert bot.post(body, signed(body, kind="application/json; charset=utf-8")) == 200
    assert len(asked.questions) == 1


@pytest.mark.parametrize(
    "body", [b"payload=", b"payload=%7B", b"payload=%5B%5D", b"[1]", b"7", b""]
)
def test_a_payload_that_is_not_an_object_is_refused(bot: Bot, body: bytes) -> None:
    kind = "application/x-www-form-urlencoded" if b"=" in body else "application/json"
    assert bot.post(body, signed(body, kind=kind)) == 400


def test_a_failure_logs_only_its_class(
    bot: Bot, asked: Asked, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asked.still_to_fail = 1
    body = json.dumps(MESSAGE).encode()

    assert bot.post(body, signed(body)) == 503
    printed = "".join(capsys.readouterr()) + caplog.text
    assert "event_not_kept" in printed
    assert "NotKept" in printed
    assert CANARY not in printed


def test_create_app_needs_no_slack(tmp_path: Path) -> None:
    assert create_app(settings_for(Playground("http://127.0.0.1:9"), tmp_path))


def test_without_a_plausible_signature_no_body_is_read(bot: Bot, asked: Asked) -> None:
    """Threat 40: the headers alone refuse it; not a byte of the body has been sent."""
    host, port = bot.host.split(":")
    now = str(int(time.time()))
    for timestamp, signature in (
        ("", ""),
        (now, ""),
        (now, "v0=short"),
        (now, "v1=" + "0" * 64),
        ("1700000000", "v0=" + "0" * 64),
    ):
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            head = (
                "POST /slack/events HTTP/1.1\r\nContent-Length: 999999\r\n"
                f"X-Slack-Request-Timestamp: {timestamp}\r\nX-Slack-Signature: {signature}\r\n\r\n"
            )
            connection.sendall(head.encode())
            assert b" 401 " in connection.recv(100)
    assert asked.questions == []


def served(web: Web, begun: bytes) -> bytes:
    """Return the answer of a gunicorn thread to a request that never ends."""
    cfg = Config()
    worker: Any = DeadlineWorker(1, os.getpid(), [], None, 30, cfg, Logger(cfg))
    worker.wsgi = web
    ours, theirs = socket.socketpair()
    with theirs, ThreadPoolExecutor(1) as thread:
        theirs.sendall(begun)
        handled = thread.submit(worker.handle, TConn(cfg, ours, ("127.0.0.1", 1), ("", 0)))
        try:
            handled.result(timeout=60)
        finally:
            ours.close()
        return theirs.recv(4000)


@pytest.mark.parametrize(
    "begun", ["", "POST /slack/ev", "POST /slack/events HTTP/1.1\r\nHost: x\r\n"]
)
def test_a_head_that_does_not_arrive_in_time_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: str
) -> None:
    monkeypatch.setattr(DeadlineWorker, "patience_s", 0.05)
    monkeypatch.setattr(gthread, "DEFAULT_WORKER_DATA_TIMEOUT", 0.05)
    nobodys = create_app(settings_for(Playground("http://127.0.0.1:9"), tmp_path))
    assert served(create_web(nobodys, "playground"), begun.encode()) == b""


def test_a_body_that_does_not_arrive_in_time_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DeadlineWorker, "patience_s", 0.05)
    nobodys = create_app(settings_for(Playground("http://127.0.0.1:9"), tmp_path))
    head = (
        "POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n"
        "Content-Type: application/json\r\n"
        f"X-Slack-Request-Timestamp: {int(time.time())}\r\nX-Slack-Signature: v0={'0' * 64}\r\n\r\n"
    )
    answer = served(create_web(nobodys, "playground"), head.encode() + b'{"ty')
    assert answer.startswith(b"HTTP/1.1 408")
