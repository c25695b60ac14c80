"""The small company of `tests/policies`, with documents that have text, vectors and addresses."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from policies.change import Change
from policies.described import Permissions
from policies.tables.permissions import Node
from tests.policies.world import World
from workers.index import versions
from workers.ingest.formats.document import Paragraph
from workers.ingest.split import Piece
from workers.ingest.store import Content, Text, Vectors, store
from workers.models.base import Embedder
from workers.models.quotes import words

DIMENSION = 384


@dataclass
class WordEmbedder:
    """A bag of words as a vector, unless a test says which vector a text has."""

    name: str = "words"
    dimension: int = DIMENSION
    vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def embed_one(self, text: str) -> NDArray[np.float32]:
        if text in self.vectors:
            return self.vectors[text]
        vector = np.zeros(DIMENSION, dtype=np.float32)
        vector[0] = 0.01  # nothing at all still has a direction
        for word in words(text):
            vector[zlib.crc32(word.encode()) % DIMENSION] += 1
        return vector / np.linalg.norm(vector)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self.embed_one(one) for one in texts])


def direction(*weights: float) -> NDArray[np.float32]:
    """A vector of length 1 along the first axes."""
    vector = np.zeros(DIMENSION, dtype=np.float32)
    vector[: len(weights)] = weights
    return vector / np.linalg.norm(vector)


@dataclass
class Library(World):
    embedder: WordEmbedder = field(default_factory=WordEmbedder)
    multilingual: Embedder | None = None
    """Where a test sets one, each text has a vector by it, too."""

    def document(
        self,
        name: str,
        texts: str | Sequence[str],
        permissions: Permissions | None = None,
        *,
        vectors: Sequence[NDArray[np.float32]] = (),
        inside: int | None = None,
        title: str = "",
        heading: str = "",
        anchor: str = "",
        url: str | None = "",
    ) -> int:
        """A document of one chunk a text, stored as a load stores it."""
        paragraphs = [texts] if isinstance(texts, str) else list(texts)
        address = f"https://wiki.acme.example/{name}" if url == "" else url
        with self.change() as change:
            text = Text(
                Content(title or name.title(), tuple(map(Paragraph, paragraphs)), address, None),
                name,
                [Piece(one, heading, anchor) for one in paragraphs],
                [
                    Vectors(
                        versions.model_row(change.session, self.embedder.name, DIMENSION).id,
                        vectors or [self.embedder.embed_one(one) for one in paragraphs],
                    ),
                    *self._multilingual(change, paragraphs),
                ],
            )
            store(
                change,
                source_id=self.source_id,
                native_id=name,
                parent_id=inside,
                permissions=permissions or Permissions(),
                text=text,
            )
            node_id = change.session.scalars(
                select(Node.id).where(Node.source_id == self.source_id, Node.native_id == name)
            ).one()
        self.ids[name] = node_id
        return node_id

    def _multilingual(self, change: Change, texts: Sequence[str]) -> list[Vectors]:
        one = self.multilingual
        if one is None:
            return []
        model_id = versions.model_row(change.session, one.name, one.dimension).id
        return [Vectors(model_id, [one.embed_one(text) for text in texts])]
