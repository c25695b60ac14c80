"""One document into the tables: its node, its readers, its text and its vectors, in one go."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Text as Words
from sqlalchemy import any_, delete, insert, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from policies.change import Change
from policies.described import Permissions
from policies.source import vectors_of, vectors_without_hash
from policies.tables.content import Chunk, Document, Embedding
from policies.tables.permissions import Node, NodeKind
from workers.ingest.formats.document import Block, clean
from workers.ingest.split import Piece, embedded_text, split
from workers.models.languages import language_of, language_of_part

READER_VERSION = 4
"""Of the readers and of what splits their blocks. Raise it when a document would be read or split
in another way than before: the next load reads all documents again, and embeds what differs."""

_LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class Content:
    """What a document says, from whatever it was read."""

    title: str
    blocks: tuple[Block, ...]
    url: str | None
    updated_at: datetime | None

    def pieces(self) -> list[Piece]:
        """The text in reading order; of a document with pages each knows its page."""
        return split(self.blocks, title=self.title)


@dataclass(frozen=True, slots=True)
class Vectors:
    """The vectors of a document's pieces by one model."""

    model_id: int
    of_pieces: Sequence[NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Text:
    """A document's content, split and embedded, before it is stored."""

    content: Content
    content_hash: str
    pieces: Sequence[Piece]
    vectors: Sequence[Vectors]
    """By each model of the active version; without those that its server did not give."""

    def languages(self) -> list[str]:
        """The language of each piece: its own, or where that is unsure the document's."""
        whole = language_of("\n".join((self.content.title, *(one.text for one in self.pieces))))
        return [language_of_part(piece.text, whole) for piece in self.pieces]


def title_of(given: str) -> str:
    """A title as it is stored: on one line, not too long; empty if there is nothing to see."""
    return " ".join(clean(given).split())[:_LONGEST_TITLE].strip()


def content_hash(content: Content, model: str) -> str:
    """Equal: neither split nor embedded again. All that is stored with the text takes part."""
    digest = hashlib.sha256()
    for part in (model, content.title, content.url, str(content.updated_at), *content.blocks):
        digest.update(repr(part).encode("utf-8", "replace") + b"\0")
    return digest.hexdigest()


def text_hash(text: str) -> bytes:
    """Of what is embedded."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def stored_vectors(
    session: Session, model_id: int, hashes: Collection[bytes], document_id: int | None
) -> dict[bytes, NDArray[np.float32]]:
    """Vectors of these texts, by hash: of any document; and of this one, if an earlier version
    of ours stored it without hashes."""
    found = {key: as_vector(one) for key, one in vectors_of(session, model_id, hashes).items()}
    earlier = vectors_without_hash(session, model_id, document_id) if document_id else []
    for chunk, vector in earlier:
        text = embedded_text(Piece(chunk.text, chunk.heading, ""), title=chunk.title)
        found[text_hash(text)] = as_vector(vector)
    return found


def as_vector(stored: Any) -> NDArray[np.float32]:
    """Return a vector as the database gave it."""
    return np.asarray(stored.to_numpy() if hasattr(stored, "to_numpy") else stored, np.float32)


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
        "reader_version": READER_VERSION,
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


def stored_hashes(
    session: Session, source_id: int, native_ids: Collection[str] | None = None
) -> dict[int, str]:
    """The content hash of each document of a source, or of these, by node; "" for one that is to
    be read again because another version of the readers read it."""
    chosen = [Node.source_id == source_id]
    if native_ids is not None:
        chosen.append(Node.native_id == any_(literal([*native_ids], ARRAY(Words))))
    rows = session.execute(
        select(Document.id, Document.content_hash, Document.reader_version)
        .join(Node, Node.id == Document.id)
        .where(*chosen)
    )
    return {
        id: fingerprint if version == READER_VERSION else "" for id, fingerprint, version in rows
    }


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
                "language": language,
                "spans": [[*span] for span in piece.spans] or None,
            }
            for position, (piece, language) in enumerate(
                zip(text.pieces, text.languages(), strict=True)
            )
        ],
    ).all()
    hashes = [text_hash(embedded_text(piece, title=text.content.title)) for piece in text.pieces]
    for one in text.vectors:
        session.execute(
            insert(Embedding),
            [
                {
                    "chunk_id": chunk_id,
                    "model_id": one.model_id,
                    "document_id": node_id,
                    "vector": vector,
                    "text_hash": key,
                }
                for chunk_id, key, vector in zip(chunk_ids, hashes, one.of_pieces, strict=True)
            ],
        )
