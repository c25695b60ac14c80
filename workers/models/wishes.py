"""What a person may choose for answers: language and length."""

from dataclasses import dataclass
from enum import StrEnum


class Length(StrEnum):
    NORMAL = "normal"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class Language:
    name: str
    """Its English name, for a model."""
    own_name: str
    """Its own name, for the person who chooses."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What holds for the answers to one person."""

    language: str = ""
    """A code of `LANGUAGES`; empty for the language of the question."""
    length: Length = Length.NORMAL


LANGUAGES = {
    "en": Language("English", "English"),
    "de": Language("German", "Deutsch"),
    "fr": Language("French", "Français"),
    "es": Language("Spanish", "Español"),
}
