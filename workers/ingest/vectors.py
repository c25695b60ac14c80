"""The vectors of a document's pieces: as they are stored for equal texts, or computed.

Texts are embedded by a pool of threads, so that the next document is read meanwhile.
"""

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from workers.database.sessions import Database
from workers.ingest.split import Piece, embedded_text
from workers.ingest.store import (
    Content,
    Text,
    Vectors,
    content_hash,
    embedding_model_id,
    stored_vectors,
    text_hash,
)
from workers.models.base import Embedder

_REMEMBERED = 20_000
"""Vectors that are at hand for the next document with equal text; 30 MB."""

_Vector = Future[NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class _OfPieces:
    """The vectors of one document's pieces by one model, of which `new` are being computed."""

    model_id: int
    vectors: Sequence[_Vector]
    new: int

    def result(self) -> list[NDArray[np.float32]]:
        return [vector.result() for vector in self.vectors]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that is split, and whose vectors are being computed."""

    content: Content
    content_hash: str
    pieces: Sequence[Piece]
    english: _OfPieces
    multilingual: _OfPieces | None

    @property
    def embedded(self) -> tuple[int, int]:
        """How many texts were new to each of the two models."""
        return self.english.new, self.multilingual.new if self.multilingual else 0

    def text(self) -> Text:
        """Wait for the vectors, and return what is stored. Raises what the embedder raised."""
        vectors = self.english.result()
        more = self.multilingual
        return Text(
            self.content,
            self.content_hash,
            self.pieces,
            vectors,
            self.english.model_id,
            Vectors(more.model_id, more.result()) if more else None,
        )


@dataclass
class _Model:
    """An embedder with its row, and the vectors by it that are computed or being computed."""

    embedder: Embedder
    id: int = 0
    computed: dict[bytes, _Vector] = field(default_factory=dict)

    def forget(self) -> None:
        while len(self.computed) > _REMEMBERED:
            self.computed.pop(next(iter(self.computed)))


class Models:
    """Embeds what is loaded or pushed by the English model, and by the multilingual one."""

    def __init__(
        self, database: Database, english: Embedder, multilingual: Embedder | None
    ) -> None:
        self._database = database
        self._english = _Model(english)
        self._multilingual = _Model(multilingual) if multilingual else None
        self._pool = ThreadPoolExecutor(os.cpu_count(), "embed")
        self._lock = Lock()

    def register(self, session: Session) -> None:
        """Find or make the rows that say which models vectors are by. Call it before `prepare`."""
        for model in self._all:
            model.id = embedding_model_id(session, model.embedder.name, model.embedder.dimension)

    def hash_of(self, content: Content) -> str:
        """Equal: this content is stored already, with vectors by these models."""
        return content_hash(content, "+".join(one.embedder.name for one in self._all))

    def prepare(self, content: Content, document_id: int | None) -> Prepared:
        """Split a document, and begin to compute those of its vectors that are not known."""
        pieces = content.pieces()
        texts = [embedded_text(piece, title=content.title) for piece in pieces]
        with self._lock:
            english = self._vectors(self._english, texts, document_id)
            more = None
            if self._multilingual:
                more = self._vectors(self._multilingual, texts, document_id)
        return Prepared(content, self.hash_of(content), pieces, english, more)

    def close(self) -> None:
        """Wait for what is being computed."""
        self._pool.shutdown()

    @property
    def _all(self) -> list[_Model]:
        return [self._english, *([self._multilingual] if self._multilingual else [])]

    def _vectors(self, model: _Model, texts: Sequence[str], document_id: int | None) -> _OfPieces:
        """Each text's vector: as it is stored, as it is being computed, or to be computed now."""
        keys = [text_hash(text) for text in texts]
        for key in keys:
            if key in model.computed and _failed(model.computed[key]):
                del model.computed[key]
        missing = {*keys} - model.computed.keys()
        with self._database.session("indexer") as session:
            stored = stored_vectors(session, model.id, missing, document_id)
        for key, text in zip(keys, texts, strict=True):
            if key not in model.computed:
                model.computed[key] = self._future(model, stored.get(key), text)
        vectors = [model.computed[key] for key in keys]
        model.forget()
        return _OfPieces(model.id, vectors, len(missing - stored.keys()))

    def _future(self, model: _Model, stored: NDArray[np.float32] | None, text: str) -> _Vector:
        if stored is None:
            return self._pool.submit(model.embedder.embed_one, text)
        future: _Vector = Future()
        future.set_result(stored)
        return future


def _failed(vector: _Vector) -> bool:
    return vector.done() and vector.exception() is not None
