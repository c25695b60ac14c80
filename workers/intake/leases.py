"""Leases: a question is stored once, one worker at a time works on it, and its end is visible.

A lease's token only grows. A worker shows its token with every step that others can see, so a
worker that slept through its lease can do nothing any more. All times are the database's.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from policies.tables.questions import QuestionState
from workers.database.sessions import Database
from workers.database.statements import statement
from workers.errors import Busy
from workers.intake.messages import QUESTION_COLUMNS, Question, question_of
from workers.observe import metrics
from workers.observe.crashpoints import crashpoint

log = structlog.get_logger()

MAX_ATTEMPTS = 5
"""A question that this many workers in a row failed to finish is abandoned."""
LONGEST_WORK_S = 900.0
"""A lease is not renewed for longer than this: its worker hangs, and another takes over."""
LONGEST_REST_S = 5.0
"""The longest pause between two tries, unless the server that failed asks for more."""


@dataclass(frozen=True, slots=True)
class Leased:
    """A question that this process works on, and the token that proves it."""

    id: int
    token: int
    attempts: int
    """How many workers in a row took it without giving it back, this one included."""
    asked_at: float
    """By this process's monotonic clock."""
    question: Question
    trace: str | None = None
    released: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)
    """Set once the lease has been given back."""

    @property
    def age_s(self) -> float:
        return time.monotonic() - self.asked_at

    @property
    def is_first(self) -> bool:
        """Whether no other process held it before, and so wrote or posted nothing for it."""
        return self.token == _FIRST_TOKEN

    @property
    def rest_s(self) -> float:
        """The pause before the next try. Each take and each return uses up a token."""
        return min(0.5 * self.token, LONGEST_REST_S)


_FIRST_TOKEN = 1


class LeaseLost(Exception):
    """Another worker has the question now, or it has ended. There is nothing left to do."""


@contextmanager
def lease(
    database: Database, question_id: int, *, worker_id: str, lease_s: int
) -> Iterator[Leased | None]:
    """Hold the question under a lease that is renewed until the block ends; None if there is
    nothing to do.

    Raises SQLAlchemyError before the block, never after it: a lease that cannot be given back
    expires.
    """
    with question_session(database, question_id) as session:
        leased = _take(session, question_id, worker_id=worker_id, lease_s=lease_s)
    if leased is None:
        yield None
        return
    ended = threading.Event()
    pulse = threading.Thread(target=_renew, args=(database, leased, lease_s, ended), daemon=True)
    pulse.start()
    try:
        crashpoint("taken")
        yield leased
    finally:
        ended.set()
        pulse.join()
        if not leased.released.is_set():
            _give_back_at_end(database, leased)


def _give_back_at_end(database: Database, leased: Leased) -> None:
    try:
        with question_session(database, leased.id) as session:
            _release(session, leased, leased.rest_s)
    except SQLAlchemyError as error:
        log.warning("lease_not_released", question_id=leased.id, error=type(error).__name__)


@contextmanager
def question_session(database: Database, question_id: int) -> Iterator[Session]:
    """Open a transaction in which row-level security shows this one question."""
    with database.session("answerer", question=str(question_id)) as session:
        yield session


def show_question(session: Session, question_id: int) -> None:
    session.execute(text("SELECT set_config('ken.question', :id, true)"), {"id": str(question_id)})


def stored_question(session: Session, question_id: int) -> Question | None:
    """Return the question as it is stored; the session must be allowed to see it."""
    row = session.execute(_READ_QUESTION, {"id": question_id}).mappings().one_or_none()
    return None if row is None else question_of(row)


def worker_id() -> str:
    """Return the name of this process in its leases."""
    return f"{socket.gethostname()}:{os.getpid()}"


def give_back(database: Database) -> int:
    """Release all leases of this process, which is ending, so that others need not wait; return how
    many.
    """
    with database.session("answerer") as session:
        return len(session.execute(_RELEASE_ALL_LEASES, {"holder": worker_id()}).all())


def require_lease(session: Session, leased: Leased) -> None:
    """Lock the lease's row until this transaction ends. Raises LeaseLost if it is not ours."""
    if not session.scalar(_HOLD_LEASE, {"id": leased.id, "token": leased.token}):
        raise LeaseLost


@contextmanager
def posting_lock(database: Database, leased: Leased) -> Iterator[Session]:
    """Keep every other worker from taking the question while this process may be posting for it.

    Slack cannot refuse a message from a worker that froze while sending it. So while a message is
    on its way, nobody else can take the question, however long its worker sleeps. PostgreSQL ends
    the transaction of a process that sleeps for a minute; `outbox` handles that case. The next
    worker that may post sees what was written in this session. Raises LeaseLost.
    """
    with question_session(database, leased.id) as session:
        session.execute(_LOCK_POSTING, {"id": leased.id})
        if not session.scalar(_CHECK_LEASE, {"id": leased.id, "token": leased.token}):
            raise LeaseLost
        yield session


def is_posting(session: Session, question_id: int) -> bool:
    """Whether somebody is posting for it; if not, nobody can before this transaction ends."""
    return not session.scalar(_TRY_LOCK_POSTING, {"id": question_id})


def put_back(database: Database, leased: Leased, *, after_s: float | None = None) -> None:
    """Give the question back after a failure that is not its own; it is tried again
    after a pause.
    """
    with question_session(database, leased.id) as session:
        if _release(session, leased, leased.rest_s if after_s is None else after_s):
            session.execute(_RESET_ATTEMPTS, {"id": leased.id})


def cancel(database: Database, question_id: int, reason: str) -> None:
    """End a question whose answer is not needed any more, and fence off its worker.

    Raises Busy while somebody is posting for it.
    """
    with question_session(database, question_id) as session:
        if is_posting(session, question_id):
            raise Busy
        session.execute(_FENCE_OFF, {"id": question_id})
        session.execute(_CANCEL_QUESTION, {"id": question_id, "reason": reason})


def finish(
    session: Session, leased: Leased, state: QuestionState, *, reason: str | None = None
) -> bool:
    """End the question for good and give its lease back.

    Returns True if something that was written down for it was not posted. Raises LeaseLost.
    """
    given = {"id": leased.id, "token": leased.token, "state": state.value, "reason": reason}
    row = session.execute(_END_QUESTION, given).one()
    if not row.was_mine:
        raise LeaseLost
    if row.seconds is not None:
        metrics.ended(state.value, reason, float(row.seconds))
    return bool(row.has_unsent)


def _take(session: Session, question_id: int, *, worker_id: str, lease_s: int) -> Leased | None:
    given = {"id": question_id, "holder": worker_id, "seconds": lease_s, "first": _FIRST_TOKEN}
    row = session.execute(_TAKE_LEASE, given).mappings().one_or_none()
    if row is None:
        return None
    return Leased(
        id=question_id,
        token=row["token"],
        attempts=row["attempts"],
        asked_at=time.monotonic() - float(row["age_s"]),
        question=question_of(row),
        trace=row["trace"],
    )


def _release(session: Session, leased: Leased, rest_s: float) -> bool:
    """Whether the lease was ours to give back."""
    given = {"id": leased.id, "token": leased.token, "seconds": rest_s}
    return session.execute(_RELEASE_LEASE, given).scalar_one_or_none() is not None


def _renew(database: Database, leased: Leased, lease_s: int, ended: threading.Event) -> None:
    until = time.monotonic() + LONGEST_WORK_S
    while not ended.wait(lease_s / 3) and time.monotonic() < until:
        try:
            with question_session(database, leased.id) as session:
                session.execute(
                    _RENEW_LEASE, {"id": leased.id, "token": leased.token, "seconds": lease_s}
                )
        except SQLAlchemyError as error:  # the next beat tries again, and the token protects
            log.warning("lease_not_renewed", question_id=leased.id, error=type(error).__name__)


# Takes the lease of an open question and counts one more worker on it; returns the lease's new
# token and the question as it is now, or nothing. A lease is taken only over an open question, only
# when nobody's is running, and only when nobody is posting for it (`posting_lock`).
_TAKE_LEASE = statement(
    """
    WITH taken AS (
        INSERT INTO lease (question_id, token, holder, expires_at)
        SELECT id, :first, :holder, now() + make_interval(secs => :seconds)
        FROM question
        WHERE id = :id AND state = 'kept'
          AND pg_try_advisory_xact_lock(hashtext('ken speaks'), (id % 2147483647)::int)
        ON CONFLICT (question_id) DO UPDATE
        SET token = lease.token + 1, holder = excluded.holder, expires_at = excluded.expires_at
        WHERE lease.expires_at <= now()
        RETURNING token
    )
    UPDATE question SET attempts = attempts + 1 FROM taken WHERE id = :id
    RETURNING {columns}, attempts, trace, token, extract(epoch FROM now() - asked_at) AS age_s
    """,
    columns=", ".join(QUESTION_COLUMNS),
)

# Returns a question's columns.
_READ_QUESTION = statement(
    "SELECT {columns} FROM question WHERE id = :id", columns=", ".join(QUESTION_COLUMNS)
)

# Waits until nobody else posts for the question; ends with the transaction.
_LOCK_POSTING = text(
    "SELECT pg_advisory_xact_lock(hashtext('ken speaks'), (CAST(:id AS bigint) % 2147483647)::int)"
)

# The same without waiting; returns whether it has the lock.
_TRY_LOCK_POSTING = text(_LOCK_POSTING.text.replace("pg_advisory", "pg_try_advisory"))

# Ends the lease, whichever worker has it: its token is void.
_FENCE_OFF = text("UPDATE lease SET token = token + 1, expires_at = now() WHERE question_id = :id")

# Ends an open question whose answer is not needed any more.
_CANCEL_QUESTION = text("""
    UPDATE question SET state = 'abstained', reason = :reason, ended_at = now()
    WHERE id = :id AND state = 'kept'
""")

# Returns whether this token holds the lease now.
_CHECK_LEASE = text(
    "SELECT token = :token AND expires_at > now() FROM lease WHERE question_id = :id"
)

# The same, and keeps the lease's row to the end of the transaction.
_HOLD_LEASE = text(f"{_CHECK_LEASE.text} FOR UPDATE")

# Gives the lease back and ends its question, if it is open; returns whether the lease was held by
# this token, how many seconds the question took, and whether something written down is not out.
_END_QUESTION = text("""
    WITH mine AS (
        UPDATE lease SET token = token + 1, expires_at = now()
        WHERE question_id = :id AND token = :token AND expires_at > now()
        RETURNING question_id
    ), ended AS (
        UPDATE question SET state = :state, reason = :reason, ended_at = now()
        FROM mine WHERE id = mine.question_id AND state = 'kept'
        RETURNING extract(epoch FROM now() - asked_at) AS seconds
    )
    SELECT EXISTS (SELECT FROM mine) AS was_mine, (SELECT seconds FROM ended) AS seconds,
           EXISTS (SELECT FROM outbox WHERE outbox.question_id = :id AND state = 'ready')
               AS has_unsent
""")

# Renews a lease that has not expired.
_RENEW_LEASE = text("""
    UPDATE lease SET expires_at = now() + make_interval(secs => :seconds)
    WHERE question_id = :id AND token = :token AND expires_at > now()
""")

# Gives the lease back. Returns the token, or nothing if another worker has it. Only an open
# question keeps its back-off; a finished one is released at once.
_RELEASE_LEASE = text("""
    UPDATE lease SET token = token + 1, expires_at = now() + CASE question.state
        WHEN 'kept' THEN make_interval(secs => :seconds) ELSE interval '0' END
    FROM question
    WHERE question_id = :id AND question.id = :id AND token = :token
    RETURNING token
""")

# Gives back all leases of one process; returns their questions.
_RELEASE_ALL_LEASES = text("""
    UPDATE lease SET token = token + 1, expires_at = now()
    WHERE holder = :holder AND expires_at > now()
    RETURNING question_id
""")

# Resets the attempts of an open question: its worker came back.
_RESET_ATTEMPTS = text("UPDATE question SET attempts = 0 WHERE id = :id AND state = 'kept'")
