"""Keeps connections to Slack open between calls: a handshake costs more than a call.

slack_sdk opens a connection for each call, and reads the machine's certificates again for it. The
requests and responses are the same. A broken connection is thrown away and its call fails, as
before: nobody knows whether Slack accepted it.
"""

import io
import select
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.error import HTTPError
from urllib.parse import SplitResult, urlsplit
from urllib.request import Request

from slack_sdk import WebClient

_LONGEST_IDLE_S = 20.0
"""After this long, Slack's side may be about to close the connection."""
_MOST_IDLE = 16


@dataclass
class Connections:
    """The idle connections to one address, the last used on top."""

    address: SplitResult
    _idle: list[tuple[HTTPConnection, float]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        weakref.finalize(self, _close_all, self._idle)

    @classmethod
    def to(cls, url: str) -> "Connections":
        return cls(urlsplit(url))

    def take(self, timeout_s: float) -> HTTPConnection:
        """Return one that is still open, or a new one, which connects when it is used."""
        while (kept := self._last_used()) is not None:
            connection, since = kept
            if time.monotonic() - since < _LONGEST_IDLE_S and _is_open(connection.sock):
                connection.timeout = timeout_s
                connection.sock.settimeout(timeout_s)
                return connection
            connection.close()
        assert self.address.hostname is not None
        if self.address.scheme == "https":
            return HTTPSConnection(
                self.address.hostname, self.address.port, timeout=timeout_s, context=self._trust
            )
        return HTTPConnection(self.address.hostname, self.address.port, timeout=timeout_s)

    def keep(self, connection: HTTPConnection) -> None:
        with self._lock:
            if connection.sock is not None and len(self._idle) < _MOST_IDLE:
                self._idle.append((connection, time.monotonic()))
                return
        connection.close()

    def _last_used(self) -> tuple[HTTPConnection, float] | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        trust = ssl.create_default_context()
        trust.set_alpn_protocols(["http/1.1"])
        return trust


class KeptWebClient(WebClient):
    """slack_sdk's client over kept connections. Behind a proxy it behaves like slack_sdk's own."""

    connections: Connections

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        """Raises HTTPError like the method that it replaces, HTTPException, OSError."""
        if self.proxy:
            return super()._perform_urllib_http_request_internal(url, req)
        connection = self.connections.take(self.timeout)
        try:
            response, body = _exchange(connection, req)
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self.connections.keep(connection)
        if not 200 <= response.status < 300:
            read = io.BytesIO(body)
            raise HTTPError(url, response.status, response.reason, response.headers, read)
        charset = response.headers.get_content_charset() or "utf-8"
        return {
            "status": response.status,
            "headers": response.headers,
            "body": body.decode(charset),
        }


def _exchange(connection: HTTPConnection, request: Request) -> tuple[HTTPResponse, bytes]:
    body = request.data if isinstance(request.data, bytes) else None
    connection.request("POST", request.selector, body, dict(request.header_items()))
    response = connection.getresponse()
    return response, response.read()


def _close_all(idle: Sequence[tuple[HTTPConnection, float]]) -> None:
    """When a workspace's token changes, its client is dropped together with its connections."""
    for connection, _ in idle:
        connection.close()


def _is_open(connected: socket.socket | None) -> bool:
    """An idle connection has nothing to read, unless the other side has closed it."""
    if connected is None:
        return False
    watch = select.poll()
    watch.register(connected, select.POLLIN)
    return not watch.poll(0)
