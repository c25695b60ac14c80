"""The versions of the index: which one questions use, which one is built, and the switch.

A version names the models whose vectors a question compares. Exactly one is active, and a question
reads in one snapshot which. Without any row, the embedded models are the active ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from policies.audit import record
from policies.change import Change
from policies.tables.content import EmbeddingModel
from policies.tables.index import IndexVersion, VersionState
from workers.database.statements import statement
from workers.errors import InputInvalid


@dataclass(frozen=True, slots=True)
class Model:
    """A model of vectors: its row, its name and its dimension."""

    id: int
    name: str
    dimension: int


@dataclass(frozen=True, slots=True)
class Version:
    """A version, as far as a question and a load need it. Equal if it is the same row."""

    id: int
    model: Model = field(compare=False)
    multilingual: Model | None = field(compare=False)
    slope: float = field(default=1.0, compare=False)
    offset: float = field(default=0.0, compare=False)

    @property
    def models(self) -> tuple[Model, ...]:
        return (self.model, self.multilingual) if self.multilingual else (self.model,)

    @property
    def names(self) -> str:
        return " + ".join(model.name for model in self.models)


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """A version as people see it."""

    id: int
    state: VersionState
    model: str
    dimension: int
    multilingual: str | None
    reader_version: int
    vectors: int
    gate: dict[str, Any]
    actor: str
    created_at: datetime
    activated_at: datetime | None
    ended_at: datetime | None


class VectorsMissing(Exception):
    """Documents were stored since its vectors were completed."""


def active(session: Session) -> Version | None:
    """Return the version that questions use; None: the embedded models, no version was made yet."""
    row = session.execute(_READ_ACTIVE).mappings().one_or_none()
    return None if row is None else _version(row)


def version(session: Session, version_id: int) -> tuple[Version, VersionState]:
    row = session.execute(_READ_VERSION, {"id": version_id}).mappings().one()
    return _version(row), VersionState(row["state"])


def probe(session: Session, version_id: int) -> Sequence[float] | None:
    """Return the vector of a text of ours by a version's model, as it was when it was begun."""
    found: Sequence[float] | None = session.scalar(
        select(IndexVersion.probe).where(IndexVersion.id == version_id)
    )
    return found


def put_probe(session: Session, version_id: int, probe: Sequence[float] | None) -> None:
    """Record by what the version's model is known from now on."""
    values = {"probe": None if probe is None else [*probe]}
    session.execute(update(IndexVersion).where(IndexVersion.id == version_id).values(**values))


def live(session: Session) -> list[Version]:
    """Return the active version and the one that is ready to be: workers may hold their codes."""
    return [_version(row) for row in session.execute(_READ_LIVE).mappings()]


def all_versions(session: Session) -> list[VersionFacts]:
    """List the versions, the newest first."""
    rows = session.execute(_READ_VERSIONS).mappings()
    return [VersionFacts(**{**row, "state": VersionState(row["state"])}) for row in rows]


def model_row(session: Session, name: str, dimension: int) -> Model:
    """Return the row of a model, made if it is new. Raises InputInvalid if it is known with another
    dimension: its vectors would not compare.
    """
    session.execute(
        insert(EmbeddingModel).values(name=name, dimension=dimension).on_conflict_do_nothing()
    )
    found = session.execute(
        select(EmbeddingModel.id, EmbeddingModel.dimension).where(EmbeddingModel.name == name)
    ).one()
    if found.dimension != dimension:
        raise InputInvalid(
            f"The model {name!r} has vectors of {dimension} numbers now; the index knows it with "
            f"{found.dimension}. Nothing was changed.",
            remedy="It is another model under the same name. Ask its server for the name of the "
            f"one that you want, or give the length a name of its own: --dimensions {dimension}.",
        )
    return Model(found.id, name, found.dimension)


def put_first(session: Session, models: Sequence[Model], *, actor: str, reader_version: int) -> int:
    """Make a version of the models that questions use, if none was made yet; return its id."""
    known = active(session)
    if known is not None:
        return known.id
    first = _insert(session, models, VersionState.ACTIVE, actor, reader_version)
    session.execute(_MARK_ACTIVE, {"id": first})
    return first


def begin(session: Session, models: Sequence[Model], *, actor: str, reader_version: int) -> int:
    """Make a version that is to be built. One whose job has ended without it gives way.

    In the transaction that makes the job: only one job can be open.
    """
    give_way(session)
    return _insert(session, models, VersionState.BUILDING, actor, reader_version)


def begin_roll_back(session: Session) -> Version:
    """Make the version that was active before ready again. Raises InputInvalid if there is none."""
    row = session.execute(_READ_PREVIOUS).mappings().one_or_none()
    if row is None:
        raise InputInvalid(
            "There is no earlier version to go back to. Nothing was changed.",
            remedy="`ken reindex --versions` lists those that there are; the vectors of an earlier "
            "one are deleted after KEN_KEEP_INDEX_DAYS. `ken reindex --model NAME` builds it "
            "again.",
        )
    give_way(session)
    found = _version(row)
    set_state(session, found.id, VersionState.READY)
    return found


def set_state(session: Session, version_id: int, state: VersionState) -> None:
    session.execute(update(IndexVersion).where(IndexVersion.id == version_id).values(state=state))


def give_way(session: Session) -> None:
    """Give up the version that would be next, if there is one. Its vectors stay for a while."""
    session.execute(_GIVE_WAY)


def take_up(session: Session, version_id: int) -> VersionState:
    """Return the state of the version that a job works on. One that was given up, because its job
    failed or nobody worked on it, is built again, and checked again.
    """
    _found, state = version(session, version_id)
    if state in (VersionState.CANCELLED, VersionState.DROPPED, VersionState.RETIRED):
        give_way(session)
        state = VersionState.READY if state is VersionState.RETIRED else VersionState.BUILDING
        set_state(session, version_id, state)
        if state is VersionState.BUILDING:
            put_probe(session, version_id, None)
    return state


def give_way_unless_worked_on(session: Session, kind: str) -> None:
    """Give up the version that would be next, if no job of this kind is open."""
    session.execute(_GIVE_WAY_ALONE, {"kind": kind})


def unused(session: Session) -> dict[int, float]:
    """Return the versions that are not used any more and whose vectors are still there, each with
    the seconds since it was used.
    """
    return {row.id: row.seconds for row in session.execute(_READ_UNUSED)}


def drop(session: Session, version_id: int, *, keep_s: float) -> bool:
    """Mark a version as dropped that has not been used for this long; return whether it is. From
    then on its vectors may go at any time.
    """
    given = {"id": version_id, "keep_s": keep_s}
    return session.scalar(_DROP_VERSION, given) is not None


def put_checked(
    session: Session,
    version_id: int,
    *,
    slope: float,
    offset: float,
    gate: dict[str, Any],
) -> None:
    """Record what the check before the switch found."""
    values = {"slope": slope, "offset": offset, "gate": gate}
    session.execute(update(IndexVersion).where(IndexVersion.id == version_id).values(**values))


def switch(change: Change, version_id: int) -> int | None:
    """Make a version the one that questions use, in the change's transaction; return the one before
    it. The epoch that the change has taken makes every load wait, so nothing is added meanwhile.

    Raises VectorsMissing if a chunk has no vector of it; then nothing is changed.
    """
    session = change.session
    wanted, _state = version(session, version_id)
    if any(missing(session, model) for model in wanted.models):
        raise VectorsMissing
    before: int | None = session.execute(_RETIRE_ACTIVE).scalar_one_or_none()
    session.execute(_MARK_ACTIVE, {"id": version_id})
    details = {"version": version_id, "before": before}
    record(session, actor=change.actor, action="switch_index", details=details, epoch=change.epoch)
    return before


def missing(session: Session, model: Model) -> int:
    """Count the chunks without a vector by a model, but for those whose text it refuses."""
    return int(session.scalar(_COUNT_MISSING, {"model_id": model.id}) or 0)


def lacks(session: Session, model: Model) -> bool:
    """Return whether some chunk lacks a vector by a model; quicker than counting them."""
    return session.scalar(_IS_MISSING, {"model_id": model.id}) is not None


def refused(session: Session, model: Model) -> int:
    """Count the chunks whose text a model refuses."""
    return int(session.scalar(_COUNT_REFUSED, {"model_id": model.id}) or 0)


def forget_refused(session: Session, models: Sequence[Model]) -> None:
    """Let texts that these models refused be tried again."""
    session.execute(_FORGET_REFUSED, {"model_ids": [model.id for model in models]})


def is_used(session: Session, model_id: int) -> bool:
    """Return whether a version that may still be used has this model."""
    return bool(session.scalar(_IS_USED, {"model_id": model_id}))


def _insert(
    session: Session,
    models: Sequence[Model],
    state: VersionState,
    actor: str,
    reader_version: int,
) -> int:
    model, *more = models
    values = {
        "state": state,
        "model_id": model.id,
        "multilingual_id": more[0].id if more else None,
        "reader_version": reader_version,
        "actor": actor,
    }
    return session.execute(
        insert(IndexVersion).values(**values).returning(IndexVersion.id)
    ).scalar_one()


def _version(row: RowMapping) -> Version:
    other = None
    if row["multilingual_id"] is not None:
        other = Model(row["multilingual_id"], row["other_name"], row["other_dimension"])
    return Version(
        row["id"],
        Model(row["model_id"], row["name"], row["dimension"]),
        other,
        row["slope"],
        row["offset"],
    )


_VERSION = """
    SELECT index_version.id, state, model_id, model.name, model.dimension, multilingual_id,
           other.name AS other_name, other.dimension AS other_dimension, slope, "offset"
    FROM index_version
    JOIN embedding_model AS model ON model.id = model_id
    LEFT JOIN embedding_model AS other ON other.id = multilingual_id
"""

# Returns the version that questions use.
_READ_ACTIVE = statement("{version} WHERE state = 'active'", version=_VERSION)

# Returns the versions whose codes a worker may hold.
_READ_LIVE = statement("{version} WHERE state IN ('active', 'ready')", version=_VERSION)

# Returns one version.
_READ_VERSION = statement("{version} WHERE index_version.id = :id", version=_VERSION)

# Returns the version that was active last, if its vectors are still there.
_READ_PREVIOUS = statement(
    "{version} WHERE state = 'retired' ORDER BY ended_at DESC, index_version.id DESC LIMIT 1",
    version=_VERSION,
)

# Returns all versions, with how many vectors their model has.
_READ_VERSIONS = text("""
    SELECT index_version.id, state, model.name AS model, model.dimension,
           other.name AS multilingual, reader_version, gate, actor, created_at, activated_at,
           ended_at, (SELECT count(*) FROM embedding WHERE embedding.model_id = model.id) AS vectors
    FROM index_version
    JOIN embedding_model AS model ON model.id = model_id
    LEFT JOIN embedding_model AS other ON other.id = multilingual_id
    ORDER BY index_version.id DESC
""")

# Ends the version that would be next and whose job is over.
_GIVE_WAY = text("""
    UPDATE index_version SET state = CASE WHEN activated_at IS NULL THEN 'cancelled'
                                          ELSE 'retired' END, ended_at = now()
    WHERE state IN ('building', 'ready')
""")

# The same, if no job of a kind is open.
_GIVE_WAY_ALONE = statement(
    """
    {give_way} AND NOT EXISTS (
        SELECT FROM job WHERE kind = :kind AND job.state IN ('waiting', 'paused'))
    """,
    give_way=_GIVE_WAY.text,
)

_READ_UNUSED = text("""
    SELECT id, extract(epoch FROM now() - ended_at)::float AS seconds FROM index_version
    WHERE state IN ('retired', 'cancelled')
""")

# Marks a version whose vectors are to be deleted. Returns its id, unless it is used again, or was
# used so short a time ago that it can be gone back to.
_DROP_VERSION = text("""
    UPDATE index_version SET state = 'dropped'
    WHERE id = :id AND (state = 'dropped' OR state IN ('retired', 'cancelled')
                        AND ended_at <= now() - make_interval(secs => :keep_s))
    RETURNING id
""")

# Retires the active version, and returns its id.
_RETIRE_ACTIVE = text("""
    UPDATE index_version SET state = 'retired', ended_at = now() WHERE state = 'active'
    RETURNING id
""")

_MARK_ACTIVE = text("""
    UPDATE index_version SET state = 'active', activated_at = now(), ended_at = NULL
    WHERE id = :id
""")

WITHOUT_VECTOR = """
    NOT EXISTS (SELECT FROM embedding WHERE chunk_id = chunk.id AND model_id = :model_id)
    AND NOT EXISTS (SELECT FROM refused_text WHERE chunk_id = chunk.id AND model_id = :model_id)
"""
"""The condition for a chunk whose vector by a model is to be made."""

# Counts the chunks without a vector by a model that is to be made.
_COUNT_MISSING = statement("SELECT count(*) FROM chunk WHERE {missing}", missing=WITHOUT_VECTOR)

# Returns a row if there is such a chunk.
_IS_MISSING = statement("SELECT 1 FROM chunk WHERE {missing} LIMIT 1", missing=WITHOUT_VECTOR)

# Counts the chunks whose text a model refuses.
_COUNT_REFUSED = text("SELECT count(*) FROM refused_text WHERE model_id = :model_id")

# Forgets what models refused.
_FORGET_REFUSED = text("DELETE FROM refused_text WHERE model_id = ANY (:model_ids)")

# Returns whether a version that may still be used has this model.
_IS_USED = text("""
    SELECT EXISTS (SELECT FROM index_version
                   WHERE (model_id = :model_id OR multilingual_id = :model_id)
                     AND state NOT IN ('cancelled', 'dropped'))
""")
