"""Documents as their sender describes them, and what became of each: values, without a database."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from policies.source import NamedPermissions


class Became(StrEnum):
    """What became of a document."""

    CREATED = "created"
    UPDATED = "updated"
    PERMISSIONS = "permissions"
    """Its readers or its place changed; its text and vectors were not touched."""
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    ABSENT = "absent"
    """It was to be deleted, and is not there."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class File:
    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pushed:
    """A document as its sender describes it; one without `content` keeps its text."""

    id: str
    permissions: NamedPermissions
    known: bool = True
    """False: the sender could not read the permissions, so nobody may read the document."""
    parent: str | None = None
    """A folder of the source, by its id."""
    title: str = ""
    content: str | File | None = field(default=None, repr=False)
    """Markdown, or a file."""
    place: str = "content"
    """What the sender calls its content: a reason for refusing it names that."""
    url: str | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A name in the permissions that nobody has in this source."""

    name: str
    effect: str
    """`dropped`, or `closed`: because of it nobody may read the document."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one document. Nothing in it is text of the document."""

    id: str
    became: Became
    field: str = ""
    """Of a refused one: the field that is wrong, or empty."""
    reason: str = ""
    left_out: tuple[LeftOut, ...] = ()
    missing: str = ""
    """What of it was not read, in fixed words; empty if it was read to its end."""
    chunks: int = 0
    embedded: int = 0
    """Of its chunks, how many were new to a model; the others kept their vectors."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of each document of a call."""

    results: tuple[Result, ...]
    is_repeat: bool = False
    """The call was answered before, under the same key; now nothing was done."""
