"""The epoch, former rows of access tables, the audit, and the seal."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Identity, Index, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from policies.tables.base import Base


class Epoch(Base):
    """One row: the number of the last committed change to anything that decides access."""

    __tablename__ = "epoch"

    single: Mapped[bool] = mapped_column(primary_key=True, default=True)
    value: Mapped[int]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class Seal(Base):
    """The secret under which row-level security keeps what it found; only the owner reads it."""

    __tablename__ = "seal"

    single: Mapped[bool] = mapped_column(primary_key=True, default=True)
    secret: Mapped[bytes]


class Past(Base):
    """A row of an access table as it was before a change. Only triggers write it.

    The first change after a time has the row as it was at that time; a row without a change is the
    same today.
    """

    __tablename__ = "past"
    __table_args__ = (Index("past_key", "relation", "key", "id"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    epoch: Mapped[int] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    relation: Mapped[str]
    """Name of the table."""
    key: Mapped[list[Any]] = mapped_column(JSONB)
    before: Mapped[dict[str, Any] | None]
    """None if the row did not exist."""


class Audit(Base):
    """One change: what, by whom, under which epoch. Rows are never changed or removed."""

    __tablename__ = "audit"
    __table_args__ = (CheckConstraint("action <> ''"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    epoch: Mapped[int]
    actor: Mapped[str]
    action: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
