"""Ranking inside what the policy allows: by meaning and by words, fused.

Both searches start from `readable_chunks(audience)` and are exact. No statistic of a document
that the audience may not read takes part: how rare a word is comes from a fixed list.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select, text, true
from sqlalchemy.orm import Session

from policies import Audience, readable_chunks
from policies.models import Chunk, Document, Embedding, EmbeddingModel, Node, Source
from workers.models.base import Passage
from workers.models.rarity import rarity

DEPTH = 200
"""Candidates of each search that take part in the fusion."""
CANDIDATES = 400
"""Chunks that are scored word by word."""
RRF_K = 60
"""Reciprocal rank fusion: Cormack, Clarke, Büttcher, SIGIR 2009."""
PER_DOCUMENT = 3
"""One document gives at most so many passages: it cannot crowd out the others."""
MAX_QUESTION = 4000
"""Characters of a question that take part in the search by words."""
_K1, _B, _AVERAGE_WORDS, _TITLE_WEIGHT = 1.2, 0.5, 70.0, 2.0
_WORD = re.compile(r"\w+(?:[-.]\w+)*")


def retrieve(
    session: Session,
    audience: Audience,
    question: str,
    vector: NDArray[np.float32],
    *,
    model: str,
    limit: int,
    per_document: int = PER_DOCUMENT,
) -> tuple[Passage, ...]:
    """The best passages that all of the audience may read, best first.

    `vector` is the question's, shape (dimension,), by the model that is named. The session is
    one snapshot: the statement that returns text asks for permission once more.
    """
    fused = _fuse(
        [
            _nearest(session, audience, vector, model=model),
            _matching(session, audience, question),
        ]
    )
    picked = _spread(fused, limit=limit, per_document=per_document)
    return _read(session, audience, picked)


_Ranked = list[tuple[int, int]]
"""(chunk id, document id), best first."""


def _nearest(
    session: Session, audience: Audience, vector: NDArray[np.float32], *, model: str
) -> _Ranked:
    """By cosine distance, exactly: the added zero keeps any approximate index out of it."""
    distance = Embedding.vector.cosine_distance(vector) + 0.0
    statement = (
        readable_chunks(audience)
        .with_only_columns(Chunk.id, Chunk.document_id)
        .join(Embedding, Embedding.chunk_id == Chunk.id)
        .join(EmbeddingModel, EmbeddingModel.id == Embedding.model_id)
        .where(EmbeddingModel.name == model)
        .order_by(distance, Chunk.id)
        .limit(DEPTH)
    )
    return [(chunk_id, document_id) for chunk_id, document_id in session.execute(statement)]


def _matching(session: Session, audience: Audience, question: str) -> _Ranked:
    """By BM25 with rarity from a fixed list in place of a statistic of the corpus.

    PostgreSQL finds candidates by `ts_rank`; the few hundred best are scored here.
    """
    rarities = _lexemes(session, question)
    if not rarities:
        return []
    query = func.to_tsquery("simple", " | ".join(map(_quoted, rarities)))
    candidate = (
        readable_chunks(audience)
        .with_only_columns(Chunk.id, Chunk.document_id, Chunk.tsv, Chunk.words)
        .where(Chunk.tsv.op("@@")(query))
        .order_by(func.ts_rank(Chunk.tsv, query).desc(), Chunk.id)
        .limit(CANDIDATES)
        .cte("candidate")
    )
    found = func.unnest(candidate.c.tsv).table_valued("lexeme", "positions", "weights").lateral()
    rows = session.execute(
        select(candidate.c.id, candidate.c.document_id, candidate.c.words)
        .add_columns(found.c.lexeme, found.c.weights)
        .join_from(candidate, found, true())
        .where(found.c.lexeme.in_(list(rarities)))
    )
    scores: dict[tuple[int, int], float] = {}
    for chunk_id, document_id, words, lexeme, weights in rows:
        chunk = (chunk_id, document_id)
        scores[chunk] = scores.get(chunk, 0.0) + rarities[lexeme] * _saturated(weights, words)
    return sorted(scores, key=lambda chunk: (-scores[chunk], chunk))[:DEPTH]


def _saturated(weights: Sequence[str], words: int) -> float:
    """BM25's frequency term: Robertson and Zaragoza, 2009. A title's word counts for more."""
    frequency = sum(_TITLE_WEIGHT if weight == "A" else 1.0 for weight in weights)
    length = 1 - _B + _B * words / _AVERAGE_WORDS
    return frequency * (_K1 + 1) / (frequency + _K1 * length)


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def _lexemes(session: Session, question: str) -> dict[str, float]:
    """What PostgreSQL makes of the question's words, each with the rarity of its word."""
    found = _WORD.findall(question[:MAX_QUESTION])
    rows = session.execute(_TO_LEXEMES, {"words": found})
    rarities: dict[str, float] = {}
    for word, lexeme in rows:
        rarities[lexeme] = max(rarities.get(lexeme, 0.0), rarity(word))
    return rarities


def _fuse(rankings: Sequence[_Ranked]) -> _Ranked:
    scores: dict[tuple[int, int], float] = {}
    for ranking in rankings:
        for rank, chunk in enumerate(ranking, start=1):
            scores[chunk] = scores.get(chunk, 0.0) + 1 / (RRF_K + rank)
    return sorted(scores, key=lambda chunk: (-scores[chunk], chunk))


def _spread(fused: _Ranked, *, limit: int, per_document: int) -> list[int]:
    """The first chunks, at most so many of one document."""
    taken: Counter[int] = Counter()
    picked = []
    for chunk_id, document_id in fused:
        if taken[document_id] < per_document:
            taken[document_id] += 1
            picked.append(chunk_id)
        if len(picked) == limit:
            break
    return picked


def _read(session: Session, audience: Audience, chunk_ids: Iterable[int]) -> tuple[Passage, ...]:
    order = {chunk_id: place for place, chunk_id in enumerate(chunk_ids)}
    statement = (
        readable_chunks(audience)
        .join(Node, Node.id == Document.id)
        .join(Source, Source.id == Node.source_id)
        .where(Chunk.id.in_(order))
        .add_columns(Document.native_id, Document.url, Document.updated_at, Source.name)
    )
    passages = [
        Passage(
            chunk_id=chunk.id,
            document_id=chunk.document_id,
            document=native_id,
            title=chunk.title,
            heading=chunk.heading,
            text=chunk.text,
            url=url,
            anchor=chunk.anchor,
            source=source,
            updated_at=updated_at,
        )
        for chunk, native_id, url, updated_at, source in session.execute(statement)
    ]
    return tuple(sorted(passages, key=lambda passage: order[passage.chunk_id]))


_TO_LEXEMES = text("""
    SELECT word, lexeme
    FROM unnest(CAST(:words AS text[])) AS word,
         unnest(tsvector_to_array(to_tsvector('english', word))) AS lexeme
""")
