"""`ken up`, `ken down`, `ken status` and the worker itself: the processes of a data folder."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from celery.signals import worker_ready, worker_shutting_down
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from workers import sweeper
from workers.cli.output import counted
from workers.database.schema import check, migrate
from workers.database.sessions import Database
from workers.embedded.process import Child, wait_until
from workers.embedded.servers import EmbeddedPostgres, EmbeddedRedis, ensure, is_embedded
from workers.errors import ServerUnavailable
from workers.intake.doorbell import QUEUE
from workers.intake.leases import give_back
from workers.intake.queue import consuming
from workers.observe import logs, stopping, tracing
from workers.ops.consumer import watched
from workers.ops.health import Patient
from workers.ops.production import refuse_unsafe
from workers.ops.serving import worker_listener
from workers.services import AS_SYNCER, Services, live_services, warm
from workers.settings import Settings, child_environment, fingerprints, load_settings

_READY_S = 60
_STOP_S = 30
"""A process that has not stopped by then is killed."""
_NAMED = 3
_SILENT = "does not answer"
log = structlog.get_logger()


def up(data_dir: Path, progress: Callable[[str], None]) -> list[str]:
    """Start what is missing, and restart processes whose settings have changed.

    Returns a sentence for each process that was stopped or restarted. Raises ServerUnavailable
    with the last log lines of a process that did not start.
    """
    settings = load_settings(data_dir)
    refuse_unsafe(settings, "up")
    if uses_embedded(settings):
        ensure(data_dir, progress)
    settings = load_settings(data_dir)
    progress("Updating the schema")
    migrate(settings)
    changes = []
    for process in PROCESSES:
        child = Child(data_dir, process.name)
        outdated = child.outdated(process.reads(settings))
        if not process.is_wanted(settings):
            if child.stop(_STOP_S):
                changes.append(f"Stopped {process.words}: it is no longer set up.")
            continue
        if outdated:
            progress(f"Stopping {process.words}, which has old settings")
            child.stop(_STOP_S)
            changes.append(f"Restarted {process.words} with the new {names(outdated)}.")
        progress(f"Starting {process.words}")
        child.start(
            process.command(settings), child_environment(settings), read=process.reads(settings)
        )
    _wait_for(settings, "worker")
    for name, is_wanted in (
        ("jobs", settings.job_threads),
        ("admin", settings.admin_port),
        ("doors", settings.doors_port),
    ):
        if is_wanted:
            _wait_for(settings, name)
    for name in ("playground", "bot"):
        started = settings.has_slack if name == "bot" else settings.playground is not None
        if started and not Child(data_dir, name).running():
            raise _did_not_start(settings, name)
    return changes


def outdated(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return the processes that run with old settings, and the names of those settings."""
    found = {
        process.name: Child(settings.home, process.name).outdated(process.reads(settings))
        for process in PROCESSES
    }
    return {name: changed for name, changed in found.items() if changed}


def names(changed: Sequence[str]) -> str:
    """Join the first few names, and say how many more there are."""
    more = len(changed) - _NAMED
    return ", ".join(changed[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def down(data_dir: Path) -> list[str]:
    """Stop the data folder's processes, dependents first. Returns the names of what stopped."""
    ours = ("bot", "doors", "admin", "jobs", "worker", "playground")
    stopped = [name for name in ours if Child(data_dir, name).stop(_STOP_S)]
    for name, server in _servers(data_dir).items():
        if server.running():
            server.stop()
            stopped.append(name)
    return stopped


def status(data_dir: Path) -> dict[str, Any]:
    """Return each process's state, what is stored, and in `problems` what is wrong."""
    settings = load_settings(data_dir)
    facts: dict[str, Any] = {"data_folder": str(data_dir)}
    embedded = uses_embedded(settings)
    if embedded:
        for name, server in _servers(data_dir).items():
            facts[name] = "running" if server.running() else "stopped"
    for process in PROCESSES:
        child = Child(data_dir, process.name)
        if child.running():
            facts[process.name] = "running"
        elif not process.is_wanted(settings):
            facts[process.name] = "not set up"
        else:  # with external servers, an external supervisor may run it
            ours = embedded or child.was_started
            facts[process.name] = "stopped" if ours else "not started here"
    facts |= _holdings(settings)
    facts["outdated"] = outdated(settings)
    return facts | {"problems": list(_problems(facts))}


def _problems(facts: Mapping[str, Any]) -> Iterator[str]:
    for name, fact in facts.items():
        if fact == "stopped":
            yield f"{name} is stopped: run `ken up`"
    if facts.get("database") == _SILENT:
        yield "the database does not answer: run `ken doctor`"
    if missing := facts.get("chunks_by_words_alone"):
        yield f"{counted(missing, 'chunk')} without a vector: run `ken reindex`"
    for model, state in facts.get("models", {}).items():
        if state.startswith("rests"):
            yield f"the model {model} {state}: run `ken doctor`"
    for source, state in facts.get("listed_by_ken", {}).items():
        if "failed" in state or "could not" in state:
            yield f"{source}: {state}"
    for name, settings in facts["outdated"].items():
        yield (f"{name} runs with old values of {names(settings)}: run `ken up` to restart it")


def work(settings: Settings) -> None:
    """Run a Celery worker in this process until it gets a signal to stop.

    Raises SettingsInvalid, ServerUnavailable, SchemaBehind.
    """
    logs.configure("worker")
    stopping.exit_on_memory_error()
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
    def _report_ready(**_: object) -> None:
        sweeper.start(services)
        say_ready(settings, "worker")

    @worker_shutting_down.connect(weak=False)
    def _finish(**_: object) -> None:
        """Start a thread; a signal handler must do no more than this."""
        if not stopping.is_requested():
            stopping.request()
            threading.Thread(target=_end_in_time, args=(services,), daemon=True).start()

    warm(services)
    try:
        app.worker_main(
            [
                "--quiet",  # no banner: lines are JSON
                "worker",
                "--pool=threads",
                f"--queues={QUEUE}",
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
    """Give unfinished questions back in time, so that another worker need not wait for a lease."""
    finish_s = services.settings.finish_s
    log.info("worker_stopping", seconds=finish_s)
    time.sleep(finish_s)
    given_back = Patient(lambda: give_back(services.database), None)()
    log.warning("questions_given_back", questions=given_back)
    os._exit(0)


def uses_embedded(settings: Settings) -> bool:
    """Return whether the servers are embedded, and not named by a setting."""
    named = settings.database_url.get_secret_value()
    return not named or is_embedded(named)


def _playground(settings: Settings) -> list[str]:
    port = settings.slack_api_url.rstrip("/").removesuffix("/api").rpartition(":")[2]
    events = f"http://127.0.0.1:{settings.http_port}/slack/events"
    return [
        sys.executable, "-m", "bot.playground",
        "--workspace", str(settings.playground), "--port", port,
        "--state", str(settings.home / "run" / "playground-state.json"),
        *(["--events-url", events] if settings.slack_mode == "http" else []),
    ]  # fmt: skip


def _ken(*command: str) -> Callable[[Settings], list[str]]:
    return lambda _: [sys.executable, "-m", "workers.cli.main", *command]


@dataclass(frozen=True, slots=True)
class Process:
    """A process that `ken up` starts."""

    name: str
    words: str
    command: Callable[[Settings], list[str]]
    is_wanted: Callable[[Settings], bool] = lambda _: True
    only: frozenset[str] = frozenset()
    """The settings that it reads; empty means all."""

    def reads(self, settings: Settings) -> dict[str, str]:
        found = fingerprints(settings)
        return {name: each for name, each in found.items() if not self.only or name in self.only}


PROCESSES = (
    Process(
        "playground",
        "the local workspace",
        _playground,
        lambda settings: settings.playground is not None,
        frozenset(
            {
                *("KEN_PLAYGROUND", "KEN_SLACK_API_URL", "KEN_SLACK_MODE", "KEN_HTTP_PORT"),
                *("KEN_SLACK_BOT_TOKEN", "KEN_SLACK_APP_TOKEN", "KEN_SLACK_SIGNING_SECRET"),
            }
        ),
    ),
    Process("worker", "the worker", _ken("worker")),
    Process(
        "jobs",
        "the jobs worker",
        _ken("worker", "--jobs"),
        lambda settings: settings.job_threads > 0,
    ),
    Process(
        "bot",
        "the bot",
        lambda _: [sys.executable, "-m", "bot"],
        lambda settings: settings.has_slack,
    ),
    Process("admin", "the admin API", _ken("admin"), lambda settings: bool(settings.admin_port)),
    Process(
        "doors",
        "the doors for programs",
        _ken("doors"),
        lambda settings: bool(settings.doors_port),
    ),
)
"""In the order in which they are started."""


def say_ready(settings: Settings, name: str) -> None:
    """Record that this process is ready; `ken up` waits for that."""
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
        f"The {name} did not start. Its last log lines:\n{Child(settings.home, name).tail(8)}",
        remedy=f"Run `ken doctor` to find the cause; {settings.home}/logs/{name}.log has more.",
    )


def _ready_file(settings: Settings, name: str) -> Path:
    return settings.home / "run" / f"{name}.ready"


def _servers(data_dir: Path) -> dict[str, EmbeddedPostgres | EmbeddedRedis]:
    return {"redis": EmbeddedRedis(data_dir), "postgresql": EmbeddedPostgres(data_dir)}


def _holdings(settings: Settings) -> dict[str, object]:
    if not settings.database_url.get_secret_value():
        return {}
    database = Database(settings)
    try:
        with database.session("indexer") as session:
            held = session.execute(_COUNT_ROWS).one()._asdict()
            held["index_by"] = held["index_by"] or "the embedded models"
            listed = {row.source: row.state for row in session.execute(_READ_CONNECTORS)}
        with database.session("ingress") as session:
            waiting = session.scalar(text("SELECT count(*) FROM question WHERE state = 'kept'"))
            models = {row.model: row.state for row in session.execute(_READ_MODELS)}
    except SQLAlchemyError:
        return {"database": _SILENT}
    else:
        more = {"listed_by_ken": listed, "models": models}
        more = {name: facts for name, facts in more.items() if facts}
        return {**held, "questions_waiting": waiting, **more}
    finally:
        database.close()


# Reads how the last passes over each source that Ken lists ended.
_READ_CONNECTORS = text("""
    SELECT source.name AS source,
           CASE WHEN last.state = 'failed' THEN 'failed: ken jobs show ' || last.id
                WHEN passed_at IS NULL THEN 'not read yet'
                WHEN problems <> '[]' THEN jsonb_array_length(problems)
                     || ' could not be done: ken source show ' || source.name
                ELSE 'read at ' || to_char(passed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
                     || ' UTC' END AS state
    FROM connector JOIN source ON source.id = connector.source_id
    LEFT JOIN LATERAL (
        SELECT id, state FROM job
        WHERE subject = source.name AND kind IN ('crawl', 'permissions') AND ended_at IS NOT NULL
        ORDER BY id DESC LIMIT 1) AS last ON true
    ORDER BY source.name
""")

# Reads how the last call of each model ended, and until when it is not called.
_READ_MODELS = text("""
    SELECT DISTINCT ON (model) model,
           CASE WHEN again_at > now()
                THEN 'rests until ' || to_char(again_at AT TIME ZONE 'UTC', 'HH24:MI:SS')
                     || ' UTC: ' || outcome
                WHEN outcome IN ('', 'trying') THEN 'answers'
                ELSE 'failed: ' || outcome END AS state
    FROM model_use WHERE at > now() - interval '1 day' ORDER BY model, id DESC
""")

# Counts what is stored, and reads no text.
_COUNT_ROWS = text("""
    SELECT (SELECT count(*) FROM source) AS sources,
           (SELECT count(*) FROM user_account WHERE status = 'active') AS people,
           (SELECT count(*) FROM user_group) AS groups,
           (SELECT count(*) FROM document) AS documents,
           (SELECT count(*) FROM chunk) AS chunks,
           (SELECT name FROM embedding_model JOIN index_version ON embedding_model.id = model_id
            WHERE state = 'active') AS index_by,
           (SELECT count(*) FROM chunk, index_version WHERE state = 'active' AND NOT EXISTS (
                SELECT FROM embedding WHERE chunk_id = chunk.id
                    AND embedding.model_id = index_version.model_id)
            AND NOT EXISTS (
                SELECT FROM refused_text WHERE chunk_id = chunk.id
                    AND refused_text.model_id = index_version.model_id)) AS chunks_by_words_alone,
           (SELECT count(*) FROM refused_text JOIN index_version USING (model_id)
            WHERE state = 'active') AS chunks_refused_by_the_model,
           (SELECT count(*) FROM node WHERE acl_state = 'unknown') AS nodes_nobody_may_read,
           (SELECT value FROM epoch) AS epoch
""")
