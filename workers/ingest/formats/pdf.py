"""PDF: words at places, put together again to lines, columns, tables, lists and paragraphs."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import islice, pairwise, takewhile

import pypdfium2

from workers.ingest.formats.document import (
    ENCRYPTED_PDF,
    NO_TEXT,
    About,
    Block,
    Code,
    DocumentUnreadable,
    Format,
    Item,
    Paragraph,
    Question,
    Row,
    in_utc,
    not_read,
    one_line,
    squeezed,
)
from workers.ingest.formats.glyphs import Word, words_of
from workers.ingest.formats.layout import regions
from workers.ingest.formats.lines import Line, Region, Table, joined
from workers.ingest.formats.text import CHECKED, heading, is_title, noted, questions, table_of
from workers.models.sentences import sentence_ends

_DOT = re.compile(
    r"(?P<mark>[-•●▪◦‣·∙*+○■□➢➤►▶→✓✔☐☑☒◆❖–—\uf0b7\uf0a7\uf0d8\uf0fco])(?P<gap>\s+)(?=\S)"
)
_MARK = re.compile(
    r"(?P<mark>\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]|\d{1,2}(?:\.\d{1,2}){1,3}\.?)\s+(?=\S)"
)
"""May begin an item, and may as well stand in a sentence: "until the / 15. of March"."""
_SECTION = re.compile(r"(?:\d{1,2}(?:\.\d{1,2}){0,3}\.?|[A-Z]\.|§ ?\d+)\s+\S")
_SENTENCE_END = re.compile(r"[.!?:…][\"'”’)\]]*\Z")
_LEADERS = re.compile(r"(?:\s?[.·…]){5}\s{0,9}(?:\d{1,4}|[ivxlc]{1,6})\Z")
_FILL = re.compile(r"(?:\s?[.·_]){5,}")
_LABELLED = re.compile(r"[^\W\d_][^:.;!?]{1,40}:\s+\S")
"""A line of a form, such as "Cost centre: 4711"."""
_PAGES_HELD = 60
"""Of a document with more pages a sample is read first, to know its look."""
_EDGE = 5
"""Lines at the top and at the bottom of a page that may be on each page."""
_FEW_LETTERS = 60
"""On a page that is a picture: a stamp, or the name of the scanner."""
_MOST_PICTURES = 500
_MOST_FAULTS = 30
"""Pages in a row that cannot be read: then none of the others can."""


def read_pdf(content: bytes, about: About) -> Iterator[Block]:
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower() or "security" in str(error).lower():
            raise DocumentUnreadable(ENCRYPTED_PDF) from None
        raise
    if document.get_formtype() in (1, 2, 3):
        document.init_forms()
    about.pages = len(document)
    title, about.updated_at = _properties(document)
    about.titles.append(title)
    is_empty = True
    for block in _Pages(document, about).blocks():
        is_empty = False
        yield block
    if is_empty and _has_pictures(document):
        raise DocumentUnreadable(NO_TEXT)


def _has_pictures(document: pypdfium2.PdfDocument) -> bool:
    kinds = [pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]
    pages = (document[number] for number in range(min(len(document), 3)))
    return any(True for page in pages for _ in page.get_objects(filter=kinds))


def _properties(document: pypdfium2.PdfDocument) -> tuple[str, datetime | None]:
    found = document.get_metadata_dict(skip_empty=True)
    return found.get("Title", ""), _time(found.get("ModDate") or found.get("CreationDate") or "")


_TIME = re.compile(r"(?:D:)?(\d{4})(\d\d)(\d\d)(\d\d)?(\d\d)?(\d\d)?(?:(Z)|([+-])(\d\d)'?(\d\d)?)?")


def _time(text: str) -> datetime | None:
    found = _TIME.match(text)
    if not found:
        return None
    numbers = [int(part or 0) for part in found.groups()[:6]]
    offset = timedelta(hours=int(found[9] or 0), minutes=int(found[10] or 0))
    try:
        zone = timezone(-offset if found[8] == "-" else offset)
        return in_utc(datetime(*numbers, tzinfo=zone))  # type: ignore[arg-type, misc]
    except ValueError:
        return None


class _Pages:
    """Pages one after the other; what they have in common is known from a sample of them."""

    def __init__(self, document: pypdfium2.PdfDocument, about: About) -> None:
        self._document = document
        self._about = about
        self._held: dict[int, list[Word]] = {}
        self._faults = self._faults_in_a_row = self._scans = 0

    def blocks(self) -> Iterator[Block]:
        count = len(self._document)
        sample = {number: self._words(number) for number in _sample(count)}
        self._held = sample if count <= _PAGES_HELD else {}
        look = _Look(sample.values())
        running = _Running(sample, count)
        before: list[Block] = []
        for number in range(1, count + 1):
            words = self._held.pop(number, None)
            words = self._words(number) if words is None else words
            if self._faults_in_a_row > _MOST_FAULTS:
                break
            page = regions(running.without(words, number))
            found = list(noted(list(look.blocks(page, number)), {}))
            if sum(len(block.text) for block in found) < _FEW_LETTERS:
                self._scans += self._is_picture(number)
            before, found = _with_end_of_sentence(before, found)
            yield from before
            before = found
        yield from before
        missing = ((self._faults, f"damaged {Format.PDF}"), (self._scans, NO_TEXT))
        self._about.missing = "; ".join(
            not_read(f"{many} page was" if many == 1 else f"{many} pages were", why)
            for many, why in missing
            if many
        )
        if self._faults and (self._faults == count or self._faults_in_a_row > _MOST_FAULTS):
            raise ValueError("no page can be read")

    def _is_picture(self, number: int) -> bool:
        """Whether a picture takes most of the page: what it shows is not read."""
        try:
            page = self._document[number - 1]
            wide, high = page.get_size()
            pictures = page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE], max_depth=3)
            bounds = [one.get_bounds() for one in islice(pictures, _MOST_PICTURES)]
        except pypdfium2.PdfiumError:
            return False
        areas = ((right - left) * (top - bottom) for left, bottom, right, top in bounds)
        return bool(sum(areas) > wide * high / 2)

    def _words(self, number: int) -> list[Word]:
        try:
            page = self._document[number - 1]
        except pypdfium2.PdfiumError:
            self._faults += 1
            self._faults_in_a_row += 1
            return []
        self._faults_in_a_row = 0
        try:
            return words_of(page, self._document.formenv)
        finally:
            page.close()


def _sample(count: int) -> list[int]:
    if count <= _PAGES_HELD:
        return list(range(1, count + 1))
    starts = {1, 4, 7, *(1 + count * part // 15 for part in range(1, 15))}
    return sorted({n for start in starts for n in range(start, start + 3) if n <= count})


# -- what stands on each page ---------------------------------------------------------------------


class _Running:
    """Letterheads, page numbers: lines at the edge that come again at the same place.

    The first one of each stays, and so does any whose figures are not the page's own.
    """

    def __init__(self, sample: dict[int, list[Word]], count: int) -> None:
        self._count = count
        self._shown: set[str] = set()
        seen: dict[tuple[str, int], list[tuple[int, list[int]]]] = {}
        for number, words in sample.items():
            found = {}
            for line in (line for edge in _edges(words) for line in edge):
                text = _line_text(line)
                key = re.sub(r"\d+", "0", text), round(line[0].y / 4)
                found[key] = number, [int(n[:9]) for n in _digits(text)]
            for key, place in found.items():
                seen.setdefault(key, []).append(place)
        needed = 2 if len(sample) <= 4 else 3
        self._running = {
            key
            for key, places in seen.items()
            if len(places) >= needed and _only_counts(places) and not _says_so_much(key[0], places)
        }

    def _is_running(self, line: Sequence[Word]) -> bool:
        skeleton, at = re.sub(r"\d+", "0", _line_text(line)), round(line[0].y / 4)
        return any((skeleton, at + near) in self._running for near in (-1, 0, 1))

    def without(self, words: list[Word], number: int) -> list[Word]:
        gone: set[int] = set()
        for edge in _edges(words):
            taken = list(takewhile(self._is_running, edge))
            while taken and not _is_set_off(edge, len(taken)):
                taken.pop()
            for line in edge:
                text = _line_text(line)
                skeleton = re.sub(r"\d+", "0", text)
                is_again = line in taken and skeleton in self._shown
                if is_again:
                    gone.update(map(id, line))
                elif _is_page_number(text, number) and _stands_alone(line, words):
                    is_shown = skeleton in self._shown
                    gone.update(map(id, line if is_shown else _of_page_number(line, number)))
                elif line not in taken:
                    break
                self._shown.add(skeleton)
        kept = [word for word in words if id(word) not in gone]
        return kept or (words if self._count == 1 else kept)


def _is_set_off(edge: Sequence[list[Word]], count: int) -> bool:
    """Whether there is space between the first lines of the edge and the text."""
    if count >= len(edge):
        return len(edge) < _EDGE
    last, following = edge[count - 1][0], edge[count][0]
    return abs(last.y - following.y) > 1.5 * max(last.size, following.size)


def _digits(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def _only_counts(places: Sequence[tuple[int, list[int]]]) -> bool:
    """Whether each figure is the same on all pages, or counts them."""
    for figures in zip(*(numbers for _, numbers in places), strict=False):
        steps = {figure - page for figure, (page, _) in zip(figures, places, strict=True)}
        if len({*figures}) > 1 and not (len(steps) == 1 and abs(next(iter(steps))) <= _MOST_OFFSET):
            return False
    return True


def _says_so_much(text: str, places: Sequence[tuple[int, list[int]]]) -> bool:
    """Whether it is a sentence, and one that says another figure on each page."""
    differs = len({tuple(figures) for _, figures in places}) > 1
    return differs and text.endswith((".", "!", "?")) and len(text.split()) > 4


_MOST_OFFSET = 40
"""Pages before the one that is numbered 1."""


def _edges(words: Sequence[Word]) -> tuple[list[list[Word]], list[list[Word]]]:
    """The first lines of a page, and its last ones from the last on."""
    lines: list[list[Word]] = []
    for word in sorted((one for one in words if not one.is_field), key=lambda one: -one.y):
        if lines and abs(lines[-1][0].y - word.y) <= 0.3 * word.size:
            lines[-1].append(word)
        else:
            lines.append([word])
    return lines[:_EDGE], lines[::-1][:_EDGE]


def _stands_alone(line: Sequence[Word], words: Sequence[Word]) -> bool:
    """Whether nothing is as near as a figure of this height is to its line."""
    own = set(map(id, line))
    near = (one for one in words if abs(one.y - line[0].y) < 0.8 * max(one.size, line[0].size))
    return all(id(one) in own for one in near)


def _line_text(line: Sequence[Word]) -> str:
    return " ".join(word.text for word in sorted(line, key=lambda one: one.left))


def _of_page_number(line: Sequence[Word], number: int) -> Sequence[Word]:
    """Of a line with a page number the words that are it: "Handbook, page 12 of 30"."""
    words = sorted(line, key=lambda one: one.left)
    for at in range(len(words)):
        text = " ".join(word.text for word in words[at:]).strip("-–—|·• ")
        if re.fullmatch(rf"(?i)(?:{_PAGE})?\s*{number}{_OF_PAGES}", text):
            return words[at:]
    return words


_PAGE = r"page|seite|p\.|s\.|página|pagina|strana|strona|sida|side|blz\.|pág\.|стр\.|страница"
_OF_PAGES = r"(?:\s*(?:of|von|de|di|sur|van|av|af|z|ze|из|/)\s*\d+)?"


def _is_page_number(line: str, number: int) -> bool:
    """Such as "12", "- iv -" or "Handbook, page 12 of 30"."""
    line = line.strip("-–—| ")
    if line.isdigit():
        return abs(int(line[:9]) - number) <= _MOST_OFFSET and len(line) < 5
    return bool(
        re.fullmatch(r"[ivxlc]{1,6}", line)
        or re.fullmatch(
            rf"(?i)(?:.{{0,60}}\W)?(?:{_PAGE})\s*{number}{_OF_PAGES}",
            line,
        )
        or re.fullmatch(rf"{number}\s*(?:/|of|von|de|di)\s*\d{{1,4}}", line)
    )


# -- paragraphs -----------------------------------------------------------------------------------


class _Look:
    """How a document is set: what is larger or bolder than most of it is a heading."""

    def __init__(self, pages: Collection[Sequence[Word]]) -> None:
        letters: Counter[float] = Counter()
        bold = 0
        text = [word for page in pages for word in page if not word.is_field]
        for word in [word for word in text if not word.is_mono] or text:
            letters[word.size] += len(word.text)
            bold += len(word.text) * word.is_bold
        found = [one for page in pages for one in regions(page) if isinstance(one, list)]
        lines = [line for one in found for line in one]
        self._body = max(letters, key=letters.__getitem__, default=0)
        self._bold_stands_out = 4 * bold < letters.total()
        large = {line.size for line in lines if self._is_large(line) and is_title(line.text)}
        sizes = sorted(large, reverse=True)
        self._levels = {size: level for level, size in enumerate(sizes[:4], 1)}
        self._deepest = min(len(self._levels), 4) + 1
        self._open_table: tuple[Table, tuple[str, ...]] | None = None
        """At the end of the page before, with the names of its columns."""

    def blocks(self, page: Sequence[Region], number: int) -> Iterator[Block]:
        before, self._open_table = self._open_table, None
        held: list[Block] = []
        is_text = False
        for at, region in enumerate(page):
            if isinstance(region, Table):
                goes_on = before if _are_few_lines(page[:at]) else None
                found = list(_rows(region, number, goes_on))
                held, found = _captioned(held, found)
                if found and isinstance(found[-1], Row) and _are_few_lines(page[at + 1 :]):
                    self._open_table = region, found[-1].columns
            else:
                found = list(self._paragraphs_of(region, number))
                if is_text:
                    held, found = _with_end_of_sentence(held, found, whole=True)
            is_text = not isinstance(region, Table)
            yield from held
            held = found
        yield from held

    def _paragraphs_of(self, lines: Sequence[Line], page: int) -> Iterator[Block]:
        indents: list[float] = []
        for paragraph in self._paragraphs(lines):
            text = joined([line.text for line in paragraph])
            if _LEADERS.search(text):
                continue  # a table of contents
            text = _FILL.sub(" ", text).strip()
            if paragraph[0].is_mono and not self._is_heading(paragraph[0]):
                yield Code("\n".join(_indented(paragraph)), page=page)
            elif self._is_heading(paragraph[0]) and (found := self._named(paragraph, text, page)):
                yield found
            elif (dot := _DOT.match(text)) or (self._is_item(text) and (dot := _MARK.match(text))):
                mark = dot["mark"] if dot["mark"][-1] in ".)" or dot["mark"][0].isdigit() else "-"
                left = paragraph[0].left
                indents = [*(one for one in indents if one < left - 6), left]
                kept = text if dot["mark"] in CHECKED else text[dot.end() :]
                yield Item(kept, min(len(indents) - 1, 4), mark, page=page)
                continue
            else:
                yield from questions(text, page=page)
            indents = []

    def _named(self, paragraph: Sequence[Line], text: str, page: int) -> Block | None:
        if one_line(text).endswith("?"):
            return Question(text, page=page)
        if text.endswith(".") and len(text.split()) > 4 and not _SECTION.match(text):
            return None  # a sentence, however large it is set
        level = self._levels.get(paragraph[0].size, self._deepest)
        return heading(text, level, page=page)

    def _is_item(self, text: str) -> bool:
        return bool(_MARK.match(text))

    def _paragraphs(self, lines: Sequence[Line]) -> Iterator[list[Line]]:
        steps = sorted(
            above.y - line.y
            for above, line in pairwise(lines)
            if abs(above.size - line.size) < 1 and above.y > line.y
        )
        step = min(steps[len(steps) // 4], 1.7 * lines[0].size) if steps else 0
        right = max((line.right for line in lines), default=0)
        paragraph: list[Line] = []
        for line in lines:
            if paragraph and self._begins(line, paragraph, step, right):
                yield paragraph
                paragraph = []
            paragraph.append(line)
        if paragraph:
            yield paragraph

    def _begins(self, line: Line, paragraph: Sequence[Line], step: float, right: float) -> bool:
        """Whether the line is not the next one of the paragraph."""
        above, text = paragraph[-1], paragraph[-1].text
        gap = above.y - line.y
        if self._is_heading(line) != self._is_heading(above) or line.is_mono != above.is_mono:
            return True
        if line.is_mono:
            return gap > 2.6 * step
        if self._is_heading(line) and line.size != above.size:
            return True
        if _DOT.match(line.text) and not (line.text[0] in "-–—o*+→" and not _can_end(text)):
            return True
        return self._ends(line, paragraph, gap, step, right)

    def _ends(
        self, line: Line, paragraph: Sequence[Line], gap: float, step: float, right: float
    ) -> bool:
        above, text = paragraph[-1], paragraph[-1].text
        is_finished = text.endswith(";") or bool(_SENTENCE_END.search(text))
        if line.text.startswith("\x02"):  # the mark of a footnote
            return True
        if _LABELLED.match(line.text) and _LABELLED.match(text):
            return True
        if _MARK.match(line.text) and (is_finished or _MARK.match(paragraph[0].text)):
            return True
        if self._is_heading(line):
            return gap > 1.6 * line.size
        if gap < 0:  # the next column, or something beside the text
            return is_finished or not line.text[0].islower()
        first_indented = line.left > above.left + line.size and is_finished
        width = right - min(one.left for one in paragraph)
        is_short = above.right < right - 0.3 * width
        return gap > max(1.25 * step, 1.2 * line.size) + 0.5 or (
            is_finished and (is_short or first_indented)
        )

    def _is_large(self, line: Line) -> bool:
        return line.size >= 1.15 * self._body and any(map(str.isalpha, line.text))

    def _is_heading(self, line: Line) -> bool:
        stands_out = line.is_bold and self._bold_stands_out and not _SENTENCE_END.search(line.text)
        return not line.is_mono and (
            self._is_large(line) or (stands_out and line.size >= 0.95 * self._body)
        )


def _can_end(text: str) -> bool:
    return text.endswith((":", ";", ",")) or bool(_SENTENCE_END.search(text)) or len(text) < 60


def _indented(lines: Sequence[Line]) -> Iterator[str]:
    """Lines of code, with the spaces before them."""
    margin = min(line.left for line in lines)
    for line in lines:
        width = max((line.right - line.left) / max(len(line.text), 1), 1)
        yield " " * min(round((line.left - margin) / width), 40) + line.text


_TABLE_CAPTION = re.compile(r"(?:Table|Tab\.|Tabelle|Tableau|Tabla|Tabella|Tabela)\s\d{1,3}\W")


def _captioned(before: list[Block], rows: list[Block]) -> tuple[list[Block], list[Block]]:
    """A table with the line above it that says that it is its caption."""
    last = before[-1] if before else None
    if not isinstance(last, Paragraph) or not _TABLE_CAPTION.match(last.text):
        return before, rows
    if len(last.text) > 150 or not any(isinstance(row, Row) for row in rows):
        return before, rows
    return before[:-1], [
        replace(row, caption=last.text) if isinstance(row, Row) else row for row in rows
    ]


def _are_few_lines(page: Sequence[Region]) -> bool:
    """Whether no more than a heading line or a footer is there."""
    return sum(9 if isinstance(one, Table) else len(one) for one in page) <= 2


def _rows(
    found: Table, page: int, before: tuple[Table, tuple[str, ...]] | None = None
) -> Iterator[Block]:
    """The rows of a table; one that goes on from the page before has the names that stand there."""
    rows = [[_FILL.sub(" ", squeezed(cell)).strip() for cell in row] for row in found.rows]
    if (
        before
        and before[1]
        and not found.is_first_bold
        and (tuple(rows[0]) == before[1] or not _names_others(rows))
        and _are_level(found.lefts, before[0].lefts)
    ):
        names = before[1]
        for row in rows[tuple(rows[0]) == names :]:
            yield Row(tuple(row), names, page=page)
        return
    if len(rows) == 1 and not found.is_form:
        yield Paragraph(" ".join(rows[0]), page=page)
        return
    if marks := _counted(rows):
        yield from (Item(row[1], 0, mark, page) for row, mark in zip(rows, marks, strict=True))
        return
    if found.is_form:
        for row in rows:
            filled = [cell for cell in row if cell]
            if len(filled) == 2:
                yield Row((filled[0].rstrip(":").rstrip(), filled[1]), page=page)
            else:
                yield Paragraph(" ".join(filled), page=page)
        return
    yield from table_of(rows, page=page, bold_first=found.is_first_bold)


def _names_others(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row has words alone, where the others have figures."""
    has_figures = [any(cell[:1].isdigit() for cell in row) for row in rows]
    return len(rows) > 1 and not has_figures[0] and all(has_figures[1:])


def _are_level(lefts: Sequence[float], others: Sequence[float]) -> bool:
    return (
        bool(lefts)
        and len(lefts) == len(others)
        and all(abs(one - other) < 6 for one, other in zip(lefts, others, strict=True))
    )


def _counted(rows: Sequence[Sequence[str]]) -> list[str]:
    """The numbers of a list that has them apart from its items, without a full stop."""
    firsts = [row[0] for row in rows]
    if any(len(row) != 2 or not row[1] for row in rows) or len(rows) < 2:
        return []
    counted = ("", *map(str, range(1, 99))), ("", *"abcdefghijklmnopqrstuvwxyz")
    steps = {step for one in counted for step in pairwise(one)}
    is_counted = all(
        pair in steps or ("", pair[1]) in steps for pair in pairwise(["", *firsts])
    ) and any(pair in steps for pair in pairwise(firsts))
    return [f"{one}." for one in firsts] if is_counted else []


def _with_end_of_sentence(
    page: list[Block], following: list[Block], *, whole: bool = False
) -> tuple[list[Block], list[Block]]:
    """A sentence that runs over to the next page, put where it begins; of a column all of it."""
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
    end = len(first.text) if whole else next(sentence_ends(first.text))
    ended = replace(last, text=joined([last.text, first.text[:end].strip()]))
    rest = [replace(first, text=first.text[end:])] if first.text[end:].strip() else []
    return [*page[:-1], ended], [*rest, *following[1:]]
