"""One reader for each format: the bytes of a file in, Markdown out.

Readers run in a child process (`sandbox`) and may raise anything. None fetches what a file names.
"""

import codecs
import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import docx
from lxml import etree  # type: ignore[import-untyped]
from pypdf import PageObject, PasswordType, PdfReader
from pypdf.errors import DependencyError, PyPdfError

from workers.ingest.parse import (
    ENCRYPTED_PDF,
    NO_DOCX,
    UNPACKS_TOO_LARGE,
    DocumentUnreadable,
    Format,
    clean,
)
from workers.ingest.sentence import sentence_ends, without_marks


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader found; `parse_file` cleans it and gives it a title if there is none."""

    pages: tuple[str, ...]
    titles: tuple[str, ...] = ()
    """The best first; some may be empty or nonsense."""
    updated_at: datetime | None = None


@dataclass(slots=True)
class Blocks:
    """Markdown, block by block."""

    _blocks: list[tuple[str, str]] = field(default_factory=list)

    def heading(self, level: int, text: str) -> None:
        self._blocks.append(("heading", "#" * min(max(level, 1), 6) + " " + " ".join(text.split())))

    def paragraph(self, text: str) -> None:
        lines = (" ".join(line.split()) for line in text.split("\n"))
        self._blocks.append(("text", "\n".join(line for line in lines if line)))

    def item(self, depth: int, text: str) -> None:
        self._blocks.append(("item", "  " * min(depth, 5) + "- " + " ".join(text.split())))

    def code(self, text: str) -> None:
        fence = "~~~~" if "```" in text else "```"
        self._blocks.append(("code", fence + "\n" + text.strip("\n") + "\n" + fence))

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """The first row is the header. A single column is no table."""
        rows = [row for row in rows if any(row)]
        if max(map(len, rows), default=0) < 2:
            for row in rows:
                self.paragraph(row[0])
            return
        lines = ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows]
        lines.insert(1, "|" + " --- |" * len(rows[0]))
        self._blocks.append(("table", "\n".join(lines)))

    def text(self) -> str:
        parts: list[str] = []
        before = ""
        for kind, text in self._blocks:
            parts += ["\n" if kind == before == "item" else "\n\n", text]
            before = kind
        return "".join(parts[1:])


# Text, Markdown, tables of text


def decode(content: bytes) -> str:
    """UTF-8, UTF-16 where a mark says so, else Windows-1252; whatever comes, never an error."""
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return clean(content[len(mark) :].decode(encoding, errors="replace"))
    try:
        return clean(content.decode())
    except UnicodeDecodeError:
        return clean(content.decode("cp1252", errors="replace"))


_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def read_text(content: bytes) -> Draft:
    return Draft((decode(content),))


_FRONT_MATTER = re.compile(r"---[ \t]*\n(?P<fields>(?:.*\n)*?)(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_FIELD = re.compile(r"(?m)^(\w+):[ \t]*(.*)$")


def read_markdown(content: bytes) -> Draft:
    text = decode(content)
    fields: dict[str, str] = {}
    if front := _FRONT_MATTER.match(text):
        text = text[front.end() :]
        fields = {
            key.lower(): value.strip(" \t'\"") for key, value in _FIELD.findall(front["fields"])
        }
    updated_at = _time(next((fields[key] for key in _UPDATED if key in fields), ""))
    if fields.get("title"):
        return Draft((text,), (fields["title"],), updated_at)
    title, text = _first_heading(text)
    return Draft((text,), (title,), updated_at)


_UPDATED = ("updated_at", "updated", "last_modified", "lastmod", "modified", "date")


def _first_heading(text: str) -> tuple[str, str]:
    """The first `# ` heading outside code, and the text without it."""
    fence, start = "", 0
    for line in text.splitlines(keepends=True):
        mark = line.lstrip()[:3]
        if mark in ("```", "~~~") and fence in ("", mark):
            fence = "" if fence else mark
        elif line.startswith("# ") and not fence:
            rest = text[:start] + text[start + len(line) :].lstrip("\n")
            title = without_marks(line[2:].strip().rstrip("#"))
            return title, rest if rest.strip() else text
        start += len(line)
    return "", text


def read_table(content: bytes) -> Draft:
    """The header once, then each row as "header: value; header: value.", to be quoted alone."""
    text = decode(content).strip("\n")
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        header = [" ".join(name.split()) for name in next(rows)]
        if len(header) < 2:
            return Draft((text,))
        return Draft(("\n\n".join([", ".join(header), *_rows_as_text(header, rows)]),))
    except csv.Error:  # such as a field of more than 131,072 letters
        return Draft((text,))


def _rows_as_text(header: Sequence[str], rows: Iterator[list[str]]) -> Iterator[str]:
    for row in rows:
        cells = [" ".join(cell.split()) for cell in row]
        names = [*header, *[""] * (len(cells) - len(header))]
        pairs = zip(names, cells, strict=False)
        line = "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)
        if line:
            yield line if line.endswith((".", "!", "?")) else line + "."


# HTML


def read_html(content: bytes) -> Draft:
    """libxml2 mends the tags and tells them one by one: no tree, so no depth is too deep."""
    page = _Page()
    parser = etree.HTMLParser(target=page, encoding="utf-8", no_network=True, huge_tree=False)
    parser.feed(decode(content).encode())
    parser.close()
    return Draft((page.blocks.text(),), (page.title, page.first_heading), page.updated_at)


_DROPPED = _words(
    "script style noscript template nav footer svg math iframe object embed canvas audio video map"
    " button select textarea datalist"
)
_ROLES = _words("navigation banner contentinfo search menu menubar toolbar dialog")
_BLOCKS = _words(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset"
    " figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html legend li main ol p pre"
    " section summary table tbody td tfoot th thead title tr ul"
)
_INVISIBLE = re.compile(r"(?i)display\s*:\s*none|visibility\s*:\s*hidden")
_CHANGED = frozenset(("article:modified_time", "last-modified", "dcterms.modified", "date"))
_ITEMS = ("li", "dd")
_CELLS = ("td", "th")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


class _Page:
    """A target of lxml's parser: every `start` has its `end`, in order."""

    def __init__(self) -> None:
        self.blocks = Blocks()
        self.title = self.first_heading = ""
        self.updated_at: datetime | None = None
        self._inline: list[str] = []
        self._skipped = 0  # open elements from the dropped one on
        self._open: Counter[str] = Counter()
        self._is_item = False
        self._table = _Grid()

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._skipped or self._is_dropped(tag, attributes):
            self._skipped += 1
            return
        if tag in _BLOCKS:
            self._flush()
        self._open[tag] += 1
        if tag == "br":
            self._inline.append("\n")
        elif tag in _ITEMS:
            self._is_item = True
        elif tag == "meta":
            self._note_change(attributes)
        elif self._open["table"] == 1:
            self._table.start(tag, attributes)

    def end(self, tag: str) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        if tag in _BLOCKS:
            self._flush()
        if self._open["table"] == 1:
            self._table.end(tag)
        self._open[tag] -= 1
        if tag in _ITEMS:
            self._is_item = False
        elif tag == "table" and not self._open["table"]:
            self.blocks.table(self._table.rows)
            self._table = _Grid()

    def data(self, text: str) -> None:
        if not self._skipped:
            self._inline.append(text if self._open["pre"] else re.sub(r"\s+", " ", text))

    def close(self) -> None:
        self._flush()

    def _is_dropped(self, tag: str, attributes: Mapping[str, str]) -> bool:
        in_page = self._open["main"] or self._open["article"] or self._open["section"]
        return (
            (tag in _DROPPED and not (tag == "footer" and in_page))
            or (tag == "header" and not in_page)
            or attributes.get("role", "").lower() in _ROLES
            or "hidden" in attributes
            or attributes.get("aria-hidden", "").lower() == "true"
            or bool(_INVISIBLE.search(attributes.get("style", "")))
        )

    def _note_change(self, attributes: Mapping[str, str]) -> None:
        name = attributes.get("property") or attributes.get("name") or ""
        if name.lower() in _CHANGED:
            self.updated_at = self.updated_at or _time(attributes.get("content", ""))

    def _flush(self) -> None:
        text = "".join(self._inline)
        self._inline.clear()
        if not text.strip():
            return
        if self._open["title"]:
            self.title = self.title or text
        elif self._table.cell is not None:
            self._table.cell.append(text)
        elif level := next((level for tag, level in _HEADINGS.items() if self._open[tag]), 0):
            self.first_heading = self.first_heading or (text if level == 1 else "")
            self.blocks.heading(level, text)
        elif self._open["pre"]:
            self.blocks.code(text)
        elif self._is_item:
            self.blocks.item(self._open["ul"] + self._open["ol"] - 1, text)
            self._is_item = False
        else:
            self.blocks.paragraph(text)


class _Grid:
    """Rows of a table. A cell over several rows is repeated, so that each row says it all."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.cell: list[str] | None = None
        self._size = (1, 1)
        self._repeated: dict[int, tuple[int, str]] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "tr" or (tag in _CELLS and not self.rows):
            self.rows.append([])
        if tag in _CELLS:
            self.cell = []
            self._size = _span(attributes.get("rowspan")), _span(attributes.get("colspan"))

    def end(self, tag: str) -> None:
        if tag == "tr":
            self._repeat()
        elif tag in _CELLS and self.cell is not None:
            self._repeat()
            (rows, columns), text = self._size, " ".join(" ".join(self.cell).split())
            row = self.rows[-1]
            if rows > 1:
                self._repeated[len(row)] = rows - 1, text
            row += [text, *[""] * (columns - 1)]
            self.cell = None

    def _repeat(self) -> None:
        row = self.rows[-1]
        while len(row) in self._repeated:
            left, text = self._repeated.pop(len(row))
            if left > 1:
                self._repeated[len(row)] = left - 1, text
            row.append(text)


def _span(value: str | None) -> int:
    return int(value) if value and value.isdecimal() and len(value) < 3 and int(value) else 1


# DOCX


def read_docx(content: bytes) -> Draft:
    """python-docx opens no entity and no link; its own `text` would leave out insertions."""
    _refuse_bomb(content)
    document = docx.Document(io.BytesIO(content))
    story = _Story(document.styles.element)
    story.read(document.element.body)
    package = document.part.package
    if package and any(rel.reltype.endswith("/core-properties") for rel in package.rels.values()):
        found = document.core_properties  # python-docx makes some up where there are none
        titles, updated_at = (found.title, story.title), _aware(found.modified)
    else:
        titles, updated_at = ("", story.title), None
    return Draft((story.blocks.text(),), titles, updated_at)


def _refuse_bomb(content: bytes) -> None:
    """zipfile never unpacks more than a member declares, so the declared sizes can be believed."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise DocumentUnreadable(NO_DOCX)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        if len(archive.infolist()) > 10_000 or unpacked > min(
            200_000_000, 10_000_000 + 100 * len(content)
        ):
            raise DocumentUnreadable(UNPACKS_TOO_LARGE)


_NOT_SHOWN = _words("pPr rPr del moveFrom Fallback rt sdtPr tcPr trPr tblPr")
_BREAKS = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


class _Story:
    """The body of a document as it looks with all tracked changes accepted."""

    def __init__(self, styles: Any) -> None:
        self.blocks = Blocks()
        self.title = ""
        self._styles = {
            _value(style, "styleId"): style for style in styles if _name(style) == "style"
        }

    def read(self, container: Any) -> None:
        for child in container:
            name = _name(child)
            if name == "p":
                self._paragraph(child)
            elif name == "tbl":
                self.blocks.table(list(_rows(child)))
            elif name not in _NOT_SHOWN:
                self.read(child)

    def _paragraph(self, paragraph: Any) -> None:
        boxes: list[Any] = []
        text = "".join(_runs(paragraph, boxes)).strip()
        kind, level = self._kind(paragraph)
        if text and kind == "heading":
            self.title = self.title or (" ".join(text.split()) if level == 1 else "")
            self.blocks.heading(level, text)
        elif text and kind == "item":
            self.blocks.item(level, text)
        elif text and kind != "contents":
            self.blocks.paragraph(text)
        for box in boxes:
            self.read(box)

    def _kind(self, paragraph: Any) -> tuple[str, int]:
        """What a paragraph is, and its level: by its own marks, else those of its style."""
        marks = _child(paragraph, "pPr")
        style = self._styles.get(_value(_child(marks, "pStyle"), "val"))
        for _ in range(10):  # styles may be based on each other in a circle
            if found := _kind_by_name(_value(_child(style, "name"), "val").lower()):
                return found
            outline = _value(_child(marks, "outlineLvl"), "val")
            if outline in list("012345"):
                return "heading", int(outline) + 1
            numbers = _child(marks, "numPr")
            if _value(_child(numbers, "numId"), "val") not in ("", "0"):
                depth = _value(_child(numbers, "ilvl"), "val")
                return "item", _digit(depth)
            if style is None:
                break
            marks = _child(style, "pPr")
            style = self._styles.get(_value(_child(style, "basedOn"), "val"))
        return "text", 0


def _kind_by_name(style: str) -> tuple[str, int] | None:
    """Word keeps the English names of its styles in every language."""
    if style == "title":
        return "heading", 1
    if style.startswith("heading "):
        return "heading", _digit(style[-1])
    if style.startswith("toc "):
        return "contents", 0
    if style.startswith("list ") and style != "list paragraph":
        return "item", max(_digit(style[-1]) - 1, 0)
    return None


def _digit(text: str) -> int:
    return int(text) if len(text) == 1 and text.isdecimal() else 0


def _rows(table: Any) -> Iterator[list[str]]:
    above: list[str] = []
    for row in _children(table, "tr"):
        if _child(_child(row, "trPr"), "del") is not None:
            continue
        cells: list[str] = []
        for cell in _children(row, "tc"):
            properties = _child(cell, "tcPr")
            merged = _child(properties, "vMerge")
            text = " ".join("".join(_runs(cell, [])).split())
            if merged is not None and _value(merged, "val") != "restart":
                text = above[len(cells)] if len(cells) < len(above) else text
            cells += [text, *[""] * (_span(_value(_child(properties, "gridSpan"), "val")) - 1)]
        yield cells
        above = cells


def _runs(element: Any, boxes: list[Any]) -> Iterator[str]:
    """Texts under an element. Text boxes are not part of the line that they hang on."""
    for child in element:
        name = _name(child)
        if name == "t":
            yield child.text or ""
        elif name in _BREAKS:
            yield _BREAKS[name]
        elif name == "txbxContent":
            boxes.append(child)
        elif name not in _NOT_SHOWN and not (name == "r" and _is_hidden(child)):
            yield from _runs(child, boxes)
            if name == "p":
                yield "\n"


def _is_hidden(run: Any) -> bool:
    mark = _child(_child(run, "rPr"), "vanish")
    return mark is not None and _value(mark, "val") not in ("0", "false")


def _children(element: Any, name: str) -> Iterator[Any]:
    """Children of that name, also where a content control or an insertion is around them."""
    for child in element:
        if _name(child) == name:
            yield child
        elif _name(child) in ("sdt", "sdtContent", "customXml", "ins", "moveTo"):
            yield from _children(child, name)


def _name(element: Any) -> str:
    """Without its namespace; empty for comments and references to entities."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _child(element: Any, name: str) -> Any:
    if element is None:
        return None
    return next((child for child in element if _name(child) == name), None)


def _value(element: Any, name: str) -> str:
    if element is None:
        return ""
    return next((v for key, v in element.items() if key.rpartition("}")[2] == name), "")


# PDF

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


def read_pdf(content: bytes) -> Draft:
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
            raise DocumentUnreadable(ENCRYPTED_PDF)
        pages = _without_running_lines([_lines(page) for page in reader.pages])
    except (DependencyError, NotImplementedError):  # ciphers that we do not have
        raise DocumentUnreadable(ENCRYPTED_PDF) from None
    look = _Look(pages)
    texts = [look.text(lines) for lines in pages]
    for number in range(len(texts) - 1):
        texts[number], texts[number + 1] = _with_end_of_sentence(texts[number], texts[number + 1])
    title, updated_at = _pdf_properties(reader)
    return Draft(tuple(texts), (title,), updated_at)


def _pdf_properties(reader: PdfReader) -> tuple[str, datetime | None]:
    try:
        found = reader.metadata
        if found is None:
            return "", None
        return str(found.title or ""), _aware(found.modification_date or found.creation_date)
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

    def text(self, lines: Sequence[_Line]) -> str:
        """Paragraphs of a page, each on one line."""
        blocks = Blocks()
        for paragraph in self._paragraphs(lines):
            text = _joined([line.text for line in paragraph])
            if self._is_heading(paragraph[0]) and len(text) <= 150:
                blocks.heading(self._levels.get(paragraph[0].size, len(self._levels) + 1), text)
            elif dot := _DOT.match(text):
                blocks.item(0, text[dot.end() :])
            else:
                blocks.paragraph(text)
        return blocks.text()

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


def _with_end_of_sentence(page: str, following: str) -> tuple[str, str]:
    """A sentence that runs over to the next page, put whole on the page where it begins."""
    last = page.rpartition("\n")[2]
    if (
        not last
        or last.startswith("#")
        or _SENTENCE_END.search(last)
        or not following[:1].islower()
    ):
        return page, following
    paragraph, _, rest = following.partition("\n")
    end = next(sentence_ends(paragraph))
    left = "\n".join((paragraph[end:], rest)).lstrip("\n") if rest else paragraph[end:]
    return page[: -len(last)] + _joined([last, paragraph[:end].strip()]), left


def _time(text: str) -> datetime | None:
    try:
        return _aware(datetime.fromisoformat(text.strip()))
    except ValueError:
        return None


def _aware(time: datetime | None) -> datetime | None:
    """In UTC, which it is taken to be where it does not say."""
    if time is None:
        return None
    try:
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:  # year 1, west of Greenwich
        return None


READERS: Mapping[Format, Callable[[bytes], Draft]] = {
    Format.MARKDOWN: read_markdown,
    Format.HTML: read_html,
    Format.TEXT: read_text,
    Format.TABLE: read_table,
    Format.PDF: read_pdf,
    Format.DOCX: read_docx,
}
