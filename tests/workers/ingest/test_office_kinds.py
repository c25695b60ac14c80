"""Presentations, workbooks and documents as people write them: one test for each kind of fault."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]
from lxml import etree  # type: ignore[import-untyped]
from pptx import Presentation
from pptx.util import Inches, Pt

from tests.workers.ingest.binary_sheets import xls, xlsb
from tests.workers.ingest.files import read
from tests.workers.ingest.office import _ODF, ods, odt, zipped
from workers.ingest.formats.document import Heading, Item, Paragraph, Row

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"


def texts(folder: Path, name: str, content: bytes | str) -> list[str]:
    return [block.text for block in read(folder, name, content).blocks]


# Presentations


def _saved(show: Any) -> bytes:
    content = io.BytesIO()
    show.save(content)
    return content.getvalue()


def _box(slide: Any, top: int, text: str, size: int = 18) -> Any:
    shape = slide.shapes.add_textbox(Inches(1), Inches(top), Inches(4), Inches(1))
    shape.text_frame.text = text
    for paragraph in shape.text_frame.paragraphs:
        paragraph.runs[0].font.size = Pt(size)
    return shape


def _run(paragraph: Any, text: str, **look: str) -> None:
    run = paragraph.add_run()
    run.text = text
    for name, value in look.items():
        run._r.get_or_add_rPr().set(name, value)


def test_what_is_struck_out_raised_or_hidden_on_a_slide(tmp_path: Path) -> None:
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[6])
    first = _box(slide, 1, "Hotels cost").text_frame.paragraphs[0]
    _run(first, " 140 EUR", strike="sngStrike")
    _run(first, " 160")
    _run(first, "1", baseline="30000")
    _run(first, " EUR, 10")
    _run(first, "6", baseline="30000")
    _run(first, " beds.")
    note = _box(slide, 2, "x").text_frame.paragraphs[0]
    note.runs[0].text = ""
    _run(note, "1", baseline="30000")
    _run(note, " Not in Zurich.")
    _box(slide, 3, "nobody sees this")._element.nvSpPr.cNvPr.set("hidden", "1")
    assert texts(tmp_path, "a.pptx", _saved(show)) == [
        "Hotels cost 160[1] EUR, 10^6 beds [1: Not in Zurich]."
    ]


def test_the_largest_line_of_a_slide_without_a_title_is_its_title(tmp_path: Path) -> None:
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[6])
    _box(slide, 3, "• bring your badge\n2) sign here")
    _box(slide, 0, "Lockers and keys", 36)
    show.core_properties.title = "PowerPoint-Präsentation"
    parsed = read(tmp_path, "a.pptx", _saved(show))
    assert parsed.title == "Lockers and keys"
    assert parsed.blocks == (Item("bring your badge", page=1), Item("sign here", 0, "2)", page=1))


def test_a_list_on_a_slide_is_counted_as_it_is_shown(tmp_path: Path) -> None:
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[1])
    frame: Any = slide.placeholders[1]
    forms = (
        ("alphaLcParenR", ""),
        ("alphaLcParenR", ""),
        ("romanUcPeriod", ""),
        ("arabicPlain", "5"),
    )
    for at, (form, start) in enumerate(forms):
        paragraph = frame.text_frame.paragraphs[0] if not at else frame.text_frame.add_paragraph()
        paragraph.text = f"step {at}"
        number = etree.SubElement(paragraph._p.get_or_add_pPr(), f"{_A}buAutoNum", type=form)
        number.attrib.update({"startAt": start} if start else {})
    marks = [
        block.mark
        for block in read(tmp_path, "a.pptx", _saved(show)).blocks
        if isinstance(block, Item)
    ]
    assert marks == ["a)", "b)", "I.", "5."]


def test_names_over_several_columns_of_a_slides_table(tmp_path: Path) -> None:
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[6])
    grid = slide.shapes.add_table(3, 3, 0, 0, 99, 99).table
    for row, cells in enumerate(
        (("", "2026", ""), ("City", "Hotel", "Meals"), ("Oslo", "190", "40"))
    ):
        for column, text in enumerate(cells):
            grid.cell(row, column).text = text
    grid.cell(0, 1).merge(grid.cell(0, 2))
    assert texts(tmp_path, "a.pptx", _saved(show)) == [
        "City: Oslo; 2026 > Hotel: 190; 2026 > Meals: 40."
    ]


_DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"


def test_a_diagram_is_a_list_and_what_newer_versions_show_is_read(tmp_path: Path) -> None:
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[6])
    shape = _box(slide, 1, "As newer versions show it.")._element
    tree = shape.getparent()
    compatible = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
    choices = etree.SubElement(tree, f"{compatible}AlternateContent")
    etree.SubElement(choices, f"{compatible}Choice", Requires="a14").append(shape)
    from pptx.opc.package import Part  # noqa: PLC0415 - of this test alone
    from pptx.opc.packuri import PackURI  # noqa: PLC0415

    points = "".join(
        f'<d:pt modelId="{at}"><d:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></d:t></d:pt>'
        for at, text in enumerate(("", "Order", "by post", "Wait"))
    )
    lines = "".join(
        f'<d:cxn srcId="{above}" destId="{below}" srcOrd="{order}"/>'
        for above, below, order in ((0, 3, 1), (0, 1, 0), (1, 2, 0))
    )
    model = (
        f'<d:dataModel xmlns:d="{_DIAGRAM}" xmlns:a="{_A[1:-1]}"><d:ptLst>{points}</d:ptLst>'
        f"<d:cxnLst>{lines}</d:cxnLst></d:dataModel>"
    )
    part = Part(
        PackURI("/ppt/diagrams/data1.xml"), "application/xml", slide.part.package, model.encode()
    )
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/diagramData"
    name = slide.part.relate_to(part, kind)
    tree.append(
        etree.fromstring(
            '<p:graphicFrame xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
            f' xmlns:a="{_A[1:-1]}" xmlns:d="{_DIAGRAM}"'
            ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
            '<p:nvGraphicFramePr><p:cNvPr id="9" name=""/><p:cNvGraphicFramePr/><p:nvPr/>'
            f'</p:nvGraphicFramePr><a:graphic><a:graphicData uri="{_DIAGRAM}">'
            f'<d:relIds r:dm="{name}"/></a:graphicData></a:graphic></p:graphicFrame>',
            show.part._element.getroottree().parser,
        )
    )
    blocks = read(tmp_path, "a.pptx", _saved(show)).blocks
    assert blocks == (
        Paragraph("As newer versions show it.", page=1),
        Item("Order", page=1),
        Item("by post", 1, page=1),
        Item("Wait", page=1),
    )


# Workbooks


def _book(*, hidden: bool = False, filtered: bool = False) -> bytes:
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    look = {
        name: book.add_format({"num_format": name})
        for name in ("0.00E+00", "[h]:mm", "+0.0%;-0.0%")
    }
    struck = book.add_format({"font_strikeout": True})
    sheet = book.add_worksheet("Sheet1")
    sheet.write_row(0, 0, ["Item", "Share", "Secret", "Time", "Size"])
    for row, (item, share, size) in enumerate(
        (("Rent", -0.034, 0.00012), ("Food", 0.1, 2.5)), start=1
    ):
        sheet.write(row, 0, item)
        sheet.write(row, 1, share, look["+0.0%;-0.0%"])
        sheet.write(row, 2, "hidden words")
        sheet.write(row, 3, timedelta(hours=27, minutes=15), look["[h]:mm"])
        sheet.write(row, 4, size, look["0.00E+00"])
    sheet.write(3, 0, "Car")
    sheet.write(3, 1, "old", struck)
    sheet.write(3, 4, 3)
    if hidden:
        sheet.set_column(2, 2, None, None, {"hidden": True})
        sheet.set_row(2, None, None, {"hidden": True})
    if filtered:
        sheet.autofilter(0, 0, 3, 4)
        sheet.filter_column(0, "x == Rent")
    other = book.add_worksheet("Offices")
    other.write_row(0, 0, ["City", "Hotel", "", "Name", "Phone"])
    other.write_row(1, 0, ["Oslo", 190, "", "Ana", "030-1"])
    other.write_row(2, 0, ["Rome", 120])
    book.close()
    return content.getvalue()


def test_hidden_rows_and_columns_and_struck_out_cells_are_not_seen(tmp_path: Path) -> None:
    assert texts(tmp_path, "a.xlsx", _book(hidden=True))[:2] == [
        "Item: Rent; Share: -3.4%; Time: 27:15; Size: 0.00012.",
        "Item: Car; Size: 3.",
    ]
    filtered = texts(tmp_path, "a.xlsx", _book(hidden=True, filtered=True))
    assert filtered[1] == "Item: Food; Share: 10.0%; Time: 27:15; Size: 2.5."


def test_tables_beside_each_other_are_two_and_a_later_one_names_no_workbook(tmp_path: Path) -> None:
    parsed = read(tmp_path, "costs of 2026.xlsx", _book())
    assert parsed.title == "Costs of 2026"
    assert [block.text for block in parsed.blocks][-3:] == [
        "City: Oslo; Hotel: 190.",
        "City: Rome; Hotel: 120.",
        "Name: Ana; Phone: 030-1.",
    ]


@pytest.mark.parametrize(("name", "written"), [("a.xls", xls), ("a.xlsb", xlsb)])
def test_workbooks_in_binary_formats_are_read(tmp_path: Path, name: str, written: Any) -> None:
    rates = [["Rates of 2026"], ["City", "Limit"], ["Berlin", 140.0], ["Zürich", 190.5]]
    sheets = {"Rates": rates, "Secret": [["hidden", "words"]], "Keys": [["Key"], ["A1"]]}
    parsed = read(tmp_path, name, written(sheets, hidden=["Secret"]))
    assert parsed.title == "Rates of 2026"
    assert parsed.blocks == (
        Heading("Rates"),
        Row(("Berlin", "140"), ("City", "Limit"), "Rates of 2026"),
        Row(("Zürich", "190.5"), ("City", "Limit"), "Rates of 2026"),
        Heading("Keys"),
        Paragraph("Key"),
        Paragraph("A1"),
    )


def test_a_date_in_an_old_workbook_is_a_date(tmp_path: Path) -> None:
    assert texts(tmp_path, "a.xls", xls({"Sheet1": [["From", "Fee"], [46082, 5.0]]})) == [
        "From: 2026-03-01; Fee: 5."
    ]


def _cell(
    text: str, *, kind: str = "string", value: str = "", more: str = "", note: str = ""
) -> str:
    return (
        f'<table:table-cell office:value-type="{kind}"{value}{more}>{note}<text:p>{text}</text:p>'
        "</table:table-cell>"
    )


def test_a_cell_of_opendocument_is_what_it_shows(tmp_path: Path) -> None:
    note = "<office:annotation><text:p>a remark</text:p></office:annotation>"
    rows = (
        '<table:table-column/><table:table-column table:visibility="collapse"/>'
        "<table:table-row>" + "".join(map(_cell, ("Item", "Secret", "Price", "When")))
        + "</table:table-row><table:table-row>"
        + _cell("Hotel", more=' table:number-rows-spanned="2"') + _cell("hidden words")
        + _cell("1.200,00 €", kind="currency", value=' office:value="1200"', note=note)
        + _cell("1. März", kind="date", value=' office:date-value="2026-03-01"')
        + "</table:table-row><table:table-row><table:covered-table-cell/>" + _cell("hidden")
        + _cell("320<text:line-break/>with tax") + _cell("27:15", kind="time")
        + '</table:table-row><table:table-row table:visibility="collapse">' + _cell("gone")
        + _cell("x") + "</table:table-row>"
    )  # fmt: skip
    assert texts(tmp_path, "a.ods", ods(rows)) == [
        "Item: Hotel; Price: 1.200,00 €; When: 2026-03-01.",
        "Item: Hotel; Price: 320 with tax; When: 27:15.",
    ]


# Documents of OpenDocument


_LOOKS = """<style:style style:name="UP" style:family="text">
<style:text-properties style:text-position="super 58%"/></style:style>
<text:list-style style:name="L"><text:list-level-style-number text:level="1" style:num-format="1"
 style:num-suffix="."/><text:list-level-style-number text:level="2" style:num-format="1"
 text:display-levels="2"/></text:list-style>"""


def test_what_is_hidden_in_a_text_is_not_read_and_what_is_raised_stays_apart(
    tmp_path: Path,
) -> None:
    body = (
        '<text:p>10<text:span text:style-name="UP">6</text:span> rows in 30'
        '<text:span text:style-name="UP">1</text:span> days.</text:p>'
        '<text:p><text:span text:style-name="UP">1</text:span> Except in May.</text:p>'
        '<text:p><text:hidden-text text:is-hidden="true">hid</text:hidden-text>Seen.</text:p>'
        '<text:section text:display="none"><text:p>hidden too</text:p></text:section>'
    )
    assert texts(tmp_path, "a.odt", odt(body, styles=_LOOKS)) == [
        "10^6 rows in 30[1] days [1: Except in May].",
        "Seen.",
    ]


def test_lists_of_a_text_go_on_and_count_by_levels(tmp_path: Path) -> None:
    def item(text: str, inner: str = "") -> str:
        return f"<text:list-item><text:p>{text}</text:p>{inner}</text:list-item>"

    inner = f"<text:list>{item('one of two')}</text:list>"
    body = (
        f'<text:list text:style-name="L">{item("one")}{item("two", inner)}</text:list>'
        "<text:p>Between.</text:p>"
        f'<text:list text:style-name="L" text:continue-numbering="true">{item("three")}</text:list>'
        "<text:p>• typed</text:p>"
        '<text:p text:style-name="Preformatted_20_Text">ken load x</text:p>'
    )
    blocks = read(tmp_path, "a.odt", odt(body, styles=_LOOKS)).blocks
    marks = [(one.mark, one.text) for one in blocks if isinstance(one, Item)]
    assert marks == [
        ("1.", "one"),
        ("2.", "two"),
        ("2.1", "one of two"),
        ("3.", "three"),
        ("-", "typed"),
    ]
    assert blocks[-1].kind == "code"


def test_headings_of_a_text_have_their_numbers_and_pages_their_header_once(tmp_path: Path) -> None:
    styles = (
        f"<office:document-styles {_ODF}><office:styles><text:outline-style>"
        '<text:outline-level-style text:level="1" style:num-format="1" style:num-suffix="."/>'
        '<text:outline-level-style text:level="2" style:num-format="1" text:display-levels="2"/>'
        "</text:outline-style></office:styles><office:master-styles><style:master-page>"
        "<style:header><text:p>Valid from May</text:p></style:header><style:footer><text:p>Page"
        " <text:page-number>1</text:page-number></text:p></style:footer></style:master-page>"
        "</office:master-styles></office:document-styles>"
    )
    heading = '<text:h text:outline-level="{}">{}</text:h>'.format
    body = (
        heading(1, "Scope") + heading(2, "People") + heading(1, "Rules") + "<text:p>Pay.</text:p>"
    )
    content = f"<office:document-content {_ODF}><office:body><office:text>{body}</office:text>"
    parts: dict[str, str | bytes] = {
        "content.xml": content + "</office:body></office:document-content>",
        "styles.xml": styles,
    }
    assert texts(tmp_path, "a.odt", zipped(parts)) == [
        "Valid from May", "1. Scope", "1.1 People", "2. Rules", "Pay."
    ]  # fmt: skip


def test_a_table_that_holds_tables_only_lays_out_its_text(tmp_path: Path) -> None:
    def table(*rows: tuple[str, str]) -> str:
        cell = "<table:table-cell>{}</table:table-cell>".format
        inner = ("".join(map(cell, row)) for row in rows)
        return (
            "<table:table>"
            + "".join(f"<table:table-row>{row}</table:table-row>" for row in inner)
            + "</table:table>"
        )

    p = "<text:p>{}</text:p>".format
    zones = table((p("Zone"), p("Price")), (p("1"), p("10 cents")))
    assert texts(tmp_path, "a.odt", odt(table((p("Roaming is cheap."), zones)))) == [
        "Roaming is cheap.",
        "Zone: 1; Price: 10 cents.",
    ]


def test_a_sentence_in_a_cell_gives_its_full_stop_up_within_a_row() -> None:
    row = Row(("It opens at six.", "at 6 p.m.", "Ask."), ("Gate", "Until", "Else"))
    assert row.text == "Gate: It opens at six; Until: at 6 p.m.; Else: Ask."
