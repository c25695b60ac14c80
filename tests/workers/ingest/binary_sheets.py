"""Workbooks in Excel's binary formats, written for tests: XLS (BIFF8 in OLE2) and XLSB."""

import struct
from collections.abc import Iterator, Sequence

from tests.workers.ingest.office import zipped

Cells = Sequence[Sequence[str | float]]

_SECTOR = 512
_END, _FAT, _FREE = 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF


def xls(sheets: dict[str, Cells], *, hidden: Sequence[str] = ()) -> bytes:
    """Sheets of Excel 97; a figure of 40,000 and more is a date."""
    streams = [b"".join(_biff_sheet(cells)) for cells in sheets.values()]
    names = [
        (struct.pack("<BB", name in hidden, 0) + struct.pack("<BB", len(name), 0) + name.encode())
        for name in sheets
    ]
    head = _record(0x0809, struct.pack("<HHHHII", 0x0600, 5, 0, 1997, 0, 6))
    head += _record(0x0042, struct.pack("<H", 1200)) + _record(0x0022, b"\0\0")
    head += b"".join(_record(0x00E0, struct.pack("<HH16x", 0, look)) for look in (0, 14))
    at = len(head) + sum(8 + len(name) for name in names) + 4
    for name, stream in zip(names, streams, strict=True):
        head += _record(0x0085, struct.pack("<I", at) + name)
        at += len(stream)
    return _ole(head + _record(0x000A, b"") + b"".join(streams))


def _biff_sheet(cells: Cells) -> Iterator[bytes]:
    yield _record(0x0809, struct.pack("<HHHHII", 0x0600, 16, 0, 1997, 0, 6))
    for row, values in enumerate(cells):
        for column, value in enumerate(values):
            place = struct.pack("<HHH", row, column, isinstance(value, int) and value >= 40_000)
            if isinstance(value, str):
                said = value.encode("utf-16-le")
                yield _record(0x0204, place + struct.pack("<HB", len(said) // 2, 1) + said)
            else:
                yield _record(0x0203, place + struct.pack("<d", value))
    yield _record(0x000A, b"")


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _ole(stream: bytes) -> bytes:
    """A compound file of one stream "Workbook"; one of 4,096 bytes or more has sectors."""
    stream = stream.ljust(-(-max(len(stream), 4096) // _SECTOR) * _SECTOR, b"\0")
    count = len(stream) // _SECTOR
    fat = [_FAT, _END, *range(3, 2 + count), _END]
    fat += [_FREE] * (_SECTOR // 4 - len(fat))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack(
        "<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, _END, 0, _END, 0
    )
    header += struct.pack("<109I", 0, *[_FREE] * 108)
    entries = _entry("Root Entry", 5, 1, _END, 0) + _entry("Workbook", 2, _FREE, 2, len(stream))
    return header + struct.pack("<128I", *fat) + entries.ljust(_SECTOR, b"\0") + stream


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    said = name.encode("utf-16-le")
    entry = said.ljust(64, b"\0") + struct.pack("<HBB", len(said) + 2, kind, 1)
    entry += struct.pack("<III", _FREE, _FREE, child) + bytes(36)
    return entry + struct.pack("<IQ", start, size)


def xlsb(sheets: dict[str, Cells], *, hidden: Sequence[str] = ()) -> bytes:
    members: dict[str, str | bytes] = {}
    relations, names = "", b""
    for number, (name, cells) in enumerate(sheets.items(), start=1):
        members[f"xl/worksheets/sheet{number}.bin"] = b"".join(_xlsb_sheet(cells))
        relations += (
            f'<Relationship Id="rId{number}" Target="worksheets/sheet{number}.bin" Type="http://'
            'schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/>'
        )
        place = struct.pack("<II", name in hidden, number)
        names += _part(0x9C, place + _wide(f"rId{number}") + _wide(name))
    members["xl/workbook.bin"] = (
        _part(0x83, b"") + _part(0x8F, b"") + names + _part(0x90, b"") + _part(0x84, b"")
    )
    members["xl/_rels/workbook.bin.rels"] = f"<Relationships>{relations}</Relationships>"
    return zipped(members)


def _xlsb_sheet(cells: Cells) -> Iterator[bytes]:
    yield _part(0x81, b"")
    width = max(map(len, cells))
    yield _part(0x94, struct.pack("<IIII", 0, len(cells) - 1, 0, width - 1))
    yield _part(0x91, b"")
    for row, values in enumerate(cells):
        yield _part(0x00, struct.pack("<IIHHBI", row, 0, 300, 0, 0, 0))
        for column, value in enumerate(values):
            place = struct.pack("<II", column, 0)
            if isinstance(value, str):
                yield _part(0x06, place + _wide(value))
            else:
                yield _part(0x05, place + struct.pack("<d", value))
    yield _part(0x92, b"") + _part(0x82, b"")


def _wide(text: str) -> bytes:
    said = text.encode("utf-16-le")
    return struct.pack("<I", len(said) // 2) + said


def _part(kind: int, content: bytes) -> bytes:
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size = len(content)
    assert size < 1 << 14
    length = bytes([size]) if size < 0x80 else bytes([size & 0x7F | 0x80, size >> 7])
    return head + length + content
