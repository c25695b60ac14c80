"""Workbooks of Excel and OpenDocument: the tables of each sheet that is shown."""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from workers.ingest.formats.archive import member, note_properties, opened
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
from workers.ingest.formats.excel import MOST_CELLS, Looks
from workers.ingest.formats.ods import Sheet, sheets_of_ods
from workers.ingest.formats.text import has_header

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_MOST_TITLES = 3
"""Lines above a table that may be its titles; those before them are text."""
_LONGEST_CAPTION = 200
_UNNAMED = re.compile(r"(?i)(?:sheet|tabelle|feuille?|hoja|foglio|blad|planilha|arkusz)\s*\d*")


def read_sheets(content: bytes, about: About) -> Iterator[Block]:
    """Each table's rows with their column names. What is hidden or struck out is left out."""
    if not content.startswith((_ZIP, _OLE)):
        raise DocumentUnreadable(OTHER_FORMAT)
    with _panic_as_error():
        yield from _tables(list(_sheets(content, about)), about)


@contextmanager
def _panic_as_error() -> Iterator[None]:
    """A damaged workbook makes calamine panic: its exception is none that others catch."""
    try:
        yield
    except Exception:
        raise
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError("calamine panicked") from None


def _tables(shown: Sequence[Sheet], about: About) -> Iterator[Block]:
    left_out = 0
    for number, sheet in enumerate(shown):
        if sheet.is_too_large:
            left_out += 1
            about.missing = not_read(
                f"{left_out} {'sheet was' if left_out == 1 else 'sheets were'}", UNPACKS_TOO_LARGE
            )
            continue
        said = "" if _UNNAMED.fullmatch(sheet.name.strip()) else one_line(sheet.name)
        if said and len(shown) > 1:
            yield Heading(said)
        yield from _sheet(sheet.rows, said, about if number == 0 else About())


def _sheets(content: bytes, about: About) -> Iterator[Sheet]:
    looks = Looks()
    if content.startswith(_ZIP):
        with opened(content) as archive:
            note_properties(archive, about)
            if "META-INF/manifest.xml" in archive.NameToInfo:
                _refuse_password(archive)
            if "content.xml" in archive.NameToInfo:
                yield from sheets_of_ods(archive)
                return
            looks = Looks.of(archive)
    elif "EncryptedPackage".encode("utf-16-le") in content:
        raise DocumentUnreadable(ENCRYPTED)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    except PasswordError:
        raise DocumentUnreadable(ENCRYPTED) from None
    for sheet in workbook.sheets_metadata:
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet:
            is_too_large = looks.is_too_large(sheet.name)
            rows = iter(()) if is_too_large else _rows_shown(workbook, sheet.name, looks)
            yield Sheet(sheet.name, rows, is_too_large)


def _refuse_password(archive: zipfile.ZipFile) -> None:
    if b"encryption-data" in member(archive, "META-INF/manifest.xml"):
        raise DocumentUnreadable(ENCRYPTED)


def _rows_shown(workbook: CalamineWorkbook, name: str, looks: Looks) -> Iterator[list[str]]:
    """Rows of text, the empty ones as well; a cell over several rows stands in each of them."""
    sheet = workbook.get_sheet_by_name(name)
    if sheet.height * sheet.width > MOST_CELLS:  # in binary formats this is known only here
        raise DocumentUnreadable(UNPACKS_TOO_LARGE)
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
        if not looks.hides_row(name, row):
            yield cells


_MOST_MERGED = 20_000


# -- tables --------------------------------------------------------------------------------------


def _sheet(rows: Iterator[list[str]], name: str, about: About) -> Iterator[Block]:
    """The tables of a sheet: a new one begins below an empty row where it has titles or names."""
    names: tuple[str, ...] = ()
    caption = name
    above: list[str] = []
    for group in (part for one in _groups(rows) for part in _side_by_side(one)):
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


def _side_by_side(group: list[list[str]]) -> Iterator[list[list[str]]]:
    """Tables beside each other, with an empty column between them, one after the other.

    One table may have an empty column, too: two have names each, and differ in their lengths or
    have the same names.
    """
    width = max(map(len, group))
    if width > _WIDEST:
        yield group
        return
    group = [[*row, *[""] * (width - len(row))] for row in group]
    filled = [any(row[at] for row in group) for at in range(width)]
    for at in range(2, width - 2):
        if filled[at] or not filled[at + 1] or not any(filled[:at]):
            continue
        left, right = [row[:at] for row in group], [row[at + 1 :] for row in group]
        if _are_two_tables(left, right):
            yield [row for row in left if any(row)]
            yield from _side_by_side([row for row in right if any(row)])
            return
    yield group


_WIDEST = 60
"""Columns of tables that stand beside each other."""


def _are_two_tables(left: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> bool:
    sides = [_filled_columns([row for row in side if any(row)]) for side in (left, right)]
    if not all(len(side) > 1 and has_header(side) for side in sides):
        return False
    return sides[0][0] == sides[1][0] or any(
        any(one) != any(other) for one, other in zip(left, right, strict=True)
    )


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
