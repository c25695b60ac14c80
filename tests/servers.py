"""The servers that tests run on: one home under `build/`, and a database for each process."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TextIO
from uuid import uuid4

import psycopg
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import make_url, text

from workers.database.roles import ROLES, provision
from workers.database.schema import migrate
from workers.database.sessions import connect
from workers.embedded.servers import EmbeddedPostgres, EmbeddedRedis, ensure
from workers.settings import Settings, load_settings

HOME = Path(__file__).parent.parent / "build" / "test-home"


_CALM = {"questions_per_minute": 10**6, "questions_per_day": 10**6, "cards_after_s": 10.0**6}
"""One person asks a whole test's questions, and a slow machine changes nothing."""


@contextmanager
def home_in_use() -> Iterator[None]:
    """Whoever runs tests holds the home, so that two who do so do not stop each other's servers.

    The last one out stops them.
    """
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "in-use").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        try:
            yield
        finally:
            _stop_unless_used(held)


def _stop_unless_used(held: TextIO) -> None:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    EmbeddedRedis(HOME).stop()
    EmbeddedPostgres(HOME).stop()


@contextmanager
def own_database() -> Iterator[Settings]:
    """A database of this process's own, so that processes do not meet."""
    ensure(HOME)
    shared = load_settings(HOME)
    name = f"test_{uuid4().hex[:12]}"
    template = f"ken_{_migrations()}"
    with _superuser(shared) as server:
        server.execute("SELECT pg_advisory_lock(1)")  # a template may have no visitors
        passwords = {role: shared.password(role).get_secret_value() for role in ROLES}
        provision(server, passwords, database=template)
        migrate(_with_database(shared, template))
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        server.execute("ALTER SYSTEM SET fsync = off")  # nothing here must survive a power cut
        server.execute("SELECT pg_reload_conf()")
    try:
        yield _with_database(shared, name).model_copy(update=_CALM)
    finally:
        with _superuser(shared) as server:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _migrations() -> str:
    """A word for these migrations as they are: one that is being written is run anew."""
    files = sorted((HOME.parent.parent / "migrations" / "versions").glob("*.py"))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _with_database(settings: Settings, name: str) -> Settings:
    url = make_url(settings.database_url.get_secret_value()).set(database=name)
    return settings.model_copy(
        update={"database_url": SecretStr(url.render_as_string(hide_password=False))}
    )


def empty(settings: Settings) -> None:
    """Nothing is left in the database but its schema."""
    engine = connect(settings, "owner")
    with engine.begin() as connection:
        connection.execute(_EMPTY)
    engine.dispose()


_EMPTY = text("""
    TRUNCATE identity, source_account, user_account, user_group, membership, source, node, entry,
        policy, policy_entry, policy_node, document, chunk, embedding_model, embedding, question,
        lease, outbox, answer, audit, past, account, address, provisioned, link_code, api_token,
        sync_run, sync_page, errand, preference, muted_thread, channel_setting, feedback,
        installation, oauth_state RESTART IDENTITY;
    DELETE FROM principal WHERE kind <> 'class';
    UPDATE epoch SET value = 0;
    UPDATE mending SET done = 0, pass = NULL, after = '';
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
