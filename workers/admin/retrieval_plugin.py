"""`/upsert`, `/upsert-file` and `/delete` in the shape of the ChatGPT Retrieval Plugin.

A token with the scope `push:SOURCE` says which source it is. What the plugin lacks is required:
who may read a document, by the field `acl` or by the source's folder `default`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, FastAPI, Form, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from policies.source import NamedPermissions
from workers.admin.api_keys import Unauthorized, authenticate
from workers.admin.fields import Text
from workers.admin.routes_documents import PermissionsWanted
from workers.database.sessions import Database
from workers.ingest.push import DOCUMENTS_A_CALL, IDS_A_CALL, Pushing
from workers.ingest.pushed import Became, File, Pushed, Result
from workers.ingest.turns import SourceBusy
from workers.web.limits import authorization, uncached

PATHS = ("/upsert", "/upsert-file", "/delete")
DEFAULT_FOLDER = "default"
"""A folder of the source with this id says who reads what comes without `acl`."""
_PUSH = "push:"
_LONGEST_TITLE = 200
_ADDRESS = re.compile(r"https?://[^\s\x00-\x20<>\"\\|]{1,1900}")
_NO_READERS = (
    "nothing says who may read this document: send `acl`, or push a folder with the id `default`"
)

routes = APIRouter()


class Metadata(BaseModel):
    """What the plugin sends of a document. Ken stores the address and the time."""

    source: Literal["email", "file", "chat"] | None = None
    source_id: str | None = None
    url: str | None = None
    created_at: str | None = None
    author: str | None = None


class DocumentSent(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    id: Text | None = None
    text: str
    metadata: Metadata | None = None
    acl: PermissionsWanted | None = None
    title: Annotated[str, Field(min_length=1, max_length=1000)] | None = None


class Upsert(BaseModel):
    documents: list[DocumentSent] = Field(max_length=DOCUMENTS_A_CALL)


class Filter(BaseModel):
    document_id: Text | None = None
    source: str | None = None
    source_id: str | None = None
    author: str | None = None
    start_date: str | None = None
    end_date: str | None = None


class Delete(BaseModel):
    ids: list[Text] | None = Field(None, max_length=IDS_A_CALL)
    filter: Filter | None = None
    delete_all: bool = False


class Ids(BaseModel):
    ids: list[str]


class Success(BaseModel):
    success: bool


def plugin_app(database: Database, pushing: Callable[[], Pushing]) -> FastAPI:
    """Return the app for `PATHS`, which checks the token of each request before its body."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.pushing = pushing
    app.include_router(routes)
    app.add_middleware(_OnlyAsSource, database=database)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    return app


@routes.post("/upsert")
def upsert(sent: Upsert, request: Request) -> Ids:
    """Store documents with their readers, or replace them."""
    documents = [
        _pushed(
            one.id,
            one.acl,
            one.metadata,
            title=one.title or _first_line(one.text),
            content=File("text.txt", one.text.encode("utf-8", "replace")),
        )
        for one in sent.documents
    ]
    return _put(request, documents)


@routes.post("/upsert-file")
def upsert_file(
    request: Request,
    file: UploadFile,
    metadata: Annotated[str | None, Form()] = None,
    acl: Annotated[str | None, Form()] = None,
    id: Annotated[Text | None, Form()] = None,
) -> Ids:
    """Store one file, in any format that `ken load` reads; `acl` and `id` are fields beside it."""
    readers = None
    if acl is not None:
        try:
            readers = PermissionsWanted.model_validate_json(acl)
        except ValidationError:
            raise _wrong(["body", "acl"], "is not JSON of permissions") from None
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2].replace("\0", "")[:255]
    content = File(name or "file.txt", file.file.read())
    return _put(request, [_pushed(id, readers, _metadata(metadata), title="", content=content)])


@routes.delete("/delete")
def delete(wanted: Delete, request: Request) -> Success:
    """Delete documents by their ids; no answer uses them from then on."""
    ids = list(wanted.ids or ())
    limits = wanted.filter.model_dump(exclude_none=True) if wanted.filter else {}
    if wanted.delete_all or limits.keys() - {"document_id"}:
        raise HTTPException(403, "Ken deletes documents by their ids")
    ids += limits.values()
    if not ids:
        raise HTTPException(400, "One of ids, filter, or delete_all is required")
    source, pushing, actor = _of(request)
    own = f"{source}:"  # as `/query` names them
    with _busy():
        pushing.delete(source, [one.removeprefix(own) for one in ids], actor=actor)
    return Success(success=True)


def _put(request: Request, documents: Sequence[Pushed]) -> Ids:
    """Store them, and return their ids if all are stored; else name each that was refused."""
    if not documents:
        return Ids(ids=[])
    source, pushing, actor = _of(request)
    with _busy():
        results = pushing.put(source, documents, actor=actor).results
    faults = [
        _fault(at, document, result)
        for at, (document, result) in enumerate(zip(documents, results, strict=True))
        if result.became is Became.REFUSED
    ]
    if faults:
        raise HTTPException(422, faults)  # type: ignore[arg-type]
    return Ids(ids=[one.id for one in documents])


def _fault(at: int, document: Pushed, result: Result) -> dict[str, Any]:
    """Say what is wrong with a document that was refused; the others of the call are stored."""
    has_readers = document.parent is None
    words = result.reason if has_readers or result.field != "parent" else _NO_READERS
    field = result.field if has_readers else "acl"
    return {"loc": ["body", "documents", at, field], "msg": words, "type": "refused"}


def _pushed(
    given: str | None,
    acl: PermissionsWanted | None,
    metadata: Metadata | None,
    *,
    title: str,
    content: File,
) -> Pushed:
    """Return the document; without `acl` it is in the folder whose permissions then hold."""
    about = metadata or Metadata()
    wanted = acl or PermissionsWanted()
    says_who = bool(wanted.model_fields_set)
    return Pushed(
        id=given or str(uuid4()),
        permissions=NamedPermissions(wanted.allow, wanted.deny, wanted.gates, wanted.inherit),
        known=not wanted.unknown,
        parent=None if says_who else DEFAULT_FOLDER,
        title=title,
        content=content,
        place="text",
        url=about.url if about.url and _ADDRESS.fullmatch(about.url) else None,
        updated_at=_moment(about.created_at),
    )


def _first_line(text: str) -> str:
    found = next((line.strip("# \t") for line in text.splitlines() if line.strip("# \t")), "")
    return found[:_LONGEST_TITLE] or "Untitled"


def _metadata(written: str | None) -> Metadata:
    """Read what is beside a file; what is no such JSON counts as a file's, as by the plugin."""
    try:
        return Metadata.model_validate_json(written or "")
    except ValidationError:
        return Metadata(source="file")


def _moment(written: str | None) -> datetime | None:
    """Return the time, in UTC if it names no zone; None if it is no time of our years."""
    try:
        found = datetime.fromisoformat(written or "")
    except ValueError:
        return None
    if not 1970 <= found.year <= 9998:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _of(request: Request) -> tuple[str, Pushing, str]:
    """Return the token's source, what pushes to it, and the token's name for the audit."""
    pushing: Pushing = request.app.state.pushing()
    return request.state.source, pushing, request.state.actor


@contextmanager
def _busy() -> Iterator[None]:
    try:
        yield
    except SourceBusy:
        raise HTTPException(
            409, "Another push of this source is running", headers={"Retry-After": "1"}
        ) from None


def _wrong(place: list[str], words: str) -> HTTPException:
    fault = {"loc": place, "msg": words, "type": "value_error"}
    return HTTPException(422, [fault])  # type: ignore[arg-type]


class _OnlyAsSource:
    """Lets through what comes with a valid token that pushes to one source, which it names."""

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self.app = app
        self.database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = partial(uncached, send)
        header = authorization(scope)
        try:
            caller = await run_in_threadpool(authenticate, self.database, header)
        except Unauthorized:
            missing, invalid = (403, "Not authenticated"), (401, "Invalid or missing token")
            await _said(*(missing if header is None else invalid))(scope, receive, answer)
            return
        except (OperationalError, NoConnection):
            await _said(500, "Internal Service Error")(scope, receive, answer)
            return
        sources = [one.removeprefix(_PUSH) for one in caller.scopes if one.startswith(_PUSH)]
        if len(sources) != 1:
            words = "The token needs the scope push:SOURCE, for exactly one source"
            await _said(403, words)(scope, receive, answer)
            return
        scope.setdefault("state", {}).update(source=sources[0], actor=caller.actor)
        await self.app(scope, receive, answer)


def _said(status: int, words: object) -> JSONResponse:
    return JSONResponse({"detail": words}, status)


def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, error.status_code, headers=error.headers)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    """Name each wrong place, without what was sent there."""
    assert isinstance(error, RequestValidationError)
    return _said(
        422,
        [{"loc": [*one["loc"]], "msg": one["msg"], "type": one["type"]} for one in error.errors()],
    )
