"""The schema: brought up to date by the owner, checked by everybody else before they work."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from workers.database.sessions import Database, connect
from workers.errors import SchemaBehind, ServerUnavailable, SettingsInvalid
from workers.settings import Role, Settings

HEAD = "0006"
"""The newest migration, which this version needs. A test compares it with `migrations/`."""

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('ken migrate'))")

GUARDED = (
    *("document", "chunk", "embedding"),
    *("question", "outbox", "answer", "errand", "feedback"),
)
"""Tables with text of documents or of people: row-level security is forced on each."""


def migrate(settings: Settings) -> None:
    """Run the migrations that are missing. Raises ServerUnavailable."""
    from alembic import command  # noqa: PLC0415 - only a migration waits for Alembic
    from alembic.config import Config  # noqa: PLC0415

    engine = connect(settings, "owner")
    try:
        with engine.begin() as connection:
            connection.execute(_ONE_AT_A_TIME)
            config = Config(Path(__file__).parents[2] / "alembic.ini")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except OperationalError:
        raise unreachable(settings) from None
    finally:
        engine.dispose()


def check(database: Database, role: Role) -> None:
    """Refuse to work on an old schema, or where row-level security would not hold.

    Raises SchemaBehind, SettingsInvalid, ServerUnavailable.
    """
    try:
        with database.session(role) as session:
            _check_revision(session)
            _check_walls(session)
    except OperationalError:
        raise unreachable(database.settings) from None


def revision(session: Session) -> str | None:
    """None: the schema is not there at all."""
    if session.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    found: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def unreachable(settings: Settings) -> ServerUnavailable:
    """What to say when PostgreSQL does not answer; never the address, which has a password."""
    return ServerUnavailable(
        "PostgreSQL does not answer.",
        remedy="`ken up` starts the embedded one. With your own server, check KEN_DATABASE_URL "
        f"and the passwords ({settings.home / 'ken.env'} or the environment).",
    )


def _check_revision(session: Session) -> None:
    found = revision(session)
    if found != HEAD:
        raise SchemaBehind(
            f"The database's schema is {found or 'not there'}; this version needs {HEAD}.",
            remedy="Run `ken up` (embedded) or `ken migrate` as the owner, then start again.",
        )


def _check_walls(session: Session) -> None:
    role = session.execute(
        text(
            "SELECT rolname, rolsuper OR rolbypassrls AS unbound FROM pg_roles "
            "WHERE rolname = current_user"
        )
    ).one()
    owned = session.scalar(
        text(
            "SELECT count(*) FROM pg_class WHERE relname = ANY(:names) "
            "AND pg_get_userbyid(relowner) = current_user"
        ),
        {"names": list(GUARDED)},
    )
    if role.unbound or owned:
        raise SettingsInvalid(
            f"The role {role.rolname} is not bound by row-level security.",
            remedy="Processes of Ken connect as ken_ingress, ken_answerer, ken_syncer or "
            "ken_indexer, never as the owner or a superuser.",
        )
    walls = session.scalar(
        text(
            "SELECT count(*) FROM pg_class WHERE relname = ANY(:names) "
            "AND relnamespace = 'public'::regnamespace "
            "AND relrowsecurity AND relforcerowsecurity"
        ),
        {"names": list(GUARDED)},
    )
    if walls != len(GUARDED):
        raise SettingsInvalid(
            "Row-level security is off on a table with text.",
            remedy="Somebody changed the schema by hand. Restore it: ALTER TABLE … FORCE ROW "
            "LEVEL SECURITY, or load into a fresh database.",
        )
