"""Pushes documents of a source, with their readers. Scope `push:SOURCE`, which no other source has.

What is sent is never sent back: answers hold ids, places of mistakes and fixed words.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import (
    Base64Bytes,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from policies.source import NamedPermissions
from workers.admin.callers import Calling, Stored, json_body, pushes_to_source
from workers.admin.fields import Limit, Moment, SourceName, Text
from workers.admin.problems import Conflict, Fault, Invalid, NotFound, documented, fault_of
from workers.admin.routes_index import NO_SOURCE
from workers.errors import InputInvalid
from workers.ingest import push
from workers.ingest.push import DOCUMENTS_A_CALL, IDS_A_CALL, Pushing
from workers.ingest.pushed import Answer, Became, File, Pushed, Result
from workers.ingest.repeats import AnswerUnknown, KeyReused, Once
from workers.ingest.turns import SourceBusy
from workers.sync.lines import Names

BUSY = (
    "Another push of this source is running: when it has ended, send what holds then, with a new "
    "key."
)
KEY_REUSED = "This Idempotency-Key was used for another request: use a new one."
ANSWER_UNKNOWN = (
    "A request with this Idempotency-Key came before, and is not carried out again. It may still "
    "be running: ask again for its answer, or send what holds now, with a new key."
)
_WITH_BODY = {
    "_409": f"{BUSY} {KEY_REUSED} {ANSWER_UNKNOWN}",
    "_413": "The body is too large.",
    "_415": "The body is not JSON.",
}
_GATES = 100
_TEXTS = ("text", "markdown", "file")
_RETRY_S = 1

routes = APIRouter(prefix="/v1", tags=["documents"], dependencies=[Depends(pushes_to_source)])


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class PermissionsWanted(_Body):
    """Who may read a document. An unknown field is refused: it may be a misspelt `deny`."""

    allow: Names = Field((), examples=[["group:staff", "user:U1", "class:members"]])
    deny: Names = ()
    gates: Annotated[tuple[Names, ...], Field(max_length=_GATES)] = Field(
        (), description="Each is a list; a reader must be in every one of them."
    )
    inherit: StrictBool = Field(
        True, description="False: what its folders allow does not hold for it."
    )
    unknown: StrictBool = Field(
        False, description="True: who may read it could not be found out, so nobody may."
    )


class FileWanted(_Body):
    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\u0000/\\]+$")] = Field(
        description="Its ending says the format.", examples=["travel-policy.docx"]
    )
    content: Base64Bytes = Field(description="The file in base64.")


class DocumentWanted(_Body):
    """A document with its readers, and one of `text`, `markdown` and `file`; or with none of them,
    to change only who may read a document that is stored."""

    id: Text = Field(description="Its id in the source; compared byte for byte.")
    permissions: PermissionsWanted = Field(
        description="Required. `{}` is enough only with a `parent`, whose permissions then hold."
    )
    parent: Text | None = Field(None, description="A folder of the source, by its id.")
    title: Annotated[str, Field(min_length=1, max_length=1000)] | None = Field(
        None, description="Required for `text` and `markdown`; without it a file has its own."
    )
    text: str | None = Field(None, description="Plain text.")
    markdown: str | None = None
    file: FileWanted | None = None
    url: (
        Annotated[str, Field(max_length=2000, pattern=r"^https?://[^\s\u0000-\u0020<>\"\\|]+$")]
        | None
    ) = Field(None, description="Where people open it: answers link there.")
    updated_at: Moment | None = Field(None, description="When it was last changed.")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        given = [one for one in _TEXTS if getattr(self, one) is not None]
        if len(given) > 1:
            raise PydanticCustomError("two_texts", "give one of text, markdown and file")
        if not given and (about := self.model_fields_set & {"title", "url", "updated_at"}):
            raise PydanticCustomError(
                "no_text", "{field} needs one of text, markdown and file", {"field": min(about)}
            )
        if given and self.file is None and self.title is None:
            raise PydanticCustomError("no_title", "a text needs a title")
        if self.parent is None and not self.permissions.model_fields_set:
            raise PydanticCustomError(
                "no_permissions",
                "nothing says who may read this document: give it a parent or `allow` "
                "(for nobody: [])",
            )
        return self

    def pushed(self) -> Pushed:
        wanted = self.permissions
        return Pushed(
            id=self.id,
            permissions=NamedPermissions(wanted.allow, wanted.deny, wanted.gates, wanted.inherit),
            known=not wanted.unknown,
            parent=self.parent,
            title=self.title or "",
            content=self._content(),
            place=next((one for one in _TEXTS if getattr(self, one) is not None), ""),
            url=self.url,
            updated_at=self.updated_at,
        )

    def _content(self) -> str | File | None:
        if self.text is not None:
            return File("text.txt", self.text.encode("utf-8", "replace"))
        if self.file is not None:
            return File(self.file.name, self.file.content)
        return self.markdown


class _Malformed(BaseModel):
    """A document of a call that is refused alone, before anything of it is used."""

    id: str
    errors: list[Fault]


def _or_malformed(value: Any, validate: Any) -> Any:
    """One document that is wrong does not keep the others out."""
    try:
        return validate(value)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        given = value.get("id") if isinstance(value, dict) else None
        named = given if isinstance(given, str) and len(given) <= 500 else ""
        faults = [fault_of({**one, "loc": ("body", *one["loc"])}) for one in found]
        return _Malformed(id=named.encode("utf-8", "replace").decode(), errors=faults)


class DocumentsWanted(_Body):
    documents: list[Annotated[DocumentWanted, WrapValidator(_or_malformed)]] = Field(
        min_length=1, max_length=DOCUMENTS_A_CALL
    )


class IdsWanted(_Body):
    ids: list[Text] = Field(min_length=1, max_length=IDS_A_CALL)


class NameLeftOut(BaseModel):
    """A name in the permissions that nobody has in this source."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["group:contractors"])
    effect: str = Field(
        description="`dropped`; or `closed`: nobody may read the document, because the name stands "
        "in a deny or a gate."
    )


class DocumentResult(BaseModel):
    """What became of one document."""

    id: str
    result: Became
    errors: list[Fault] = Field([], description="Of a refused one: what is wrong, and where.")
    left_out: list[NameLeftOut] = []
    missing: str = Field("", description="What of the document was not read, and why.")
    chunks: int = Field(0, description="Passages that were stored.")
    embedded: int = Field(0, description="Those of them whose text was new.")


class Results(BaseModel):
    """One result for each document, in the order in which they were sent."""

    results: list[DocumentResult]


class DocumentFacts(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    loaded_at: datetime
    updated_at: datetime | None
    closed: bool = Field(
        description="True: nobody may read it, because its permissions are not known, or a sync "
        "no longer lists it."
    )


class Documents(BaseModel):
    documents: list[DocumentFacts]
    next: str | None = Field(description="`after` for the next page; null: this is the last page.")


Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="A request that is sent again with its key within a day is not carried out "
        "again: it is answered as the first time, or 409 if that answer is not known.",
    ),
]


def pushing_of(request: Request) -> Pushing:
    found: Pushing = request.app.state.pushing
    return found


Pushes = Annotated[Pushing, Depends(pushing_of)]


@routes.post(
    "/sources/{source}/documents",
    dependencies=[Depends(json_body)],
    responses=documented(**_WITH_BODY),
)
def put_documents(
    source: SourceName,
    wanted: DocumentsWanted,
    caller: Calling,
    pushes: Pushes,
    response: Response,
    key: Key = None,
) -> Results:
    """Store documents with their readers, replace them, or change only who may read them.

    Each document is all or nothing, and has its own result. When the answer comes, all of it
    counts; who is to lose a document has lost it before. A source that does not exist yet is
    created.
    """
    good = [one for one in wanted.documents if isinstance(one, DocumentWanted)]
    with _refusals():
        answer = pushes.put(
            source,
            [one.pushed() for one in good],
            actor=caller.actor,
            once=_once(key, "put", wanted),
        )
    _say_repeat(response, answer)
    stored = iter(answer.results)
    return Results(
        results=[
            _malformed(one, at) if isinstance(one, _Malformed) else _result(next(stored), at)
            for at, one in enumerate(wanted.documents)
        ]
    )


@routes.post(
    "/sources/{source}/documents/delete",
    dependencies=[Depends(json_body)],
    responses=documented(**_WITH_BODY),
)
def delete_documents(
    source: SourceName,
    wanted: IdsWanted,
    caller: Calling,
    pushes: Pushes,
    response: Response,
    key: Key = None,
) -> Results:
    """Delete documents with their text. No answer uses them from then on; posted answers that used
    them are withdrawn. Safe to repeat."""
    with _refusals():
        answer = pushes.delete(
            source, wanted.ids, actor=caller.actor, once=_once(key, "delete", wanted)
        )
    _say_repeat(response, answer)
    return Results(results=[_result(one, at) for at, one in enumerate(answer.results)])


@routes.get("/sources/{source}/documents", responses=documented(_404=NO_SOURCE))
def read_documents(
    source: SourceName,
    database: Stored,
    after: Annotated[Text | None, Query(description="An id: list those after it.")] = None,
    limit: Limit = 1000,
) -> Documents:
    """List the ids of the source's documents, so that a sender finds what to delete."""
    found = push.stored_documents(database, source, after=after or "", limit=limit)
    if found is None:
        raise NotFound(NO_SOURCE)
    return Documents(
        documents=[DocumentFacts.model_validate(one) for one in found],
        next=found[-1].id if len(found) == limit else None,
    )


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except SourceBusy:
        raise Conflict(BUSY, retry_after_s=_RETRY_S) from None
    except KeyReused:
        raise Conflict(KEY_REUSED) from None
    except AnswerUnknown:
        raise Conflict(ANSWER_UNKNOWN) from None
    except InputInvalid as error:
        raise Invalid("path.source", str(error)) from None


def _once(key: str | None, what: str, wanted: BaseModel) -> Once | None:
    if key is None:
        return None
    return Once(key, sha256(f"{what}:{wanted.model_dump_json()}".encode()).digest())


def _say_repeat(response: Response, answer: Answer) -> None:
    if answer.is_repeat:
        response.headers["Idempotent-Replayed"] = "true"


def _result(one: Result, at: int) -> DocumentResult:
    refused = one.became is Became.REFUSED
    place = f"/documents/{at}" + (f"/{one.field}" if one.field else "")
    return DocumentResult(
        id=one.id,
        result=one.became,
        errors=[Fault(place=place, message=one.reason)] if refused else [],
        left_out=[NameLeftOut.model_validate(name) for name in one.left_out],
        missing=one.missing,
        chunks=one.chunks,
        embedded=one.embedded,
    )


def _malformed(one: _Malformed, at: int) -> DocumentResult:
    below = f"/documents/{at}"
    errors = [
        Fault(place=below if fault.place == "body" else below + fault.place, message=fault.message)
        for fault in one.errors
    ]
    return DocumentResult(id=one.id, result=Became.REFUSED, errors=errors)
