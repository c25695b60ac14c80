"""What a process says of itself, to everybody who can reach its port."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from celery.worker import state
from pydantic import SecretStr
from sqlalchemy import text

from tests.ports import free_port
from workers.database.sessions import Database, connect
from workers.errors import ServerUnavailable
from workers.ops import consumer as watch
from workers.ops import health
from workers.ops.consumer import Consumer
from workers.ops.health import Patient, Report
from workers.ops.listener import Listener
from workers.ops.serving import bot_listener, bot_readiness, jobs_listener, worker_listener
from workers.settings import Settings

WELL = Report({"process": True}, {})


@contextmanager
def answering(listener: Listener | None) -> Iterator[Listener]:
    assert listener is not None
    listener.start()
    try:
        yield listener
    finally:
        listener.close()


def get(listener: Listener, path: str, verb: str = "GET") -> tuple[int, str]:
    calling = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=60)
    calling.request(verb, path)
    answer = calling.getresponse()
    body = answer.read().decode()
    assert answer.headers["Server"] is None
    calling.close()
    return answer.status, body


def plain(*, health: Callable[[], Report] = lambda: WELL) -> Listener:
    return Listener("127.0.0.1", 0, health=health, ready=lambda: WELL)


def test_a_report_is_names_and_yes_or_no_and_the_status_says_whether_it_is_well() -> None:
    report = Report({"sweeper": True, "consumer": False}, {"redis": False})
    with answering(plain(health=lambda: report)) as listener:
        status, body = get(listener, "/healthz?verbose=1")
        assert status == 503
        assert json.loads(body) == {
            "ok": False,
            "sweeper": True,
            "consumer": False,
            "redis": False,
        }
        assert get(listener, "/readyz") == (200, '{"ok": true, "process": true}')
        assert "ken_layers_disagree_total" in get(listener, "/metrics")[1]


def test_a_request_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly it trickles; and the body of one is never read."""
    with answering(plain()) as listener:
        place = ("127.0.0.1", listener.port)
        with socket.create_connection(place, timeout=60) as calling:
            calling.sendall(b"GET /healthz HTTP/1.1\r\nContent-Length: 200000000\r\n\r\n")
            assert calling.recv(100).startswith(b"HTTP/1.0 200")
        monkeypatch.setattr("workers.ops.listener.PATIENCE_S", 0.05)
        with socket.create_connection(place, timeout=60) as calling:
            calling.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ")
            while calling.recv(1000):
                pass


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [("GET", "/", 404), ("GET", "/metrics/../canary", 404), ("POST", "/healthz", 501)],
)
def test_of_anything_else_nothing_is_said(verb: str, path: str, status: int) -> None:
    with answering(plain()) as listener:
        assert get(listener, path, verb) == (status, '{"ok": false}')


def test_a_client_that_sends_nothing_or_nonsense_holds_nobody_up() -> None:
    with answering(plain()) as listener:
        place = ("127.0.0.1", listener.port)
        with socket.create_connection(place), socket.create_connection(place) as mad:
            mad.sendall(b"\x00canary\r\n\r\n")
            assert b"canary" not in mad.recv(1000)
            assert get(listener, "/healthz")[0] == 200


def test_a_port_that_is_taken_is_named() -> None:
    with (
        answering(plain()) as listener,
        pytest.raises(ServerUnavailable, match=f"port {listener.port}"),
    ):
        Listener("127.0.0.1", listener.port, health=lambda: WELL, ready=lambda: WELL)


def test_what_hangs_does_not_answer_and_is_not_asked_twice() -> None:
    asked, released = [], threading.Event()

    def hang() -> bool:
        asked.append(1)
        return released.wait(60)

    patient = Patient(hang, False, wait_s=0.01)
    assert [patient(), patient(), patient()] == [False] * 3
    assert len(asked) == 1
    released.set()


def test_what_fails_is_the_other_answer() -> None:
    assert Patient(lambda: 1 // 0, -1)() == -1


# -- the worker and the bot -----------------------------------------------------------------------


def ported(settings: Settings, **other: object) -> Settings:
    names = ("worker_ops_port", "jobs_ops_port", "bot_ops_port")
    ports = {name: free_port() for name in names}
    return settings.model_copy(update={**ports, **other})


def test_a_worker_is_well_while_its_sweeper_turns_and_its_consumer_lives(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_turned", {})
    with answering(worker_listener(ported(settings), Consumer(4))) as listener:
        assert json.loads(get(listener, "/healthz")[1]) == {
            "ok": False,
            "sweeper": False,
            "consumer": True,
        }
        health.turned("sweeper")
        assert get(listener, "/healthz")[0] == 200
        monkeypatch.setitem(health._turned, "sweeper", health._turned["sweeper"] - 31)
        assert get(listener, "/healthz")[0] == 503


def test_a_worker_is_ready_with_its_schema_and_redis(settings: Settings) -> None:
    with answering(worker_listener(ported(settings), Consumer(4))) as listener:
        assert get(listener, "/readyz") == (
            200,
            '{"ok": true, "postgresql": true, "schema": true, "redis": true}',
        )
    lost = ported(settings, redis_url=SecretStr("redis://127.0.0.1:9"))
    with answering(worker_listener(lost, Consumer(4))) as listener:
        status, body = get(listener, "/readyz")
        assert (status, json.loads(body)["redis"]) == (503, False)


def test_a_jobs_worker_is_well_while_it_looks_for_jobs_and_its_queue_is_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_turned", {})
    consumer = Consumer(2)
    with answering(jobs_listener(ported(settings), consumer, sweeper="look")) as listener:
        assert get(listener, "/healthz")[0] == 503
        health.turned("look")
        assert get(listener, "/healthz")[0] == 200
        consumer._beat -= 46
        consumer._redis_since -= 46
        assert json.loads(get(listener, "/healthz")[1])["consumer"] is False
        assert get(listener, "/readyz")[0] == 200
        assert "ken_embedding_failures" in get(listener, "/metrics")[1]


def test_a_bot_is_ready_without_redis_and_not_without_postgresql(
    settings: Settings, tmp_path: Path
) -> None:
    """Questions are kept without Redis."""
    lost = ported(settings, redis_url=SecretStr("redis://127.0.0.1:9"))
    listener = bot_listener(lost, works=lambda: WELL, ready=bot_readiness(lost))
    with answering(listener) as listener:
        assert get(listener, "/readyz") == (
            200,
            '{"ok": true, "postgresql": true, "schema": true, "redis": false}',
        )
    dead = SecretStr(f"postgresql:///ken?host={tmp_path}&port=1")
    gone = ported(settings, database_url=dead)
    with answering(bot_listener(gone, works=lambda: WELL, ready=bot_readiness(gone))) as listener:
        status, body = get(listener, "/readyz")
        assert status == 503
        assert json.loads(body) == {
            "ok": False,
            "postgresql": False,
            "schema": False,
            "redis": True,
        }


def test_a_schema_that_is_behind_is_not_ready(settings: Settings, database: Database) -> None:
    owner = connect(settings, "owner")
    with owner.begin() as connection:
        now = connection.scalar(text("SELECT version_num FROM alembic_version"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    try:
        assert not bot_readiness(settings)().needed["schema"]
    finally:
        with owner.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": now})
        owner.dispose()
    assert bot_readiness(settings)().ok


def test_without_a_port_nobody_listens(settings: Settings) -> None:
    assert worker_listener(settings, Consumer(4)) is None
    assert jobs_listener(settings, Consumer(2), sweeper="look") is None
    assert bot_listener(settings, works=lambda: WELL, ready=lambda: WELL) is None


# -- the consumer ---------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(watch, "time", clock)
    return clock


def passes(consumer: Consumer, clock: Clock, seconds: int, *, queue: int | None) -> list[bool]:
    """It is asked every ten seconds; what its loop does, the caller says."""
    reports = []
    for _ in range(0, seconds, 10):
        clock.now += 10
        reports.append(consumer.alive(queue))
    return reports


def test_a_loop_that_does_not_turn_is_dead_unless_redis_is_away(clock: Clock) -> None:
    consumer = Consumer(4)
    assert passes(consumer, clock, 200, queue=None) == [True] * 20
    assert passes(consumer, clock, 40, queue=0) == [True] * 4  # it may wait before it connects
    assert passes(consumer, clock, 20, queue=0)[-1] is False
    consumer.beat()
    assert consumer.alive(0)


def test_a_loop_that_turns_and_hears_nothing_of_what_waits_is_dead(clock: Clock) -> None:
    """Celery has come back to Redis and not listened there, more than once."""
    consumer = Consumer(4)
    reports = []
    for _ in range(6):
        consumer.beat()
        reports += passes(consumer, clock, 10, queue=3)
    assert reports == [True] * 5 + [False]
    consumer.beat()
    consumer.on_message()
    assert consumer.alive(3)


def test_a_worker_with_all_hands_full_need_hear_nothing(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = Consumer(2)
    monkeypatch.setattr(state, "reserved_requests", {"one", "two"})
    for _ in range(12):
        consumer.beat()
        assert passes(consumer, clock, 10, queue=3) == [True]


def test_what_nobody_watched_is_held_against_nobody(clock: Clock) -> None:
    consumer = Consumer(4)
    clock.now += 1000
    assert consumer.alive(5)
