"""Where a quote stands in its passage, and what around it belongs to it."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from workers.models.base import Passage
from workers.models.quotes import words
from workers.models.sentences import is_fence, sentence_ends, without_marks

_ROW = re.compile(r"\s*\|.*\|\s*\Z")
_RULE = re.compile(r"[\s|:\-]+\Z")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_CELL = "; "
_MOST_PLACES = 4
"""Places of a quote that are tried: it may stand in a passage several times."""
_MOST_LETTERS = 40_000


@dataclass(frozen=True, slots=True)
class Block:
    """A sentence, an item, a row, a heading, a lead or code of a passage."""

    kind: str
    text: str
    group: int
    """Of which paragraph, list or table it is."""
    cells: tuple[tuple[str, str], ...] = ()
    """Of a row: the column's name and the value."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a quote touches, whole, and what is around it."""

    blocks: tuple[Block, ...]
    is_whole: bool
    """Whether it begins and ends with whole sentences, items or rows."""
    is_cut: bool
    """Whether it begins within a sentence and ends within another, or runs over rows."""
    context: str
    """Title, heading, lead-in, question, names of columns."""
    before: str
    """The sentence before it, which "it" and "they" may mean."""
    elsewhere: str = ""
    """What else the passage says."""
    others: tuple[Block, ...] = ()
    """The other rows of its table."""
    quote: str = ""
    position: int = 0
    """Which item of its list it is, from 1; 0 if it is none."""


def places_of(quote: str, passage: Passage) -> list[Place]:
    """Return where a quote stands in a passage, word for word; empty if it does not."""
    wanted = tuple(words(quote))
    blocks = _blocks(passage)
    found: list[Place] = []
    for cleaned in (False, True):
        texts = [without_marks(one.text) if cleaned else one.text for one in blocks]
        for first, last, begins, ends in _runs(texts, wanted):
            place = _place(passage, blocks, first, last, (begins, ends), quote)
            if place not in found:
                found.append(place)
            if len(found) == _MOST_PLACES:
                return found
    return found


def _runs(texts: Sequence[str], wanted: tuple[str, ...]) -> Iterator[tuple[int, int, bool, bool]]:
    """Yield the first and last block of an occurrence, and whether it begins and ends with one."""
    flat: list[str] = []
    owner: list[int] = []
    for number, text in enumerate(texts):
        own = words(text)
        flat += own
        owner += [number] * len(own)
    size = len(wanted)
    if not size:
        return
    for at in range(len(flat) - size + 1):
        if flat[at] == wanted[0] and tuple(flat[at : at + size]) == wanted:
            first, last = owner[at], owner[at + size - 1]
            begins = at == 0 or owner[at - 1] != first
            ends = at + size == len(flat) or owner[at + size] != last
            yield first, last, begins, ends


def _place(
    passage: Passage,
    blocks: Sequence[Block],
    first: int,
    last: int,
    at_ends: tuple[bool, bool],
    quote: str,
) -> Place:
    touched = [one for one in blocks[first : last + 1] if one.kind != "header"]
    says = [one for one in touched if one.kind not in ("lead", "heading", "question")]
    core = says or touched or list(blocks[first : last + 1])
    head = next(at for at in range(first, last + 1) if blocks[at] in core)
    rows = [one for one in core if one.kind == "row"]
    others: tuple[Block, ...] = ()
    if rows:
        others = tuple(
            one
            for one in blocks
            if one.kind == "row" and one.group == rows[0].group and one not in core
        )
    return Place(
        tuple(core),
        is_whole=all(at_ends),
        is_cut=len(core) > 1 and (not any(at_ends) or core[0].kind in ("row", "code")),
        context=_context(passage, blocks, head, core),
        before=_before(blocks, head),
        elsewhere="\n".join(one.text for one in blocks if one not in core),
        others=others,
        quote=quote,
        position=_position(blocks, core[0]),
    )


def _position(blocks: Sequence[Block], block: Block) -> int:
    items = [one for one in blocks if one.kind == "item" and one.group == block.group]
    return next((number for number, one in enumerate(items, start=1) if one is block), 0)


def _context(passage: Passage, blocks: Sequence[Block], head: int, core: Sequence[Block]) -> str:
    parts = [passage.title, passage.heading]
    group = blocks[head].group
    at = head - 1
    while at >= 0 and blocks[at].group == group and blocks[at].kind in ("item", "row"):
        at -= 1
    while at >= 0 and blocks[at].kind in ("lead", "question", "heading", "header", "caption"):
        parts.append(blocks[at].text)
        at -= 1
    if blocks[head].kind in ("item", "row") and at >= 0 and blocks[at].kind == "sentence":
        parts.append(blocks[at].text)
    parts += [name for one in core for name, _ in one.cells]
    return "\n".join(part for part in parts if part)


def _before(blocks: Sequence[Block], head: int) -> str:
    for at in range(head - 1, -1, -1):
        if blocks[at].kind in ("sentence", "lead", "item") and blocks[at].text:
            return blocks[at].text
        if blocks[at].kind == "heading":
            break
    return ""


@lru_cache(maxsize=64)
def _blocks(passage: Passage) -> tuple[Block, ...]:
    """Return what a passage consists of, in reading order."""
    if passage.spans:
        return tuple(_of_spans(passage))
    return tuple(_of_markdown(passage.text[:_MOST_LETTERS]))


def _of_spans(passage: Passage) -> Iterator[Block]:
    group = 0
    before = ""
    for span in passage.spans:
        own = passage.text[span.start : span.end]
        if not (span.kind == before and span.kind in ("item", "row")):
            group += 1
        before = span.kind
        if span.kind == "row":
            yield Block("row", own, group, tuple(_named_cells(own)))
        elif span.kind in ("paragraph", "quotation"):
            for said in _sentences(own):
                yield Block("sentence", said, group)
        else:
            yield Block(span.kind, own, group)


def _named_cells(row: str) -> Iterator[tuple[str, str]]:
    """Yield the cells of `Floor: 3; Seats: 30`."""
    for cell in row.split(_CELL):
        name, colon, value = cell.partition(": ")
        yield (name, value) if colon else ("", cell)


def _of_markdown(text: str) -> Iterator[Block]:
    lines = text.splitlines()
    group, at = 0, 0
    while at < len(lines):
        line = lines[at]
        group += 1
        if _ROW.match(line):
            end = _end_of(lines, at, _is_row)
            yield from _table(lines[at:end], group)
        elif is_fence(line):
            code, end = _fenced(lines, at)
            yield Block("code", code, group)
        elif _HEADING.match(line):
            end = at + 1
            yield Block("heading", line.strip("# \t"), group)
        elif _ITEM.match(line):
            end = _end_of(lines, at, _is_in_list)
            yield from _items(lines[at:end], group)
        else:
            end = at + 1
            while end < len(lines) and not _is_special(lines[end]):
                end += 1
            said = [one.strip().lstrip("> ") for one in lines[at:end]]
            yield from _paragraph(said, group, leads=end < len(lines))
        at = end


def _is_special(line: str) -> bool:
    """Whether a line begins something else than the paragraph before it."""
    if not line.strip() or is_fence(line):
        return True
    return any(one.match(line) for one in (_ROW, _HEADING, _ITEM))


def _is_row(line: str) -> bool:
    return bool(_ROW.match(line))


def _is_in_list(line: str) -> bool:
    """Whether a line is an item, or goes on with the one before it."""
    return bool(_ITEM.match(line)) or (line.startswith("  ") and bool(line.strip()))


def _end_of(lines: Sequence[str], at: int, belongs: Callable[[str], bool]) -> int:
    while at < len(lines) and belongs(lines[at]):
        at += 1
    return at


def _items(lines: Sequence[str], group: int) -> Iterator[Block]:
    """Yield the items of a list; a line that is indented goes on with the item before it."""
    items: list[str] = []
    for line in lines:
        if item := _ITEM.match(line):
            items.append(line[item.end() :])
        else:
            items[-1] += f" {line.strip()}"
    yield from (Block("item", item, group) for item in items)


def _fenced(lines: Sequence[str], at: int) -> tuple[str, int]:
    code: list[str] = []
    at += 1
    while at < len(lines) and not is_fence(lines[at]):
        code.append(lines[at])
        at += 1
    return "\n".join(code), at + 1


def _paragraph(lines: Sequence[str], group: int, *, leads: bool) -> Iterator[Block]:
    said = list(_sentences(" ".join(lines)))
    for number, one in enumerate(said):
        is_lead = number == len(said) - 1 and leads and one.rstrip().endswith(":")
        is_question = one.rstrip().endswith("?")
        yield Block("lead" if is_lead else "question" if is_question else "sentence", one, group)


def _sentences(text: str) -> Iterator[str]:
    start = 0
    for end in sentence_ends(text):
        said = " ".join(text[start:end].split())
        if said:
            yield said
        start = end


def _table(rows: Sequence[str], group: int) -> Iterator[Block]:
    has_header = len(rows) > 1 and bool(_RULE.match(rows[1]))
    names = _cells(rows[0]) if has_header else []
    for number, row in enumerate(rows):
        if has_header and number == 0:
            yield Block("header", " | ".join(names), group)
        elif not _RULE.match(row):
            values = _cells(row)
            padded = names + [""] * (len(values) - len(names))
            yield Block("row", " | ".join(values), group, tuple(zip(padded, values, strict=False)))


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]
