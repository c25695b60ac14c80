"""One load, or one call that pushes, works on a source at a time, of whatever process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from workers.database.sessions import Database

_EVERY_S = 0.2


class SourceBusy(Exception):
    """Another works on this source, or this process has enough to do; retry shortly."""


@contextmanager
def alone(database: Database, source: str, *, patience_s: float = 0.0) -> Iterator[None]:
    """Work on a source while nobody else does: what is older never overwrites what is newer.

    Raises SourceBusy if another is still at it after so many seconds.
    """
    until = time.monotonic() + patience_s
    with database.session("indexer") as session:
        session.execute(_WAIT_LONG)
        while not session.scalar(_TRY_LOCK, {"source": source}):
            if time.monotonic() >= until:
                raise SourceBusy
            time.sleep(_EVERY_S)
        yield


# Takes the source until this transaction ends; returns whether it was free.
_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtext('ken push'), hashtext(:source))")
# Lets this transaction be idle for as long as its documents take.
_WAIT_LONG = text("SET LOCAL idle_in_transaction_session_timeout = 0")
