"""A worker as a process: what it says of itself, what it survives, and how it ends on a signal.

Slow on purpose, some seconds: each test starts a worker.
"""

import base64
import http.client
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from pydantic import SecretStr

from policies.described import Permissions
from tests.ports import free_port
from tests.workers.library import Library
from tests.workers.models.test_openai import answered
from tests.workers.slack_company import Company, kept
from workers import interface
from workers.database.roles import ROLES
from workers.embedded.process import wait_until
from workers.embedded.servers import EmbeddedRedis
from workers.intake import store
from workers.intake.doorbell import QUEUE
from workers.intake.leases import question_session
from workers.models.embedder import MiniLM
from workers.settings import Settings

REPOSITORY = Path(__file__).parents[3]
PATIENCE_S = 60
CANARY = "canary4711"
BUDGET = "The budget of the year is ten million euros."


@dataclass
class Model:
    """Writes once it is released: until then a question is in work."""

    asked: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""


@pytest.fixture
def model() -> Iterator[Model]:
    model = Model()
    body = json.dumps(answered({"text": BUDGET, "passage": 1, "quote": BUDGET})).encode()

    class Speaks(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            model.asked.set()
            model.released.wait(PATIENCE_S)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Speaks)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    yield model
    model.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """Of its own: what else runs on this machine rings elsewhere."""
    queue = EmbeddedRedis(tmp_path / "queue")
    queue.start()
    yield queue
    queue.stop()


@dataclass
class Worker:
    process: subprocess.Popen[bytes]
    log: Path
    port: int

    def get(self, path: str) -> tuple[int, str]:
        calling = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            calling.request("GET", path)
            answer = calling.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            calling.close()

    def lines(self) -> list[dict[str, Any]]:
        """Of its log, all of it. What is no JSON fails here, but for Celery's word at the end."""
        logged = self.log.read_text().replace("\nworker: Warm shutdown (MainProcess)\n", "")
        return [json.loads(line) for line in logged.splitlines()]

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines()]


@dataclass
class Deployment:
    company: Company
    queue: EmbeddedRedis
    model: Model
    folder: Path

    @property
    def settings(self) -> Settings:
        return self.company.services.settings.model_copy(
            update={"redis_url": SecretStr(self.queue.url)}
        )

    @contextmanager
    def worker(self, **more: str) -> Iterator[Worker]:
        name = uuid4().hex[:6]
        port = free_port()
        log = self.folder / f"{name}.log"
        environment = {
            **{name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ},
            "KEN_HOME": str(self.folder / name),
            "KEN_DATABASE_URL": self.settings.database_url.get_secret_value(),
            "KEN_REDIS_URL": self.queue.url,
            "KEN_SLACK_API_URL": self.settings.slack_api_url,
            "KEN_SLACK_BOT_TOKEN": "xoxb-playground",
            "KEN_MODEL_BASE_URL": self.model.url,
            "KEN_WORKER_OPS_PORT": str(port),
            "KEN_WORKER_THREADS": "2",
            **{
                f"KEN_{role.upper()}_PASSWORD": self.settings.password(role).get_secret_value()
                for role in ROLES
                if role != "owner"
            },
            **more,
        }
        (self.folder / name).mkdir()
        with log.open("wb") as written:
            process = subprocess.Popen(
                [sys.executable, "-m", "workers.cli.main", "worker"],
                cwd=REPOSITORY,
                env=environment,
                stdout=written,
                stderr=written,
            )
        worker = Worker(process, log, port)
        try:
            assert wait_until(
                lambda: worker.get("/healthz")[0] == 200 or process.poll() is not None, PATIENCE_S
            )
            assert process.poll() is None, log.read_text()
            yield worker
        finally:
            process.kill()
            process.wait()

    def ask(self) -> int:
        """Alice writes to Ken directly: kept and rung."""
        ts = self.company.slack.dm("alice", "What is the budget of the year?").ts
        question_id = kept(channel_id="DUALICE", ts=ts, words="What is the budget of the year?")
        store.ring(self.company.services.settings, question_id)
        return question_id

    def state(self, question_id: int) -> str:
        return self.company.state(question_id)[0]

    def ended(self, question_id: int) -> bool:
        return wait_until(lambda: self.state(question_id) != "kept", PATIENCE_S)

    def posts(self) -> list[str]:
        return [seen.text for seen in self.company.posts("DUALICE")]


@pytest.fixture
def deployment(
    company: Company,
    queue: EmbeddedRedis,
    model: Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Deployment:
    embedder = MiniLM.load()
    library: Library = company.library
    library.embedder.name = embedder.name
    alice = company.person("alice")
    library.document(
        "budget",
        BUDGET,
        Permissions(allow=frozenset({alice})),
        vectors=[embedder.embed_one(BUDGET)],
    )
    deployment = Deployment(company, queue, model, tmp_path)
    monkeypatch.setattr(interface, "_settings", lambda: deployment.settings)
    monkeypatch.setattr(store._bell, "silent_until", 0.0)
    return deployment


def test_a_worker_tells_how_it_is_and_what_it_did(deployment: Deployment) -> None:
    deployment.model.released.set()
    with deployment.worker() as worker:
        question_id = deployment.ask()
        assert deployment.ended(question_id)
        assert deployment.state(question_id) == "answered"
        status, body = worker.get("/readyz")
        assert (status, json.loads(body)["ok"]) == (200, True)
        metrics = worker.get("/metrics")[1]
        for line in (
            'ken_questions_ended_total{reason="",state="answered"} 1.0',
            'ken_question_seconds_count{state="answered"} 1.0',
            'ken_final_checks_total{verdict="passed"} 1.0',
            "ken_model_seconds_count 1.0",
            "ken_questions_waiting 0.0",
            "ken_queue_length 0.0",
        ):
            assert line in metrics.splitlines()
        # After a second a card is opened first, and becomes the answer.
        assert re.search(r'ken_slack_calls_total\{method="chat_\w+",outcome="ok"\} [1-9]', metrics)
        assert "of the year" not in metrics


def junk() -> list[bytes]:
    """What somebody who reaches Redis could put there; each holds the canary."""
    task = {"lang": "py", "id": CANARY, "root_id": CANARY, "parent_id": None, "group": None}

    def envelope(name: str, body: bytes, kind: str = "application/json") -> bytes:
        return json.dumps(
            {
                "body": base64.b64encode(body).decode(),
                "content-encoding": "utf-8",
                "content-type": kind,
                "headers": {**task, "task": name, "argsrepr": CANARY},
                "properties": {
                    "correlation_id": CANARY,
                    "reply_to": CANARY,
                    "delivery_mode": 2,
                    "delivery_info": {"exchange": "", "routing_key": QUEUE},
                    "priority": 0,
                    "body_encoding": "base64",
                    "delivery_tag": str(uuid4()),
                },
            }
        ).encode()

    def without_a_place() -> bytes:
        """Celery would look for the place to lay it back to, and end."""
        message = json.loads(envelope("answer_question", call(4711)))
        message["properties"]["delivery_info"] = {}
        return json.dumps(message).encode()

    def call(*arguments: object) -> bytes:
        return json.dumps([arguments, {}, {"callbacks": None}]).encode()

    return [
        envelope("os.system", call(CANARY)),
        without_a_place(),
        envelope("answer_question", pickle.dumps([CANARY]), "application/x-python-serialize"),
        envelope("answer_question", b"{" + CANARY.encode()),
        envelope("answer_question", call(CANARY)),
        envelope("answer_question", call({"id": CANARY})),
        envelope("answer_question", call(10**30)),
        envelope("answer_question", call(-1)),
        envelope("answer_question", call(4711, CANARY)),
        envelope("answer_question", json.dumps([CANARY]).encode()),
        envelope("answer_question", json.dumps(CANARY).encode()),
        envelope("answer_question", call("x" * 20_000_000 + CANARY)),
        envelope("celery.backend_cleanup", call(CANARY)),
        json.dumps({"body": CANARY}).encode(),
        json.dumps([CANARY]).encode(),
        CANARY.encode(),
        b"\x80\x04" + CANARY.encode(),
    ]


def test_messages_that_we_did_not_send_stop_no_question_and_are_in_no_log(
    deployment: Deployment,
) -> None:
    """Bad input and threat 12: forging one can at most re-run a question that exists."""
    deployment.model.released.set()
    with deployment.worker() as worker:
        client = redis.Redis.from_url(deployment.queue.url.replace("redis+socket", "unix"))
        for message in junk():
            client.lpush(QUEUE, message)  # each is read before the question's ring
        question_id = deployment.ask()
        assert deployment.ended(question_id)
        assert wait_until(lambda: client.llen(QUEUE) == 0, PATIENCE_S)
        assert worker.process.poll() is None
        assert CANARY not in worker.log.read_text()
        assert CANARY not in worker.get("/metrics")[1]
        assert worker.events().count("task_refused") == len(junk())
    assert len(deployment.posts()) == 1


def test_a_question_in_work_at_sigterm_is_answered_once(deployment: Deployment) -> None:
    with deployment.worker() as worker:
        question_id = deployment.ask()
        assert deployment.model.asked.wait(PATIENCE_S)
        worker.process.send_signal(signal.SIGTERM)
        assert wait_until(lambda: "worker_stopping" in worker.events(), PATIENCE_S)
        late = deployment.ask()
        deployment.model.released.set()
        assert worker.process.wait(PATIENCE_S) == 0
        assert deployment.state(question_id) == "answered"
        assert deployment.state(late) == "kept"
        assert worker.events()[-1] == "worker_stopped"
        assert len(deployment.posts()) == 1
    with deployment.worker():
        assert deployment.ended(late)
        assert len(deployment.posts()) == 2


def test_what_is_not_finished_in_time_is_given_back(deployment: Deployment) -> None:
    """The next worker need not wait for the lease, here an hour, and it is answered once."""
    with deployment.worker(KEN_LEASE_S="3600", KEN_FINISH_S="0.5") as worker:
        question_id = deployment.ask()
        assert deployment.model.asked.wait(PATIENCE_S)
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(PATIENCE_S) == 0
        assert "questions_given_back" in worker.events()
    assert deployment.state(question_id) == "kept"
    deployment.model.released.set()
    with deployment.worker():
        assert deployment.ended(question_id)
    assert len(deployment.posts()) == 1
    with question_session(deployment.company.library.database, question_id):
        assert deployment.state(question_id) == "answered"


def test_settings_that_are_unsafe_stop_a_worker_before_it_starts(
    deployment: Deployment, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workers.cli.main", "worker"],
        cwd=REPOSITORY,
        env={
            "PATH": os.environ["PATH"],
            "KEN_HOME": str(tmp_path / "home"),
            "KEN_PRODUCTION": "true",
            "KEN_REDIS_URL": f"redis://{CANARY}.example:6379",
            "KEN_OWNER_PASSWORD": CANARY,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    for name in ("KEN_REDIS_URL", "KEN_OWNER_PASSWORD", "KEN_DATABASE_URL"):
        assert name in done.stderr
    assert CANARY not in done.stderr
    assert "Traceback" not in done.stderr
