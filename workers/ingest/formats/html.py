"""HTML: what a reader of the page sees."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from lxml import etree  # type: ignore[import-untyped]

from workers.ingest.formats.document import Blocks, Draft, columns, time_said
from workers.ingest.formats.text import decode


def read_html(content: bytes) -> Draft:
    """libxml2 mends the tags and tells them one by one: no tree, so no depth is too deep."""
    page = _Page()
    parser = etree.HTMLParser(target=page, encoding="utf-8", no_network=True, huge_tree=False)
    parser.feed(decode(content).encode())
    parser.close()
    return Draft((page.blocks.text(),), (page.title, page.first_heading), page.updated_at)


_DROPPED = frozenset(
    (
        "script style noscript template nav footer svg math iframe object embed canvas audio video"
        " map button select textarea datalist"
    ).split()
)
_ROLES = frozenset("navigation banner contentinfo search menu menubar toolbar dialog".split())
_BLOCKS = frozenset(
    (
        "address article aside blockquote body caption center dd details dialog div dl dt fieldset"
        " figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html legend li main ol p pre"
        " section summary table tbody td tfoot th thead title tr ul"
    ).split()
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
            self.updated_at = self.updated_at or time_said(attributes.get("content", ""))

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
            self._size = columns(attributes.get("rowspan")), columns(attributes.get("colspan"))

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
