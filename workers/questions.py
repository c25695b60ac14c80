"""A question's life in PostgreSQL: kept once, worked on under a lease, ended visibly.

The lease's token only grows. Whoever works on a question shows the token with every step that
can be seen from outside, so that a worker which slept through its lease can do nothing any more.
All times are the database's.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from policies.models import QuestionState
from workers.database import Database
from workers.interface import Question

log = structlog.get_logger()

MAX_ATTEMPTS = 8
"""After so many tries, over about four minutes, a question ends as failed."""


@dataclass(frozen=True, slots=True)
class Leased:
    """A question that this process works on, and the token that says so."""

    id: int
    token: int
    attempts: int
    question: Question


class LeaseLost(Exception):
    """Somebody else has the question now, or has ended it. There is nothing left to do."""


@contextmanager
def lease(
    database: Database, question_id: int, *, holder: str, lease_s: int
) -> Iterator[Leased | None]:
    """The question under a lease that is renewed until the block ends; None: nothing to do."""
    with at_work(database, question_id) as session:
        leased = _take(session, question_id, holder=holder, lease_s=lease_s)
    if leased is None:
        yield None
        return
    ended = threading.Event()
    pulse = threading.Thread(target=_renew, args=(database, leased, lease_s, ended), daemon=True)
    pulse.start()
    rest_s = min(2**leased.attempts, 60)  # before the next try, unless the question ends here
    try:
        yield leased
    finally:
        ended.set()
        pulse.join()
        with at_work(database, question_id) as session:
            session.execute(_RELEASE, {"id": leased.id, "token": leased.token, "seconds": rest_s})


@contextmanager
def at_work(database: Database, question_id: int) -> Iterator[Session]:
    """A transaction in which row-level security shows this one question."""
    with database.session("answerer") as session:
        show_question(session, question_id)
        yield session


def show_question(session: Session, question_id: int) -> None:
    session.execute(text("SELECT set_config('ken.question', :id, true)"), {"id": str(question_id)})


def still_mine(session: Session, leased: Leased) -> None:
    """Hold the lease's row to the end of this transaction. Raises LeaseLost."""
    held = session.execute(
        text(
            "SELECT token = :token AND expires_at > now() FROM lease "
            "WHERE question_id = :id FOR UPDATE"
        ),
        {"id": leased.id, "token": leased.token},
    ).scalar_one_or_none()
    if not held:
        raise LeaseLost


def finish(
    session: Session, leased: Leased, state: QuestionState, *, reason: str | None = None
) -> None:
    """The question has ended, and is never worked on again. Raises LeaseLost."""
    still_mine(session, leased)
    session.execute(
        text(
            "UPDATE question SET state = :state, reason = :reason, ended_at = now() "
            "WHERE id = :id AND state = 'kept'"
        ),
        {"id": leased.id, "state": state.value, "reason": reason},
    )


def _take(session: Session, question_id: int, *, holder: str, lease_s: int) -> Leased | None:
    token = session.execute(
        _TAKE, {"id": question_id, "holder": holder, "seconds": lease_s}
    ).scalar_one_or_none()
    if token is None:
        return None
    row = session.execute(
        text("UPDATE question SET attempts = attempts + 1 WHERE id = :id RETURNING *"),
        {"id": question_id},
    ).one()
    return Leased(
        id=row.id,
        token=token,
        attempts=row.attempts,
        question=Question(
            event_id=row.event_id,
            team_id=row.team_id,
            channel_id=row.channel_id,
            message_ts=row.message_ts,
            thread_ts=row.thread_ts,
            user_id=row.user_id,
            text=row.text,
            surface=row.surface,
        ),
    )


def _renew(database: Database, leased: Leased, lease_s: int, ended: threading.Event) -> None:
    while not ended.wait(lease_s / 3):
        try:
            with at_work(database, leased.id) as session:
                session.execute(
                    _RENEW, {"id": leased.id, "token": leased.token, "seconds": lease_s}
                )
        except SQLAlchemyError as error:  # the next beat tries again, and the token protects
            log.warning("lease_not_renewed", question_id=leased.id, error=type(error).__name__)


# A lease is taken only over an open question, and only when nobody's is running.
_TAKE = text("""
    INSERT INTO lease (question_id, token, holder, expires_at)
    SELECT id, 1, :holder, now() + make_interval(secs => :seconds)
    FROM question WHERE id = :id AND state = 'kept'
    ON CONFLICT (question_id) DO UPDATE
    SET token = lease.token + 1, holder = excluded.holder, expires_at = excluded.expires_at
    WHERE lease.expires_at <= now()
    RETURNING token
""")

_RENEW = text("""
    UPDATE lease SET expires_at = now() + make_interval(secs => :seconds)
    WHERE question_id = :id AND token = :token AND expires_at > now()
""")

_RELEASE = text("""
    UPDATE lease SET token = token + 1, expires_at = now() + make_interval(secs => :seconds)
    WHERE question_id = :id AND token = :token
""")
