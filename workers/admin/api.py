"""The admin API: push permissions and documents, link accounts, and explain decisions.

It never returns the text of a document. It connects as the syncer, a role that cannot read it;
only pushed documents are written as the indexer (`workers/ingest/push.py`). See docs/admin-api.md.
"""

from functools import partial
from importlib.metadata import version
from typing import Any, Literal

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse
from starlette.routing import Route

from workers.admin import (
    routes_audit,
    routes_documents,
    routes_identity,
    routes_index,
    routes_jobs,
    routes_reindex,
    routes_sync,
)
from workers.admin.api_keys import authenticate
from workers.admin.callers import OnlyWithToken
from workers.admin.page.app import page_app
from workers.admin.page.rendering import BASE
from workers.admin.problems import Problem, answer_with_problems
from workers.admin.retrieval_plugin import PATHS, plugin_app
from workers.admin.scim.endpoints import scim_app
from workers.database.sessions import Database
from workers.ingest.parse import Limits, Parser
from workers.ingest.push import Embedders, Pushing
from workers.ops import health
from workers.settings import Settings
from workers.web.limits import LARGEST_BODY, BodyLimit

_TAGS = [
    {"name": "sync", "description": "Push the permissions of a source: who may read what."},
    {"name": "documents", "description": "Push the documents of a source, with their readers."},
    {"name": "identity", "description": "Link accounts in sources to users."},
    {"name": "index", "description": "What is stored of each source, and what nobody may read."},
    {"name": "jobs", "description": "Long work, and the versions of the index."},
    {
        "name": "audit",
        "description": "Explain who may read what and who was shown what, and list every change.",
    },
]


class Health(BaseModel):
    status: Literal["up"] = "up"


class Readiness(BaseModel):
    ok: bool = Field(description="True if calls can be answered now.")
    postgresql: bool = Field(description="True if PostgreSQL answers.")
    schema_: bool = Field(
        alias="schema", description="True if the schema is the one that this version needs."
    )


_BESIDE_A_FILE = 1_000_000
"""Bytes of a body beside the file in it."""


def make_app(settings: Settings, embedders: Embedders) -> FastAPI:
    """Build the app. It opens no connection before the first request, and `embedders` are called
    with the first push.
    """
    app = FastAPI(
        title="Ken: admin API",
        version=version("ken"),
        description=__doc__,
        openapi_tags=_TAGS,
        docs_url=None,  # its page loads scripts from another site
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.database = Database(settings)
    # A pool of its own: a health check must not wait for a connection that calls use.
    app.state.store = health.store(Database(settings), "syncer")
    limit_bytes = int(settings.document_limit_mb * 1e6)
    parser = Parser(Limits(file_bytes=limit_bytes))
    app.state.pushing = Pushing(app.state.database, parser, embedders)
    rooms = (
        routes_sync,
        routes_documents,
        routes_identity,
        routes_index,
        routes_jobs,
        routes_reindex,
    )
    for routes in (*rooms, routes_audit):
        app.include_router(routes.routes)
    app.get("/healthz", tags=["health"])(healthz)
    app.get("/readyz", tags=["health"], responses=_NOT_READY)(readyz)
    plugin = plugin_app(app.state.database, lambda: app.state.pushing)
    app.router.routes.extend(Route(path, endpoint=plugin) for path in PATHS)
    app.mount("/scim/v2", scim_app(app.state.database, partial(_provisions, app.state.database)))
    app.router.routes.append(Route(BASE, lambda _: RedirectResponse(f"{BASE}/", 308)))
    app.mount(BASE, page_app(app.state.database))
    app.add_middleware(OnlyWithToken, database=app.state.database)
    in_base64 = max(LARGEST_BODY, limit_bytes * 4 // 3 + _BESIDE_A_FILE)
    app.add_middleware(BodyLimit, larger=(("/documents", "/upsert", "/upsert-file"), in_base64))
    answer_with_problems(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def healthz() -> Health:
    """Check that the process is up. Needs no token."""
    return Health()


def readyz(request: Request, response: Response) -> Readiness:
    """Check whether calls can be answered now. Needs no token."""
    report = health.store_report(request.app.state.store())
    response.headers["Cache-Control"] = "no-store"
    response.status_code = 200 if report.ok else 503
    return Readiness.model_validate(report.words())


_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": Readiness, "description": "Not ready: see which field is false."}
}


def _provisions(database: Database, header: str | None) -> str:
    """Return the actor of a SCIM request. Raises Unauthorized, Forbidden."""
    caller = authenticate(database, header)
    caller.require("identity")
    return caller.actor


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schema["components"]["schemas"] |= problem.pop("$defs") | {"Problem": problem}
        app.openapi_schema = schema
    return app.openapi_schema
