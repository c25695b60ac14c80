"""Words that mean the same, and words that mean the opposite, in four languages.

A line of `opposites.txt` and `synonyms.txt` is a concept; in the former, a bar stands between its
two sides, or a slash where not the one does not mean the other: who does not buy need not sell. A
word may stand in several. They are general: no company's words are in them.
"""

from collections import defaultdict
from functools import cache, lru_cache
from pathlib import Path

from workers.models.stems import stem
from workers.models.synonyms import groups_of_words

_LANGUAGES = ("en", "de", "es", "fr")
_SHORTEST_STEM = 3
CONTRARY = 2
"""The side of opposites between which there is something else."""


def _lines(name: str) -> list[str]:
    return Path(__file__).with_name(name).read_text(encoding="utf-8").strip().split("\n")


@cache
def _index() -> dict[str, frozenset[tuple[int, int]]]:
    """By word, and by stem in each language: `de:urlaub`."""
    index: dict[str, set[tuple[int, int]]] = defaultdict(set)
    number = 0
    for line in _lines("opposites.txt"):
        sides = (CONTRARY, -CONTRARY) if "/" in line else (1, -1)
        for sign, side in zip(sides, line.replace("/", "|").split("|"), strict=True):
            for word in side.split():
                _put(index, word, (number, sign))
        number += 1
    same = [line.split() for line in _lines("synonyms.txt")]
    for group in (*same, *groups_of_words()):
        for word in group:
            _put(index, word, (number, 0))
        number += 1
    return {word: frozenset(found) for word, found in index.items()}


def _put(index: dict[str, set[tuple[int, int]]], word: str, concept: tuple[int, int]) -> None:
    index[word].add(concept)
    for language in _LANGUAGES:
        root = stem(word, language)
        if len(root) >= _SHORTEST_STEM:
            index[f"{language}:{root}"].add(concept)


@lru_cache(maxsize=50_000)
def concepts_of(word: str, language: str) -> frozenset[tuple[int, int]]:
    """Return the concepts of a word, each with its side: 0 of synonyms."""
    index = _index()
    none: frozenset[tuple[int, int]] = frozenset()
    return index.get(word, none) | index.get(f"{language or 'en'}:{stem(word, language)}", none)


def is_same(one: frozenset[tuple[int, int]], other: frozenset[tuple[int, int]]) -> bool:
    """Whether the concepts of two words stand on one side."""
    return not one.isdisjoint(other)


def is_opposite(one: frozenset[tuple[int, int]], other: frozenset[tuple[int, int]]) -> bool:
    """Whether the concepts of two words stand on two sides."""
    if not one.isdisjoint(other):
        return False
    return not one.isdisjoint({(number, -side) for number, side in other if side})


def is_contrary(one: frozenset[tuple[int, int]], other: frozenset[tuple[int, int]]) -> bool:
    """Whether they are opposites, and to deny the one is not to say the other."""
    shared = one & {(number, -side) for number, side in other if side}
    return bool(shared) and all(abs(side) == CONTRARY for _, side in shared)
