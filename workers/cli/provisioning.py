"""`ken provision`: makes a PostgreSQL server of your own ready, as its superuser."""

from typing import get_args

import psycopg
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from workers.database.connection import no_address
from workers.database.roles import provision
from workers.errors import ServerUnavailable, SettingsInvalid
from workers.settings import Role, Settings

_PATIENCE_S = 10


def provision_server(settings: Settings, database: str | None = None) -> str:
    """Create the roles and a database: the one that KEN_DATABASE_URL names. Returns its name.

    Raises SettingsInvalid, ServerUnavailable; neither shows an address or a password.
    """
    superuser = superuser_url(settings)
    passwords = {role: settings.password(role).get_secret_value() for role in get_args(Role)}
    missing = [f"KEN_{role.upper()}_PASSWORD" for role, secret in passwords.items() if not secret]
    if missing:
        raise SettingsInvalid(
            f"{', '.join(missing)} not set: each role needs a password.",
            remedy="Make one for each with `openssl rand -hex 24`.",
        )
    name = database or database_in(settings)
    try:
        with psycopg.connect(superuser, connect_timeout=_PATIENCE_S) as server:
            provision(server, passwords, database=name)
    except psycopg.ProgrammingError:  # psycopg's words repeat the address
        raise SettingsInvalid(
            "KEN_SUPERUSER_URL is no address of PostgreSQL, or its user is no superuser.",
            remedy="Write it as postgresql://USER:PASSWORD@HOST/postgres.",
        ) from None
    except psycopg.Error:
        raise ServerUnavailable(
            "PostgreSQL does not answer, or refuses the superuser's name or password.",
            remedy="Check KEN_SUPERUSER_URL. Nothing was changed, or what was done so far is kept.",
        ) from None
    return name


def superuser_url(settings: Settings) -> str:
    """Raises SettingsInvalid if it is not set."""
    if not (found := settings.superuser_url.get_secret_value()):
        raise SettingsInvalid(
            "KEN_SUPERUSER_URL is not set.",
            remedy="Set it for this command: postgresql://USER:PASSWORD@HOST/postgres.",
        )
    return found


def database_in(settings: Settings) -> str:
    """Return the name of the database in KEN_DATABASE_URL. Raises SettingsInvalid."""
    try:
        name = make_url(settings.database_url.get_secret_value()).database
    except (ArgumentError, ValueError):
        name = None
    if not name:
        raise no_address()
    return name
