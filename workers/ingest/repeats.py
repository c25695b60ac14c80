"""Pushes that are sent again under their key: they change nothing, and are answered as before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from policies.tables.sources import PushRequest, Source

REMEMBERED: Final = timedelta(days=1)


class KeyReused(Exception):
    """The key was used for another push of this source."""


@dataclass(frozen=True, slots=True)
class Once:
    """A push that takes effect once, however often it is sent."""

    key: str
    fingerprint: bytes
    """The hash of what is asked."""


def earlier_results(session: Session, source: str, once: Once) -> list[Any] | None:
    """Return what this push was answered; None if it was not answered yet. Raises KeyReused."""
    row = session.execute(
        select(PushRequest.fingerprint, PushRequest.results)
        .join(Source, Source.id == PushRequest.source_id)
        .where(
            Source.name == source,
            PushRequest.key == once.key,
            PushRequest.at > func.now() - REMEMBERED,
        )
    ).one_or_none()
    if row is None:
        return None
    if row.fingerprint != once.fingerprint:
        raise KeyReused
    return list(row.results)


def remember(session: Session, source: str, once: Once, results: Sequence[Any]) -> None:
    """Store what a push was answered, and forget what was answered long ago."""
    session.execute(delete(PushRequest).where(PushRequest.at <= func.now() - REMEMBERED))
    source_id = session.scalar(select(Source.id).where(Source.name == source))
    if source_id is not None:  # of a source that is not there, nothing can be deleted
        session.execute(
            insert(PushRequest).values(
                source_id=source_id,
                key=once.key,
                fingerprint=once.fingerprint,
                results=list(results),
            )
        )
