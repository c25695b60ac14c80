"""Works on a job under a lease: one worker at a time, and another goes on where one died.

Each write of progress shows the lease's token, which only grows: a worker that slept through its
lease can write nothing more, and learns it. All times are the database's.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from policies.tables.jobs import JobState, Wish
from workers.database.sessions import Database
from workers.database.statements import statement
from workers.errors import OperatorError, ServerUnavailable
from workers.intake.leases import worker_id
from workers.observe import stopping
from workers.observe.crashpoints import crashpoint

log = structlog.get_logger()

LEASE_S = 30
MOST_ATTEMPTS = 8
"""A job that was taken so often without getting any further has failed."""
_LONGEST_REST_S = 600.0

Work = Callable[[Database, "Running"], Mapping[str, Any]]
"""The work of one kind of job; returns what it counted. Called again, it goes on."""


class LeaseLost(Exception):
    """Another worker has the job now, or it has ended."""


class PutBack(Exception):
    """The job stops for now and waits for its next turn; nothing has failed."""

    def __init__(self, reason: str = "", *, after_s: float = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after_s = after_s


class Asked(Exception):
    """Somebody asked the job to pause or to end, or a limit did."""

    def __init__(self, state: JobState, reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Running:
    """A job that this process works on, and the token that proves it."""

    database: Database
    id: int
    token: int
    kind: str
    subject: str
    details: Mapping[str, Any]
    actor: str
    attempts: int
    counts: Mapping[str, Any]
    """What it had counted when it stopped before; empty at first."""
    lost: threading.Event

    def step(
        self, step: str, done: int, total: int, counts: Mapping[str, Any] | None = None
    ) -> None:
        """Record how far the work is, after each committed step. Raises Asked if it is to pause or
        end, PutBack if this process is to stop, LeaseLost.
        """
        given = {"id": self.id, "token": self.token, "step": step, "done": done, "total": total}
        written = None if counts is None else json.dumps(dict(counts))
        with self.database.session("indexer") as session:
            given |= {"counts": written}
            wish = session.execute(_PUT_PROGRESS, given).scalar_one_or_none()
            rest = _rest(session, self.details.get("quiet"))
        if wish is None or self.lost.is_set():
            raise LeaseLost
        if wish == Wish.PAUSE:
            raise Asked(JobState.PAUSED, "somebody paused it")
        if wish == Wish.CANCEL:
            raise Asked(JobState.CANCELLED, "somebody cancelled it")
        if rest is not None:
            raise rest
        if stopping.is_requested():
            raise PutBack

    def require(self, session: Session) -> None:
        """Lock the job's row until this transaction ends. Raises LeaseLost if it is not ours.

        In the transaction of a step that must happen once.
        """
        if not session.scalar(_HOLD_JOB, {"id": self.id, "token": self.token}):
            raise LeaseLost


def _rest(session: Session, quiet: Sequence[str] | None) -> PutBack | None:
    """Return how long a job rests that has quiet hours, if it is one of them."""
    if not quiet:
        return None
    seconds = session.scalar(_LEFT_OF_QUIET, {"from": quiet[0], "to": quiet[1]})
    return PutBack(f"It rests until {quiet[1]} UTC.", after_s=seconds) if seconds else None


def work(database: Database, job_id: int, kinds: Mapping[str, Work]) -> bool:
    """Work on a job until it ends or stops; return whether this process did.

    A failure that may pass puts it back, with a growing rest; others end it with a reason.
    """
    with _lease(database, job_id) as running:
        if running is None:
            return False
        try:
            counts = _worked(running, kinds)
            _end(running, JobState.DONE, counts=counts)
        except Asked as asked:
            _end(running, asked.state, asked.reason)
        except PutBack as rest:
            _put_back(running, rest.reason, after_s=rest.after_s, has_failed=False)
        except LeaseLost:
            log.warning("job_lease_lost", job_id=job_id)
        except Exception as error:  # noqa: BLE001 - a worker survives whatever one job does to it
            stopping.exit_if_out_of_memory(error)
            log.warning("job_failed", job_id=job_id, kind=running.kind, error=type(error).__name__)
            _fail(running, error)
    return True


def _worked(running: Running, kinds: Mapping[str, Work]) -> Mapping[str, Any]:
    if running.kind not in kinds:
        raise OperatorError(f"This version knows no job of the kind {running.kind}.")
    if running.attempts > MOST_ATTEMPTS:
        raise OperatorError(
            f"It was begun {MOST_ATTEMPTS} times, and each time its worker ended without a word."
        )
    crashpoint("job_taken")
    return kinds[running.kind](running.database, running)


def _fail(running: Running, error: Exception) -> None:
    may_pass = isinstance(error, SQLAlchemyError | ServerUnavailable | OSError)
    if may_pass and running.attempts < MOST_ATTEMPTS:
        rest_s = min(2.0**running.attempts, _LONGEST_REST_S)
        _put_back(running, reason_of(error), after_s=rest_s, has_failed=True)
    else:
        _end(running, JobState.FAILED, reason_of(error))


def reason_of(error: Exception) -> str:
    """Return a failure in words of ours: what a library says may hold a text or an address."""
    if isinstance(error, OperatorError):
        return f"{error} {error.remedy}".strip()
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        if state.startswith("53"):
            return "The database has no room left (disk, memory or connections)."
        return "The database did not do what was asked of it."
    return type(error).__name__


@contextmanager
def _lease(database: Database, job_id: int) -> Iterator[Running | None]:
    """Hold the job under a lease that is renewed until the block ends; None if there is nothing to
    do.
    """
    given = {"id": job_id, "holder": worker_id(), "seconds": LEASE_S}
    with database.session("indexer") as session:
        row = session.execute(_TAKE_JOB, given).mappings().one_or_none()
    if row is None:
        yield None
        return
    running = Running(database=database, id=job_id, lost=threading.Event(), **row)
    ended = threading.Event()
    pulse = threading.Thread(target=_renew, args=(running, ended), daemon=True)
    pulse.start()
    try:
        yield running
    except BaseException:  # Ctrl-C at the terminal: another may take it at once
        _put_back(running, "", after_s=0, has_failed=False)
        raise
    finally:
        ended.set()
        pulse.join()


def _renew(running: Running, ended: threading.Event) -> None:
    while not ended.wait(LEASE_S / 3):
        try:
            with running.database.session("indexer") as session:
                given = {"id": running.id, "token": running.token, "seconds": LEASE_S}
                if session.execute(_RENEW_JOB, given).scalar_one_or_none() is None:
                    running.lost.set()
                    return
        except SQLAlchemyError as error:  # the next turn tries again, and the token protects
            log.warning("job_lease_not_renewed", job_id=running.id, error=type(error).__name__)


def _end(
    running: Running, state: JobState, reason: str = "", *, counts: Mapping[str, Any] | None = None
) -> None:
    given = {"id": running.id, "token": running.token, "state": state.value, "reason": reason}
    with running.database.session("indexer") as session:
        ended = session.execute(_END_JOB, given).scalar_one_or_none()
        if ended is not None and counts is not None:
            session.execute(_PUT_COUNTS, {"id": running.id, "counts": json.dumps(dict(counts))})
    crashpoint("job_ended")


def _put_back(running: Running, reason: str, *, after_s: float, has_failed: bool) -> None:
    given = {"id": running.id, "token": running.token, "reason": reason, "seconds": after_s}
    given |= {"has_failed": has_failed}
    try:
        with running.database.session("indexer") as session:
            session.execute(_PUT_BACK, given)
    except SQLAlchemyError as error:  # then its lease expires
        log.warning("job_not_put_back", job_id=running.id, error=type(error).__name__)


# Takes an open job that is due and that nobody works on; returns it with its lease's new token.
_TAKE_JOB = text("""
    UPDATE job SET token = token + 1, holder = :holder, attempts = attempts + 1,
                   leased_until = now() + make_interval(secs => :seconds),
                   started_at = coalesce(started_at, now()), reason = ''
    WHERE id = :id AND state = 'waiting' AND leased_until <= now() AND due_at <= now()
    RETURNING token, kind, subject, details, actor, attempts, counts
""")

# Keeps the lease of a job that is ours. Returns its id.
_RENEW_JOB = text("""
    UPDATE job SET leased_until = now() + make_interval(secs => :seconds)
    WHERE id = :id AND token = :token AND leased_until > now() RETURNING id
""")

# Records how far a job is, and the farthest that it ever was: only beyond that its attempts count
# from one again. Returns what is asked of it, or nothing if it is not ours any more.
_PUT_PROGRESS = statement(
    """
    UPDATE job SET step = :step, done = :done, total = :total,
                   counts = coalesce(CAST(:counts AS jsonb), counts),
                   attempts = CASE WHEN {is_further} THEN 1 ELSE attempts END,
                   details = CASE WHEN {is_further}
                             THEN details || jsonb_build_object('reached', CAST(:done AS bigint))
                             ELSE details END
    WHERE id = :id AND token = :token AND leased_until > now() RETURNING wish
    """,
    is_further="(:done > coalesce(CAST(details ->> 'reached' AS bigint), 0))",
)

# Returns whether this token holds the job, and keeps its row to the end of the transaction.
_HOLD_JOB = text(
    "SELECT token = :token AND leased_until > now() FROM job WHERE id = :id FOR UPDATE"
)

# Returns for how many seconds it still is between two hours of the day (UTC); null: it is not.
_LEFT_OF_QUIET = text("""
    SELECT CASE WHEN CASE WHEN f <= t THEN hour >= f AND hour < t ELSE hour >= f OR hour < t END
        THEN CAST(extract(epoch FROM t - hour + CASE WHEN t > hour THEN interval '0'
                                                ELSE interval '1 day' END) AS float) END
    FROM (SELECT CAST(:from AS time) AS f, CAST(:to AS time) AS t,
                 CAST(now() AT TIME ZONE 'UTC' AS time) AS hour) AS given
""")

# Ends a job that is ours, or pauses it; gives its lease back. Returns its id.
_END_JOB = text("""
    UPDATE job SET state = :state, reason = :reason, wish = '', token = token + 1,
                   leased_until = '-infinity',
                   ended_at = CASE WHEN :state = 'paused' THEN NULL ELSE now() END
    WHERE id = :id AND token = :token RETURNING id
""")

# Records what a job counted.
_PUT_COUNTS = text("UPDATE job SET counts = CAST(:counts AS jsonb) WHERE id = :id")

# Gives a job that is ours back; it is due again after a rest. A pause or an end that was asked for
# meanwhile counts now.
_PUT_BACK = text("""
    UPDATE job SET token = token + 1, leased_until = '-infinity', reason = :reason,
                   due_at = now() + make_interval(secs => :seconds),
                   attempts = CASE WHEN :has_failed THEN attempts ELSE attempts - 1 END,
                   state = CASE wish WHEN 'pause' THEN 'paused' WHEN 'cancel' THEN 'cancelled'
                                     ELSE state END,
                   ended_at = CASE wish WHEN 'cancel' THEN now() END,
                   wish = ''
    WHERE id = :id AND token = :token
""")
