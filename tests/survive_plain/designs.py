"""The designs that the faults are done to, as real processes: Celery as people use it, and Ken."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import redis
from celery import Celery
from rich.console import Console
from sqlalchemy import text

from bot.playground.client import Playground
from bot.playground.double import Access
from bot.playground.server import running as running_double
from bot.playground.workspace import read_workspace
from tests.bot.slack_world import serving, until
from tests.ports import free_port
from tests.survive_plain import plain
from tests.survive_plain.model import HeldModel
from workers.cli import running
from workers.cli.loading import load_folder
from workers.database.schema import migrate
from workers.database.sessions import Database
from workers.embedded.data_dir import socket_folder
from workers.embedded.process import Child, open_log
from workers.embedded.servers import EmbeddedRedis, ensure, write_env
from workers.settings import load_settings

Json = dict[str, Any]
WORKSPACE: Json = {
    "team": {"id": "T1", "name": "Acme", "domain": "acme"},
    "users": [{"id": "UALICE", "name": "alice"}],
    "channels": [],
}
_SLACK = {
    "KEN_SLACK_BOT_TOKEN": "xoxb-playground",
    "KEN_SLACK_APP_TOKEN": "xapp-playground",
    "KEN_SLACK_SIGNING_SECRET": "playground",
}
_LEASE_S = 3


class Design(Protocol):
    """What is asked in Slack, and what can be done to the process that should answer."""

    slack: Playground
    model: HeldModel
    broker: EmbeddedRedis
    queue: str

    def start_worker(self) -> None: ...
    def kill_worker(self) -> None:
        """kill -9, and all its children with it, as when a container ends."""
        ...

    def take_in(self) -> None:
        """Until whatever happens after the acknowledgement has happened."""
        ...

    def deliver_again(self, question: str) -> None:
        """The broker delivers a question a second time while it is worked on."""
        ...

    def finish(self) -> None:
        """Until nobody will post any more."""
        ...


class PlainCelery:
    def __init__(self, kind: str, data_dir: Path, slack: Playground, model: HeldModel) -> None:
        self.kind, self.slack, self.model = kind, slack, model
        self.broker, self.queue = EmbeddedRedis(data_dir), plain.QUEUE
        self.failures: Queue[Exception] = Queue()
        self._workers: list[subprocess.Popen[bytes]] = []

    @property
    def place(self) -> tuple[str, str, str, str]:
        return (self.broker.url, self.slack.api_url, self.model.url, self.kind)

    def start_worker(self) -> None:
        """Whatever nobody has acknowledged in time is delivered to it."""
        until(self._has_waited_long_enough)
        command = [sys.executable, "-m", "tests.survive_plain.plain", *self.place]
        with open_log(self.broker.data_dir, "worker") as log:
            self._workers.append(
                subprocess.Popen(command, start_new_session=True, stdout=log, stderr=log)
            )

    def kill_worker(self) -> None:
        while self._workers:
            worker = self._workers.pop()
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        until(lambda: not _listeners(self.broker))

    def take_in(self) -> None:
        """Bolt acknowledges before it calls the listener."""
        self.failures.get(timeout=20)

    def deliver_again(self, question: str) -> None:
        self.start_worker()
        self.model.wait_until_asked(question, times=2)

    def finish(self) -> None:
        """One task at a time, in the order of the queue: after the last there is none."""
        until(lambda: not waiting(self))
        self.kill_worker()

    def _has_waited_long_enough(self) -> bool:
        client = connected(self.broker)
        taken = client.zrange("unacked_index", 0, -1, withscores=True)
        now, _ = client.time()
        return all(at + plain.VISIBILITY_S < now for _, at in taken)


class Ken:
    def __init__(self, data_dir: Path, model: HeldModel) -> None:
        self.data_dir, self.model = data_dir, model
        self.settings = load_settings(data_dir)
        self.slack = Playground(self.settings.slack_api_url.removesuffix("/api/"))
        self.broker, self.queue = EmbeddedRedis(data_dir), "ken"
        self.database = Database(self.settings)

    def start_worker(self) -> None:
        running.up(self.data_dir, lambda step: None)

    def kill_worker(self) -> None:
        worker = Child(self.data_dir, "worker")
        pid = worker.pid
        assert pid, "the worker is not running"  # 0 would be all of our own processes
        os.kill(pid, signal.SIGKILL)
        until(lambda: not _listeners(self.broker))

    def take_in(self) -> None:
        """It acknowledges last."""

    def deliver_again(self, question: str) -> None:
        """Once its lease was renewed: the bell rings for it, again and again."""
        until(lambda: self._one(_RENEWED))
        question_id = self._one("SELECT id FROM question WHERE state = 'kept'")
        doorbell = Celery(broker=self.broker.url, set_as_current=False)
        for _ in range(3):
            doorbell.send_task("answer_question", args=[question_id], queue=self.queue)
        until(lambda: not waiting(self))

    def finish(self) -> None:
        until(lambda: not self._one("SELECT count(*) FROM question WHERE state = 'kept'"))
        until(lambda: not waiting(self))

    def _one(self, statement: str) -> Any:
        with self.database.session("ingress") as session:
            return session.execute(text(statement)).scalar_one()


_RENEWED = f"""
    SELECT max(expires_at - asked_at) > interval '{_LEASE_S + 0.5} s'
    FROM lease JOIN question ON id = question_id WHERE state = 'kept'
"""  # noqa: S608


def waiting(design: Design) -> int:
    """Messages that are queued, or delivered and not acknowledged."""
    client = connected(design.broker)
    return int(client.llen(design.queue)) + int(client.hlen("unacked"))


def _listeners(broker: EmbeddedRedis) -> int:
    """Workers that Redis would hand a message to; a dead one, until its last thread is gone."""
    if not broker.running():
        return 0
    return sum(client["cmd"] == "brpop" for client in connected(broker).client_list())


def connected(broker: EmbeddedRedis) -> Any:
    place = urlsplit(broker.url)
    return redis.Redis(unix_socket_path=unquote(place.path), password=place.password)


@contextmanager
def plain_celery(kind: str, data_dir: Path, model: HeldModel) -> Iterator[PlainCelery]:
    broker = EmbeddedRedis(data_dir)
    broker.start()
    connected(broker).flushall()
    port = free_port()
    design = PlainCelery(kind, data_dir, Playground(f"http://127.0.0.1:{port}"), model)
    bot = plain.create_bot(
        plain.create_app(*design.place), design.slack.api_url, design.failures.put
    )
    with serving(bot) as url:
        access = Access(events_url=f"{url}/slack/events")
        with running_double(read_workspace(WORKSPACE), access, port=port):
            try:
                yield design
            finally:
                design.kill_worker()
                broker.stop()


@contextmanager
def ken(data_dir: Path, model: HeldModel) -> Iterator[Ken]:
    """Servers, one document, the double, the bot over HTTP and a worker."""
    ensure(data_dir)
    migrate(load_settings(data_dir))
    folder, workspace = _written(data_dir.parent)
    quiet = Console(quiet=True)
    load_folder(
        load_settings(data_dir), folder, source=None, allow=(), remove_missing=False, console=quiet
    )
    write_env(
        data_dir,
        _SLACK
        | {
            "KEN_PLAYGROUND": str(workspace),
            "KEN_SLACK_API_URL": f"http://127.0.0.1:{free_port()}/api/",
            "KEN_SLACK_MODE": "http",
            "KEN_QUESTIONS_PER_MINUTE": "1000000",
            "KEN_CARDS_AFTER_S": "1000000",  # plain Celery shows none
            "KEN_HTTP_PORT": str(free_port()),
            "KEN_MODEL_BASE_URL": model.url,
            "KEN_LEASE_S": str(_LEASE_S),
            "KEN_SWEEP_S": "0.5",
            "KEN_JOB_THREADS": "0",  # or the jobs worker would listen, too
        },
    )
    design = Ken(data_dir, model)
    try:
        design.start_worker()
        design.slack.wait_until_ready()
        yield design
    finally:
        design.database.close()
        running.down(data_dir)
        shutil.rmtree(socket_folder(data_dir), ignore_errors=True)


@contextmanager
def folder() -> Iterator[Path]:
    """In memory where there is room; PostgreSQL's account may enter it."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    place = Path(tempfile.mkdtemp(dir=memory if roomy else None))
    place.chmod(0o755)
    try:
        yield place
    finally:
        shutil.rmtree(place)


def _written(place: Path) -> tuple[Path, Path]:
    wiki, workspace = place / "wiki", place / "workspace.json"
    (wiki / "documents").mkdir(parents=True)
    (wiki / "documents" / "vacation.md").write_text("Everybody has thirty days of vacation.\n")
    (wiki / "source.json").write_text(json.dumps({"name": "wiki"}))
    alice = {"type": "user", "id": "alice", "identities": {"slack:T1": "UALICE"}}
    (wiki / "principals.jsonl").write_text(json.dumps(alice))
    (wiki / "permissions.jsonl").write_text(json.dumps({"path": "", "allow": ["user:alice"]}))
    workspace.write_text(json.dumps(WORKSPACE))
    return wiki, workspace
