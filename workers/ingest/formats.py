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
from workers.ingest.sentence import without_marks


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader found; `parse_file` cleans it and gives it a title if there is none."""

    pages: tuple[str, ...]
    title: str = ""
    updated_at: datetime | None = None


@dataclass(slots=True)
class Blocks:
    """Markdown, block by block."""

    _blocks: list[tuple[str, str]] = field(default_factory=list)

    def heading(self, level: int, text: str) -> None:
        self._blocks.append(("heading", "#" * min(level, 6) + " " + " ".join(text.split())))

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
        fields = {key.lower(): value.strip(" \t'\"") for key, value in _FIELD.findall(front[1])}
    updated_at = _time(next((fields[key] for key in _UPDATED if key in fields), ""))
    if fields.get("title"):
        return Draft((text,), fields["title"], updated_at)
    title, text = _first_heading(text)
    return Draft((text,), title, updated_at)


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
    return Draft((page.blocks.text(),), page.title or page.first_heading, page.updated_at)


_DROPPED = frozenset(
    "script style noscript template nav footer svg math iframe object embed canvas audio video map"
    " button select textarea datalist".split()
)
_ROLES = frozenset("navigation banner contentinfo search menu menubar toolbar dialog".split())
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset"
    " figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html legend li main ol p pre"
    " section summary table tbody td tfoot th thead title tr ul".split()
)
_INVISIBLE = re.compile(r"(?i)display\s*:\s*none|visibility\s*:\s*hidden")
_CHANGED = frozenset(("article:modified_time", "last-modified", "dcterms.modified", "date"))
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
        elif tag == "li":
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
            self._flush(tag)
        self._open[tag] -= 1
        if tag == "li":
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

    def _flush(self, tag: str = "") -> None:
        text = "".join(self._inline)
        self._inline.clear()
        if not text.strip():
            return
        if self._open["title"]:
            self.title = self.title or text
        elif self._table.cell is not None:
            self._table.cell.append(text)
        elif level := _HEADINGS.get(tag):
            self.first_heading = self.first_heading or (text if level == 1 else "")
            self.blocks.heading(level, text)
        elif self._open["pre"]:
            self.blocks.code(text)
        elif self._is_item:
            self.blocks.item(self._open["ul"] + self._open["ol"] - 1, text)
            self._is_item = False
        else:
            self.blocks.paragraph(text)
