"""Events over HTTP: POST /slack/events, GET /healthz. Refuses before Bolt reads anything."""

import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import structlog
from slack_bolt import App, BoltRequest, BoltResponse
from slack_sdk.signature import SignatureVerifier

log = structlog.get_logger()

LARGEST_BODY = 1_000_000
"""Bytes. Slack's own events are a few kilobytes."""

Environ = dict[str, Any]
Web = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def create_web(app: App, signing_secret: str) -> Web:
    """The WSGI application, for gunicorn's `gthread` workers."""
    verifier = SignatureVerifier(signing_secret)

    def web(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        response = _respond(app, verifier, environ)
        status = HTTPStatus(response.status)
        headers = [(name, value) for name, values in response.headers.items() for value in values]
        body = response.body.encode()
        start_response(
            f"{status.value} {status.phrase}", [*headers, ("content-length", str(len(body)))]
        )
        return [body]

    return web


def _respond(app: App, verifier: SignatureVerifier, environ: Environ) -> BoltResponse:
    match environ["REQUEST_METHOD"], environ.get("PATH_INFO"):
        case "GET", "/healthz":
            return BoltResponse(status=200, body="ok")
        case "POST", "/slack/events":
            return _receive(app, verifier, environ)
        case _:
            return BoltResponse(status=404)


def _receive(app: App, verifier: SignatureVerifier, environ: Environ) -> BoltResponse:
    length = environ.get("CONTENT_LENGTH") or ""
    if not re.fullmatch(r"[0-9]{1,18}", length):
        return BoltResponse(status=411)
    if int(length) > LARGEST_BODY:
        return BoltResponse(status=413)
    raw: bytes = environ["wsgi.input"].read(int(length))
    headers = _headers(environ)
    if not _is_signed(verifier, raw, headers):
        log.warning("request_refused", reason="signature")
        return BoltResponse(status=401)
    try:
        request = BoltRequest(body=raw.decode(), headers=dict(headers))
    except (ValueError, RecursionError):
        return BoltResponse(status=400)
    return app.dispatch(request)


def _is_signed(verifier: SignatureVerifier, raw: bytes, headers: dict[str, str]) -> bool:
    """Slack's signature, not older than 5 minutes; never raises, unlike the SDK's check.

    That one does int() on the timestamp, decodes the body and cannot compare beyond ASCII.
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
