"""Presentations of PowerPoint: each slide is a page with its title, text, tables and notes."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER

from workers.ingest.formats.archive import local_name, note_properties, opened
from workers.ingest.formats.document import (
    NO_TEXT,
    OTHER_FORMAT,
    About,
    Block,
    Caption,
    DocumentUnreadable,
    Item,
    Paragraph,
    Row,
    is_said,
    one_line,
    table,
)
from workers.ingest.formats.text import heading

_TITLES = (PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE, PP_PLACEHOLDER.VERTICAL_TITLE)
_LISTS = (PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY)
_ON_EACH = (PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER)
_OF_A_TEMPLATE = datetime(2013, 1, 27, 9, 15, 58, tzinfo=UTC)
"""Of python-pptx: programs that write with it often leave it as it is."""
_FILE_NAME = re.compile(r"[\w\s-]+\.\w{3,4}")
_BREAK = re.compile(r"[\v\n]")


def read_slides(content: bytes, about: About) -> Iterator[Block]:
    """What is shown: slides that are hidden are left out. A text of the speaker follows its slide.

    python-pptx opens no entity and no link.
    """
    with opened(content) as archive:
        if "ppt/presentation.xml" not in archive.NameToInfo:
            raise DocumentUnreadable(OTHER_FORMAT)
        note_properties(archive, about)
    if about.updated_at == _OF_A_TEMPLATE:
        about.updated_at = None
    slides = list(Presentation(io.BytesIO(content)).slides)
    about.pages = len(slides)
    has_text = False
    for page, slide in enumerate(slides, start=1):
        if slide.element.get("show") in ("0", "false"):
            continue
        for block in _slide(slide, page, about):
            has_text = True
            yield block
    if slides and not has_text:
        raise DocumentUnreadable(NO_TEXT)


def _slide(slide: Any, page: int, about: About) -> Iterator[Block]:
    shapes = list(_shapes(slide.shapes))
    for shape in shapes:
        if _placeholder(shape) in _TITLES and (title := one_line(_text_of(shape))):
            about.titles.append(title)
            yield heading(title, 1, page=page)
    for shape in shapes:
        if _placeholder(shape) not in (*_TITLES, *_ON_EACH):
            yield from _shape(shape, page)
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame):
        for line in frame.text.split("\n"):
            yield Paragraph(_BREAK.sub("\n", line), page=page)


def _shapes(shapes: Any) -> Iterator[Any]:
    """All shapes, those of groups in their place."""
    waiting = [iter(shapes)]
    while waiting:
        shape = next(waiting[-1], None)
        if shape is None:
            waiting.pop()
        elif hasattr(shape, "shapes"):
            waiting.append(iter(shape.shapes))
        else:
            yield shape


def _placeholder(shape: Any) -> Any:
    return shape.placeholder_format.type if shape.is_placeholder else None


def _text_of(shape: Any) -> str:
    return str(shape.text_frame.text) if shape.has_text_frame else ""


def _shape(shape: Any, page: int) -> Iterator[Block]:
    if getattr(shape, "has_table", False):
        yield from _table(shape.table, page)
    elif getattr(shape, "has_chart", False):
        yield from _chart(shape.chart, page)
    elif shape.has_text_frame:
        yield from _paragraphs(shape, page)
    else:
        words = one_line(shape._element._nvXxPr.cNvPr.get("descr") or "")
        if is_said(words) and not _FILE_NAME.fullmatch(words):
            yield Caption(words, page=page)


def _paragraphs(shape: Any, page: int) -> Iterator[Block]:
    """Of a list's placeholder each paragraph is an item, unless it says that it has no bullet."""
    paragraphs = [one for one in shape.text_frame.paragraphs if one.text.strip()]
    is_list = _placeholder(shape) in _LISTS and len(paragraphs) > 1
    numbers: dict[int, int] = {}
    for paragraph in paragraphs:
        text, depth = _BREAK.sub("\n", paragraph.text), int(paragraph.level)
        bullet = _bullet(paragraph)
        numbers = {level: number for level, number in numbers.items() if level <= depth}
        if bullet == "buAutoNum":
            numbers[depth] = numbers.get(depth, 0) + 1
            yield Item(text, depth, f"{numbers[depth]}.", page=page)
        elif bullet in ("buChar", "buBlip") or (bullet != "buNone" and (is_list or depth)):
            yield Item(text, depth, page=page)
        else:
            numbers = {}
            yield Paragraph(text, page=page)


def _bullet(paragraph: Any) -> str:
    marks = paragraph._p.pPr
    names = map(local_name, () if marks is None else marks)
    return next((one for one in names if one in _BULLETS), "")


_BULLETS = ("buNone", "buChar", "buAutoNum", "buBlip")


def _table(shown: Any, page: int) -> Iterator[Block]:
    """A cell over several rows stands in each of them."""
    rows: list[list[str]] = []
    for row in shown.rows:
        cells: list[str] = []
        for at, cell in enumerate(row.cells):
            is_below = cell.is_spanned and cell._tc.vMerge and rows and at < len(rows[-1])
            cells.append(rows[-1][at] if is_below else one_line(cell.text))
        rows.append(cells)
    yield from table(rows, header=1 if shown.first_row else 0, page=page)


def _chart(chart: Any, page: int) -> Iterator[Block]:
    """The figures behind a chart, by category."""
    named = chart.has_title and chart.chart_title.has_text_frame
    caption = one_line(chart.chart_title.text_frame.text) if named else ""
    for plot in chart.plots:
        series = list(plot.series)
        columns = ("", *(one_line(str(one.name)) for one in series))
        for at, category in enumerate(plot.categories):
            values = (one.values[at] if at < len(one.values) else None for one in series)
            shown = ("" if value is None else f"{value:.12g}" for value in values)
            yield Row((one_line(str(category)), *shown), columns, caption, page=page)
