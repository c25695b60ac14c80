"""Explains who may read what and who was shown what, and lists changes. Scope `audit`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from policies.audit import audit_rows
from policies.history import OutsideHistory, require_known
from workers.admin import explaining
from workers.admin.callers import Stored, needs
from workers.admin.fields import LARGEST, Limit, Moment, Text
from workers.admin.problems import Invalid, NotFound, documented
from workers.database.sessions import Database
from workers.errors import InputInvalid

NOT_KNOWN = (
    "There is no such person or document (at that time), or there are several: if so, write "
    "SOURCE:ID."
)
_FOUND = documented(_404=NOT_KNOWN)

routes = APIRouter(prefix="/v1", tags=["audit"], dependencies=[Depends(needs("audit"))])

Person = Annotated[
    Text, Query(description="A user's id in a source, SOURCE:ID, or an e-mail address.")
]
Document = Annotated[
    Text, Query(description="A document's id, or SOURCE:ID if several sources have it.")
]
At = Annotated[Moment | None, Query(description="Answer for this past time; default: now.")]


class DeniedAccount(BaseModel):
    source: str
    native_id: str


class Why(BaseModel):
    """Whether a person may read a document, and what decides."""

    person: str
    document: str
    at: datetime | None
    readable: bool
    code: Literal["allowed", "inactive", "unknown", "stale", "denied", "gate", "no_allow"]
    reason: str = Field(examples=["an entry denies it, and deny always wins"])
    path: list[str] = Field(
        description="From the person through groups to the entry that decides.",
        examples=[["Ana → group staff", "on container hr"]],
    )
    wanted: list[str] = Field(
        description="Any one of these is enough: the principals of a gate that is not met, or of "
        "the allows that reach the document."
    )
    cut_at: str | None = Field(
        description="The node that does not inherit, if that stops allows from above.",
        examples=["container hr/de"],
    )
    stopped: list[str] = Field(description="The principals of those allows from above.")
    account: DeniedAccount | None = Field(
        description="An unlinked account through which a deny keeps the person out."
    )
    needed: list[str] = Field(
        description="What would make it readable, in words.",
        examples=[
            ["that the person is one of these or a member of one, or an allow for the person"]
        ],
    )


class Reader(BaseModel):
    name: str
    id: str
    path: list[str]


class Classes(BaseModel):
    """Whether everybody of a class may read it."""

    members: bool
    members_and_guests: bool
    internet: bool


class Who(BaseModel):
    """Everybody who may read a document."""

    document: str
    at: datetime | None
    count: int
    people: list[Reader]
    classes: Classes
    closed: str | None = Field(description="Why nobody may read it.")


class ShownAnswer(BaseModel):
    """An answer whose prompt contained the document. Its text is not shown."""

    question: int
    at: datetime
    surface: str
    channel: str | None = Field(description="Null: the answer went only to the asker.")
    cited: bool
    asker: str | None
    audience: list[str]
    epoch: int


class Exposure(BaseModel):
    """Who could have seen an answer that used a document."""

    model_config = ConfigDict(populate_by_name=True)

    document: str
    start: datetime | None = Field(alias="from")
    end: datetime | None = Field(alias="to")
    answers: list[ShownAnswer]
    people: list[str]
    classes: list[str]
    strangers: bool = Field(description="True if people without a link may have seen it.")


class AuditEntry(BaseModel):
    """One change."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    epoch: int = Field(description="The epoch of the change; several entries may share it.")
    actor: str = Field(examples=["token:okta"])
    action: str = Field(examples=["set_members"])
    details: dict[str, Any] = Field(
        description="Ids and counts.", examples=[{"group_id": 1007, "left": 1, "joined": 0}]
    )


class AuditPage(BaseModel):
    rows: list[AuditEntry]
    next: int | None = Field(description="`after` for the next page; null: this is the last page.")


@routes.get("/why", response_model=Why, responses=_FOUND)
def read_why(person: Person, document: Document, database: Stored, at: At = None) -> dict[str, Any]:
    """Explain why a person may or may not read a document, now or at a past time."""
    with _explaining(database, at) as session:
        return explaining.why(session, person, document, at)


@routes.get("/who", response_model=Who, responses=_FOUND)
def read_who(document: Document, database: Stored, at: At = None) -> dict[str, Any]:
    """List everybody who may read a document, with the path, now or at a past time."""
    with _explaining(database, at) as session:
        return explaining.who(session, document, at)


@routes.get("/exposure", response_model=Exposure, responses=_FOUND)
def read_exposure(
    document: Document,
    database: Stored,
    start: Annotated[Moment | None, Query(alias="from")] = None,
    end: Annotated[Moment | None, Query(alias="to")] = None,
) -> dict[str, Any]:
    """List each answer that used a document in that time, and who could have seen one."""
    if start and end and start > end:
        raise Invalid("query.to", "It is earlier than `from`")
    with _explaining(database, None) as session:
        return explaining.shown(session, document, start, end)


@routes.get("/audit", responses=documented())
def read_audit(
    database: Stored,
    after: Annotated[int, Query(ge=0, le=LARGEST, description="Start after this id.")] = 0,
    limit: Limit = 100,
) -> AuditPage:
    """List every change, the oldest first. Entries are never changed or removed."""
    with database.session("syncer") as session:
        rows = [AuditEntry.model_validate(row) for row in audit_rows(session, after, limit)]
    return AuditPage(rows=rows, next=rows[-1].id if len(rows) == limit else None)


@contextmanager
def _explaining(database: Database, at: datetime | None) -> Iterator[Session]:
    """Open one snapshot. An unknown name is answered without similar ones: they may be content."""
    with database.snapshot("syncer") as session:
        try:
            require_known(session, at)
            yield session
        except OutsideHistory as outside:
            raise Invalid(
                "query.at", f"The history began later, at {outside.began.isoformat()}"
            ) from None
        except InputInvalid:
            raise NotFound(NOT_KNOWN) from None
