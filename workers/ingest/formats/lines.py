"""Words of a page as lines, and what lines make: tables, paragraphs."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from workers.ingest.formats.glyphs import Word, runs_left
from workers.ingest.formats.text import note_mark, raised_later

_MARK_ALONE = re.compile(r"[-•●▪◦‣·∙*○■□➢–\uf0b7o]|\(?[0-9a-zA-Z]{1,3}[.)]|\d+(?:\.\d+)+\.?")
_APART = 0.85
"""Two words this many times their height apart belong to different cells or columns."""


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
    lefts: tuple[float, ...] = ()
    """Where its columns begin."""


Region = list[Line] | Table


@dataclass(slots=True)
class Segment:
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
        was_raised = False
        for word in self.words:
            is_raised = word.size < 0.8 * size and word.y - base > 0.15 * size
            if is_raised and not text and word.text.strip("[]()").isdigit():
                text = note_mark(word.text.strip("[]()"))  # at the start of a footnote
            elif is_raised and text:
                text += raised_later(word.text, text)
            else:
                text += ("" if was_raised and word.text[0] in ".,;:!?)" else " ") + word.text
            was_raised = is_raised
        return text.strip()


@dataclass(slots=True)
class SetRow:
    segments: list[Segment]
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


def joined(lines: Sequence[str]) -> str:
    """Lines of a paragraph; a word that is cut at the end of one is whole again."""
    parts = [lines[0]]
    for line in lines[1:]:
        before = parts[-1]
        is_cut = len(before) > 1 and before[-1] == "-" and before[-2].isalpha()
        if is_cut and line[0].isalpha() and not re.match(r"(?:und|oder|bis|and|or|to)\b", line):
            parts[-1] = before[:-1] if line[0].islower() else before
        else:
            parts.append(" ")
        parts.append(line)
    return "".join(parts)


def rows_of(words: Sequence[Word]) -> list[SetRow]:
    groups: list[list[Word]] = []
    for word in sorted((one for one in words if one.text.strip()), key=lambda one: -one.y):
        if groups and _is_level(groups[-1][0], word):
            groups[-1].append(word)
        elif groups and _hangs_over(groups[-1], word):
            groups[-1].insert(0, word)
        else:
            groups.append([word])
    return [row_of(group) for group in groups]


def _is_level(one: Word, other: Word) -> bool:
    return abs(one.y - other.y) <= 0.35 * min(one.size, other.size)


def _hangs_over(above: Sequence[Word], word: Word) -> bool:
    """Whether what stands above are the raised figures of this word's line."""
    return all(one.size < 0.8 * word.size for one in above) and (
        0 < above[0].y - word.y < 0.7 * word.size
    )


def row_of(words: list[Word]) -> SetRow:
    is_leftward = sum(runs_left(one.text) for one in words) * 2 > len(words)
    words.sort(key=lambda one: -one.right if is_leftward else one.left)
    largest = Counter[float]()
    for word in words:
        largest[word.size] += len(word.text)
    size = largest.most_common(1)[0][0]
    segments = [Segment([words[0]])]
    for before, word in pairwise(words):
        gap = word.left - segments[-1].right
        if is_leftward:
            gap = segments[-1].left - word.right
        is_mark = len(segments[-1].words) == 1 and _MARK_ALONE.fullmatch(before.text)
        is_cell = gap > _APART * size and not (is_mark and gap < 5 * size and len(segments) == 1)
        if is_cell or word.is_field or before.is_field:
            segments.append(Segment([word]))
        else:
            segments[-1].words.append(word)
    base = min((word.y for word in words if word.size > 0.8 * size), default=words[0].y)
    return SetRow(segments, base, size, words)
