"""PDF: lines of letters at places, put together to paragraphs again."""

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from pypdf import PageObject, PasswordType, PdfReader
from pypdf.errors import DependencyError, PyPdfError

from workers.ingest.formats.document import (
    ENCRYPTED_PDF,
    About,
    Block,
    DocumentUnreadable,
    Item,
    Paragraph,
    clean,
    in_utc,
)
from workers.ingest.formats.text import heading
from workers.models.sentences import sentence_ends

_DOT = re.compile(r"[-•●▪◦‣·∙*○■□➢]\s+(?=\S)")
_MARK = re.compile(r"(?:–|\(?[a-z0-9]{1,2}[.)]|\d+(?:\.\d+)+)\s+\S")
"""May begin an item, and may as well stand in a sentence: "until the / 15. of March"."""
_SENTENCE_END = re.compile(r"[.!?:…][\"'”’)\]]*\Z")
_LIGATURES = str.maketrans(
    dict(zip("ﬀﬁﬂﬃﬄﬅﬆ", ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True))
)


@dataclass(slots=True)
class _Line:
    text: str
    size: float
    is_bold: bool
    y: float


def read_pdf(content: bytes, about: About) -> Iterator[Block]:
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
            raise DocumentUnreadable(ENCRYPTED_PDF)
        pages = _without_running_lines([_lines(page) for page in reader.pages])
    except (DependencyError, NotImplementedError):  # ciphers that we do not have
        raise DocumentUnreadable(ENCRYPTED_PDF) from None
    about.pages = len(pages)
    title, about.updated_at = _pdf_properties(reader)
    about.titles.append(title)
    look = _Look(pages)
    before: list[Block] = []
    for number, lines in enumerate(pages, start=1):
        found = list(look.blocks(lines, number))
        before, found = _with_end_of_sentence(before, found)
        yield from before
        before = found
    yield from before


def _pdf_properties(reader: PdfReader) -> tuple[str, datetime | None]:
    try:
        found = reader.metadata
        if found is None:
            return "", None
        return str(found.title or ""), in_utc(found.modification_date or found.creation_date)
    except (PyPdfError, ValueError, TypeError, AttributeError):  # no reason to lose the text
        return "", None


def _lines(page: PageObject) -> list[_Line]:
    lines = [_Line("", 0, False, 0)]

    def note(text: str, cm: Sequence[float], tm: Sequence[float], font: Any, size: float) -> None:
        for number, part in enumerate(text.split("\n")):
            if number:
                lines.append(_Line("", 0, False, 0))
            if part.strip() and not lines[-1].text.strip():
                height = abs(size * (tm[3] or tm[1]) * (cm[3] or cm[1]))
                is_bold = bool(font) and "bold" in str(font.get("/BaseFont", "")).lower()
                y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
                lines[-1] = _Line("", round(height, 1), is_bold, y)
            lines[-1].text += part

    page.extract_text(visitor_text=note)
    for line in lines:
        text = re.sub("\xad\\s*\\Z", "-", line.text).translate(_LIGATURES)
        line.text = " ".join(clean(text).split())
    return [line for line in lines if line.text]


def _without_running_lines(pages: list[list[_Line]]) -> list[list[_Line]]:
    """Pages without page numbers, and without what at least half of them begin or end with."""
    edges = [{_without_digits(line) for line in (*lines[:3], *lines[-3:])} for lines in pages]
    counts = Counter(text for found in edges for text in found)
    running = {text for text, count in counts.items() if count >= max(2, len(pages) / 2)}
    kept = []
    for number, lines in enumerate(pages, 1):
        last = len(lines) - 1
        kept.append(
            [
                line
                for at, line in enumerate(lines)
                if not (min(at, last - at) < 3 and _without_digits(line) in running)
                and not (at in (0, last) and _is_page_number(line.text, number))
            ]
        )
    return kept if any(kept) else pages  # one form, filled in again and again


def _is_page_number(line: str, number: int) -> bool:
    """Such as "12", "- iv -" or "Handbook, page 12 of 30"."""
    line = line.strip("-–—| ")
    return bool(
        re.fullmatch(r"\d{1,4}|[ivxlc]{1,6}", line)
        or re.fullmatch(
            rf"(?i).{{0,60}}\b(?:page|seite|p\.|s\.)\s*{number}(?:\s*(?:of|von|/)\s*\d+)?", line
        )
    )


def _without_digits(line: _Line) -> str:
    return re.sub(r"\d+", "0", line.text)


class _Look:
    """How a document is set: what is larger or bolder than most of it is a heading."""

    def __init__(self, pages: Sequence[Sequence[_Line]]) -> None:
        lines = [line for page in pages for line in page]
        letters: Counter[float] = Counter()
        bold = 0
        for line in lines:
            letters[line.size] += len(line.text)
            bold += len(line.text) * line.is_bold
        self._body = max(letters, key=letters.__getitem__, default=0)
        self._bold_stands_out = 4 * bold < letters.total()
        sizes = sorted({line.size for line in lines if self._is_large(line)}, reverse=True)
        self._levels = {size: level for level, size in enumerate(sizes[:4], 1)}

    def blocks(self, lines: Sequence[_Line], page: int) -> Iterator[Block]:
        for paragraph in self._paragraphs(lines):
            text = _joined([line.text for line in paragraph])
            if self._is_heading(paragraph[0]):
                level = self._levels.get(paragraph[0].size, len(self._levels) + 1)
                yield heading(text, level, page=page)
            elif dot := _DOT.match(text):
                yield Item(text[dot.end() :], page=page)
            else:
                yield Paragraph(text, page=page)

    def _paragraphs(self, lines: Sequence[_Line]) -> Iterator[list[_Line]]:
        steps = sorted(
            above.y - line.y
            for above, line in pairwise(lines)
            if above.size == line.size and above.y > line.y
        )
        step = steps[len(steps) // 4] if steps else 0
        width = max((len(line.text) for line in lines), default=0)
        paragraph: list[_Line] = []
        for line in lines:
            if paragraph and self._begins(line, paragraph, step, width):
                yield paragraph
                paragraph = []
            paragraph.append(line)
        if paragraph:
            yield paragraph

    def _begins(self, line: _Line, paragraph: Sequence[_Line], step: float, width: int) -> bool:
        """Whether the line is not the next one of the paragraph."""
        above, text = paragraph[-1], paragraph[-1].text
        if self._is_heading(line) != self._is_heading(above) or _DOT.match(line.text):
            return True
        is_finished = text.endswith(";") or bool(_SENTENCE_END.search(text))
        if _MARK.match(line.text) and (is_finished or _MARK.match(paragraph[0].text)):
            return True
        gap = above.y - line.y
        if gap < 0:  # the next column, or something beside the text
            return is_finished or (len(text) < 0.6 * width and not line.text[0].islower())
        return gap > 1.2 * step + 0.5 or (is_finished and len(text) < 0.7 * width)

    def _is_large(self, line: _Line) -> bool:
        return line.size >= 1.15 * self._body and any(map(str.isalpha, line.text))

    def _is_heading(self, line: _Line) -> bool:
        stands_out = line.is_bold and self._bold_stands_out and not _SENTENCE_END.search(line.text)
        return self._is_large(line) or (stands_out and line.size >= self._body)


def _joined(lines: Sequence[str]) -> str:
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


def _with_end_of_sentence(
    page: list[Block], following: list[Block]
) -> tuple[list[Block], list[Block]]:
    """A sentence that runs over to the next page, put whole on the page where it begins."""
    if not page or not following:
        return page, following
    last, first = page[-1], following[0]
    if (
        not isinstance(last, Paragraph | Item)
        or not isinstance(first, Paragraph)
        or _SENTENCE_END.search(last.text)
        or not first.text[:1].islower()
    ):
        return page, following
    end = next(sentence_ends(first.text))
    whole = replace(last, text=_joined([last.text, first.text[:end].strip()]))
    rest = [replace(first, text=first.text[end:])] if first.text[end:].strip() else []
    return [*page[:-1], whole], [*rest, *following[1:]]
