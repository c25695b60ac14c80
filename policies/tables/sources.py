"""The systems that documents, groups and accounts come from, and the runs that sync them."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from policies.tables.base import Base, as_text


class Source(Base):
    """A system that documents, groups or identities come from."""

    __tablename__ = "source"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    url: Mapped[str | None]
    paused: Mapped[bool] = mapped_column(default=False, server_default="false")
    max_staleness: Mapped[timedelta | None]
    """Permissions older than this are not used; None means no limit."""
    synced_at: Mapped[datetime | None]
    """When the last complete load ended, or the last complete push began."""


class RunKind(StrEnum):
    COMPLETE = "complete"
    DELTA = "delta"


class RunState(StrEnum):
    STAGING = "staging"
    WAITING = "waiting"
    APPLIED = "applied"
    REFUSED = "refused"
    DROPPED = "dropped"
    UNDONE = "undone"


class SyncRun(Base):
    """One push of a source's permissions: staged, compared, applied or not."""

    __tablename__ = "sync_run"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id), index=True)
    kind: Mapped[RunKind] = mapped_column(as_text(RunKind))
    state: Mapped[RunState] = mapped_column(
        as_text(RunState), default=RunState.STAGING, server_default="staging"
    )
    actor: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
    epoch: Mapped[int | None]
    """The epoch of the change that it made; None if it changed nothing."""
    difference: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    left_out: Mapped[list[Any]] = mapped_column(JSONB, default=list, server_default="[]")


class SyncPage(Base):
    """A part of what a run pushes, until the run ends."""

    __tablename__ = "sync_page"

    run_id: Mapped[int] = mapped_column(
        ForeignKey(SyncRun.id, ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    lines: Mapped[list[Any]] = mapped_column(JSONB)


class PushRequest(Base):
    """What was answered to a push of documents, by the key that its sender gave it."""

    __tablename__ = "push_request"
    __table_args__ = (Index("push_request_at", "at"),)

    source_id: Mapped[int] = mapped_column(
        ForeignKey(Source.id, ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    """The hash of what was asked: the same key for something else is a mistake."""
    results: Mapped[list[Any] | None] = mapped_column(JSONB, nullable=False)
    """JSON's null, as long as its push has not ended."""
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class ConnectorRow(Base):
    """A source that Ken lists by itself: what was chosen, and where its pass goes on."""

    __tablename__ = "connector"

    source_id: Mapped[int] = mapped_column(
        ForeignKey(Source.id, ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str]
    options: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    secret: Mapped[bytes | None]
    """Encrypted with KEN_TOKEN_KEY, as the tokens of installations are."""
    cursor: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Where a pass goes on that was cut off; empty: the next one begins anew."""
    problems: Mapped[list[Any]] = mapped_column(JSONB, default=list, server_default="[]")
    """What the last pass could not do, in words of ours."""
    added_by: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(server_default=func.now())
    passed_at: Mapped[datetime | None]
    """When the last pass ended."""
    full_at: Mapped[datetime | None]
    """When the last full pass began that has ended."""
