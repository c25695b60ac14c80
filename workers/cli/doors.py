"""`ken doors`, which other programs ask, `ken mcp`, which leads there, and the tokens of people."""

import asyncio

from workers.cli.admin import period
from workers.cli.linking import actor, person_named
from workers.cli.running import say_ready
from workers.database.schema import check
from workers.database.sessions import Database
from workers.doors.app import make_app
from workers.doors.stdio import relaying
from workers.errors import SettingsInvalid
from workers.observe import logs, tracing
from workers.ops.production import refuse_unsafe
from workers.people import person_tokens
from workers.services import live_services, warm
from workers.settings import Settings
from workers.web.serving import listen, server_of


def serve(settings: Settings) -> None:
    """Serve until a signal to stop. Raises SettingsInvalid, ServerUnavailable, SchemaBehind."""
    logs.configure("doors")
    refuse_unsafe(settings, "doors")
    if not settings.doors_port:
        raise SettingsInvalid(
            "The doors for programs have no port: KEN_DOORS_PORT is not set.",
            remedy="Set it, for example to 3200.",
        )
    services = live_services()
    check(services.database, "answerer")
    host, port = settings.doors_host, settings.doors_port
    listening = listen(host, port, "the server for programs", "KEN_DOORS_PORT")
    tracing.configure(settings, "doors")
    warm(services)
    server = server_of(make_app(services), lifespan=True)
    say_ready(settings, "doors")
    try:
        server.run(sockets=[listening])
    finally:
        tracing.close()


def relay(settings: Settings) -> None:
    """Pass calls on until standard input ends. Raises SettingsInvalid."""
    logs.configure("mcp")
    if not settings.programs_url:
        raise SettingsInvalid(
            "KEN_DOORS_URL is not set: there is no server to ask.",
            remedy="Set it to the address that your administrator gives you.",
        )
    token = settings.person_token.get_secret_value()
    if not token:
        raise SettingsInvalid(
            "KEN_PERSON_TOKEN is not set.",
            remedy="`ken person-token create` issues one: ask your administrator.",
        )
    asyncio.run(relaying(settings.programs_url, token))


# -- tokens -------------------------------------------------------------------------------------


def make_token(
    settings: Settings,
    person: str,
    name: str,
    scopes: list[str] | None,
    sources: list[str] | None,
    expires: str,
) -> str:
    """Create a token and return its secret, to be shown once. Raises InputInvalid."""
    database = _database(settings)
    user_id, _ = person_named(database, person)
    return person_tokens.issue(
        database,
        user_id,
        name,
        by=actor(),
        scopes=scopes or person_tokens.SCOPES,
        sources=sources or None,
        good_for=period(expires),
    ).get_secret_value()


def list_tokens(settings: Settings, person: str | None) -> list[person_tokens.TokenFacts]:
    """List all tokens, or a person's. Raises InputInvalid."""
    database = _database(settings)
    user_id = None if person is None else person_named(database, person)[0]
    return person_tokens.tokens(database, user_id)


def revoke_token(settings: Settings, token_id: int) -> None:
    """Raises InputInvalid if there is none."""
    person_tokens.revoke(_database(settings), token_id, by=actor())


def _database(settings: Settings) -> Database:
    database = Database(settings)
    check(database, "syncer")
    return database
