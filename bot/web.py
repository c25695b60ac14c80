"""HTTP side of the bot: POST /slack/events, GET /healthz, GET /readyz, and installation pages.

Bad requests are refused before Bolt reads anything.
"""

import json
import re
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from http import HTTPStatus
from threading import Timer
from typing import Any

import structlog
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]
from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.oauth import OAuthFlow
from slack_bolt.request.internals import build_context
from slack_sdk.signature import SignatureVerifier

from bot import install
from bot.app import MeteredApp
from bot.payload import Malformed, read_body
from workers.interface import Report, metrics

log = structlog.get_logger()

LARGEST_BODY = 1_000_000
"""Bytes. Slack's own events are a few kilobytes."""

_OLDEST_S = 300
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded")

Environ = dict[str, Any]
Web = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class DeadlineWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker with a deadline; without it, a thread waits for a request for ever."""

    patience_s = 10.0
    """For head and body. Slack sends both at once, and repeats the request after 3 seconds."""

    def handle(self, conn: TConn) -> Any:
        ending = Timer(self.patience_s, _stop_reading, (conn.sock,))
        ending.daemon = True
        ending.start()
        try:
            return super().handle(conn)
        finally:
            ending.cancel()


def create_web(
    app: MeteredApp,
    signing_secret: str,
    ready: Callable[[], Report] | None = None,
    flow: OAuthFlow | None = None,
) -> Web:
    """Build the WSGI application, to be run by a `DeadlineWorker`.

    `ready` answers GET /readyz; `flow` lets workspaces install Ken.
    """
    verifier = SignatureVerifier(signing_secret)

    def web(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        response = _respond(app, verifier, ready, flow, environ)
        status = HTTPStatus(response.status)
        headers = [(name, value) for name, values in response.headers.items() for value in values]
        body = response.body.encode()
        start_response(
            f"{status.value} {status.phrase}", [*headers, ("content-length", str(len(body)))]
        )
        return [body]

    return web


def _respond(
    app: MeteredApp,
    verifier: SignatureVerifier,
    ready: Callable[[], Report] | None,
    flow: OAuthFlow | None,
    environ: Environ,
) -> BoltResponse:
    match environ["REQUEST_METHOD"], environ.get("PATH_INFO"):
        case "GET", "/healthz":
            return BoltResponse(status=200, body="ok")
        case "GET", "/readyz" if ready is not None:
            return _readiness(ready())
        case "POST", "/slack/events":
            return _receive(app, verifier, environ)
        case "GET", (install.INSTALL | install.REDIRECT) as path if flow is not None:
            return install.respond(flow, path, environ.get("QUERY_STRING", ""), _headers(environ))
        case _:
            return BoltResponse(status=404)


def _readiness(report: Report) -> BoltResponse:
    return BoltResponse(
        status=200 if report.ok else 503,
        body=json.dumps(report.words()),
        headers={"content-type": "application/json", "cache-control": "no-store"},
    )


def _receive(app: MeteredApp, verifier: SignatureVerifier, environ: Environ) -> BoltResponse:
    length = environ.get("CONTENT_LENGTH") or ""
    if not re.fullmatch(r"[0-9]{1,18}", length):
        return _refuse(411, "size")
    if int(length) > LARGEST_BODY:
        return _refuse(413, "size")
    headers = _headers(environ)
    if not _looks_signed(headers):
        return _unsigned()
    if headers["content-type"].partition(";")[0].strip().lower() not in _CONTENT_TYPES:
        return _refuse(415, "malformed")
    raw = bytes(environ["wsgi.input"].read(int(length)))
    if len(raw) < int(length):
        return _refuse(408, "size")
    if not _is_signed(verifier, raw, headers):
        return _unsigned()
    try:
        text = raw.decode()
        body = read_body(text, headers["content-type"])
    except (Malformed, UnicodeDecodeError):
        return _refuse(400, "malformed")
    if not app.accepts(body):
        return BoltResponse(status=200)
    return app.dispatch(_request(text, body, headers))


def _request(text: str, body: dict[str, Any], headers: dict[str, str]) -> BoltRequest:
    """Build Bolt's request from a body that is already parsed."""
    request = BoltRequest(body="", headers=dict(headers))
    request.raw_body, request.body = text, body
    request.context = build_context(request.context, body)
    return request


def _stop_reading(connection: socket.socket) -> None:
    """Shut the connection for reading, so that a waiting read ends. We can still answer."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RD)


def _unsigned() -> BoltResponse:
    log.warning("request_refused", reason="signature")
    return _refuse(401, "signature")


def _refuse(status: int, reason: str) -> BoltResponse:
    metrics.EVENTS_RECEIVED.inc()
    metrics.EVENTS.labels(reason).inc()
    return BoltResponse(status=status)


def _looks_signed(headers: dict[str, str]) -> bool:
    """Check the headers alone, before a byte of the body is read."""
    timestamp = headers.get("x-slack-request-timestamp", "")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return False
    is_fresh = abs(time.time() - int(timestamp)) <= _OLDEST_S
    return is_fresh and bool(_SIGNATURE.fullmatch(headers.get("x-slack-signature", "")))


def _is_signed(verifier: SignatureVerifier, raw: bytes, headers: dict[str, str]) -> bool:
    """Check Slack's signature, at most 5 minutes old. Never raises, unlike the SDK's check.

    The SDK calls int() on the timestamp, decodes the body, and cannot compare beyond ASCII.
    https://docs.slack.dev/authentication/verifying-requests-from-slack/
    """
    timestamp = headers.get("x-slack-request-timestamp", "")
    signature = headers.get("x-slack-signature", "")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or not signature.isascii():
        return False
    try:
        return verifier.is_valid(raw, timestamp, signature)
    except UnicodeDecodeError:
        return False


def _headers(environ: Environ) -> dict[str, str]:
    headers = {
        name.removeprefix("HTTP_").lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    return headers
