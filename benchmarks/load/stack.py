"""The whole of Ken as real processes, with a paced model and a Slack of our own."""

import json
import socket
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import psutil
import psycopg
from rich.console import Console
from sqlalchemy import make_url

from bot.playground.client import Playground
from workers.cli import running
from workers.cli.demo import COMPANY
from workers.cli.loading import load_folder
from workers.database.schema import migrate
from workers.embedded.process import Child, wait_until
from workers.embedded.servers import EmbeddedPostgres, EmbeddedRedis, ensure, write_env
from workers.settings import Settings, child_environment, load_settings

SECRET = "playground"
_CHANNEL = "C0GENERAL1"


class Stack:
    """PostgreSQL, Redis, a worker, the bot over HTTP, the Slack double, the paced model."""

    def __init__(self, data_dir: Path, model_port: int) -> None:
        self.data_dir = data_dir
        self.settings = load_settings(data_dir)
        self.slack = Playground(self.settings.slack_api_url.removesuffix("/api/"))
        self.model_url = f"http://127.0.0.1:{model_port}"
        self.events_url = f"http://127.0.0.1:{self.settings.http_port}/slack/events"
        self.redis = EmbeddedRedis(data_dir)
        self.rows = _superuser(self.settings)
        self.team, self.questions = _asked_in()
        self.next_question = cycle(self.questions)
        self.roots: dict[tuple[str, str], str] = {}

    def pace(self, delay_s: float) -> None:
        """How long the model takes from now on; what it served so far is forgotten."""
        body = json.dumps({"delay_s": delay_s}).encode()
        request = urllib.request.Request(f"{self.model_url}/pace", body, method="POST")
        request.add_header("Content-Type", "application/json")
        urllib.request.urlopen(request).close()

    def served(self) -> list[tuple[float, float]]:
        with urllib.request.urlopen(f"{self.model_url}/served") as response:
            return [(asked, answered) for asked, answered in json.load(response)]

    def with_threads(self, threads: int) -> None:
        """Start a worker with this many threads."""
        if self.settings.worker_threads == threads and Child(self.data_dir, "worker").running():
            return
        Child(self.data_dir, "worker").stop()
        write_env(self.data_dir, {"KEN_WORKER_THREADS": str(threads)})
        running.up(self.data_dir, lambda _step: None)
        self.settings = load_settings(self.data_dir)

    def one(self, statement: str, *values: object) -> Any:
        """The first column of the first row."""
        row = self.rows.execute(statement, values).fetchone()
        return row[0] if row else None

    def open_questions(self) -> int:
        return int(self.one("SELECT count(*) FROM question WHERE state = 'kept'"))

    def processes(self) -> dict[str, list[psutil.Process]]:
        """Whose work and memory is measured, with their children."""
        found = {"bench": [psutil.Process()]}
        for name in ("worker", "bot", "playground", "model", "redis"):
            pid = Child(self.data_dir, name).pid
            first = psutil.Process(pid) if pid else None
            found[name] = [first, *first.children(recursive=True)] if first else []
        data = str(EmbeddedPostgres(self.data_dir).data)
        found["postgresql"] = [
            process
            for process in psutil.process_iter(["name"])
            if process.info["name"] == "postgres" and _works_in(process, data)
        ]
        return found

    def open_threads(self) -> None:
        """What is sent stands in a thread of the double, or it would take no reply."""
        for user in {user for user, _ in self.questions}:
            for channel in (_CHANNEL, f"D{user}"):
                self.roots[channel, user] = self.slack.say(channel, user, "Hello").ts

    def question(self, *, in_channel: bool) -> tuple[str, str, str, str]:
        """Channel, root of the thread, asker, text."""
        user, text = next(self.next_question)
        channel = _CHANNEL if in_channel else f"D{user}"
        return channel, self.roots[channel, user], user, text


@contextmanager
def started(data_dir: Path, out: Console) -> Iterator[Stack]:
    """From an empty home to a warm stack; in the end nothing of it runs."""
    model = Child(data_dir, "model")
    if data_dir.exists():  # a run that was killed may have left something
        model.stop()
        running.down(data_dir)
    ports = [_free_port() for _ in range(3)]
    try:
        ensure(data_dir)
        settings = load_settings(data_dir)
        migrate(settings)
        load_folder(settings, COMPANY, source=None, allow=(), remove_missing=True, console=out)
        with _superuser(settings) as rows:
            rows.execute("TRUNCATE question, lease, outbox, answer, feedback CASCADE")
        write_env(data_dir, _environment(*ports))
        command = [sys.executable, "-m", "benchmarks.load.model", str(ports[2])]
        model.start(command, child_environment(load_settings(data_dir)))
        assert wait_until(lambda: _listens(ports[2]), 20), model.tail(5)
        running.up(data_dir, lambda _step: None)
        assert wait_until(lambda: _listens(ports[0]) and _listens(ports[1]), 20)
        yield Stack(data_dir, ports[2])
    finally:
        model.stop()
        running.down(data_dir)


def _works_in(process: psutil.Process, folder: str) -> bool:
    try:
        return process.cwd() == folder
    except psutil.Error:
        return False


def _environment(slack_port: int, bot_port: int, model_port: int) -> dict[str, str]:
    return {
        "KEN_PLAYGROUND": str(COMPANY / "workspace.json"),
        "KEN_SLACK_API_URL": f"http://127.0.0.1:{slack_port}/api/",
        "KEN_SLACK_BOT_TOKEN": "xoxb-playground",
        "KEN_SLACK_APP_TOKEN": "xapp-playground",
        "KEN_SLACK_SIGNING_SECRET": SECRET,
        "KEN_SLACK_MODE": "http",
        "KEN_QUESTIONS_PER_MINUTE": "1000000",
        "KEN_QUESTIONS_PER_DAY": "1000000",
        "KEN_CARDS_AFTER_S": "1000000",  # a message that only says what is done would be measured
        "KEN_HTTP_PORT": str(bot_port),
        "KEN_MODEL_BASE_URL": f"http://127.0.0.1:{model_port}/v1",
        "KEN_WORKER_THREADS": str(Settings.model_fields["worker_threads"].default),
    }


def _asked_in() -> tuple[str, list[tuple[str, str]]]:
    """The workspace; who asks there (a Slack id) and what: questions that have an answer."""
    workspace = json.loads((COMPANY / "workspace.json").read_text())
    members = next(c["members"] for c in workspace["channels"] if c["id"] == _CHANNEL)
    ids = {user["name"]: user["id"] for user in workspace["users"] if user["id"] in members}
    lines = map(json.loads, (COMPANY / "questions.jsonl").read_text().splitlines())
    return workspace["team"]["id"], [
        (ids[line["asker"]], line["text"])
        for line in lines
        if line["expected"] == "answer" and line["asker"] in ids
    ]


def _superuser(settings: Settings) -> psycopg.Connection[tuple[Any, ...]]:
    url = make_url(settings.database_url.get_secret_value())
    return psycopg.connect(
        user="postgres",
        dbname=url.database,
        host=str(url.query["host"]),
        port=str(url.query["port"]),
        password=EmbeddedPostgres(settings.home).superuser_password,
        autocommit=True,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
