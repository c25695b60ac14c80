"""The doors' server: what other programs may ask, always as one person. See docs/programs.md.

It works as the answerer, whom row-level security binds; a token can only narrow what its person may
read. It shares no process with the admin API, which reads no text.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from workers.database.sessions import Database
from workers.doors import query
from workers.doors.callers import AsPerson, failed
from workers.doors.reading import TooMany
from workers.doors.tools import mcp_server
from workers.ops import health
from workers.people.person_tokens import OutOfScope
from workers.services import Services
from workers.web.last_resort import LastResort
from workers.web.limits import BodyLimit


def make_app(services: Services) -> FastAPI:
    """Build the app; it opens no connection before the first request."""
    server = mcp_server(services)
    programs = server.streamable_http_app(
        json_response=True,
        stateless_http=True,  # each call has its own token, and no session outlives a person
        # `AsPerson` checks where a page comes from; the host's name is the proxy's business
        transport_security=None,
        host="",
    )

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield

    app = FastAPI(openapi_url=None, redirect_slashes=False, lifespan=running)
    app.state.services = services
    # A pool of its own: a health check must not wait for a connection that searches use.
    app.state.store = health.store(Database(services.settings), "answerer")
    app.include_router(query.routes)
    app.get("/healthz")(healthz)
    app.get("/readyz")(readyz)
    app.router.routes.extend(programs.routes)
    app.add_middleware(AsPerson, database=services.database)
    app.add_middleware(BodyLimit, own_limit="")
    app.add_exception_handler(OutOfScope, _out_of_scope)
    app.add_exception_handler(TooMany, _too_many)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_middleware(LastResort, answer=lambda _: failed())
    return app


def healthz() -> dict[str, str]:
    """Say that the process is up. Needs no token."""
    return {"status": "up"}


def readyz(request: Request, response: Response) -> dict[str, bool]:
    """Say whether questions can be answered now. Needs no token."""
    report = health.store_report(request.app.state.store())
    response.status_code = 200 if report.ok else 503
    return report.words()


def _out_of_scope(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "The token does not allow this"}, 403)


def _too_many(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "Too many searches"}, 429, headers={"Retry-After": "60"})


def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, error.status_code, headers=error.headers)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    """Name each wrong place, without what was sent there: it may be content."""
    assert isinstance(error, RequestValidationError)
    faults: list[dict[str, Any]] = [
        {"loc": list(one["loc"]), "msg": one["msg"], "type": one["type"]} for one in error.errors()
    ]
    return JSONResponse({"detail": faults}, 422)
