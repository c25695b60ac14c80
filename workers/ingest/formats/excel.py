"""How cells of an Excel workbook are shown: calamine tells their values alone."""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from workers.ingest.formats.archive import local_name, member, parsed_xml, value_of

MOST_CELLS = 8_000_000
"""Of the area of a sheet, which is held in memory whole: 256 MB."""
_CELL = re.compile(rb"<c\b([^<>]*)>")
_PLACE = re.compile(rb"\br=\"([A-Z]{1,3})(\d{1,7})\"")
_STYLE = re.compile(rb"\bs=\"(\d{1,5})\"")
_LINE = re.compile(rb"<(row|col)\b([^<>]*)>")
_ATTRIBUTE = re.compile(rb"\b(r|min|max|hidden|outlineLevel)=\"(\d{1,7}|true)\"")
_MOST_COLUMNS = 16_384


@dataclass(frozen=True, slots=True)
class Looks:
    """By sheet, row and column from 0."""

    _formats: Mapping[tuple[str, int, int], str] = field(default_factory=dict)
    """Percent, currency and the like."""
    _struck: frozenset[tuple[str, int, int]] = frozenset()
    _hidden_rows: Mapping[str, frozenset[int]] = field(default_factory=dict)
    _hidden_columns: Mapping[str, frozenset[int]] = field(default_factory=dict)
    _too_large: frozenset[str] = frozenset()

    @classmethod
    def of(cls, archive: zipfile.ZipFile) -> "Looks":
        styles = _styles(archive)
        formats: dict[tuple[str, int, int], str] = {}
        struck: set[tuple[str, int, int]] = set()
        rows: dict[str, frozenset[int]] = {}
        columns: dict[str, frozenset[int]] = {}
        too_large = set()
        for name, path in _sheet_files(archive).items():
            content = member(archive, path)
            rows[name], columns[name] = _hidden(content)
            bottom = right = 0
            for cell in _CELL.finditer(content):
                if not (place := _PLACE.search(cell[1])):
                    continue
                row, column = int(place[2]) - 1, _column(place[1])
                bottom, right = max(bottom, row), max(right, column)
                style = _STYLE.search(cell[1])
                look = styles.get(int(style[1])) if style else None
                if look and look.code:
                    formats[name, row, column] = look.code
                if look and look.is_struck:
                    struck.add((name, row, column))
            if (bottom + 1) * (right + 1) > MOST_CELLS:
                too_large.add(name)
        return cls(formats, frozenset(struck), rows, columns, frozenset(too_large))

    def is_too_large(self, sheet: str) -> bool:
        return sheet in self._too_large

    def hides_row(self, sheet: str, row: int) -> bool:
        return row in self._hidden_rows.get(sheet, ())

    def shown(self, value: Any, sheet: str, row: int, column: int) -> str:
        """Nothing, where the cell is struck out or its column hidden."""
        place = sheet, row, column
        if place in self._struck or column in self._hidden_columns.get(sheet, ()):
            return ""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return number_shown(value, self._formats.get(place, ""))
        return _shown(value)


def _hidden(content: bytes) -> tuple[frozenset[int], frozenset[int]]:
    """Rows and columns that are hidden, but for those that a filter or a click shows again."""
    rows: set[int] = set()
    columns: set[int] = set()
    for line in _LINE.finditer(content):
        said = dict(_ATTRIBUTE.findall(line[2]))
        if said.get(b"hidden") not in (b"1", b"true") or b"outlineLevel" in said:
            continue
        numbers = {name: int(value) for name, value in said.items() if value.isdigit()}
        if line[1] == b"row":
            rows.add(numbers.get(b"r", 0) - 1)
        elif {b"min", b"max"} <= numbers.keys():
            columns.update(range(numbers[b"min"] - 1, min(numbers[b"max"], _MOST_COLUMNS)))
    return frozenset() if b"<filterColumn" in content else frozenset(rows), frozenset(columns)


@dataclass(frozen=True, slots=True)
class _Style:
    code: str
    """Of the number format, if it says more than a number; else empty."""
    is_struck: bool


def _styles(archive: zipfile.ZipFile) -> dict[int, _Style]:
    """Styles that say something, by the numbers by which cells name them."""
    if "xl/styles.xml" not in archive.NameToInfo:
        return {}
    root = parsed_xml(member(archive, "xl/styles.xml"))
    codes = dict(_BUILT_IN)
    struck: set[str] = set()
    styles: dict[int, _Style] = {}
    for group in root:
        name = local_name(group)
        for number, element in enumerate(group):
            if name == "numFmts":
                codes[value_of(element, "numFmtId")] = value_of(element, "formatCode")
            elif name == "fonts" and any(map(_is_strike, element)):
                struck.add(str(number))
            elif name == "cellXfs":
                code = codes.get(value_of(element, "numFmtId"), "")
                is_struck = value_of(element, "fontId") in struck
                if is_struck or _SAYS_MORE.search(code):
                    styles[number] = _Style(code if _SAYS_MORE.search(code) else "", is_struck)
    return styles


def _is_strike(mark: Any) -> bool:
    return local_name(mark) == "strike" and value_of(mark, "val") not in ("0", "false")


_BUILT_IN = {"9": "0%", "10": "0.00%", "2": "0.00", "4": "#,##0.00", "3": "#,##0"}
_SAYS_MORE = re.compile(r"%|[€$£¥]|\[\$|0\.0|#,##0|\"[^\"]+\"|(?<![\w\"])0{2,}(?!\w)")
_CURRENCY = re.compile(r"\[\$([^\[\]-]{0,20})(?:-[^\[\]]{0,20})?\]|([€$£¥])|\"([^\"]{1,20})\"")
_PLACES = re.compile(r"0\.(0+)")
_NUMBER = re.compile(r"[#0?][#0?,]*(?:\.[#0?]+)?")
_SCIENTIFIC = re.compile(r"0E[+-]")
_LEADING_ZEROS = re.compile(r"0{2,}")


def number_shown(value: float, code: str) -> str:
    """Only what changes the meaning: percent, currency or unit, decimals, thousands, zeros."""
    code = code.split(";")[0]
    found = _NUMBER.search(code)
    if not found or _SCIENTIFIC.search(code):
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
