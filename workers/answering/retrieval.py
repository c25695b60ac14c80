"""Ranks what the policy allows: by meaning and by words, fused.

Both searches start from what `visible_in` says that the audience may read, and are exact. Documents
that the audience may not read affect no statistic: the rarity of a word comes from a fixed list.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from policies import Audience, Visible, readable_chunks, readable_embeddings, visible_in
from policies.tables.content import Chunk, Document, Embedding
from policies.tables.permissions import Node
from policies.tables.sources import Source
from workers.answering.preferring import fits
from workers.models.base import NOBODY, Passage, Profile, Span
from workers.models.rarity import rarity

DEPTH = 60
"""Candidates of each search."""
MATCHING = 120
"""Chunks found by words that are then scored word by word."""
FUSED = 50
"""Candidates that remain after the fusion and are ranked again."""
PER_DOCUMENT = 3
"""The most passages of one document, so that it cannot crowd out the others."""
MOST_TABLES, LARGEST_TABLE = 3, 80
"""Documents whose rows are read whole, and the most chunks that such a document may have."""
MAX_QUESTION = 4000
"""Characters of a question that are used in the search by words."""

# Chosen on docs/benchmarks.md's evaluation set, on a plateau of each.
_RRF_K, _BY_MEANING, _BY_WORDS = 10, 3.0, 1.0
_K1, _B, _USUAL_WORDS, _TITLE_WEIGHT = 0.9, 0.5, 70.0, 2.0
_SHARE_WEIGHT, _SECOND_WEIGHT = 0.2, 0.2
_FITS, _FITS_OTHERS = 0.02, 0.08
"""A page for somebody else's country is further down by more than lies between two countries' pages
on one subject. One for the person's own is hardly moved up: that is no reason to be on the subject.
"""
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class _Candidate:
    chunk_id: int
    document_id: int
    cosine: float
    share: float
    """BM25 of the question's words as a share of its maximum: 0 to 1."""

    @property
    def relevance(self) -> float:
        return self.cosine + _SHARE_WEIGHT * self.share


def retrieve(
    session: Session,
    audience: Audience,
    question: str,
    vector: NDArray[np.float32],
    *,
    model: str,
    limit: int,
    per_document: int = PER_DOCUMENT,
    profile: Profile = NOBODY,
    whole_tables: bool = False,
) -> tuple[Passage, ...]:
    """Return the best passages that all of the audience may read, best first.

    What is meant for the profile's country, site or team comes earlier; nothing is left out for it.

    `whole_tables`: after them, the other chunks of the documents whose rows are among the best, so
    that rows can be counted and compared; their relevance is 0.
    `vector` is the question's, shape (dimension,), by the model named. The session is one snapshot:
    what may be read is determined once in it, and limits every statement.
    """
    visible = visible_in(session, audience)
    rarities = _lexemes(session, question)
    near = _near(session, visible, vector, model)
    matching = _matching(session, visible, rarities)
    candidates = _weigh(session, visible, {*near, *matching}, vector, model, rarities)
    fused = _fuse(near, matching, candidates)
    preferred = fits(session, visible, [one.chunk_id for one in fused], profile)
    picked = _pick(fused, preferred, limit=limit, per_document=per_document)
    passages = _read(session, visible, picked)
    return (*passages, *_other_rows(session, visible, passages)) if whole_tables else passages


def merged(found: Sequence[Sequence[Passage]]) -> tuple[Passage, ...]:
    """Return the passages of several searches, the best of each first, each once.

    One that two searches found keeps its better relevance.
    """
    best: dict[int, Passage] = {}
    for passage in (one for row in zip_longest(*found) for one in row if one is not None):
        known = best.get(passage.chunk_id)
        if known is None or known.relevance < passage.relevance:
            best[passage.chunk_id] = passage
    return tuple(best.values())


def _near(session: Session, visible: Visible, vector: NDArray[np.float32], model: str) -> list[int]:
    """Search by meaning, exactly: adding zero keeps approximate indexes out of it."""
    statement = (
        readable_embeddings(visible, model)
        .with_only_columns(Embedding.chunk_id)
        .order_by(Embedding.vector.cosine_distance(vector) + 0.0, Embedding.chunk_id)
        .limit(DEPTH)
    )
    return list(session.scalars(statement))


def _matching(session: Session, visible: Visible, rarities: Mapping[str, float]) -> list[int]:
    """Search by words, found and roughly ordered by PostgreSQL's full-text search."""
    if not rarities:
        return []
    query = func.to_tsquery("simple", " | ".join(map(_quoted, rarities)))
    statement = (
        readable_chunks(visible)
        .with_only_columns(Chunk.id)
        .where(Chunk.tsv.op("@@")(query))
        .order_by(func.ts_rank(Chunk.tsv, query).desc(), Chunk.id)
        .limit(MATCHING)
    )
    return list(session.scalars(statement))


def _weigh(
    session: Session,
    visible: Visible,
    chunk_ids: Collection[int],
    vector: NDArray[np.float32],
    model: str,
    rarities: Mapping[str, float],
) -> dict[int, _Candidate]:
    """Compute both measures for each candidate, whichever search found it."""
    chosen = (
        readable_embeddings(visible, model)
        .join(Chunk, Chunk.id == Embedding.chunk_id)
        .with_only_columns(
            Chunk.id,
            Chunk.document_id,
            Chunk.words,
            Chunk.tsv,
            (1 - Embedding.vector.cosine_distance(vector)).label("cosine"),
        )
        .where(Embedding.chunk_id.in_(chunk_ids))
        .cte("chosen")
    )
    word = func.unnest(chosen.c.tsv).table_valued("lexeme", "positions", "weights").lateral("word")
    rows = session.execute(
        select(chosen.c.id, chosen.c.document_id, chosen.c.words, chosen.c.cosine)
        .add_columns(word.c.lexeme, word.c.weights)
        .join_from(chosen, word, word.c.lexeme.in_(list(rarities)), isouter=True)
    )
    most = sum(rarities.values()) * (_K1 + 1)
    found: dict[int, _Candidate] = {}
    for chunk_id, document_id, words, cosine, lexeme, weights in rows:
        share = rarities[lexeme] * _saturated(weights, words) / most if lexeme else 0.0
        before = found.get(chunk_id)
        share += before.share if before else 0.0
        found[chunk_id] = _Candidate(chunk_id, document_id, float(cosine), share)
    return found


def _saturated(weights: Sequence[str], words: int) -> float:
    """BM25's frequency term (Robertson and Zaragoza, 2009). A word in the title counts for more.

    The usual length is a constant: an average would reveal something about unreadable documents.
    """
    frequency = sum(_TITLE_WEIGHT if weight == "A" else 1.0 for weight in weights)
    length = 1 - _B + _B * words / _USUAL_WORDS
    return frequency * (_K1 + 1) / (frequency + _K1 * length)


def _fuse(
    near: Sequence[int], matching: Sequence[int], candidates: Mapping[int, _Candidate]
) -> list[_Candidate]:
    """Reciprocal rank fusion (Cormack, Clarke, Büttcher, SIGIR 2009): the best of both lists."""
    embedded = [chunk_id for chunk_id in matching if chunk_id in candidates]
    by_words = sorted(embedded, key=lambda chunk_id: -candidates[chunk_id].share)[:DEPTH]
    scores: dict[int, float] = defaultdict(float)
    for weight, ranking in ((_BY_MEANING, near), (_BY_WORDS, by_words)):
        for rank, chunk_id in enumerate(ranking, start=1):
            scores[chunk_id] += weight / (_RRF_K + rank)
    best = sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))[:FUSED]
    return [candidates[chunk_id] for chunk_id in best]


def _pick(
    fused: Sequence[_Candidate],
    preferred: Mapping[int, float],
    *,
    limit: int,
    per_document: int,
) -> list[_Candidate]:
    """Order by relevance; a document with a second good chunk is more likely the right one.

    Ranks lose how far apart two candidates are; with few candidates, the measures themselves say
    more (docs/benchmarks.md: hit@1 of paraphrased questions is .35 to .44 by ranks alone, .50 this
    way).
    """
    chunks_of: dict[int, list[float]] = defaultdict(list)
    for candidate in sorted(fused, key=lambda one: -one.relevance):
        chunks_of[candidate.document_id].append(candidate.relevance)
    lowest = min((one.relevance for one in fused), default=0.0)

    def score(one: _Candidate) -> float:
        _best, second, *_ = *chunks_of[one.document_id], lowest
        fit = preferred.get(one.chunk_id, 0.0)
        meant = fit * (_FITS if fit > 0 else _FITS_OTHERS)
        return one.relevance + _SECOND_WEIGHT * second + meant

    taken: Counter[int] = Counter()
    picked: list[_Candidate] = []
    for candidate in sorted(fused, key=lambda one: (-score(one), one.chunk_id)):
        if taken[candidate.document_id] < per_document and len(picked) < limit:
            taken[candidate.document_id] += 1
            picked.append(candidate)
    return picked


def _read(session: Session, visible: Visible, picked: Sequence[_Candidate]) -> tuple[Passage, ...]:
    statement = _passages(visible).where(Chunk.id.in_([candidate.chunk_id for candidate in picked]))
    found = {chunk.id: (chunk, *rest) for chunk, *rest in session.execute(statement)}
    return tuple(
        _passage(*found[candidate.chunk_id], relevance=candidate.relevance)
        for candidate in picked
        if candidate.chunk_id in found
    )


def _other_rows(
    session: Session, visible: Visible, passages: Sequence[Passage]
) -> Iterator[Passage]:
    """Yield the rest of the tables that begin among these passages, each whole or not at all."""
    ids = dict.fromkeys(
        one.document_id for one in passages if any(span.kind == "row" for span in one.spans)
    )
    for document_id in list(ids)[:MOST_TABLES]:
        statement = (
            _passages(visible)
            .where(Chunk.document_id == document_id)
            .order_by(Chunk.position)
            .limit(LARGEST_TABLE + 1)
        )
        found = list(session.execute(statement))
        known = {one.chunk_id for one in passages}
        if len(found) <= LARGEST_TABLE:
            yield from (_passage(*row) for row in found if row[0].id not in known)


def _passages(visible: Visible) -> Select[Any]:
    return (
        readable_chunks(visible)
        .join(Node, Node.id == Document.id)
        .join(Source, Source.id == Node.source_id)
        .add_columns(Document.native_id, Document.url, Document.updated_at, Source.name)
    )


def _passage(
    chunk: Chunk,
    native_id: str,
    url: str | None,
    updated_at: datetime | None,
    source: str,
    *,
    relevance: float = 0.0,
) -> Passage:
    return Passage(
        chunk_id=chunk.id,
        document_id=chunk.document_id,
        document=native_id,
        title=chunk.title,
        heading=chunk.heading,
        text=chunk.text,
        url=url,
        anchor=chunk.anchor,
        spans=tuple(Span(*span) for span in chunk.spans or ()),
        source=source,
        updated_at=updated_at,
        relevance=relevance,
    )


def _lexemes(session: Session, question: str) -> dict[str, float]:
    """What PostgreSQL makes of the question's words, each with the rarity of its word."""
    found = _WORD.findall(question[:MAX_QUESTION])
    rarities: dict[str, float] = {}
    for word, lexeme in session.execute(_READ_LEXEMES, {"words": found}):
        rarities[lexeme] = max(rarities.get(lexeme, 0.0), rarity(word))
    return rarities


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


# Turns each word into the lexemes that PostgreSQL's full text search makes of it.
_READ_LEXEMES = text("""
    SELECT word, lexeme
    FROM unnest(CAST(:words AS text[])) AS word,
         unnest(tsvector_to_array(to_tsvector('english', word))) AS lexeme
""")
