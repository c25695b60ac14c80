"""How alike two words or sentences are by meaning: a second signal beside the rules."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workers.models.base import Embedder

Similarity = Callable[[str, str], float]
"""How alike two texts are, from about 0 to 1: words of one language, or sentences of any two."""
_KNOWN_TEXTS = 2_000


def likeness(english: Embedder, multilingual: Embedder | None) -> Similarity | None:
    """Return a comparison that keeps its vectors while it lives; None without both embedders."""
    if multilingual is None:
        return None
    word_vector: Callable[[str], NDArray[np.float32]] = lru_cache(_KNOWN_TEXTS)(english.embed_one)
    text_vector: Callable[[str], NDArray[np.float32]] = lru_cache(_KNOWN_TEXTS)(
        multilingual.embed_one
    )

    def similarity(one: str, other: str) -> float:
        vector = text_vector if " " in one.strip() else word_vector
        return float(vector(one) @ vector(other))

    return similarity
