"""`ken backup` and `ken restore`: the whole database in a folder, and back."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr
from sqlalchemy import make_url

from workers.cli.linking import actor
from workers.cli.output import counted
from workers.cli.provisioning import database_in, superuser_url
from workers.database import backup
from workers.database.backup import Manifest, Progress, Server
from workers.database.roles import provision
from workers.database.schema import check, migrate
from workers.database.sessions import Database
from workers.embedded.postgres import EmbeddedPostgres, postgres_binaries
from workers.embedded.servers import ensure, is_embedded
from workers.errors import InputInvalid, ServerUnavailable, SettingsInvalid
from workers.settings import Role, Settings, load_settings
from workers.slack.encryption import is_readable
from workers.sync.sources import all_sources, set_source

LEFT_OUT = (
    "ken.env and the folder secrets: passwords, tokens, and the key (KEN_TOKEN_KEY) without which "
    "the Slack tokens in the backup cannot be read. Keep them elsewhere, as carefully"
)


_SEALED = (
    "SELECT bot_token FROM installation WHERE bot_token IS NOT NULL",
    "SELECT secret FROM connector WHERE secret IS NOT NULL",
)


def default_folder() -> Path:
    return Path(f"ken-backup-{datetime.now(UTC):%Y-%m-%dT%H%M}")


def save(settings: Settings, folder: Path, progress: Progress) -> Manifest:
    """Save the database while everything goes on. Raises InputInvalid, ServerUnavailable."""
    server, database = _server(settings)
    return backup.save(server, database, folder, progress)


def restore(
    settings: Settings, folder: Path, *, pauses: bool, progress: Progress
) -> tuple[Manifest, list[str]]:
    """Put a backup into this data folder, or into the empty database of KEN_DATABASE_URL.

    Returns what came back, and what to know before Ken is started. Raises InputInvalid,
    SettingsInvalid, ServerUnavailable; nothing was changed then.
    """
    manifest = backup.read(folder, progress)
    if not settings.database_url.get_secret_value() or _is_ours(settings):
        ensure(settings.home, progress)
        settings = load_settings(settings.home)
    server, database = _server(settings)
    passwords = _passwords(settings)

    def prepare(name: str) -> None:
        with server.connect("postgres") as connection:
            provision(connection, passwords, database=name)

    def complete(name: str) -> None:
        there = _with_database(settings, name)
        migrate(there)
        opened = Database(there)
        try:
            check(opened, "answerer")
            if pauses:
                _pause(opened)
        finally:
            opened.close()

    try:
        backup.restore(
            *(server, database, folder, manifest),
            prepare=prepare,
            complete=complete,
            progress=progress,
        )
    except psycopg.Error as error:
        raise ServerUnavailable(
            f"PostgreSQL refused ({type(error).__name__}). Nothing was changed.",
            remedy="Check that KEN_SUPERUSER_URL names a superuser, then run this again.",
        ) from None
    return manifest, list(_to_know(settings, server, database, manifest, pauses=pauses))


def _server(settings: Settings) -> tuple[Server, str]:
    """Return the server as its superuser, and the database's name."""
    if not settings.database_url.get_secret_value():
        raise InputInvalid(
            "No database is set up in this data folder.",
            remedy="Name the folder with --home, or set KEN_DATABASE_URL.",
        )
    database = database_in(settings)
    if _is_ours(settings):
        postgres = EmbeddedPostgres(settings.home)
        if not postgres.running():
            raise ServerUnavailable(
                f"The PostgreSQL of {settings.home} is not running.", remedy="Run `ken up` first."
            )
        return Server(postgres.superuser, (postgres_binaries(),)), database
    try:
        parameters = conninfo_to_dict(superuser_url(settings))
    except psycopg.Error:  # its words repeat the address
        raise SettingsInvalid(
            "KEN_SUPERUSER_URL is no address of PostgreSQL.",
            remedy="Write it as postgresql://USER:PASSWORD@HOST/postgres.",
        ) from None
    parameters.pop("dbname", None)
    return Server(parameters, _own_programs()), database


def _is_ours(settings: Settings) -> bool:
    """Whether the database is the data folder's own."""
    return is_embedded(settings.database_url.get_secret_value()) and not (
        settings.superuser_url.get_secret_value()
    )


def _own_programs() -> tuple[Path, ...]:
    try:
        return (postgres_binaries(),)
    except ServerUnavailable:
        return ()


def _passwords(settings: Settings) -> dict[Role, str]:
    found = {role: settings.password(role).get_secret_value() for role in get_args(Role)}
    if missing := [f"KEN_{role.upper()}_PASSWORD" for role, word in found.items() if not word]:
        raise SettingsInvalid(
            f"{', '.join(missing)} not set: each role needs a password.",
            remedy="Make one for each with `openssl rand -hex 24`.",
        )
    return found


def _with_database(settings: Settings, name: str) -> Settings:
    url = make_url(settings.database_url.get_secret_value()).set(database=name)
    return settings.model_copy(
        update={"database_url": SecretStr(url.render_as_string(hide_password=False))}
    )


def _pause(database: Database) -> None:
    for source in all_sources(database):
        set_source(database, source.name, actor=actor(), paused=True)


def _to_know(
    settings: Settings, server: Server, database: str, manifest: Manifest, *, pauses: bool
) -> Iterator[str]:
    """Yield what an administrator must know: an old backup also brings old rights back."""
    yield (
        f"Who may read what is as it was on {when(manifest)}: what was taken away since then, who "
        "left, and which tokens were revoked, is not in it."
    )
    if pauses:
        yield (
            "Every source is paused, so nobody gets answers yet. Sync or load each one again, then "
            "`ken source set NAME --resume`."
        )
    elif manifest.rows.get("source"):
        yield (
            "Sync or load every source again now. `ken token list` and `ken person-token list` "
            "show the tokens."
        )
    with server.connect(database) as connection:
        sealed = [one for statement in _SEALED for (one,) in connection.execute(statement)]
    if lost := sum(not is_readable(settings, bytes(one)) for one in sealed):
        yield (
            f"{counted(lost, 'secret')} in it cannot be read with this KEN_TOKEN_KEY: put the old "
            "key into ken.env, or install Ken in Slack again and add those sources again."
        )


def when(manifest: Manifest) -> str:
    return f"{datetime.fromisoformat(manifest.made_at):%Y-%m-%d %H:%M} UTC"
