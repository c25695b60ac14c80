"""`ken admin`, the admin API in the foreground, and `ken token`, the keys to it."""

import os
import re
import socket
from datetime import timedelta

import uvicorn

from workers import logs
from workers.admin import tokens
from workers.admin.api import make_app
from workers.cli.running import say_ready
from workers.database import Database
from workers.errors import InputInvalid, ServerUnavailable, SettingsInvalid
from workers.production import refuse_unsafe
from workers.schema import check
from workers.settings import Settings

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_EXPIRES = re.compile(r"(\d{1,4})([hdw])")
_GRACE_S = 10


def serve(settings: Settings) -> None:
    """Answer until told to stop. Raises SettingsInvalid, ServerUnavailable, SchemaBehind."""
    logs.configure("admin")
    refuse_unsafe(settings, "admin")
    if not settings.admin_port:
        raise SettingsInvalid(
            "The admin API has no port.", remedy="Set KEN_ADMIN_PORT, for example to 3100."
        )
    database = Database(settings)
    check(database, "syncer")
    listening = _listen(settings.admin_host, settings.admin_port)
    server = uvicorn.Server(
        uvicorn.Config(
            make_app(settings),
            log_config=None,  # its lines have paths, and paths have names of documents
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=_GRACE_S,
        )
    )
    say_ready(settings, "admin")
    server.run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ServerUnavailable(
            f"The admin API cannot listen on {host}, port {port}: {os.strerror(error.errno or 0)}.",
            remedy="Something else may use the port: set another KEN_ADMIN_PORT.",
        ) from None


# -- keys ---------------------------------------------------------------------------------------


def make_token(settings: Settings, name: str, scopes: list[str], expires: str | None) -> str:
    """The secret, to be shown once. Raises InputInvalid."""
    good_for = None if expires is None else _period(expires)
    return tokens.make(_database(settings), name, scopes, good_for).get_secret_value()


def list_tokens(settings: Settings) -> list[tokens.TokenFacts]:
    return tokens.tokens(_database(settings))


def revoke_token(settings: Settings, token_id: int) -> None:
    """Raises InputInvalid if there is none."""
    tokens.revoke(_database(settings), token_id)


def _database(settings: Settings) -> Database:
    database = Database(settings)
    check(database, "syncer")
    return database


def _period(text: str) -> timedelta:
    found = _EXPIRES.fullmatch(text)
    if found is None:
        raise InputInvalid(
            "--expires is not a period.", remedy="Write hours, days or weeks: 12h, 90d, 52w."
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
