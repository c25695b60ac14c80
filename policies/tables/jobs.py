"""Long work: jobs with their leases and progress, and when they are due again. No text."""

from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Identity, Index, func
from sqlalchemy import text as condition
from sqlalchemy.orm import Mapped, mapped_column

from policies.tables.base import Base, as_text


class JobState(StrEnum):
    WAITING = "waiting"
    """To be done; it runs while its lease runs."""
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Wish(StrEnum):
    """What somebody asked of a job that runs."""

    NONE = ""
    PAUSE = "pause"
    CANCEL = "cancel"


class Job(Base):
    """A piece of long work, such as a re-index. At most one of a kind is open for a subject."""

    __tablename__ = "job"
    __table_args__ = (
        Index(
            "job_open",
            "kind",
            "subject",
            unique=True,
            postgresql_where=condition("state IN ('waiting', 'paused')"),
        ),
        Index("job_due", "due_at", postgresql_where=condition("state = 'waiting'")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str] = mapped_column(default="", server_default="")
    """What it is about, such as a source's name; empty for the whole index."""
    details: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """What its kind needs to know, and as `reached` the farthest that it ever was. Never a secret,
    never a document's text."""
    actor: Mapped[str]
    state: Mapped[JobState] = mapped_column(
        as_text(JobState), default=JobState.WAITING, server_default="waiting"
    )
    wish: Mapped[Wish] = mapped_column(as_text(Wish), default=Wish.NONE, server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    step: Mapped[str] = mapped_column(default="", server_default="")
    done: Mapped[int] = mapped_column(default=0, server_default="0")
    total: Mapped[int] = mapped_column(default=0, server_default="0")
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    reason: Mapped[str] = mapped_column(default="", server_default="")
    """Why it waits again, is paused or has failed: words of ours."""
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often in a row it was taken without getting any further."""
    token: Mapped[int] = mapped_column(default=0, server_default="0")
    """It only grows; a worker that has lost its lease can write nothing."""
    holder: Mapped[str] = mapped_column(default="", server_default="")
    leased_until: Mapped[datetime] = mapped_column(server_default=condition("'-infinity'"))


class Schedule(Base):
    """When a job of a kind is made again for a subject."""

    __tablename__ = "schedule"
    __table_args__ = (
        CheckConstraint("every >= interval '1 second'"),
        CheckConstraint("(quiet_from IS NULL) = (quiet_to IS NULL)"),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    every: Mapped[timedelta]
    quiet_from: Mapped[time | None]
    quiet_to: Mapped[time | None]
    """No job is made in between, in UTC; over midnight where it ends before it begins."""
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    paused: Mapped[bool] = mapped_column(default=False, server_default="false")
    actor: Mapped[str]
