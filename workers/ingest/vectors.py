"""The vectors of a document's pieces: as they are stored for equal texts, or computed.

Texts are embedded by a pool of threads, so that the next document is read meanwhile.
"""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from workers.database.sessions import Database
from workers.errors import OperatorError, ServerUnavailable
from workers.index import versions
from workers.index.versions import Model, Version
from workers.ingest.split import Piece, embedded_text
from workers.ingest.store import (
    Content,
    Text,
    Vectors,
    content_hash,
    stored_vectors,
    text_hash,
)
from workers.models.base import Embedder, Metered
from workers.models.by_name import Named, Resting, embedder_named
from workers.models.pairs import embed_alike

log = structlog.get_logger()

_REMEMBERED = 20_000
"""Vectors that are at hand for the next document with equal text; 30 MB."""

_REST_S = 60.0
"""For this long a server that did not answer a load is not asked: it waits once, not each time."""

_Vector = Future[NDArray[np.float32]]


class OtherVersion(Exception):
    """Another version of the index became active: the vectors are not those that it compares."""


@dataclass(frozen=True, slots=True)
class _OfPieces:
    """The vectors of one document's pieces by one model, of which `new` are being computed."""

    model_id: int
    dimension: int
    vectors: Sequence[_Vector]
    new: int

    def result(self) -> Vectors | None:
        """Wait for them; None if the model's server gave none that can be compared: a job adds
        them later, or says what is wrong.
        """
        try:
            made = [vector.result() for vector in self.vectors]
        except OperatorError as error:
            if not isinstance(error, Resting):
                log.warning("vectors_missed", error=type(error).__name__)
            return None
        if any(vector.shape != (self.dimension,) for vector in made):
            log.warning("vectors_of_another_length", model_id=self.model_id)
            return None
        return Vectors(self.model_id, made)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that is split, and whose vectors are being computed."""

    content: Content
    content_hash: str
    pieces: Sequence[Piece]
    of_models: Sequence[_OfPieces]

    @property
    def embedded(self) -> tuple[int, int]:
        """How many texts were new to each of the two models."""
        first, second = ([one.new for one in self.of_models] + [0])[:2]
        return first, second

    def text(self) -> Text:
        """Wait for the vectors, and return what is stored, without those that no server gave.
        Raises what an embedded model raised.
        """
        found = [one.result() for one in self.of_models]
        return Text(self.content, self.content_hash, self.pieces, [one for one in found if one])


@dataclass
class _Model:
    """An embedder with its row, and the vectors by it that are computed or being computed."""

    embedder: Embedder
    id: int
    dimension: int
    version_id: int | None
    """The version whose vectors it makes."""
    probe: NDArray[np.float32] | None
    """By what the version's model is known, if it is a server's."""
    computed: dict[bytes, _Vector] = field(default_factory=dict)
    _rests_until: float = 0.0

    def embed(self, server: Metered, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts by a server, in one call. Raises OperatorError, at once while it rests."""
        if time.monotonic() < self._rests_until:
            raise Resting("The model's server rests after a failure.")
        try:
            return embed_alike(server, texts, self.probe)
        except ServerUnavailable:
            self._rests_until = time.monotonic() + _REST_S
            raise

    def forget(self) -> None:
        while len(self.computed) > _REMEMBERED:
            self.computed.pop(next(iter(self.computed)))


class Models:
    """Embeds what is loaded or pushed, by the models of the version that questions use: the
    embedded English and multilingual one, until another version is made.
    """

    def __init__(
        self,
        database: Database,
        english: Embedder,
        multilingual: Embedder | None,
        named: Named = embedder_named,
    ) -> None:
        self._database = database
        self._embedded = [english, *([multilingual] if multilingual else [])]
        self._named = named
        self._models: list[_Model] = []
        self._pool = ThreadPoolExecutor(os.cpu_count(), "embed")
        self._lock = Lock()

    def register(self, session: Session) -> None:
        """Find or make the rows that say which models vectors are by. Call it before `prepare`.

        Raises InputInvalid if a model of the active version cannot be reached by these settings.
        """
        version = versions.active(session)
        wanted = (
            version.models
            if version
            else [versions.model_row(session, one.name, one.dimension) for one in self._embedded]
        )
        version_id = version.id if version else None
        known = {model.id: model for model in self._models if model.version_id == version_id}
        self._models = [known.get(one.id) or self._model(session, version, one) for one in wanted]

    def _model(self, session: Session, version: Version | None, model: Model) -> _Model:
        made = None
        if version is not None and model == version.model:
            made = versions.probe(session, version.id)
        return _Model(
            self._embedder(model.name),
            model.id,
            model.dimension,
            version.id if version else None,
            None if made is None else np.array(made, np.float32),
        )

    def _embedder(self, name: str) -> Embedder:
        for one in self._embedded:
            if one.name == name:
                return one
        return self._named(self._database.settings, name)

    def require(self, session: Session, prepared: Prepared) -> None:
        """Check that a document was prepared for the vectors that questions compare, in the
        transaction that stores it, after its `Change`: a switch waits for that epoch. Raises
        OtherVersion; then prepare the content again.
        """
        version = versions.active(session)
        if version is None:
            return
        wanted = [model.id for model in version.models]
        if wanted != [one.model_id for one in prepared.of_models]:
            with self._lock:
                self.register(session)
            raise OtherVersion

    def hash_of(self, content: Content) -> str:
        """Equal: this content is stored already. The names of the embedded models are part of it
        from a time when there were no versions of the index.
        """
        return content_hash(content, "+".join(one.name for one in self._embedded))

    def prepare(self, content: Content, document_id: int | None) -> Prepared:
        """Split a document, and begin to compute those of its vectors that are not known."""
        pieces = content.pieces()
        texts = [embedded_text(piece, title=content.title) for piece in pieces]
        with self._lock:
            found = [self._vectors(model, texts, document_id) for model in self._models]
        return Prepared(content, self.hash_of(content), pieces, found)

    def close(self) -> None:
        """Wait for what is being computed."""
        self._pool.shutdown()

    def _vectors(self, model: _Model, texts: Sequence[str], document_id: int | None) -> _OfPieces:
        """Each text's vector: as it is stored, as it is being computed, or to be computed now."""
        keys = [text_hash(text) for text in texts]
        for key in keys:
            if key in model.computed and _failed(model.computed[key]):
                del model.computed[key]
        missing = {*keys} - model.computed.keys()
        with self._database.session("indexer") as session:
            stored = stored_vectors(session, model.id, missing, document_id)
        for key, vector in stored.items():
            model.computed[key] = Future()
            model.computed[key].set_result(vector)
        new = {
            key: text for key, text in zip(keys, texts, strict=True) if key not in model.computed
        }
        model.computed |= zip(new, self._begun(model, [*new.values()]), strict=True)
        vectors = [model.computed[key] for key in keys]
        model.forget()
        return _OfPieces(model.id, model.dimension, vectors, len(new))

    def _begun(self, model: _Model, texts: Sequence[str]) -> Iterator[_Vector]:
        """Begin to embed texts: each by itself, or by a server all in one call."""
        embedder = model.embedder
        if not isinstance(embedder, Metered):
            yield from (self._pool.submit(embedder.embed_one, text) for text in texts)
        elif texts:
            yield from _each_of(self._pool.submit(model.embed, embedder, texts), len(texts))


def _each_of(whole: _Vector, count: int) -> list[_Vector]:
    """Return a future for each row of what one call returns."""
    rows: list[_Vector] = [Future() for _row in range(count)]

    def deliver(done: _Vector) -> None:
        if (error := done.exception()) is not None:
            for row in rows:
                row.set_exception(error)
        else:
            for row, vector in zip(rows, done.result(), strict=True):
                row.set_result(vector)

    whole.add_done_callback(deliver)
    return rows


def _failed(vector: _Vector) -> bool:
    return vector.done() and vector.exception() is not None
