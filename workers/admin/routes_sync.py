"""Pushes the permissions of a source. Scope `sync:SOURCE`, or `sync:*`.

A token for one source reveals nothing of another source, not even which runs it has.
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
PAGES_MISSING = "Some pages are missing: send them, then finish again."
OVERTAKEN = "Another run of the source was applied meanwhile: begin a new run with a new list."
WRONG_STATE = "The run is not in a state that allows this. Nothing was changed."
_OF_SOURCE = [Depends(syncs_source)]
_WITH_BODY = {"_413": "The body is larger than 10 MB.", "_415": "The body is not JSON."}

routes = APIRouter(prefix="/v1", tags=["sync"])


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RunWanted(_Body):
    kind: RunKind = Field(
        description="`complete`: all groups and nodes; what is not listed is gone. `delta`: what "
        "is listed is replaced, the rest stays."
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
    pages: int = Field(ge=1, le=runs.PAGES, strict=True, description="How many pages were sent.")
    dry_run: StrictBool = Field(
        False, description="Compare only: the run stays open and nothing is changed."
    )
    confirm: StrictBool = Field(
        False, description="Apply it even if people would gain much access."
    )


class SourceFacts(BaseModel):
    """A source: whether it is used, and how old its permissions are."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["wiki"])
    paused: bool
    max_staleness: Staleness | None
    synced_at: datetime | None = Field(
        description="When the last complete push began, or load ended; null: never."
    )
    usable: bool = Field(description="True if it is neither paused nor out of date now.")
    documents: int
    closed: int = Field(
        description="Nodes that nobody may read: their permissions are not known, or they are gone."
    )


class SourceWanted(_Body):
    """A field that is left out stays as it is."""

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
    """Return a run of a source that the caller may sync; any other run is not found."""
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
    """Show whether a source is used for answers, and how old its permissions are."""
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
    """Pause or resume a source, or set how old its permissions may be. It counts at once."""
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
    """Begin a run. A source that does not exist yet is created."""
    with _with_the_details("path.source"):
        return RunMade(id=runs.begin(database, source=source, kind=wanted.kind, actor=caller.actor))


@routes.put(
    "/runs/{id}/pages/{number}",
    status_code=204,
    dependencies=[Depends(json_body)],
    responses=documented(_404=NO_RUN, _409=WRONG_STATE, **_WITH_BODY),
)
def put_page(
    run: ThisRun,
    number: Annotated[
        int,
        Path(
            ge=1, le=runs.PAGES, description="Pages are numbered from 1, and may come in any order."
        ),
    ],
    page: Page,
    database: Stored,
) -> None:
    """Store one page of a push. A page with the same number replaces the earlier one."""
    _require(run, RunState.STAGING)
    lines = [line.model_dump(mode="json", exclude_unset=True) for line in page.lines]
    with _with_the_details("/lines"):
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

    If people would gain much access, the run ends as `waiting`: what it takes away counts at once,
    the rest after `confirm`.
    """
    _require(run, RunState.STAGING)
    with _with_the_details("/lines"):
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
    """Apply all of a waiting run."""
    with _in_this_state():
        return runs.confirm(database, run.id, actor=caller.actor)


@routes.post(
    "/runs/{id}/drop", status_code=204, responses=documented(_404=NO_RUN, _409=WRONG_STATE)
)
def drop_run(run: ThisRun, caller: Calling, database: Stored) -> None:
    """Discard a run that waits or is being pushed. What it took away stays away."""
    with _in_this_state():
        runs.drop(database, run.id, actor=caller.actor)


@routes.post("/runs/{id}/undo", responses=documented(_404=NO_RUN, _409=WRONG_STATE))
def undo_run(run: ThisRun, caller: Calling, database: Stored) -> Run:
    """Undo everything that the latest run of a source changed."""
    with _in_this_state():
        return runs.undo(database, run.id, actor=caller.actor)


# -- their history ----------------------------------------------------------------------------


@routes.get("/runs/{id}", responses=documented(_404=NO_RUN))
def read_run(run: ThisRun) -> Run:
    """Show what a run asked for, what of it counts, and what was left out."""
    return run


@routes.get("/runs", responses=documented(_404=NO_SOURCE))
def read_runs(
    source: Annotated[Text, Query(description="The source's name.")],
    caller: Calling,
    database: Stored,
    limit: Limit = 20,
) -> list[Run]:
    """List the runs of a source, the newest first."""
    caller.require(f"sync:{source}")
    try:
        return runs.runs(database, source=source, limit=limit)
    except InputInvalid:
        raise NotFound(NO_SOURCE) from None


def _require(run: Run, state: RunState) -> None:
    if run.state is not state:
        raise Conflict(f"The run is {run.state}, not {state}. Nothing was changed.")


@contextmanager
def _with_the_details(place: str) -> Iterator[None]:
    """Answer errors with their own text: its ids come from the caller's own push."""
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
