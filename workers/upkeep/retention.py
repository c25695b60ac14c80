"""Deletes by age: questions with their answers, what models cost, and traces of deleted documents.

It works as the syncer, who sees how old something is and not a word of it. Nothing that is open is
deleted, and no answer that may still have to be withdrawn: the settings do not allow it.
"""

from dataclasses import asdict, dataclass

import structlog
from sqlalchemy import TextClause, text

from policies.audit import record
from workers.database.sessions import Database

log = structlog.get_logger()

_AT_ONCE = 1_000
"""Rows in one transaction: nobody waits for a lock for long."""
_MOST_TURNS = 200
"""Transactions in one turn; what is left waits for the next, an hour later."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many of each were deleted."""

    questions: int = 0
    """With their answers, ratings and posted copies."""
    errands: int = 0
    model_uses: int = 0
    document_changes: int = 0


def delete_aged(database: Database) -> Deleted:
    """Delete what is older than the settings say, and put in the audit how much it was."""
    asked_days, cost_days = database.settings.keep_questions_days, database.settings.keep_usage_days
    deleted = Deleted(
        questions=_all(database, _DELETE_QUESTIONS, asked_days),
        errands=_all(database, _DELETE_ERRANDS, asked_days),
        model_uses=_all(database, _DELETE_MODEL_USES, cost_days),
        document_changes=_all(database, _DELETE_DOCUMENT_CHANGES, _TRACES_DAYS),
    )
    counted = {name: number for name, number in asdict(deleted).items() if number}
    if counted:
        with database.session("syncer") as session:
            details = {**counted, "questions_days": asked_days, "usage_days": cost_days}
            record(session, actor="retention", action="delete_aged", details=details)
        log.info("deleted_by_age", **counted)
    return deleted


def _all(database: Database, statement: TextClause, days: float) -> int:
    """Delete in small transactions; nothing if `days` is 0, which keeps everything."""
    deleted = 0
    for _ in range(_MOST_TURNS if days else 0):
        with database.session("syncer") as session:
            found = session.execute(statement, {"days": days, "most": _AT_ONCE}).all()
        deleted += len(found)
        if len(found) < _AT_ONCE:
            break
    return deleted


_TRACES_DAYS = 7.0
"""Every worker has read by then that a document is gone."""

# Deletes the oldest questions that have ended; leases, posted copies, answers and ratings go along.
_DELETE_QUESTIONS = text("""
    DELETE FROM question WHERE id IN (
        SELECT id FROM question
        WHERE state <> 'kept' AND asked_at < now() - make_interval(secs => 86400 * :days)
        ORDER BY id LIMIT :most)
    RETURNING id
""")

# Deletes the oldest errands that are done.
_DELETE_ERRANDS = text("""
    DELETE FROM errand WHERE id IN (
        SELECT id FROM errand WHERE done_at < now() - make_interval(secs => 86400 * :days)
        ORDER BY id LIMIT :most)
    RETURNING id
""")

# Deletes the oldest uses of models, except for the last of each, which says whether it rests.
_DELETE_MODEL_USES = text("""
    DELETE FROM model_use WHERE id IN (
        SELECT id FROM model_use AS old
        WHERE at < now() - make_interval(secs => 86400 * :days)
          AND EXISTS (SELECT FROM model_use WHERE model = old.model AND id > old.id)
        ORDER BY id LIMIT :most)
    RETURNING id
""")

# Deletes what says that a document changed which is not there any more, a while after it went.
_DELETE_DOCUMENT_CHANGES = text("""
    DELETE FROM document_change WHERE document_id IN (
        SELECT document_id FROM document_change
        WHERE NOT EXISTS (SELECT FROM node WHERE node.id = document_id)
          AND epoch < (SELECT max(epoch) FROM audit
                       WHERE at < now() - make_interval(secs => 86400 * :days))
        ORDER BY document_id LIMIT :most)
    RETURNING document_id
""")
