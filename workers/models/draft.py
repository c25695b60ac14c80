"""The JSON of a draft, wherever a model put it: found leniently, believed strictly."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workers.models.base import Draft, Sentence

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "sentences": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "passage": {"type": "integer"},
                    "quote": {"type": "string"},
                    "text": {"type": "string"},
                },
                "required": ["passage", "quote", "text"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["sentences"],
    "additionalProperties": False,
}
"""The quote comes before the sentence: who copies first invents less."""

_DECODER = json.JSONDecoder(strict=False)
"""Takes a line break within a string, as small models write it."""
_LONGEST = 400_000
_NUMBER = re.compile(r"\[?([0-9]{1,3})\]?")
_OPENS = re.compile(r'\{(?=\s*")|\[(?=\s*\{)')
_MOST_OPENINGS = 300
"""A failed try costs as much as the text is long."""
_THOUGHT = re.compile(r"</(?:think|thinking|reasoning|thought)>|\[/THINK\]", re.IGNORECASE)
_LEFT_OVER_COMMA = re.compile(r",(?=\s*[}\]])")


@dataclass(frozen=True, slots=True)
class Found:
    """A draft, and whether the model wrote nothing else: then the server held it to the form."""

    draft: Draft
    exact: bool


class Unterminated(ValueError):
    """The JSON ends before its end: it was cut, whatever the server says of it."""


def find(text: str) -> Found | None:
    """The last draft in this text; what was thought aloud before it does not count.

    None: there is none. Raises Unterminated; the sentences before a cut are not the answer.
    """
    said = _said(text[:_LONGEST])
    told = _LEFT_OVER_COMMA.sub("", said)
    found = None
    for value, is_all in _values(told):
        draft = _draft(value, is_part_of_one='"sentences"' in told)
        if draft is not None:
            found = Found(draft, is_all and told == said and _is_held(value))
    return found


def is_object(text: str) -> bool:
    """Whether it is one JSON object and nothing else, of whatever content."""
    try:
        return isinstance(json.loads(_said(text[:_LONGEST])), dict)
    except (ValueError, RecursionError):
        return False


def _said(text: str) -> str:
    """What comes after the thinking; all of it, where nothing does or the thinking does not end."""
    ends = [match.end() for match in _THOUGHT.finditer(text)]
    after = text[ends[-1] :].strip("\ufeff \t\r\n") if ends else ""
    return after or text.strip("\ufeff \t\r\n")


def _values(text: str) -> Iterator[tuple[Any, bool]]:
    """Every outermost JSON object or list, and whether it is the whole text."""
    at = 0
    for _ in range(_MOST_OPENINGS):
        if (opening := _OPENS.search(text, at)) is None:
            return
        try:
            value, at = _DECODER.raw_decode(text, opening.start())
        except json.JSONDecodeError as error:
            if _is_cut(text, opening.start(), error):
                raise Unterminated from None
            at = opening.end()
            continue
        except (ValueError, RecursionError):  # a number of 5,000 digits, a thousand brackets
            at = opening.end()
            continue
        yield value, opening.start() == 0 and at == len(text)


def _is_cut(text: str, start: int, error: json.JSONDecodeError) -> bool:
    """Not every bracket in prose: it has to have begun as a draft."""
    ended = error.msg.startswith("Unterminated string") or error.pos >= len(text)
    return ended and '"' in text[start : start + 40]


def _draft(value: Any, *, is_part_of_one: bool) -> Draft | None:
    """Of the object that was asked for or a wrapper of it; else of its list or of one sentence,
    where there is nothing that this could be a part of."""
    wrapped = value.values() if isinstance(value, dict) else ()
    for one in (value, *wrapped):
        if isinstance(one, dict) and "sentences" in one:
            listed = one["sentences"]
            return _sentences([listed] if isinstance(listed, dict) else listed)
    if is_part_of_one or not value:
        return None
    return _sentences(value if isinstance(value, list) else [value])


def _sentences(value: Any) -> Draft | None:
    if not isinstance(value, list):
        return None
    found = [_sentence(one) for one in value]
    kept = tuple(one for one in found if one is not None)
    return Draft(kept) if len(kept) == len(found) else None


def _sentence(value: Any) -> Sentence | None:
    if not isinstance(value, dict):
        return None
    text, quote, passage = value.get("text"), value.get("quote"), _number(value.get("passage"))
    if not isinstance(text, str) or not isinstance(quote, str) or passage is None:
        return None
    return Sentence(text, passage, quote)


def _number(value: Any) -> int | None:
    """`1`, and what small models write for it: `1.0`, `"1"`, `"[1]"`."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        written = _NUMBER.fullmatch(value.strip())
        return int(written[1]) if written else None
    return value if isinstance(value, int) else None


def _is_held(value: Any) -> bool:
    """Exactly the schema's form, and not only something that can be read as it."""
    if not isinstance(value, dict) or set(value) != {"sentences"}:
        return False
    listed = value["sentences"]
    return isinstance(listed, list) and all(
        set(one) == {"text", "quote", "passage"} and type(one["passage"]) is int for one in listed
    )
