"""Ranks what the policy allows: by meaning and by words, fused.

All searches start from what `visible_in` says that the audience may read. Documents that it may not
read affect nothing: the rarity of a word comes from a fixed list, and what `workers/index` names as
candidates depends on what may be read alone.

A question and a chunk that are both English are compared by the English model, any other pair by
the multilingual one, whose measure is brought to the same scale.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    text,
    true,
)
from sqlalchemy.orm import Session, aliased

from policies import (
    Audience,
    Visible,
    of_other_sources,
    of_sources,
    readable_chunks,
    readable_documents,
    readable_embeddings,
    visible_in,
)
from policies.tables.base import among
from policies.tables.content import Chunk, Document, Embedding
from policies.tables.permissions import Node
from policies.tables.sources import Source
from workers.answering.preferring import fits
from workers.index.copy import Index
from workers.index.matching import matching
from workers.index.nearest import distance_to, nearest
from workers.models.base import NOBODY, Embedder, Passage, Profile, Span
from workers.models.embedders import Comparison
from workers.models.languages import ENGLISH, LANGUAGES, language_of
from workers.models.multilingual import on_english_scale
from workers.models.rarity import rarity, rarity_in

DEPTH = 60
"""Candidates of each search."""
MATCHING = 120
"""Chunks found by words that are then scored word by word."""
COMPARED = 24
"""Chunks without a vector that are compared with the question, those with the most of its words."""
FUSED = 50
"""Candidates that remain after the fusion and are ranked again."""
PER_DOCUMENT = 3
"""The most passages of one document, so that it cannot crowd out the others."""
SHARE_OF_SOURCE = 0.75
"""The most of the passages that one source gives while another one has any, so that a source that
somebody has filled with poison cannot fill the prompt (threat 24)."""
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
_OWN_LANGUAGE = 0.06
"""What a page in the question's own language is preferred by to the same in another."""
_WORD = re.compile(r"[^\W_]+")
_TOP = aliased(Chunk)
"""The first chunk of a document that may be read, beside the one that was found."""
_OPENING = 400
"""How many letters of it say as of when the document is."""


@dataclass(frozen=True, slots=True)
class Only:
    """What a search is limited to, within what may be read. None is no limit, empty is nothing."""

    sources: tuple[str, ...] | None = None
    """Names of sources."""
    documents: tuple[int, ...] | None = None
    names: tuple[str, ...] | None = None
    """Documents by `SOURCE:ID`, the id being the source's."""
    native_ids: tuple[str, ...] | None = None
    """Documents by their source's id alone."""
    called: tuple[str, ...] | None = None
    """Documents by either."""
    since: datetime | None = None
    until: datetime | None = None
    """When a document was last changed, at the earliest and at the latest."""

    def admits(self, source: str) -> bool:
        """Whether a source's documents are within the limit, if nothing else speaks against it."""
        return self.sources is None or source in self.sources

    @property
    def is_of_documents(self) -> bool:
        limits = (self.documents, self.names, self.native_ids, self.called, self.since, self.until)
        return any(one is not None for one in limits)


EVERYTHING = Only()


@dataclass(frozen=True, slots=True)
class Meaning:
    """A question's vector by one model, shape (dimension,)."""

    model: str
    vector: NDArray[np.float32] | None
    """None if its model did not answer: then the question is answered by words alone."""
    slope: float = 1.0
    offset: float = 0.0
    """Bring its cosines to the scale of the embedded English model."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, worked out once for one audience."""

    language: str
    meaning: Meaning
    multilingual: Meaning | None
    present: frozenset[str] = frozenset()
    """The languages other than English of what the audience may read."""
    rarities: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """For each language of what may be read, "" for English: the question's words as that language
    inflects them, with their rarity."""
    within: Sequence[int] | None = None
    """The documents to search; None for all that may be read."""
    comparison: Comparison | None = None
    """Compares the question with a text that has no vector."""
    by_words: bool = True
    """Whether it is also searched by words."""

    def lexemes_in(self, language: str) -> Mapping[str, float]:
        return self.rarities.get("" if language in ENGLISH else language, {})

    def is_english_pair(self, language: str) -> bool:
        return self.language in ENGLISH and language in ENGLISH


@dataclass(frozen=True, slots=True)
class _Candidate:
    chunk_id: int
    document_id: int
    source_id: int
    cosine: float
    share: float
    """BM25 of the question's words as a share of its maximum: 0 to 1."""
    language: str = ""

    @property
    def relevance(self) -> float:
        return self.cosine + _SHARE_WEIGHT * self.share


def retrieve(
    session: Session,
    audience: Audience,
    question: str,
    vector: NDArray[np.float32] | None,
    *,
    model: str,
    limit: int,
    slope: float = 1.0,
    offset: float = 0.0,
    comparison: Comparison | None = None,
    per_document: int = PER_DOCUMENT,
    profile: Profile = NOBODY,
    whole_tables: bool = False,
    multilingual: Meaning | None = None,
    only: Only = EVERYTHING,
    index: Index | None = None,
    by_words: bool = True,
) -> tuple[Passage, ...]:
    """Return the best passages that all of the audience may read, best first.

    What is meant for the profile's country, site or team comes earlier; nothing is left out for it.

    `whole_tables`: after them, the other chunks of the documents whose rows are among the best, so
    that rows can be counted and compared; their relevance is 0.
    `vector` is the question's, shape (dimension,), by the model named; `multilingual` is its vector
    by the multilingual one. `slope` and `offset` are the model's (`Meaning`). `only` limits the
    search; of one document as many as fit are returned. `index` is faster where much may be read;
    it decides nothing.

    Without a vector the search is by words alone, and with `by_words` false by meaning alone.
    Chunks without one are weighed by `comparison`, which embeds a few of them here.

    The session is one snapshot: what may be read is determined once in it, and limits every
    statement.
    """
    visible = visible_in(session, audience)
    if only.sources is not None:
        visible = of_sources(session, visible, only.sources)
    meaning = Meaning(model, vector, slope, offset)
    asked = _understand(session, visible, question, meaning, multilingual)
    asked = replace(asked, comparison=comparison, by_words=by_words)
    if only.is_of_documents:
        within = documents_in(session, visible, only)
        asked = replace(asked, within=within)
        per_document = limit if len(within) == 1 else per_document
    fused = _candidates(session, visible, asked, index)
    if asked.within is None and (crowd := _crowd(fused, limit)) is not None:
        others = of_other_sources(session, visible, crowd)
        known = {one.chunk_id for one in fused}
        found = _candidates(session, others, asked, index)
        fused += [one for one in found if one.chunk_id not in known][:limit]
    preferred = fits(session, visible, [one.chunk_id for one in fused], profile)
    picked = _pick(fused, preferred, limit=limit, per_document=per_document)
    passages = _read(session, visible, picked)
    return (*passages, *_other_rows(session, visible, passages)) if whole_tables else passages


def whole(
    session: Session, audience: Audience, name: str, sources: tuple[str, ...] | None = None
) -> tuple[Passage, ...]:
    """Return all chunks of the document with this name, `SOURCE:ID`, in order; none if the audience
    may not read it, if it is not in these sources, or if there is none.
    """
    visible = visible_in(session, audience)
    if sources is not None:
        visible = of_sources(session, visible, sources)
    found = documents_in(session, visible, Only(names=(name,)))
    if len(found) != 1:
        return ()
    statement = _passages(visible).where(Chunk.document_id == found[0]).order_by(Chunk.position)
    return tuple(_passage(*row) for row in session.execute(statement))


def documents_in(session: Session, visible: Visible, only: Only) -> list[int]:
    """Return the documents within these limits that the audience may read."""
    statement = readable_documents(visible).with_only_columns(Document.id)
    if only.documents is not None:
        statement = statement.where(among(Document.id, only.documents))
    named = Source.name + ":" + Document.native_id
    if only.names is not None or only.called is not None:
        statement = statement.join(Node, Node.id == Document.id)
        statement = statement.join(Source, Source.id == Node.source_id)
    if only.names is not None:
        statement = statement.where(named.in_(only.names))
    if only.called is not None:
        is_called = named.in_(only.called) | Document.native_id.in_(only.called)
        statement = statement.where(is_called)
    if only.native_ids is not None:
        statement = statement.where(Document.native_id.in_(only.native_ids))
    if only.since is not None:
        statement = statement.where(Document.updated_at >= only.since)
    if only.until is not None:
        statement = statement.where(Document.updated_at <= only.until)
    return list(session.scalars(statement.order_by(Document.id)))


def _candidates(
    session: Session, visible: Visible, asked: _Asked, index: Index | None
) -> list[_Candidate]:
    """Search by meaning and by words, and fuse."""
    if not len(visible.policy_ids) or asked.within == []:
        return []
    near = _all_near(session, visible, asked, index)
    by_words = _matching(session, visible, asked, index) if asked.by_words else []
    candidates = _weigh(session, visible, {*near, *by_words}, asked)
    return _fuse(_nearest_first(near, candidates), by_words, candidates)


def _crowd(fused: Sequence[_Candidate], limit: int) -> int | None:
    """Return the source that leaves too few candidates to all others; None if none does."""
    counted = Counter(one.source_id for one in fused).most_common(1)
    if not counted or len(fused) - counted[0][1] >= limit:
        return None
    return counted[0][0]


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


def meaning_by(embedder: Embedder | None, question: str) -> Meaning | None:
    return Meaning(embedder.name, embedder.embed_one(question)) if embedder else None


def _understand(
    session: Session,
    visible: Visible,
    question: str,
    meaning: Meaning,
    multilingual: Meaning | None,
) -> _Asked:
    language = language_of(question)
    present = _languages(session, visible)
    return _Asked(
        language, meaning, multilingual, present, _lexemes(session, question, language, present)
    )


def _languages(session: Session, visible: Visible) -> frozenset[str]:
    """Return the languages other than English that what may be read is in.

    For each it stops at the first chunk, in an index of such chunks alone.
    """
    codes = select(
        func.unnest(cast(sorted({*LANGUAGES} - ENGLISH), ARRAY(Text))).label("code")
    ).subquery("codes")
    one = (
        readable_chunks(visible)
        .with_only_columns(Chunk.id)
        .where(Chunk.language == codes.c.code, Chunk.language.not_in(sorted(ENGLISH)))
        .limit(1)
        .correlate(codes)
        .lateral("one")
    )
    return frozenset(session.scalars(select(codes.c.code).join(one, true())))


def _all_near(
    session: Session, visible: Visible, asked: _Asked, index: Index | None = None
) -> list[int]:
    """Search by meaning with each model, where it is the one that counts; each chunk once."""
    one, other, within = asked.meaning, asked.multilingual, asked.within
    found: list[int] = []
    if one.vector is not None:
        found += _near(session, visible, one.vector, one.model, index=index, within=within)
    if (
        other is not None
        and other.vector is not None
        and (asked.present or asked.language not in ENGLISH)
    ):
        found += _near(
            session,
            visible,
            other.vector,
            other.model,
            index=index,
            within=within,
            foreign_only=asked.language in ENGLISH,
        )
    return list(dict.fromkeys(found))


def _nearest_first(near: Sequence[int], candidates: Mapping[int, _Candidate]) -> list[int]:
    embedded = [chunk_id for chunk_id in near if chunk_id in candidates]
    return sorted(embedded, key=lambda chunk_id: (-candidates[chunk_id].cosine, chunk_id))[:DEPTH]


def _near(
    session: Session,
    visible: Visible,
    vector: NDArray[np.float32],
    model: str,
    *,
    index: Index | None = None,
    within: Sequence[int] | None = None,
    foreign_only: bool = False,
) -> list[int]:
    """Search by meaning."""
    return nearest(
        session,
        visible,
        index,
        vector,
        model,
        limit=DEPTH,
        within=within,
        foreign_only=foreign_only,
    )


def _matching(
    session: Session, visible: Visible, asked: _Asked, index: Index | None = None
) -> list[int]:
    """Search by words: in the chunks of each language by the words as it inflects them."""
    chunks = index.visible_chunks(session, visible, asked.meaning.model) if index else 0
    found: list[int] = []
    for language, rarities in asked.rarities.items():
        languages = [language] if language else sorted(ENGLISH)
        found += matching(
            session,
            visible,
            rarities,
            limit=MATCHING,
            chunks=chunks,
            within=asked.within,
            languages=languages if asked.present else (),
        )
    return found


def _weigh(
    session: Session, visible: Visible, chunk_ids: Collection[int], asked: _Asked
) -> dict[int, _Candidate]:
    """Compute both measures for each candidate, whichever search found it."""
    found: dict[int, _Candidate] = {}
    meaning = asked.meaning
    if meaning.vector is not None:
        cosine = 1 - distance_to(meaning.vector)
        chosen = (
            readable_embeddings(visible, meaning.model)
            .join(Chunk, Chunk.id == Embedding.chunk_id)
            .where(among(Embedding.chunk_id, chunk_ids))
        )
        measured = cosine * meaning.slope + meaning.offset if meaning.slope != 1.0 else cosine
        found = _measured(session, chosen, measured, asked)
        across = _cosines_across(session, visible, chunk_ids, asked)
        for one in [one for one in found.values() if not asked.is_english_pair(one.language)]:
            cosine_across = across.get(one.chunk_id, one.cosine)
            own = _OWN_LANGUAGE * (one.language == asked.language)
            found[one.chunk_id] = replace(one, cosine=cosine_across + own)
    if without := {*chunk_ids} - found.keys():
        found |= _weigh_without_vectors(session, visible, without, asked)
    return found


def _weigh_without_vectors(
    session: Session, visible: Visible, chunk_ids: Collection[int], asked: _Asked
) -> dict[int, _Candidate]:
    """Compute the share of the question's words, and for those with the most compare the texts."""
    chosen = readable_chunks(visible).where(among(Chunk.id, chunk_ids))
    found = _measured(session, chosen, literal(0.0), asked)
    if asked.comparison is None:
        return found
    best = sorted(found.values(), key=lambda one: (-one.share, one.chunk_id))[:COMPARED]
    texts = readable_chunks(visible).with_only_columns(Chunk.id, Chunk.text, Chunk.language)
    for chunk_id, words, language in session.execute(
        texts.where(among(Chunk.id, (one.chunk_id for one in best)))
    ).all():
        cosine = asked.comparison.similarity(words, language)
        found[chunk_id] = replace(found[chunk_id], cosine=cosine)
    return {one.chunk_id: found[one.chunk_id] for one in best}


def _measured(
    session: Session, chosen_chunks: Select[Any], cosine: ColumnElement[float], asked: _Asked
) -> dict[int, _Candidate]:
    """Read candidates with this measure of their meaning, and how much of the words they have."""
    chosen = (
        chosen_chunks.join(Node, Node.id == Document.id)
        .with_only_columns(
            Chunk.id,
            Chunk.document_id,
            Node.source_id,
            Chunk.language,
            Chunk.words,
            Chunk.tsv,
            cosine.label("cosine"),
        )
        .cte("chosen")
    )
    word = func.unnest(chosen.c.tsv).table_valued("lexeme", "positions", "weights").lateral("word")
    lexemes = {lexeme for rarities in asked.rarities.values() for lexeme in rarities}
    rows = session.execute(
        select(chosen.c.id, chosen.c.document_id, chosen.c.source_id, chosen.c.language)
        .add_columns(chosen.c.words, chosen.c.cosine, word.c.lexeme, word.c.weights)
        .join_from(chosen, word, word.c.lexeme.in_(sorted(lexemes)), isouter=True)
    )
    found: dict[int, _Candidate] = {}
    for chunk_id, document_id, source_id, language, words, near, lexeme, weights in rows:
        rarities = asked.lexemes_in(language)
        most = sum(rarities.values()) * (_K1 + 1)
        share = rarities[lexeme] * _saturated(weights, words) / most if lexeme in rarities else 0.0
        before = found.get(chunk_id)
        share += before.share if before else 0.0
        found[chunk_id] = _Candidate(chunk_id, document_id, source_id, float(near), share, language)
    return found


def _cosines_across(
    session: Session, visible: Visible, chunk_ids: Collection[int], asked: _Asked
) -> dict[int, float]:
    """Return the multilingual model's measure of each candidate that has its vector, on the English
    model's scale; of none if all are English pairs.
    """
    other = asked.multilingual
    if other is None or other.vector is None or (asked.language in ENGLISH and not asked.present):
        return {}
    statement = (
        readable_embeddings(visible, other.model)
        .with_only_columns(Embedding.chunk_id, (1 - distance_to(other.vector)).label("cosine"))
        .where(among(Embedding.chunk_id, chunk_ids))
    )
    return {chunk_id: on_english_scale(cosine) for chunk_id, cosine in session.execute(statement)}


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
    allowed: list[_Candidate] = []
    for candidate in sorted(fused, key=lambda one: (-score(one), one.chunk_id)):
        if taken[candidate.document_id] < per_document:
            taken[candidate.document_id] += 1
            allowed.append(candidate)
    return _shared_out(allowed, limit)


def _shared_out(ordered: Sequence[_Candidate], limit: int) -> list[_Candidate]:
    """Return the first ones, in their order, at most three in four from one source; more if no
    other source has any.
    """
    most = max(1, round(limit * SHARE_OF_SOURCE))
    taken: Counter[int] = Counter()
    within: list[_Candidate] = []
    beyond: list[_Candidate] = []
    for candidate in ordered:
        taken[candidate.source_id] += 1
        (within if taken[candidate.source_id] <= most else beyond).append(candidate)
    chosen = {one.chunk_id for one in [*within, *beyond][:limit]}
    return [one for one in ordered if one.chunk_id in chosen]


def _read(session: Session, visible: Visible, picked: Sequence[_Candidate]) -> tuple[Passage, ...]:
    statement = _passages(visible).where(among(Chunk.id, (one.chunk_id for one in picked)))
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
        .outerjoin(_TOP, and_(_TOP.document_id == Document.id, _TOP.position == 0))
        .add_columns(Document.native_id, Document.url, Document.updated_at, Source.name)
        .add_columns(case((_TOP.heading.in_(("", _TOP.title)), func.left(_TOP.text, _OPENING))))
    )


def _passage(
    chunk: Chunk,
    native_id: str,
    url: str | None,
    updated_at: datetime | None,
    source: str,
    opening: str | None,
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
        language=chunk.language,
        opening=opening or "",
        position=chunk.position,
    )


def _lexemes(
    session: Session, question: str, language: str, present: Collection[str]
) -> dict[str, dict[str, float]]:
    """What PostgreSQL makes of the question's words in each language, with their words' rarity.

    Words that say nothing in the question's own language are left out in all: "die" and "war" are
    German before they are English.
    """
    found = _WORD.findall(unicodedata.normalize("NFC", question[:MAX_QUESTION]))
    rarities: dict[str, dict[str, float]] = {"": {}, **{one: {} for one in sorted(present)}}
    parameters = {"words": found, "asked_in": language, "languages": list(rarities)}
    for searched, word, lexeme in session.execute(_READ_LEXEMES, parameters):
        held = rarities[searched]
        weight = rarity(word) if language in ENGLISH else rarity_in(language, word)
        held[lexeme] = max(held.get(lexeme, 0.0), weight)
    return rarities


# Turns each word of the question into the lexemes that each language inflects it to.
_READ_LEXEMES = text("""
    SELECT language, word, lexeme
    FROM unnest(CAST(:words AS text[])) AS word,
         unnest(CAST(:languages AS text[])) AS language,
         unnest(tsvector_to_array(words_of(language, word))) AS lexeme
    WHERE language = :asked_in OR words_of(:asked_in, word) <> ''
""")
