"""Finds the embedder of a name: the embedded ones, or a model of the server that is set."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from workers.errors import InputInvalid, ServerUnavailable, TextRefused
from workers.models.base import BatchEmbedder, Patient
from workers.models.pairs import embed_alike
from workers.settings import Settings

BUILT_IN = "built-in"
"""Names both embedded models together."""
ENGLISH, ENGLISH_DIMENSION = "all-MiniLM-L6-v2-w8a8", 384
MULTILINGUAL, MULTILINGUAL_DIMENSION = "use-multilingual-3", 512

EMBEDDED_MODELS = ((ENGLISH, ENGLISH_DIMENSION), (MULTILINGUAL, MULTILINGUAL_DIMENSION))
"""With their dimensions."""
EMBEDDED = frozenset({ENGLISH, MULTILINGUAL})

REST_S = 20.0
"""For this long a server that failed a question is not asked by the next ones."""
QUESTION_S = 4.0
"""The longest that a question waits for its vector."""

Named = Callable[[Settings, str], BatchEmbedder]
"""Loads the embedder of a name. Raises InputInvalid."""


def models_named(settings: Settings, name: str, dimensions: int | None) -> list[tuple[str, int]]:
    """Return the models of a name, with their dimensions, which a server is asked for. Raises
    InputInvalid, ServerUnavailable.
    """
    if name == BUILT_IN:
        if dimensions is not None:
            raise InputInvalid(
                "Only vectors of a server's models can be shortened: the embedded have theirs."
            )
        return [*EMBEDDED_MODELS]
    name = f"{name}@{dimensions}" if dimensions else name
    return [(name, embedder_named(settings, name).dimension)]


def embedder_named(settings: Settings, name: str) -> BatchEmbedder:
    """Load an embedded model, or connect to the one of this name at the server that is set.

    Raises InputInvalid with what to do, if there is no such server.
    """
    if name == ENGLISH:
        from workers.models.embedder import MiniLM  # noqa: PLC0415 - ONNX only where it is used

        return MiniLM.load(threads=1)  # one thread for each text is faster than two
    if name == MULTILINGUAL:
        from workers.models.multilingual import Multilingual  # noqa: PLC0415 - and its weights

        return Multilingual.load()
    from workers.models.remote import RemoteEmbedder  # noqa: PLC0415 - where it is used

    return RemoteEmbedder.connect(settings, name)


Probe = Callable[[], Sequence[float] | None]


class Resting(ServerUnavailable):
    """The server failed a moment ago, and is not asked now."""


@dataclass(slots=True)
class QuestionEmbedders:
    """Embeds questions by models that are not embedded, and rests after a failure: a question waits
    for a server a few seconds at the most, and the next ones do not wait at all.
    """

    named: Named = embedder_named
    clock: Callable[[], float] = time.monotonic
    fails: bool = False
    """Whether the last call failed; who has recorded that it does not any more resets it."""
    _known: dict[str, BatchEmbedder] = field(default_factory=dict)
    _probes: dict[tuple[int, str], NDArray[np.float32] | None] = field(default_factory=dict)
    _rests_until: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def embed(
        self,
        settings: Settings,
        name: str,
        question: str,
        probe: Probe = lambda: None,
        *,
        version: int = 0,
    ) -> NDArray[np.float32]:
        """Return a question's vector. `probe` reads, once for each version of the index, the
        model's vector of a text of ours, by which it is known in each call; None if there is none.
        Raises Resting, ServerUnavailable, InputInvalid.
        """
        if self.clock() < self._rests_until:
            raise Resting("The model's server rests after a failure.")
        try:
            embedder = self._embedder(settings, name)
            vector: NDArray[np.float32] = embed_alike(
                embedder, [question], self._probe(version, name, probe)
            )[0]
        except TextRefused:  # the next question may be one that the server takes
            raise
        except (ServerUnavailable, InputInvalid):
            self._rests_until = self.clock() + REST_S
            self.fails = True
            raise
        return vector

    def _probe(self, version: int, name: str, probe: Probe) -> NDArray[np.float32] | None:
        key = version, name
        if key not in self._probes:
            made = probe()
            self._probes[key] = None if made is None else np.array(made, np.float32)
        return self._probes[key]

    def _embedder(self, settings: Settings, name: str) -> BatchEmbedder:
        """Connect once. No call is made: nobody waits here for a server."""
        with self._lock:
            if name not in self._known:
                found = self.named(settings, name)
                if isinstance(found, Patient):
                    found = found.within(QUESTION_S)
                self._known[name] = found
            return self._known[name]
