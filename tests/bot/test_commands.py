"""`python -m bot` and `python -m bot.playground` as processes: start, refuse, stop."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.__main__ import Handler, main
from bot.app import create_app
from bot.playground.client import Playground
from bot.playground.server import running
from bot.playground.workspace import WorkspaceInvalid, read_workspace
from tests.bot.slack_world import WORLD, Json, settings_for, until
from tests.ports import free_port

ECHO = """
import sys
import bot.listeners
from bot.__main__ import main
bot.listeners.ask = lambda question: print("asked:", question.text, flush=True)
sys.exit(main())
"""

TOKENS = {
    "KEN_SLACK_BOT_TOKEN": "xoxb-playground",
    "KEN_SLACK_APP_TOKEN": "xapp-playground",
    "KEN_SLACK_SIGNING_SECRET": "playground",
}


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KEN_")}
    return {**kept, "KEN_HOME": str(data_dir), **more}


@contextmanager
def process(*arguments: str, env: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    started = subprocess.Popen(
        [sys.executable, *arguments], env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        assert started.stdout
        started.stdout.close()


@contextmanager
def playground(data_dir: Path, *more: str) -> Iterator[Playground]:
    file = data_dir / "workspace.json"
    file.write_text(json.dumps(WORLD))
    order = ["-m", "bot.playground", "--workspace", str(file), "--port", "0", *more]
    with process(*order, env=environment(data_dir)) as started:
        assert started.stdout
        found = re.search(r"http://127\.0\.0\.1:\d+", started.stdout.readline())
        assert found
        yield Playground(found.group())
        started.send_signal(signal.SIGTERM)
        assert started.wait(60) == 0


@contextmanager
def playground_here() -> Iterator[Playground]:
    """Run the double in this process, where it starts at once, for tests of the bot alone."""
    with running(read_workspace(WORLD)) as url:
        yield Playground(url)


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False


@pytest.mark.parametrize("mode", ["socket", "http"])
def test_the_bot_receives_questions_and_stops_on_sigterm(tmp_path: Path, mode: str) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    events = ("--events-url", f"{url}/slack/events")
    with ExitStack() as stack:
        slack = stack.enter_context(
            playground(tmp_path, *events) if mode == "http" else playground_here()
        )
        ops = f"http://127.0.0.1:{free_port()}"
        env = environment(
            tmp_path,
            **TOKENS,
            KEN_SLACK_API_URL=slack.api_url,
            KEN_SLACK_MODE=mode,
            KEN_HTTP_PORT=str(port),
            KEN_BOT_OPS_PORT=ops.rpartition(":")[2],
        )
        bot = stack.enter_context(process("-c", ECHO, env=env))
        if mode == "http":
            until(lambda: answers(f"{url}/healthz"))
        slack.wait_until_ready()
        slack.say("general", "alice", "<@UKEN> hello")
        assert bot.stdout
        assert any(line == "asked: hello\n" for line in iter(bot.stdout.readline, ""))
        slack.wait_until_delivered()
        assert answers(f"{ops}/healthz")
        assert not answers(f"{ops}/readyz")  # there is no PostgreSQL here
        with urlopen(f"{ops}/metrics", timeout=5) as response:
            counted = response.read().decode()
        # Slack sends a mention twice: as such, and as a message in the channel.
        assert 'ken_events_total{outcome="acknowledged"} 2.0' in counted.splitlines()
        bot.send_signal(signal.SIGTERM)
        assert bot.wait(60) == 0


def test_bytes_that_are_not_http_are_not_logged(tmp_path: Path) -> None:
    """Threat 12: gunicorn would quote the request."""
    port = free_port()
    settings = {"KEN_SLACK_MODE": "http", "KEN_HTTP_PORT": str(port)}
    bot = subprocess.Popen(
        [sys.executable, "-m", "bot"],
        env=environment(tmp_path, **TOKENS, **settings),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/healthz"))
        with socket.create_connection(("127.0.0.1", port)) as mad:
            mad.sendall(b"GET /canary HTTP/9.9\r\ncanary\r\n\r\n")
            assert mad.recv(1000).startswith(b"HTTP/1.1 4")
        bot.terminate()
        _, logged = bot.communicate(timeout=60)
    finally:
        bot.kill()
        bot.wait()
    lines = [json.loads(line) for line in logged.splitlines()]
    assert {line["logger"] for line in lines} == {"gunicorn.error"}
    assert "canary" not in logged


@pytest.mark.parametrize(
    ("mode", "missing"),
    [
        ("socket", "KEN_SLACK_APP_TOKEN"),
        ("socket", "KEN_SLACK_BOT_TOKEN"),
        ("http", "KEN_SLACK_SIGNING_SECRET"),
        ("pigeon", ""),
    ],
)
def test_the_bot_names_the_missing_setting(
    tmp_path: Path,
    mode: str,
    missing: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {**TOKENS, "KEN_SLACK_MODE": mode, "KEN_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, "" if name == missing else value)

    assert main() == 2
    said = capsys.readouterr().err
    assert (missing or "KEN_SLACK_MODE") in said
    assert "playground" not in said


def test_what_has_arrived_by_sigterm_is_stored_and_acknowledged(tmp_path: Path) -> None:
    """The connection is closed only after the acknowledgement, so Slack repeats nothing."""
    slow = ECHO.replace(
        'print("asked:", question.text, flush=True)',
        '(print("asked:", question.text, flush=True), sys.stdin.readline())',
    )
    with playground_here() as slack:
        env = environment(tmp_path, **TOKENS, KEN_SLACK_API_URL=slack.api_url)
        bot = subprocess.Popen(
            [sys.executable, "-c", slow],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            slack.wait_until_ready()
            slack.say("general", "alice", "<@UKEN> hello")
            assert bot.stdout
            assert bot.stdin
            assert bot.stdout.readline() == "asked: hello\n"
            bot.send_signal(signal.SIGTERM)
            bot.stdin.write("kept\n")
            bot.stdin.flush()
            _, logged = bot.communicate(timeout=60)
            assert bot.returncode == 0
            assert "bot_stopped" in logged
            assert {attempt.failed for attempt in slack.attempts()} == {""}
        finally:
            bot.kill()
            bot.wait()


def test_the_bot_waits_a_limited_time_for_events_in_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection must not close between storing and acknowledging."""
    begun, released, acknowledged = Event(), Event(), Event()

    def handle(*_: object) -> None:
        begun.set()
        released.wait(60)
        acknowledged.set()

    monkeypatch.setattr(SocketModeHandler, "handle", handle)
    handler = Handler(create_app(settings_for(Playground("http://127.0.0.1:9"), tmp_path)), "xapp-")
    event = SocketModeRequest("events_api", "envelope", {})
    coming = Thread(target=handler.handle, args=(handler.client, event))
    coming.start()
    try:
        assert begun.wait(60)
        assert not handler.finish(0.01)
        released.set()
        assert handler.finish(20)
        assert acknowledged.is_set()
        assert handler.works().words() == {"ok": True, "threads": True, "connected": False}
    finally:
        released.set()
        coming.join()
        handler.client.close()
    assert not handler.works().ok


def test_unsafe_settings_stop_the_bot_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        **TOKENS,
        "KEN_HOME": str(tmp_path),
        "KEN_PRODUCTION": "true",
        "KEN_REDIS_URL": "redis://canary.example",
        "KEN_INGRESS_PASSWORD": "canary",
    }.items():
        monkeypatch.setenv(name, value)
    assert main() == 2
    said = capsys.readouterr().err
    for name in ("KEN_REDIS_URL", "KEN_INGRESS_PASSWORD", "KEN_SLACK_BOT_TOKEN", "KEN_DATABASE"):
        assert name in said
    assert "canary" not in said


def test_the_bot_says_when_slack_refuses_its_token(tmp_path: Path) -> None:
    with playground_here() as slack:
        env = environment(
            tmp_path,
            **{**TOKENS, "KEN_SLACK_APP_TOKEN": "xapp-wrong"},
            KEN_SLACK_API_URL=slack.api_url,
        )
        ended = subprocess.run(
            [sys.executable, "-m", "bot"], env=env, capture_output=True, text=True, check=False
        )
    assert ended.returncode == 2
    assert "invalid_auth" in ended.stderr
    assert "xapp-wrong" not in ended.stderr + ended.stdout


def test_messages_survive_a_restart(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state.json"))
    with playground(tmp_path, *state) as slack:
        slack.say("general", "alice", "remember")
        slack.join("general", "guest")
    with playground(tmp_path, *state) as slack:
        slack.say("general", "guest", "I do")
        texts = [message.text for message in slack.messages("general")]
    assert texts == ["remember", "<@UGUEST> has joined the channel", "I do"]


TEAM = WORLD["team"]
ALICE = {"id": "UALICE", "name": "alice"}


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ([], "workspace: not an object"),
        ({}, "team: not an object"),
        ({"team": {**TEAM, "motto": ""}}, "team.motto: unknown field"),
        ({"team": {"id": "T1", "name": "Acme"}}, "'domain'"),
        ({"team": TEAM, "users": {}}, "users: not a list"),
        ({"team": TEAM, "users": [{"id": "UALICE"}]}, "users[0].name: missing"),
        ({"team": TEAM, "users": [{**ALICE, "deleted": "no"}]}, "users[0].deleted: not a bool"),
        ({"team": TEAM, "users": [{**ALICE, "id": "alice"}]}, "id 'alice' is not like"),
        ({"team": TEAM, "users": [ALICE, ALICE]}, "id 'UALICE' occurs twice"),
        (
            {"team": TEAM, "channels": [{"id": "C1", "name": "c", "members": ["UBOB"]}]},
            "C1.members: no user 'UBOB'",
        ),
    ],
)
def test_an_invalid_workspace_file_is_reported_with_its_field(raw: Json, place: str) -> None:
    with pytest.raises(WorkspaceInvalid, match=re.escape(place)):
        read_workspace(raw)
