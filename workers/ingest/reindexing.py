"""Re-indexing: a version of the index is built beside the active one, checked, and switched to.

Each step is a transaction, and what is left to do is read from what is stored: a job that died, was
paused or put back goes on from there, and embeds nothing again that was committed.
"""

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from policies.change import Change
from policies.source import vectors_of
from policies.tables.content import Document, Embedding
from policies.tables.index import IndexVersion, VersionState
from policies.tables.jobs import JobState
from workers.database.sessions import Database
from workers.errors import InputInvalid, ServerUnavailable
from workers.index import gate, versions
from workers.index.versions import Model, VectorsMissing, Version
from workers.ingest.split import Piece, embedded_text
from workers.ingest.store import READER_VERSION, as_vector, text_hash
from workers.jobs import rows
from workers.jobs.leases import Asked, Running
from workers.models import pairs
from workers.models.base import BatchEmbedder, Metered
from workers.models.by_name import Named, embedder_named
from workers.observe.crashpoints import crashpoint

log = structlog.get_logger()

KIND, DROP = "reindex", "drop-vectors"
EMBEDDING, CHECKING, SWITCHING, DROPPING = "Embedding", "Checking", "Switching", "Deleting"
_BATCH = 64
"""Chunks whose vectors are stored in one transaction."""
_OLDEST_AND_NEWEST = 10
"""So many of the first and of the last stored vectors are made again for the check."""
_BITE = 2_000
"""Vectors that are deleted in one transaction."""
_TRIES = 50
"""How often the switch is tried again because documents were stored meanwhile."""
_MANY, _SETTLE_S = 20_000, 10.0
"""Where a version has so many chunks, workers get so long to read its codes before the switch."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a re-index would embed."""

    chunks: int
    known: int
    """Chunks that have a vector by its models already."""
    tokens: int
    """About; rather too many."""


# -- beginning -----------------------------------------------------------------------------------


def begin(
    database: Database,
    models: Sequence[tuple[str, int]],
    *,
    actor: str,
    before: Sequence[tuple[str, int]],
    budget: float | None = None,
) -> int:
    """Make the job that builds a version with these models, by name and dimension; return its id.

    `before`: the embedded models, which are active where no version was made yet.
    Raises OpenAlready if a re-index is open, InputInvalid for a dimension that contradicts what is
    stored.
    """
    with database.session("indexer") as session:
        job_id = rows.submit(session, KIND, actor=actor, details={"budget": budget})
        first = [versions.model_row(session, *one) for one in before]
        versions.put_first(session, first, actor=actor, reader_version=READER_VERSION)
        wanted = [versions.model_row(session, *one) for one in models]
        made = versions.begin(session, wanted, actor=actor, reader_version=READER_VERSION)
        rows.put_details(session, job_id, {"version": made, "budget": budget})
    return job_id


def begin_filling(database: Database, *, actor: str, budget: float | None = None) -> int:
    """Make the job that adds the vectors that the active version lacks. Raises OpenAlready."""
    with database.session("indexer") as session:
        details = {"version": None, "budget": budget}
        return rows.submit(session, KIND, actor=actor, details=details)


def fill_later(database: Database, *, actor: str) -> None:
    """The same, unless a re-index is open, which does it as well."""
    with suppress(rows.OpenAlready):
        begin_filling(database, actor=actor)


def begin_roll_back(database: Database, *, actor: str) -> tuple[int, Version]:
    """Make the job that goes back to the version before; return its id and that version.

    Raises OpenAlready, InputInvalid.
    """
    with database.session("indexer") as session:
        job_id = rows.submit(session, KIND, actor=actor)
        found = versions.begin_roll_back(session)
        rows.put_details(session, job_id, {"version": found.id, "budget": None, "back": True})
    return job_id, found


def estimate(database: Database, names: Sequence[str]) -> Estimate:
    """Count what would be embedded by models of these names."""
    with database.session("indexer") as session:
        row = session.execute(_ESTIMATE, {"names": [*names], "models": len(names)}).one()
    return Estimate(row.chunks, row.known, int(row.letters) // _LETTERS_OF_A_TOKEN * len(names))


_LETTERS_OF_A_TOKEN = 3


# -- the job -------------------------------------------------------------------------------------


def reindex(
    database: Database, running: Running, named: Named = embedder_named
) -> Mapping[str, Any]:
    """Build the version of the job, check it, switch to it. Called again, it goes on."""
    wanted = running.details.get("version")
    with database.session("indexer") as session:
        found = versions.active(session) if wanted is None else None
        state = VersionState.ACTIVE
        if wanted is not None:
            running.require(session)
            state = versions.take_up(session, wanted)
            found, _state = versions.version(session, wanted)
    if found is None:
        raise InputInvalid(
            "No version of the index was made yet: `ken load` stores every vector. Nothing was "
            "changed."
        )
    building = _Building(database, running, found, state, named)
    try:
        counts = building.run()
    except Asked as asked:
        if asked.state is JobState.CANCELLED and wanted is not None:
            with database.session("indexer") as session:
                _give_up(session, found.id, {})
        raise
    drop_later(database, actor=running.actor)
    return counts


@dataclass(slots=True)
class _Building:
    """The work on one version."""

    database: Database
    running: Running
    version: Version
    state: VersionState
    named: Named
    embedders: list[tuple[Model, BatchEmbedder]] = field(default_factory=list)
    probe: NDArray[np.float32] | None = None
    """By what the version's model is known in each call, from the first on."""
    total: int = 0
    done: int = 0
    counts: dict[str, Any] = field(default_factory=dict)

    def run(self) -> Mapping[str, Any]:
        if self.state is VersionState.ACTIVE and self.running.details.get("version") is not None:
            return self.running.counts  # it was switched to, and the worker died before the end
        self.embedders = [(model, self._checked(model)) for model in self.version.models]
        self.counts = {"embedded": 0, "taken_over": 0, "tokens": 0, **self.running.counts}
        self.done = self.counts["embedded"] + self.counts["taken_over"]
        with ThreadPoolExecutor(os.cpu_count(), "embed") as pool:
            self._fill(pool)
            if self.state is VersionState.BUILDING:
                self._check()
            if self.state is not VersionState.ACTIVE:
                self._switch(pool)
        return self.counts

    def _checked(self, model: Model) -> BatchEmbedder:
        """Load the embedder of a model. Raises InputInvalid if it is another one by now."""
        embedder = self.named(self.database.settings, model.name)
        if embedder.dimension != model.dimension:
            raise InputInvalid(
                f"The model {model.name!r} has vectors of {embedder.dimension} numbers, not "
                f"{model.dimension}. Questions use the index as before."
            )
        if model == self.version.model:
            self._know(embedder)
        return embedder

    def _know(self, embedder: BatchEmbedder) -> None:
        """Check by the probe that it is the same model, or make the probe of one that begins."""
        with self.database.session("indexer") as session:
            made = versions.probe(session, self.version.id)
        if made is not None:
            self.probe = np.array(made, np.float32)
            pairs.check_same_model(embedder, self.probe)
        elif self.state is VersionState.BUILDING:
            self.probe = pairs.probe_of(embedder)
            with self.database.session("indexer") as session:
                self.running.require(session)
                versions.put_probe(session, self.version.id, self.probe.tolist())

    # -- vectors -----------------------------------------------------------------------------

    def _fill(self, pool: ThreadPoolExecutor) -> None:
        """Add every vector that is missing, in batches."""
        with self.database.session("indexer") as session:
            left = [versions.missing(session, model) for model in self.version.models]
            self.total = self.done + sum(left)
        self._step(EMBEDDING)
        for model, embedder in self.embedders:
            after = 0
            while batch := self._batch(model, after):
                after = batch[-1].id
                self._store(model, batch, self._vectors(pool, model, embedder, batch))
                crashpoint("vectors_committed")
                self.done += len(batch)
                self._meter(embedder)
                self._step(EMBEDDING)
                self._keep_to_budget()

    def _batch(self, model: Model, after: int) -> Sequence[Any]:
        with self.database.session("indexer") as session:
            given = {"model_id": model.id, "after": after, "most": _BATCH}
            return session.execute(_READ_WITHOUT_VECTOR, given).all()

    def _vectors(
        self,
        pool: ThreadPoolExecutor,
        model: Model,
        embedder: BatchEmbedder,
        batch: Sequence[Any],
    ) -> list[tuple[bytes, NDArray[np.float32]]]:
        """Return the vector of each chunk, with its text's hash: taken over from an equal text, or
        embedded once.
        """
        texts = [embedded_text(Piece(one.text, one.heading, ""), title=one.title) for one in batch]
        keys = [text_hash(one) for one in texts]
        with self.database.session("indexer") as session:
            found = {
                key: as_vector(one) for key, one in vectors_of(session, model.id, {*keys}).items()
            }
        new = {key: one for key, one in zip(keys, texts, strict=True) if key not in found}
        if new:
            probe = self.probe if model == self.version.model else None
            made = embedded(pool, embedder, [*new.values()], probe)
            found |= zip(new.keys(), checked(made, len(new), model.dimension), strict=True)
        self.counts["embedded"] += len(new)
        self.counts["taken_over"] += len(keys) - len(new)
        return [(key, found[key]) for key in keys]

    def _store(
        self,
        model: Model,
        batch: Sequence[Any],
        vectors: Sequence[tuple[bytes, NDArray[np.float32]]],
    ) -> None:
        """Store the vectors of the chunks that are still there.

        A version whose codes a worker may hold already is changed under an epoch, so that the
        worker reads these documents again (decision 45).
        """
        with self.database.session("indexer") as session:
            change = None
            if self.state is not VersionState.BUILDING:
                change = Change(session, actor=self.running.actor)
            there = set(session.scalars(_HOLD_CHUNKS, {"ids": [one.id for one in batch]}))
            values = [
                {
                    "chunk_id": one.id,
                    "model_id": model.id,
                    "document_id": one.document_id,
                    "vector": vector,
                    "text_hash": key,
                }
                for one, (key, vector) in zip(batch, vectors, strict=True)
                if one.id in there
            ]
            if values:
                session.execute(insert(Embedding).on_conflict_do_nothing(), values)
            if change is not None:
                ids = {one.document_id for one in batch}
                note_changed(session, ids)
            crashpoint("vectors_written")

    # -- limits ------------------------------------------------------------------------------

    def _step(self, step: str) -> None:
        self.running.step(step, self.done, self.total, self.counts)

    def _meter(self, embedder: BatchEmbedder) -> None:
        if isinstance(embedder, Metered):
            self.counts["tokens"] += embedder.take_tokens()
            price = self.database.settings.embedding_price
            if price is not None:
                self.counts["cost"] = round(self.counts["tokens"] * price / 1e6, 4)

    def _keep_to_budget(self) -> None:
        budget = self.running.details.get("budget")
        if budget is not None and self.counts.get("cost", 0.0) >= budget:
            raise Asked(
                JobState.PAUSED,
                f"its budget of {budget:g} is used up ({self.counts['cost']:g}). Nothing was "
                "switched. To go on, give the same command with a higher --budget, for all of it: "
                "what is embedded is not paid for twice.",
            )

    # -- the check and the switch --------------------------------------------------------------

    def _check(self) -> None:
        """Check the version; one that fails is given up, with its figures. Raises InputInvalid."""
        self._step(CHECKING)
        (_model, embedder), *_more = self.embedders
        scale = pairs.scale_of(embedder)
        others = sum(self._by_another_model(*one) for one in self.embedders)
        with self.database.session("indexer") as session:
            found = gate.check(session, self.version, scale, others)
        objections = found.objections()
        with self.database.session("indexer") as session:
            if objections:
                _give_up(session, self.version.id, found.figures())
            else:
                self.running.require(session)
                versions.put_checked(
                    session,
                    self.version.id,
                    slope=scale.slope,
                    offset=scale.offset,
                    gate=found.figures(),
                )
                versions.set_state(session, self.version.id, VersionState.READY)
        if objections:
            raise InputInvalid(
                f"The new version did not pass its check: {'; '.join(objections)}. Nothing was "
                "switched; questions use the index as before."
            )
        self.state = VersionState.READY
        crashpoint("version_ready")
        if found.chunks >= _MANY:
            time.sleep(_SETTLE_S)

    def _by_another_model(self, model: Model, embedder: BatchEmbedder) -> int:
        """Make some stored vectors again, the oldest and the newest, also those that were there
        before this version; count those that are another model's.
        """
        given = {"model_id": model.id, "most": _OLDEST_AND_NEWEST}
        with self.database.session("indexer") as session:
            stored = session.execute(_READ_OLDEST_AND_NEWEST, given).all()
        texts = [embedded_text(Piece(one.text, one.heading, ""), title=one.title) for one in stored]
        same = [
            (one.vector, words)
            for one, words in zip(stored, texts, strict=True)
            if one.text_hash == text_hash(words)
        ]
        if not same:
            return 0
        now = embedder.embed([words for _vector, words in same])
        return sum(
            not pairs.is_same_model(np.array(vector, np.float32), made)
            for (vector, _words), made in zip(same, now, strict=True)
        )

    def _switch(self, pool: ThreadPoolExecutor) -> None:
        """Switch in one transaction, once every chunk has its vectors."""
        for _try in range(_TRIES):
            self._fill(pool)
            self._step(SWITCHING)
            try:
                with self.database.session("indexer") as session:
                    change = Change(session, actor=self.running.actor)
                    self.running.require(session)
                    versions.switch(change, self.version.id)
                    crashpoint("switch_written")
                crashpoint("switch_committed")
            except VectorsMissing:
                continue
            return
        raise ServerUnavailable(
            "Documents are stored faster than their vectors are made. The version is ready, and "
            "the switch is tried again."
        )


def embedded(
    pool: ThreadPoolExecutor,
    embedder: BatchEmbedder,
    texts: Sequence[str],
    probe: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    """Embed texts: a server's many in one call, which shows whether it is still the same model, an
    embedded model's one a thread.
    """
    if isinstance(embedder, Metered):
        return pairs.embed_alike(embedder, texts, probe)
    return np.stack(list(pool.map(embedder.embed_one, texts)))


def checked(vectors: NDArray[np.float32], count: int, dimension: int) -> NDArray[np.float32]:
    """Return vectors that can be stored. Raises ServerUnavailable for a number too few, of another
    length, or with something in it that is no number.
    """
    if vectors.shape != (count, dimension):
        raise ServerUnavailable(
            f"The model returned vectors of the shape {vectors.shape}, not {(count, dimension)}."
        )
    if not np.isfinite(vectors).all() or not np.abs(vectors).any(axis=1).all():
        raise ServerUnavailable("The model returned a vector that is no direction (NaN or zero).")
    return vectors


def note_changed(session: Session, document_ids: set[int]) -> None:
    """Note a change of documents whose vectors changed, under the epoch that this transaction took:
    a trigger on this table does, and the codes in the workers follow it.
    """
    session.execute(
        update(Document)
        .where(Document.id.in_(sorted(document_ids)))
        .values(loaded_at=Document.loaded_at)
    )


def _give_up(session: Session, version_id: int, figures: dict[str, Any]) -> None:
    """End a version that is built, with what its check found."""
    if figures:
        session.execute(
            update(IndexVersion).where(IndexVersion.id == version_id).values(gate=figures)
        )
    versions.give_way(session)


# -- what is not needed any more -------------------------------------------------------------------


def tidy(database: Database) -> None:
    """Give up a version whose job has ended without it, such as one that was cancelled while nobody
    worked on it, and have the vectors deleted that no version needs.
    """
    with database.session("indexer") as session:
        versions.give_way_unless_worked_on(session, KIND)
    drop_later(database, actor="jobs worker")


def drop_later(database: Database, *, actor: str) -> None:
    """Make a job for each version that is not used any more: its vectors are deleted in some days,
    until when it can be gone back to.
    """
    keep_s = _keep_s(database)
    with database.session("indexer") as session:
        for version_id, unused_s in versions.unused(session).items():
            if rows.open_job(session, DROP, str(version_id)) is None:
                after_s = max(keep_s - unused_s, 0)
                rows.submit(session, DROP, subject=str(version_id), actor=actor, after_s=after_s)


def _keep_s(database: Database) -> float:
    return database.settings.keep_index_days * 86_400


def drop_vectors(database: Database, running: Running) -> Mapping[str, Any]:
    """Delete the vectors of a version in small bites, unless it, or its model, is used again. If it
    was used since the job was made, the job ends, and the next one is due in its time.
    """
    with database.session("indexer") as session:
        version, _state = versions.version(session, int(running.subject))
        is_dropped = versions.drop(session, version.id, keep_s=_keep_s(database))
    deleted = int(running.counts.get("deleted", 0))
    for model in version.models if is_dropped else ():
        gone = 1
        while gone:
            with database.session("indexer") as session:
                # A re-index that begins meanwhile waits, and then embeds again what is gone.
                session.execute(_LOCK_VERSIONS)
                gone = 0
                if not versions.is_used(session, model.id):
                    given = {"model_id": model.id, "most": _BITE}
                    gone = len(session.execute(_DELETE_SOME, given).all())
            deleted += gone
            running.step(DROPPING, deleted, deleted, {"deleted": deleted})
    return {"deleted": deleted}


# Counts the chunks, those with a vector by each of these models, and the letters of the others.
_ESTIMATE = text("""
    WITH known AS (
        SELECT chunk_id FROM embedding JOIN embedding_model ON embedding_model.id = model_id
        WHERE name = ANY (CAST(:names AS text[])) GROUP BY chunk_id HAVING count(*) = :models
    )
    SELECT count(*) AS chunks, count(known.chunk_id) AS known,
           coalesce(sum(octet_length(text) + octet_length(title) + octet_length(heading))
                    FILTER (WHERE known.chunk_id IS NULL), 0) AS letters
    FROM chunk LEFT JOIN known ON known.chunk_id = chunk.id
""")

# Returns chunks without a vector by a model, in the order of their ids.
_READ_WITHOUT_VECTOR = text("""
    SELECT id, document_id, title, heading, text FROM chunk
    WHERE id > :after AND NOT EXISTS (
        SELECT FROM embedding WHERE chunk_id = chunk.id AND model_id = :model_id)
    ORDER BY id LIMIT :most
""")

# Returns the first and the last chunks that have a vector by a model, with it.
_READ_OLDEST_AND_NEWEST = text("""
    WITH embedded AS (
        (SELECT chunk_id, text_hash, vector FROM embedding WHERE model_id = :model_id
         ORDER BY chunk_id LIMIT :most)
        UNION
        (SELECT chunk_id, text_hash, vector FROM embedding WHERE model_id = :model_id
         ORDER BY chunk_id DESC LIMIT :most)
    )
    SELECT text_hash, CAST(CAST(vector AS vector) AS real[]) AS vector, title, heading, text
    FROM embedded JOIN chunk ON chunk.id = chunk_id
""")

# Returns which of these chunks are still there, and keeps them to the end of the transaction.
_HOLD_CHUNKS = text("SELECT id FROM chunk WHERE id = ANY (:ids) ORDER BY id FOR KEY SHARE")

# Deletes some vectors of a model.
_DELETE_SOME = text("""
    DELETE FROM embedding WHERE model_id = :model_id AND chunk_id = ANY (ARRAY(
        SELECT chunk_id FROM embedding WHERE model_id = :model_id LIMIT :most))
    RETURNING 1
""")

_LOCK_VERSIONS = text("LOCK TABLE index_version IN SHARE ROW EXCLUSIVE MODE")
