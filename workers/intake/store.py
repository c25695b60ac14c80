"""Stores questions and errands in PostgreSQL, then wakes a worker.

The row is what counts; the queue is only a doorbell.
"""

import json
import re
import time
from dataclasses import asdict, dataclass

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from workers.database.sessions import Database, driver_of
from workers.database.statements import statement
from workers.errors import ServerUnavailable
from workers.intake import doorbell
from workers.intake.doorbell import ERRAND, TASK
from workers.intake.messages import ERRAND_COLUMNS, Errand, Question, storable
from workers.intake.rows import insert_question
from workers.observe import metrics, tracing
from workers.settings import Settings

log = structlog.get_logger()

_SILENCE_S = 2.0
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""Matches \\u0000 as JSON escapes it, but not a literal backslash-u0000 that a user typed."""


def store_question(database: Database, question: Question) -> int | None:
    """Store the question. Returns its id, or None if it was stored before. Raises
    ServerUnavailable.
    """
    try:
        with (
            tracing.span("keep", event_id=question.event_id) as at,
            database.session("ingress") as session,
        ):
            question_id = insert_question(driver_of(session), question, trace=tracing.current())
            at.set(question_id=question_id, known=question_id is None)
    except (SQLAlchemyError, psycopg.Error) as error:
        metrics.QUESTIONS_KEPT.labels("failed").inc()
        log.error("question_not_kept", error=type(error).__name__)
        raise ServerUnavailable("PostgreSQL did not store the question.") from None
    metrics.QUESTIONS_KEPT.labels("known" if question_id is None else "kept").inc()
    return question_id


def ring(settings: Settings, wanted: int, *, task: str = TASK) -> None:
    """Wake a worker. Never fails: if the queue is down, the sweeper finds the row.

    After a failure no ring is sent for a moment, because Slack is waiting for its response.
    """
    if time.monotonic() < _bell.silent_until:
        return
    with tracing.span("ring", task=task, id=wanted):
        try:
            doorbell.send(settings, task, wanted)
        except Exception as error:  # noqa: BLE001 - whatever stands in the way: the row is the truth
            _bell.silent_until = time.monotonic() + _SILENCE_S
            metrics.RINGS_FAILED.inc()
            log.warning("ring_failed", task=task, id=wanted, error=type(error).__name__)


def submit_errand(database: Database, errand: Errand) -> int | None:
    """Store the errand, then ring. Returns its id, or None if it was stored before.

    Raises ServerUnavailable.
    """
    written = _NUL.sub(r"\1", json.dumps(errand.details, ensure_ascii=False))
    row = {**asdict(errand), "details": storable(written)}
    try:
        with database.session("ingress") as session:
            errand_id = session.execute(_STORE_ERRAND, row).scalar_one_or_none()
    except SQLAlchemyError as error:
        log.error("errand_not_kept", error=type(error).__name__)
        raise ServerUnavailable("PostgreSQL did not store the errand.") from None
    if errand_id is not None:
        ring(database.settings, errand_id, task=ERRAND)
    return errand_id


@dataclass(slots=True)
class _Bell:
    silent_until: float = 0.0


_bell = _Bell()


_STORE_ERRAND = statement(
    "INSERT INTO errand ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING RETURNING id",
    columns=", ".join(ERRAND_COLUMNS),
    values=", ".join(f":{column}" for column in ERRAND_COLUMNS),
)
