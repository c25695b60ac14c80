"""The answerer without a language model: the best sentences of the passages, word for word."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.ingest.sentence import sentences
from workers.models.base import Draft, Embedder, Passage, Sentence
from workers.models.rarity import rarity

PASSAGES = 5
THRESHOLD = 0.85
MOST = 3
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Scored:
    score: float
    sentence: Sentence


class QuotingAnswerer:
    """Quotes up to three sentences, or none when the best is not good enough."""

    name = "quoting"

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def write(self, question: str, passages: tuple[Passage, ...]) -> Draft:
        vector = self._embedder.embed_one(question)
        asked = _content(question)
        scored = sorted(
            (
                self._score(text, passage, number, vector, asked)
                for number, passage in enumerate(passages[:PASSAGES], start=1)
                for text in sentences(passage.text)
                if len(_WORD.findall(text)) >= 4
            ),
            key=lambda one: -one.score,
        )
        if not scored or scored[0].score < THRESHOLD:
            return Draft(())
        best = scored[0].score
        return Draft(
            tuple(one.sentence for one in scored[:MOST] if one.score >= max(THRESHOLD, best - 0.2))
        )

    def _score(
        self, text: str, passage: Passage, number: int, vector: NDArray[np.float32], asked: dict[str, float]
    ) -> _Scored:
        cosine = float(vector @ self._embedder.embed_one(text))
        said = _content(f"{passage.title} {passage.heading} {text}")
        share = sum(w for s, w in asked.items() if s in said) / (sum(asked.values()) or 1)
        return _Scored(cosine + 0.5 * share + 0.15 / number, Sentence(text, number, text))


def _content(text: str) -> dict[str, float]:
    return {w.casefold()[:6]: rarity(w) for w in _WORD.findall(text) if rarity(w) > 0.3}
