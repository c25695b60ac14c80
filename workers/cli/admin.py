"""`ken admin`, which runs the admin API in the foreground, and `ken token`, its tokens."""

import asyncio
import os
import re
import socket
from datetime import timedelta

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from workers.admin import api_keys
from workers.admin.api import make_app
from workers.cli.running import say_ready
from workers.database.schema import check
from workers.database.sessions import Database
from workers.errors import InputInvalid, ServerUnavailable, SettingsInvalid
from workers.observe import logs
from workers.ops.production import refuse_unsafe
from workers.settings import Settings

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_EXPIRES = re.compile(r"(\d{1,4})([hdw])")
_GRACE_S = 10
_LARGEST_HEAD = 16_384
"""The most bytes of a request's line and headers together."""


class HeadsInTime(H11Protocol):
    """uvicorn's protocol, with a time limit for a request's headers; uvicorn itself has none."""

    patience_s = 10.0
    _ending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._ending is not None:
            self._ending.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Start the timer when headers begin to arrive, and stop it when they are complete."""
        if str(self.conn.their_state) != "IDLE":
            if self._ending is not None:
                self._ending.cancel()
            self._ending = None
        elif self._ending is None:
            self._ending = self.loop.call_later(self.patience_s, self.transport.close)


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
    listening = _listen(settings.admin_host, settings.admin_port)
    server = uvicorn.Server(
        uvicorn.Config(
            make_app(settings),
            http=HeadsInTime,
            h11_max_incomplete_event_size=_LARGEST_HEAD,
            log_config=None,  # its lines contain paths, and paths contain names of documents
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
            remedy="If another program uses the port, set another KEN_ADMIN_PORT.",
        ) from None


# -- tokens -------------------------------------------------------------------------------------


def make_token(settings: Settings, name: str, scopes: list[str], expires: str | None) -> str:
    """Create a token and return its secret, to be shown once. Raises InputInvalid."""
    good_for = None if expires is None else _period(expires)
    return api_keys.make(_database(settings), name, scopes, good_for).get_secret_value()


def list_tokens(settings: Settings) -> list[api_keys.TokenFacts]:
    return api_keys.tokens(_database(settings))


def revoke_token(settings: Settings, token_id: int) -> None:
    """Raises InputInvalid if there is none."""
    api_keys.revoke(_database(settings), token_id)


def _database(settings: Settings) -> Database:
    database = Database(settings)
    check(database, "syncer")
    return database


def _period(text: str) -> timedelta:
    found = _EXPIRES.fullmatch(text)
    if found is None:
        raise InputInvalid(
            f"--expires: {text!r} is not a period.",
            remedy="Write hours, days or weeks: 12h, 90d, 52w.",
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
