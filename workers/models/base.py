"""What an answerer gets and returns. It sees passages, and never who may read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


class Span(NamedTuple):
    """A part of a chunk's text: what kind of block it was, and where it is."""

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
    """What the parts of the text are, in order; empty if it was stored without them."""
    relevance: float = 0.0
    """How close to the question, about 0 to 1.2. Never shown: it may reveal other documents."""
    language: str = ""
    """ISO 639-1's code; empty where unsure, which counts as English."""
    opening: str = ""
    """What stands at the top of its document, before the first heading: its age and validity are
    stated there."""
    position: int = 0
    """Which chunk of its document it is, from 0."""


class Support(NamedTuple):
    """Words of a passage that a sentence rests on."""

    passage: int
    """Counted from 1, as in the prompt."""
    quote: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a draft, with the passage that it claims as its source."""

    text: str
    passage: int
    """Which passage, counted from 1 as in the prompt."""
    quote: str
    """Words from that passage that support the sentence."""
    bold: tuple[str, ...] = ()
    """Words of the text that decide, to be shown in bold."""
    beside: tuple[Support, ...] = ()
    """What else it rests on: a sentence that says that pages differ rests on each of them."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What an answerer wrote; it is not trusted before `verify`."""

    sentences: tuple[Sentence, ...]
    support: float | None = None
    """How well the passages support an answer, as the answerer judges it, also where it writes
    none. Only comparable within one answerer; for `ken eval`, and never shown."""
    pages: tuple[int, ...] = ()
    """Passages whose pages are named without being quoted, counted from 1. Several: the question
    may be about each of them, and the sentences answer for the best. One: nothing answers, and this
    page is close."""
    is_quoted: bool = False
    """Whether our own code copied the sentences out of the passages: they are not checked as claims
    (`workers/claims`). A draft that a model wrote never sets it."""


Sites = tuple[tuple[str, str], ...]
"""Where a company is: its towns, each with its country's code. The town may be empty."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of the person that an answer is for; of several, what they have in common.

    It changes the order and the words of an answer, never what may be read. Empty: not known.
    """

    name: str = ""
    title: str = ""
    team: str = ""
    manager: str = ""
    """The manager's name."""
    location: str = ""
    country: str = ""
    """ISO 3166's two letters, such as `DE`."""
    locale: str = ""
    timezone: str = ""
    """IANA's name, such as `Europe/Berlin`."""
    groups: tuple[str, ...] = ()
    today: date | None = None
    """The day where the person is; None: the server's."""
    remembered: tuple[str, ...] = ()
    """What the person asked Ken to remember; empty wherever anybody else reads."""
    sites: Sites = ()
    """The company's, for telling what a text is about (`facets.py`)."""


NOBODY = Profile()
"""The profile where nothing is known, or nothing may be used."""


class ModelFileCorrupt(RuntimeError):
    """The installed model file is not the one that our vectors were made with."""


class Embedder(Protocol):
    """Turns texts into unit vectors. Vectors of different models never mix: each is stored with a
    name.
    """

    @property
    def name(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    def embed_one(self, text: str) -> NDArray[np.float32]:
        """Shape (dimension,), of length 1."""
        ...


class BatchEmbedder(Embedder, Protocol):
    """An embedder that is quicker with many short texts at once."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (n, dimension), each row of length 1."""
        ...


@runtime_checkable
class Patient(Protocol):
    """An embedder that calls a server, and tries again for a while."""

    def within(self, seconds: float) -> BatchEmbedder:
        """Return the same one, with all that it does for one call to end in this time."""
        ...


@runtime_checkable
class Metered(BatchEmbedder, Protocol):
    """An embedder that calls a server: many texts in one call, and each token may cost."""

    def take_tokens(self) -> int:
        """Return the tokens that were embedded since the last time."""
        ...


class Answerer(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def counts_rows(self) -> bool:
        """Whether it counts and compares rows, and so needs whole tables, not the best rows."""
        ...

    def write(
        self,
        question: str,
        passages: tuple[Passage, ...],
        *,
        language: str = "",
        profile: Profile = NOBODY,
    ) -> Draft:
        """Write a draft from these passages alone; empty if they do not answer the question.

        `language`: a code such as `de`; empty for the language of the question. `profile`: of the
        person asking, or what all readers have in common.

        Raises ModelUnavailable.
        """
        ...


@runtime_checkable
class Timed(Protocol):
    """An answerer that calls a server, and can be held to an end."""

    def within(self, seconds: float) -> Answerer:
        """Return the same answerer, with all that it does for one question to end in this time."""
        ...


@runtime_checkable
class Judge(Protocol):
    """An answerer that can also say, in a call of its own, whether a sentence follows."""

    def follows(self, sentence: str, quote: str, around: str) -> bool | None:
        """Return whether a sentence follows from a quote and what is around it.

        None if the model did not say it in time and in form; never raises.
        """
        ...


@runtime_checkable
class Rewriter(Protocol):
    """An answerer that can also make a follow-up self-contained."""

    def rewrite(self, question: str, earlier: Sequence[str]) -> str | None:
        """Return the question with what it needs of the earlier messages, oldest first.

        None if the model did not say it in time and in form; never raises. It is not trusted: it
        may only be searched for.
        """
        ...
