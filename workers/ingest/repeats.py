"""Pushes that are sent again under their key: they are not carried out again.

A key is taken before the work, and for good, even if its push finds no place or ends in a fault. So
a push takes effect when it first arrives or never, and what is sent again brings nothing back that
another push has taken away meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import JSON, delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from policies.tables.sources import PushRequest, Source

REMEMBERED: Final = timedelta(days=1)


class KeyReused(Exception):
    """The key was used for another push of this source."""


class AnswerUnknown(Exception):
    """This push came before; it is running, was cut off, or found no place."""


@dataclass(frozen=True, slots=True)
class Once:
    """A push that takes effect once, however often it is sent."""

    key: str
    fingerprint: bytes
    """The hash of what is asked."""


def begin(session: Session, source: str, once: Once) -> list[Any] | None:
    """Take the key; if it is taken already, return what its push was answered.

    Raises KeyReused and AnswerUnknown. Forgets what was answered long ago.
    """
    session.execute(delete(PushRequest).where(PushRequest.at <= func.now() - REMEMBERED))
    source_id = _source_id(session, source)
    if source_id is None:  # a source that is not there has nothing that could be deleted
        return None
    values = {"source_id": source_id, "key": once.key, "fingerprint": once.fingerprint}
    taken = upsert(PushRequest).values(**values, results=JSON.NULL).on_conflict_do_nothing()
    if session.scalar(taken.returning(PushRequest.key)) is not None:
        return None
    row = session.execute(
        select(PushRequest.fingerprint, PushRequest.results).where(
            PushRequest.source_id == source_id, PushRequest.key == once.key
        )
    ).one()
    if row.fingerprint != once.fingerprint:
        raise KeyReused
    if row.results is None:
        raise AnswerUnknown
    return list(row.results)


def remember(session: Session, source: str, once: Once, results: Sequence[Any]) -> None:
    """Store what the push of this key was answered."""
    source_id = _source_id(session, source)
    if source_id is None:
        return
    ours = (PushRequest.source_id == source_id, PushRequest.key == once.key)
    session.execute(delete(PushRequest).where(*ours))
    session.execute(
        insert(PushRequest).values(
            source_id=source_id,
            key=once.key,
            fingerprint=once.fingerprint,
            results=list(results),
        )
    )


def _source_id(session: Session, name: str) -> int | None:
    return session.scalar(select(Source.id).where(Source.name == name))
