"""Presentations of PowerPoint: each slide is a page with its title, text, tables and notes."""

import io
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER

from workers.ingest.formats.archive import (
    local_name,
    note_properties,
    opened,
    parsed_xml,
    value_of,
)
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
from workers.ingest.formats.excel import number_shown
from workers.ingest.formats.slide_text import largest_letters, paragraphs, text_of
from workers.ingest.formats.text import heading, is_title, noted

_TITLES = (PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE, PP_PLACEHOLDER.VERTICAL_TITLE)
_LISTS = (PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY)
_ON_EACH = (PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER)
_OF_A_TEMPLATE = datetime(2013, 1, 27, 9, 15, 58, tzinfo=UTC)
"""Of python-pptx: programs that write with it often leave it as it is."""
_FILE_NAME = re.compile(r"[\w\s-]+\.\w{3,4}")
_MOST_DEEP = 9


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
    _open_alternatives(slide.element)
    shapes = [one for one in _shapes(slide.shapes) if not _is_hidden(one)]
    titles = [one for one in shapes if _placeholder(one) in _TITLES and _text_of(one).strip()]
    titles = titles or _largest(shapes)
    blocks: list[Block] = []
    for shape in titles:
        title = one_line(_text_of(shape))
        about.titles.append(title)
        blocks.append(heading(title, 1, page=page))
    for shape in shapes:
        if shape not in titles and _placeholder(shape) not in _ON_EACH:
            blocks += _shape(shape, page)
    yield from noted(blocks, {})
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame):
        for text in text_of(frame._txBody).split("\n"):
            yield Paragraph(text, page=page)


def _open_alternatives(slide: Any) -> None:
    """Put what newer versions of PowerPoint show in the place of its choices."""
    for choices in [one for one in slide.iter() if local_name(one) == "AlternateContent"]:
        chosen = next((one for one in choices if local_name(one) == "Choice"), None)
        parent = choices.getparent()
        if chosen is not None and parent is not None:
            at = parent.index(choices)
            parent[at : at + 1] = list(chosen)


def _shapes(shapes: Any) -> Iterator[Any]:
    """All shapes, those of groups in their place."""
    waiting = [iter(shapes)]
    while waiting:
        shape = next(waiting[-1], None)
        if shape is None:
            waiting.pop()
        elif hasattr(shape, "shapes"):
            if not _is_hidden(shape):
                waiting.append(iter(shape.shapes))
        else:
            yield shape


def _is_hidden(shape: Any) -> bool:
    properties = next((one for one in shape.element.iter() if local_name(one) == "cNvPr"), None)
    return properties is not None and value_of(properties, "hidden") in ("1", "true")


def _placeholder(shape: Any) -> Any:
    return shape.placeholder_format.type if shape.is_placeholder else None


def _text_of(shape: Any) -> str:
    return text_of(shape.text_frame._txBody) if shape.has_text_frame else ""


def _largest(shapes: Sequence[Any]) -> list[Any]:
    """The title of a slide that has no place for one: the only line in the largest letters."""
    texts = [one for one in shapes if _text_of(one).strip()]
    sizes = [largest_letters(one) for one in texts]
    most = max(sizes, default=0)
    if sizes.count(most) != 1 or len(texts) < 2 or not most:
        return []
    found = texts[sizes.index(most)]
    text = _text_of(found).strip()
    others = [one.top or 0 for one in texts if one is not found]
    is_above = (found.top or 0) <= min(others, default=0)
    return [found] if is_above and "\n" not in text and is_title(text) else []


def _shape(shape: Any, page: int) -> Iterator[Block]:
    if getattr(shape, "has_table", False):
        yield from _table(shape.table, page)
    elif getattr(shape, "has_chart", False):
        yield from _chart(shape.chart, page)
    elif shape.has_text_frame:
        yield from paragraphs(shape, page, is_list=_placeholder(shape) in _LISTS)
    elif (diagram := _diagram(shape)) is not None:
        yield from _points(diagram, page)
    else:
        words = one_line(shape._element._nvXxPr.cNvPr.get("descr") or "")
        if is_said(words) and not _FILE_NAME.fullmatch(words):
            yield Caption(words, page=page)


# -- tables ---------------------------------------------------------------------------------------


def _table(shown: Any, page: int) -> Iterator[Block]:
    """A cell over several rows stands in each of them; a name over several columns in each."""
    rows: list[list[str]] = []
    wide: list[bool] = []
    header = 1 if shown.first_row else 0
    for row in shown.rows:
        cells: list[str] = []
        has_names = len(rows) < header
        for at, cell in enumerate(row.cells):
            text = one_line(text_of(cell._tc.txBody)) if cell._tc.txBody is not None else ""
            is_below = cell.is_spanned and cell._tc.vMerge and rows and at < len(rows[-1])
            if is_below:
                text = rows[-1][at]
            elif cell.is_spanned and has_names and cells:
                text = cells[-1]
            cells.append(text)
        wide.append(any(cell._tc.gridSpan > 1 for cell in row.cells))
        if has_names and wide[-1] and len(rows) + 1 < len(shown.rows):
            header = min(header + 1, 3)  # names of groups, above those of their columns
        rows.append(cells)
    caption = ""
    if header > 1 and len({*rows[0]}) == 1:
        caption, rows, header = rows[0][0], rows[1:], header - 1
    yield from table(rows, header=header, caption=caption, page=page)


# -- charts and diagrams --------------------------------------------------------------------------


def _chart(chart: Any, page: int) -> Iterator[Block]:
    """The figures behind a chart, by category, as it shows them."""
    named = chart.has_title and chart.chart_title.has_text_frame
    caption = one_line(chart.chart_title.text_frame.text) if named else ""
    for plot in chart.plots:
        series = list(plot.series)
        categories = list(plot.categories)
        if not categories:
            for one in series:
                yield from _places(one, caption, page)
            continue
        columns = ("", *(one_line(str(one.name)) for one in series))
        figures = [[_figure(value, one) for value in one.values] for one in series]
        for at, category in enumerate(categories):
            cells = (own[at] if at < len(own) else "" for own in figures)
            yield Row((one_line(str(category)), *cells), columns, caption, page=page)


def _places(series: Any, caption: str, page: int) -> Iterator[Block]:
    """Of a chart without categories: pairs of figures."""
    across = [
        one.text or ""
        for values in series._element.iter()
        if local_name(values) == "xVal"
        for one in values.iter()
        if local_name(one) == "v"
    ]
    for x, value in zip(across, series.iter_values(), strict=False):
        yield Row((x, _figure(value, series)), ("", one_line(str(series.name))), caption, page=page)


def _figure(value: float | None, series: Any) -> str:
    if value is None:
        return ""
    formats = (
        one.text or ""
        for values in series._element.iter()
        if local_name(values) in ("val", "yVal")
        for one in values.iter()
        if local_name(one) == "formatCode"
    )
    return number_shown(value, next(formats, ""))


def _diagram(shape: Any) -> Any:
    """The XML of a diagram (SmartArt), which PowerPoint keeps in a part of its own; else None."""
    for element in shape.element.iter():
        if local_name(element) == "relIds":
            name = value_of(element, "dm")
            if name in shape.part.rels and not shape.part.rels[name].is_external:
                return parsed_xml(shape.part.rels[name].target_part.blob)
    return None


def _points(diagram: Any, page: int) -> Iterator[Block]:
    """The texts of a diagram, each below the one that it belongs to."""
    texts: dict[str, str] = {}
    within: dict[str, list[tuple[int, str]]] = {}
    children: set[str] = set()
    for element in diagram.iter():
        if local_name(element) == "pt":
            bodies = (one for one in element if local_name(one) == "t")
            texts[value_of(element, "modelId")] = "; ".join(
                text_of(body).replace("\n", "; ") for body in bodies
            )
        elif local_name(element) == "cxn" and value_of(element, "type") in ("", "parOf"):
            order = value_of(element, "srcOrd")
            place = int(order) if order.isdecimal() and len(order) < 7 else 0
            within.setdefault(value_of(element, "srcId"), []).append(
                (place, value_of(element, "destId"))
            )
            children.add(value_of(element, "destId"))
    waiting = [(0, name) for name in reversed([one for one in texts if one not in children])]
    seen: set[str] = set()
    while waiting:
        depth, name = waiting.pop()
        if name in seen or name not in texts:
            continue
        seen.add(name)
        if text := texts[name]:
            yield Item(text, min(depth, _MOST_DEEP), page=page)
        inner = sorted(within.get(name, []), reverse=True)
        waiting += [(depth + bool(text), one) for _, one in inner]
