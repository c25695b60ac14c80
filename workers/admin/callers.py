"""Checks callers of the admin API: nothing below /v1 runs without a valid token and its scope."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.exceptions import HTTPException
from fastapi.security import HTTPBearer
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from workers.admin.api_keys import Caller, Forbidden, Unauthorized, authenticate
from workers.admin.problems import unauthorized, unavailable
from workers.database.sessions import Database
from workers.web.limits import authorization, uncached


class OnlyWithToken:
    """Checks the token of each request below /v1, before its body is read or its path resolved."""

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self.app = app
        self.database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v1"):
            try:
                caller = await run_in_threadpool(authenticate, self.database, authorization(scope))
            except Unauthorized:
                await unauthorized()(scope, receive, send)
                return
            except (OperationalError, NoConnection):
                await unavailable()(scope, receive, send)
                return
            scope.setdefault("state", {})["caller"] = caller
            await self.app(scope, receive, partial(uncached, send))
            return
        await self.app(scope, receive, send)


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


def pushes_to_source(source: str, caller: Calling) -> None:
    """Require that the token may push documents of the path's source, whether or not it exists."""
    if not caller.may_push(source):
        raise Forbidden(f"push:{source}")


def syncs_something(caller: Calling) -> None:
    """Require a token for any source, if only the run says which source it is."""
    if not caller.may_sync_something:
        raise Forbidden("sync:SOURCE")


def json_body(request: Request) -> None:
    """Require that the body is declared as JSON."""
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != "application/json":
        raise HTTPException(415)
