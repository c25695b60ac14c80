"""Checks callers of the admin API: nothing below /v1 runs without a valid token and its scope."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.exceptions import HTTPException
from fastapi.security import HTTPBearer
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workers.admin.api_keys import Caller, Forbidden, Unauthorized, authenticate
from workers.admin.problems import unauthorized, unavailable
from workers.database.sessions import Database

LARGEST_BODY = 10_000_000
_PATIENCE_S = 60.0
"""Seconds for a whole body, from the first read."""
_LEFT_UNREAD = 65_536
"""Bytes that may still follow an answer; with more to come, the connection is closed."""


class OnlyWithToken:
    """Checks the token of each request below /v1, before its body is read or its path resolved."""

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self.app = app
        self.database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v1"):
            try:
                caller = await run_in_threadpool(authenticate, self.database, _header(scope))
            except Unauthorized:
                await unauthorized()(scope, receive, send)
                return
            except (OperationalError, NoConnection):
                await unavailable()(scope, receive, send)
                return
            scope.setdefault("state", {})["caller"] = caller
            await self.app(scope, receive, partial(_uncached, send))
            return
        await self.app(scope, receive, send)


class BodyLimit:
    """Limits a body to `LARGEST_BODY` bytes, whatever its header says, and to `patience_s` seconds.

    The connection is closed if an answer was sent before the whole body had arrived. SCIM, whose
    bodies are smaller, has a limit and an error of its own.
    """

    def __init__(self, app: ASGIApp, patience_s: float = _PATIENCE_S) -> None:
        self.app = app
        self.patience_s = patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        read, more, until = 0, True, 0.0
        is_scim = scope["path"].startswith("/scim/")

        async def counting() -> Message:
            nonlocal read, more, until
            if not is_scim and declared_length(scope) > LARGEST_BODY:
                raise HTTPException(413)
            if not more:
                return await receive()
            now = asyncio.get_running_loop().time()
            until = until or now + self.patience_s
            try:
                message = await asyncio.wait_for(receive(), until - now)
            except TimeoutError:
                raise HTTPException(408) from None
            more = bool(message.get("more_body"))
            read += len(message.get("body", b""))
            if read > LARGEST_BODY:
                raise HTTPException(413)
            return message

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and more and _may_send_much(scope, read):
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self.app(scope, counting, sending)


def declared_length(scope: Scope) -> int:
    """Return the declared length of the body in bytes, or 0 without a header."""
    for name, value in scope.get("headers", ()):
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0


def _may_send_much(scope: Scope, read: int) -> bool:
    is_chunked = any(name == b"transfer-encoding" for name, _ in scope.get("headers", ()))
    return is_chunked or declared_length(scope) - read > _LEFT_UNREAD


async def _uncached(send: Send, message: Message) -> None:
    """Forbid caches to store an answer, which is for one caller only."""
    if message["type"] == "http.response.start":
        MutableHeaders(scope=message)["Cache-Control"] = "no-store"
    await send(message)


def _header(scope: Scope) -> str | None:
    """Return the only `Authorization` header, or None if there is none or several."""
    found = [value for name, value in scope["headers"] if name == b"authorization"]
    return found[0].decode("latin-1") if len(found) == 1 else None


_BEARER = HTTPBearer(
    scheme_name="token", description="`ken token create` creates one.", auto_error=False
)


def caller_of(request: Request, _: Annotated[object, Security(_BEARER)]) -> Caller:
    caller: Caller = request.state.caller
    return caller


def database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


Calling = Annotated[Caller, Depends(caller_of)]
Stored = Annotated[Database, Depends(database_of)]


def needs(scope: str) -> Callable[[Caller], None]:
    """Return a dependency that requires this scope of the token."""

    def check(caller: Calling) -> None:
        caller.require(scope)

    return check


def syncs_source(source: str, caller: Calling) -> None:
    """Require that the token may sync the path's source, whether or not the source exists."""
    caller.require(f"sync:{source}")


def syncs_something(caller: Calling) -> None:
    """Require a token for any source, if only the run says which source it is."""
    if not caller.may_sync_something:
        raise Forbidden("sync:SOURCE")


def json_body(request: Request) -> None:
    """Require that the body is declared as JSON."""
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != "application/json":
        raise HTTPException(415)
