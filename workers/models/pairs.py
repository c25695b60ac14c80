"""Questions and passages of ours, by which a model of vectors is checked and its scale is found.

They are ours, and not the company's: what a model's cosines are worth must not depend on documents
that somebody may not read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.errors import InputInvalid
from workers.models.base import BatchEmbedder

PAIRS = (
    (
        "How many days of holiday does a new employee have?",
        "Every employee has thirty days of holiday a year. A new employee may take the first days "
        "of it after three months.",
    ),
    (
        "Who approves the costs of a business trip?",
        "The costs of a business trip are approved by the head of the department before the trip "
        "is booked.",
    ),
    (
        "What is the password policy for laptops?",
        "The password of a laptop has at least fourteen letters. The policy asks for a new one "
        "only after a theft.",
    ),
    (
        "Where do visitors park their cars?",
        "Visitors park their cars behind the building, beside the blue gate. The porter opens it.",
    ),
    (
        "When does the canteen serve lunch?",
        "The canteen serves lunch from half past eleven to two. On Fridays there is fish.",
    ),
    (
        "How do I report an incident in production?",
        "Report an incident in production to the engineer on call, with the time and what you saw.",
    ),
    (
        "Which form is needed for parental leave?",
        "For parental leave, send the form of the personnel office seven weeks before it begins.",
    ),
    (
        "How long are invoices kept?",
        "Invoices are kept for ten years in the archive of the accounts department.",
    ),
    (
        "What happens if a delivery is damaged?",
        "If a delivery is damaged, take a photograph and refuse to sign for it; the supplier sends "
        "another.",
    ),
    (
        "Who has access to the customer database?",
        "Access to the customer database is given to the sales team and to support, never to "
        "contractors.",
    ),
    (
        "How is the pump of the cooling system replaced?",
        "To replace the pump of the cooling system, close both valves, drain the water and loosen "
        "four screws.",
    ),
    (
        "What does the insurance pay after an accident at work?",
        "After an accident at work the insurance pays the treatment and, from the seventh week on, "
        "the wage.",
    ),
)
"""Each passage answers its question and no other."""

RIGHT, OTHER = 0.732, 0.097
"""The means of the cosines of the embedded English model: of a question with its passage, and of a
question with another one (`tests/workers/index/test_gate.py` computes them)."""
ENOUGH = 0.75
"""So many of the questions must be nearest to their own passage."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How a model judges the pairs."""

    first: float
    """The share of questions whose own passage is the nearest."""
    slope: float
    offset: float

    @property
    def is_enough(self) -> bool:
        return self.first >= ENOUGH


def scale_of(embedder: BatchEmbedder) -> Scale:
    """Judge a model by the pairs, and find the line from its cosines to the English scale."""
    questions = embedder.embed([question for question, _passage in PAIRS])
    passages = embedder.embed([passage for _question, passage in PAIRS])
    cosines = questions @ passages.T
    own = np.arange(len(PAIRS))
    first = float((cosines.argmax(axis=1) == own).mean())
    right, other = means_of(cosines)
    spread = right - other
    slope = (RIGHT - OTHER) / spread if spread > 0.01 else 1.0
    return Scale(first, slope, OTHER - slope * other)


def probe_of(embedder: BatchEmbedder) -> NDArray[np.float32]:
    """Return a model's vector of the first passage, by which it is known."""
    probe: NDArray[np.float32] = embedder.embed([PAIRS[0][1]])[0]
    return probe


def means_of(cosines: NDArray[np.float32]) -> tuple[float, float]:
    """Return the mean of the right pairs, and of all others."""
    right = float(np.diagonal(cosines).mean())
    others = ~np.eye(len(cosines), dtype=np.bool_)
    return right, float(cosines[others].mean())


def is_same_model(probe: NDArray[np.float32], now: NDArray[np.float32]) -> bool:
    """Whether two vectors of the first passage are by one model. Servers round, and pad batches."""
    return probe.shape == now.shape and float(probe @ now) > 0.99


def check_same_model(embedder: BatchEmbedder, probe: NDArray[np.float32]) -> None:
    """Raise InputInvalid if this is not the model that made the probe."""
    embed_alike(embedder, [], probe)


def embed_alike(
    embedder: BatchEmbedder, texts: Sequence[str], probe: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """Embed texts as `embed` does, and in the same call the passage of the probe: what stands
    behind a server's name may change at any time. Raises InputInvalid if it is another model.
    """
    if probe is None:
        return embedder.embed(texts)
    made = embedder.embed([PAIRS[0][1], *texts])
    if not is_same_model(probe, made[0]):
        raise InputInvalid(
            f"Another model answers under the name {embedder.name!r} than the one that the index "
            "was built with.",
            remedy="Ask its server for the old one, or build a version by a new name: "
            "`ken reindex --model NAME`.",
        )
    return made[1:]
