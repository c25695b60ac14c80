"""Checks the caller of each request before its body is read: a person's token, and nothing else."""

from functools import partial
from urllib.parse import unquote_plus, urlsplit

from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from workers.database.sessions import Database
from workers.people.person_tokens import Unauthorized, authenticate, holds_token
from workers.web.limits import authorization, uncached

OPEN = frozenset({"/healthz", "/readyz"})
"""The only paths that need no token."""


class AsPerson:
    """Lets through what comes with one person's valid token in its header; who that is, stands in
    the request's state, and no part of a request can name anybody else.
    """

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self.app = app
        self.database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self.app(scope, receive, send)
            return
        answer = partial(uncached, send)
        if (refusal := _refusal(scope)) is not None:
            await refusal(scope, receive, answer)
            return
        header = authorization(scope)
        try:
            caller = await run_in_threadpool(authenticate, self.database, header)
        except Unauthorized:
            await _unauthorized(scope, is_given=header is not None)(scope, receive, answer)
            return
        except (OperationalError, NoConnection):
            await failed()(scope, receive, answer)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self.app(scope, receive, answer)


def failed() -> JSONResponse:
    """Return what is said to any failure of ours: the same words, whatever it was."""
    return JSONResponse({"detail": "Internal Service Error"}, 500)


def _refusal(scope: Scope) -> JSONResponse | None:
    """Refuse a token in an address, which others log, and a web page of another site."""
    if holds_token(unquote_plus(scope.get("query_string", b"").decode("latin-1"))) or holds_token(
        scope["path"]
    ):
        return JSONResponse(
            {
                "detail": "A token in an address is refused: addresses are logged. Revoke it, and "
                "send a new one in the header `Authorization: Bearer`."
            },
            400,
        )
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return JSONResponse({"detail": "Web pages of other sites are refused."}, 403)
    return None


def _unauthorized(scope: Scope, *, is_given: bool) -> JSONResponse:
    """Answer as the ChatGPT Retrieval Plugin does; below /mcp as MCP asks for, with 401."""
    if not is_given and not scope["path"].startswith("/mcp"):
        return JSONResponse({"detail": "Not authenticated"}, 403)
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return JSONResponse({"detail": "Invalid or missing token"}, 401, headers=headers)
