"""Workbooks of OpenDocument: rows of what their cells show."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workers.ingest.formats.archive import local_name, member, parsed_xml, value_of
from workers.ingest.formats.excel import MOST_CELLS
from workers.ingest.formats.odt import Look, Story
from workers.ingest.formats.text import cell_text

_MOST_EQUAL = 100
"""Cells, or rows, that are written as one."""
_CELLS = ("table-cell", "covered-table-cell")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of any workbook."""

    name: str
    rows: Iterator[list[str]]
    """The empty ones as well."""
    is_too_large: bool = False


def sheets_of_ods(archive: zipfile.ZipFile) -> Iterator[Sheet]:
    """Those that are shown; a cell over several rows stands in each of them."""
    root = parsed_xml(member(archive, "content.xml"))
    look = Look()
    if "styles.xml" in archive.NameToInfo:
        look.add(parsed_xml(member(archive, "styles.xml")))
    look.add(root)
    hidden = {
        value_of(style, "name")
        for style in root.iter()
        if local_name(style) == "style"
        and any(value_of(properties, "display") == "false" for properties in style)
    }
    for sheets in (one for one in root.iter() if local_name(one) == "spreadsheet"):
        for sheet in sheets:
            if local_name(sheet) == "table" and value_of(sheet, "style-name") not in hidden:
                is_too_large = _area(sheet) > MOST_CELLS
                rows = iter(()) if is_too_large else _rows(sheet, look)
                yield Sheet(value_of(sheet, "name"), rows, is_too_large)


def _area(sheet: Any) -> int:
    """How many cells there are up to the last that is filled in each row."""
    return sum(
        _width(row) * min(_times(row, "number-rows-repeated"), _MOST_EQUAL)
        for row in _within(sheet, "table-row")
    )


def _width(row: Any) -> int:
    width = end = 0
    for cell in row:
        if local_name(cell) in _CELLS:
            times = _times(cell, "number-columns-repeated")
            width += times
            is_covered = local_name(cell) == "covered-table-cell" and times <= _MOST_EQUAL
            end = width if len(cell) or is_covered else end
    return end


def _within(sheet: Any, name: str) -> Iterator[Any]:
    """Rows or columns, also those in groups and headers; not those of a table in a cell."""
    for child in sheet:
        if local_name(child) == name:
            yield child
        elif local_name(child) in _GROUPS:
            yield from _within(child, name)


_GROUPS = frozenset(
    "table-rows table-row-group table-header-rows table-columns table-column-group"
    " table-header-columns".split()
)


def _rows(sheet: Any, look: Look) -> Iterator[list[str]]:
    hidden = _hidden_columns(sheet)
    repeated: dict[int, tuple[int, str]] = {}
    for row in _within(sheet, "table-row"):
        cells = _cells(row, look, hidden, repeated)
        if value_of(row, "visibility") == "collapse":
            continue
        times = min(_times(row, "number-rows-repeated"), _MOST_EQUAL) if any(cells) else 1
        for _ in range(times):
            yield cells


def _hidden_columns(sheet: Any) -> set[int]:
    hidden: set[int] = set()
    at = 0
    for column in _within(sheet, "table-column"):
        times = _times(column, "number-columns-repeated")
        if value_of(column, "visibility") == "collapse":
            hidden.update(range(at, at + min(times, 16_384)))
        at += times
    return hidden


def _cells(
    row: Any, look: Look, hidden: set[int], repeated: dict[int, tuple[int, str]]
) -> list[str]:
    cells: list[str] = []
    left = _width(row)
    for cell in row:
        name = local_name(cell)
        if name not in _CELLS:
            continue
        times = min(_times(cell, "number-columns-repeated"), max(left, 1))
        left -= times
        text = _text(cell, look) if name == "table-cell" else ""
        rows = _times(cell, "number-rows-spanned")
        for number in range(times):
            at = len(cells)
            below, above = repeated.pop(at, (0, ""))
            if rows > 1 and text:
                repeated[at] = rows - 1, text
            elif below > 1 and name == "covered-table-cell":
                repeated[at] = below - 1, above
            shown = text if number < _MOST_EQUAL else ""
            cells.append("" if at in hidden else shown or (above if below else ""))
    return cells


def _text(cell: Any, look: Look) -> str:
    """As it is shown; a date is said as anybody can read it."""
    if not len(cell) or look.of(value_of(cell, "style-name")).is_struck:
        return ""
    if date := value_of(cell, "date-value"):
        return _date(date)
    if len(cell) == 1 and not len(cell[0]) and local_name(cell[0]) == "p":
        return cell[0].text or ""
    story = Story(look, {})
    story.read(cell)
    return cell_text(story.blocks)


def _date(text: str) -> str:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    is_day = found.time() == datetime.min.time()
    return found.date().isoformat() if is_day else found.isoformat(" ", "minutes")


def _times(element: Any, name: str) -> int:
    said = value_of(element, name)
    return int(said) if said.isdecimal() and 0 < len(said) < 8 and int(said) else 1
