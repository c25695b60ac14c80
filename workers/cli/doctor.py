"""`ken doctor`: each dependency, its version, whether it answers, and what to do if not."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import numpy as np
import psycopg
import redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from workers.cli.output import counted
from workers.cli.running import names, outdated, uses_embedded
from workers.database.connection import limits_of
from workers.database.requirements import HEAD, revision, unreachable
from workers.database.schema import check
from workers.database.sessions import Database, driver_of
from workers.embedded.process import Child
from workers.errors import AssistantError, ModelUnavailable, OperatorError
from workers.index import versions
from workers.models.base import ModelFileCorrupt, Passage, Patient
from workers.models.by_name import embedder_named
from workers.models.embedder import MiniLM
from workers.models.multilingual import Multilingual
from workers.models.pairs import check_same_model
from workers.ops.production import contradictions, unsafe
from workers.services import AS_SYNCER
from workers.settings import Role, Settings, load_settings, local_url
from workers.slack.workspaces import workspace, workspaces

_ROLES: tuple[Role, ...] = ("ingress", "answerer", "syncer", "indexer")
_PATIENCE_S = 2
_QUESTION = "When is the canteen open?"
_PASSAGE = Passage(
    chunk_id=0,
    document_id=0,
    document="",
    title="Canteen",
    heading="",
    text="The canteen is open from 11:30 to 14:00 on working days.",
    url=None,
    anchor="",
    source="",
    updated_at=None,
)
"""A made-up passage: the real model is asked, and no real document is sent to it."""
_HEALTHY = b'{"status":"up"}'


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    ok: bool
    found: str
    remedy: str = ""
    warns: bool = False
    """Fine for a trial, but not for production."""


def examine(data_dir: Path, *, production: bool = False) -> Iterator[Finding]:
    """Yield the findings one by one; a failed check never stops the next one.

    With `production`, each unsafe setting is a failed check of its own.
    """
    yield Finding("Python", sys.version_info >= (3, 11), sys.version.split()[0], "")
    settings = load_settings(data_dir)
    yield _data_folder(settings)
    yield from _settings(settings, strict=production or settings.production)
    database = Database(settings)
    for look in (_postgresql, _pgvector, _words, _schema, _roles, _transactions, _index):
        yield _safely(look, settings, database)
    database.close()
    yield _redis(settings)
    yield _worker(settings)
    yield from _outdated(settings)
    yield _server(settings, "admin API", "admin", settings.admin_host, settings.admin_port)
    yield _server(settings, "doors", "doors", settings.doors_host, settings.doors_port)
    yield _embedder()
    yield _model(settings)
    if (second := settings.fallback_model) is not None:
        yield _model(second, "second model")
    yield _slack(settings)


def _safely(
    look: Callable[[Settings, Database], Finding], settings: Settings, database: Database
) -> Finding:
    name = look.__name__.strip("_")
    try:
        return look(settings, database)
    except OperatorError as error:
        return Finding(name, False, str(error), error.remedy)
    except (SQLAlchemyError, psycopg.Error):
        down = unreachable(settings)
        return Finding(name, False, str(down), down.remedy)


def _data_folder(settings: Settings) -> Finding:
    data_dir = settings.home
    if not data_dir.exists():
        return Finding("data folder", False, f"{data_dir} does not exist", "Run `ken up`.")
    writable = os.access(data_dir, os.W_OK)
    remedy = "" if writable else "Make the folder writable for you, or name another: KEN_HOME."
    return Finding("data folder", writable, str(data_dir), remedy)


def _settings(settings: Settings, *, strict: bool) -> Iterator[Finding]:
    """Report each setting with which a worker, the bot or the admin API would not start."""
    wrong = contradictions(settings, "up")
    for one in wrong:
        what, _, remedy = one.partition(": ")
        yield Finding("settings", False, what, remedy)
    risks = unsafe(settings, "worker")
    if risks and not strict:
        found = f"{counted(len(risks), 'setting')} fine for a trial, but not for production"
        remedy = "`ken doctor --production` lists them."
        yield Finding("production", True, found, remedy, warns=True)
    for one in risks if strict else ():
        what, _, remedy = one.partition(": ")
        yield Finding("production", False, what, remedy)
    if not wrong and not risks:
        yield Finding("settings", True, "no contradiction, nothing unsafe")


def _postgresql(_settings: Settings, database: Database) -> Finding:
    with database.session("ingress") as session:
        version = str(session.scalar(text("SHOW server_version")))
    ok = int(version.split(".")[0]) >= 15
    return Finding("PostgreSQL", ok, version, "" if ok else "Ken needs PostgreSQL 15 or newer.")


def _pgvector(_settings: Settings, database: Database) -> Finding:
    with database.session("ingress") as session:
        version = session.scalar(
            text("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
        )
    ok = version is not None and tuple(map(int, version.split(".")[:2])) >= (0, 8)
    return Finding(
        "pgvector", ok, version or "not installed", "" if ok else "Install pgvector 0.8 or newer."
    )


def _words(_settings: Settings, database: Database) -> Finding:
    """Whether the index of words can be used below row-level security (decision 46)."""
    with database.session("ingress") as session:
        used = session.scalar(
            text("SELECT proleakproof FROM pg_proc WHERE oid = 'pg_catalog.ts_match_vq'::regproc")
        )
    found = "the index is used" if used else "the index is not used: slow from some 100,000 chunks"
    remedy = "Run the step of docs/operate.md that makes the roles once more, as a superuser."
    return Finding("words", True, found, "" if used else remedy, warns=not used)


def _schema(_settings: Settings, database: Database) -> Finding:
    with database.session("ingress") as session:
        found = revision(driver_of(session))
    ok = found == HEAD
    return Finding("schema", ok, found or "missing", "" if ok else "Run `ken migrate`.")


def _roles(settings: Settings, database: Database) -> Finding:
    roles = [role for role in _ROLES if role != "syncer" or settings.has_syncer]
    for role in roles:
        check(database, role)
    if not settings.has_syncer:
        return Finding(
            "roles",
            False,
            f"KEN_SYNCER_PASSWORD is not set: a worker does not {', '.join(AS_SYNCER)}",
            "Set it, and restart the worker. Questions are still answered.",
        )
    return Finding("roles", True, f"{', '.join(roles)}: bound by row-level security")


def _transactions(settings: Settings, database: Database) -> Finding:
    """Check that a transaction's settings hold in it and end with it, also behind a pooler."""
    roles = [role for role in _ROLES if settings.password(role).get_secret_value()]
    for role in roles:
        limits = limits_of(role)
        with database.session(role) as session:
            shown = session.execute(_READ_SETTINGS, {"names": list(limits)})
            found = {row.name: row.setting for row in shown}
            session.execute(_SET_FOR_TRANSACTION)
        with database.session(role) as session:
            outlived = session.scalar(_READ_WHAT_IS_LEFT)
        if found != limits or outlived:
            wrong = [name for name, value in limits.items() if found.get(name) != value]
            return Finding(
                "transactions",
                False,
                f"{role}: " + (", ".join(wrong) or "a setting outlives its transaction"),
                "Set the pooler in front of PostgreSQL to pool by transaction or by session.",
            )
    return Finding(
        "transactions",
        True,
        f"{', '.join(roles)}: time limits hold, settings end with their transaction",
    )


# Reads PostgreSQL's settings in this session.
_READ_SETTINGS = text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)")
# Sets a value that must end with the transaction.
_SET_FOR_TRANSACTION = text("SELECT set_config('ken.asker', '1', true)")
# Reads that value in the next transaction; it must be empty.
_READ_WHAT_IS_LEFT = text("SELECT nullif(current_setting('ken.asker', true), '')")


def _index(settings: Settings, database: Database) -> Finding:
    """Check that the models of the active index answer, and are those that it was built with."""
    with database.session("indexer") as session:
        version = versions.active(session)
        missing = versions.missing(session, version.model) if version else 0
        probe = versions.probe(session, version.id) if version else None
    if version is None:
        return Finding("index", True, "by the embedded models")
    for model in version.models:
        embedder = embedder_named(settings, model.name)
        if model == version.model and probe is not None:
            if isinstance(embedder, Patient):
                embedder = embedder.within(_PATIENCE_S)
            check_same_model(embedder, np.array(probe, np.float32))
    found = f"by {version.names}, version {version.id}"
    if missing:
        words = f"{found}; {counted(missing, 'chunk')} without a vector, found by words alone"
        return Finding("index", True, words, "Run `ken reindex`: it adds them.", warns=True)
    return Finding("index", True, found)


def _redis(settings: Settings) -> Finding:
    url = settings.redis_url.get_secret_value()
    if not url:
        return Finding("Redis", False, "KEN_REDIS_URL is not set", "Run `ken up`, or set it.")
    try:
        client = redis.Redis.from_url(
            url.replace("redis+socket://", "unix://"), socket_timeout=2, socket_connect_timeout=2
        )
        server = client.info("server")
    except (redis.RedisError, OSError, ValueError) as error:
        return Finding(
            "Redis",
            False,
            f"does not answer ({type(error).__name__})",
            "Run `ken up`. Questions stay stored, and are answered when it is back.",
        )
    version = server.get("valkey_version") or server.get("redis_version")
    return Finding("Redis", True, f"{server.get('server_name', 'redis')} {version}")


def _worker(settings: Settings) -> Finding:
    worker = Child(settings.home, "worker")
    if worker.running():
        return Finding("worker", True, "running")
    if not uses_embedded(settings) and not worker.was_started:
        return Finding("worker", True, "`ken up` has started none here", warns=True)
    return Finding("worker", False, "not running here", "Run `ken up`.")


def _outdated(settings: Settings) -> Iterator[Finding]:
    for name, changed in outdated(settings).items():
        found = f"runs with old values of {names(changed)}"
        yield Finding(name, False, found, "`ken up` restarts it.")


def _server(settings: Settings, check: str, process: str, host: str, port: int) -> Finding:
    """Check that a server of ours answers at its port. The request goes through no proxy."""
    url, setting = local_url(host, port), f"KEN_{process.upper()}_PORT"
    if not url:
        return Finding(check, True, f"off: {setting} is not set")
    calling = HTTPConnection(host, port, timeout=_PATIENCE_S)
    try:
        calling.request("GET", "/healthz")
        body = calling.getresponse().read(len(_HEALTHY) + 1)
    except (OSError, HTTPException, UnicodeError) as error:
        return Finding(
            check,
            False,
            f"does not answer at {url} ({type(error).__name__})",
            f"Run `ken up`; {settings.home}/logs/{process}.log has more.",
        )
    finally:
        calling.close()
    if body != _HEALTHY:
        return Finding(check, False, f"another program answers at {url}", f"Set another {setting}.")
    return Finding(check, True, url)


def _embedder() -> Finding:
    try:
        MiniLM.load()
        Multilingual.load()
    except (ModelFileCorrupt, OSError) as error:
        return Finding(
            "embedder", False, str(error), "Install the environment again: `make .venv`."
        )
    models = (f"{one.name}, {one.dimension} dimensions" for one in (MiniLM, Multilingual))
    return Finding("embedder", True, "; ".join(models))


def _model(settings: Settings, check: str = "model") -> Finding:
    """Ask a model a made-up question about a made-up passage, and verify its answer."""
    if not settings.writes_with_a_model:
        return Finding(check, True, "none set: answers are quoted from the documents")
    from workers.answering.verify import verify
    from workers.models.failure import explained
    from workers.models.openai import OpenAIAnswerer

    began = time.monotonic()
    try:
        answerer = OpenAIAnswerer.connect(settings)
        draft = answerer.write(_QUESTION, (_PASSAGE,))
    except ValueError:
        return Finding(check, False, "not asked: KEN_MODEL_BASE_URL is not a usable address")
    except ModelUnavailable as error:
        does, remedy = explained(str(error))
        where = f"{settings.model_name} at {answerer.address.shown}"
        return Finding(check, False, f"{where}: the server {does} ({error})", remedy)
    seconds = time.monotonic() - began
    look = answerer.look()
    how = f"{settings.model_name} at {look.dialect.base} by {look.said}"
    verified = " ".join(one.text for one in verify(draft, (_PASSAGE,)).sentences)
    if not verified:
        return Finding(
            check,
            True,
            f"{how}. Asked “{_QUESTION}”, it wrote no sentence that the passage supports",
            "Choose a larger model, or try KEN_MODEL_TEMPERATURE=0 (docs/operate.md).",
            warns=True,
        )
    return Finding(
        check, True, f"{how}. Asked “{_QUESTION}”: “{verified}” (verified, {seconds:.1f} s)"
    )


def _slack(settings: Settings) -> Finding:
    if not settings.has_slack:
        return Finding("Slack", True, "not set up: ask with `ken ask`, or see docs/install.md")
    if settings.has_oauth:
        return _safely(_installations, settings, Database(settings))
    try:
        team = workspace(settings).whoami()
    except AssistantError as error:
        return Finding(
            "Slack", False, str(error), "Check KEN_SLACK_BOT_TOKEN and KEN_SLACK_API_URL."
        )
    return Finding("Slack", True, team)


def _installations(settings: Settings, database: Database) -> Finding:
    try:
        teams = [there.whoami() for there in workspaces(settings, database).values()]
    except AssistantError as error:
        return Finding(
            "Slack", False, str(error), "`ken installations list` shows which; docs/install.md."
        )
    return Finding("Slack", True, "; ".join(teams))
