"""Has a source's documents read and split again, under the index that questions use.

Documents keep their text until each is replaced. A text that comes out as before keeps its vector.
"""

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from policies.change import Change
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.ingest import pipeline, scheduled
from workers.jobs import rows, schedules
from workers.jobs.leases import Running
from workers.sources.jobs import CRAWL

KIND = "reread"
"""The kind of job; the subject is the source."""
MARKING = "Marking"
_BITE = 2_000
"""Documents that are marked in one transaction."""


def begin(database: Database, source: str, *, actor: str) -> int:
    """Make the job; return its id. Raises InputInvalid, OpenAlready."""
    with database.session("indexer") as session:
        require_source(session, source)
        return rows.submit(session, KIND, subject=source, actor=actor)


def schedule(
    database: Database,
    source: str,
    *,
    every: timedelta,
    actor: str,
    quiet: tuple[time, time] | None = None,
) -> None:
    """Make the job again and again. Raises InputInvalid."""
    with database.session("indexer") as session:
        require_source(session, source)
    schedules.put(database, KIND, source, every=every, actor=actor, quiet=quiet)


def require_source(session: Session, source: str) -> None:
    """Raise InputInvalid if there is no source of this name."""
    if session.scalar(_READ_SOURCE, {"source": source}) is None:
        raise InputInvalid(
            f"There is no source {source!r}. Nothing was changed.",
            remedy="`ken sync sources` lists those that there are.",
        )


def reread(database: Database, running: Running) -> Mapping[str, Any]:
    """Mark all documents of a source as read by an older version, in small bites; then make the job
    that reads the source, if Ken can read it by itself.
    """
    source = running.subject
    counts = {"documents": 0, "after": 0, **running.counts}
    with database.session("indexer") as session:
        total = int(session.scalar(_COUNT_DOCUMENTS, {"source": source}) or 0)
    while True:
        with database.session("indexer") as session:
            Change(session, actor=running.actor)  # workers' codes follow by its epoch
            running.require(session)
            given = {"source": source, "after": counts["after"], "most": _BITE}
            marked = session.scalars(_MARK_SOME, given).all()
        if not marked:
            break
        counts = {"documents": counts["documents"] + len(marked), "after": max(marked)}
        running.step(MARKING, counts["documents"], total, counts)
    with database.session("indexer") as session:
        running.require(session)
        session.execute(pipeline.FORGET_STATE, {"source": source})
        then = _submit(session, source, actor=running.actor)
    return {"documents": counts["documents"], "then": then}


def _submit(session: Session, source: str, *, actor: str) -> str:
    """Make the job that reads the source; return in words what reads it."""
    kind, details = CRAWL, {"full": True}
    if session.scalar(_IS_CONNECTOR, {"source": source}) is None:
        folder = session.scalar(_READ_FOLDER, {"source": source})
        if folder is None:
            return "load its folder again, or have its program push it again"
        kind, details = scheduled.KIND, folder
    try:
        made = rows.submit(session, kind, subject=source, details=details, actor=actor)
    except rows.OpenAlready as error:
        return f"{kind} after job {error.open_job.id}, at its next time"
    return f"job {made} ({kind})"


_READ_SOURCE = text("SELECT id FROM source WHERE name = :source")

_COUNT_DOCUMENTS = text("""
    SELECT count(*) FROM node JOIN source ON source.id = source_id
    WHERE name = :source AND node.kind = 'document'
""")

# Marks some documents of a source as read by an older version. Returns their ids.
_MARK_SOME = text("""
    UPDATE document SET reader_version = 0 WHERE id = ANY (ARRAY(
        SELECT node.id FROM node JOIN source ON source.id = source_id
        WHERE name = :source AND node.kind = 'document' AND node.id > :after
        ORDER BY node.id LIMIT :most))
    RETURNING id
""")

_IS_CONNECTOR = text("""
    SELECT 1 FROM connector JOIN source ON source.id = source_id WHERE name = :source
""")

# Returns how the jobs worker loads a source's folder: by its schedule, or as it did last.
_READ_FOLDER = text("""
    SELECT details FROM (
        SELECT details, 0 AS turn, 0 AS id FROM schedule WHERE kind = 'load' AND subject = :source
        UNION ALL
        SELECT details, 1, -id FROM job WHERE kind = 'load' AND subject = :source
    ) AS known
    WHERE details ? 'folder' ORDER BY turn, id LIMIT 1
""")
