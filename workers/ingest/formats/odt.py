"""Text documents of OpenDocument (LibreOffice).

Their XML is read by lxml, which is here for HTML: odfpy builds a tree of the same elements by
expat and minidom, several times as slow and large, and knows as little of what they mean.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workers.ingest.formats.archive import (
    local_name,
    member,
    note_properties,
    opened,
    parsed_xml,
    value_of,
)
from workers.ingest.formats.document import (
    ENCRYPTED,
    OTHER_FORMAT,
    About,
    Block,
    Caption,
    Code,
    DocumentUnreadable,
    Heading,
    Item,
    Paragraph,
    Quotation,
    columns,
    one_line,
    table,
)
from workers.ingest.formats.numerals import numeral
from workers.ingest.formats.running import lays_out, said_once, tabbed
from workers.ingest.formats.text import (
    bold,
    cell_text,
    has_notes,
    heading,
    note_mark,
    noted,
    questions,
    raised_later,
    table_of,
    typed_items,
)

_NOT_SHOWN = frozenset(
    "tracked-changes annotation annotation-end table-of-content alphabetical-index sequence-decls"
    " user-index illustration-index table-index object-index bibliography forms note-citation"
    " variable-decls user-field-decls ruby-text scripts".split()
)
_MOST_REPEATED = 100


def read_odt(content: bytes, about: About) -> Iterator[Block]:
    """As it looks with all tracked changes accepted; a footnote is where its mark stands."""
    with opened(content) as archive:
        if "content.xml" not in archive.NameToInfo:
            raise DocumentUnreadable(OTHER_FORMAT)
        if b"encryption-data" in _part(archive, "META-INF/manifest.xml"):
            raise DocumentUnreadable(ENCRYPTED)
        note_properties(archive, about)
        root = parsed_xml(member(archive, "content.xml"))
        styles = _part(archive, "styles.xml")
    look = Look()
    running: list[list[Block]] = [[], []]
    if styles:
        around = parsed_xml(styles)
        look.add(around)
        running = [_running(around, names, look) for names in (_HEADERS, _FOOTERS)]
    look.add(root)
    story = Story(look, {})
    body = next((one for one in root if local_name(one) == "body"), ())
    texts = [one for one in body if local_name(one) == "text"]
    if not texts:
        raise DocumentUnreadable(OTHER_FORMAT)
    story.read(texts[0])
    about.titles.append(story.title)
    blocks = [*running[0], *tabbed(story.blocks), *running[1]]
    yield from noted(blocks, story.notes)


_HEADERS = ("header", "header-first", "header-left")
_FOOTERS = ("footer", "footer-first", "footer-left")


def _running(styles: Any, names: Sequence[str], look: "Look") -> list[Block]:
    """What stands above or below the text of each page."""
    found = []
    for element in styles.iter():
        if local_name(element) in names and value_of(element, "display") != "false":
            story = Story(look, {})
            story.read(element)
            found.append(story.blocks)
    return [Paragraph(text) for text in said_once(found)]


def _part(archive: Any, name: str) -> bytes:
    return member(archive, name) if name in archive.NameToInfo else b""


@dataclass(slots=True)
class _Style:
    parent: str = ""
    is_bold: bool | None = None
    is_struck: bool = False
    """Or hidden."""
    is_raised: bool = False
    list_style: str = ""
    title: bool = False
    kind: str = ""
    """Of a style for code or for quotations."""


@dataclass(frozen=True, slots=True)
class _Level:
    """How the items of a list are marked at one depth; `form` is empty for bullets."""

    form: str = ""
    before: str = ""
    after: str = ""
    start: int = 1
    shown: int = 1
    """How many numbers are shown: that of its own depth, and of those above it."""


class Look:
    """Styles by their names."""

    def __init__(self) -> None:
        self._styles: dict[str, _Style] = {}
        self._lists: dict[str, dict[int, _Level]] = {}
        self.headings: dict[int, _Level] = {}

    def add(self, root: Any) -> None:
        for element in root.iter():
            name = local_name(element)
            if name == "style":
                self._styles[value_of(element, "name")] = _style(element)
            elif name == "list-style":
                self._lists[value_of(element, "name")] = _levels(element)
            elif name == "outline-style":
                self.headings = _levels(element)

    def of(self, name: str) -> _Style:
        """With what it takes over from the styles that it is based on."""
        found = replace(self._styles.get(name, _Style()))
        parent = found.parent
        for _ in range(10):  # styles may be based on each other in a circle
            above = self._styles.get(parent)
            found.title = found.title or parent in ("Title", "Subtitle")
            found.kind = found.kind or _KINDS.get(parent, "")
            if above is None:
                break
            found.is_bold = above.is_bold if found.is_bold is None else found.is_bold
            found.is_struck = found.is_struck or above.is_struck
            found.list_style = found.list_style or above.list_style
            parent = above.parent
        found.title = found.title or name == "Title"
        found.kind = found.kind or _KINDS.get(name, "")
        return found

    def level(self, list_style: str, depth: int) -> _Level:
        return self._lists.get(list_style, {}).get(depth, _Level())


_KINDS = {"Preformatted_20_Text": "code", "Quotations": "quotation", "Source_20_Text": "code"}


def _style(element: Any) -> _Style:
    style = _Style(value_of(element, "parent-style-name"))
    style.list_style = value_of(element, "list-style-name")
    for properties in element:
        if local_name(properties) == "text-properties":
            weight = value_of(properties, "font-weight")
            style.is_bold = weight in ("bold", "600", "700", "800", "900") if weight else None
            line = value_of(properties, "text-line-through-style")
            kind = value_of(properties, "text-line-through-type")
            style.is_struck = (
                line not in ("", "none")
                or kind not in ("", "none")
                or value_of(properties, "display") == "none"
            )
            style.is_raised = value_of(properties, "text-position").startswith("super")
    return style


def _levels(element: Any) -> dict[int, _Level]:
    found = {}
    for one in element:
        level = value_of(one, "level")
        if local_name(one) in _NUMBERED and level.isdecimal() and len(level) < 3:
            found[int(level) - 1] = _Level(
                value_of(one, "num-format"),
                value_of(one, "num-prefix"),
                value_of(one, "num-suffix"),
                _whole(value_of(one, "start-value"), 1),
                _whole(value_of(one, "display-levels"), 1),
            )
    return found


_NUMBERED = ("list-level-style-number", "outline-level-style")


def _whole(text: str, otherwise: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 7 else otherwise


def _marked(levels: Sequence[_Level], numbers: Sequence[int]) -> str:
    """The number of the last of these depths, with those above it where they are shown."""
    if not levels[-1].form:
        return "-"
    many = max(levels[-1].shown, 1)
    pairs = [pair for pair in zip(levels, numbers, strict=True) if pair[0].form][-many:]
    shown = ".".join(numeral(number, level.form) for level, number in pairs)
    return f"{levels[-1].before}{shown}{levels[-1].after}".strip()


class Story:
    """Blocks of the text, of a cell or of a note."""

    def __init__(self, look: Look, notes: dict[str, str]) -> None:
        self.blocks: list[Block] = []
        self.notes = notes
        self.title = ""
        self._look = look
        self._level = 0  # of the last heading
        self._counts: dict[int, int] = {}  # of headings, by depth
        self._last: dict[str, int] = {}  # numbers of lists, by style and by id

    def read(self, container: Any) -> None:
        for child in container:
            name = local_name(child)
            if name == "h":
                self._heading(child)
            elif name == "p":
                self._paragraph(child)
            elif name == "list":
                self._list(child, (), ())
            elif name == "table":
                self.blocks.extend(self._table(child))
            elif name == "desc" and (child.text or "").strip():
                self.blocks.append(Caption(child.text))
            elif name not in _NOT_SHOWN and name not in ("title", "desc") and not _is_hidden(child):
                self.read(child)

    def _heading(self, element: Any) -> None:
        runs = self._runs(element)
        level = value_of(element, "outline-level")
        depth = int(level) if level.isdecimal() and len(level) < 3 else 1
        if text := runs.text():
            self.title = self.title or (one_line(text) if depth == 1 else "")
            self._level = depth
            number = self._number(element, depth)
            self.blocks.append(heading(f"{number} {text}" if number else text, depth))
        self._boxes(runs)

    def _number(self, element: Any, depth: int) -> str:
        """As the outline of the document counts its headings; empty if it does not."""
        if value_of(element, "is-list-header") == "true":
            return ""
        known = self._look.headings
        start = known.get(depth - 1, _Level()).start
        self._counts = {at: count for at, count in self._counts.items() if at <= depth}
        self._counts[depth] = self._counts.get(depth, start - 1) + 1
        levels = [known.get(at - 1, _Level()) for at in range(1, depth + 1)]
        numbers = [self._counts.get(at, 1) for at in range(1, depth + 1)]
        return _marked(levels, numbers) if levels[-1].form else ""

    def _paragraph(self, element: Any) -> None:
        runs = self._runs(element)
        text = runs.text()
        style = self._look.of(value_of(element, "style-name"))
        if text and style.title:
            self.title = self.title or one_line(text)
            self.blocks.append(heading(text, 1))
        elif text and style.kind:
            self._of_kind(style.kind, text)
        elif text:
            self.blocks.extend(self._running_text(text, is_bold=runs.is_bold))
        self._boxes(runs)

    def _of_kind(self, kind: str, text: str) -> None:
        last = self.blocks[-1] if self.blocks else None
        if kind == "quotation":
            self.blocks.append(Quotation(text))
        elif isinstance(last, Code):
            self.blocks[-1] = Code(f"{last.text}\n{text}")
        else:
            self.blocks.append(Code(text))

    def _running_text(self, text: str, *, is_bold: bool) -> Sequence[Block]:
        if is_bold and not has_notes(text):
            return [bold(text, self._level)]
        return typed_items(text) or questions(text)

    def _runs(self, element: Any) -> "_Runs":
        style = self._look.of(value_of(element, "style-name"))
        runs = _Runs(self._look, self.notes)
        runs.read(element, style)
        return runs

    def _boxes(self, runs: "_Runs") -> None:
        """Frames that hang on a paragraph follow it."""
        for box in runs.boxes:
            self.read(box)

    def _list(self, element: Any, styles: Sequence[str], numbers: Sequence[int]) -> None:
        """A list at the depth of the numbers of the items around it."""
        depth = len(numbers)
        style = value_of(element, "style-name") or (styles[-1] if styles else "")
        styles = (*styles, style)
        level = self._look.level(style, depth)
        number = level.start
        goes_on = value_of(element, "continue-list")
        if value_of(element, "continue-numbering") == "true" or goes_on in self._last:
            number = self._last.get(goes_on or style, number)
        for item in element:
            if local_name(item) not in ("list-item", "list-header"):
                continue
            number = _whole(value_of(item, "start-value"), number)
            if self._item(item, styles, (*numbers, number)):
                number += local_name(item) == "list-item"
        if not depth:
            self._last |= {style: number, value_of(element, "id"): number}

    def _item(self, item: Any, styles: Sequence[str], numbers: Sequence[int]) -> bool:
        """Whether there was a text that took the mark."""
        levels = [self._look.level(styles[-1], at) for at in range(len(numbers))]
        mark, took = _marked(levels, numbers), False
        for child in item:
            name = local_name(child)
            if name == "list":
                self._list(child, styles, numbers)
            elif name == "p":
                runs = self._runs(child)
                if text := runs.text():
                    last = self.blocks[-1] if self.blocks else None
                    if took and isinstance(last, Item):
                        self.blocks[-1] = replace(last, text=f"{last.text}\n{text}")
                    else:
                        self.blocks.append(Item(text, len(numbers) - 1, mark))
                    took = True
                self._boxes(runs)
            else:
                self.read([child])
        return took

    def _table(self, element: Any) -> Iterator[Block]:
        rows: list[list[str]] = []
        flows: list[list[Block]] = []
        repeated: dict[int, tuple[int, str]] = {}
        header = 0
        for row, is_name in _rows(element):
            cells = self._cells(row, flows, repeated)
            times = min(columns(value_of(row, "number-rows-repeated")), _MOST_REPEATED)
            header += times if is_name and header == len(rows) else 0
            rows += [cells] * (times if any(cells) else 1)
        if lays_out(rows, flows):
            yield from (block for flow in flows for block in flow)
        elif header:
            yield from table(rows, header=header)
        else:
            width = len(rows[0])
            looks = [all(isinstance(one, Heading) for one in flow) for flow in flows]
            is_bold = all(looks[:width]) and not all(looks[width : 2 * width])
            yield from table_of([row for row in rows if any(row)], bold_first=is_bold)

    def _cells(
        self, row: Any, flows: list[list[Block]], repeated: dict[int, tuple[int, str]]
    ) -> list[str]:
        """The cells of a row; one over several rows is repeated, so that each row says it all."""
        cells: list[str] = []
        for cell in row:
            name = local_name(cell)
            if name not in ("table-cell", "covered-table-cell"):
                continue
            for _ in range(columns(value_of(cell, "number-columns-repeated"))):
                left, text = repeated.pop(len(cells), (0, ""))
                if name == "table-cell":
                    story = Story(self._look, self.notes)
                    story.read(cell)
                    flows.append(story.blocks)
                    text = cell_text(story.blocks)
                    left = columns(value_of(cell, "number-rows-spanned")) - 1
                else:
                    left -= 1
                if left > 0:
                    repeated[len(cells)] = left, text
                cells.append(text if name == "table-cell" or left >= 0 else "")
        return cells


def _rows(element: Any) -> Iterator[tuple[Any, bool]]:
    """Rows, and whether each is one of the header's."""
    for child in element:
        name = local_name(child)
        if name == "table-row":
            yield child, False
        elif name == "table-header-rows":
            yield from ((row, True) for row, _ in _rows(child))
        elif name in ("table-rows", "table-row-group", "soft-page-break"):
            yield from _rows(child)


class _Runs:
    """The text of a paragraph: what is struck out or hidden goes, notes leave a mark."""

    def __init__(self, look: Look, notes: dict[str, str]) -> None:
        self.boxes: list[Any] = []
        self._parts: list[str] = []
        self._look = look
        self._notes = notes
        self._letters = self._bold = 0

    @property
    def is_bold(self) -> bool:
        return 0 < self._letters == self._bold

    def text(self) -> str:
        return "".join(self._parts).strip()

    def read(self, element: Any, style: _Style) -> None:
        self._say(element.text, style)
        for child in element:
            name = local_name(child)
            if name == "span":
                self.read(child, self._within(style, value_of(child, "style-name")))
            elif name == "note":
                self._note(child)
            elif name in _GAPS:
                self._parts.append(_GAPS[name])
            elif name in ("frame", "text-box", "custom-shape", "rect", "g"):
                self.boxes.append([child])
            elif name and name not in _NOT_SHOWN and not _is_hidden(child):
                self.read(child, style)
            self._say(child.tail, style)

    def _within(self, outer: _Style, name: str) -> _Style:
        inner = self._look.of(name)
        inner.is_bold = outer.is_bold if inner.is_bold is None else inner.is_bold
        inner.is_struck = inner.is_struck or outer.is_struck
        return inner

    def _say(self, text: str | None, style: _Style) -> None:
        if not text or style.is_struck:
            return
        text = " ".join(f"|{text}|".split())[1:-1]  # line breaks of the XML do not count
        letters = sum(map(str.isalnum, text))
        self._letters += letters
        self._bold += letters if style.is_bold else 0
        self._parts.append(raised_later(text, "".join(self._parts)) if style.is_raised else text)

    def _note(self, note: Any) -> None:
        bodies = [child for child in note if local_name(child) == "note-body"]
        name = f"note:{len(self._notes) + 1}"
        self._notes[name] = ""  # its place; a note may hold another
        story = Story(self._look, self._notes)
        for body in bodies:
            story.read(body)
        self._notes[name] = cell_text(story.blocks)
        self._parts.append(note_mark(name))


def _is_hidden(element: Any) -> bool:
    return value_of(element, "is-hidden") == "true" or value_of(element, "display") == "none"


_GAPS = {"s": " ", "tab": "\t", "line-break": "\n"}
