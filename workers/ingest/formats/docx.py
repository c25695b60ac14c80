"""Word documents."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import docx

from workers.ingest.formats.document import (
    NO_DOCX,
    UNPACKS_TOO_LARGE,
    Blocks,
    DocumentUnreadable,
    Draft,
    columns,
    in_utc,
)


def read_docx(content: bytes) -> Draft:
    """python-docx opens no entity and no link; its own `text` would leave out insertions."""
    _refuse_bomb(content)
    document = docx.Document(io.BytesIO(content))
    story = _Story(document.styles.element)
    story.read(document.element.body)
    package = document.part.package
    if package and any(rel.reltype.endswith("/core-properties") for rel in package.rels.values()):
        found = document.core_properties  # python-docx makes some up where there are none
        titles, updated_at = (found.title, story.title), in_utc(found.modified)
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


_NOT_SHOWN = frozenset("pPr rPr del moveFrom Fallback rt sdtPr tcPr trPr tblPr".split())
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
            cells += [text, *[""] * (columns(_value(_child(properties, "gridSpan"), "val")) - 1)]
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
