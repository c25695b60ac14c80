"""A question's life in PostgreSQL: kept once, worked on under a lease, ended visibly.

The lease's token only grows. Whoever works on a question shows the token with every step that
can be seen from outside, so that a worker which slept through its lease can do nothing any more.
All times are the database's.
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
"""So many workers in a row that did not come back from a question: it is what they die of."""
LONGEST_WORK_S = 900.0
"""Whoever works longer at one take hangs: the lease is not renewed, and another takes it."""
LONGEST_REST_S = 5.0
"""Between two tries, unless somebody outside asks for more."""


@dataclass(frozen=True, slots=True)
class Leased:
    """A question that this process works on, and the token that says so."""

    id: int
    token: int
    attempts: int
    """Workers that took it since one came back, this one included."""
    asked_at: float
    """By this process's monotonic clock."""
    question: Question
    trace: str | None = None
    released: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)
    """The lease has been given back already."""

    @property
    def age_s(self) -> float:
        return time.monotonic() - self.asked_at

    @property
    def is_first(self) -> bool:
        """Nobody held it before: nothing was written or said for it yet, but by this process."""
        return self.token == _FIRST_TOKEN

    @property
    def rest_s(self) -> float:
        """Before the next try. A token is spent on each take and on each return."""
        return min(0.5 * self.token, LONGEST_REST_S)


_FIRST_TOKEN = 1


class LeaseLost(Exception):
    """Somebody else has the question now, or has ended it. There is nothing left to do."""


@contextmanager
def lease(
    database: Database, question_id: int, *, worker_id: str, lease_s: int
) -> Iterator[Leased | None]:
    """The question under a lease that is renewed until the block ends; None: nothing to do.

    Raises SQLAlchemyError before the block, never after it: a lease that cannot be given back
    runs out.
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
    """A transaction in which row-level security shows this one question."""
    with database.session("answerer", question=str(question_id)) as session:
        yield session


def show_question(session: Session, question_id: int) -> None:
    session.execute(text("SELECT set_config('ken.question', :id, true)"), {"id": str(question_id)})


def stored_question(session: Session, question_id: int) -> Question | None:
    """The question as it is stored, in a session in which it can be seen."""
    row = session.execute(_READ_QUESTION, {"id": question_id}).mappings().one_or_none()
    return None if row is None else question_of(row)


def worker_id() -> str:
    """This process, as it stands in its leases."""
    return f"{socket.gethostname()}:{os.getpid()}"


def give_back(database: Database) -> int:
    """Leases of this process, which ends: whoever comes next need not wait for them to run out."""
    with database.session("answerer") as session:
        return len(session.execute(_RELEASE_ALL_LEASES, {"holder": worker_id()}).all())


def require_lease(session: Session, leased: Leased) -> None:
    """Hold the lease's row to the end of this transaction. Raises LeaseLost."""
    if not session.scalar(_HOLD_LEASE, {"id": leased.id, "token": leased.token}):
        raise LeaseLost


@contextmanager
def posting_lock(database: Database, leased: Leased) -> Iterator[Session]:
    """Nobody can take the question while this process may be saying something for it.

    Slack cannot refuse a message of a worker that froze on its way there; so while it is on its
    way, the question is nobody else's, however long its holder sleeps. PostgreSQL ends the
    transaction of a process that sleeps for a minute: then, see `outbox`. What is written in this
    session is seen before the next one may speak. Raises LeaseLost.
    """
    with question_session(database, leased.id) as session:
        session.execute(_LOCK_POSTING, {"id": leased.id})
        if not session.scalar(_CHECK_LEASE, {"id": leased.id, "token": leased.token}):
            raise LeaseLost
        yield session


def is_posting(session: Session, question_id: int) -> bool:
    """Whether somebody speaks for it; if not, nobody does before this transaction ends."""
    return not session.scalar(_TRY_LOCK_POSTING, {"id": question_id})


def put_back(database: Database, leased: Leased, *, after_s: float | None = None) -> None:
    """What was in the way is not the question's fault: it is tried again after a rest."""
    with question_session(database, leased.id) as session:
        if _release(session, leased, leased.rest_s if after_s is None else after_s):
            session.execute(_RESET_ATTEMPTS, {"id": leased.id})


def cancel(database: Database, question_id: int, reason: str) -> None:
    """Nobody wants the answer any more: whoever works on it is fenced off.

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
    """The question has ended, and is never worked on again; its lease is given back.

    True: something that was written down for it is not out. Raises LeaseLost.
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
    """Whether it was ours to give back."""
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

# The question's own columns.
_READ_QUESTION = statement(
    "SELECT {columns} FROM question WHERE id = :id", columns=", ".join(QUESTION_COLUMNS)
)

# Waits until nobody else posts for the question; ends with the transaction.
_LOCK_POSTING = text(
    "SELECT pg_advisory_xact_lock(hashtext('ken speaks'), (CAST(:id AS bigint) % 2147483647)::int)"
)

# The same without waiting; returns whether it has the lock.
_TRY_LOCK_POSTING = text(_LOCK_POSTING.text.replace("pg_advisory", "pg_try_advisory"))

# Ends the lease, whoever has it: their token is worth nothing any more.
_FENCE_OFF = text("UPDATE lease SET token = token + 1, expires_at = now() WHERE question_id = :id")

# Ends an open question that nobody wants answered any more.
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

# Prolongs a lease that has not run out.
_RENEW_LEASE = text("""
    UPDATE lease SET expires_at = now() + make_interval(secs => :seconds)
    WHERE question_id = :id AND token = :token AND expires_at > now()
""")

# Gives the lease back; an open question rests first. Returns the token, or nothing if it was
# another's. Who waits for an open question to rest is the next to take it; one that has ended
# needs no rest.
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

# Forgets the attempts of an open question: its worker came back.
_RESET_ATTEMPTS = text("UPDATE question SET attempts = 0 WHERE id = :id AND state = 'kept'")
