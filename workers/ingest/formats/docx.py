"""Word documents."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import docx
from docx.oxml import parse_xml

from workers.ingest.formats.archive import opened
from workers.ingest.formats.document import (
    NO_DOCX,
    About,
    Block,
    Caption,
    Code,
    DocumentUnreadable,
    Heading,
    Item,
    Paragraph,
    Question,
    Quotation,
    columns,
    in_utc,
    is_said,
    table,
)
from workers.ingest.formats.numerals import numeral
from workers.ingest.formats.running import lays_out, said_once, tabbed
from workers.ingest.formats.symbols import BEFORE_PART, symbol
from workers.ingest.formats.text import (
    bold,
    cell_text,
    has_notes,
    heading,
    note_mark,
    noted,
    questions,
    raised,
    table_of,
    typed_items,
)

_OF_A_TEMPLATE = datetime(2013, 12, 23, 23, 15, tzinfo=UTC)
"""Of python-docx: programs that write with it often leave it as it is."""


def read_docx(content: bytes, about: About) -> Iterator[Block]:
    """A Word document as it looks with all tracked changes accepted.

    python-docx opens no entity and no link; its own `text` would leave out insertions.
    """
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise DocumentUnreadable(NO_DOCX)
    opened(content).close()  # python-docx has no limits of its own
    document = docx.Document(io.BytesIO(content))
    package = document.part.package
    if package and any(rel.reltype.endswith("/core-properties") for rel in package.rels.values()):
        found = document.core_properties  # python-docx makes some up where there are none
        about.titles.append(found.title)
        modified = in_utc(found.modified)
        about.updated_at = None if modified == _OF_A_TEMPLATE else modified
    parts = _parts(document.part)
    look = _Look(document.styles.element, parts.get("numbering", []))
    notes: dict[str, str] = {}
    for kind in ("footnotes", "endnotes"):
        for part in parts.get(kind, []):
            notes |= _notes(part, kind, look)
    blocks: list[Block] = [Paragraph(text) for text in _headers(parts.get("header", []), look)]
    story = _Story(look)
    story.read(document.element.body)
    blocks += story.blocks
    blocks += [Paragraph(text) for text in _headers(parts.get("footer", []), look)]
    about.titles.append(story.title)
    yield from noted(list(tabbed(blocks)), notes)


_PARTS = ("footnotes", "endnotes", "header", "footer", "numbering")


def _parts(main: Any) -> dict[str, list[Any]]:
    """Return the XML roots of notes, headers and numbering, by kind."""
    found: dict[str, list[Any]] = {}
    for relation in main.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if relation.is_external or kind not in _PARTS:
            continue
        part = relation.target_part
        root = getattr(part, "element", None)
        root = parse_xml(part.blob) if root is None else root
        found.setdefault(kind, []).append(root)
    return found


def _notes(root: Any, kind: str, look: "_Look") -> dict[str, str]:
    notes = {}
    for note in root:
        if _value(note, "type") in ("separator", "continuationSeparator", "continuationNotice"):
            continue
        story = _Story(look)
        story.read(note)
        notes[f"{kind}:{_value(note, 'id')}"] = cell_text(story.blocks).lstrip()
    return notes


def _headers(roots: Sequence[Any], look: "_Look") -> list[str]:
    """What stands above the text of each page: said once, and no page numbers."""
    stories = []
    for root in roots:
        story = _Story(look)
        story.read(root)
        stories.append(story.blocks)
    return said_once(stories)


_NOT_SHOWN = frozenset("pPr rPr del moveFrom Fallback rt sdtPr tcPr trPr tblPr".split())
_BREAKS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_NO_WORDS = re.compile(
    r"(?i)automatically generated|\A[\w-]+\.\w{3,4}\Z|\A(?:picture|image|bild) ?\d*\Z"
)


class _Look:
    """Styles and numbering: what makes a paragraph a heading or an item, and which."""

    def __init__(self, styles: Any, numbering: Sequence[Any]) -> None:
        self._styles = {
            _value(style, "styleId"): style for style in styles if _name(style) == "style"
        }
        self._levels: dict[str, dict[int, tuple[str, str, int]]] = {}
        """Of each list, by depth: the kind of its numbers, how they are written, the first."""
        self._lists: dict[str, str] = {}
        self._starts: dict[tuple[str, int], int] = {}
        for root in numbering:
            self._read_numbering(root)
        self._counts: dict[tuple[str, int], int] = {}

    def _read_numbering(self, root: Any) -> None:
        for child in root:
            if _name(child) == "abstractNum":
                self._levels[_value(child, "abstractNumId")] = dict(
                    map(_level, _children(child, "lvl"))
                )
            elif _name(child) == "num":
                number = _value(child, "numId")
                self._lists[number] = _value(_child(child, "abstractNumId"), "val")
                for override in _children(child, "lvlOverride"):
                    self._override(number, override)

    def _override(self, number: str, override: Any) -> None:
        """Where a list differs from the one that it is an instance of."""
        depth = _digit(_value(override, "ilvl"))
        start = _value(_child(override, "startOverride"), "val")
        if start:
            self._starts[number, depth] = _whole(start, 1)
        level = _child(override, "lvl")
        if level is not None:
            own = f"{self._lists[number]} {number}"  # it counts by itself from now on
            self._levels[own] = dict(self._levels.get(self._lists[number], {})) | {
                depth: _level(level)[1]
            }
            self._lists[number] = own

    def is_on(self, run: Any, name: str, paragraph: Any = None) -> bool:
        """Whether letters are bold, struck out or the like: by themselves, else by their styles."""
        own = _child(run, "rPr") if run is not None and _name(run) == "r" else run
        if _child(own, name) is not None:
            return _is_on(own, name)
        styles = (_value(_child(own, "rStyle"), "val"), _value(_child(paragraph, "pStyle"), "val"))
        return any(self._is_on_in_style(style, name) for style in styles)

    def _is_on_in_style(self, identity: str, name: str) -> bool:
        style = self._styles.get(identity)
        for _ in range(10):
            if style is None:
                return False
            look = _child(style, "rPr")
            if _child(look, name) is not None:
                return _is_on(look, name)
            style = self._styles.get(_value(_child(style, "basedOn"), "val"))
        return False

    def kind(self, paragraph: Any) -> tuple[str, int, str]:
        """What a paragraph is, its level, its number: by its own marks, else those of its style."""
        marks = _child(paragraph, "pPr")
        style = self._styles.get(_value(_child(marks, "pStyle"), "val"))
        found: tuple[str, int] | None = None
        number = depth = ""
        for _ in range(10):  # styles may be based on each other in a circle
            numbers = _child(marks, "numPr")
            number = number or _value(_child(numbers, "numId"), "val")
            depth = depth or _value(_child(numbers, "ilvl"), "val")
            if found is None:
                found = kind_by_name(_value(_child(style, "name"), "val").lower())
            outline = _value(_child(marks, "outlineLvl"), "val")
            if found is None and outline in list("012345"):
                found = "heading", int(outline) + 1
            if style is None:
                break
            marks = _child(style, "pPr")
            style = self._styles.get(_value(_child(style, "basedOn"), "val"))
        is_numbered = number not in ("", "0") and number in self._lists
        if found is None and number not in ("", "0"):
            found = "item", _digit(depth)
        kind, level = found or ("text", 0)
        if kind == "item" and depth:
            level = _digit(depth)
        mark = self._next(number, _digit(depth)) if is_numbered and kind != "contents" else ""
        return kind, level, mark

    def _next(self, number: str, depth: int) -> str:
        """The next number of a list, as it is written; "" for a bullet."""
        key = self._lists[number]
        levels = self._levels.get(key, {})
        form, written, start = levels.get(depth, ("decimal", f"%{depth + 1}.", 1))
        if form in ("bullet", "none"):
            return ""
        if (number, depth) in self._starts:
            self._counts[key, depth] = self._starts.pop((number, depth)) - 1
        self._counts[key, depth] = self._counts.get((key, depth), start - 1) + 1
        for deeper in range(depth + 1, 9):
            self._counts.pop((key, deeper), None)

        def count(match: re.Match[str]) -> str:
            at = int(match[1]) - 1
            form, _, start = levels.get(at, ("decimal", "", 1))
            return _written(self._counts.get((key, at), start), form)

        return re.sub(r"%([1-9])", count, written).strip()


def _level(level: Any) -> tuple[int, tuple[str, str, int]]:
    return _digit(_value(level, "ilvl")), (
        _value(_child(level, "numFmt"), "val"),
        _value(_child(level, "lvlText"), "val"),
        _whole(_value(_child(level, "start"), "val"), 1),
    )


def _written(number: int, form: str) -> str:
    return numeral(number, _FORMS.get(form, "1"))


_FORMS = {
    "lowerLetter": "a", "upperLetter": "A", "lowerRoman": "i", "upperRoman": "I",
    "decimalZero": "01",
}  # fmt: skip


class _Story:
    """Blocks of a body, a cell, a note or a header."""

    def __init__(self, look: _Look) -> None:
        self.blocks: list[Block] = []
        self.title = ""
        self._look = look
        self._level = 0  # of the last heading
        self._held: list[str] = []  # of paragraphs whose end is deleted: they run on

    def read(self, container: Any) -> None:
        for child in container:
            name = _name(child)
            if name == "p":
                self._paragraph(child)
            elif name == "tbl":
                self.blocks.extend(_table(child, self._look))
            elif name not in _NOT_SHOWN:
                self.read(child)

    def _paragraph(self, paragraph: Any) -> None:
        boxes: list[Any] = []
        properties = _child(paragraph, "pPr")
        runs = _Runs(self._look, boxes, properties)
        runs.read(paragraph)
        if _child(_child(properties, "rPr"), "del") is not None:
            self._held.append("".join(runs.parts))
            return
        text = "".join((*self._held, *runs.parts)).strip()
        self._held = []
        kind, level, mark = self._look.kind(paragraph)
        if text and kind == "heading":
            self.title = self.title or (" ".join(text.split()) if level == 1 else "")
            found = heading(f"{mark} {text}" if mark else text, level)
            self._level = level if isinstance(found, Heading) else self._level
            self.blocks.append(found)
        elif text and kind == "item":
            self.blocks.append(Item(text, level, mark or "-"))
        elif text and kind in _OF_STYLES:
            self._of_style(kind, text)
        elif text and kind != "contents":
            if runs.question and text.startswith(f"{runs.question}\n"):
                self.blocks.append(Question(runs.question))
                text = text[len(runs.question) :].strip()
            self.blocks.extend(self._running_text(text, is_bold=runs.is_bold))
        self.blocks.extend(Caption(words) for words in runs.pictures)
        for box in boxes:
            self.read(box)

    def _running_text(self, text: str, *, is_bold: bool) -> Sequence[Block]:
        if is_bold and not has_notes(text):
            return [bold(text, self._level)]
        return typed_items(text) or questions(text)

    def _of_style(self, kind: str, text: str) -> None:
        last = self.blocks[-1] if self.blocks else None
        if kind == "code" and isinstance(last, Code):
            self.blocks[-1] = Code(f"{last.text}\n{text}")
        else:
            self.blocks.append(_OF_STYLES[kind](text))


_OF_STYLES: Mapping[str, Callable[[str], Block]] = {
    "code": Code, "quotation": Quotation, "caption": Caption,
}  # fmt: skip
_CODE_STYLE = re.compile(
    r"html preformatted|(?:source |code ?)(?:code|block|text)?|code|preformatted text"
)


def kind_by_name(style: str) -> tuple[str, int] | None:
    """Word keeps the English names of its styles in every language."""
    if style in ("quote", "intense quote", "quotations", "block text"):
        return "quotation", 0
    if style == "caption":
        return "caption", 0
    if _CODE_STYLE.fullmatch(style):
        return "code", 0
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


def _whole(text: str, otherwise: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 7 else otherwise


def _table(element: Any, look: _Look) -> Iterator[Block]:
    """Rows with the names of their columns; the blocks of a table that only lays out a page."""
    rows: list[list[str]] = []
    flows: list[list[Block]] = []
    header, named = 0, _rows_of_names(element)
    for row in _children(element, "tr"):
        properties = _child(row, "trPr")
        if _child(properties, "del") is not None:
            continue
        is_named = header == len(rows) and (_is_on(properties, "tblHeader") or len(rows) < named)
        cells: list[str] = []
        for cell in _children(row, "tc"):
            story = _Story(look)
            story.read(cell)
            flows.append(story.blocks)
            _add_cell(cells, cell, cell_text(story.blocks), rows, is_named=is_named)
        rows.append(cells)
        header += is_named
    if lays_out(rows, flows):
        yield from (block for flow in flows for block in flow)
        return
    filled = [row for row in rows if any(row)]
    if header or not filled:
        yield from table(filled, header=max(header, 1))
        return
    yield from table_of(filled, bold_first=_is_bold_row(element, filled, look))


def _rows_of_names(element: Any) -> int:
    """How many rows the names of the columns take, where some run over several: 0 if none do."""
    rows = list(_children(element, "tr"))
    first = list(_children(rows[0], "tc")) if rows else []
    merges = [_child(_child(cell, "tcPr"), "vMerge") for cell in first]
    spans = [columns(_value(_child(_child(cell, "tcPr"), "gridSpan"), "val")) for cell in first]
    if len(first) < 2 or max(spans) < 2 or not any(one is not None for one in merges):
        return 0
    count = 1
    for row in rows[1:]:
        cells = list(_children(row, "tc"))
        merged = _child(_child(cells[0], "tcPr"), "vMerge") if cells else None
        if merged is None or _value(merged, "val") == "restart":
            break
        count += 1
    return count if 1 < count < len(rows) else 0


def _add_cell(
    cells: list[str], cell: Any, text: str, rows: Sequence[Sequence[str]], *, is_named: bool
) -> None:
    properties = _child(cell, "tcPr")
    merged = _child(properties, "vMerge")
    if merged is not None and _value(merged, "val") != "restart":
        above = rows[-1] if rows else []
        text = above[len(cells)] if len(cells) < len(above) else text
    more = columns(_value(_child(properties, "gridSpan"), "val")) - 1
    cells += [text, *[text if is_named else ""] * more]


def _is_bold_row(element: Any, rows: Sequence[Sequence[str]], look: _Look) -> bool:
    """Whether all of the first row is bold, and not all of the second."""
    looks = []
    for row in list(_children(element, "tr"))[:2]:
        runs = _Runs(look, [])
        for cell in _children(row, "tc"):
            runs.read(cell)
        looks.append(runs.is_bold)
    return len(rows) > 1 and looks == [True, False]


class _Runs:
    """Texts under an element. Text boxes are not part of the line that they hang on."""

    def __init__(self, look: _Look, boxes: list[Any], paragraph: Any = None) -> None:
        self.parts: list[str] = []
        self.pictures: list[str] = []
        """What stands for them."""
        self.question = ""
        """A first line in bold letters that asks."""
        self._look = look
        self._paragraph = paragraph
        self._boxes = boxes
        self._letters = self._bold = 0

    @property
    def is_bold(self) -> bool:
        return 0 < self._letters == self._bold

    def read(self, element: Any, *, run: Any = None) -> None:
        for child in element:
            name = _name(child)
            if name == "t":
                self._say(child.text or "", run)
            elif name in _BREAKS:
                self._note_question(name)
                self.parts.append(_BREAKS[name])
            elif name in ("footnoteReference", "endnoteReference"):
                kind = name.removesuffix("Reference") + "s"
                self.parts.append(note_mark(f"{kind}:{_value(child, 'id')}"))
            elif name == "txbxContent":
                self._boxes.append(child)
            elif name in ("r", "sym", "docPr", "sdt"):
                self._special(name, child, run)
            elif name not in _NOT_SHOWN:
                self.parts.append(BEFORE_PART.get((_name(element), name), ""))
                self.read(child, run=run)
                if name == "p":
                    self.parts.append("\n")

    def _note_question(self, name: str) -> None:
        text = "".join(self.parts).strip()
        if name == "br" and self.is_bold and not self.question and text.endswith("?"):
            self.question = text

    def _special(self, name: str, child: Any, run: Any) -> None:
        """A run, a letter of a font of symbols, a picture, or a field."""
        if name == "r":
            if not self._is_hidden(child):
                self.read(child, run=_child(child, "rPr"))
        elif name == "sym":
            self.parts.append(symbol(_value(child, "font"), _value(child, "char")))
        elif name == "docPr":
            words = " ".join(_value(child, "descr").split())
            if is_said(words) and not _NO_WORDS.search(words):
                self.pictures.append(words)
        elif _child(_child(child, "sdtPr"), "showingPlcHdr") is None:
            self.read(child, run=run)

    def _is_hidden(self, run: Any) -> bool:
        """Not shown, or struck out."""
        return any(self._look.is_on(run, name) for name in ("vanish", "strike", "dstrike"))

    def _say(self, text: str, look: Any) -> None:
        letters = sum(map(str.isalnum, text))
        self._letters += letters
        self._bold += letters if self._look.is_on(look, "b", self._paragraph) else 0
        if _value(_child(look, "vertAlign"), "val") == "superscript":
            before = "".join(self.parts)
            plain = text.strip().strip("[]()")
            shown = raised(text, before, None)
            is_mark = shown.startswith("[") or (not before.strip() and plain.isdigit())
            text = note_mark(plain) if is_mark and plain else shown
        self.parts.append(text)


def _is_on(properties: Any, name: str) -> bool:
    mark = _child(properties, name)
    return mark is not None and _value(mark, "val") not in ("0", "false", "off")


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
