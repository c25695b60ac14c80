"""Embeds texts in calls of many; one that a model's server refuses spoils no other."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.errors import ServerUnavailable, TextRefused
from workers.models.base import BatchEmbedder, Metered, Patient
from workers.models.pairs import embed_alike, probe_of

_APART_S = 10.0
"""For so long a call is tried again whose texts are being taken apart."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A text of which a model makes no vector, and why, in words of ours."""

    reason: str


Made = NDArray[np.float32] | Refused


@dataclass(frozen=True, slots=True)
class Batches:
    """Embeds batches of texts by one model."""

    pool: ThreadPoolExecutor
    embedder: BatchEmbedder
    dimension: int
    probe: NDArray[np.float32] | None
    """By what the model is known in each call."""
    fails_again: bool = False
    """Whether calls failed again and again: then a text may be what the server fails at."""

    def embed(self, texts: Sequence[str]) -> list[Made]:
        """Return what is made of each text. Where a call is refused, its texts are sent in halves,
        until those are alone that the server refuses while it takes a text of ours.

        Raises ServerUnavailable, and InputInvalid for what is no fault of a text.
        """
        try:
            return [*self._checked(texts)]
        except (TextRefused, ServerUnavailable) as error:
            if isinstance(error, ServerUnavailable) and not self.fails_again:
                raise
            if len(texts) == 1:
                probe_of(self._hasty)  # raises, if it takes none at all
                return [Refused(str(error))]
        half = len(texts) // 2
        return self.embed(texts[:half]) + self.embed(texts[half:])

    def _checked(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Raises ServerUnavailable for vectors that cannot be stored: too few, of another length,
        or with something in it that is no number.
        """
        vectors = self._embedded(texts)
        wanted = len(texts), self.dimension
        if vectors.shape != wanted:
            raise ServerUnavailable(
                f"The model returned vectors of the shape {vectors.shape}, not {wanted}."
            )
        if not np.isfinite(vectors).all() or not np.abs(vectors).any(axis=1).all():
            raise ServerUnavailable(
                "The model returned a vector that is no direction (NaN or zero)."
            )
        return vectors

    def _embedded(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts: a server's many in one call, which shows whether it is still the same model,
        an embedded model's one a thread.
        """
        if isinstance(self.embedder, Metered):
            return embed_alike(self._hasty, texts, self.probe)
        return np.stack(list(self.pool.map(self.embedder.embed_one, texts)))

    @property
    def _hasty(self) -> BatchEmbedder:
        """The embedder; less patient where the fault may be a text's."""
        if self.fails_again and isinstance(self.embedder, Patient):
            return self.embedder.within(_APART_S)
        return self.embedder
