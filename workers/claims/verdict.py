"""What the check of a sentence says: kept, or dropped for one reason, with the word that failed."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a sentence does not follow from its quote; the value is the label of the metric."""

    PASSAGE = "passage"
    """It names a passage that was not given."""
    QUOTE = "quote"
    """The quote is not in the passage, or is too short to say anything."""
    BORDER = "border"
    """The quote runs from one sentence, row or item into the next."""
    NUMBER = "number"
    DATE = "date"
    UNIT = "unit"
    BOUND = "bound"
    """At least, at most, more than, before, after."""
    CELL = "cell"
    """The value of another row or column."""
    NAME = "name"
    ROLE = "role"
    """Who does what to whom."""
    PAIRING = "pairing"
    """A value or name that the text gives to something else, or words of two statements."""
    NEGATION = "negation"
    OPPOSITE = "opposite"
    QUANTITY = "quantity"
    """All, most, some, only."""
    MODAL = "modal"
    """Must, may, should."""
    CONDITION = "condition"
    SCOPE = "scope"
    """A limit to some people, places or things is missing."""
    STATUS = "status"
    """Was, is, will be, planned."""
    CAUSE = "cause"
    INSTRUCTION = "instruction"
    """It tells the reader to do something that the text does not say."""
    ADDED = "added"
    """A word that neither the quote nor what is around it covers."""
    UNDECIDED = "undecided"
    """Rules cannot decide, such as across languages without an embedder."""
    REMAINDER = "remainder"
    """It stood beside an answer that was dropped, and would mislead alone."""
    SECOND_LOOK = "second_look"
    """The model itself, asked again, says no."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Kept if there is no reason; `word` is what failed, and is never logged."""

    reason: Reason | None = None
    word: str = ""
    is_sure: bool = True
    """Whether the rules alone decided; if not, a second look may be worth its price."""

    @property
    def is_kept(self) -> bool:
        return self.reason is None


KEPT = Verdict()
