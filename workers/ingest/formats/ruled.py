"""Tables of a PDF's page that are drawn with lines: which cell each word stands in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import pypdfium2
import pypdfium2.raw as pdfium

_THIN = 3.0
"""Points: what is drawn thinner is a line, however it is drawn."""
_NEAR = 2.0
_MOST_PATHS = 4_000
"""Of a page; one with more is a drawing."""


class Cell(NamedTuple):
    top: float
    bottom: float
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Grid:
    """The lines of a page: by where they are, from where to where each runs."""

    across: list[tuple[float, float, float]]
    """y, left, right; from the bottom up."""
    along: list[tuple[float, float, float]]
    """x, bottom, top; from the left on."""

    def cell(self, x: float, y: float) -> Cell | None:
        """The cell around a place; None if it is not closed on all sides."""
        over = next((at for at, a, b in self.across if at > y and a <= x <= b), None)
        under = next((at for at, a, b in reversed(self.across) if at <= y and a <= x <= b), None)
        right = next((at for at, a, b in self.along if at > x and a <= y <= b), None)
        left = next((at for at, a, b in reversed(self.along) if at <= x and a <= y <= b), None)
        if over is None or under is None or left is None or right is None:
            return None
        return Cell(over, under, left, right)


def grid_of(page: pypdfium2.PdfPage) -> Grid | None:
    """The lines that are drawn on a page; None if they can make no table."""
    across: list[tuple[float, float, float]] = []
    along: list[tuple[float, float, float]] = []
    paths = page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=1)
    for count, path in enumerate(paths):
        if count > _MOST_PATHS:
            return None
        left, bottom, right, top = path.get_bounds()
        sides = _sides(left, bottom, right, top, is_box=_is_stroked(path))
        for is_across, *line in sides:
            (across if is_across else along).append((line[0], line[1], line[2]))
    if len(across) < 3 or len(along) < 3:
        return None
    return Grid(_merged(across), _merged(along))


def _is_stroked(path: pypdfium2.PdfObject) -> bool:
    fill, stroke = pdfium.c_int(), pdfium.c_int()
    pdfium.FPDFPath_GetDrawMode(path.raw, fill, stroke)
    return bool(stroke.value)


def _sides(
    left: float, bottom: float, right: float, top: float, *, is_box: bool
) -> Iterator[tuple[bool, float, float, float]]:
    """The lines that a path draws, if it is one line or a box: whether across, where, from, to."""
    wide, high = right - left, top - bottom
    if high <= _THIN < wide:
        yield True, (top + bottom) / 2, left, right
    elif wide <= _THIN < high:
        yield False, (left + right) / 2, bottom, top
    elif is_box and wide > _THIN and high > _THIN:
        yield from ((True, y, left, right) for y in (bottom, top))
        yield from ((False, x, bottom, top) for x in (left, right))


def _merged(lines: Iterable[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Pieces that continue each other as one line."""
    found: list[tuple[float, float, float]] = []
    where = None
    groups: list[list[tuple[float, float, float]]] = []
    for line in sorted(lines):
        if where is None or line[0] - where > _NEAR:
            groups.append([])
            where = line[0]
        groups[-1].append(line)
    for group in groups:
        pieces = sorted((start, end) for _, start, end in group)
        merged = [pieces[0]]
        for (_, _), (start, end) in pairwise(pieces):
            if start <= merged[-1][1] + _NEAR:
                merged[-1] = merged[-1][0], max(merged[-1][1], end)
            else:
                merged.append((start, end))
        found += [(group[0][0], start - 0.5, end + 0.5) for start, end in merged]
    return found
