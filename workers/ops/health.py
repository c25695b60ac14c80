"""Health of a process: /healthz says whether it runs, /readyz whether it can do its job now.

The answers contain only names and yes or no: no address, no version, no error.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Generic, TypeVar

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from workers.database.requirements import HEAD, revision
from workers.database.sessions import Database, driver_of
from workers.errors import OperatorError
from workers.settings import Role

ANSWER_S = 2.0
"""A server that has not answered after this many seconds counts as down."""

T = TypeVar("T")
_turned: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class Report:
    """Checks that are needed, and others that are only reported and may be false."""

    needed: Mapping[str, bool]
    reported: Mapping[str, bool]

    @property
    def ok(self) -> bool:
        return all(self.needed.values())

    def words(self) -> dict[str, bool]:
        return {"ok": self.ok, **self.needed, **self.reported}


def turned(part: str) -> None:
    """Record that a part of this process has finished another round."""
    _turned[part] = time.monotonic()


def has_turned(part: str, *, within_s: float) -> bool:
    """Return whether it has finished a round recently; False before the first."""
    return time.monotonic() - _turned.get(part, float("-inf")) < within_s


class Patient(Generic[T]):
    """A question to something that may hang: `otherwise` is the answer that did not come in time.

    While one hangs, no second is asked.
    """

    def __init__(self, ask: Callable[[], T], otherwise: T, *, wait_s: float = ANSWER_S) -> None:
        self._ask, self._otherwise, self._wait_s = ask, otherwise, wait_s
        self._asking: Future[T] | None = None
        self._lock = Lock()

    def __call__(self) -> T:
        with self._lock:
            asking = self._asking
            if asking is None or asking.done():
                asking = self._asking = Future()
                Thread(target=self._answer, args=(asking,), daemon=True).start()
        with suppress(TimeoutError):
            return asking.result(self._wait_s)
        return self._otherwise

    def _answer(self, asking: "Future[T]") -> None:
        try:
            asking.set_result(self._ask())
        except Exception:  # noqa: BLE001 - any error in the thread means no
            asking.set_result(self._otherwise)


@dataclass(frozen=True, slots=True)
class Store:
    """The result of asking PostgreSQL as one role."""

    answers: bool = False
    current: bool = False
    """True if the schema is the one that this version needs."""


def store(database: Database, role: Role) -> Callable[[], Store]:
    """Ask PostgreSQL, and wait at most ANSWER_S seconds."""

    def look() -> Store:
        try:
            with database.session(role) as session:
                session.execute(text("SET LOCAL statement_timeout = '2s'"))
                return Store(answers=True, current=revision(driver_of(session)) == HEAD)
        except (SQLAlchemyError, psycopg.Error, OperatorError):
            return Store()

    return Patient(look, Store())


def store_report(found: Store, reported: Mapping[str, bool] | None = None) -> Report:
    return Report({"postgresql": found.answers, "schema": found.current}, reported or {})
