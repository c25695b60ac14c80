"""Makes jobs again and again: a schedule is a row, and each jobs worker looks for those due.

Two workers that look at once make one job: the row is locked, and a subject has one open job.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import text

from workers.database.sessions import Database
from workers.database.statements import statement
from workers.errors import InputInvalid
from workers.intake import doorbell
from workers.intake.doorbell import JOB, JOBS_QUEUE
from workers.jobs.rows import OpenAlready, submit

_MOST = 100


@dataclass(frozen=True, slots=True)
class Scheduled:
    """When a job is made again."""

    kind: str
    subject: str
    details: Mapping[str, Any]
    every: timedelta
    quiet_from: time | None
    quiet_to: time | None
    due_at: datetime
    paused: bool
    actor: str


def put(
    database: Database,
    kind: str,
    subject: str,
    *,
    every: timedelta,
    actor: str,
    details: Mapping[str, Any] | None = None,
    quiet: tuple[time, time] | None = None,
) -> None:
    """Set when a job of this kind is made for the subject, replacing what was set; the first is
    due now. `quiet`: from and to, in UTC, when none is made. Raises InputInvalid.
    """
    if every < timedelta(seconds=1):
        raise InputInvalid("A schedule has at least a second from one job to the next.")
    values = {
        "kind": kind,
        "subject": subject,
        "details": json.dumps(dict(details or {})),
        "every": every,
        "from": quiet[0] if quiet else None,
        "to": quiet[1] if quiet else None,
        "actor": actor,
    }
    with database.session("indexer") as session:
        session.execute(_PUT_SCHEDULE, values)


def remove(database: Database, kind: str, subject: str) -> bool:
    """Remove a schedule; return whether there was one. Jobs that it made stay."""
    with database.session("indexer") as session:
        found = session.execute(_REMOVE_SCHEDULE, {"kind": kind, "subject": subject})
        return found.scalar_one_or_none() is not None


def schedules(database: Database) -> list[Scheduled]:
    with database.session("indexer") as session:
        return [Scheduled(**row) for row in session.execute(_READ_SCHEDULES).mappings()]


def make_due(database: Database) -> list[int]:
    """Make the jobs of schedules that are due, and return their ids. One whose job is still open is
    due again at its next time.
    """
    made: list[int] = []
    with database.session("indexer") as session:
        for row in session.execute(_TAKE_DUE, {"most": _MOST}).mappings().all():
            try:
                made.append(submit(session, **row))
            except OpenAlready:
                continue
    return made


def ring_due(database: Database) -> int:
    """Ring for the jobs that are due and that nobody works on; return how many."""
    with database.session("indexer") as session:
        due = session.scalars(_READ_DUE_JOBS, {"most": _MOST}).all()
    if due and doorbell.waiting(database.settings, queue=JOBS_QUEUE) == 0:
        for job_id in due:
            doorbell.send(database.settings, JOB, job_id, queue=JOBS_QUEUE)
    return len(due)


def due_of(database: Database, kind: str) -> list[int]:
    """Return the jobs of a kind that are due and that nobody works on, the oldest first."""
    with database.session("indexer") as session:
        return list(session.scalars(_READ_DUE_OF_KIND, {"kind": kind, "most": _MOST}))


# Sets a schedule; one that is changed is due at once.
_PUT_SCHEDULE = text("""
    INSERT INTO schedule (kind, subject, details, every, quiet_from, quiet_to, actor)
    VALUES (:kind, :subject, CAST(:details AS jsonb), :every, :from, :to, :actor)
    ON CONFLICT (kind, subject) DO UPDATE
    SET details = excluded.details, every = excluded.every, quiet_from = excluded.quiet_from,
        quiet_to = excluded.quiet_to, actor = excluded.actor, paused = false, due_at = now()
""")

_REMOVE_SCHEDULE = text(
    "DELETE FROM schedule WHERE kind = :kind AND subject = :subject RETURNING kind"
)

_READ_SCHEDULES = text("SELECT * FROM schedule ORDER BY kind, subject")

IS_QUIET = """
    (quiet_from IS NOT NULL AND CASE WHEN quiet_from <= quiet_to
        THEN (now() AT TIME ZONE 'UTC')::time >= quiet_from
             AND (now() AT TIME ZONE 'UTC')::time < quiet_to
        ELSE (now() AT TIME ZONE 'UTC')::time >= quiet_from
             OR (now() AT TIME ZONE 'UTC')::time < quiet_to END)
"""
"""Whether a schedule makes no job at this hour."""

# Moves the schedules that are due to their next time, and returns what their jobs are made of.
_TAKE_DUE = statement(
    """
    WITH due AS (
        SELECT kind, subject FROM schedule
        WHERE NOT paused AND due_at <= now() AND NOT {is_quiet}
        ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
    )
    UPDATE schedule SET due_at = now() + every FROM due
    WHERE schedule.kind = due.kind AND schedule.subject = due.subject
    RETURNING schedule.kind, schedule.subject, details, actor
    """,
    is_quiet=IS_QUIET,
)

# Returns jobs that are due and that nobody works on, the oldest first.
_READ_DUE_JOBS = text("""
    SELECT id FROM job WHERE state = 'waiting' AND due_at <= now() AND leased_until <= now()
    ORDER BY due_at, id LIMIT :most
""")

# Returns those of one kind.
_READ_DUE_OF_KIND = text("""
    SELECT id FROM job
    WHERE kind = :kind AND state = 'waiting' AND due_at <= now() AND leased_until <= now()
    ORDER BY due_at, id LIMIT :most
""")
