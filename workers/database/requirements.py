"""Checks of the database that every process makes before it works in it."""

from typing import Any, LiteralString

from workers.database.connection import Connection
from workers.errors import SchemaBehind, ServerUnavailable, SettingsInvalid
from workers.settings import Settings

HEAD = "0023"
"""The newest migration, which this version needs. A test compares it with `migrations/`."""

GUARDED = (
    *("document", "chunk", "embedding"),
    *("question", "outbox", "answer", "errand", "feedback", "memory"),
)
"""Tables with text of documents or people; row-level security is forced on each."""


def require(connection: Connection) -> None:
    """Refuse to work with an old schema, or if row-level security would not hold.

    Raises SchemaBehind, SettingsInvalid, psycopg.Error.
    """
    _require_revision(connection)
    _require_walls(connection)


def revision(connection: Connection) -> str | None:
    """Return the schema's version, or None if there is no schema."""
    if _value(connection, "SELECT to_regclass('alembic_version')::text") is None:
        return None
    found: str | None = _value(connection, "SELECT version_num FROM alembic_version")
    return found


def too_new(found: str) -> SchemaBehind:
    """Return the error for a database that a newer Ken has migrated."""
    return SchemaBehind(
        f"The database's schema is {found}, of a newer version of Ken; this one knows {HEAD}. "
        "Nothing was changed.",
        remedy="Install the newer version again; a schema does not go back.",
    )


def unreachable(settings: Settings) -> ServerUnavailable:
    """Return the error for a database that does not answer, without its address."""
    return ServerUnavailable(
        "PostgreSQL does not answer.",
        remedy="`ken up` starts the embedded one. With your own server, check KEN_DATABASE_URL "
        f"and the passwords ({settings.home / 'ken.env'} or the environment).",
    )


def _require_revision(connection: Connection) -> None:
    found = revision(connection)
    if found is not None and found > HEAD:
        raise too_new(found)
    if found != HEAD:
        raise SchemaBehind(
            f"The database's schema is {found or 'missing'}; this version needs {HEAD}.",
            remedy="Run `ken up` (embedded) or `ken migrate` as the owner, then start again.",
        )


def _require_walls(connection: Connection) -> None:
    unbound = _value(
        connection,
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user",
    )
    owned = _value(
        connection,
        "SELECT count(*) FROM pg_class WHERE relname = ANY(%(names)s) "
        "AND pg_get_userbyid(relowner) = current_user",
    )
    if unbound or owned:
        role = _value(connection, "SELECT current_user")
        raise SettingsInvalid(
            f"The role {role} is not bound by row-level security.",
            remedy="Processes of Ken connect as ken_ingress, ken_answerer, ken_syncer or "
            "ken_indexer, never as the owner or a superuser.",
        )
    walls = _value(
        connection,
        "SELECT count(*) FROM pg_class WHERE relname = ANY(%(names)s) "
        "AND relnamespace = 'public'::regnamespace "
        "AND relrowsecurity AND relforcerowsecurity",
    )
    if walls != len(GUARDED):
        raise SettingsInvalid(
            "Row-level security is off on a table with text.",
            remedy="Somebody changed the schema by hand. Restore it: ALTER TABLE … FORCE ROW "
            "LEVEL SECURITY, or load into a fresh database.",
        )


def _value(connection: Connection, statement: LiteralString) -> Any:
    row = connection.execute(statement, {"names": list(GUARDED)}).fetchone()
    return row[0] if row else None
