"""Questions of the company whose documents are known: a new index must find them as the old one.

Vectors alone are compared, over all documents, under the role that writes them: what is told of it
are two numbers. How answers are for each person, `ken eval` measures.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from workers.errors import InputInvalid
from workers.index.versions import Model
from workers.models.base import BatchEmbedder

NEAREST = 10
"""A document counts as found if one of its chunks is among so many."""
_SEED = 7


@dataclass(frozen=True, slots=True)
class Judged:
    """A question, and what its source calls the documents that answer it."""

    text: str
    documents: frozenset[str]


def read_judged(folder: Path, *, sample: int | None = None) -> list[Judged]:
    """Return the questions of a folder's questions.jsonl that some document answers; of more than
    `sample`, always the same ones. Raises InputInvalid.
    """
    file = folder / "questions.jsonl"
    try:
        rows = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
        found = [one for row in rows if (one := _judged(row)) is not None]
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        raise InputInvalid(
            f"{file} has no questions that can be read.",
            remedy="docs/evaluate.md describes it: a line of JSON for each question.",
        ) from None
    if not found:
        raise InputInvalid(f"No question of {file} says which documents answer it.")
    if sample is not None and sample < len(found):
        return Random(_SEED).sample(found, sample)
    return found


def _judged(row: dict[str, Any]) -> Judged | None:
    documents = {*(row.get("docs") or row.get("expected_doc_ids") or ())}
    documents |= {*(row.get("also_acceptable_doc_ids") or ())}
    if row.get("expected") != "answer" or not documents:
        return None
    return Judged(str(row.get("paraphrase") or row["text"]), frozenset(map(str, documents)))


def hits(session: Session, model: Model, embedder: BatchEmbedder, judged: Sequence[Judged]) -> int:
    """Count the questions of which a document is among the nearest by a model."""
    vectors = embedder.embed([one.text for one in judged])
    given = {"model_id": model.id, "nearest": NEAREST}
    return sum(
        not one.documents.isdisjoint(
            session.scalars(_NEAREST, {**given, "vector": str(vector.tolist())})
        )
        for one, vector in zip(judged, vectors, strict=True)
    )


# Returns what their sources call the documents of the chunks nearest to a vector.
_NEAREST = text("""
    SELECT native_id FROM (
        SELECT document_id FROM embedding WHERE model_id = :model_id
        ORDER BY (vector <=> CAST(:vector AS halfvec)) + 0.0, chunk_id LIMIT :nearest
    ) AS near JOIN document ON document.id = document_id
""")
