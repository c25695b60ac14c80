"""One document into the tables: its node, its readers, its text and its vectors, in one go."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from policies.change import Change
from policies.described import Permissions
from policies.tables.content import Chunk, Document, Embedding, EmbeddingModel
from policies.tables.permissions import Node, NodeKind
from workers.ingest.split import Piece, split


@dataclass(frozen=True, slots=True)
class Content:
    """What a document says, from whatever it was read."""

    title: str
    pages: tuple[str, ...]
    """Several for a PDF; else one."""
    url: str | None
    updated_at: datetime | None

    def pieces(self) -> list[Piece]:
        """The text in reading order; of a document with pages each knows its page."""
        if len(self.pages) == 1:
            return split(self.pages[0], title=self.title)
        return [
            replace(piece, anchor=f"page={number}")
            for number, page in enumerate(self.pages, start=1)
            for piece in split(page, title=self.title)
        ]


@dataclass(frozen=True, slots=True)
class Text:
    """A document's content, split and embedded, before it is stored."""

    content: Content
    content_hash: str
    pieces: Sequence[Piece]
    vectors: Sequence[NDArray[np.float32]]
    model_id: int


def content_hash(content: Content, model: str) -> str:
    """Equal: neither split nor embedded again. All that is stored with the text takes part."""
    told = (model, content.title, content.url, str(content.updated_at), *content.pages)
    return hashlib.sha256("\0".join(map(str, told)).encode("utf-8", "replace")).hexdigest()


def store(
    change: Change,
    *,
    source_id: int,
    native_id: str,
    parent_id: int | None,
    permissions: Permissions,
    text: Text,
) -> None:
    """Put or replace one document with its readers. The caller commits."""
    node_id = change.put_node(source_id, native_id, kind=NodeKind.DOCUMENT, parent_id=parent_id)
    change.set_permissions(node_id, permissions)
    values = {
        "policy_id": change.policy_for(node_id),
        "native_id": native_id,
        "title": text.content.title,
        "url": text.content.url,
        "updated_at": text.content.updated_at,
        "content_hash": text.content_hash,
    }
    session = change.session
    session.execute(
        upsert(Document)
        .values(id=node_id, **values)
        .on_conflict_do_update(index_elements=["id"], set_=values)
    )
    session.execute(delete(Chunk).where(Chunk.document_id == node_id))
    if text.pieces:
        _store_pieces(session, node_id, text)


def stored_hashes(session: Session, source_id: int) -> dict[int, str]:
    """The content hash of each document of a source, by node."""
    rows = session.execute(
        select(Document.id, Document.content_hash)
        .join(Node, Node.id == Document.id)
        .where(Node.source_id == source_id)
    )
    return {node_id: fingerprint for node_id, fingerprint in rows}


def embedding_model_id(session: Session, name: str, dimension: int) -> int:
    """The row that says which model vectors come from; made if it is new."""
    session.execute(
        upsert(EmbeddingModel).values(name=name, dimension=dimension).on_conflict_do_nothing()
    )
    return session.scalars(select(EmbeddingModel.id).where(EmbeddingModel.name == name)).one()


def _store_pieces(session: Session, node_id: int, text: Text) -> None:
    chunk_ids = session.scalars(
        insert(Chunk).returning(Chunk.id, sort_by_parameter_order=True),
        [
            {
                "document_id": node_id,
                "position": position,
                "title": text.content.title,
                "heading": piece.heading,
                "anchor": piece.anchor,
                "text": piece.text,
            }
            for position, piece in enumerate(text.pieces)
        ],
    ).all()
    session.execute(
        insert(Embedding),
        [
            {
                "chunk_id": chunk_id,
                "model_id": text.model_id,
                "document_id": node_id,
                "vector": vector,
            }
            for chunk_id, vector in zip(chunk_ids, text.vectors, strict=True)
        ],
    )
