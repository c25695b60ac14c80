"""The versions of the index of vectors: which models' vectors a question compares. No text."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Float, ForeignKey, Identity, Index, func
from sqlalchemy import text as condition
from sqlalchemy.dialects.postgresql import ARRAY, REAL
from sqlalchemy.orm import Mapped, mapped_column

from policies.tables.base import Base, as_text
from policies.tables.content import EmbeddingModel


class VersionState(StrEnum):
    BUILDING = "building"
    READY = "ready"
    """Checked; vectors that are added now are noted as changes, so that workers can hold it."""
    ACTIVE = "active"
    """The one that questions use."""
    RETIRED = "retired"
    """Was active; its vectors stay for a while, for a roll-back."""
    CANCELLED = "cancelled"
    DROPPED = "dropped"
    """Its vectors are deleted, unless another version has the same model."""


class IndexVersion(Base):
    """One complete set of vectors. Without any row, the embedded models' are the active ones."""

    __tablename__ = "index_version"
    __table_args__ = (
        Index(
            "index_version_active",
            "state",
            unique=True,
            postgresql_where=condition("state = 'active'"),
        ),
        Index(
            "index_version_next",
            condition("(true)"),
            unique=True,
            postgresql_where=condition("state IN ('building', 'ready')"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    state: Mapped[VersionState] = mapped_column(as_text(VersionState))
    model_id: Mapped[int] = mapped_column(ForeignKey(EmbeddingModel.id))
    multilingual_id: Mapped[int | None] = mapped_column(ForeignKey(EmbeddingModel.id))
    """A second model, for texts and questions that are not English."""
    reader_version: Mapped[int]
    """The version of the readers and the chunker when it was begun."""
    slope: Mapped[float] = mapped_column(Float, default=1.0, server_default="1")
    offset: Mapped[float] = mapped_column(Float, default=0.0, server_default="0")
    """Bring a cosine of its model to the scale of the embedded English model."""
    probe: Mapped[list[float] | None] = mapped_column(ARRAY(REAL))
    """Its model's vector of a text of ours: another model under the same name is noticed."""
    gate: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """The figures of the check before it was switched to."""
    actor: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    activated_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
