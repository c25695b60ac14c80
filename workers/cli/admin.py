"""`ken admin` runs the admin API in the foreground; `ken token` and `ken admin-link` let in."""

import re
from datetime import timedelta

from workers.admin import api_keys
from workers.admin.api import make_app
from workers.admin.page import sessions
from workers.cli.linking import actor
from workers.cli.running import say_ready
from workers.database.schema import check
from workers.database.sessions import Database
from workers.errors import InputInvalid, SettingsInvalid
from workers.models.base import Embedder
from workers.observe import logs
from workers.ops.production import refuse_unsafe
from workers.settings import Settings
from workers.web.serving import listen, server_of

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_EXPIRES = re.compile(r"(\d{1,4})([hdw])")


def serve(settings: Settings) -> None:
    """Serve until a signal to stop. Raises SettingsInvalid, ServerUnavailable, SchemaBehind."""
    logs.configure("admin")
    refuse_unsafe(settings, "admin")
    if not settings.admin_port:
        raise SettingsInvalid(
            "The admin API has no port: KEN_ADMIN_PORT is not set.",
            remedy="Set it, for example to 3100.",
        )
    database = Database(settings)
    check(database, "syncer")
    listening = listen(settings.admin_host, settings.admin_port, "the admin API", "KEN_ADMIN_PORT")
    server = server_of(make_app(settings, _embedders))
    say_ready(settings, "admin")
    server.run(sockets=[listening])


def _embedders() -> tuple[Embedder, Embedder]:
    """Most deployments push no text: their server needs no memory for models."""
    from workers.models.shipped import shipped_embedders

    return shipped_embedders()


# -- tokens -------------------------------------------------------------------------------------


def make_token(settings: Settings, name: str, scopes: list[str], expires: str | None) -> str:
    """Create a token and return its secret, to be shown once. Raises InputInvalid."""
    good_for = None if expires is None else period(expires)
    return api_keys.make(_database(settings), name, scopes, good_for).get_secret_value()


def list_tokens(settings: Settings) -> list[api_keys.TokenFacts]:
    return api_keys.tokens(_database(settings))


def revoke_token(settings: Settings, token_id: int) -> None:
    """Raises InputInvalid if there is none."""
    api_keys.revoke(_database(settings), token_id)


def make_link(settings: Settings, name: str, role: str) -> str:
    """Make a link to the admin page, to be shown once. Raises InputInvalid, SettingsInvalid."""
    page = settings.admin_page
    if not page:
        raise SettingsInvalid(
            "The admin page has no address: KEN_ADMIN_PORT is not set.",
            remedy="Set it, for example to 3100, and KEN_ADMIN_PAGE_URL if a proxy is in front.",
        )
    secret = sessions.make_link(_database(settings), name, role, actor=actor())
    return f"{page}/sign-in?link={secret.get_secret_value()}"


def _database(settings: Settings) -> Database:
    database = Database(settings)
    check(database, "syncer")
    return database


def period(text: str) -> timedelta:
    found = _EXPIRES.fullmatch(text)
    if found is None:
        raise InputInvalid(
            f"--expires: {text!r} is not a period.",
            remedy="Write hours, days or weeks: 12h, 90d, 52w.",
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
