"""`POST /query` in the shape of the ChatGPT Retrieval Plugin: passages that the person may read."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from sqlalchemy import select

from policies.tables.sources import Source
from workers.answering.retrieval import Only
from workers.doors.reading import MOST_PASSAGES, Wanted, address_of, name_of, search
from workers.models.base import Passage
from workers.people.person_tokens import Caller
from workers.services import Services

MOST_QUERIES, LONGEST_QUERY = 20, 20_000
_CHAT = "slack:"
"""What the names of sources of conversations begin with."""

routes = APIRouter()


def _storable(text: str) -> str:
    """Refuse what PostgreSQL cannot hold."""
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("has a character that no text has")
    return text


def _moment(written: object) -> datetime:
    """Read a date or a time of ISO 8601; without a zone it is UTC's."""
    if not isinstance(written, str):
        raise ValueError("is not a text")  # noqa: TRY004 - pydantic takes no TypeError
    try:
        found = datetime.fromisoformat(written)
    except ValueError:  # its words repeat what was sent
        raise ValueError("is not a time such as 2026-05-01T09:30:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


Words = Annotated[str, Field(max_length=LONGEST_QUERY), AfterValidator(_storable)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Kind = Literal["email", "file", "chat"]


class Filter(BaseModel):
    """What a search is limited to. Unknown fields are ignored, as by the plugin."""

    document_id: Words | None = None
    source: Kind | None = None
    source_id: Words | None = None
    author: Words | None = None
    start_date: Moment | None = None
    end_date: Moment | None = None


class Query(BaseModel):
    query: Words
    filter: Filter | None = None
    top_k: int | None = Field(3, ge=1)


class Queries(BaseModel):
    queries: list[Query] = Field(max_length=MOST_QUERIES)


class Metadata(BaseModel):
    source: Kind
    source_id: str = Field(description="What its source calls the document.")
    url: str | None
    created_at: str | None = Field(description="When the document was last changed.")
    author: None = None
    document_id: str = Field(description="The name by which it can be fetched.")


class Chunk(BaseModel):
    id: str
    text: str
    metadata: Metadata
    score: float = Field(
        1.0, description="Always 1: a score could tell something of what may not be read."
    )


class Result(BaseModel):
    query: str
    results: list[Chunk]


class Results(BaseModel):
    results: list[Result]


@routes.post("/query")
@routes.post("/sub/query")
def query(asked: Queries, request: Request) -> Results:
    """Search for each query; the best passages first."""
    services: Services = request.app.state.services
    caller: Caller = request.state.caller
    wanted = [
        Wanted(one.query, min(one.top_k or 3, MOST_PASSAGES), _only(services, one.filter))
        for one in asked.queries
    ]
    found = search(services, caller, wanted)
    return Results(
        results=[
            Result(query=one.query, results=[_chunk(passage) for passage in passages])
            for one, passages in zip(asked.queries, found, strict=True)
        ]
    )


def kind_of(source: str) -> Kind:
    """Return which of the plugin's kinds of sources a source is."""
    return "chat" if source.startswith(_CHAT) else "file"


def _only(services: Services, asked: Filter | None) -> Only:
    if asked is None:
        return Only()
    called: tuple[str, ...] | None = None if asked.document_id is None else (asked.document_id,)
    if asked.author:  # no document of ours has one
        called = ()
    return Only(
        sources=None if asked.source is None else _sources_of(services, asked.source),
        called=called,
        native_ids=None if asked.source_id is None else (asked.source_id,),
        since=asked.start_date,
        until=asked.end_date,
    )


def _sources_of(services: Services, kind: Kind) -> tuple[str, ...]:
    with services.database.session("answerer") as session:
        names = session.scalars(select(Source.name)).all()
    return tuple(name for name in names if kind_of(name) == kind)


def _chunk(passage: Passage) -> Chunk:
    name = name_of(passage)
    changed = passage.updated_at
    return Chunk(
        id=f"{name}#{passage.position}",
        text=passage.text,
        metadata=Metadata(
            source=kind_of(passage.source),
            source_id=passage.document,
            url=address_of(passage),
            created_at=None if changed is None else changed.isoformat(),
            document_id=name,
        ),
    )
