"""Makes jobs, shows them, and asks them to pause, resume or end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from policies.audit import record
from policies.tables.jobs import Job, JobState
from workers.database.sessions import Database
from workers.database.statements import statement
from workers.errors import InputInvalid


class Shown(StrEnum):
    """A job's state as people see it: a waiting one whose lease runs is running."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        return self in (Shown.WAITING, Shown.RUNNING, Shown.PAUSED)


@dataclass(frozen=True, slots=True)
class JobFacts:
    """One job, as its history shows it."""

    id: int
    kind: str
    subject: str
    details: Mapping[str, Any]
    actor: str
    state: Shown
    wish: str
    created_at: datetime
    due_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    step: str
    done: int
    total: int
    counts: Mapping[str, Any]
    reason: str
    attempts: int
    worked_s: float
    """For how long it has been worked on or has waited since it was begun."""

    @property
    def left(self) -> int:
        return max(self.total - self.done, 0)

    @property
    def expected(self) -> Mapping[str, Any]:
        """What it was expected to take when it was begun, if its kind says that."""
        found: Mapping[str, Any] = self.details.get("expected", {})
        return found

    @property
    def words(self) -> str:
        """Name it for people: `reindex`, or `load wiki`."""
        return f"{self.kind} {self.subject}".strip()


class OpenAlready(InputInvalid):
    """There is an open job of this kind for this subject."""

    def __init__(self, open_job: JobFacts) -> None:
        super().__init__(
            f"Job {open_job.id} ({open_job.words}) is already {open_job.state}. "
            "Nothing was changed.",
            remedy=f"`ken jobs show {open_job.id}` shows how far it is; `ken jobs cancel "
            f"{open_job.id}` ends it.",
        )
        self.open_job = open_job


def submit(
    session: Session,
    kind: str,
    *,
    actor: str,
    subject: str = "",
    details: Mapping[str, Any] | None = None,
    after_s: float = 0,
) -> int:
    """Make a job, due after so many seconds; it counts when the caller commits. Raises OpenAlready
    if one of this kind is open for the subject.
    """
    values = {"kind": kind, "subject": subject, "details": dict(details or {}), "actor": actor}
    made = session.scalar(insert(Job).values(values).on_conflict_do_nothing().returning(Job.id))
    if made is None:
        found = session.execute(_READ_OPEN, {"kind": kind, "subject": subject}).mappings().one()
        raise OpenAlready(_facts(found))
    if after_s:
        session.execute(_PUT_OFF, {"id": made, "seconds": after_s})
    return int(made)


def put_details(session: Session, job_id: int, details: Mapping[str, Any]) -> None:
    """Set what the job's kind needs to know, before a worker takes it."""
    session.execute(update(Job).where(Job.id == job_id).values(details=dict(details)))


def open_job(session: Session, kind: str, subject: str = "") -> JobFacts | None:
    """Return the open job of a kind for a subject."""
    row = session.execute(_READ_OPEN, {"kind": kind, "subject": subject}).mappings().one_or_none()
    return None if row is None else _facts(row)


def jobs(
    database: Database, *, limit: int = 20, open_only: bool = False, before: int | None = None
) -> list[JobFacts]:
    """List jobs, the newest first; `before`: only those with a smaller id."""
    wanted = {"limit": limit, "open_only": open_only, "before": before}
    with database.session("indexer") as session:
        rows = session.execute(_READ_JOBS, wanted).mappings()
        return [_facts(row) for row in rows]


def job(database: Database, job_id: int) -> JobFacts:
    """Return one job. Raises InputInvalid if there is none."""
    with database.session("indexer") as session:
        row = session.execute(_READ_JOB, {"id": job_id}).mappings().one_or_none()
    if row is None:
        raise InputInvalid(
            f"There is no job {job_id}.", remedy="`ken jobs list` shows all of them."
        )
    return _facts(row)


def is_due(session: Session, job_id: int) -> bool:
    """Whether a job may be worked on now."""
    return bool(session.scalar(_IS_DUE, {"id": job_id}))


def pause(database: Database, job_id: int, *, actor: str) -> JobFacts:
    """Ask a job to stop after its step and keep what it has done. Raises InputInvalid."""
    return _ask(database, job_id, _PAUSE_JOB, "pause_job", "paused", actor)


def cancel(database: Database, job_id: int, *, actor: str) -> JobFacts:
    """Ask a job to end after its step, and not to go on. Raises InputInvalid."""
    return _ask(database, job_id, _CANCEL_JOB, "cancel_job", "cancelled", actor)


def resume(database: Database, job_id: int, *, actor: str) -> JobFacts:
    """Let a paused or failed job go on from where it stopped. Raises InputInvalid, OpenAlready."""
    with database.session("indexer") as session:
        found = session.execute(_READ_JOB, {"id": job_id}).mappings().one_or_none()
        if found is not None and found["state"] == Shown.FAILED:
            other = open_job(session, found["kind"], found["subject"])
            if other is not None:
                raise OpenAlready(other)
    return _ask(database, job_id, _RESUME_JOB, "resume_job", "resumed", actor)


def _ask(
    database: Database, job_id: int, words: Any, action: str, done: str, actor: str
) -> JobFacts:
    before = job(database, job_id)
    with database.session("indexer") as session:
        taken = session.execute(words, {"id": job_id}).scalar_one_or_none()
        if taken is not None:
            record(session, actor=actor, action=action, details={"job_id": job_id})
    if taken is None:
        raise InputInvalid(
            f"Job {job_id} ({before.words}) is {before.state}: it cannot be {done}. "
            "Nothing was changed.",
            remedy=f"`ken jobs show {job_id}` shows what became of it.",
        )
    return job(database, job_id)


def _facts(row: RowMapping) -> JobFacts:
    values = dict(row)
    return JobFacts(**{**values, "state": Shown(values["state"])})


_COLUMNS = f"""
    id, kind, subject, details, actor,
    CASE WHEN state = '{JobState.WAITING}' AND leased_until > now() THEN '{Shown.RUNNING}'
         ELSE state END AS state,
    wish, created_at, due_at, started_at, ended_at, step, done, total, counts, reason, attempts,
    coalesce(extract(epoch FROM coalesce(ended_at, now()) - started_at), 0)::float AS worked_s
"""

# Returns one job.
_READ_JOB = statement("SELECT {columns} FROM job WHERE id = :id", columns=_COLUMNS)

# Returns the newest jobs, or of those that are open.
_READ_JOBS = statement(
    """
    SELECT {columns} FROM job
    WHERE (NOT :open_only OR state IN ('waiting', 'paused'))
      AND (CAST(:before AS bigint) IS NULL OR id < :before)
    ORDER BY id DESC LIMIT :limit
    """,
    columns=_COLUMNS,
)

# Returns the open job of a kind for a subject.
_READ_OPEN = statement(
    """
    SELECT {columns} FROM job
    WHERE kind = :kind AND subject = :subject AND state IN ('waiting', 'paused')
    """,
    columns=_COLUMNS,
)

_IS_DUE = text("SELECT due_at <= now() FROM job WHERE id = :id")

# Makes a job due later.
_PUT_OFF = text("UPDATE job SET due_at = now() + make_interval(secs => :seconds) WHERE id = :id")

# Pauses a job that nobody works on; asks the worker of one that runs. Returns its id.
_PAUSE_JOB = text("""
    UPDATE job SET
        state = CASE WHEN leased_until > now() THEN state ELSE 'paused' END,
        wish = CASE WHEN leased_until > now() THEN 'pause' ELSE '' END
    WHERE id = :id AND state = 'waiting' RETURNING id
""")

# Cancels a job that nobody works on; asks the worker of one that runs. Returns its id.
_CANCEL_JOB = text("""
    UPDATE job SET
        state = CASE WHEN leased_until > now() THEN state ELSE 'cancelled' END,
        ended_at = CASE WHEN leased_until > now() THEN NULL ELSE now() END,
        wish = CASE WHEN leased_until > now() THEN 'cancel' ELSE '' END
    WHERE id = :id AND state IN ('waiting', 'paused') RETURNING id
""")

# Makes a paused or failed job wait for a worker again. Returns its id.
_RESUME_JOB = text("""
    UPDATE job SET state = 'waiting', wish = '', reason = '', attempts = 0, due_at = now(),
                   ended_at = NULL
    WHERE id = :id AND state IN ('paused', 'failed') RETURNING id
""")
