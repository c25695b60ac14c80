"""Serves an app over HTTP: a time for each request's headers, and no line of a request in a log."""

import asyncio
import os
import socket

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from workers.errors import ServerUnavailable

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


def server_of(app: ASGIApp, *, lifespan: bool = False) -> uvicorn.Server:
    """Return a server for this app, not started; `lifespan`: the app has something to run, too."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=HeadsInTime,
            h11_max_incomplete_event_size=_LARGEST_HEAD,
            log_config=None,  # its lines contain paths, and paths contain names of documents
            access_log=False,
            server_header=False,
            lifespan="on" if lifespan else "off",
            timeout_graceful_shutdown=_GRACE_S,
        )
    )


def listen(host: str, port: int, what: str, setting: str) -> socket.socket:
    """Return a socket that listens there; `what` is named if it cannot, with its port's setting.

    Raises ServerUnavailable.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ServerUnavailable(
            f"{what[:1].upper()}{what[1:]} cannot listen on {host}, port {port}: "
            f"{os.strerror(error.errno or 0)}.",
            remedy=f"If another program uses the port, set another {setting}.",
        ) from None
