"""Block Kit in Python: the few shapes that messages and the home tab use."""

from collections.abc import Sequence
from typing import Any

from workers.wording.text import around

Json = dict[str, Any]


def plain(words: str) -> Json:
    """Make constant words for a button, header or choice; Slack reads no marks in them."""
    return {"type": "plain_text", "text": words, "emoji": False}


def header(words: str) -> Json:
    return {"type": "header", "text": plain(words)}


def span(words: str, **style: bool) -> Json:
    """Make text for a rich-text block, which Slack shows literally: no marks, no mentions."""
    return {"type": "text", "text": words, **({"style": style} if style else {})}


def spans_around(words: str, place: str, shown: Sequence[Json]) -> list[Json]:
    """Make a line of a text of ours, with elements in its `{place}`."""
    before, after = around(words, place)
    return [*([span(before)] if before else []), *shown, *([span(after)] if after else [])]


def section(elements: Sequence[Json]) -> Json:
    """Make one line of a rich-text block."""
    return {"type": "rich_text_section", "elements": [*elements, span("\n")]}


def quote(elements: Sequence[Json]) -> Json:
    return {"type": "rich_text_quote", "elements": [*elements]}


def rich_text(sections: Sequence[Json]) -> Json:
    """Make a block of lines and quotes."""
    return {"type": "rich_text", "elements": [*sections]}
