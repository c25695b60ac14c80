"""Real servers for the whole suite: one home under `build/`, one fresh database for each test."""

import fcntl
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO
from uuid import uuid4

import psycopg
import pytest
import structlog
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import make_url, text

from workers.database import Database, connect
from workers.embedded.servers import EmbeddedPostgres, EmbeddedRedis, ensure
from workers.schema import migrate
from workers.settings import Settings, load_settings

HOME = Path(__file__).parent.parent / "build" / "test-home"
REPOSITORY = Path(__file__).parent.parent
SHARED = REPOSITORY.parent / "shared"
_IN_USE = pytest.StashKey[TextIO]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Whoever runs the suite holds the home, so that two who do so do not stop each other."""
    if hasattr(session.config, "workerinput"):
        return
    HOME.mkdir(parents=True, exist_ok=True)
    session.config.stash[_IN_USE] = (HOME / "in-use").open("w")
    fcntl.flock(session.config.stash[_IN_USE], fcntl.LOCK_SH)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The last one out stops the servers; workers of xdist leave them to the first process."""
    if hasattr(session.config, "workerinput"):
        return
    try:
        fcntl.flock(session.config.stash[_IN_USE], fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    EmbeddedRedis(HOME).stop()
    EmbeddedPostgres(HOME).stop()


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A test that sets logs up leaves them writing to a stream that pytest closes after it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = [one for one in root.handlers if one in handlers]
    root.setLevel(level)


@pytest.fixture(scope="session")
def own_database() -> Iterator[Settings]:
    """A database of this process's own, so that xdist's workers do not meet."""
    ensure(HOME)
    shared = load_settings(HOME)
    name = f"test_{uuid4().hex[:12]}"
    with _superuser(shared) as server:
        server.execute("SELECT pg_advisory_lock(1)")  # a template may have no visitors
        migrate(shared)
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE ken").format(sql.Identifier(name)))
        server.execute("ALTER SYSTEM SET fsync = off")  # nothing here must survive a power cut
        server.execute("SELECT pg_reload_conf()")
    url = make_url(shared.database_url.get_secret_value()).set(database=name)
    fresh = SecretStr(url.render_as_string(hide_password=False))
    yield shared.model_copy(update={"database_url": fresh})
    with _superuser(shared) as server:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def settings(own_database: Settings) -> Settings:
    """An empty database: code under test may commit freely."""
    engine = connect(own_database, "owner")
    with engine.begin() as connection:
        connection.execute(_EMPTY)
    engine.dispose()
    return own_database


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    made = Database(settings)
    yield made
    made.close()


_EMPTY = text("""
    TRUNCATE identity, user_account, user_group, membership, source, node, entry, policy,
        policy_entry, policy_node, document, chunk, embedding_model, embedding, question, lease,
        outbox, answer, audit, past, account, address, provisioned, link_code, api_token, sync_run,
        sync_page RESTART IDENTITY;
    DELETE FROM principal WHERE kind <> 'class';
    UPDATE epoch SET value = 0;
""")


def _superuser(settings: Settings) -> psycopg.Connection[tuple[object, ...]]:
    where = make_url(settings.database_url.get_secret_value()).query
    return psycopg.connect(
        user="postgres",
        dbname="postgres",
        host=str(where["host"]),
        port=str(where["port"]),
        password=EmbeddedPostgres(HOME).superuser_password,
        autocommit=True,
    )
