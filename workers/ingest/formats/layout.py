"""How words stand on a page: lines, columns of text one after the other, tables, forms."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from workers.ingest.formats.forms import filled_in, labels_below
from workers.ingest.formats.glyphs import Word
from workers.ingest.formats.lines import (
    Region,
    Segment,
    SetRow,
    Table,
    joined,
    row_of,
    rows_of,
)
from workers.ingest.formats.ruled import Cell

_FEW = 4
"""Lines on each side that make columns."""


def regions(words: Sequence[Word]) -> list[Region]:
    """The words of a page in reading order."""
    found: list[Region] = []
    rest = list(words)
    for cells in _ruled(words):
        top = max(cell.top for cell in cells)
        inside = {id(word) for in_cell in cells.values() for word in in_cell}
        above = [word for word in rest if word.y > top and id(word) not in inside]
        found += _laid_out(rows_of(above), depth=0)
        found.append(_of_cells(cells))
        gone = inside | {id(word) for word in above}
        rest = [word for word in rest if id(word) not in gone]
    found += _laid_out(rows_of(rest), depth=0)
    return found


# -- tables that are drawn --------------------------------------------------------------------


def _ruled(words: Sequence[Word]) -> Iterator[dict[Cell, list[Word]]]:
    """The words of each table that is drawn with lines, by cell; the uppermost table first."""
    cells: dict[Cell, list[Word]] = {}
    for word in words:
        if word.cell:
            cells.setdefault(word.cell, []).append(word)
    table: dict[Cell, list[Word]] = {}
    for cell in sorted(cells, key=lambda one: -one.top):
        if table and cell.top < min(one.bottom for one in table) - 3:
            if _is_table(table, words):
                yield table
            table = {}
        table[cell] = cells[cell]
    if table and _is_table(table, words):
        yield table


def _is_table(cells: dict[Cell, list[Word]], words: Sequence[Word]) -> bool:
    """Whether there are rows and columns, nothing to fill in, and no text beside them."""
    if len({one.top for one in cells}) < 2 or len({one.left for one in cells}) < 2:
        return False
    top, bottom = max(one.top for one in cells), min(one.bottom for one in cells)
    inside = {id(word) for found in cells.values() for word in found}
    others = [one for one in words if bottom < one.y < top and id(one) not in inside]
    return len(others) <= len(inside) // 20


def _of_cells(cells: dict[Cell, list[Word]]) -> Table:
    tops = sorted({one.top for one in cells}, reverse=True)
    lefts = sorted({one.left for one in cells})
    rows = [[""] * len(lefts) for _ in tops]
    named: list[list[str]] = []
    for cell, words in cells.items():
        lines = rows_of(words)
        text = joined([" ".join(one.text for one in line.segments) for line in lines])
        rows[tops.index(cell.top)][lefts.index(cell.left)] = text
        if len(lines) > 1 and lines[0].size <= 0.85 * lines[1].size:
            name, *value = (" ".join(one.text for one in line.segments) for line in lines)
            named.append([name, joined(value)])
    if len(named) * 2 > len(cells):
        return Table(named, is_form=True)
    first = [word for cell, words in cells.items() if cell.top == tops[0] for word in words]
    last = [word for cell, words in cells.items() if cell.top == tops[-1] for word in words]
    is_first_bold = all(one.is_bold for one in first) and not all(one.is_bold for one in last)
    return Table(rows, is_first_bold=is_first_bold, lefts=tuple(lefts))


# -- columns ----------------------------------------------------------------------------------


def _laid_out(rows: list[SetRow], *, depth: int) -> Iterator[Region]:
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
        yield from _laid_out([row_of(found) for found in words if found], depth=depth + 1)
    yield from _laid_out(rows[last + 1 :], depth=depth + 1)


def _band(rows: Sequence[SetRow]) -> tuple[int, int, float] | None:
    """The longest run of lines that are set in two columns: first, last, where the right begins."""
    starts = Counter(round(one.left / 3) for row in rows for one in row.segments)
    best: tuple[int, int, float] | None = None
    for start, count in starts.most_common(8):
        if count < _FEW:
            break
        for first, last in _with_parts(rows, _uncrossed(rows, start * 3.0)):
            longest = best[1] - best[0] if best else 0
            if last - first > longest and _are_columns(rows[first : last + 1], start * 3.0):
                best = first, last, start * 3.0 - 3
    return best


def _uncrossed(rows: Sequence[SetRow], start: float) -> Iterator[tuple[int, int]]:
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


def _with_parts(
    rows: Sequence[SetRow], runs: Iterator[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Runs of lines, and their parts where wide gaps divide them."""
    for first, last in runs:
        yield first, last
        start = first
        for at in range(first, last + 1):
            if at == last or rows[at].y - rows[at + 1].y > 2.2 * rows[at + 1].size:
                if (start, at) != (first, last) and at - start + 1 >= _FEW:
                    yield start, at
                start = at + 1


def _are_columns(rows: Sequence[SetRow], start: float) -> bool:
    """Whether running text stands on both sides, and not the cells of a table.

    Beside text there may be a column of short lines, such as an address.
    """
    segments = [one for row in rows for one in row.segments]
    sides = (
        [one for one in segments if one.left < start - 3],
        [one for one in segments if one.left >= start - 3],
    )
    running = [_is_running_text(side) or _is_in_columns(side) for side in sides]
    if all(running) or not any(running):
        return all(running)
    text = sides[running.index(True)]
    widest = max(one.right - one.left for one in text)
    full = sum(one.right - one.left > 0.8 * widest for one in text)
    are_filled = all(len(side) >= max(0.8 * len(rows), _FEW) for side in sides)
    return are_filled and full >= 0.75 * len(text) and widest > 25 * rows[0].size


def _is_in_columns(segments: Sequence[Segment]) -> bool:
    """Whether these are two columns of text once more."""
    starts = Counter(round(one.left / 3) for one in segments)
    first = min(starts, default=0)
    for start, count in starts.most_common(4):
        edge = start * 3.0 - 3
        left = [one for one in segments if one.left < edge]
        if count < _FEW or start <= first + 1 or any(one.right > edge for one in left):
            continue
        if _is_running_text(left) and _is_running_text([s for s in segments if s.left >= edge]):
            return True
    return False


def _is_running_text(segments: Sequence[Segment]) -> bool:
    if len(segments) < _FEW:
        return False
    left, right = min(one.left for one in segments), max(one.right for one in segments)
    filled = median((one.right - one.left) / max(right - left, 1) for one in segments)
    words = sum(len(one.words) for one in segments) / len(segments)
    texts = [one.words[0].text for one in segments]
    going_on = sum(text[0].islower() for text in texts) / len(texts)
    return filled >= 0.55 and words >= 2.5 and going_on >= 0.25


# -- tables and lines -------------------------------------------------------------------------


def _tables_and_lines(rows: Sequence[SetRow]) -> Iterator[Region]:
    held: list[SetRow] = []
    at = 0
    while at < len(rows):
        row, end = rows[at], at + 1
        found: Table | None = None
        if row.has_fields:
            above = held.pop() if held and labels_below(held[-1], row) else None
            found = Table(list(filled_in(row, above)), is_form=True)
        elif at == 0 and _is_single_row(rows):
            found = _single_row(row)
        elif (end := _end_of_table(rows, at)) > at + 1:
            over = _over(held, rows[at:end])
            found = _table([*held[len(held) - over :], *rows[at:end]])
            held = held[: len(held) - over] if found else held
        if found is None:
            held.append(row)
            at += 1
            continue
        if held:
            yield [one.line() for one in held]
        held = []
        yield found
        at = end
    if held:
        yield [one.line() for one in held]


def _is_single_row(rows: Sequence[SetRow]) -> bool:
    """Whether the first line may be the last row of a table that began on the page before."""
    first = rows[0]
    is_apart = len(rows) == 1 or first.y - rows[1].y > 1.5 * first.size
    return (
        len(first.segments) > 2 and not first.is_mono and is_apart and _end_of_table(rows, 0) == 1
    )


def _single_row(row: SetRow) -> Table:
    return Table(
        [[one.text for one in row.segments]], lefts=tuple(one.left for one in row.segments)
    )


def _over(held: Sequence[SetRow], rows: Sequence[SetRow]) -> int:
    """How many of the lines above a table are the upper lines of cells of its first row."""
    lefts = [start for start, _ in _columns(rows)][1:]
    count, below = 0, rows[0]
    for row in reversed(held[-2:]):
        is_near = row.y - below.y < 1.35 * row.size and not row.is_mono
        if not is_near or not all(
            any(abs(one.left - x) < 3 for x in lefts) for one in row.segments
        ):
            break
        count, below = count + 1, row
    return count


# -- tables -----------------------------------------------------------------------------------


def _end_of_table(rows: Sequence[SetRow], first: int) -> int:
    """Behind the last of the rows, from this one on, that stand in the same columns."""
    if len(rows[first].segments) < 2 or rows[first].is_mono:
        return first + 1
    end = last = first + 1
    while end < len(rows):
        row, above = rows[end], rows[end - 1]
        gap = above.y - row.y
        if gap > 3.5 * row.size or row.has_fields or row.is_mono:
            break
        if len(_columns(rows[first : end + 1])) < 2 or _begins_another(rows, first, end):
            break
        if len(row.segments) >= 2 or _goes_on_in_cell(rows[first : end + 1], gap):
            last = end + 1
        elif gap > 1.7 * row.size or end - last > 2:
            break
        end += 1
    return last


def _begins_another(rows: Sequence[SetRow], first: int, at: int) -> bool:
    """Whether a line names the columns of another table: set apart from the rows above it, bold
    where they are not, or words between rows with figures."""
    if at - first < 2 or at + 1 >= len(rows) or len(rows[at].segments) < 2:
        return False
    steps = [above.y - below.y for above, below in pairwise(rows[first:at])]
    if rows[at - 1].y - rows[at].y < 1.4 * median(steps):
        return False
    before, own, after = rows[at - 1], rows[at], rows[at + 1]
    is_bold = own.is_bold and not before.is_bold and not after.is_bold
    return is_bold or (_has_figures(before) and _has_figures(after) and not _has_figures(own))


def _has_figures(row: SetRow) -> bool:
    return any(char.isdigit() for one in row.segments for char in one.text)


def _goes_on_in_cell(rows: Sequence[SetRow], gap: float) -> bool:
    """Whether the last row is one more line of a cell that is not its row's first."""
    columns, last = _columns(rows), rows[-1]
    left = last.segments[0].left
    return gap < 2.2 * last.size and any(abs(left - start) < 3 for start, _ in columns[1:])


def _columns(rows: Sequence[SetRow]) -> list[tuple[float, float]]:
    """Where something stands in any of the rows: intervals with gaps between them."""
    spans = sorted((one.left, one.right) for row in rows for one in row.segments)
    found: list[tuple[float, float]] = []
    for left, right in spans:
        if found and left < found[-1][1] + 2:
            found[-1] = found[-1][0], max(found[-1][1], right)
        else:
            found.append((left, right))
    return found


def _table(rows: Sequence[SetRow]) -> Table | None:
    columns = _columns(rows)
    if len(columns) < 2 or sum(len(row.segments) > 1 for row in rows) < 2:
        return None
    lines = [_in_columns(row, columns) for row in rows]
    if named := _named_above(rows, lines):
        return Table(named, is_form=True)
    cells: list[list[str]] = []
    for begins, line in zip(_row_starts(rows, lines), lines, strict=True):
        if begins:
            cells.append(line)
        else:
            pairs = zip(cells[-1], line, strict=True)
            cells[-1] = [joined([*filter(None, pair)] or [""]) for pair in pairs]
    if len(columns) == 2 and sum(row[0].endswith(":") for row in cells) * 2 > len(cells):
        return Table(cells, is_form=True)
    is_first_bold = rows[0].is_bold and not rows[-1].is_bold
    lefts = tuple(left for left, _ in columns)
    return Table(cells, is_first_bold=is_first_bold, lefts=lefts)


def _in_columns(row: SetRow, columns: Sequence[tuple[float, float]]) -> list[str]:
    own = [""] * len(columns)
    for one in row.segments:
        middle = (one.left + one.right) / 2
        at = next((n for n, (_, right) in enumerate(columns) if middle <= right), -1)
        own[at] = f"{own[at]} {one.text}".strip()
    return own


def _named_above(rows: Sequence[SetRow], lines: Sequence[Sequence[str]]) -> list[list[str]]:
    """Of a form whose labels stand in small letters above what is filled in: the pairs."""
    names, values = rows[::2], rows[1::2]
    if len(names) != len(values):
        return []
    if not all(name.size <= 0.85 * value.size for name, value in zip(names, values, strict=True)):
        return []
    pairs = zip(lines[::2], lines[1::2], strict=True)
    return [
        [name, value]
        for above, below in pairs
        for name, value in zip(above, below, strict=True)
        if name or value
    ]


def _row_starts(rows: Sequence[SetRow], lines: Sequence[Sequence[str]]) -> Iterator[bool]:
    """Whether a row of the table begins with each line.

    Where cells have several lines these stand closer together than rows do, whichever of its lines
    the other cells stand beside. Where all lines are alike, one without a first cell goes on.
    """
    gaps = [above.y - row.y for above, row in pairwise(rows)]
    widest = _widest_in_cell(gaps, max(row.size for row in rows))
    if widest and any(not line[0] for line in lines):
        starts = [True, *(gap > widest for gap in gaps)]
        groups = [n for n, is_start in enumerate(starts) if is_start]
        named = sum(any(line[0] for line in lines[a:b]) for a, b in pairwise([*groups, len(lines)]))
        if named == len(groups):
            yield from starts
            return
    yield True
    for (above, row), (before, line) in zip(pairwise(rows), pairwise(lines), strict=True):
        has_figures = any(map(_are_figures, before, line))  # a figure does not go on below itself
        yield bool(line[0]) or has_figures or above.y - row.y >= 1.6 * row.size


def _are_figures(*cells: str) -> bool:
    return all(cell[:1].isdigit() and cell[-1:].isdigit() for cell in cells)


def _widest_in_cell(gaps: Sequence[float], size: float) -> float:
    """The widest gap between two lines of a cell; 0 if gaps within and between rows are alike."""
    ordered = sorted(gaps)
    for lower, higher in pairwise(ordered):
        if lower <= 1.5 * size and higher >= 1.2 * lower and higher >= 1.2 * size:
            return lower
    return 0
