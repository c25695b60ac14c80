"""Questions, errands, replies and answers. A table with text has row-level security."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from policies.tables.base import Base, as_text
from policies.tables.people import User


class QuestionState(StrEnum):
    KEPT = "kept"
    ANSWERED = "answered"
    ABSTAINED = "abstained"
    FAILED = "failed"


class OutboxState(StrEnum):
    READY = "ready"
    POSTED = "posted"
    DROPPED = "dropped"


class PostedChange(StrEnum):
    WITHDRAWN = "withdrawn"
    OUTDATED = "outdated"
    DELETED = "deleted"


class StoredQuestion(Base):
    """A question, unique by Slack's event, and by channel and ts."""

    __tablename__ = "question"
    __table_args__ = (
        UniqueConstraint("channel_id", "message_ts", "revision"),
        Index("question_open", "asked_at", postgresql_where="state = 'kept'"),
        Index("question_thread", "channel_id", "thread_ts"),
        Index("question_asker", "team_id", "user_id", "asked_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    event_id: Mapped[str] = mapped_column(unique=True)
    surface: Mapped[str]
    team_id: Mapped[str]
    channel_id: Mapped[str]
    message_ts: Mapped[str]
    thread_ts: Mapped[str]
    user_id: Mapped[str]
    """The asker's id on the surface: a Slack id, or outside of Slack a user id of ours."""
    text: Mapped[str]
    state: Mapped[QuestionState] = mapped_column(
        as_text(QuestionState), default=QuestionState.KEPT, server_default="kept"
    )
    reason: Mapped[str | None]
    """Why it failed: the name of an error, never its text."""
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many workers in a row took it and did not finish."""
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
    trace: Mapped[str | None]
    """W3C traceparent."""
    revision: Mapped[str] = mapped_column(default="", server_default="")
    """When the message was edited, as Slack's ts; the event's id if it is not a message."""
    about: Mapped[int | None] = mapped_column(ForeignKey("question.id", ondelete="SET NULL"))
    """The question that is asked again, for other readers."""
    borrowed: Mapped[bool] = mapped_column(default=False, server_default="false")
    """True if somebody else wrote the text, or part of it."""
    earlier: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    """What was said before, oldest first, where no thread in Slack holds it."""
    chosen: Mapped[int | None]
    """The document that the asker chose when Ken asked back."""
    sources: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    """The only sources that the answer may use, by name; None for all."""


class Lease(Base):
    """Which worker has a question, until when. The token only grows, so an old worker fails."""

    __tablename__ = "lease"

    question_id: Mapped[int] = mapped_column(
        ForeignKey(StoredQuestion.id, ondelete="CASCADE"), primary_key=True
    )
    token: Mapped[int]
    holder: Mapped[str]
    expires_at: Mapped[datetime]


class Outbox(Base):
    """A message to post, once: unique by question and kind."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("question_id", "kind"),
        Index("outbox_open", "id", postgresql_where="state = 'ready'"),
        Index(
            "outbox_unsure",
            "posted_at",
            postgresql_where="state = 'posted' AND attempts > 1 AND looked_at IS NULL",
        ),
        Index(
            "outbox_unrevised",
            "mend_at",
            postgresql_where="revision IS NOT NULL AND revised_at IS NULL",
        ),
        Index(
            "outbox_unreviewed",
            "mend_at",
            postgresql_where="state = 'posted' AND reviewed_at IS NULL",
        ),
        Index("outbox_posted", "posted_at", postgresql_where="state = 'posted'"),
        Index(
            "outbox_reviewed",
            "reviewed_at",
            postgresql_where="state = 'posted' AND kind = 'channel' AND reviewed_at IS NOT NULL",
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey(StoredQuestion.id, ondelete="CASCADE"))
    kind: Mapped[str]
    """`channel` or `direct`: where the reply goes; `channel/2`: the second part of a long one."""
    payload: Mapped[dict[str, Any]]
    state: Mapped[OutboxState] = mapped_column(
        as_text(OutboxState), default=OutboxState.READY, server_default="ready"
    )
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    channel_id: Mapped[str | None]
    message_ts: Mapped[str | None]
    posted_at: Mapped[datetime | None]
    opened_ts: Mapped[str | None]
    """The message that says what is being done, and becomes this one."""
    opened_channel: Mapped[str | None]
    opened_stream: Mapped[bool] = mapped_column(default=False, server_default="false")
    revision: Mapped[PostedChange | None] = mapped_column(as_text(PostedChange))
    """How the posted message was changed afterwards."""
    revised_at: Mapped[datetime | None]
    """When Slack confirmed that."""
    reviewed_at: Mapped[datetime | None]
    """When Slack was last asked who reads it; None if not yet (workers/upkeep/review.py)."""
    mend_at: Mapped[datetime] = mapped_column(server_default="-infinity")
    """No retry before this time, after a failure."""
    looked_at: Mapped[datetime | None]
    """When Slack was searched for duplicates of a message that was posted in several attempts."""


class Answer(Base):
    """The documents an answer is based on: for the audit, and for later reviews."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("question_id", "kind"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey(StoredQuestion.id, ondelete="CASCADE"))
    kind: Mapped[str]
    asker_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    audience: Mapped[list[int]]
    """The subjects' ids, as `Audience.ids`."""
    epoch: Mapped[int]
    """The epoch of the final check."""
    used: Mapped[list[int]]
    """Documents whose text was in the prompt."""
    cited: Mapped[list[int]]
    model: Mapped[str]
    prompt_version: Mapped[str]
    verdicts: Mapped[dict[str, Any]]
    answered_at: Mapped[datetime] = mapped_column(server_default=func.now())
    readers: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """The readers there, as `Readers.to_json`: links and memberships change."""
    versions: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """The content hash of each cited document, by its id."""


class Mending(Base):
    """One row: how far the review of all posted answers has come (workers/upkeep/review.py)."""

    __tablename__ = "mending"

    single: Mapped[bool] = mapped_column(primary_key=True, default=True)
    done: Mapped[int] = mapped_column(default=0, server_default="0")
    """All answers were reviewed as of this epoch."""
    pass_: Mapped[int | None] = mapped_column("pass")
    """The epoch of the review in progress."""
    after: Mapped[str] = mapped_column(default="", server_default="")
    """The last group of readers that it has reviewed."""
    asked_at: Mapped[datetime] = mapped_column(server_default="-infinity")
    """When Slack was last asked who reads channels without events."""


class Errand(Base):
    """Anything Slack asks of us that is not a question. Runs at least once; twice is harmless."""

    __tablename__ = "errand"
    __table_args__ = (Index("errand_open", "due_at", postgresql_where="done_at IS NULL"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    event_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    team_id: Mapped[str]
    user_id: Mapped[str] = mapped_column(default="", server_default="")
    channel_id: Mapped[str] = mapped_column(default="", server_default="")
    details: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    done_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    """None if all is well, otherwise the name of an error."""


class Feedback(Base):
    """A person's feedback on an answer; the latest counts."""

    __tablename__ = "feedback"
    __table_args__ = (Index("feedback_own", "team_id", "user_id"),)

    question_id: Mapped[int] = mapped_column(
        ForeignKey(StoredQuestion.id, ondelete="CASCADE"), primary_key=True
    )
    team_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    reason: Mapped[str] = mapped_column(default="", server_default="")
    comment: Mapped[str] = mapped_column(default="", server_default="")
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    told_at: Mapped[datetime | None]
    """When the administrators were informed."""
    errand_id: Mapped[int]
    """The errand that set it: an older errand that runs again changes nothing."""
