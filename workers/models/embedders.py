"""The two embedders together: which one compares two texts, and how alike they are by it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.models.base import Embedder
from workers.models.languages import ENGLISH, language_of
from workers.models.multilingual import on_english_scale


@dataclass(frozen=True, slots=True)
class Embedders:
    """English for pairs of English texts, and the multilingual one for all others."""

    english: Embedder
    multilingual: Embedder | None = None

    def compare_with(self, question: str) -> "Comparison":
        return Comparison(self, question)


class Comparison:
    """A question compared with texts of any language. Each vector of it is computed once."""

    def __init__(self, embedders: Embedders, question: str) -> None:
        self._embedders = embedders
        self._question = question
        self._language = language_of(question)
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def similarity(self, text: str, language: str) -> float:
        """Return the cosine, on the English model's scale; `language` is the text's, or ""."""
        english, multilingual = self._embedders.english, self._embedders.multilingual
        if multilingual is None or (self._language in ENGLISH and language in ENGLISH):
            return self._cosine(english, text)
        return on_english_scale(self._cosine(multilingual, text))

    def _cosine(self, embedder: Embedder, text: str) -> float:
        if embedder.name not in self._vectors:
            self._vectors[embedder.name] = embedder.embed_one(self._question)
        return float(self._vectors[embedder.name] @ embedder.embed_one(text))
