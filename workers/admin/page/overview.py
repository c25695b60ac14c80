"""The first page: whether Ken is well, and what needs an administrator."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.responses import Response

from policies.links import unmatched
from workers.admin.page.rendering import ago, counted, render
from workers.admin.page.visits import Visit

_LATE_S = 120
"""A question that waits longer is worth a look, as docs/alerts.yaml says."""
_OVERDUE_S = 900


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for an administrator."""

    words: str
    path: str = ""
    """Where to do something about it."""
    urgent: bool = False


def show(visit: Visit) -> Response:
    with visit.database.session("syncer") as session:
        needs = [
            *_of_questions(session),
            *_of_runs(session),
            *_of_sources(session),
            *_of_jobs(session),
            *_of_models(session),
            *_of_accounts(session),
        ]
        totals = session.execute(_COUNT_ALL).one()
    needs.sort(key=lambda need: not need.urgent)
    return render(visit, "overview.html", needs=needs, totals=totals)


def _of_questions(session: Session) -> Iterator[Need]:
    row = session.execute(_WAITING).one()
    if row.waiting and row.oldest_s > _LATE_S:
        yield Need(
            f"{counted(row.waiting, 'question waits', 'questions wait')} for an answer, the oldest "
            f"was asked {ago(row.oldest)}. Run `ken doctor`: is a worker running, and does the "
            "model answer?",
            urgent=True,
        )


def _of_runs(session: Session) -> Iterator[Need]:
    for row in session.execute(_WAITING_RUNS):
        yield Need(
            f"A push of permissions for {row.source} would change much, and waits for somebody to "
            "confirm it.",
            f"/pushes/{row.id}",
            urgent=True,
        )


def _of_sources(session: Session) -> Iterator[Need]:
    for row in session.execute(_CLOSED_SOURCES):
        if row.paused:
            yield Need(f"{row.name} is paused, and left out of every answer.", "/sources")
        if row.out_of_date:
            yield Need(
                f"{row.name} is left out of every answer: its permissions are too old "
                f"({_last(row.synced_at)}).",
                "/sources",
                urgent=True,
            )
        if row.unknown:
            yield Need(
                f"{counted(row.unknown, 'folder or document', 'folders and documents')} of "
                f"{row.name} can be read by nobody, because their permissions are not known.",
                "/sources",
            )


def _last(synced_at: datetime | None) -> str:
    return f"last synced {ago(synced_at)}" if synced_at else "never synced"


def _of_jobs(session: Session) -> Iterator[Need]:
    for row in session.execute(_STUCK_JOBS, {"overdue_s": _OVERDUE_S}):
        yield Need(_job_words(row), f"/jobs/{row.id}", urgent=row.state == "failed")


def _job_words(row: Any) -> str:
    name = f"Job {row.id} ({row.kind} {row.subject}".rstrip() + ")"
    if row.state == "waiting":
        return f"{name} is due, and nobody works on it. Does the jobs worker run?"
    return f"{name} has failed." if row.state == "failed" else f"{name} is paused."


def _of_models(session: Session) -> Iterator[Need]:
    for model in session.scalars(_RESTING_MODELS):
        yield Need(
            f"The model {model} is not asked for a while, after failures. `ken doctor` says why.",
            urgent=True,
        )


def _of_accounts(session: Session) -> Iterator[Need]:
    first = unmatched(session, limit=1)
    if first and first[0].denied:
        yield Need(
            "A deny names an account that is linked to nobody. Until it is linked or marked as "
            "external, it keeps out everybody who has no link in that source.",
            "/people",
            urgent=True,
        )
    elif first:
        yield Need("Some accounts are linked to nobody.", "/people")


# Counts the questions that have not ended.
_WAITING = text("""
    SELECT count(*) AS waiting, min(asked_at) AS oldest,
           coalesce(extract(epoch FROM now() - min(asked_at)), 0)::float8 AS oldest_s
    FROM question WHERE state = 'kept'
""")

# Reads the pushes that wait for confirmation.
_WAITING_RUNS = text("""
    SELECT sync_run.id, source.name AS source
    FROM sync_run JOIN source ON source.id = source_id WHERE state = 'waiting'
    ORDER BY sync_run.id LIMIT 20
""")

# Reads the sources of which something is left out, and why.
_CLOSED_SOURCES = text("""
    SELECT * FROM (
        SELECT name, paused, synced_at,
               NOT paused AND max_staleness IS NOT NULL
                   AND coalesce(synced_at < now() - max_staleness, true) AS out_of_date,
               (SELECT count(*) FROM node WHERE source_id = source.id AND acl_state = 'unknown'
                    AND gone_at IS NULL) AS unknown
        FROM source) AS found
    WHERE paused OR out_of_date OR unknown > 0 ORDER BY name LIMIT 50
""")

# Reads jobs that are paused or that nobody works on, and of each kind and subject the last one if
# it has failed.
_STUCK_JOBS = text("""
    SELECT id, kind, subject, state FROM (
        SELECT DISTINCT ON (kind, subject) id, kind, subject, state, due_at, leased_until
        FROM job ORDER BY kind, subject, id DESC) AS last
    WHERE state IN ('failed', 'paused')
       OR state = 'waiting' AND leased_until <= now()
          AND due_at < now() - make_interval(secs => :overdue_s)
    ORDER BY id LIMIT 20
""")

# Reads the models that are not called now; the last row of each model counts.
_RESTING_MODELS = text("""
    SELECT model FROM (
        SELECT DISTINCT ON (model) model, again_at
        FROM model_use WHERE at > now() - interval '1 day' ORDER BY model, id DESC) AS last
    WHERE again_at > now() ORDER BY model
""")

# Counts people, groups, nodes and recent questions.
_COUNT_ALL = text("""
    SELECT (SELECT count(*) FROM source) AS sources,
           (SELECT count(*) FROM user_account WHERE status = 'active') AS people,
           (SELECT count(*) FROM user_group) AS groups,
           (SELECT count(*) FROM node WHERE kind = 'document' AND gone_at IS NULL) AS documents,
           (SELECT count(*) FROM question WHERE asked_at > now() - interval '1 day') AS asked,
           (SELECT count(*) FROM question WHERE asked_at > now() - interval '1 day'
                AND state = 'failed') AS failed,
           (SELECT at FROM audit ORDER BY id DESC LIMIT 1) AS changed
""")
