"""What runs in a home: started together, stopped together, looked at together."""

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from celery.signals import worker_ready, worker_shutting_down
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from workers import logs, sweeper
from workers.celery import consuming
from workers.database import Database
from workers.embedded.process import Child, wait_until
from workers.embedded.servers import EmbeddedPostgres, EmbeddedRedis, ensure, is_embedded
from workers.errors import ServerUnavailable
from workers.ops import stopping, tracing
from workers.ops.consumer import watched
from workers.ops.health import Patient
from workers.ops.serving import worker_listener
from workers.production import refuse_unsafe
from workers.questions import give_back
from workers.schema import check, migrate
from workers.services import AS_SYNCER, Services, live_services
from workers.settings import Settings, child_environment, load_settings

_READY_S = 60
_STOP_S = 30
"""Whoever has not stopped by then is ended."""
log = structlog.get_logger()


def up(home: Path, tell: Callable[[str], None]) -> None:
    """Start what is missing. Raises ServerUnavailable with the last words of what did not start."""
    settings = load_settings(home)
    refuse_unsafe(settings, "up")
    if uses_embedded(settings):
        ensure(home, tell)
    settings = load_settings(home)
    tell("Bringing the schema up to date")
    migrate(settings)
    if settings.playground is not None:
        tell("Starting the local workspace")
        _start(settings, "playground", _playground(settings))
    tell("Starting a worker")
    _start(settings, "worker", [sys.executable, "-m", "workers.cli.main", "worker"])
    if settings.has_slack:
        tell("Starting the bot")
        _start(settings, "bot", [sys.executable, "-m", "bot"])
    if settings.admin_port:
        tell("Starting the admin API")
        _start(settings, "admin", [sys.executable, "-m", "workers.cli.main", "admin"])
    _wait_for(settings, "worker")
    if settings.admin_port:
        _wait_for(settings, "admin")
    for name in ("playground", "bot"):
        started = settings.has_slack if name == "bot" else settings.playground is not None
        if started and not Child(home, name).running():
            raise _did_not_start(settings, name)


def down(home: Path) -> list[str]:
    """Stop this home's processes, those first that need the others. The names of what stopped."""
    ours = ("bot", "admin", "worker", "playground")
    stopped = [name for name in ours if Child(home, name).stop(_STOP_S)]
    for name, server in _servers(home).items():
        if server.running():
            server.stop()
            stopped.append(name)
    return stopped


def status(home: Path) -> dict[str, object]:
    """Name and state of each process, and what the home holds."""
    settings = load_settings(home)
    facts: dict[str, object] = {"home": str(home)}
    if uses_embedded(settings):
        for name, server in _servers(home).items():
            facts[name] = "running" if server.running() else "stopped"
    wanted = {
        "worker": True,
        "bot": settings.has_slack,
        "admin": bool(settings.admin_port),
        "playground": settings.playground is not None,
    }
    for name, is_wanted in wanted.items():
        stopped = "stopped" if is_wanted else "not set up"
        facts[name] = "running" if Child(home, name).running() else stopped
    return facts | _holdings(settings)


def work(settings: Settings) -> None:
    """A Celery worker in this process, until it is told to stop.

    Raises SettingsInvalid, ServerUnavailable, SchemaBehind.
    """
    logs.configure("worker")
    stopping.end_without_memory()
    refuse_unsafe(settings, "worker")
    app = consuming(settings)
    listener = worker_listener(settings, watched(app, settings.worker_threads))
    services = live_services()
    check(services.database, "answerer")
    if not settings.has_syncer:
        log.warning("syncer_password_missing", not_done=AS_SYNCER, remedy="Set KEN_SYNCER_PASSWORD")

    tracing.configure(settings, "worker")
    if listener is not None:
        listener.start()

    @worker_ready.connect(weak=False)
    def _say_so(**_: object) -> None:
        sweeper.start(services)
        say_ready(settings, "worker")

    @worker_shutting_down.connect(weak=False)
    def _finish(**_: object) -> None:
        """Inside a signal's handler: no more than this."""
        if not stopping.begun():
            stopping.begin()
            threading.Thread(target=_end_in_time, args=(services,), daemon=True).start()

    services.embedder.embed_one("warm")
    try:
        app.worker_main(
            [
                "--quiet",  # no banner: lines are JSON
                "worker",
                "--pool=threads",
                f"--concurrency={settings.worker_threads}",
                "--loglevel=WARNING",
                "--without-gossip",
                "--without-mingle",
            ]
        )
    finally:
        tracing.close()
        log.info("worker_stopped")


def _end_in_time(services: Services) -> None:
    """What is not finished by then is given back: another worker need not wait for the lease."""
    finish_s = services.settings.finish_s
    log.info("worker_stopping", seconds=finish_s)
    time.sleep(finish_s)
    given_back = Patient(lambda: give_back(services.database), None)()
    log.warning("questions_given_back", questions=given_back)
    os._exit(0)


def uses_embedded(settings: Settings) -> bool:
    """Whether this home's servers are the embedded ones, and not some that were named."""
    named = settings.database_url.get_secret_value()
    return not named or is_embedded(named)


def _start(settings: Settings, name: str, command: list[str]) -> None:
    Child(settings.home, name).start(command, child_environment(settings))


def _playground(settings: Settings) -> list[str]:
    port = settings.slack_api_url.rstrip("/").removesuffix("/api").rpartition(":")[2]
    events = f"http://127.0.0.1:{settings.http_port}/slack/events"
    return [
        sys.executable, "-m", "bot.playground",
        "--workspace", str(settings.playground), "--port", port,
        "--state", str(settings.home / "run" / "playground-state.json"),
        *(["--events-url", events] if settings.slack_mode == "http" else []),
    ]  # fmt: skip


def say_ready(settings: Settings, name: str) -> None:
    """This process does its work from now on: `ken up` waits for that."""
    ready = _ready_file(settings, name)
    ready.parent.mkdir(exist_ok=True)
    ready.write_text(str(os.getpid()))


def _wait_for(settings: Settings, name: str) -> None:
    child, ready = Child(settings.home, name), _ready_file(settings, name)

    def is_ready() -> bool:
        return ready.exists() and ready.read_text() == str(child.pid)

    wait_until(lambda: is_ready() or not child.running(), _READY_S)
    if not is_ready():
        raise _did_not_start(settings, name)


def _did_not_start(settings: Settings, name: str) -> ServerUnavailable:
    return ServerUnavailable(
        f"The {name} did not start. Its last words:\n{Child(settings.home, name).tail(8)}",
        remedy=f"`ken doctor` looks for the cause; {settings.home}/logs/{name}.log has more.",
    )


def _ready_file(settings: Settings, name: str) -> Path:
    return settings.home / "run" / f"{name}.ready"


def _servers(home: Path) -> dict[str, EmbeddedPostgres | EmbeddedRedis]:
    return {"redis": EmbeddedRedis(home), "postgresql": EmbeddedPostgres(home)}


def _holdings(settings: Settings) -> dict[str, object]:
    if not settings.database_url.get_secret_value():
        return {}
    database = Database(settings)
    try:
        with database.session("indexer") as session:
            held = session.execute(_COUNTS).one()._asdict()
        with database.session("ingress") as session:
            waiting = session.scalar(text("SELECT count(*) FROM question WHERE state = 'kept'"))
        return {**held, "questions waiting": waiting}
    except SQLAlchemyError:
        return {"database": "does not answer"}
    finally:
        database.close()


_COUNTS = text("""
    SELECT (SELECT count(*) FROM source) AS sources,
           (SELECT count(*) FROM user_account WHERE status = 'active') AS people,
           (SELECT count(*) FROM user_group) AS groups,
           (SELECT count(*) FROM document) AS documents,
           (SELECT count(*) FROM chunk) AS chunks,
           (SELECT count(*) FROM node WHERE acl_state = 'unknown') AS "nodes nobody may read",
           (SELECT value FROM epoch) AS epoch
""")
