"""What an answerer is given and gives back. It sees passages, and never who may read them."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Span(NamedTuple):
    """A part of a chunk's text: which kind of block it was, and where it stands."""

    kind: str
    """heading, paragraph, lead, item, row, code, quotation, question or caption."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk picked for one question."""

    chunk_id: int
    document_id: int
    document: str
    """What its source calls it."""
    title: str
    heading: str
    text: str
    url: str | None
    anchor: str
    source: str
    updated_at: datetime | None
    spans: tuple[Span, ...] = ()
    """What the parts of the text are, in order; empty if it was stored without."""
    relevance: float = 0.0
    """How near to the question, about 0 to 1.2. Never shown: it may tell of other documents."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a draft, with what it claims to rest on."""

    text: str
    passage: int
    """Which passage, counted from 1 as in the prompt."""
    quote: str
    """Words that stand in that passage, and support the sentence."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What an answerer wrote; nothing of it is believed before `verify`."""

    sentences: tuple[Sentence, ...]


class Embedder(Protocol):
    """Texts to unit vectors. Vectors of different models never mix: the name is kept with each."""

    @property
    def name(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    def embed_one(self, text: str) -> NDArray[np.float32]:
        """Shape (dimension,), of length 1."""
        ...


class Answerer(Protocol):
    @property
    def name(self) -> str: ...

    def write(self, question: str, passages: tuple[Passage, ...], *, language: str = "") -> Draft:
        """A draft from these passages alone; empty when they do not answer the question.

        `language`: a code such as `de`; empty: that of the question.

        Raises ModelUnavailable.
        """
        ...
