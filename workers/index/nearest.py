"""Finds the chunks nearest to a question among what the audience may read.

A worker's codes name candidates; which of them may be read, and how near they are, one statement
decides, with the permission in it. Without an index everything that may be read is compared.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, case, func
from sqlalchemy.orm import Session

from policies import Visible, readable_embeddings
from policies.tables.base import among
from policies.tables.content import Chunk, Embedding
from workers.index.copy import Index
from workers.models.languages import ENGLISH
from workers.observe import metrics

CANDIDATES = 800
"""How many codes are looked at more closely. The nearest 10 are among them nearly always, and with
fewer visible chunks all are (docs/benchmarks.md)."""


def nearest(
    session: Session,
    visible: Visible,
    index: Index | None,
    vector: NDArray[np.float32],
    model: str,
    *,
    limit: int,
    within: Sequence[int] | None = None,
    foreign_only: bool = False,
) -> list[int]:
    """Return the nearest chunks, by the vectors themselves; `within`: of these documents alone."""
    if index is None or within is not None:
        return _compared(
            session, visible, vector, model, limit, within=within, foreign_only=foreign_only
        )
    found = index.nearest(
        session, visible, model, vector, limit=CANDIDATES, foreign_only=foreign_only
    )
    few = visible.among(found.policy_ids)
    ids = _compared(session, few, vector, model, limit, found.chunk_ids.tolist())
    if len(ids) < min(limit, found.visible):  # a text changed since, or the copy is wrong
        metrics.SEARCHES_SHORT.inc()
        return _compared(session, visible, vector, model, limit, foreign_only=foreign_only)
    return ids


def distance_to(vector: NDArray[np.float32]) -> ColumnElement[float]:
    """The cosine distance of a stored vector to this one: the greatest that there is if it has
    another length, at which PostgreSQL would end the search.
    """
    fits = func.vector_dims(Embedding.vector) == len(vector)
    return case((fits, Embedding.vector.cosine_distance(vector)), else_=2.0)


def _compared(
    session: Session,
    visible: Visible,
    vector: NDArray[np.float32],
    model: str,
    limit: int,
    among_ids: Sequence[int] | None = None,
    *,
    within: Sequence[int] | None = None,
    foreign_only: bool = False,
) -> list[int]:
    """Compare each: adding zero keeps approximate indexes out of it."""
    statement = (
        readable_embeddings(visible, model)
        .with_only_columns(Embedding.chunk_id)
        .order_by(distance_to(vector) + 0.0, Embedding.chunk_id)
        .limit(limit)
    )
    if among_ids is not None:
        statement = statement.where(among(Embedding.chunk_id, among_ids))
    if within is not None:
        statement = statement.where(among(Embedding.document_id, within))
    if foreign_only:
        statement = statement.join(Chunk, Chunk.id == Embedding.chunk_id).where(
            Chunk.language.not_in(sorted(ENGLISH))
        )
    return list(session.scalars(statement))
