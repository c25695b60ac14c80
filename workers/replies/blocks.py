"""Block Kit in Python: the few shapes that our messages and the home tab are made of."""

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def plain(words: str) -> Json:
    """For buttons, headers and choices: constant words, in which Slack reads no marks."""
    return {"type": "plain_text", "text": words, "emoji": False}


def header(words: str) -> Json:
    return {"type": "header", "text": plain(words)}


def span(words: str, **style: bool) -> Json:
    """Words in a rich text, which Slack shows as they are: no marks, no mentions."""
    return {"type": "text", "text": words, **({"style": style} if style else {})}


def section(elements: Sequence[Json]) -> Json:
    """One line of a rich text."""
    return {"type": "rich_text_section", "elements": [*elements, span("\n")]}


def quote(elements: Sequence[Json]) -> Json:
    return {"type": "rich_text_quote", "elements": [*elements]}


def rich_text(sections: Sequence[Json]) -> Json:
    """A block of lines and quotes."""
    return {"type": "rich_text", "elements": [*sections]}
