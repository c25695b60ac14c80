"""Shows jobs and the versions of the index; pauses, resumes and ends jobs. Scope `index`."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field

from policies.tables.index import VersionState
from workers.admin.callers import Calling, Stored, needs
from workers.admin.fields import LARGEST, Limit
from workers.admin.problems import Conflict, NotFound, documented
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.index import versions
from workers.jobs import rows
from workers.jobs.rows import JobFacts, Shown

NO_JOB = "There is no such job."
WRONG_STATE = "The job is not in a state that allows this. Nothing was changed."
routes = APIRouter(prefix="/v1", tags=["jobs"], dependencies=[Depends(needs("index"))])

JobId = Annotated[int, Path(ge=1, le=LARGEST)]


class Job(BaseModel):
    """Long work: what it is about, how far it is, and how it ended."""

    id: int = Field(examples=[7])
    kind: str = Field(examples=["reindex"])
    subject: str = Field(description="What it is about, such as a source; empty: the whole index.")
    state: Shown
    wish: str = Field(description="What is asked of it after its step: `pause`, `cancel`, or none.")
    actor: str = Field(description="Who began it.")
    created_at: datetime
    due_at: datetime = Field(description="Before this, no worker takes it.")
    started_at: datetime | None
    ended_at: datetime | None
    step: str = Field(examples=["Embedding"])
    done: int
    total: int
    expected: dict[str, Any] = Field(
        description="Of a re-index: the `chunks`, `tokens` and `cost` that it was expected to take "
        "when it was begun; empty for other kinds."
    )
    counts: dict[str, Any] = Field(description="What it has counted so far; depends on its kind.")
    reason: str = Field(description="Why it waits again, is paused or has failed.")


class IndexVersion(BaseModel):
    """The models whose vectors a question compares."""

    id: int
    state: VersionState
    model: str = Field(examples=["text-embedding-3-small"])
    dimension: int
    multilingual: str | None = Field(description="A second model for other languages, if any.")
    vectors: int = Field(description="How many vectors its model has.")
    actor: str
    created_at: datetime
    activated_at: datetime | None
    ended_at: datetime | None


@routes.get("/jobs", responses=documented())
def read_jobs(
    database: Stored,
    limit: Limit = 20,
    only_open: Annotated[
        bool, Query(alias="open", description="Only jobs that have not ended.")
    ] = False,
) -> list[Job]:
    """List jobs, the newest first."""
    return [_job(one) for one in rows.jobs(database, limit=limit, open_only=only_open)]


@routes.get("/jobs/{id}", responses=documented(_404=NO_JOB))
def read_job(id: JobId, database: Stored) -> Job:
    """Show one job."""
    return _job(_found(database, id))


@routes.post("/jobs/{id}/pause", responses=documented(_404=NO_JOB, _409=WRONG_STATE))
def pause_job(id: JobId, caller: Calling, database: Stored) -> Job:
    """Stop a job after its current step. What it has done stays."""
    return _asked(database, id, rows.pause, caller.actor)


@routes.post("/jobs/{id}/resume", responses=documented(_404=NO_JOB, _409=WRONG_STATE))
def resume_job(id: JobId, caller: Calling, database: Stored) -> Job:
    """Let a paused or failed job go on from where it stopped."""
    return _asked(database, id, rows.resume, caller.actor)


@routes.post("/jobs/{id}/cancel", responses=documented(_404=NO_JOB, _409=WRONG_STATE))
def cancel_job(id: JobId, caller: Calling, database: Stored) -> Job:
    """End a job after its current step. A re-index that is cancelled has changed no answer."""
    return _asked(database, id, rows.cancel, caller.actor)


@routes.get("/index-versions", responses=documented())
def read_versions(database: Stored) -> list[IndexVersion]:
    """List the versions of the index, the newest first; none: the embedded models are in use."""
    with database.session("indexer") as session:
        found = versions.all_versions(session)
    fields = IndexVersion.model_fields
    return [IndexVersion(**{name: getattr(one, name) for name in fields}) for one in found]


def job_of(database: Database, job_id: int) -> Job:
    """Return a job that was just made."""
    return _job(rows.job(database, job_id))


def _asked(database: Database, job_id: int, ask: Callable[..., JobFacts], actor: str) -> Job:
    _found(database, job_id)
    try:
        return _job(ask(database, job_id, actor=actor))
    except InputInvalid:
        raise Conflict(WRONG_STATE) from None


def _found(database: Database, job_id: int) -> JobFacts:
    try:
        return rows.job(database, job_id)
    except InputInvalid:
        raise NotFound(NO_JOB) from None


def _job(facts: JobFacts) -> Job:
    return Job(**{name: getattr(facts, name) for name in Job.model_fields})
