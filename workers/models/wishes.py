"""What somebody may wish of an answer: its language, and its length."""

from dataclasses import dataclass
from enum import StrEnum


class Length(StrEnum):
    NORMAL = "normal"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class Language:
    name: str
    """In English, for a model."""
    own_name: str
    """In itself, for whoever chooses."""


LANGUAGES = {
    "en": Language("English", "English"),
    "de": Language("German", "Deutsch"),
    "fr": Language("French", "Français"),
    "es": Language("Spanish", "Español"),
}
