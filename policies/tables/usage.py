"""What the language models were used for; no text."""

from datetime import datetime

from sqlalchemy import ForeignKey, Identity, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from policies.tables.base import Base
from policies.tables.questions import StoredQuestion


class ModelUse(Base):
    """One draft, or other work of a model for a question: what it cost, and how it ended."""

    __tablename__ = "model_use"
    __table_args__ = (
        Index("model_use_model", "model", "id"),
        Index("model_use_at", "at"),
        Index("model_use_question", "question_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    question_id: Mapped[int | None] = mapped_column(
        ForeignKey(StoredQuestion.id, ondelete="SET NULL")
    )
    team_id: Mapped[str]
    user_id: Mapped[str]
    """The asker's account, as the question has it."""
    person_id: Mapped[int | None]
    """The person it was linked to then."""
    model: Mapped[str]
    outcome: Mapped[str]
    """Empty if it answered, `trying` while one question tries a model that has rested, else the
    constant reason of a failure."""
    input_tokens: Mapped[int] = mapped_column(default=0, server_default="0")
    output_tokens: Mapped[int] = mapped_column(default=0, server_default="0")
    estimated: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Whether the server did not say how many tokens there were."""
    cost: Mapped[float | None]
    """None if no price was set."""
    again_at: Mapped[datetime | None]
    """After a failure: when the model is called again. The last row of a model counts."""
