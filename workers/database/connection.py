"""Connects to PostgreSQL by role, with psycopg only: `ken ask` does not import SQLAlchemy."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg

from workers.errors import SettingsInvalid
from workers.settings import Role, Settings

Connection = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def connected(settings: Settings, role: Role) -> Iterator[Connection]:
    """One connection, for a process that asks once. Its statements run in `transaction`.

    Raises SettingsInvalid, psycopg.Error.
    """
    try:
        connection = psycopg.connect(
            _address(settings.database_url.get_secret_value()),
            user=f"ken_{role}",
            password=settings.password(role).get_secret_value(),
            **arguments(role),
        )
    except psycopg.ProgrammingError:
        raise no_address() from None
    with connection:
        yield connection


@contextmanager
def transaction(connection: Connection, role: Role, **custom: str) -> Iterator[None]:
    """Open a transaction: committed at the end, rolled back on any error."""
    with connection.transaction():
        connection.execute(limiting(role, custom).encode())
        yield


def arguments(role: Role) -> dict[str, Any]:
    """Return the arguments with which every connection is opened."""
    return {
        "autocommit": True,  # else psycopg begins, in a round trip of its own
        # A plan kept across transactions would ignore what the next one sets for itself.
        "prepare_threshold": None,
        "connect_timeout": 3,
        # Keep-alives detect a dead server; without them we would wait forever.
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        "application_name": f"ken {role}",
    }


def limiting(role: Role, custom: Mapping[str, str], patience_s: int | None = None) -> str:
    """Return the statement that begins each transaction of a role.

    It sets the role's limits, and our own settings, whose names begin with `ken.`. `patience_s`: a
    statement may take this long, in place of what the role's may.
    """
    values = {
        **limits_of(role, patience_s),
        **{f"ken.{name}": value for name, value in custom.items()},
    }
    return "SELECT " + ", ".join(
        f"set_config({_quoted(name)}, {_quoted(value)}, true)" for name, value in values.items()
    )


def _quoted(value: str) -> str:
    """Quote a literal, for any value of `standard_conforming_strings`."""
    if "\\" in value or "\0" in value:
        raise ValueError("a setting of ours has no backslash")
    return "'" + value.replace("'", "''") + "'"


def limits_of(role: Role, patience_s: int | None = None) -> dict[str, str]:
    """Return what each transaction of a role sets for itself; times are in milliseconds.

    Never as options at the start of a connection: PgBouncer refuses those, or drops them silently.
    """
    return {
        "statement_timeout": str((patience_s or PATIENCE_S[role]) * 1000),
        "idle_in_transaction_session_timeout": "60000",
        "jit": "off",  # compiling a plan costs more than our short queries take
    }


PATIENCE_S: dict[Role, int] = {
    "owner": 60,
    "ingress": 3,  # Slack waits 3 seconds, then sends again
    "answerer": 60,
    "syncer": 60,
    "indexer": 60,
}
"""For a connection, and for a statement."""


def not_set_up() -> SettingsInvalid:
    return SettingsInvalid(
        "No database is set up in this data folder.",
        remedy="Run `ken up`, or set KEN_DATABASE_URL.",
    )


def no_address() -> SettingsInvalid:
    """Return the error for a bad address, without the address: it may contain a password."""
    return SettingsInvalid(
        "KEN_DATABASE_URL is not the address of a PostgreSQL database.",
        remedy="Write it as postgresql://HOST:PORT/NAME, without a user.",
    )


def _address(base: str) -> str:
    """Return the address as libpq reads it, without a driver's name. Raises SettingsInvalid."""
    if not base:
        raise not_set_up()
    scheme, found, rest = base.partition("://")
    if not found or scheme.partition("+")[0] != "postgresql":
        raise no_address()
    return f"postgresql://{rest}"
