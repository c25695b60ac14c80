"""Small office files, written for tests."""

import io
import zipfile
from datetime import UTC, date, datetime
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE

_ODF = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{space}:1.0"'
    for name, space in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("style", "style"),
        ("fo", "xsl-fo-compatible"),
        ("draw", "drawing"),
        ("svg", "svg-compatible"),
        ("meta", "meta"),
    )
)


def zipped(members: dict[str, str | bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


def locked(content: bytes) -> bytes:
    """The same archive, whose members say that a password is needed."""
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        parts = content.split(mark)
        at = offset - len(mark)
        parts[1:] = [one[:at] + bytes([one[at] | 1]) + one[at + 1 :] for one in parts[1:]]
        content = mark.join(parts)
    return content


def workbook(*, far: bool = False) -> bytes:
    """Two tables on a sheet with titles and formats, a hidden sheet, a table that starts inside."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    book.set_properties({"title": "Travel rates", "created": datetime(2026, 1, 2, tzinfo=UTC)})
    percent, day, moment, euro, code = (
        book.add_format({"num_format": one})
        for one in ("0%", "yyyy-mm-dd", "dd.mm.yyyy hh:mm", '#,##0.00 "€"', "00000")
    )
    rates = book.add_worksheet("Rates")
    rates.write_row(0, 0, ["Rates of 2026"])
    rates.write_row(1, 0, ["Without tax"])
    rates.write_row(3, 0, ["Grade", "Share", "From", "Price", "Code"])
    for row, values in enumerate(
        (
            ("Senior", 0.25, date(2026, 3, 1), 1140, 123),
            ("", 0.3, datetime.fromisoformat("2026-04-01T08:30"), 12.5, 7),
        ),
        start=4,
    ):
        for column, look in enumerate((None, percent, day if row == 4 else moment, euro, code)):
            rates.write(row, column, values[column], look)
    rates.merge_range(4, 0, 5, 0, "Senior")
    rates.write_row(7, 0, ["Junior", 1.5])
    rates.write_row(9, 0, ["City", "Limit"])
    rates.write_row(10, 0, ["Berlin", 140])
    if far:
        rates.write("XFD1048576", "far away")
    hidden = book.add_worksheet("Salaries")
    hidden.write("A1", "hidden words")
    hidden.hide()
    people = book.add_worksheet("People")
    people.write_row(2, 2, ["Name", "Team", "Active"])
    people.write_row(3, 2, ["Ana", "Sales", True])
    people.write_row(4, 2, ["Luis", "Legal", False])
    book.close()
    return content.getvalue()


def ods(cells: str = "") -> bytes:
    """A sheet "Budget" of OpenDocument; `cells` are the rows of its table."""
    rows = cells or (
        _ods_row("string", "", "Item") + _ods_row("percentage", "0.25", "25.0 %", "Rent")
    )
    body = (
        f'<office:document-content {_ODF} office:version="1.3"><office:body><office:spreadsheet>'
        f'<table:table table:name="Budget">{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": "<manifest/>",
            "content.xml": body,
        }
    )


def _ods_row(kind: str, value: str, shown: str, name: str = "Part") -> str:
    said = f' office:value="{value}"' if value else ""
    return (
        f'<table:table-row><table:table-cell office:value-type="string"><text:p>{name}</text:p>'
        f'</table:table-cell><table:table-cell office:value-type="{kind}"{said}><text:p>{shown}'
        "</text:p></table:table-cell></table:table-row>"
    )


def odt(body: str, *, styles: str = "", manifest: str = "<manifest/>") -> bytes:
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "META-INF/manifest.xml": manifest,
            "content.xml": f"<office:document-content {_ODF}><office:automatic-styles>{styles}"
            f"</office:automatic-styles><office:body><office:text>{body}</office:text>"
            "</office:body></office:document-content>",
        }
    )


def slides() -> bytes:
    """A title, a slide with everything, a hidden slide."""
    show = Presentation()
    show.core_properties.title = ""
    first = show.slides.add_slide(show.slide_layouts[0])
    _say(first.shapes.title, "Onboarding")
    _say(first.placeholders[1], "For new people")
    second = show.slides.add_slide(show.slide_layouts[1])
    _say(second.shapes.title, "First week")
    frame: Any = second.placeholders[1]
    frame.text_frame.text = "Get a badge"
    for text, level in (("At the desk", 1), ("Meet the team", 0)):
        paragraph = frame.text_frame.add_paragraph()
        paragraph.text, paragraph.level = text, level
    grid = second.shapes.add_table(2, 2, 0, 0, 99, 99).table
    for at, text in enumerate(("City", "Desk", "Berlin", "Third floor")):
        grid.cell(at // 2, at % 2).text = text
    box = second.shapes.add_textbox(0, 0, 99, 99)
    box.text_frame.text = "Write to the people team."
    figures = CategoryChartData()  # type: ignore[no-untyped-call]
    figures.categories = ["2025", "2026"]
    figures.add_series("Joined", (3, 4))  # type: ignore[no-untyped-call]
    kind = XL_CHART_TYPE.COLUMN_CLUSTERED
    second.shapes.add_chart(kind, 0, 0, 99, 99, figures)
    notes: Any = second.notes_slide.notes_text_frame
    notes.text = "Say that lunch is at noon."
    third = show.slides.add_slide(show.slide_layouts[1])
    _say(third.shapes.title, "Hidden")
    third.element.set("show", "0")
    content = io.BytesIO()
    show.save(content)
    return content.getvalue()


def _say(shape: Any, text: str) -> None:
    shape.text_frame.text = text


def epub(pages: dict[str, str], *, encryption: str = "") -> bytes:
    """A book whose spine is these pages in their order, after a table of contents."""
    items = "".join(
        f'<item id="p{at}" href="{name}" media-type="application/xhtml+xml"/>'
        for at, name in enumerate(pages)
    )
    spine = "".join(f'<itemref idref="p{at}"/>' for at in range(len(pages)))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<metadata><dc:title>Handbook</dc:title>"
        '<meta property="dcterms:modified">2026-01-02T00:00:00Z</meta></metadata><manifest>'
        '<item id="n" properties="nav" href="nav.xhtml" media-type="application/xhtml+xml"/>'
        f'{items}</manifest><spine><itemref idref="n"/>{spine}</spine></package>'
    )
    members: dict[str, str | bytes] = {
        "META-INF/container.xml": "<container><rootfiles>"
        '<rootfile full-path="book/content.opf"/></rootfiles></container>',
        "book/content.opf": package,
        "book/nav.xhtml": "<html><body><p>Contents</p></body></html>",
    }
    members |= {
        f"book/{name}": f'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">'
        f"<head><title/></head><body>{body}</body></html>"
        for name, body in pages.items()
        if body
    }
    if encryption:
        members["META-INF/encryption.xml"] = encryption
    return zipped(members)


STYLES = """<style:style style:name="S" style:family="text">
<style:text-properties style:text-line-through-style="solid"/></style:style>
<style:style style:name="B" style:family="text">
<style:text-properties fo:font-weight="bold"/></style:style>
<text:list-style style:name="L"><text:list-level-style-number text:level="1"
 style:num-format="1" style:num-suffix="."/></text:list-style>"""


LETTER = """<text:tracked-changes><text:p>deleted words</text:p></text:tracked-changes>
<text:h text:outline-level="1">Germany</text:h>
<text:p>Thirty <text:span text:style-name="S">forty</text:span>
 days<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>In Spain 23.
</text:p></text:note-body></text:note>.<office:annotation><text:p>a comment</text:p>
</office:annotation></text:p><text:p><text:span text:style-name="B">Who decides</text:span></text:p>
<text:p>The manager<text:line-break/>or a deputy.<draw:frame><draw:text-box><text:p>Boxed.</text:p>
</draw:text-box></draw:frame></text:p>
<text:list text:style-name="L"><text:list-item><text:p>Ask</text:p><text:list><text:list-item>
<text:p>early</text:p></text:list-item></text:list></text:list-item><text:list-item>
<text:p>Go</text:p></text:list-item></text:list>
<table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>Country</text:p>
</table:table-cell><table:table-cell><text:p>Days</text:p></table:table-cell></table:table-row>
</table:table-header-rows><table:table-row><table:table-cell table:number-rows-spanned="2">
<text:p>DE</text:p></table:table-cell><table:table-cell><text:p>30</text:p></table:table-cell>
</table:table-row><table:table-row><table:covered-table-cell/><table:table-cell><text:p>31</text:p>
</table:table-cell></table:table-row></table:table>"""


RTF = r"""{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\stylesheet{\s0 Normal;}{\s1 heading 1;}}
{\info{\title Travel rules}{\revtim\yr2026\mo3\dy4\hr8\min5}}
\pard\s1 Flights\par
\pard\plain Economy class{\super\chftn}{\footnote\pard\plain {\super\chftn} Business from 8 hours.}.
 Gr\'fc\'dfe, \u8364?5.{\strike  Old words.}\par
{\b Hotels}\par
\'b7\tab Near\par
1.\tab First\par
\trowd\cellx1\cellx2 City\cell Limit\cell\row
\trowd\cellx1\cellx2 Berlin\cell 140\cell\row
{\field{\*\fldinst{HYPERLINK "http://x.example/secret"}}{\fldrslt{the rules}}}\par
\pard \u-10179?\u-8704? end.\par}"""


MAIL = """From: =?utf-8?q?Ana_L=C3=B3pez?= <ana@acme.example>
To: Bob <bob@acme.example>
Subject: =?utf-8?b?UmVpc2Vrb3N0ZW4gMjAyNg==?=
Date: Mon, 2 Mar 2026 10:00:00 +0100
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: {kind}; charset=utf-8

{text}
--x
Content-Type: text/csv
Content-Disposition: attachment; filename="../rates.csv"

City,Limit
Berlin,140
--x
Content-Type: application/zip
Content-Disposition: attachment; filename="all.zip"

PK
--x
Content-Type: message/rfc822

Subject: The older one
From: Eva <eva@acme.example>

It was 120.
--x--
"""


SETTINGS = """title: Deploy rules
base: &base {region: eu, size: "010"}
services:
  - {name: web, port: 8080, limits: {cpu: 2}}
  - {name: db, port: 5432, tags: [a, b]}
copy:
  <<: *base
  size: no
countries:
  de: {days: 30}
  es: {days: 23}
deep: {a: {b: {c: 1.10}}}
"""
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_WORD_SPACES = (
    f'xmlns:w="{_W}" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    ' xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"'
)


def word_of(body: str, **parts: str) -> bytes:
    """A DOCX of the body's XML and that of other parts, such as `footer1`, without their root."""
    roots = {"header": "hdr", "footer": "ftr"}
    types, relations, members = "", "", {}
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    for number, (name, inner) in enumerate(parts.items(), start=1):
        kind = name.rstrip("0123456789")
        root = roots.get(kind, kind)
        types += f'<Override PartName="/word/{name}.xml" ContentType="{main}.{kind}+xml"/>'
        relations += f'<Relationship Id="rId{number}" Type="{_R}/{kind}" Target="{name}.xml"/>'
        members[f"word/{name}.xml"] = f"<w:{root} {_WORD_SPACES}>{inner}</w:{root}>"
    to_main = f'<Relationship Id="rId1" Type="{_R}/officeDocument" Target="word/document.xml"/>'
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default'
            ' Extension="rels" ContentType="application/vnd.openxmlformats-package'
            '.relationships+xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{main}.document.main+xml"/>'
            f"{types}</Types>",
            "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{to_main}'
            "</Relationships>",
            "word/_rels/document.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f"{relations}</Relationships>",
            "word/document.xml": f"<w:document {_WORD_SPACES}><w:body>{body}</w:body></w:document>",
            **members,
        }
    )
