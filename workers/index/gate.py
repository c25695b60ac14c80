"""Checks a version before questions use it: counts, its model, and what a search by codes finds."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from workers.index.nearest import CANDIDATES
from workers.index.versions import Model, Version, missing, refused
from workers.models.pairs import ENOUGH, Scale

SAMPLE, NEAREST = 20, 10
_FEW, REFUSED = 10, 0.05
"""So many chunks, or this share of all, may be without a vector because the model refuses them."""
MARGIN = 0.03
"""Of the company's own questions, this share more may miss their documents than before."""
RECALL = 0.95
"""Of the nearest chunks by the vectors, so many must be found by the codes first."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check found."""

    chunks: int
    without_vector: int
    """Of documents that were stored meanwhile; the switch waits for them."""
    wrong_dimension: int
    pairs_first: float
    """The share of our questions whose own passage is nearest."""
    recall: float
    """Of the search by codes against comparing everything, on a sample of stored chunks."""
    refused: int = 0
    """Of the chunks, those whose text its model refuses: words alone find them."""
    judged: int = 0
    """Of the company's own questions, how many were asked."""
    found_before: int = 0
    found: int = 0
    """Those of which a right document is among the nearest: by the index in use, and by this."""
    by_another_model: int = 0
    """Of some stored vectors, those that their model would not make today."""

    def objections(self) -> list[str]:
        """Say why questions must not use it; empty if they may."""
        found = []
        if self.wrong_dimension:
            found.append(f"{self.wrong_dimension} vectors have another dimension")
        if self.refused > max(_FEW, REFUSED * self.chunks):
            found.append(
                f"the model refuses the text of {self.refused} of {self.chunks} chunks, which "
                f"words alone would find: more than {REFUSED:.0%}"
            )
        if self.found < self.found_before - MARGIN * self.judged:
            found.append(
                f"of {self.judged} of your questions it finds the documents of {self.found}, the "
                f"index in use those of {self.found_before}: more than {MARGIN:.0%} fewer"
            )
        if self.by_another_model:
            found.append(
                f"{self.by_another_model} of some stored vectors that were made again are by "
                "another model than the one that answers under the name now: use another name"
            )
        if self.pairs_first < ENOUGH:
            found.append(
                f"of our test questions {self.pairs_first:.0%} are nearest to their own passage, "
                f"fewer than {ENOUGH:.0%}: the model does not compare meanings"
            )
        if self.recall < RECALL:
            found.append(
                f"the search by codes finds {self.recall:.0%} of the nearest chunks, fewer than "
                f"{RECALL:.0%}"
            )
        return found

    def figures(self) -> dict[str, Any]:
        return asdict(self)


def check(session: Session, version: Version, scale: Scale, by_another_model: int) -> Checked:
    """Check a version that is complete. The session is the indexer's."""
    return Checked(
        chunks(session),
        sum(missing(session, model) for model in version.models),
        sum(_wrong(session, model) for model in version.models),
        round(scale.first, 3),
        round(min(_recall(session, model) for model in version.models), 3),
        max(refused(session, model) for model in version.models),
        by_another_model=by_another_model,
    )


def chunks(session: Session) -> int:
    """Count the chunks."""
    return int(session.scalar(_COUNT_CHUNKS) or 0)


def _wrong(session: Session, model: Model) -> int:
    given = {"model_id": model.id, "dimension": model.dimension}
    return int(session.scalar(_COUNT_OTHER_DIMENSIONS, given) or 0)


def _recall(session: Session, model: Model) -> float:
    """Compare what the codes lead to with the nearest of all, for stored chunks as questions."""
    asked = session.scalars(_SAMPLE_CHUNKS, {"model_id": model.id, "most": SAMPLE}).all()
    found = wanted = 0
    for chunk_id in asked:
        given = {"model_id": model.id, "asked": chunk_id, "nearest": NEAREST}
        exact = set(session.scalars(_NEAREST_OF_ALL, given))
        by_codes = set(session.scalars(_NEAREST_BY_CODES, {**given, "candidates": CANDIDATES}))
        found, wanted = found + len(exact & by_codes), wanted + len(exact)
    return found / wanted if wanted else 1.0


_COUNT_CHUNKS = text("SELECT count(*) FROM chunk")

_COUNT_OTHER_DIMENSIONS = text("""
    SELECT count(*) FROM embedding
    WHERE model_id = :model_id AND vector_dims(vector) <> :dimension
""")

# Returns some chunks that have a vector, the same each time.
_SAMPLE_CHUNKS = text("""
    SELECT chunk_id FROM embedding WHERE model_id = :model_id
    ORDER BY hashint8(chunk_id), chunk_id LIMIT :most
""")

# Returns the chunks nearest to a chunk, by comparing all.
_NEAREST_OF_ALL = text("""
    SELECT chunk_id FROM embedding WHERE model_id = :model_id
    ORDER BY (vector <=> (SELECT vector FROM embedding
                          WHERE chunk_id = :asked AND model_id = :model_id)) + 0.0, chunk_id
    LIMIT :nearest
""")

# Returns the same as a question finds them: candidates by codes, then by their vectors.
_NEAREST_BY_CODES = text("""
    WITH asked AS MATERIALIZED (
        SELECT vector FROM embedding WHERE chunk_id = :asked AND model_id = :model_id
    ), candidate AS MATERIALIZED (
        SELECT chunk_id, vector FROM embedding WHERE model_id = :model_id
        ORDER BY bit_count(binary_quantize(vector)
                           # binary_quantize((SELECT vector FROM asked))), chunk_id
        LIMIT :candidates
    )
    SELECT chunk_id FROM candidate
    ORDER BY (vector <=> (SELECT vector FROM asked)) + 0.0, chunk_id LIMIT :nearest
""")
