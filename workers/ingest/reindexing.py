"""Re-indexing: a version of the index is built beside the active one, checked, and switched to.

Each step is a transaction, and what is left to do is read from what is stored: a job that died, was
paused or put back goes on from there, and embeds nothing again that was committed.
"""

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from policies.change import Change
from policies.source import vectors_of
from policies.tables.content import Document, Embedding, RefusedText
from policies.tables.index import IndexVersion, VersionState
from policies.tables.jobs import JobState
from workers.database.sessions import Database
from workers.database.statements import statement
from workers.errors import InputInvalid, ServerUnavailable
from workers.index import gate, versions
from workers.index.versions import WITHOUT_VECTOR, Model, VectorsMissing, Version
from workers.ingest import beginning
from workers.ingest.batches import Batches, Made, Refused
from workers.ingest.judged import hits, read_judged
from workers.ingest.split import Piece, embedded_text
from workers.ingest.store import as_vector, text_hash
from workers.jobs import rows
from workers.jobs.leases import MOST_ATTEMPTS, Asked, Running
from workers.models import pairs
from workers.models.base import BatchEmbedder, Metered
from workers.models.by_name import Named, embedder_named
from workers.observe.crashpoints import crashpoint

log = structlog.get_logger()

DROP = "drop-vectors"
EMBEDDING, CHECKING, SWITCHING, DROPPING = "Embedding", "Checking", "Switching", "Deleting"
_BATCH = 64
"""Chunks whose vectors are stored in one transaction."""
_OLDEST_AND_NEWEST = 10
"""So many of the first and of the last stored vectors are made again for the check."""
_BITE = 2_000
"""Vectors that are deleted in one transaction."""
_NAMED = 50
"""At most so many chunks that a model refuses are named in the history; all are counted."""
_TRIES = 50
"""How often the switch is tried again because documents were stored meanwhile."""
_MANY, _SETTLE_S = 20_000, 10.0
"""Where a version has so many chunks, workers get so long to read its codes before the switch."""


def reindex(
    database: Database, running: Running, named: Named = embedder_named
) -> Mapping[str, Any]:
    """Build the version of the job, check it, switch to it. Called again, it goes on."""
    running = replace(running, details=beginning.take_up_scheduled(database, running))
    wanted = running.details.get("version")
    with database.session("indexer") as session:
        found = versions.active(session) if wanted is None else None
        state = VersionState.ACTIVE
        if wanted is not None:
            running.require(session)
            state = versions.take_up(session, wanted)
            found, _state = versions.version(session, wanted)
    if found is None:
        return {}  # no version was made yet: each load stores every vector
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
        self.done = sum(self.counts.get(one, 0) for one in ("embedded", "taken_over", "refused"))
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
    ) -> list[tuple[bytes, Made]]:
        """Return the vector of each chunk, with its text's hash: taken over from an equal text, or
        embedded once, or refused.
        """
        texts = [embedded_text(Piece(one.text, one.heading, ""), title=one.title) for one in batch]
        keys = [text_hash(one) for one in texts]
        with self.database.session("indexer") as session:
            found: dict[bytes, Made] = {
                key: as_vector(one) for key, one in vectors_of(session, model.id, {*keys}).items()
            }
        new = {key: one for key, one in zip(keys, texts, strict=True) if key not in found}
        if new:
            probe = self.probe if model == self.version.model else None
            often = self.running.attempts > MOST_ATTEMPTS // 2
            made = Batches(pool, embedder, model.dimension, probe, fails_again=often)
            found |= zip(new.keys(), made.embed([*new.values()]), strict=True)
        refused = [isinstance(found[key], Refused) for key in keys]
        self.counts["embedded"] += sum(not isinstance(found[key], Refused) for key in new)
        self.counts["taken_over"] += len(keys) - len(new) - sum(refused)
        return [(key, found[key]) for key in keys]

    def _note_refused(self, batch: Sequence[Any], reasons: Mapping[int, str]) -> None:
        """Count the chunks that a model refuses, and name some of them for the administrator."""
        if not reasons:
            return
        self.counts["refused"] = self.counts.get("refused", 0) + len(reasons)
        named: list[str] = self.counts.setdefault("why", [])
        for one in batch:
            if one.id in reasons and len(named) < _NAMED:
                named.append(f"{one.native_id}, part {one.position + 1}: {reasons[one.id]}")

    def _store(
        self,
        model: Model,
        batch: Sequence[Any],
        made: Sequence[tuple[bytes, Made]],
    ) -> None:
        """Store the vectors of the chunks that are still there, and which were refused.

        A version whose codes a worker may hold already is changed under an epoch, so that the
        worker reads these documents again (decision 45).
        """
        with self.database.session("indexer") as session:
            change = None
            if self.state is not VersionState.BUILDING:
                change = Change(session, actor=self.running.actor)
            there = set(session.scalars(_HOLD_CHUNKS, {"ids": [one.id for one in batch]}))
            values, reasons = [], {}
            for one, (key, vector) in zip(batch, made, strict=True):
                if one.id in there and isinstance(vector, Refused):
                    reasons[one.id] = vector.reason
                elif one.id in there:
                    value = {"chunk_id": one.id, "document_id": one.document_id}
                    values.append({**value, "vector": vector, "text_hash": key})
            for table, found in (
                (Embedding, values),
                (RefusedText, [{"chunk_id": one, "reason": why} for one, why in reasons.items()]),
            ):
                if found:
                    given = [{**one, "model_id": model.id} for one in found]
                    session.execute(insert(table).on_conflict_do_nothing(), given)
            if change is not None:
                ids = {one.document_id for one in batch}
                note_changed(session, ids)
            crashpoint("vectors_written")
        self._note_refused(batch, reasons)

    # -- limits ------------------------------------------------------------------------------

    def _step(self, step: str) -> None:
        self.running.step(step, self.done, self.total, self.counts)

    def _meter(self, embedder: BatchEmbedder) -> None:
        if isinstance(embedder, Metered):
            self.counts["tokens"] += embedder.take_tokens()
            price = self.running.details.get("price", self.database.settings.embedding_price)
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
        found = self._judge(found)
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

    def _judge(self, found: gate.Checked) -> gate.Checked:
        """Add how many of the company's own questions find their documents, now and before."""
        folder = self.running.details.get("eval")
        if folder is None:
            return found
        judged = read_judged(Path(folder), sample=self.running.details.get("sample"))
        with self.database.session("indexer") as session:
            before = versions.active(session)
        counts = []
        for version in (before, self.version):
            if version is not None:
                embedder = self.named(self.database.settings, version.model.name)
                with self.database.session("indexer") as session:
                    counts.append(hits(session, version.model, embedder, judged))
        return replace(found, judged=len(judged), found_before=counts[0], found=counts[-1])

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
        """Switch in one transaction, once every chunk has its vectors, and once workers could read
        its codes: the first questions would wait for that.
        """
        with self.database.session("indexer") as session:
            is_large = gate.chunks(session) >= _MANY
        if is_large:
            time.sleep(_SETTLE_S)
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
        versions.give_way_unless_worked_on(session, beginning.KIND)
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
                    versions.forget_refused(session, [model])
                    given = {"model_id": model.id, "most": _BITE}
                    gone = len(session.execute(_DELETE_SOME, given).all())
            deleted += gone
            running.step(DROPPING, deleted, deleted, {"deleted": deleted})
    return {"deleted": deleted}


# Returns chunks without a vector by a model, in the order of their ids.
_READ_WITHOUT_VECTOR = statement(
    """
    SELECT chunk.id, document_id, native_id, position, chunk.title, heading, text
    FROM chunk JOIN document ON document.id = document_id
    WHERE chunk.id > :after AND {missing} ORDER BY chunk.id LIMIT :most
    """,
    missing=WITHOUT_VECTOR,
)

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
