"""Plain text, Markdown, and tables as text."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence

from workers.ingest.formats.document import Draft, clean, time_said
from workers.models.sentences import without_marks


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
    updated_at = time_said(next((fields[key] for key in _UPDATED if key in fields), ""))
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
