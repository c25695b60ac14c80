"""Plain text as its author laid it out, and reStructuredText."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from workers.ingest.formats.document import (
    About,
    Block,
    Code,
    Heading,
    Item,
    Paragraph,
    Question,
    Quotation,
    Row,
)
from workers.ingest.formats.text import (
    CHECKED,
    TYPED_MARK,
    begins_question,
    decode,
    is_title,
    questions,
    table_of,
)

_UNDERLINE = re.compile(r"([=\-~^*#+\"'.])\1{2,}[ \t]*\Z")
_SECTION = re.compile(r"\d{1,2}(?:\.\d{1,2}){0,3}\.?[ \t]+(?P<name>\S.{0,80})\Z")
_GAP = re.compile(r"\t+ *| {2,}")
_CELL = re.compile(r"\S+(?: \S+)*")
_TEXT_UNDERLINES = "=-~^*#+\"'."


def read_text(content: bytes, about: About) -> Iterator[Block]:
    """Text as its author laid it out: underlined and numbered headings, lists, aligned columns."""
    reader = _Text()
    for number, block in enumerate(reader.read(decode(content).expandtabs(8))):
        if number == 0 and isinstance(block, Heading) and block.level == 1:
            about.titles.append(block.text)
        yield block


class _Text:
    def __init__(self) -> None:
        self._underlines: list[str] = []

    def read(self, text: str) -> Iterator[Block]:
        follows_code = is_box = False
        for group in _groups(text):
            indent = len(group[0]) - len(group[0].lstrip())
            if follows_code and indent >= 2:
                yield Code("\n".join(_dedented(group)))
                continue
            group = list(_dedented(group)) if is_box and indent >= 2 else group
            if box := _DIRECTIVE.fullmatch(group[0]):
                is_box, follows_code = not _OF_CODE.match(box[1]), bool(_OF_CODE.match(box[1]))
                yield Paragraph(box[2])
                if inner := list(_dedented(group[1:])) if group[1:] else []:
                    yield from [Code("\n".join(inner))] if follows_code else self._group(inner)
                continue
            is_box = is_box and indent >= 2
            follows_code = group[-1].rstrip().endswith("::") and not TYPED_MARK.match(group[-1])
            if follows_code:
                group = [*group[:-1], group[-1].rstrip()[:-1]]
            yield from self._group(group)

    def _group(self, lines: list[str]) -> Iterator[Block]:
        while lines and (found := self._heading(lines)):
            block, lines = found
            yield block
        if not lines:
            return
        if rows := drawn(lines) or aligned(lines):
            yield from table_of(rows)
            return
        if pairs := _led(lines):
            yield from map(Row, pairs)
            return
        is_asked = begins_question(lines[0].lstrip())
        if is_asked and isinstance((asked := questions("\n".join(lines)))[0], Question):
            yield from asked
            return
        if any(line.startswith(">") for line in lines):
            yield from _with_quotations(lines)
            return
        yield from _paragraph_and_items(lines)

    def _heading(self, lines: list[str]) -> tuple[Block, list[str]] | None:
        first = lines[0].strip()
        if len(lines) > 2 and _UNDERLINE.fullmatch(lines[0]) and _UNDERLINE.fullmatch(lines[2]):
            return Heading(lines[1].strip(), self._level("over" + first[0])), lines[3:]
        is_name = len(first) <= 120 and not _UNDERLINE.fullmatch(first) and not _GAP.search(first)
        if is_name and len(lines) > 1 and _UNDERLINE.fullmatch(lines[1].strip()):
            return Heading(first, self._level(lines[1].strip()[0])), lines[2:]
        if _UNDERLINE.fullmatch(first):
            return Paragraph(""), lines[1:]
        if len(lines) == 1 and not lines[0].startswith(" ") and is_title(first):
            numbered = _SECTION.fullmatch(first)
            name = numbered["name"] if numbered else first
            if (name.isupper() and len(name) > 2) or (numbered and name[:1].isupper()):
                depth = first.split()[0].strip(".").count(".") if numbered else 0
                return Heading(first, min(2 + depth, 6)), []
        return None

    def _level(self, mark: str) -> int:
        if mark not in self._underlines:
            self._underlines.append(mark)
        return min(self._underlines.index(mark) + 1, 6)


_DIRECTIVE = re.compile(r"\.\. ([\w-]{1,40})::[ \t]*(.*)")
"""Of reStructuredText: a box, or code."""
_OF_CODE = re.compile(r"code|sourcecode|literal|parsed-literal|highlight|prompt|math")


def _groups(text: str) -> Iterator[list[str]]:
    """Runs of lines without a blank one among them."""
    group: list[str] = []
    for line in text.split("\n"):
        if line.strip():
            group.append(line.rstrip())
        elif group:
            yield group
            group = []
    if group:
        yield group


_LEADER = re.compile(r"\s*+([^.…\s](?:[^.…]|[.…](?![.…])){0,100})[.…]{3,}+\s*+([^.\s].{0,100})")


def _led(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Names and values with a line of dots between them; of a table of contents nothing."""
    found = [match for line in lines if (match := _LEADER.fullmatch(line))]
    if len(found) < max(len(lines), 2) or all(match[2].isdigit() for match in found):
        return []
    return [(match[1].strip(), match[2].strip()) for match in found]


def _dedented(lines: Sequence[str]) -> Iterator[str]:
    indent = min(len(line) - len(line.lstrip()) for line in lines)
    return (line[indent:] for line in lines)


def _with_quotations(lines: Sequence[str]) -> Iterator[Block]:
    """Lines of a mail, of which some are quoted from another."""
    for is_quoted, some in groupby(lines, lambda line: line.startswith(">")):
        if is_quoted:
            yield Quotation("\n".join(line.lstrip("> ") for line in some))
        else:
            yield from _paragraph_and_items(list(some))


def drawn(lines: Sequence[str]) -> list[list[str]]:
    """The cells of a table that is drawn with "|", and with "+--+" between its rows."""
    if len(lines) < 2 or not all(line.strip()[0] in "|+" for line in lines):
        return []
    rows: list[list[str]] = []
    has_rules = sum(line.lstrip().startswith("+") for line in lines) > 3
    goes_on = False
    for line in map(str.strip, lines):
        if not set(line) - set("|+-=: "):
            goes_on = False
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if goes_on and has_rules and len(cells) == len(rows[-1]):
            rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
        goes_on = True
    return rows if len(rows) > 1 and len({*map(len, rows)}) == 1 else []


def _paragraph_and_items(lines: Sequence[str]) -> Iterator[Block]:
    held: list[str] = []
    item: tuple[str, int] | None = None
    indents: list[int] = []

    def flush() -> Iterator[Block]:
        if held and item:
            yield Item(" ".join(held), item[1], item[0])
        elif held:
            yield from questions("\n".join(held))

    for line in lines:
        match = TYPED_MARK.match(line)
        if match and (item or not held or held[-1].rstrip().endswith((":", ".", ";"))):
            yield from flush()
            indent = len(match["indent"])
            indents = [*(one for one in indents if one < indent), indent]
            mark = match["mark"]
            item = (mark if mark[-1] in ".)" or mark[0].isdigit() else "-", len(indents) - 1)
            kept = f"{mark} " if mark in CHECKED else ""
            held = [kept + match["text"].strip()]
        elif item and not line.startswith(" ") and held[-1].endswith((".", ":", ";", "!", "?")):
            yield from flush()
            item, held, indents = None, [line.strip()], []
        else:
            held.append(line.strip())
    yield from flush()


def aligned(lines: Sequence[str]) -> list[list[str]]:
    """The cells of lines that are set in columns with spaces between them; else nothing."""
    lines = [line for line in lines if set(line) - set("-=_+| ")]
    if len(lines) < 2 or not all(len(_GAP.split(line.strip())) > 1 for line in lines):
        return []
    gaps = _gutters(lines)
    if not gaps or all(map(TYPED_MARK.match, lines)):
        return []
    bounds = [0, *gaps, max(map(len, lines))]
    return [[line[a:b].strip() for a, b in pairwise(bounds)] for line in lines]


def _gutters(lines: Sequence[str]) -> list[int]:
    """Where every line has at least two spaces, or its end: the middle of each such gap."""
    width = max(map(len, lines))
    taken = [False] * width
    for line in lines:
        for one in _CELL.finditer(line):
            taken[one.start() : one.end()] = [True] * (one.end() - one.start())
    found: list[int] = []
    at = 0
    while at < width:
        end = at
        while end < width and not taken[end]:
            end += 1
        if end - at >= 2 and at > 0 and end < width:
            found.append((at + end) // 2)
        at = max(end, at + 1)
    return found
