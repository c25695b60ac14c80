"""The admin API: permissions are pushed, accounts linked, decisions explained. Never a text.

It connects as the syncer alone, which cannot read what documents say. docs/admin-api.md.
"""

from functools import partial
from importlib.metadata import version
from typing import Any, Literal

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field

from workers.admin import routes_audit, routes_identity, routes_index, routes_sync
from workers.admin.api_keys import authenticate
from workers.admin.callers import BodyLimit, OnlyWithToken
from workers.admin.problems import Problem, answer_with_problems
from workers.admin.scim.endpoints import scim_app
from workers.database.sessions import Database
from workers.ops import health
from workers.settings import Settings

_TAGS = [
    {"name": "sync", "description": "Push what a source says of who may read what."},
    {"name": "identity", "description": "Accounts in sources, and whose they are."},
    {"name": "index", "description": "What is held, and what nobody may read."},
    {"name": "audit", "description": "Why, who, and what was changed."},
]


class Health(BaseModel):
    status: Literal["up"] = "up"


class Readiness(BaseModel):
    ok: bool = Field(description="Whether a call can be answered now.")
    postgresql: bool = Field(description="It answers.")
    schema_: bool = Field(alias="schema", description="It is the one that this version needs.")


def make_app(settings: Settings) -> FastAPI:
    """Opens nothing before the first request."""
    app = FastAPI(
        title="Ken: admin API",
        version=version("ken"),
        description=__doc__,
        openapi_tags=_TAGS,
        docs_url=None,  # a page of scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.database = Database(settings)
    # Of its own: whoever asks must not wait for a place among the calls.
    app.state.store = health.store(Database(settings), "syncer")
    for routes in (routes_sync, routes_identity, routes_index, routes_audit):
        app.include_router(routes.routes)
    app.get("/healthz", tags=["health"])(healthz)
    app.get("/readyz", tags=["health"], responses=_NOT_READY)(readyz)
    app.mount("/scim/v2", scim_app(app.state.database, partial(_provisions, app.state.database)))
    app.add_middleware(OnlyWithToken, database=app.state.database)
    app.add_middleware(BodyLimit)
    answer_with_problems(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def healthz() -> Health:
    """The process is up. It tells nothing else, and asks for no token."""
    return Health()


def readyz(request: Request, response: Response) -> Readiness:
    """Whether calls can be answered now. It tells nothing else, and asks for no token."""
    report = health.store_report(request.app.state.store())
    response.headers["Cache-Control"] = "no-store"
    response.status_code = 200 if report.ok else 503
    return Readiness.model_validate(report.words())


_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": Readiness, "description": "Not now: see which is false."}
}


def _provisions(database: Database, header: str | None) -> str:
    """Who says over SCIM who is who. Raises Unauthorized, Forbidden."""
    caller = authenticate(database, header)
    caller.require("identity")
    return caller.actor


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        told = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        told["components"]["schemas"] |= problem.pop("$defs") | {"Problem": problem}
        app.openapi_schema = told
    return app.openapi_schema
