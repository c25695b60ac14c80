"""Finds the JSON of a draft wherever a model put it, and checks it strictly."""

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
"""The quote comes before the sentence: a model that copies first invents less."""

_DECODER = json.JSONDecoder(strict=False)
"""Accepts a line break within a string, as small models write it."""
_LONGEST = 400_000
_NUMBER = re.compile(r"(?:passage )?\[?([0-9]{1,3})\]?", re.IGNORECASE)
_OPENS = re.compile(r'\{(?=\s*")|\[(?=\s*\{)|"(?=\{(?:\\[nrt]|\s)*\\")')
"""Where JSON may begin: an object, a list of objects, or an object written as a string."""
_MOST_OPENINGS = 300
"""The most tries: a failed one costs as much as the text is long."""
_THOUGHT = re.compile(r"</(?:think|thinking|reasoning|thought)>|\[/THINK\]", re.IGNORECASE)
_SLIP = re.compile(r'"(?:[^"\\]|\\.)*+"?|,(?=\s*[}\]])|\\[nrt]', re.DOTALL)
"""Outside strings: an extra comma, and a line break written as an escape."""
_LONGEST_ESCAPE = 6
_BLANK = "\ufeff \t\r\n"


@dataclass(frozen=True, slots=True)
class Found:
    """A draft, and whether it was the model's whole output: then the server enforced the form."""

    draft: Draft
    exact: bool


class Unterminated(ValueError):
    """The JSON ends before it is complete: it was cut, even if the server does not say so."""


def find(text: str) -> Found | None:
    """Return the last draft in this text; what came before it as thinking does not count.

    None if there is none. Raises Unterminated; the sentences before a cut are not the answer.
    """
    said = _said(text[:_LONGEST])
    found = _last_in(said)
    if found is None:
        repaired = _SLIP.sub(lambda slip: slip[0] if slip[0].startswith('"') else "", said)
        found = _last_in(repaired) if repaired != said else None
        return found and Found(found.draft, exact=False)
    return found


def is_object(text: str) -> bool:
    """Whether it is one JSON object and nothing else, with any content."""
    return isinstance(_parsed(_said(text[:_LONGEST])), dict)


def _said(text: str) -> str:
    """Return what comes after the thinking; all of it if nothing does or the thinking
    does not end.
    """
    text = text.strip(_BLANK)
    ends = [match.end() for match in _THOUGHT.finditer(text)]
    if not ends or isinstance(_parsed(text), dict):  # then the mark stands in what is quoted
        return text
    return text[ends[-1] :].strip(_BLANK) or text


def _parsed(text: str) -> Any:
    """Return the value of a JSON text; None if it is not JSON."""
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def _last_in(text: str) -> Found | None:
    found = None
    for value, is_all in _values(text):
        draft = _draft(value, is_part_of_one='"sentences"' in text)
        if draft is not None:
            found = Found(draft, is_all and _is_held(value))
    return found


def _values(text: str) -> Iterator[tuple[Any, bool]]:
    """Yield each outermost value, and whether it is the whole text."""
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
    """Whether it began like a draft: not every bracket in prose is one."""
    in_escape = error.msg.startswith("Invalid \\") and error.pos >= len(text) - _LONGEST_ESCAPE
    ended = error.msg.startswith("Unterminated string") or in_escape or error.pos >= len(text)
    return ended and '"' in text[start : start + 40]


def _draft(value: Any, *, is_part_of_one: bool) -> Draft | None:
    """Return the sentences of the requested object, or of a wrapper around it; else of its list or
    a single sentence, if that cannot be part of a broken object.
    """
    wrapped = value.values() if isinstance(value, dict) and "quote" not in value else ()
    for one in (value, *wrapped):
        one = _parsed(one) if isinstance(one, str) else one
        if isinstance(one, dict) and "sentences" in one:
            return _sentences(one["sentences"])
    if is_part_of_one or not value:
        return None
    return _sentences(value)


def _sentences(value: Any) -> Draft | None:
    if isinstance(value, dict):
        value = [value]
    elif value is None:
        value = []
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
    """Read `1`, and what small models write for it: `1.0`, `"1"`, `"[1]"`."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        written = _NUMBER.fullmatch(value.strip())
        return int(written[1]) if written else None
    return value if isinstance(value, int) else None


def _is_held(value: Any) -> bool:
    """Whether it has exactly the schema's form, and can not only be read as it."""
    if not isinstance(value, dict) or set(value) != {"sentences"}:
        return False
    listed = value["sentences"]
    return isinstance(listed, list) and all(
        set(one) == {"text", "quote", "passage"} and type(one["passage"]) is int for one in listed
    )
