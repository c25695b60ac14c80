"""Text, guarded by the permissions: documents, chunks and vectors have row-level security."""

from datetime import datetime
from typing import Any

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import Computed, ForeignKey, Identity, Index, UniqueConstraint, func
from sqlalchemy import text as condition
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from policies.tables.base import Base
from policies.tables.permissions import Node, Policy

DIMENSION = 384
"""The dimension of the English embedder's vectors; other models have other ones."""


class Document(Base):
    """The text of a node. Its policy decides who may read it; row-level security checks it, too."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(ForeignKey(Node.id, ondelete="CASCADE"), primary_key=True)
    policy_id: Mapped[int] = mapped_column(ForeignKey(Policy.id), index=True)
    native_id: Mapped[str]
    """The node's native id again, under row-level security: a path is content."""
    title: Mapped[str]
    url: Mapped[str | None]
    updated_at: Mapped[datetime | None]
    content_hash: Mapped[str]
    """The hash of title and text: equal content is neither split nor embedded again."""
    reader_version: Mapped[int] = mapped_column(server_default="0")
    """The version of the format readers; text of another version is read and split again."""
    loaded_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Chunk(Base):
    """A stored piece of a document."""

    __tablename__ = "chunk"
    __table_args__ = (
        UniqueConstraint("document_id", "position"),
        Index("chunk_tsv", "tsv", postgresql_using="gin"),
        Index(
            "chunk_foreign", "language", postgresql_where=condition("language NOT IN ('', 'en')")
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey(Document.id, ondelete="CASCADE"))
    position: Mapped[int]
    title: Mapped[str]
    """The document's title again, because it is part of `tsv`."""
    heading: Mapped[str]
    anchor: Mapped[str]
    """The part after `#` in a link to this place; empty means the document's start."""
    text: Mapped[str]
    language: Mapped[str] = mapped_column(server_default="")
    """ISO 639-1's code of the text's language; empty where unsure, which is taken for English."""
    spans: Mapped[list[Any] | None] = mapped_column(JSONB)
    """The kinds of the text's parts, as [kind, start, end]; null for a text without structure."""
    tsv: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed(
            "setweight(words_of(language, translate(title || ' ' || heading,"
            " '-_/', '   ')), 'A') || words_of(language, translate(text, '-_/', '   '))",
            persisted=True,
        ),
    )
    words: Mapped[int] = mapped_column(
        Computed("length(words_of(language, translate(text, '-_/', '   ')))", persisted=True)
    )
    """Distinct lexemes of the text: the length that BM25 uses."""


class EmbeddingModel(Base):
    """The models that vectors are by. A chunk has a vector by each that its load used."""

    __tablename__ = "embedding_model"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    dimension: Mapped[int]


class Embedding(Base):
    """A chunk's vector by one model, on a table of its own: no change of permission writes here."""

    __tablename__ = "embedding"
    __table_args__ = (
        Index(
            "embedding_text",
            "text_hash",
            "model_id",
            postgresql_where=condition("text_hash IS NOT NULL"),
        ),
    )

    chunk_id: Mapped[int] = mapped_column(
        ForeignKey(Chunk.id, ondelete="CASCADE"), primary_key=True
    )
    model_id: Mapped[int] = mapped_column(ForeignKey(EmbeddingModel.id), primary_key=True)
    document_id: Mapped[int] = mapped_column(
        ForeignKey(Document.id, ondelete="CASCADE"), index=True
    )
    vector: Mapped[Any] = mapped_column(HALFVEC())
    text_hash: Mapped[bytes | None]
    """The hash of what was embedded: equal text, also in another document, is embedded once."""


class RefusedText(Base):
    """A chunk whose text a model's server refuses: it has no vector, and its words find it."""

    __tablename__ = "refused_text"

    chunk_id: Mapped[int] = mapped_column(
        ForeignKey(Chunk.id, ondelete="CASCADE"), primary_key=True
    )
    model_id: Mapped[int] = mapped_column(ForeignKey(EmbeddingModel.id), primary_key=True)
    reason: Mapped[str]
    """Words of ours, never the server's."""


class DocumentChange(Base):
    """The epoch of a document's last change, of its text or of its policy; also if it is gone.

    Only a trigger writes it. It says that something changed, not what.
    """

    __tablename__ = "document_change"

    document_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(index=True)
