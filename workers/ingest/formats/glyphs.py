"""The words of a PDF's page with their places, from PDFium: text, filled-in form fields, looks."""

import ctypes
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium

from workers.ingest.formats.ruled import Cell, grid_of

_MONO = re.compile(r"(?i)mono|courier|consol|menlo|typewriter|code")
_HEAVY = re.compile(r"(?i)bold|black|heavy|semibold|demi")
_FIXED_PITCH = 1
_HYPHENS = "\x02\ufffe\xad"
"""What PDFium gives for a hyphen at the end of a line."""
_LIGATURES = str.maketrans(
    dict(zip("ﬀﬁﬂﬃﬄﬅﬆ", ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True))
)
_CHECKBOX, _RADIO, _COMBO, _LIST, _TEXT = 2, 3, 4, 5, 6


@dataclass(slots=True)
class Word:
    """A word on a page whose y grows upwards; turned so that it runs from left to right."""

    text: str
    left: float
    right: float
    y: float
    """Of its base line."""
    size: float
    is_bold: bool = False
    is_mono: bool = False
    is_field: bool = False
    """What somebody filled into a form."""
    cell: Cell | None = None
    """Of a table that is drawn with lines."""


def words_of(page: pypdfium2.PdfPage, form: pypdfium2.PdfFormEnv | None) -> list[Word]:
    """In the order of the file. Of a page with text in several directions the main one's."""
    text_page = page.get_textpage()
    try:
        found = list(_words(text_page))
    finally:
        text_page.close()
    turns = Counter(turn for turn, word in found for _ in word.text)
    main = turns.most_common(1)[0][0] if turns else 0
    words = [word for turn, word in found if turn == main]
    if main == 0 and (grid := grid_of(page)):
        for word in words:
            word.cell = grid.cell((word.left + word.right) / 2, word.y + 0.3 * word.size)
    return [*words, *_fields(page, form)] if form else words


@dataclass(slots=True)
class _Letter:
    text: str
    left: float
    right: float
    y: float
    size: float
    turn: int


_ASKEW = 9
"""The turn of letters that run neither across nor along the page, such as a watermark's."""


def _words(text_page: pypdfium2.PdfTextPage) -> Iterator[tuple[int, Word]]:
    """Words with how many quarters of a turn they are turned by."""
    raw = text_page.raw
    held: list[_Letter] = []
    first = 0
    for at in range(text_page.count_chars()):
        letter = _letter(raw, at)
        if held and (letter is None or _is_apart(held[-1], letter)):
            yield held[0].turn, _word(raw, first, held)
            held = []
        if letter is not None:
            first = first if held else at
            held.append(letter)
    if held:
        yield held[0].turn, _word(raw, first, held)


_BOX = pdfium.FS_RECTF()
_X, _Y = ctypes.c_double(), ctypes.c_double()


def _letter(raw: pdfium.FPDF_TEXTPAGE, at: int) -> _Letter | None:
    """None between words. Places are turned so that the letter's line runs from left to right."""
    code = pdfium.FPDFText_GetUnicode(raw, at)
    text = chr(code) if code < 0xD800 or 0xE000 <= code <= 0x10FFFF else "\ufffd"
    if (
        text.isspace()
        or text == "\x00"
        or (text not in _HYPHENS and pdfium.FPDFText_IsGenerated(raw, at) == 1)
    ):
        return None
    pdfium.FPDFText_GetLooseCharBox(raw, at, _BOX)
    pdfium.FPDFText_GetCharOrigin(raw, at, _X, _Y)
    exact = pdfium.FPDFText_GetCharAngle(raw, at) / (math.pi / 2)
    turn = round(exact)
    if abs(exact - turn) > _STRAIGHT:
        turn = _ASKEW
    cos, sin = _COS_SIN.get(turn % 4 if turn != _ASKEW else 0, (1, 0))
    one, two = _BOX.left * cos + _BOX.bottom * sin, _BOX.right * cos + _BOX.top * sin
    height = abs(_BOX.right - _BOX.left) if sin else abs(_BOX.top - _BOX.bottom)
    y = _Y.value * cos - _X.value * sin
    return _Letter(
        text, min(one, two), max(one, two), y, height, turn if turn == _ASKEW else turn % 4
    )


_STRAIGHT = 0.05
_COS_SIN = {0: (1, 0), 1: (0, -1), 2: (-1, 0), 3: (0, 1)}  # PDFium counts clockwise


def runs_left(text: str) -> bool:
    """Whether it is written from right to left, as Arabic and Hebrew are."""
    return unicodedata.bidirectional(text[0]) in ("R", "AL")


def _is_apart(before: _Letter, letter: _Letter) -> bool:
    size = max(before.size, letter.size, 1)
    gap = letter.left - before.right
    if letter.left < before.left and (runs_left(letter.text) or runs_left(before.text)):
        gap = before.left - letter.right
    return (
        before.turn != letter.turn
        or gap > 0.22 * size
        or gap < -0.6 * size
        or abs(letter.y - before.y) > 0.15 * size
        or abs(letter.size - before.size) > 0.25 * size
    )


def _word(raw: pdfium.FPDF_TEXTPAGE, first: int, letters: list[_Letter]) -> Word:
    text = "".join("-" if one.text in _HYPHENS else one.text for one in letters)
    is_bold, is_mono = _look(raw, first)
    size = round(sorted(one.size for one in letters)[len(letters) // 2], 1)
    left, right = min(one.left for one in letters), max(one.right for one in letters)
    return Word(text.translate(_LIGATURES), left, right, letters[0].y, size, is_bold, is_mono)


def _look(raw: pdfium.FPDF_TEXTPAGE, at: int) -> tuple[bool, bool]:
    name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(raw, at, name, 128, flags)
    font = name.value.decode("utf-8", "replace")
    is_bold = bool(_HEAVY.search(font)) or pdfium.FPDFText_GetFontWeight(raw, at) >= 600
    return is_bold, bool(_MONO.search(font)) or bool(flags.value & _FIXED_PITCH)


# -- forms ------------------------------------------------------------------------------------


def _fields(page: pypdfium2.PdfPage, form: pypdfium2.PdfFormEnv) -> Iterator[Word]:
    """What is filled into the fields of a form, as words where it is seen."""
    for at in range(pdfium.FPDFPage_GetAnnotCount(page.raw)):
        annotation = pdfium.FPDFPage_GetAnnot(page.raw, at)
        if not annotation:
            continue
        try:
            if pdfium.FPDFAnnot_GetSubtype(annotation) == pdfium.FPDF_ANNOT_WIDGET:
                yield from _field(form, annotation)
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)


def _field(form: pypdfium2.PdfFormEnv, annotation: pdfium.FPDF_ANNOTATION) -> Iterator[Word]:
    kind = pdfium.FPDFAnnot_GetFormFieldType(form.raw, annotation)
    if kind in (_CHECKBOX, _RADIO):
        value = "[x]" if pdfium.FPDFAnnot_IsChecked(form.raw, annotation) else "[ ]"
    elif kind in (_COMBO, _LIST, _TEXT):
        value = _value(form, annotation)
    else:
        return
    box = pdfium.FS_RECTF()
    if not value.strip() or not pdfium.FPDFAnnot_GetRect(annotation, box):
        return
    top, bottom = max(box.top, box.bottom), min(box.top, box.bottom)
    lines = value.split("\n")
    height = (top - bottom) / len(lines)
    size = min(height, 14)
    for number, line in enumerate(lines):
        y = bottom + (height - 0.7 * size) / 2 if len(lines) == 1 else top - (number + 0.8) * height
        yield Word(line.strip(), box.left, box.right, y, size, is_field=True)


def _value(form: pypdfium2.PdfFormEnv, annotation: pdfium.FPDF_ANNOTATION) -> str:
    size = pdfium.FPDFAnnot_GetFormFieldValue(form.raw, annotation, None, 0)
    if not 2 < size < 1_000_000:
        return ""
    buffer = ctypes.create_string_buffer(size)
    pdfium.FPDFAnnot_GetFormFieldValue(
        form.raw, annotation, ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), size
    )
    return buffer.raw[:size].decode("utf-16-le", "replace").rstrip("\x00").replace("\r", "\n")
