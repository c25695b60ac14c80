"""A small HTTP listener, in a thread: /healthz, /readyz and /metrics of one process.

Anybody who can reach it can read it, so it shows nothing confidential.
"""

import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Thread, Timer
from typing import Any

from workers.errors import ServerUnavailable
from workers.observe import metrics
from workers.ops.health import Report

_CALLERS = 16
"""The most connections at a time; more are closed without an answer."""
PATIENCE_S = 5.0
"""Seconds for a whole request, its line and headers. A body is never read."""


class Listener:
    """Binds its port at once and answers after `start`: a fork may happen in between."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        health: Callable[[], Report],
        ready: Callable[[], Report],
        exposition: Callable[[], bytes] = metrics.exposition,
    ) -> None:
        """Bind the port. Raises ServerUnavailable if it is in use."""
        self.health, self.ready, self.exposition = health, ready, exposition
        try:
            self._server = _Server(self, host, port)
        except (OSError, OverflowError) as error:
            why = os.strerror(getattr(error, "errno", 0) or 0)
            raise ServerUnavailable(
                f"Health and metrics cannot be served on {host}, port {port}: {why}.",
                remedy="If another program uses the port, set another KEN_WORKER_OPS_PORT, "
                "KEN_JOBS_OPS_PORT or KEN_BOT_OPS_PORT.",
            ) from None

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> None:
        Thread(target=self._server.serve_forever, name="ops", daemon=True).start()

    def close(self) -> None:
        """Stop; call it only after `start`."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = _CALLERS

    def __init__(self, listener: Listener, host: str, port: int) -> None:
        self.listener = listener
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._places = BoundedSemaphore(_CALLERS)
        super().__init__((host, port), _Answer)

    def server_bind(self) -> None:
        """Bind without the library's look-up of our host name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        ending = Timer(PATIENCE_S, _hang_up, (request,))
        ending.daemon = True
        ending.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            ending.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a closed connection, for which the library would print a traceback."""


def _hang_up(connection: socket.socket) -> None:
    """Stop reading; an answer can still be sent."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RD)


class _Answer(BaseHTTPRequestHandler):
    timeout = PATIENCE_S
    server: _Server

    def do_GET(self) -> None:
        listener = self.server.listener
        match self.path.partition("?")[0]:
            case "/healthz":
                self._report(listener.health())
            case "/readyz":
                self._report(listener.ready())
            case "/metrics":
                self._say(200, metrics.TEXT, listener.exposition())
            case _:
                self._say(404, "application/json", b'{"ok": false}')

    def send_error(self, code: int, *_: object, **__: object) -> None:
        """Answer without the library's page, which quotes the request."""
        self._say(code, "application/json", b'{"ok": false}')

    def _report(self, report: Report) -> None:
        body = json.dumps(report.words()).encode()
        self._say(200 if report.ok else 503, "application/json", body)

    def _say(self, status: int, kind: str, body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log no request: a scrape of metrics is not an event."""
