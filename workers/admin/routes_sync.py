"""Pushing what a source says of who may read what. Scope `sync:SOURCE`, or `sync:*`.

A token of one source learns nothing of another, not even which runs it has.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from policies.tables.sources import RunKind, RunState
from workers.admin.callers import (
    Calling,
    Stored,
    json_body,
    syncs_something,
    syncs_source,
)
from workers.admin.fields import LARGEST, Limit, SourceName, Staleness, Text
from workers.admin.problems import Conflict, Invalid, NotFound, documented
from workers.admin.routes_index import NO_SOURCE
from workers.errors import InputInvalid
from workers.sync import runs, sources
from workers.sync.lines import LINES_A_PAGE, Line
from workers.sync.runs import Run, WrongState
from workers.sync.sources import UNSET

NO_RUN = "There is no such run."
PAGES_MISSING = "Not all pages have come: send them, then finish again."
OVERTAKEN = "Another run of the source was applied meanwhile: list the source again."
WRONG_STATE = "The run is not in a state for this. Nothing was changed."
_OF_SOURCE = [Depends(syncs_source)]
_WITH_BODY = {"_413": "The body is larger than 10 MB.", "_415": "The body is not JSON."}

routes = APIRouter(prefix="/v1", tags=["sync"])


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RunWanted(_Body):
    kind: RunKind = Field(
        description="`complete`: all groups and nodes; what is not listed is gone. `delta`: what "
        "it names is replaced, the rest stays."
    )


class RunMade(BaseModel):
    id: int = Field(examples=[17])


class Page(_Body):
    """A part of a push. docs/sync.md describes the lines."""

    lines: list[Annotated[Line, Field(discriminator="type")]] = Field(
        max_length=LINES_A_PAGE,
        examples=[
            [
                {"type": "group", "id": "staff", "members": ["user:U1", "group:guests"]},
                {"type": "node", "id": "hr", "kind": "container", "allow": ["group:staff"]},
                {"type": "node", "id": "hr/leave", "kind": "document", "parent": "hr"},
            ]
        ],
    )


class Finish(_Body):
    pages: int = Field(ge=1, le=runs.PAGES, strict=True, description="How many were sent.")
    dry_run: StrictBool = Field(
        False, description="Only compare: the run stays open and nothing is changed."
    )
    confirm: StrictBool = Field(
        False, description="Apply it even if it lets people read much more than before."
    )


class SourceFacts(BaseModel):
    """A source, with what an administrator watches."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["wiki"])
    paused: bool
    max_staleness: Staleness | None
    synced_at: datetime | None = Field(
        description="When the last complete sync ended; null: never."
    )
    usable: bool = Field(description="Neither paused nor out of date, now.")
    documents: int
    closed: int = Field(description="Nodes that nobody may read: not understood, or gone.")


class SourceWanted(_Body):
    """What is not there stays as it is."""

    paused: StrictBool = Field(False, description="True: left out of every answer.")
    max_staleness: Staleness | None = Field(
        None, description="Permissions older than this are not used; null: no limit."
    )


def the_run(
    run_id: Annotated[int, Path(alias="id", ge=1, le=LARGEST, examples=[17])],
    caller: Calling,
    database: Stored,
    _: Annotated[None, Depends(syncs_something)],
) -> Run:
    """A run of a source that the caller may sync. Another's is as one that does not exist."""
    try:
        found = runs.run(database, run_id)
    except InputInvalid:
        raise NotFound(NO_RUN) from None
    if not caller.may_sync(found.source):
        raise NotFound(NO_RUN)
    return found


ThisRun = Annotated[Run, Depends(the_run)]


# -- a source ---------------------------------------------------------------------------------


@routes.get("/sources/{source}", dependencies=_OF_SOURCE, responses=documented(_404=NO_SOURCE))
def read_source(source: SourceName, database: Stored) -> SourceFacts:
    """Whether a source is used for answers, and how old its permissions are."""
    for facts in sources.all_sources(database):
        if facts.name == source:
            return SourceFacts.model_validate(facts)
    raise NotFound(NO_SOURCE)


@routes.patch(
    "/sources/{source}",
    dependencies=[*_OF_SOURCE, Depends(json_body)],
    responses=documented(_404=NO_SOURCE, **_WITH_BODY),
)
def change_source(
    source: SourceName, wanted: SourceWanted, caller: Calling, database: Stored
) -> SourceFacts:
    """Pause or resume a source, or say how old its permissions may be. Counts at once."""
    given = wanted.model_fields_set
    read_source(source, database)
    if given:
        sources.set_source(
            database,
            source,
            actor=caller.actor,
            paused=wanted.paused if "paused" in given else None,
            max_staleness=wanted.max_staleness if "max_staleness" in given else UNSET,
        )
    return read_source(source, database)


# -- a run, step by step ----------------------------------------------------------------------


@routes.post(
    "/sources/{source}/runs",
    status_code=201,
    dependencies=[*_OF_SOURCE, Depends(json_body)],
    responses=documented(**_WITH_BODY),
)
def begin_run(source: SourceName, wanted: RunWanted, caller: Calling, database: Stored) -> RunMade:
    """Begin to push. A source that is new is made."""
    with _said_to_the_caller("path.source"):
        return RunMade(id=runs.begin(database, source=source, kind=wanted.kind, actor=caller.actor))


@routes.put(
    "/runs/{id}/pages/{number}",
    status_code=204,
    dependencies=[Depends(json_body)],
    responses=documented(_404=NO_RUN, _409=WRONG_STATE, **_WITH_BODY),
)
def put_page(
    run: ThisRun,
    number: Annotated[int, Path(ge=1, le=runs.PAGES, description="From 1 on, in any order.")],
    page: Page,
    database: Stored,
) -> None:
    """Keep one page of a push. The same number again takes the place of the one before."""
    _require(run, RunState.STAGING)
    lines = [line.model_dump(mode="json", exclude_unset=True) for line in page.lines]
    with _said_to_the_caller("/lines"):
        runs.put_page(database, run.id, number, lines)


@routes.post(
    "/runs/{id}/finish",
    dependencies=[Depends(json_body)],
    responses=documented(
        _404=NO_RUN, _409=f"{PAGES_MISSING} {OVERTAKEN} {WRONG_STATE}", **_WITH_BODY
    ),
)
def finish_run(run: ThisRun, wanted: Finish, database: Stored) -> Run:
    """Compare and apply what was pushed: all of it under one epoch, or nothing.

    A run that lets people read much more than before ends as `waiting`: what it takes away counts
    at once, the rest after `confirm`.
    """
    _require(run, RunState.STAGING)
    with _said_to_the_caller("/lines"):
        return runs.finish(
            database,
            run.id,
            pages=wanted.pages,
            dry_run=wanted.dry_run,
            confirmed=wanted.confirm,
        )


@routes.post(
    "/runs/{id}/confirm", responses=documented(_404=NO_RUN, _409=f"{OVERTAKEN} {WRONG_STATE}")
)
def confirm_run(run: ThisRun, caller: Calling, database: Stored) -> Run:
    """Apply all of a run that waits."""
    with _in_this_state():
        return runs.confirm(database, run.id, actor=caller.actor)


@routes.post(
    "/runs/{id}/drop", status_code=204, responses=documented(_404=NO_RUN, _409=WRONG_STATE)
)
def drop_run(run: ThisRun, caller: Calling, database: Stored) -> None:
    """Forget a run that waits or is being pushed. What it took away stays away."""
    with _in_this_state():
        runs.drop(database, run.id, actor=caller.actor)


@routes.post("/runs/{id}/undo", responses=documented(_404=NO_RUN, _409=WRONG_STATE))
def undo_run(run: ThisRun, caller: Calling, database: Stored) -> Run:
    """Put back all that the latest run of a source changed."""
    with _in_this_state():
        return runs.undo(database, run.id, actor=caller.actor)


# -- their history ----------------------------------------------------------------------------


@routes.get("/runs/{id}", responses=documented(_404=NO_RUN))
def read_run(run: ThisRun) -> Run:
    """What a run asked for, what of it counts, and what was left out."""
    return run


@routes.get("/runs", responses=documented(_404=NO_SOURCE))
def read_runs(
    source: Annotated[Text, Query(description="The source's name.")],
    caller: Calling,
    database: Stored,
    limit: Limit = 20,
) -> list[Run]:
    """The runs of a source, the newest first."""
    caller.require(f"sync:{source}")
    try:
        return runs.runs(database, source=source, limit=limit)
    except InputInvalid:
        raise NotFound(NO_SOURCE) from None


def _require(run: Run, state: RunState) -> None:
    if run.state is not state:
        raise Conflict(f"The run is {run.state}, not {state}. Nothing was changed.")


@contextmanager
def _said_to_the_caller(place: str) -> Iterator[None]:
    """What is wrong names ids of the push: they go to whoever pushed them."""
    try:
        yield
    except WrongState as error:
        raise Conflict(_words(error)) from None
    except InputInvalid as error:
        raise Invalid(place, _words(error)) from None


@contextmanager
def _in_this_state() -> Iterator[None]:
    try:
        yield
    except InputInvalid as error:
        raise Conflict(_words(error)) from None


def _words(error: InputInvalid) -> str:
    return f"{error} {error.remedy}".strip()
