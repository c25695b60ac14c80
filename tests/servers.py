"""The servers that tests run on: one home under `build/`, and a database for each process."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, TextIO
from uuid import uuid4

import psycopg
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import Engine, make_url

from workers.database.roles import ROLES, provision
from workers.database.schema import migrate
from workers.database.sessions import Database
from workers.embedded.servers import EmbeddedPostgres, EmbeddedRedis, ensure
from workers.settings import Role, Settings, load_settings

HOME = Path(__file__).parent.parent / "build" / "test-home"


_CALM = {"questions_per_minute": 10**6, "questions_per_day": 10**6, "cards_after_s": 10.0**6}
"""One person asks a whole test's questions, and a slow machine changes nothing."""


@contextmanager
def home_in_use() -> Iterator[None]:
    """A test run holds the home, so that two runs do not stop each other's servers.

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
        with _superuser(shared, name) as own:
            own.execute("SELECT setval('principal_id_seq', 40000)")  # ids of more than two bytes
        server.execute("ALTER SYSTEM SET fsync = off")  # nothing here must survive a power cut
        server.execute("SELECT pg_reload_conf()")
    settings = _with_database(shared, name).model_copy(update=_CALM)
    try:
        yield settings
    finally:
        _stop_emptying(settings)
        with _superuser(shared) as server:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


_opened: list[Database] = []


def opened(settings: Settings) -> Database:
    """A database with settings of its own, closed after its test."""
    _opened.append(Database(settings))
    return _opened[-1]


def close_opened() -> None:
    while _opened:
        _opened.pop().close()


class Borrowed(Database):
    """A database of one test, on connections that outlive it: to open them costs more than most
    tests ask of them. What is remembered for a database is forgotten with the test.
    """

    def __init__(self, kept: Database) -> None:
        super().__init__(kept.settings)
        self._kept = kept

    def engine(self, role: Role) -> Engine:
        return self._kept.engine(role)

    def close(self) -> None:
        self._kept.close()


def _migrations() -> str:
    """A word for these migrations as they are: one that is being written runs again."""
    files = sorted((HOME.parent.parent / "migrations" / "versions").glob("*.py"))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _with_database(settings: Settings, name: str) -> Settings:
    url = make_url(settings.database_url.get_secret_value()).set(database=name)
    return settings.model_copy(
        update={"database_url": SecretStr(url.render_as_string(hide_password=False))}
    )


def empty(settings: Settings) -> None:
    """Leave nothing in the database but its schema."""
    try:
        _empty(_emptying(settings))
    except psycopg.OperationalError:  # a test ended every connection of its database
        _stop_emptying(settings)
        _empty(_emptying(settings))


_emptyings: dict[str, psycopg.Connection[tuple[Any, ...]]] = {}
"""By address, for many tests: opening a connection costs more than emptying a small database."""


def _emptying(settings: Settings) -> psycopg.Connection[tuple[Any, ...]]:
    address = settings.database_url.get_secret_value()
    if address not in _emptyings:
        _emptyings[address] = _superuser(settings, make_url(address).database)
        # no trigger and no foreign key: the order of the tables does not matter
        _emptyings[address].execute("SET session_replication_role = replica")
    return _emptyings[address]


def _stop_emptying(settings: Settings) -> None:
    if emptying := _emptyings.pop(settings.database_url.get_secret_value(), None):
        emptying.close()


def _empty(emptying: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Delete the few rows of most tests; truncate if some table has grown.

    To truncate all tables costs some ten times as much, and each session then reads their
    definitions again. A table of at most ten pages is planned for as an empty one is.
    """
    with emptying.transaction():
        emptying.execute(_LOCK)  # waits for what a test left running
        ((used, has_grown),) = emptying.execute(_USED).fetchall()
        if has_grown:
            emptying.execute(_TRUNCATE)
        for table in () if has_grown else used:
            emptying.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        emptying.execute(_RESTART)
        emptying.execute("DELETE FROM principal WHERE kind <> 'class'")
        emptying.execute("UPDATE epoch SET value = 0, at = clock_timestamp()")
        emptying.execute("UPDATE mending SET done = 0, pass = NULL, after = ''")


_TABLES = (
    "identity source_account user_account user_group membership source node entry policy"
    " policy_entry policy_node document document_change chunk embedding_model embedding question"
    " lease outbox answer audit past account address provisioned link_code api_token person_token"
    " admin_session sync_run sync_page errand preference memory muted_thread channel_setting"
    " feedback installation oauth_state model_use job schedule index_version"
    " push_request connector refused_text"
).split()
_NAMED = sql.SQL(", ").join(map(sql.Identifier, _TABLES))
_LOCK = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(_NAMED)
_TRUNCATE = sql.SQL("TRUNCATE {}").format(_NAMED)
_USED = sql.SQL("SELECT array_remove(ARRAY[{}], NULL), greatest({}) > 10 * 8192").format(
    sql.SQL(", ").join(
        sql.SQL("CASE WHEN EXISTS (SELECT FROM {}) THEN {} END").format(
            sql.Identifier(table), sql.Literal(table)
        )
        for table in _TABLES
    ),
    sql.SQL(", ").join(
        sql.SQL("pg_relation_size({})").format(sql.Literal(table)) for table in _TABLES
    ),
)
_RESTART = sql.SQL("""
    SELECT CASE WHEN pg_sequence_last_value(sequence.seqrelid) IS NOT NULL
        THEN setval(sequence.seqrelid, sequence.seqstart, false) END
    FROM pg_depend AS dependent JOIN pg_sequence AS sequence ON sequence.seqrelid = dependent.objid
    WHERE dependent.classid = 'pg_class'::regclass AND dependent.deptype IN ('a', 'i')
        AND dependent.refobjid = ANY(ARRAY[{}]::regclass[])
""").format(sql.SQL(", ").join(map(sql.Literal, _TABLES)))


@contextmanager
def row_security_with_a_switch(settings: Settings) -> Iterator[None]:
    """Meanwhile, `ken.unguarded` shows the answerer every row, as if none were guarded."""
    tables = [sql.Identifier(name) for name in ("document", "chunk", "embedding")]
    with _superuser(settings, make_url(settings.database_url.get_secret_value()).database) as owner:
        for table in tables:
            owner.execute(_SWITCH.format(table))
        try:
            yield
        finally:
            for table in tables:
                owner.execute(sql.SQL("DROP POLICY unguarded ON {}").format(table))


_SWITCH = sql.SQL(
    "CREATE POLICY unguarded ON {} FOR SELECT TO ken_answerer"
    " USING (current_setting('ken.unguarded', true) = 'yes')"
)


def _superuser(
    settings: Settings, name: str | None = "postgres"
) -> psycopg.Connection[tuple[Any, ...]]:
    where = make_url(settings.database_url.get_secret_value()).query
    return psycopg.connect(
        user="postgres",
        dbname=name,
        host=str(where["host"]),
        port=str(where["port"]),
        password=EmbeddedPostgres(HOME).superuser_password,
        autocommit=True,
    )
