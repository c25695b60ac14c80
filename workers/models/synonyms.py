"""Words that people at work use for the same thing, in four languages.

So a question finds the page's own word, in its own language or in another. `synonyms.txt` holds the
groups: general words of work, no company's names.
"""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files

from workers.models.stems import stem

_LANGUAGES = ("en", "de", "fr", "es")
_SHORTEST_PART = 4
"""Letters of a word that a German compound may begin or end with."""


def with_synonyms(held: Iterable[str], language: str = "", to: str = "") -> set[str]:
    """Return these stems, and the stems of their synonyms in the language `to`.

    `language`: that the stems are of; English if it is not known, as for `to`.
    """
    stems = set(held)
    return stems.union(*(synonyms(one, _known(language), _known(to)) for one in stems))


@lru_cache(maxsize=50_000)
def synonyms(one: str, language: str, to: str) -> frozenset[str]:
    """Return the stems in the language `to` that may stand for this stem, itself if it is one."""
    found = _groups_of(one, language)
    return frozenset(stem(word, to) for at in found for word in _groups()[at][to])


@lru_cache(maxsize=50_000)
def synonymous_words(word: str, language: str, to: str) -> tuple[str, ...]:
    """Return the words of the language `to` that may stand for this word, without itself."""
    asked = _known(language)
    found = (
        other
        for at in sorted(_groups_of(stem(word, asked), asked))
        for other in _groups()[at][_known(to)]
    )
    return tuple(one for one in dict.fromkeys(found) if one != word.casefold())


def groups_of_words() -> list[tuple[str, ...]]:
    """Return the groups, each with its words of all languages."""
    return [tuple(word for words in one.values() for word in words) for one in _groups()]


def is_known(one: str, language: str) -> bool:
    """Whether a stem of this language has words in the others."""
    return bool(_groups_of(one, _known(language)))


def _known(language: str) -> str:
    return language if language in _LANGUAGES else "en"


@lru_cache(maxsize=50_000)
def _groups_of(one: str, language: str) -> frozenset[int]:
    known = _by_stem(language)
    found = known.get(one)
    if found is None and language == "de":
        found = known.get(_part(one))
    return found or frozenset()


def _part(compound: str) -> str:
    """Return the word that a German compound ends with, else begins with; empty if it is none.

    The end says what it is: "Urlaubsantrag" is an application.
    """
    lengths = range(len(compound) - _SHORTEST_PART, _SHORTEST_PART - 1, -1)
    known = _by_stem("de")
    ends = (compound[-size:] for size in lengths)
    begins = (compound[:size] for size in lengths)
    return next((part for part in (*ends, *begins) if part in known), "")


@cache
def _by_stem(language: str) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for at, group in enumerate(_groups()):
        for word in group[language]:
            found[stem(word, language)].add(at)
    return {one: frozenset(groups) for one, groups in found.items()}


@cache
def _groups() -> tuple[dict[str, tuple[str, ...]], ...]:
    """Return the groups, each with its words by language."""
    lines = (files(__package__) / "synonyms.txt").read_text(encoding="utf-8").splitlines()
    return tuple(
        dict(zip(_LANGUAGES, (tuple(words.split()) for words in line.split("|")), strict=True))
        for line in lines
        if line and not line.startswith("#")
    )
