"""The answerer without a language model: quotes the best sentences of the passages, word for word.

Its weights were tuned on questions with known answers; docs/benchmarks.md has the figures.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import snowballstemmer
from numpy.typing import NDArray

from workers.models.base import NOBODY, Draft, Embedder, Passage, Profile, Sentence
from workers.models.rarity import rarity
from workers.models.sentences import units

QUOTED_FROM = 3
"""Passages that are quoted, with one sentence each."""
SUPPORTED_BY = 5
"""Passages that decide whether the question can be answered at all."""
REFUSE_BELOW = 0.45
_FALLS_BEHIND = 0.3
"""A sentence whose score is this much below the best one is left out."""
_MIN_WORDS = 3
_MOST_WEIGHED = 8
"""Sentences of a passage that are embedded, those with the question's words first."""

_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d{3,}")
_AND_BEFORE = re.compile(r"(?:\A|(?<=\w)(?=\W))(\W*+)(\w++)")
"""A word, and what is between it and the one before."""
_SENTENCE_END = re.compile(r"[.!?:]\s")
_STOP = frozenset(
    "a about after again all also am an and any are as at be because been before being between "
    "both but by can could did do does doing done down each else even ever every few for from "
    "further get had has have having he her here hers him his how i if in into is it its just "
    "may me might more most much must my no nor not of off on once one only or other our out "
    "over own same shall she should so some such than that the their them then there these "
    "they this those through to too under until up us use very was we were what when where "
    "which while who whom whose why will with would you your".split()
)


@dataclass(frozen=True, slots=True)
class _Question:
    """What a question asks for, worked out once."""

    vector: NDArray[np.float32]
    stems: dict[str, float]
    """Stems of its words, each with its rarity; function words are left out."""
    names: dict[str, float]
    """Those that are names or numbers: a text without them answers something else."""
    numbers: frozenset[str]


class QuotingAnswerer:
    """Quotes the best sentence of each of the best passages, or nothing."""

    name = "quoting"

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def write(
        self,
        question: str,
        passages: tuple[Passage, ...],
        *,
        language: str = "",  # noqa: ARG002 - quotes keep their own language
        profile: Profile = NOBODY,  # noqa: ARG002
    ) -> Draft:
        asked = _understand(question, self._embedder.embed_one(question))
        if not passages or _support(asked, passages[:SUPPORTED_BY]) < REFUSE_BELOW:
            return Draft(())
        best = [
            max(scored, key=lambda pair: pair[0])
            for number, passage in _distinct(passages)[:QUOTED_FROM]
            if (scored := self._scored(asked, passage, number))
        ]
        best.sort(key=lambda pair: -pair[0])
        quoted: dict[tuple[str, ...], Sentence] = {}
        for score, sentence in best:
            if score >= best[0][0] - _FALLS_BEHIND:
                quoted.setdefault(tuple(_WORD.findall(sentence.text.casefold())), sentence)
        return Draft(tuple(quoted.values()))

    def _scored(
        self, asked: _Question, passage: Passage, number: int
    ) -> list[tuple[float, Sentence]]:
        above = _stems(f"{passage.title} {passage.heading}")
        candidates = [
            (_share(asked.stems, above | _stems(unit.core)), unit)
            for unit in units(passage.text, passage.spans)
            if len(_WORD.findall(unit.quote)) >= _MIN_WORDS
        ]
        candidates.sort(key=lambda pair: -pair[0])  # stable: of equals the first
        return [
            (
                2 * passage.relevance
                + float(asked.vector @ self._embedder.embed_one(unit.core))
                + 0.2 * cover
                + 0.15 / number,
                Sentence(unit.text, number, unit.quote),
            )
            for cover, unit in candidates[:_MOST_WEIGHED]
        ]


def _distinct(passages: Sequence[Passage]) -> list[tuple[int, Passage]]:
    """Return them with their numbers; of equal ones only the first."""
    first: dict[tuple[str, ...], tuple[int, Passage]] = {}
    for number, passage in enumerate(passages, start=1):
        first.setdefault(tuple(_WORD.findall(passage.text.casefold())), (number, passage))
    return list(first.values())


def _support(asked: _Question, passages: Sequence[Passage]) -> float:
    """Return how well the passages fit the question: one of them should have its names
    and numbers.
    """
    stems_of = [_stems(f"{p.title} {p.heading} {p.text}") for p in passages]
    missing_names = (
        min(1 - _share(asked.names, stems) for stems in stems_of) if asked.names else 0.0
    )
    has_numbers = any(
        asked.numbers <= set(_NUMBER.findall(f"{p.title} {p.heading} {p.text}")) for p in passages
    )
    relevance = max(passage.relevance for passage in passages)
    return relevance - 0.5 * missing_names - 0.3 * (not has_numbers)


def _understand(question: str, vector: NDArray[np.float32]) -> _Question:
    first = {
        word[2]
        for word in _AND_BEFORE.finditer(question)
        if word.start() == 0 or _SENTENCE_END.search(word[1])
    }
    found = [word for word in _WORD.findall(question) if word.casefold() not in _STOP]
    return _Question(
        vector=vector,
        stems={_stem(word): rarity(word) for word in found},
        names={_stem(word): rarity(word) for word in found if _is_name(word, first)},
        numbers=frozenset(_NUMBER.findall(question)),
    )


def _is_name(word: str, starts_sentence: Iterable[str]) -> bool:
    if _NUMBER.search(word) or any(letter.isupper() for letter in word[1:]):
        return True
    return word[0].isupper() and word not in starts_sentence


def _share(wanted: dict[str, float], held: set[str]) -> float:
    """Return the share of the wanted words that is there; rare words count for more."""
    total = sum(wanted.values())
    return sum(weight for stem, weight in wanted.items() if stem in held) / total if total else 0.0


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in _WORD.findall(text)}


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    return str(_stemmer().stemWord(word.casefold()))


@cache
def _stemmer() -> snowballstemmer.stemmer:
    """The same algorithm as PostgreSQL's `english`."""
    return snowballstemmer.stemmer("english")
