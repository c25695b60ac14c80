"""Rebuilds access tables as they were at a past time, from today's rows and `past`.

For administrators: only the syncer's role reads `past`.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    Table,
    column,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlalchemy.orm import Session, aliased

from policies.audience import Class
from policies.tables.base import Base
from policies.tables.history import Epoch, Past
from policies.tables.people import User, UserStatus
from policies.tables.permissions import Node, NodeKind
from policies.tables.sources import Source

Model = TypeVar("Model", bound=Base)


class OutsideHistory(ValueError):
    """The history does not cover that time: it is in the future, or before `began`."""

    def __init__(self, began: datetime, now: datetime, at: datetime) -> None:
        super().__init__(f"nothing is known of {at}: the history is from {began} to {now}")
        self.began, self.now, self.at = began, now, at


def require_known(session: Session, at: datetime | None) -> None:
    """Raise OutsideHistory if the time is not covered. None, which means now, always is."""
    if at is None:
        return
    began, now = began_at(session), session.scalars(select(func.clock_timestamp())).one()
    if not began <= at <= now:
        raise OutsideHistory(began, now, at)


def began_at(session: Session) -> datetime:
    """The first change that we remember what was before; none yet: the last change there was."""
    first = select(func.min(Past.at)).scalar_subquery()
    return session.scalars(select(func.coalesce(first, Epoch.at))).one()


def as_of(model: type[Model], at: datetime | None) -> type[Model]:
    """Return a selectable of the table's rows as they were at that time, or with None as they are.

    The first change after that time has the row as it was then (`Past`). A row without a change is
    the same today. A change counts from the time at which its transaction took its epoch.
    """
    return model if at is None else cast(type[Model], _then(model, at))


@lru_cache(maxsize=64)
def _then(model: type[Base], at: datetime) -> Any:
    table = cast(Table, model.__table__)
    changed = (
        select(Past.key, Past.before)
        .ext(distinct_on(Past.key))
        .where(Past.relation == table.name, Past.at > at)
        .order_by(Past.key, Past.id)
        .cte(f"{table.name}_changed")
    )
    key = func.jsonb_build_array(*table.primary_key)
    unchanged = select(*table.columns).where(~exists().where(changed.c.key == key))
    was = func.jsonb_populate_record(
        literal_column(f"NULL::{table.name}"), changed.c.before
    ).table_valued(*(column(one.name, one.type) for one in table.columns))
    before = (
        select(*was.c).select_from(changed.join(was, true())).where(changed.c.before.is_not(None))
    )
    then = union_all(unchanged, before).cte(f"{table.name}_then")
    return aliased(model, then)


def since(
    session: Session,
    model: type[Base],
    key: Sequence[Any],
    attribute: str,
    value: Any,
    at: datetime | None = None,
) -> datetime | None:
    """Return when the row with this key got the value that it has, or had at that time.

    None if that was before the history began.
    """
    found = select(Past.at).where(
        Past.relation == model.__tablename__,
        Past.key == literal(list(key), JSONB),
        Past.before[attribute].is_distinct_from(literal(value, JSONB)),
    )
    if at is not None:
        found = found.where(Past.at <= at)
    return session.scalars(found.order_by(Past.id.desc()).limit(1)).first()


def documents_ever(session: Session, name: str) -> set[int]:
    """Return every document that ever had this name, `ID` or `SOURCE:ID`; usually at most one."""
    now = select(Node.id).join(Source, Source.id == Node.source_id)
    then = select(Past.key[0].as_integer()).join(
        Source, Source.id == Past.before["source_id"].as_integer()
    )
    native_id = Past.before["native_id"].as_string()
    return {
        *session.scalars(now.where(Node.kind == NodeKind.DOCUMENT, _called(Node.native_id, name))),
        *session.scalars(
            then.where(
                Past.relation == Node.__tablename__,
                Past.before["kind"].as_string() == NodeKind.DOCUMENT,
                _called(native_id, name),
            )
        ),
    }


def _called(native_id: Any, name: str) -> ColumnElement[bool]:
    return or_(native_id == name, Source.name + ":" + native_id == name)


def people_in(session: Session, one: Class, moments: Iterable[datetime]) -> dict[int, str]:
    """Return ids and names of everybody who was active in this class at any of the times."""
    wanted = sorted(moments)
    if not wanted:
        return {}
    changes = session.scalars(
        select(Past.at)
        .distinct()
        .where(Past.relation == User.__tablename__, Past.at > wanted[0])
        .order_by(Past.at)
    ).all()
    apart = {bisect_right(changes, moment): moment for moment in wanted}
    found: dict[int, str] = {}
    for moment in apart.values():
        user = as_of(User, moment)
        rows = session.execute(
            select(user.id, user.name).where(user.class_id >= one, user.status == UserStatus.ACTIVE)
        )
        found.update((user_id, name) for user_id, name in rows)
    return found
