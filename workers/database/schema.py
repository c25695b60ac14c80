"""The schema: the owner migrates it, every other process checks it before it works."""

from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from workers.database.requirements import HEAD, require, revision, too_new, unreachable
from workers.database.sessions import Database, connect, driver_of
from workers.settings import Role, Settings

_MIGRATIONS = Path(__file__).parents[2] / "migrations"
# Keeps other processes from migrating until this transaction ends.
_LOCK_MIGRATION = text("SELECT pg_advisory_xact_lock(hashtext('ken migrate'))")


def migrate(settings: Settings) -> None:
    """Run the migrations that are missing. Raises ServerUnavailable, and SchemaBehind where a newer
    version of Ken has already run more than this one knows.
    """
    from alembic import command  # noqa: PLC0415 - only a migration waits for Alembic
    from alembic.config import Config  # noqa: PLC0415

    engine = connect(settings, "owner")
    try:
        with engine.begin() as connection:
            connection.execute(_LOCK_MIGRATION)
            found = revision(_driver(connection))
            if found is not None and found > HEAD:
                raise too_new(found)
            config = Config()  # no file: an installed Ken has none
            config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except OperationalError:
        raise unreachable(settings) from None
    finally:
        engine.dispose()


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    found = connection.connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


def check(database: Database, role: Role) -> None:
    """Refuse to work with an old schema, or if row-level security would not hold.

    Raises SchemaBehind, SettingsInvalid, ServerUnavailable.
    """
    try:
        with database.session(role) as session:
            require(driver_of(session))
    except (OperationalError, psycopg.OperationalError):
        raise unreachable(database.settings) from None
