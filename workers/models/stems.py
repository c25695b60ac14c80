"""Words without their endings, by the same algorithms as PostgreSQL's."""

import re
from functools import cache, lru_cache

import snowballstemmer

_WORD = re.compile(r"[^\W_]+")
_STEMMED = {"de": "german", "fr": "french", "es": "spanish"}


def stems(text: str, language: str = "") -> set[str]:
    return {stem(word, language) for word in _WORD.findall(text)}


@lru_cache(maxsize=50_000)
def stem(word: str, language: str = "") -> str:
    """Return the stem of a word of this language; of an unknown one, as an English word."""
    return str(_stemmer(_STEMMED.get(language, "english")).stemWord(word.casefold()))


@cache
def _stemmer(name: str) -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer(name)
