"""Lists who was shown what, and what was changed: for administrators, by the syncer's role.

An answer is recorded when its final check has passed, a moment before it is posted, so the records
cover everything that could have been shown. No text of a question or an answer is read here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from policies.access import current_epoch
from policies.audience import Class
from policies.history import people_in
from policies.tables.history import Audit
from policies.tables.questions import Answer, StoredQuestion


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer whose prompt contained the document."""

    answer_id: int
    question_id: int
    at: datetime
    surface: str
    channel_id: str | None
    """None if the answer went only to the asker."""
    cited: bool
    """False if the model saw the document and no sentence is based on it."""
    asker_id: int | None
    audience: tuple[int, ...]
    """Subjects, as `Audience.ids`."""
    epoch: int


@dataclass(frozen=True, slots=True)
class AuditRow:
    id: int
    at: datetime
    epoch: int
    actor: str
    action: str
    details: dict[str, Any]


def record(
    session: Session, *, actor: str, action: str, details: dict[str, Any], epoch: int | None = None
) -> None:
    """Record who did what. Without `epoch` the change affects no access, and is recorded under
    the newest epoch.
    """
    at = current_epoch(session) if epoch is None else epoch
    session.execute(insert(Audit).values(epoch=at, actor=actor, action=action, details=details))


def exposure(
    session: Session, document_id: int, since: datetime | None, until: datetime | None
) -> list[Shown]:
    """List every answer that used the document from `since` to `until`, the oldest first."""
    found = (
        select(
            Answer.id,
            Answer.question_id,
            Answer.answered_at,
            StoredQuestion.surface,
            StoredQuestion.channel_id,
            Answer.kind,
            Answer.cited,
            Answer.asker_id,
            Answer.audience,
            Answer.epoch,
        )
        .join(StoredQuestion, StoredQuestion.id == Answer.question_id)
        .where(Answer.used.contains([document_id]))
        .order_by(Answer.answered_at, Answer.id)
    )
    if since is not None:
        found = found.where(Answer.answered_at >= since)
    if until is not None:
        found = found.where(Answer.answered_at <= until)
    return [
        Shown(
            answer_id=row.id,
            question_id=row.question_id,
            at=row.answered_at,
            surface=row.surface,
            channel_id=row.channel_id if row.kind == "channel" else None,
            cited=document_id in row.cited,
            asker_id=row.asker_id,
            audience=tuple(row.audience),
            epoch=row.epoch,
        )
        for row in session.execute(found)
    ]


def people_of_classes(session: Session, shown: Iterable[Shown]) -> dict[int, str]:
    """Return ids and names of the people in the audiences' classes at the time of each answer."""
    answers = list(shown)
    found: dict[int, str] = {}
    for one in Class:
        found |= people_in(session, one, [each.at for each in answers if one in each.audience])
    return found


def audit_rows(session: Session, after: int, limit: int) -> list[AuditRow]:
    """List what was changed, by whom: at most `limit` rows after the row `after`, in order."""
    rows = session.execute(
        select(Audit.id, Audit.at, Audit.epoch, Audit.actor, Audit.action, Audit.details)
        .where(Audit.id > after)
        .order_by(Audit.id)
        .limit(limit)
    )
    return [AuditRow(*row) for row in rows]


def latest_changes(session: Session, *, before: int | None, limit: int) -> list[AuditRow]:
    """List what was changed, by whom, the newest first; `before`: only rows with a smaller id."""
    wanted = select(Audit.id, Audit.at, Audit.epoch, Audit.actor, Audit.action, Audit.details)
    if before is not None:
        wanted = wanted.where(Audit.id < before)
    rows = session.execute(wanted.order_by(Audit.id.desc()).limit(limit))
    return [AuditRow(*row) for row in rows]
