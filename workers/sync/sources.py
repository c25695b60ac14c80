"""Sources whose permissions are pushed: shows their state, pauses them, sets their age limit."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from policies.change import Change
from policies.decide import Freshness
from policies.tables.permissions import Node, NodeKind
from policies.tables.sources import Source
from workers.database.sessions import Database
from workers.errors import InputInvalid

LONGEST: Final = timedelta(days=3650)


class Unset(Enum):
    """Marks that no value was given, unlike the value None."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True)
class SourceFacts:
    name: str
    paused: bool
    max_staleness: timedelta | None
    synced_at: datetime | None
    usable: bool
    """True if it is neither paused nor out of date now."""
    documents: int
    closed: int
    """Nodes that nobody may read: their permissions are not known, or they are gone."""


def all_sources(database: Database) -> list[SourceFacts]:
    """List every source by name, with its state."""
    with database.session("syncer") as session:
        rows = session.execute(
            select(Source, func.now().label("now"), _DOCUMENTS, _CLOSED).order_by(Source.name)
        ).all()
        return [
            SourceFacts(
                source.name,
                source.paused,
                source.max_staleness,
                source.synced_at,
                _usable(source, now),
                documents,
                closed,
            )
            for source, now, documents, closed in rows
        ]


def set_source(
    database: Database,
    name: str,
    *,
    actor: str,
    paused: bool | None = None,
    max_staleness: timedelta | Unset | None = UNSET,
) -> None:
    """Pause or resume a source, and set how old its permissions may be. Raises InputInvalid."""
    if isinstance(max_staleness, timedelta) and not timedelta(0) < max_staleness <= LONGEST:
        raise InputInvalid(
            f"max_staleness must be more than 0 and at most {LONGEST.days} days.",
            remedy="Give a period such as 24h, or none.",
        )
    with database.session("syncer") as session:
        change = Change(session, actor=actor)
        source = session.get_one(Source, source_id_of(session, name))
        change.set_freshness(
            source.id,
            paused=source.paused if paused is None else paused,
            max_staleness=source.max_staleness if max_staleness is UNSET else max_staleness,
        )


def source_id_of(session: Session, name: str) -> int:
    plain = "\x00" not in name and name == name.encode("utf-8", "replace").decode()
    found = session.scalar(select(Source.id).where(Source.name == name)) if plain else None
    if found is None:
        raise InputInvalid(
            f"source: there is no source {name!r}.", remedy="`ken source list` shows all sources."
        )
    return found


def check_source_name(name: str) -> None:
    plain = name.isprintable() and name == name.encode("utf-8", "replace").decode()
    if not plain or not 1 <= len(name) <= 200 or name != name.strip():
        raise InputInvalid(
            f"source: {name[:50]!r} is not a valid name of a source.",
            remedy="Use 1 to 200 printable characters, with no space at either end.",
        )


def _usable(source: Source, now: datetime) -> bool:
    return Freshness(source.paused, source.max_staleness, source.synced_at).usable(now)


_DOCUMENTS = (
    select(func.count())
    .where(Node.source_id == Source.id, Node.kind == NodeKind.DOCUMENT, Node.gone_at.is_(None))
    .scalar_subquery()
)


_CLOSED = (
    select(func.count())
    .where(Node.source_id == Source.id, Node.acl_state == "unknown")
    .scalar_subquery()
)
