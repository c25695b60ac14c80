"""The paragraphs of a shape on a slide: items with their bullets and numbers, notes, powers."""

import re
from collections.abc import Iterator
from typing import Any

from workers.ingest.formats.archive import local_name, value_of
from workers.ingest.formats.document import Block, Item, Paragraph
from workers.ingest.formats.numerals import numeral
from workers.ingest.formats.symbols import BEFORE_PART
from workers.ingest.formats.text import raised_later, typed_items

_BULLETS = ("buNone", "buChar", "buAutoNum", "buBlip")
_NUMBERS = (("alphaLc", "a"), ("alphaUc", "A"), ("romanLc", "i"), ("romanUc", "I"))
_WRITTEN = {"ParenR": "{})", "ParenBoth": "({})", "Plain": "{}."}
_STRUCK = ("sngStrike", "dblStrike")


def text_of(body: Any) -> str:
    """All paragraphs, one on each line."""
    return "\n".join(filter(None, (paragraph_text(one).strip() for one in _paragraphs_in(body))))


def paragraph_text(paragraph: Any) -> str:
    """What is seen of it: struck-out words go, a raised figure is no part of the number before."""
    parts: list[str] = []
    for child in paragraph:
        name = local_name(child)
        if name == "br":
            parts.append("\n")
        elif name == "r" or (name == "fld" and value_of(child, "type") != "slidenum"):
            parts.append(_run(child, "".join(parts)))
        elif name == "m":
            parts.append(_formula(child))
    return "".join(parts)


def _run(run: Any, before: str) -> str:
    text = "".join(one.text or "" for one in run if local_name(one) == "t")
    look = next((one for one in run if local_name(one) == "rPr"), None)
    if look is None:
        return text
    if value_of(look, "strike") in _STRUCK:
        return ""
    raised = value_of(look, "baseline")
    is_raised = raised.isdecimal() and int(raised[:9]) > 0
    return raised_later(text, before) if is_raised else text


def _formula(element: Any) -> str:
    parts: list[str] = []
    for child in element:
        if local_name(child) == "t":
            parts.append(child.text or "")
        else:
            joint = BEFORE_PART.get((local_name(element), local_name(child)), "")
            parts += [joint, _formula(child)]
    return "".join(parts)


def _paragraphs_in(body: Any) -> Iterator[Any]:
    return (one for one in body if local_name(one) == "p")


def paragraphs(shape: Any, page: int, *, is_list: bool) -> Iterator[Block]:
    """Of a list's placeholder each paragraph is an item, unless it says that it has no bullet."""
    body = shape.text_frame._txBody
    found = [(one, text) for one in _paragraphs_in(body) if (text := paragraph_text(one).strip())]
    is_list = is_list and len(found) > 1
    counts: dict[int, tuple[str, int]] = {}
    for paragraph, text in found:
        depth = _depth(paragraph)
        bullet = _bullet(shape, paragraph, depth)
        kind = local_name(bullet) if bullet is not None else ""
        counts = {level: count for level, count in counts.items() if level <= depth}
        if kind == "buAutoNum":
            yield Item(text, depth, _next(counts, depth, bullet), page=page)
            continue
        counts.pop(depth, None)
        if kind in ("buChar", "buBlip") or (kind != "buNone" and (is_list or depth)):
            yield Item(text, depth, page=page)
        else:
            items: list[Block] = [*typed_items(text, page=page)]
            yield from items or [Paragraph(text, page=page)]


def _depth(paragraph: Any) -> int:
    level = next((value_of(one, "lvl") for one in _marks(paragraph, "pPr")), "")
    return int(level) if level.isdecimal() and len(level) == 1 else 0


def _bullet(shape: Any, paragraph: Any, depth: int) -> Any:
    """What the paragraph says of its bullet, else its shape, its layout, its master; or None."""
    for marks in (*_marks(paragraph, "pPr"), *_inherited(shape, depth)):
        if (found := next((one for one in marks if local_name(one) in _BULLETS), None)) is not None:
            return found
    return None


def _marks(element: Any, name: str) -> Iterator[Any]:
    return (one for one in element if local_name(one) == name)


def _inherited(shape: Any, depth: int) -> Iterator[Any]:
    for _ in range(3):
        if shape is None or not shape.has_text_frame:
            return
        for style in _marks(shape.text_frame._txBody, "lstStyle"):
            yield from _marks(style, f"lvl{depth + 1}pPr")
        shape = getattr(shape, "_base_placeholder", None)


def _next(counts: dict[int, tuple[str, int]], depth: int, bullet: Any) -> str:
    """The number of an item, written as its list says; another form begins another list."""
    form = value_of(bullet, "type")
    start = value_of(bullet, "startAt")
    first = int(start) if start.isdecimal() and len(start) < 6 else 1
    known, number = counts.get(depth, ("", 0))
    key = f"{form} {first}"
    number = number + 1 if known == key else first
    counts[depth] = key, number
    shown = numeral(number, next((one for name, one in _NUMBERS if form.startswith(name)), "1"))
    written = next((one for end, one in _WRITTEN.items() if form.endswith(end)), "{}.")
    return written.format(shown)


_SIZE = re.compile(r"\d{3,6}")


def largest_letters(shape: Any) -> int:
    """The size of its letters in hundredths of a point, where the shape itself says it; else 0."""
    sizes = (
        value_of(one, "sz")
        for one in shape.text_frame._txBody.iter()
        if local_name(one) in ("rPr", "defRPr")
    )
    return max((int(size) for size in sizes if _SIZE.fullmatch(size)), default=0)
