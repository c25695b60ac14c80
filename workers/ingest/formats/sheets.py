"""Workbooks of Excel and OpenDocument: the tables of each sheet that is shown."""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

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
    UNPACKS_TOO_LARGE,
    About,
    Block,
    DocumentUnreadable,
    Heading,
    Paragraph,
    Row,
    not_read,
    one_line,
)
from workers.ingest.formats.text import has_header

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_MOST_CELLS = 8_000_000
"""Of the area of a sheet, which is held in memory whole: 256 MB."""
_MOST_TITLES = 3
"""Lines above a table that may be its titles; those before them are text."""
_LONGEST_CAPTION = 200
_UNNAMED = re.compile(r"(?i)(?:sheet|tabelle|feuille?|hoja|foglio|blad|planilha|arkusz)\s*\d*")
_CELL = re.compile(rb"<c\b([^>]*)>")
_PLACE = re.compile(rb"\br=\"([A-Z]{1,3})(\d{1,7})\"")
_STYLE = re.compile(rb"\bs=\"(\d{1,5})\"")


def read_sheets(content: bytes, about: About) -> Iterator[Block]:
    """Each table's rows with their column names. Hidden sheets are left out.

    calamine holds a sheet whole: one whose last cell is too far away is left out, and said.
    """
    if not content.startswith((_ZIP, _OLE)):
        raise DocumentUnreadable(OTHER_FORMAT)
    looks = _Looks()
    if content.startswith(_ZIP):
        with opened(content) as archive:
            note_properties(archive, about)
            if "META-INF/manifest.xml" in archive.NameToInfo:
                _refuse_password(archive)
            looks = _Looks.of(archive)
    elif "EncryptedPackage".encode("utf-16-le") in content:
        raise DocumentUnreadable(ENCRYPTED)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    except PasswordError:
        raise DocumentUnreadable(ENCRYPTED) from None
    shown = [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    ]
    left_out = 0
    for name in shown:
        if looks.is_too_large(name):
            left_out += 1
            about.missing = not_read(
                f"{left_out} {'sheet was' if left_out == 1 else 'sheets were'}", UNPACKS_TOO_LARGE
            )
            continue
        said = "" if _UNNAMED.fullmatch(name.strip()) else one_line(name)
        if said and len(shown) > 1:
            yield Heading(said)
        yield from _sheet(_rows_shown(workbook, name, looks), said, about)


def _refuse_password(archive: zipfile.ZipFile) -> None:
    if b"encryption-data" in member(archive, "META-INF/manifest.xml"):
        raise DocumentUnreadable(ENCRYPTED)


# -- cells as they are shown ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Looks:
    """How numbers of an Excel workbook are shown; calamine tells their values alone."""

    _formats: Mapping[tuple[str, int, int], str] = field(default_factory=dict)
    """By sheet, row and column from 0: percent, currency and the like."""
    _texts: Mapping[tuple[str, int, int], str] = field(default_factory=dict)
    """What OpenDocument keeps beside each number: as it is shown."""
    _too_large: frozenset[str] = frozenset()

    @classmethod
    def of(cls, archive: zipfile.ZipFile) -> "_Looks":
        if "content.xml" in archive.NameToInfo:
            return cls({}, dict(_numbers_shown(parsed_xml(member(archive, "content.xml")))))
        styles = _number_formats(archive)
        formats: dict[tuple[str, int, int], str] = {}
        too_large = set()
        for name, path in _sheet_files(archive).items():
            bottom = right = 0
            for cell in _CELL.finditer(member(archive, path)):
                if not (place := _PLACE.search(cell[1])):
                    continue
                row, column = int(place[2]) - 1, _column(place[1])
                bottom, right = max(bottom, row), max(right, column)
                style = _STYLE.search(cell[1])
                if style and (look := styles.get(int(style[1]))):
                    formats[name, row, column] = look
            if (bottom + 1) * (right + 1) > _MOST_CELLS:
                too_large.add(name)
        return cls(formats, {}, frozenset(too_large))

    def is_too_large(self, sheet: str) -> bool:
        return sheet in self._too_large

    def shown(self, value: Any, sheet: str, row: int, column: int) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            place = sheet, row, column
            if text := self._texts.get(place):
                return text
            if look := self._formats.get(place):
                return _number_shown(value, look)
        return _shown(value)


def _numbers_shown(root: Any) -> Iterator[tuple[tuple[str, int, int], str]]:
    """The text of each number of an OpenDocument workbook, by sheet, row and column."""
    for sheet in root.iter():
        if local_name(sheet) != "table":
            continue
        row = -1
        repeated = 1
        column = 0
        for element in sheet.iter():
            name = local_name(element)
            if name == "table-row":
                row, column = row + repeated, 0
                repeated = _times(element, "number-rows-repeated")
            elif name in ("table-cell", "covered-table-cell"):
                times = _times(element, "number-columns-repeated")
                if value_of(element, "value-type") in ("float", "percentage", "currency"):
                    text = one_line("".join(element.itertext()))
                    for at in range(column, column + min(times, _MOST_EQUAL)):
                        yield (value_of(sheet, "name"), row, at), text
                column += times


def _times(element: Any, name: str) -> int:
    said = value_of(element, name)
    return int(said) if said.isdecimal() and 0 < len(said) < 8 else 1


_MOST_EQUAL = 100
"""Cells that are written as one."""


def _number_formats(archive: zipfile.ZipFile) -> dict[int, str]:
    """Formats that say more than a number, by the number of the style that cells name."""
    if "xl/styles.xml" not in archive.NameToInfo:
        return {}
    root = parsed_xml(member(archive, "xl/styles.xml"))
    codes = dict(_BUILT_IN)
    styles: dict[int, str] = {}
    for element in root.iter():
        if local_name(element) == "numFmt":
            codes[value_of(element, "numFmtId")] = value_of(element, "formatCode")
    for group in root:
        if local_name(group) == "cellXfs":
            for number, style in enumerate(group):
                code = codes.get(value_of(style, "numFmtId"), "")
                if _SAYS_MORE.search(code):
                    styles[number] = code
    return styles


_BUILT_IN = {"9": "0%", "10": "0.00%", "2": "0.00", "4": "#,##0.00", "3": "#,##0"}
_SAYS_MORE = re.compile(r"%|[€$£¥]|\[\$|0\.0|#,##0|\"[^\"]+\"|(?<![\w\"])0{2,}(?!\w)")
_CURRENCY = re.compile(r"\[\$([^\[\]-]{0,20})(?:-[^\[\]]{0,20})?\]|([€$£¥])|\"([^\"]{1,20})\"")
_PLACES = re.compile(r"0\.(0+)")
_NUMBER = re.compile(r"[#0?][#0?,]*(?:\.[#0?]+)?")
_LEADING_ZEROS = re.compile(r"0{2,}")


def _number_shown(value: float, code: str) -> str:
    """Only what changes the meaning: percent, currency or unit, decimals, thousands, zeros."""
    code = code.split(";")[0]
    found = _NUMBER.search(code)
    if not found:
        return _shown(value)
    places = _PLACES.search(code)
    digits = len(places[1]) if places else 0
    if _LEADING_ZEROS.fullmatch(found[0]) and value == int(value):
        number = f"{int(value):0{len(found[0])}d}"
    else:
        shown = value * 100 if "%" in code else value
        number = f"{shown:{',' if ',' in found[0] else ''}.{digits}f}"
    before = "".join(map(_unit, _CURRENCY.finditer(code, 0, found.start())))
    after = "".join(map(_unit, _CURRENCY.finditer(code, found.end())))
    sign, number = ("-", number[1:]) if number.startswith("-") else ("", number)
    gap = " " if code[found.end() :].lstrip("%").startswith(" ") or after[:1].isalpha() else ""
    percent = "%" if "%" in code else ""
    return f"{sign}{before}{number}{percent}{gap if after else ''}{after.lstrip()}"


def _unit(match: re.Match[str]) -> str:
    return match[1] or match[2] or match[3] or ""


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.12g}"
    if isinstance(value, datetime):
        is_date = value.time() == time()
        return value.date().isoformat() if is_date else value.isoformat(" ", _precision(value))
    if isinstance(value, time):
        return value.isoformat(_precision(value))
    if isinstance(value, timedelta):
        minutes, seconds = divmod(int(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")
    return value.isoformat() if isinstance(value, date) else str(value)


def _precision(value: datetime | time) -> str:
    return "seconds" if value.second else "minutes"


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _sheet_files(archive: zipfile.ZipFile) -> dict[str, str]:
    """The file of each sheet of an XLSX, by the name of the sheet."""
    relations = "xl/_rels/workbook.xml.rels"
    if not {"xl/workbook.xml", relations} <= archive.NameToInfo.keys():
        return {}
    targets = {
        value_of(one, "Id"): value_of(one, "Target")
        for one in parsed_xml(member(archive, relations))
    }
    found = {}
    for sheet in parsed_xml(member(archive, "xl/workbook.xml")).iter():
        if local_name(sheet) != "sheet":
            continue
        target = targets.get(next((v for key, v in sheet.items() if key.endswith("}id")), ""), "")
        path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        if path in archive.NameToInfo and path.endswith(".xml"):
            found[value_of(sheet, "name")] = path
    return found


def _rows_shown(workbook: CalamineWorkbook, name: str, looks: _Looks) -> Iterator[list[str]]:
    """Rows of text, the empty ones as well; a cell over several rows stands in each of them."""
    sheet = workbook.get_sheet_by_name(name)
    top, left = sheet.start or (0, 0)
    repeated: dict[int, tuple[int, str]] = {}
    starts = {
        first: (last[0] - first[0])
        for first, last in (sheet.merged_cell_ranges or ())[:_MOST_MERGED]
        if last[0] > first[0]
    }
    for row, values in enumerate(sheet.iter_rows(), start=top):
        cells = [
            looks.shown(value, name, row, column) for column, value in enumerate(values, start=left)
        ]
        for column, (until, text) in list(repeated.items()):
            if row > until:
                del repeated[column]
            elif 0 <= column - left < len(cells):
                cells[column - left] = cells[column - left] or text
        for at, text in enumerate(cells):
            if text and (rows := starts.get((row, at + left))):
                repeated[at + left] = row + rows, text
        yield cells


_MOST_MERGED = 20_000


# -- tables --------------------------------------------------------------------------------------


def _sheet(rows: Iterator[list[str]], name: str, about: About) -> Iterator[Block]:
    """The tables of a sheet: a new one begins below an empty row where it has titles or names."""
    names: tuple[str, ...] = ()
    caption = name
    above: list[str] = []
    for group in _groups(rows):
        lines = _lines_above(group)
        above += [one_line(" ".join(row)) for row in group[:lines]]
        if not (body := group[lines:]):
            continue
        if above or not names or _names_others(body):
            yield from map(Paragraph, above[:-_MOST_TITLES])
            caption, paragraphs = _caption(name, above[-_MOST_TITLES:])
            yield from map(Paragraph, paragraphs)
            about.titles.extend(above[-_MOST_TITLES:][:1])
            above = []
            header = _header_rows(body)
            names = _columns(body[:header]) if header else ()
            body = body[header:] or body
        yield from _table(body, names, caption)
    yield from map(Paragraph, above)


def _lines_above(group: Sequence[Sequence[str]]) -> int:
    """How many rows of one cell there are before the first with more."""
    wide = (at for at, row in enumerate(group) if sum(map(bool, row)) > 1)
    return next(wide, len(group))


def _caption(name: str, lines: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Of a table, from the lines above it; and those that are too long for that."""
    titles = "; ".join(lines)
    if len(titles) > _LONGEST_CAPTION:
        return name, lines
    return (f"{name}: {titles}" if name and titles and name not in titles else titles or name), ()


def _groups(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    """Runs of rows without an empty one among them."""
    group: list[list[str]] = []
    for row in rows:
        if any(map(str.strip, row)):
            group.append([one_line(cell) for cell in row])
        elif group:
            yield group
            group = []
    if group:
        yield group


def _names_others(body: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names what stands below: words above figures."""
    if len(body) < 2 or not has_header(_filled_columns(body[:50])):
        return False
    return any(
        cell and not _is_figure(cell) and any(_is_figure(row[at]) for row in body[1:50])
        for at, cell in enumerate(body[0])
    )


def _header_rows(body: Sequence[Sequence[str]]) -> int:
    """1 or 0; 2 where the first row names groups of the columns that the second names."""
    filled = _filled_columns(body[:50])
    if len(filled) > 2 and "" in filled[0][1:] and all(filled[1][1:]) and has_header(filled[1:]):
        is_grouped = 0 < sum(map(bool, filled[0])) < sum(map(bool, filled[1]))
        if is_grouped and not any(map(_is_figure, filled[1])) and len({*filled[1]}) > 1:
            below = any(_is_figure(cell) for row in filled[2:] for cell in row)
            return 2 if below else 1
    return 1 if has_header(filled) else 0


def _filled_columns(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    used = [at for at in range(max(map(len, rows))) if any(row[at] for row in rows)]
    return [[row[at] for at in used] for row in rows]


def _is_figure(cell: str) -> bool:
    return bool(cell) and sum(map(str.isdigit, cell)) * 2 > len(cell.replace(" ", ""))


def _columns(header: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Names of two rows are joined; a name of a group goes on to the right."""
    if len(header) == 1:
        return tuple(header[0])
    above = list(header[0])
    for at in range(1, len(above)):
        above[at] = above[at] or above[at - 1]
    return tuple(
        " > ".join(dict.fromkeys(filter(None, pair))) for pair in zip(above, header[1], strict=True)
    )


def _table(body: Sequence[Sequence[str]], names: Sequence[str], caption: str) -> Iterator[Block]:
    used = [
        at
        for at in range(max(map(len, body)))
        if (names and at < len(names) and names[at]) or any(row[at] for row in body)
    ]
    columns = tuple(names[at] if at < len(names) else "" for at in used) if names else ()
    for row in body:
        yield Row(tuple(row[at] for at in used), columns, caption)
