"""Keeps the codes of all chunks in a worker's memory as the database has them.

Every change of a text or of a document's policy takes the next epoch, and `document_change` has the
epoch of each document's last one. So a question reads only what changed since the one before. A
copy that were wrong could find fewer chunks; what it finds is read under the audience's policies.
"""

import struct
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy import func, null, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from policies import Visible
from policies.tables.content import DocumentChange
from policies.tables.history import Epoch
from workers.database.sessions import Database, driver_of
from workers.index.codes import NONE, Codes, Found, codes_of, joined, nearest_of, padded
from workers.index.versions import Version

_PART, _FEWEST = 10, 20_000
"""What was added is put in its place when it is a tenth of all, and not so few chunks."""
_HEADER, _TRAILER = 19, 2
"""Bytes around the rows of PostgreSQL's binary COPY."""
_BITS = 2 + 3 * 12 + 5 + 4
"""Where a row says how many bits a code has."""


class Index:
    """The copies of a worker, one for each model; made when a question first asks for it."""

    def __init__(self) -> None:
        self._copies: dict[str, _Copy] = {}
        self.version: Version | None = None
        """The version that was active when a question last looked."""

    def nearest(
        self,
        session: Session,
        visible: Visible,
        model: str,
        vector: NDArray[np.float32],
        *,
        limit: int,
        foreign_only: bool = False,
    ) -> Found:
        """Return the chunks that are likely to be nearest among what the audience may read."""
        return nearest_of(
            self._parts(session, model),
            visible.policy_ids,
            vector,
            limit=limit,
            foreign_only=foreign_only,
        )

    def hold(self, database: Database, models: Collection[str]) -> None:
        """Hold the codes of these models and of no other: read those that are missing, so that no
        question waits for it, and let go of those that no question compares any more.
        """
        self._copies = {name: one for name, one in self._copies.items() if name in models}
        self.warm(database, *sorted({*models} - self._copies.keys()))

    def warm(self, database: Database, *models: str) -> None:
        """Read the codes before the first question: about 7 s of processor time for a million."""
        if models:
            with database.snapshot("answerer") as session:
                for model in models:
                    self._parts(session, model)

    def visible_chunks(self, session: Session, visible: Visible, model: str) -> int:
        """Return how many chunks the audience may read."""
        return sum(part.count(visible.policy_ids) for part in self._parts(session, model))

    def _parts(self, session: Session, model: str) -> tuple[Codes, Codes]:
        """Return the codes for this transaction, which is one snapshot: the same each time."""
        key = (Index, model)
        if key not in session.info:
            session.info[key] = self._copies.setdefault(model, _Copy(model)).parts(session)
        found: tuple[Codes, Codes] = session.info[key]
        return found


_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Copy:
    """The codes of one model: those that were read at first, and those that came since."""

    model: str
    base: Codes = NONE
    added: Codes = NONE
    epoch: int = -1
    """What it is the state of; -1 before the first."""
    since: datetime = _NEVER
    lock: Lock = field(default_factory=Lock)

    def parts(self, session: Session) -> tuple[Codes, Codes]:
        """Return all codes, as of this snapshot or later."""
        with self.lock:
            later = select(DocumentChange.document_id).where(DocumentChange.epoch > self.epoch)
            changed = func.array(later.scalar_subquery()) if self.epoch >= 0 else null()
            epoch, since, ids = session.execute(select(Epoch.value, Epoch.at, changed)).one()
            if self.epoch < 0 or (epoch <= self.epoch and since > self.since):
                self.base, self.added = _read(session, self.model, None), NONE  # or a backup's
            elif epoch > self.epoch:
                self._change(session, np.array(ids, np.int64))
            else:
                return self.base, self.added
            self.epoch, self.since = epoch, since
            return self.base, self.added

    def _change(self, session: Session, document_ids: NDArray[np.int64]) -> None:
        if not len(document_ids):
            return
        now = _read(session, self.model, document_ids.tolist())
        self.base = self.base.without(document_ids)
        self.added = joined(self.added.without(document_ids), now)
        if len(self.added) > max(_FEWEST, len(self.base) // _PART):
            self.base, self.added = joined(self.base, self.added), NONE


def _read(session: Session, model: str, document_ids: list[int] | None) -> Codes:
    """Read the codes of these documents' chunks, or of all. Raises DBAPIError."""
    given = {"model": model, "documents": document_ids}
    try:
        with driver_of(session).cursor() as cursor, cursor.copy(_READ_CODES, given) as copy:
            found = b"".join(copy)
    except psycopg.Error as error:  # as every other statement fails: the question is put back
        raise DBAPIError("COPY", None, error, hide_parameters=True) from error
    rows = found[_HEADER:-_TRAILER]
    if not rows:
        return NONE
    ((bits,),) = struct.iter_unpack(">i", rows[_BITS : _BITS + 4])
    return _codes(np.frombuffer(rows, _row(bits)))


def _codes(rows: NDArray[np.void]) -> Codes:
    return codes_of(
        rows["chunk"].astype(np.int64),
        rows["document"].astype(np.int64),
        rows["policy"].astype(np.int64),
        rows["foreign"].astype(np.bool_),
        padded(np.ascontiguousarray(rows["code"])),
    )


def _row(bits: int) -> np.dtype[np.void]:
    """Return how PostgreSQL sends a row: each value behind its length, and bits behind theirs."""
    return np.dtype(
        [
            ("values", ">i2"),
            ("chunk length", ">i4"), ("chunk", ">i8"),
            ("document length", ">i4"), ("document", ">i8"),
            ("policy length", ">i4"), ("policy", ">i8"),
            ("foreign length", ">i4"), ("foreign", "i1"),
            ("code length", ">i4"), ("bits", ">i4"), ("code", "u1", (bits + 7) // 8),
        ]
    )  # fmt: skip


# Reads the codes of chunks, whether or not anybody may read them; of another length none.
_READ_CODES = """
    COPY (SELECT chunk_id, document_id, policy_id, is_foreign, code
          FROM codes_of(%(model)s, %(documents)s)
          WHERE length(code) = (SELECT dimension FROM embedding_model WHERE name = %(model)s)
    ) TO STDOUT (FORMAT binary)
"""
