"""Creates the database and its login roles on any server; migrations create tables and grants."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, get_args

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from workers.errors import ServerUnavailable
from workers.settings import Role

ROLES: tuple[Role, ...] = get_args(Role)
_ATTRIBUTES = sql.SQL("LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION")


def provision(
    superuser_connection: psycopg.Connection[Any],
    passwords: Mapping[Role, str],
    *,
    database: str = "ken",
) -> None:
    """Create what is missing and correct what is wrong; safe to repeat.

    The connection is to any database of the server, and is left in autocommit. Passwords are
    set to those given. They travel as SCRAM verifiers, so no server log can hold one. Raises
    ServerUnavailable where the server has no pgvector.
    """
    superuser_connection.autocommit = True
    for role in ROLES:
        _create_or_repair_role(superuser_connection, login(role), passwords[role])
    _database(superuser_connection, database)
    known = superuser_connection.info
    there = make_conninfo(**{**known.get_parameters(), "dbname": database})
    with psycopg.connect(there, password=known.password, autocommit=True) as inside:
        _schema(inside)


def login(role: Role) -> str:
    return f"ken_{role}"


def _create_or_repair_role(connection: psycopg.Connection[Any], name: str, password: str) -> None:
    """Create the role, or take away attributes that it should not have; set its password."""
    role = sql.Identifier(name)
    attributes = connection.execute(
        "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication, NOT rolcanlogin"
        " FROM pg_roles WHERE rolname = %s",
        (name,),
    ).fetchone()
    if attributes is None:
        connection.execute(sql.SQL("CREATE ROLE {} {}").format(role, _ATTRIBUTES))
    elif any(attributes):
        connection.execute(sql.SQL("ALTER ROLE {} {}").format(role, _ATTRIBUTES))
    verifier = connection.pgconn.encrypt_password(
        password.encode(), name.encode(), b"scram-sha-256"
    ).decode()
    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(verifier)))


def _database(connection: psycopg.Connection[Any], name: str) -> None:
    database, owner = sql.Identifier(name), sql.Identifier(login("owner"))
    if not connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).rowcount:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
                database, owner
            )
        )
    connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, owner))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    connection.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
            database, sql.SQL(", ").join(sql.Identifier(login(role)) for role in ROLES)
        )
    )


def _schema(connection: psycopg.Connection[Any]) -> None:
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public")
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile) as error:
        raise ServerUnavailable(
            "this PostgreSQL server has no pgvector",
            remedy="Install pgvector 0.8 or newer on it (the package postgresql-N-pgvector).",
        ) from error
    _search_by_words(connection)
    owner = sql.Identifier(login("owner"))
    connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(owner))
    connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def _search_by_words(connection: psycopg.Connection[Any]) -> None:
    """Let the index of words be used below row-level security (decision 46).

    PostgreSQL uses an index there only for functions that tell nothing of a row but their result,
    and has marked few of its own. A server whose superuser may not mark this one is slower.
    """
    with suppress(psycopg.errors.InsufficientPrivilege):
        connection.execute("ALTER FUNCTION pg_catalog.ts_match_vq(tsvector, tsquery) LEAKPROOF")
