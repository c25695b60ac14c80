"""How words stand on a page: lines, columns of text one after the other, tables, forms."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from workers.ingest.formats.glyphs import Word, runs_left
from workers.ingest.formats.text import raised

_MARK_ALONE = re.compile(r"[-•●▪◦‣·∙*○■□➢–\uf0b7o]|\(?[0-9a-zA-Z]{1,3}[.)]|\d+(?:\.\d+)+\.?")
_APART = 0.85
"""Two words this many times their height apart belong to different cells or columns."""
_FEW = 4
"""Lines on each side that make columns."""
_CHECKED = {"[x]": "yes", "[ ]": "no"}


@dataclass(slots=True)
class Line:
    text: str
    size: float
    is_bold: bool
    is_mono: bool
    y: float
    left: float
    right: float


@dataclass(slots=True)
class Table:
    """Cells in rows; of a form, labels with what is filled in."""

    rows: list[list[str]]
    is_form: bool = False
    is_first_bold: bool = False


Region = list[Line] | Table


@dataclass(slots=True)
class _Segment:
    """Words of a line that stand close together."""

    words: list[Word]

    @property
    def left(self) -> float:
        return min(word.left for word in self.words)

    @property
    def right(self) -> float:
        return max(word.right for word in self.words)

    @property
    def is_field(self) -> bool:
        return self.words[0].is_field

    @property
    def text(self) -> str:
        size = max(word.size for word in self.words)
        base = min(word.y for word in self.words if word.size > 0.8 * size)
        text = ""
        for word in self.words:
            is_raised = word.size < 0.8 * size and word.y - base > 0.15 * size and bool(text)
            text += raised(word.text, text, None) if is_raised else f" {word.text}"
        return text.strip()


@dataclass(slots=True)
class _Row:
    segments: list[_Segment]
    y: float
    size: float
    words: list[Word] = field(default_factory=list)

    @property
    def is_mono(self) -> bool:
        return all(word.is_mono for word in self.words)

    @property
    def has_fields(self) -> bool:
        return any(one.is_field for one in self.segments)

    @property
    def is_bold(self) -> bool:
        return all(word.is_bold for word in self.words)

    def line(self) -> Line:
        return Line(
            " ".join(one.text for one in self.segments),
            self.size,
            self.is_bold,
            self.is_mono,
            self.y,
            min(one.left for one in self.segments),
            max(one.right for one in self.segments),
        )


def regions(words: Sequence[Word]) -> list[Region]:
    """The words of a page in reading order."""
    return list(_laid_out(_rows_of(words), depth=0))


def _rows_of(words: Sequence[Word]) -> list[_Row]:
    groups: list[list[Word]] = []
    for word in sorted((one for one in words if one.text.strip()), key=lambda one: -one.y):
        if groups and _is_level(groups[-1][0], word):
            groups[-1].append(word)
        elif groups and _hangs_over(groups[-1], word):
            groups[-1].insert(0, word)
        else:
            groups.append([word])
    return [_row(group) for group in groups]


def _is_level(one: Word, other: Word) -> bool:
    return abs(one.y - other.y) <= 0.35 * min(one.size, other.size)


def _hangs_over(above: Sequence[Word], word: Word) -> bool:
    """Whether what stands above are the raised figures of this word's line."""
    return all(one.size < 0.8 * word.size for one in above) and (
        0 < above[0].y - word.y < 0.7 * word.size
    )


def _row(words: list[Word]) -> _Row:
    is_leftward = sum(runs_left(one.text) for one in words) * 2 > len(words)
    words.sort(key=lambda one: -one.right if is_leftward else one.left)
    largest = Counter[float]()
    for word in words:
        largest[word.size] += len(word.text)
    size = largest.most_common(1)[0][0]
    segments = [_Segment([words[0]])]
    for before, word in pairwise(words):
        gap = word.left - segments[-1].right
        if is_leftward:
            gap = segments[-1].left - word.right
        is_mark = len(segments[-1].words) == 1 and _MARK_ALONE.fullmatch(before.text)
        is_cell = gap > _APART * size and not (is_mark and gap < 5 * size and len(segments) == 1)
        if is_cell or word.is_field or before.is_field:
            segments.append(_Segment([word]))
        else:
            segments[-1].words.append(word)
    base = min((word.y for word in words if word.size > 0.8 * size), default=words[0].y)
    return _Row(segments, base, size, words)


# -- columns ----------------------------------------------------------------------------------


def _laid_out(rows: list[_Row], *, depth: int) -> Iterator[Region]:
    band = _band(rows) if depth < 3 else None
    if band is None:
        yield from _tables_and_lines(rows)
        return
    first, last, gutter = band
    yield from _laid_out(rows[:first], depth=depth + 1)
    inside = rows[first : last + 1]
    for is_left in (True, False):
        words = (
            [word for one in row.segments if (one.left < gutter) == is_left for word in one.words]
            for row in inside
        )
        yield from _laid_out([_row(found) for found in words if found], depth=depth + 1)
    yield from _laid_out(rows[last + 1 :], depth=depth + 1)


def _band(rows: Sequence[_Row]) -> tuple[int, int, float] | None:
    """The longest run of lines that are set in two columns: first, last, where the right begins."""
    starts = Counter(round(one.left / 3) for row in rows for one in row.segments)
    best: tuple[int, int, float] | None = None
    for start, count in starts.most_common(8):
        if count < _FEW:
            break
        for first, last in _uncrossed(rows, start * 3.0):
            longest = best[1] - best[0] if best else 0
            if last - first > longest and _are_columns(rows[first : last + 1], start * 3.0):
                best = first, last, start * 3.0 - 3
    return best


def _uncrossed(rows: Sequence[_Row], start: float) -> Iterator[tuple[int, int]]:
    """Runs of lines none of which runs across the gutter before `start`."""
    first: int | None = None
    for at, row in enumerate(rows):
        edge = start - 3 - 0.5 * row.size
        if any(one.left < edge and one.right > edge for one in row.segments) or row.has_fields:
            if first is not None:
                yield first, at - 1
            first = None
        elif first is None:
            first = at
    if first is not None:
        yield first, len(rows) - 1


def _are_columns(rows: Sequence[_Row], start: float) -> bool:
    """Whether running text stands on both sides, and not the cells of a table."""
    segments = [one for row in rows for one in row.segments]
    sides = (
        [one for one in segments if one.left < start - 3],
        [one for one in segments if one.left >= start - 3],
    )
    return all(_is_running_text(side) for side in sides)


def _is_running_text(segments: Sequence[_Segment]) -> bool:
    if len(segments) < _FEW:
        return False
    left, right = min(one.left for one in segments), max(one.right for one in segments)
    filled = median((one.right - one.left) / max(right - left, 1) for one in segments)
    words = sum(len(one.words) for one in segments) / len(segments)
    texts = [one.words[0].text for one in segments]
    going_on = sum(text[0].islower() for text in texts) / len(texts)
    return filled >= 0.55 and words >= 2.5 and going_on >= 0.25


# -- tables and lines -------------------------------------------------------------------------


def _tables_and_lines(rows: Sequence[_Row]) -> Iterator[Region]:
    lines: list[Line] = []
    at = 0
    while at < len(rows):
        row = rows[at]
        if row.has_fields:
            label = lines.pop() if lines and _labels_below(lines[-1], row) else None
            if lines:
                yield lines
            lines = []
            yield Table(list(_filled_in(row, label)), is_form=True)
            at += 1
            continue
        end = _end_of_table(rows, at)
        found = _table(rows[at:end]) if end - at > 1 else None
        if found is None:
            lines.append(row.line())
            at += 1
            continue
        if lines:
            yield lines
        lines = []
        yield found
        at = end
    if lines:
        yield lines


def _labels_below(line: Line, row: _Row) -> bool:
    """Whether the line names the field that stands alone below it."""
    first = row.segments[0]
    return (
        first.is_field
        and first.text not in _CHECKED
        and 0 < line.y - row.y < 2.5 * max(line.size, row.size)
        and line.left < first.right
        and first.left < line.right
        and len(line.text) < 80
    )


def _filled_in(row: _Row, above: Line | None) -> Iterator[list[str]]:
    label = above.text if above else ""
    named: _Segment | None = None
    for number, one in enumerate(row.segments):
        if one is named:
            continue
        if not one.is_field:
            if label:
                yield [label]
            label = one.text
        elif one.text in _CHECKED:
            following = row.segments[number + 1] if number + 1 < len(row.segments) else None
            if label.endswith(":") or following is None or following.is_field:
                yield [label, _CHECKED[one.text]]
                label = ""
            else:
                if label:
                    yield [label]
                named, label = following, ""
                yield [f"{one.text} {following.text}"]
        else:
            yield [label, one.text]
            label = ""
    if label:
        yield [label]


def _end_of_table(rows: Sequence[_Row], first: int) -> int:
    """Behind the last of the rows, from this one on, that stand in the same columns."""
    if len(rows[first].segments) < 2 or rows[first].is_mono:
        return first + 1
    end = last = first + 1
    while end < len(rows):
        row, above = rows[end], rows[end - 1]
        gap = above.y - row.y
        if gap > 3.5 * row.size or row.has_fields or row.is_mono:
            break
        if len(_columns(rows[first : end + 1])) < 2:
            break
        if len(row.segments) >= 2 or _goes_on_in_cell(rows[first : end + 1], gap):
            last = end + 1
        elif gap > 1.7 * row.size or end - last > 2:
            break
        end += 1
    return last


def _goes_on_in_cell(rows: Sequence[_Row], gap: float) -> bool:
    """Whether the last row is one more line of a cell that is not its row's first."""
    columns, last = _columns(rows), rows[-1]
    left = last.segments[0].left
    return gap < 1.35 * last.size and any(abs(left - start) < 3 for start, _ in columns[1:])


def _columns(rows: Sequence[_Row]) -> list[tuple[float, float]]:
    """Where something stands in any of the rows: intervals with gaps between them."""
    spans = sorted((one.left, one.right) for row in rows for one in row.segments)
    found: list[tuple[float, float]] = []
    for left, right in spans:
        if found and left < found[-1][1] + 2:
            found[-1] = found[-1][0], max(found[-1][1], right)
        else:
            found.append((left, right))
    return found


def _table(rows: Sequence[_Row]) -> Table | None:
    columns = _columns(rows)
    if len(columns) < 2 or sum(len(row.segments) > 1 for row in rows) < 2:
        return None
    cells: list[list[str]] = []
    for number, row in enumerate(rows):
        own = [""] * len(columns)
        for one in row.segments:
            middle = (one.left + one.right) / 2
            at = next((n for n, (_, right) in enumerate(columns) if middle <= right), -1)
            own[at] = f"{own[at]} {one.text}".strip()
        goes_on = number and not own[0] and rows[number - 1].y - row.y < 1.6 * row.size
        if goes_on:
            cells[-1] = [
                f"{above} {more}".strip() for above, more in zip(cells[-1], own, strict=True)
            ]
        else:
            cells.append(own)
    if len(columns) == 2 and sum(row[0].endswith(":") for row in cells) * 2 > len(cells):
        return Table(cells, is_form=True)
    is_first_bold = rows[0].is_bold and not rows[-1].is_bold
    return Table(cells, is_first_bold=is_first_bold)
