"""Begins a re-index: what it would take, and the job that does it (reindexing.py)."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from workers.database.sessions import Database
from workers.index import versions
from workers.index.versions import Model, Version
from workers.ingest.store import READER_VERSION
from workers.jobs import rows, schedules
from workers.jobs.leases import Running
from workers.models.by_name import EMBEDDED, EMBEDDED_MODELS
from workers.settings import Settings

KIND = "reindex"
Quiet = Sequence[str] | None
"""From and to, such as 08:00 and 18:00, in UTC."""
_LETTERS_OF_A_TOKEN = 3


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a re-index would embed."""

    chunks: int
    known: int
    """Chunks that have a vector by its models already."""
    tokens: int
    """About; rather too many."""
    price: float | None
    """Of a million tokens, if that is known; None for the embedded models."""

    @property
    def new(self) -> int:
        return self.chunks - self.known

    @property
    def cost(self) -> float | None:
        return None if self.price is None else round(self.tokens * self.price / 1e6, 4)

    def details(self) -> dict[str, Any]:
        """Return what a job remembers of it: the price counts, whichever process works."""
        return {
            "expected": {"chunks": self.new, "tokens": self.tokens, "cost": self.cost},
            "price": self.price,
        }


def begin(
    database: Database,
    models: Sequence[tuple[str, int]],
    *,
    actor: str,
    before: Sequence[tuple[str, int]] = EMBEDDED_MODELS,
    budget: float | None = None,
    quiet: Quiet = None,
    judged_by: tuple[Path, int | None] | None = None,
) -> int:
    """Make the job that builds a version with these models, by name and dimension; return its id.

    `before`: the models that are active where no version was made yet. `quiet`: hours of the day in
    which it rests. `judged_by`: a folder with questions of the company, and how many of them are
    asked before the switch.
    Raises OpenAlready if a re-index is open, InputInvalid for a dimension that contradicts what is
    stored.
    """
    expected = estimate(database, [name for name, _dimension in models]).details()
    with database.session("indexer") as session:
        job_id = rows.submit(session, KIND, actor=actor)
        made = _put_version(session, models, before, actor=actor)
        details = {"version": made, "budget": budget, "quiet": quiet, **expected}
        if judged_by is not None:
            folder, sample = judged_by
            details |= {"eval": str(folder.resolve()), "sample": sample}
        rows.put_details(session, job_id, details)
    return job_id


def _put_version(
    session: Session,
    models: Sequence[tuple[str, int]],
    before: Sequence[tuple[str, int]],
    *,
    actor: str,
) -> int:
    first = [versions.model_row(session, *one) for one in before]
    versions.put_first(session, first, actor=actor, reader_version=READER_VERSION)
    wanted = [versions.model_row(session, *one) for one in models]
    versions.forget_refused(session, wanted)
    return versions.begin(session, wanted, actor=actor, reader_version=READER_VERSION)


def schedule(
    database: Database,
    models: Sequence[tuple[str, int]],
    *,
    every: timedelta,
    actor: str,
    budget: float | None = None,
    quiet: tuple[time, time] | None = None,
) -> None:
    """Have this done again and again: a version is built with these models if another one is
    active, and vectors that are missing are added. Without models, only that. Raises InputInvalid.
    """
    hours = [f"{one:%H:%M}" for one in quiet] if quiet else None
    details = {"models": [[*one] for one in models], "budget": budget, "quiet": hours}
    schedules.put(database, KIND, "", every=every, actor=actor, details=details, quiet=quiet)


def take_up_scheduled(database: Database, running: Running) -> Mapping[str, Any]:
    """Return the details of a job that a schedule made: what it builds is decided when it begins,
    once. Nothing is to be done where every chunk has its vectors: then `expected` says so.
    """
    if "models" not in running.details or "version" in running.details:
        return running.details
    models = [(str(name), int(dimension)) for name, dimension in running.details["models"]]
    with database.session("indexer") as session:
        running.require(session)
        active = versions.active(session)
        names = _active_names(session)
        wanted = [name for name, _dimension in models] or names
        expected = _estimate(session, database.settings, wanted).details()
        made = None
        if wanted != names:
            made = _put_version(session, models, EMBEDDED_MODELS, actor=running.actor)
        elif active is not None:
            versions.forget_refused(session, active.models)
        details = {**running.details, "version": made, **expected}
        rows.put_details(session, running.id, details)
    return details


def active_names(database: Database) -> list[str]:
    """Return the models that questions use."""
    with database.session("indexer") as session:
        return _active_names(session)


def _active_names(session: Session) -> list[str]:
    version = versions.active(session)
    return [one.name for one in version.models] if version else [*dict(EMBEDDED_MODELS)]


def begin_filling(
    database: Database, *, actor: str, budget: float | None = None, quiet: Quiet = None
) -> int:
    """Make the job that adds the vectors that the active version lacks, also of texts that its
    models refused before. Raises OpenAlready.
    """
    return _fill(
        database, EMBEDDED_MODELS, actor=actor, budget=budget, quiet=quiet, tries_refused=True
    )


def fill_later(
    database: Database, *, actor: str, embedded: Sequence[tuple[str, int]] = EMBEDDED_MODELS
) -> None:
    """The same, but for texts that were refused, unless a re-index is open."""
    with suppress(rows.OpenAlready):
        _fill(database, embedded, actor=actor, budget=None, quiet=None, tries_refused=False)


def fill_what_is_missing(
    database: Database, embedded: Sequence[tuple[str, int]] = EMBEDDED_MODELS
) -> None:
    """The same, if the active version lacks a vector: a load that was killed while the server was
    away left it, or a job that failed, or an older Ken, whose embedded model was another one. One
    that somebody cancelled is not made again, and one that failed not within an hour.
    """
    with database.session("indexer") as session:
        if session.scalar(_LEFT_ALONE, {"kind": KIND}):
            return
        models = _active_or(session, embedded)
        is_missing = any(versions.lacks(session, model) for model in models)
    if is_missing:
        fill_later(database, actor="jobs worker", embedded=embedded)


def _active_or(session: Session, embedded: Sequence[tuple[str, int]]) -> Sequence[Model]:
    """Return the models that questions use; without any version, the embedded ones."""
    version = versions.active(session)
    if version is not None:
        return version.models
    return [versions.model_row(session, *one) for one in embedded]


def _fill(
    database: Database,
    embedded: Sequence[tuple[str, int]],
    *,
    actor: str,
    budget: float | None,
    quiet: Quiet,
    tries_refused: bool,
) -> int:
    """Raises OpenAlready, before anything is counted."""
    with database.session("indexer") as session:
        job_id = rows.submit(session, KIND, actor=actor)
        models = _active_or(session, embedded)
        versions.put_first(session, models, actor=actor, reader_version=READER_VERSION)
        if tries_refused:
            versions.forget_refused(session, models)
        names = [one.name for one in models]
        expected = _estimate(session, database.settings, names).details()
        details = {"version": None, "budget": budget, "quiet": quiet, **expected}
        rows.put_details(session, job_id, details)
    return job_id


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
        return _estimate(session, database.settings, names)


def _estimate(session: Session, settings: Settings, names: Sequence[str]) -> Estimate:
    row = session.execute(_ESTIMATE, {"names": [*names], "models": len(names)}).one()
    tokens = int(row.letters) // _LETTERS_OF_A_TOKEN * len(names)
    price = None if {*names} <= EMBEDDED else settings.embedding_price
    return Estimate(row.chunks, row.known, tokens, price)


# Returns whether no job that adds vectors is to be made by itself now: a re-index is open, or
# somebody cancelled the last such job, or it failed a short time ago.
_LEFT_ALONE = text("""
    SELECT EXISTS (SELECT FROM job WHERE kind = :kind AND state IN ('waiting', 'paused'))
        OR coalesce((
            SELECT state = 'cancelled'
                OR state = 'failed' AND ended_at > now() - interval '1 hour'
            FROM job WHERE kind = :kind AND coalesce(details ->> 'version', '') = ''
            ORDER BY id DESC LIMIT 1), false)
""")

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
