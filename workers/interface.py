"""The door to the workers, and the only file of the house that `bot` imports.

The row is the truth, the queue a doorbell: `ask` returns once the question cannot be lost.
"""

import time
from dataclasses import asdict, dataclass
from functools import cache
from typing import Literal

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from workers.celery import TASK, doorbell
from workers.crashpoints import reached
from workers.database import Database
from workers.errors import OperatorError, ServerUnavailable
from workers.logs import configure as configure_logs
from workers.ops import metrics, tracing
from workers.ops.health import Report
from workers.ops.serving import bot_listener, bot_readiness
from workers.production import refuse_unsafe
from workers.settings import Settings, load_settings

__all__ = [
    "OperatorError",
    "Question",
    "Report",
    "Settings",
    "ask",
    "bot_listener",
    "bot_readiness",
    "configure_logs",
    "load_settings",
    "metrics",
    "refuse_unsafe",
    "tracing",
]

log = structlog.get_logger()

_SILENCE_S = 2.0

Surface = Literal["slack", "terminal"]


@dataclass(frozen=True, slots=True)
class Question:
    """What one person asked, and where the reply goes."""

    event_id: str
    """Unique; Slack repeats events."""
    team_id: str
    channel_id: str
    """Empty: asked at the terminal, for nobody else to read."""
    message_ts: str
    thread_ts: str
    """The thread to answer in: the message's own `ts` where it starts one."""
    user_id: str
    """A Slack id, or at the terminal the principal id of a user."""
    text: str
    surface: Surface = "slack"

    @property
    def in_direct_message(self) -> bool:
        """Slack's ids of direct messages begin with D."""
        return self.channel_id.startswith("D")


def ask(question: Question) -> int | None:
    """Keep the question, then ring. Returns once it cannot be lost: its id, or None.

    None: we hold it already (same event, or same channel and ts), and nothing more is done.
    Raises ServerUnavailable if PostgreSQL does not answer: Slack must hear a non-2xx and retry.
    """
    reached("asked")
    question_id = keep(question)
    reached("kept")
    if question_id is not None:
        ring(question_id)
    reached("rung")
    return question_id


def keep(question: Question) -> int | None:
    """The id under which the question is kept; None if it was kept before."""
    try:
        with (
            tracing.span("keep", event_id=question.event_id) as at,
            _door().session("ingress") as session,
        ):
            row = {**asdict(question), "text": storable(question.text), "trace": tracing.current()}
            question_id = session.execute(_KEEP, row).scalar_one_or_none()
            at.set(question_id=question_id, known=question_id is None)
    except SQLAlchemyError as error:
        metrics.QUESTIONS_KEPT.labels("failed").inc()
        log.error("question_not_kept", error=type(error).__name__)
        raise ServerUnavailable("PostgreSQL did not keep the question.") from None
    metrics.QUESTIONS_KEPT.labels("known" if question_id is None else "kept").inc()
    return question_id


def ring(question_id: int) -> None:
    """Wake a worker. If the queue is down the sweeper finds the question, so this never fails.

    After a failure the bell is left alone for a moment: Slack is waiting for its answer.
    """
    if time.monotonic() < _bell.silent_until:
        return
    with tracing.span("ring", question_id=question_id):
        try:
            doorbell(_settings()).send_task(TASK, args=[question_id])
        except Exception as error:  # whatever the broker's library raises: the row is the truth
            _bell.silent_until = time.monotonic() + _SILENCE_S
            metrics.RINGS_FAILED.inc()
            log.warning("ring_failed", question_id=question_id, error=type(error).__name__)


def storable(text: str) -> str:
    """Without what PostgreSQL refuses, NUL and halves of characters: else nothing is kept."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


@dataclass(slots=True)
class _Bell:
    silent_until: float = 0.0


_bell = _Bell()


@cache
def _settings() -> Settings:
    return load_settings()


@cache
def _door() -> Database:
    return Database(_settings())


_KEEP = text("""
    INSERT INTO question
        (event_id, team_id, channel_id, message_ts, thread_ts, user_id, text, surface, trace)
    VALUES
        (:event_id, :team_id, :channel_id, :message_ts, :thread_ts, :user_id, :text, :surface,
         :trace)
    ON CONFLICT DO NOTHING
    RETURNING id
""")
