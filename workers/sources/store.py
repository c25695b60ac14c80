"""Sources that Ken lists by itself: what was chosen, a sealed secret, and where a pass stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import SecretStr
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from policies.change import Change
from policies.source import stored_nodes
from policies.tables.permissions import NodeKind
from policies.tables.sources import ConnectorRow, Source
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.slack.encryption import seal, unseal
from workers.sync.sources import check_source_name


@dataclass(frozen=True, slots=True)
class Stored:
    """A source that Ken lists by itself, without its secret."""

    source: str
    source_id: int
    kind: str
    options: Mapping[str, Any]
    cursor: Mapping[str, Any]
    problems: tuple[str, ...]
    added_by: str
    passed_at: datetime | None
    full_at: datetime | None
    has_secret: bool
    sealed: bytes | None = field(default=None, repr=False)


def put(
    database: Database,
    source: str,
    kind: str,
    options: Mapping[str, Any],
    *,
    actor: str,
    secret: SecretStr | None = None,
) -> None:
    """Add a connector, or change its options and its secret; None keeps the secret that it has.

    Its next pass begins anew. Raises InputInvalid, and SettingsInvalid without a key to seal with.
    """
    check_source_name(source)
    sealed = None if secret is None else seal(database.settings, secret.get_secret_value())
    with database.session("indexer") as session:
        source_id = Change(session, actor=actor).put_source(source)
        values: dict[str, Any] = {
            "kind": kind,
            "options": dict(options),
            "cursor": {},
            "problems": [],
        }
        if sealed is not None:
            values["secret"] = sealed
        held = session.scalar(select(ConnectorRow.kind).where(ConnectorRow.source_id == source_id))
        if held not in (None, kind):
            raise InputInvalid(
                f"Source {source!r} is a connector of the kind {held}.",
                remedy="Remove it first: `ken source remove`.",
            )
        session.execute(
            insert(ConnectorRow)
            .values(source_id=source_id, added_by=actor, **values)
            .on_conflict_do_update(index_elements=["source_id"], set_=values)
        )


def read(database: Database, source: str) -> Stored:
    """Raises InputInvalid if this source is not one that Ken lists."""
    for one in all_connectors(database):
        if one.source == source:
            return one
    raise InputInvalid(
        f"Ken does not list a source {source!r} by itself.",
        remedy="`ken source add` adds one; `ken source list` shows all sources.",
    )


def all_connectors(database: Database) -> list[Stored]:
    with database.session("indexer") as session:
        rows = session.execute(
            select(ConnectorRow, Source.name)
            .join(Source, Source.id == ConnectorRow.source_id)
            .order_by(Source.name)
        )
        return [
            Stored(
                source=name,
                source_id=row.source_id,
                kind=row.kind,
                options=row.options,
                cursor=row.cursor,
                problems=tuple(row.problems),
                added_by=row.added_by,
                passed_at=row.passed_at,
                full_at=row.full_at,
                has_secret=row.secret is not None,
                sealed=row.secret,
            )
            for row, name in rows
        ]


def secret_of(database: Database, stored: Stored) -> str:
    """Return the secret, or "" if it has none. Raises SlackRefused if no key of ours opens it."""
    return unseal(database.settings, stored.sealed) if stored.sealed else ""


def put_cursor(database: Database, source_id: int, cursor: Mapping[str, Any]) -> None:
    """Store where the pass goes on, after what comes before that place was stored."""
    with database.session("indexer") as session:
        session.execute(
            update(ConnectorRow)
            .where(ConnectorRow.source_id == source_id)
            .values(cursor=dict(cursor))
        )


def put_passed(
    database: Database, source_id: int, *, problems: Sequence[str], full_since: datetime | None
) -> None:
    """Record that a pass has ended, and what it could not do."""
    values: dict[str, Any] = {"cursor": {}, "problems": list(problems), "passed_at": func.now()}
    if full_since is not None:
        values["full_at"] = full_since
    with database.session("indexer") as session:
        session.execute(
            update(ConnectorRow).where(ConnectorRow.source_id == source_id).values(**values)
        )


def remove(database: Database, source: str, *, actor: str) -> int:
    """Remove a connector with its secret, and what it brought; return how many documents.

    Nobody reads any of it from then on. Containers are deleted later, as if a list left them out.
    """
    stored = read(database, source)
    removed = 0
    with database.session("indexer") as session:
        change = Change(session, actor=actor)
        for node in stored_nodes(session, stored.source_id).values():
            if node.kind is NodeKind.CONTAINER:
                change.set_gone(node.id)
            else:
                change.delete_document(node.id)
                removed += 1
        session.execute(delete(ConnectorRow).where(ConnectorRow.source_id == stored.source_id))
    return removed
