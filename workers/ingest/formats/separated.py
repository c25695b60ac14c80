"""CSV and its kin."""

import csv
import io
import re
from collections.abc import Iterator, Sequence

from workers.ingest.formats.document import About, Block, Paragraph, Row, one_line
from workers.ingest.formats.text import decode, has_header

_MOST_ABOVE = 20
"""Lines above the names of the columns."""


def read_table(content: bytes, about: About) -> Iterator[Block]:
    """CSV and its kin: what stands above the header is the caption, each row names its columns."""
    text = decode(content).strip("\n")
    csv.field_size_limit(len(text) + 1)  # a long field is no reason to lose its row
    delimiter, text = _delimiter(text)
    width = _width(text, delimiter)
    if width < 2:
        yield Paragraph(text)
        return
    lines = text.split("\n") if text.count('"') % 2 else None  # a quotation mark is not closed
    rows = (
        cells
        for row in _rows_read(io.StringIO(text, newline=""), delimiter, lines)
        if any(cells := [one_line(cell) for cell in row])
    )
    yield from _table(rows, width, about)


def _table(rows: Iterator[list[str]], width: int, about: About) -> Iterator[Block]:
    first = [row for _, row in zip(range(_MOST_ABOVE), rows, strict=False)]
    at = _header(first, width)
    above = first[:at]
    pairs = [row for row in above if sum(map(bool, row)) > 1]
    caption = one_line(" ".join(_said(row) for row in above if row not in pairs))
    if caption and len(caption) <= 150:
        about.titles.append(caption)
    yield from (Row(tuple(filter(None, row))) for row in pairs)
    header: list[str] = []
    body = first[at:]
    if not body:
        yield from (Paragraph(_said(row)) for row in above if row not in pairs)
        return
    if len(body) == 1 or has_names(body):
        header, body = body[0], body[1:]
    used = False
    for some in (body, rows):
        for cells in some:
            used = True
            yield Row(tuple(cells), _named(header, cells) if header else (), caption)
    if not used:
        yield Row(tuple(header))


def has_names(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns: it does, unless it holds figures as those below do."""
    even = [list(row) + [""] * (len(rows[0]) - len(row)) for row in rows]
    return has_header(even) or not _looks_like(even[0], even[1:])


def _looks_like(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    figures = [at for at, cell in enumerate(first) if _FIGURE.fullmatch(cell)]
    if all(_YEAR.fullmatch(first[at]) for at in figures):
        return False
    return any(all(_FIGURE.fullmatch(row[at]) for row in others if row[at]) for at in figures)


_FIGURE = re.compile(r"[\W_]*\d[\d\W_]*")
_YEAR = re.compile(r"(?:19|20)\d\d")


def _header(rows: Sequence[Sequence[str]], width: int) -> int:
    """Which row names the columns: the first as wide as most, below narrower ones from the left."""
    filled = [sum(map(bool, row)) for row in rows]
    if len(rows) < 3:
        return _first(filled)
    for at, row in enumerate(rows):
        if filled[at] >= width:
            return (
                at
                if not any(_FIGURE.fullmatch(cell) for cell in row) or at == 0
                else _first(filled)
            )
        if filled[at] > 1 and (not row[0] or filled[at] != 2):
            break
    return _first(filled)


def _first(filled: Sequence[int]) -> int:
    return next((at for at, count in enumerate(filled) if count > 1), len(filled))


def _said(row: Sequence[str]) -> str:
    return " ".join(filter(None, row)).lstrip("# ")


def _named(header: Sequence[str], cells: Sequence[str]) -> tuple[str, ...]:
    return (*header, *[""] * (len(cells) - len(header)))[: max(len(cells), 1)]


def _rows_read(
    text: io.StringIO, delimiter: str, lines: Sequence[str] | None
) -> Iterator[list[str]]:
    """Rows; of lines one by one, where a quotation mark would take all that follows for a cell."""
    if lines is not None:
        for line in lines:
            line = line.replace('"', "") if line.count('"') % 2 else line
            yield from _readable([line], delimiter)
        return
    yield from _readable(text, delimiter)


def _readable(lines: io.StringIO | Sequence[str], delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter != "\t")
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:  # such as a field of more than 131,072 letters
            continue


_SEPARATOR = re.compile(r"\ufeff?\"?sep=(.)\"?[ \t]*\n", re.IGNORECASE)


def _delimiter(text: str) -> tuple[str, str]:
    """What separates the cells: as the file says, else what divides most lines alike."""
    if said := _SEPARATOR.match(text):
        return said[1], text[said.end() :]
    sample = text[:50_000].split("\n")[:60]
    scores = {one: _evenness(sample, one) for one in ",;\t|"}
    return max(scores, key=scores.__getitem__), text


def _evenness(lines: Sequence[str], delimiter: str) -> tuple[int, int]:
    try:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter) if any(row)]
    except csv.Error:
        return (0, 0)
    many = [count for count in counts if count > 1]
    usual = max(set(many), key=many.count, default=0)
    return (many.count(usual), usual)


def _width(text: str, delimiter: str) -> int:
    """How many cells most rows have."""
    sample = text[:50_000].split("\n")[:60]
    try:
        counts = [len(row) for row in csv.reader(sample, delimiter=delimiter) if any(row)]
    except csv.Error:
        return 1
    wide = [count for count in counts if count > 1]
    if len(wide) * 3 < len(counts):
        return 1
    return max(set(wide), key=wide.count, default=1)
