"""Word documents."""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import docx
from docx.oxml import parse_xml

from workers.ingest.formats.archive import opened
from workers.ingest.formats.document import (
    NO_DOCX,
    About,
    Block,
    DocumentUnreadable,
    Heading,
    Item,
    Paragraph,
    columns,
    in_utc,
    table,
)
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
    about.titles.append(story.title)
    yield from noted(blocks, notes)


def _parts(main: Any) -> dict[str, list[Any]]:
    """Return the XML roots of notes, headers and numbering, by kind."""
    found: dict[str, list[Any]] = {}
    for relation in main.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if relation.is_external or kind not in ("footnotes", "endnotes", "header", "numbering"):
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
    found: dict[str, None] = {}
    for root in roots:
        story = _Story(look)
        story.read(root)
        text = cell_text(story.blocks)
        if any(map(str.isalpha, text)) and not _PAGE_NUMBER.fullmatch(text):
            found.setdefault(text, None)
    return list(found)


_PAGE_NUMBER = re.compile(r"(?i)\W*(?:page|seite|p\.|s\.)?\W*\d*\W*(?:of|von|/)?\W*\d*\W*")


_NOT_SHOWN = frozenset("pPr rPr del moveFrom Fallback rt sdtPr tcPr trPr tblPr".split())
_BREAKS = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


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
                self._levels[_value(child, "abstractNumId")] = {
                    _digit(_value(level, "ilvl")): (
                        _value(_child(level, "numFmt"), "val"),
                        _value(_child(level, "lvlText"), "val"),
                        _whole(_value(_child(level, "start"), "val"), 1),
                    )
                    for level in _children(child, "lvl")
                }
            elif _name(child) == "num":
                number = _value(child, "numId")
                self._lists[number] = _value(_child(child, "abstractNumId"), "val")
                for override in _children(child, "lvlOverride"):
                    start = _value(_child(override, "startOverride"), "val")
                    if start:
                        depth = _digit(_value(override, "ilvl"))
                        self._starts[number, depth] = _whole(start, 1)

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
                found = _kind_by_name(_value(_child(style, "name"), "val").lower())
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


def _written(number: int, form: str) -> str:
    if form.endswith("Letter") and 0 < number <= 26:
        return chr((65 if form.startswith("upper") else 97) + number - 1)
    if form.endswith("Roman") and 0 < number < 40:
        units = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")
        roman = "x" * (number // 10) + units[number % 10]
        return roman.upper() if form.startswith("upper") else roman
    return f"{number:02}" if form == "decimalZero" else str(number)


class _Story:
    """Blocks of a body, a cell, a note or a header."""

    def __init__(self, look: _Look) -> None:
        self.blocks: list[Block] = []
        self.title = ""
        self._look = look
        self._level = 0  # of the last heading

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
        runs = _Runs(boxes)
        runs.read(paragraph)
        text = "".join(runs.parts).strip()
        kind, level, mark = self._look.kind(paragraph)
        if text and kind == "heading":
            self.title = self.title or (" ".join(text.split()) if level == 1 else "")
            found = heading(f"{mark} {text}" if mark else text, level)
            self._level = level if isinstance(found, Heading) else self._level
            self.blocks.append(found)
        elif text and kind == "item":
            self.blocks.append(Item(text, level, mark or "-"))
        elif text and kind != "contents":
            named = runs.is_bold and not has_notes(text)
            self.blocks.extend([bold(text, self._level)] if named else questions(text))
        for box in boxes:
            self.read(box)


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


def _whole(text: str, otherwise: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 7 else otherwise


def _table(element: Any, look: _Look) -> Iterator[Block]:
    """Rows with the names of their columns; the blocks of a table that only lays out a page."""
    rows: list[list[str]] = []
    flows: list[list[Block]] = []
    header = 0
    for row in _children(element, "tr"):
        properties = _child(row, "trPr")
        if _child(properties, "del") is not None:
            continue
        is_named = header == len(rows) and _is_on(properties, "tblHeader")
        cells: list[str] = []
        for cell in _children(row, "tc"):
            story = _Story(look)
            story.read(cell)
            flows.append(story.blocks)
            _add_cell(cells, cell, cell_text(story.blocks), rows, is_named=is_named)
        rows.append(cells)
        header += is_named
    if max(map(len, rows), default=0) < 2:
        yield from (block for flow in flows for block in flow)
        return
    filled = [row for row in rows if any(row)]
    if header or not filled:
        yield from table(filled, header=max(header, 1))
        return
    yield from table_of(filled, bold_first=_is_bold_row(element, filled))


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


def _is_bold_row(element: Any, rows: Sequence[Sequence[str]]) -> bool:
    """Whether all of the first row is bold, and not all of the second."""
    looks = []
    for row in list(_children(element, "tr"))[:2]:
        runs = _Runs([])
        for cell in _children(row, "tc"):
            runs.read(cell)
        looks.append(runs.is_bold)
    return len(rows) > 1 and looks == [True, False]


class _Runs:
    """Texts under an element. Text boxes are not part of the line that they hang on."""

    def __init__(self, boxes: list[Any]) -> None:
        self.parts: list[str] = []
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
                self.parts.append(_BREAKS[name])
            elif name in ("footnoteReference", "endnoteReference"):
                kind = name.removesuffix("Reference") + "s"
                self.parts.append(note_mark(f"{kind}:{_value(child, 'id')}"))
            elif name == "txbxContent":
                self._boxes.append(child)
            elif name == "r":
                if not _is_hidden(child):
                    self.read(child, run=_child(child, "rPr"))
            elif name not in _NOT_SHOWN:
                self.read(child, run=run)
                if name == "p":
                    self.parts.append("\n")

    def _say(self, text: str, look: Any) -> None:
        letters = sum(map(str.isalnum, text))
        self._letters += letters
        self._bold += letters if _is_on(look, "b") else 0
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


def _is_hidden(run: Any) -> bool:
    """Not shown, or struck out."""
    look = _child(run, "rPr")
    return any(_is_on(look, name) for name in ("vanish", "strike", "dstrike"))


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
