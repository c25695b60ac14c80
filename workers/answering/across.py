"""Orders passages by their best sentence too, where question and passage are not both English.

The multilingual model says of a paragraph roughly what it is about. Its best sentence says whether
the answer is in it (docs/benchmarks.md).
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, takewhile

from workers.models.base import BatchEmbedder, Passage
from workers.models.languages import ENGLISH, language_of
from workers.models.multilingual import with_best_sentence

WEIGHED = 12
"""So many of the best passages are looked at sentence by sentence."""
_SENTENCES = 10
"""The most sentences of a passage that are embedded."""
_SENTENCE = re.compile(r"[^.!?\n]++[.!?]*+")
_MIN_LETTERS = 12


def by_best_sentence(
    passages: Sequence[Passage], question: str, multilingual: BatchEmbedder | None
) -> tuple[Passage, ...]:
    """Weigh the first passages by their best sentence too, where the multilingual model compares
    them with the question, and put the most relevant first. English alone stays as it is.
    """
    if multilingual is None or not passages:
        return tuple(passages)
    asked_in_english = language_of(question) in ENGLISH
    if asked_in_english and all(passage.language in ENGLISH for passage in passages):
        return tuple(passages)
    vector = multilingual.embed_one(question)

    def weighed(passage: Passage) -> Passage:
        texts = _sentences(passage)
        if not texts or (asked_in_english and passage.language in ENGLISH):
            return passage
        best = float((multilingual.embed(texts) @ vector).max())
        return replace(passage, relevance=with_best_sentence(passage.relevance, best))

    first = list(takewhile(lambda one: one.relevance > 0, passages[:WEIGHED]))
    rest = passages[len(first) :]  # the other rows of whole tables, whose relevance is 0
    again = [weighed(passage) for passage in first]
    # A passage that was preferred for the asker's sake keeps the place that it was given.
    given = list(accumulate((one.relevance for one in reversed(first)), max))[::-1]
    scores = [
        score + now.relevance - before.relevance
        for score, now, before in zip(given, again, first, strict=True)
    ]
    order = sorted(range(len(again)), key=lambda number: (-scores[number], number))
    return (*(again[number] for number in order), *rest)


def _sentences(passage: Passage) -> list[str]:
    found = [one.strip() for one in _SENTENCE.findall(passage.text)]
    return [one for one in found if len(one) >= _MIN_LETTERS][:_SENTENCES]
