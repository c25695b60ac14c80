"""Begins re-indexes, now or on a schedule, and goes back to the version before. Scope `index`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from workers.admin.callers import Calling, Stored, json_body, needs
from workers.admin.fields import SourceName, Staleness, Text
from workers.admin.problems import Conflict, Invalid, NotFound, documented
from workers.admin.routes_index import NO_SOURCE, source_id_of
from workers.admin.routes_jobs import Job, job_of
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.ingest import beginning
from workers.jobs import schedules
from workers.jobs.rows import OpenAlready
from workers.jobs.schedules import Scheduled
from workers.models.by_name import models_named
from workers.sources import reread

OPEN = "Such a job is open already: GET /v1/jobs?open=true. Nothing was changed."
NO_VERSION_BEFORE = "There is no earlier version to go back to. Nothing was changed."
NO_SCHEDULE = "There is no such schedule."
_WITH_BODY = {"_413": "The body is larger than 10 MB.", "_415": "The body is not JSON."}
routes = APIRouter(prefix="/v1", tags=["index"], dependencies=[Depends(needs("index"))])


class Hours(BaseModel):
    """Hours of the day, UTC; over midnight where they end before they begin."""

    begin: time = Field(examples=["07:00"])
    end: time = Field(examples=["18:00"])


class Reindex(BaseModel):
    """By which model the index is to be; without one, vectors that are missing are added."""

    model: Text | None = Field(
        None,
        description="A model of the server that is set, or `built-in`. Null: the one in use.",
        examples=["text-embedding-3-small"],
    )
    dimensions: Annotated[int, Field(ge=1, le=16_000)] | None = Field(
        None, description="Shorten the vectors to this length, if the model can."
    )
    budget: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        None, description="Pause when it has cost this much, by KEN_EMBEDDING_PRICE."
    )
    quiet: Hours | None = Field(None, description="The job rests in these hours.")


class Every(BaseModel):
    """How often, and when not."""

    every: Staleness = Field(examples=["P1D"])
    quiet: Hours | None = None


class ScheduledReindex(Every, Reindex):
    """What is done, and how often."""


class Schedule(BaseModel):
    """Something that is done again and again."""

    kind: str = Field(examples=["reindex"])
    subject: str = Field(description="What it is about, such as a source; empty: the whole index.")
    every: Staleness
    quiet: Hours | None
    due_at: datetime
    paused: bool
    actor: str


@routes.post(
    "/reindexes",
    status_code=202,
    dependencies=[Depends(json_body)],
    responses=documented(_409=OPEN, **_WITH_BODY),
)
def begin_reindex(wanted: Reindex, database: Stored, caller: Calling) -> Job:
    """Build a version of the index beside the active one, check it and switch to it."""
    models, hours = _models(database, wanted), _hours(wanted.quiet)
    quiet = [f"{one:%H:%M}" for one in hours] if hours else None
    with _refused_if_open():
        if models and [name for name, _ in models] != beginning.active_names(database):
            job_id = beginning.begin(
                database, models, actor=caller.actor, budget=wanted.budget, quiet=quiet
            )
        else:
            job_id = beginning.begin_filling(
                database, actor=caller.actor, budget=wanted.budget, quiet=quiet
            )
    return job_of(database, job_id)


@routes.post("/reindexes/roll-back", status_code=202, responses=documented(_409=OPEN))
def begin_roll_back(database: Stored, caller: Calling) -> Job:
    """Go back to the version of the index that was active before the last switch."""
    with _refused_if_open():
        try:
            job_id, _version = beginning.begin_roll_back(database, actor=caller.actor)
        except OpenAlready:
            raise
        except InputInvalid:
            raise Conflict(NO_VERSION_BEFORE) from None
    return job_of(database, job_id)


@routes.post(
    "/index/{source}/reread", status_code=202, responses=documented(_404=NO_SOURCE, _409=OPEN)
)
def begin_reread(source: SourceName, database: Stored, caller: Calling) -> Job:
    """Have a source's documents read and split again, by the model in use."""
    _require_source(database, source)
    with _refused_if_open():
        return job_of(database, reread.begin(database, source, actor=caller.actor))


@routes.get("/schedules", responses=documented())
def read_schedules(database: Stored) -> list[Schedule]:
    """List what is done again and again."""
    return [_shown(one) for one in schedules.schedules(database)]


@routes.put(
    "/schedules/reindex", dependencies=[Depends(json_body)], responses=documented(**_WITH_BODY)
)
def put_reindex(wanted: ScheduledReindex, database: Stored, caller: Calling) -> Schedule:
    """Have the index built again and again, or missing vectors added; the first time is now."""
    beginning.schedule(
        database,
        _models(database, wanted),
        every=wanted.every,
        actor=caller.actor,
        budget=wanted.budget,
        quiet=_hours(wanted.quiet),
    )
    return _found(database, beginning.KIND, "")


@routes.put(
    "/schedules/reread/{source}",
    dependencies=[Depends(json_body)],
    responses=documented(_404=NO_SOURCE, **_WITH_BODY),
)
def put_reread(source: SourceName, wanted: Every, database: Stored, caller: Calling) -> Schedule:
    """Have a source's documents read and split again and again; the first time is now."""
    _require_source(database, source)
    reread.schedule(
        database, source, every=wanted.every, actor=caller.actor, quiet=_hours(wanted.quiet)
    )
    return _found(database, reread.KIND, source)


@routes.delete("/schedules/reindex", status_code=204, responses=documented(_404=NO_SCHEDULE))
def remove_reindex(database: Stored) -> None:
    """End this schedule. A job of it that runs goes on."""
    _remove(database, beginning.KIND, "")


@routes.delete(
    "/schedules/reread/{source}", status_code=204, responses=documented(_404=NO_SCHEDULE)
)
def remove_reread(source: SourceName, database: Stored) -> None:
    """End this schedule. A job of it that runs goes on."""
    _remove(database, reread.KIND, source)


@contextmanager
def _refused_if_open() -> Iterator[None]:
    try:
        yield
    except OpenAlready:
        raise Conflict(OPEN) from None


def _models(database: Database, wanted: Reindex) -> list[tuple[str, int]]:
    """Raises Invalid, ServerUnavailable."""
    settings = database.settings
    if wanted.budget is not None and settings.embedding_price is None:
        raise Invalid("/budget", "A budget needs a price: KEN_EMBEDDING_PRICE.")
    try:
        return models_named(settings, wanted.model, wanted.dimensions) if wanted.model else []
    except InputInvalid as error:
        raise Invalid("/model", str(error)) from None


def _hours(hours: Hours | None) -> tuple[time, time] | None:
    return (hours.begin, hours.end) if hours else None


def _require_source(database: Database, source: str) -> None:
    with database.session("syncer") as session:
        source_id_of(session, source)


def _remove(database: Database, kind: str, subject: str) -> None:
    if not schedules.remove(database, kind, subject):
        raise NotFound(NO_SCHEDULE)


def _found(database: Database, kind: str, subject: str) -> Schedule:
    for one in schedules.schedules(database):
        if (one.kind, one.subject) == (kind, subject):
            return _shown(one)
    raise NotFound(NO_SCHEDULE)


def _shown(one: Scheduled) -> Schedule:
    quiet = None
    if one.quiet_from is not None and one.quiet_to is not None:
        quiet = Hours(begin=one.quiet_from, end=one.quiet_to)
    return Schedule(
        kind=one.kind,
        subject=one.subject,
        every=one.every,
        quiet=quiet,
        due_at=one.due_at,
        paused=one.paused,
        actor=one.actor,
    )
