"""What a person sees is what can be quoted: each kind of mark, table, list and note, by format."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from tests.workers.ingest.files import pdf, word
from workers.ingest.parse import Parsed, parse_file
from workers.ingest.split import Piece, split
from workers.models.base import Passage
from workers.models.embedded import QuotingAnswerer
from workers.models.embedder import MiniLM
from workers.models.units import units

SHARED = Path(__file__).parents[4] / "shared" / "cases"


@dataclass(frozen=True)
class Reading:
    """A file as it was read and split."""

    parsed: Parsed
    pieces: list[Piece]

    @property
    def quotes(self) -> list[str]:
        found = [one.text for piece in self.pieces for one in units(piece.text, piece.spans)]
        return list(dict.fromkeys(found))

    @property
    def headings(self) -> list[str]:
        return list(dict.fromkeys(piece.heading for piece in self.pieces if piece.heading))


def reading(path: Path) -> Reading:
    parsed = parse_file(path)
    return Reading(parsed, split(parsed.blocks, title=parsed.title))


def quotes(folder: Path, name: str, content: str | bytes) -> list[str]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return reading(path).quotes


# Inputs that failed once, of which others are kept elsewhere


@dataclass(frozen=True)
class Case:
    path: str
    quoted: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    """In no quote."""
    headings: tuple[str, ...] = ()
    title: str = ""
    anchors: tuple[str, ...] = ()


CASES = [
    Case(
        "reading/01-pdf-edge-lines-with-other-digits/01.pdf",
        ("Travel budget 2025: 120,000 EUR", "Travel budget 2026: 150,000 EUR"),
    ),
    Case(
        "reading/03-pdf-large-paragraph/03.pdf",
        ("Every employee may work from abroad for up to twenty days in a calendar year, if the",),
    ),
    Case(
        "reading/05-pdf-table/05.pdf",
        ("Grade: Senior; Days of leave: 28; Notice period: 3 months; Laptop: Pro.",),
    ),
    Case("reading/06-pdf-bullets/06.pdf", ("- hand the laptop to IT,\n- empty your locker.",)),
    Case("reading/08-pdf-filled-form/08.pdf", ("Tom Becker, 14 days in August",)),
    Case(
        "reading/09-pdf-heading-over-page-break/40.pdf",
        headings=("Handbook > Parking",),
        anchors=("page=1", "page=2"),
    ),
    Case(
        "reading/10-docx-numbered-list/10.docx",
        ("1. Collect the receipts.\n2. Fill in form B12.",),
    ),
    Case("reading/11-docx-footnote/11b.docx", ("Interns need a permit from the porter",)),
    Case(
        "reading/12-docx-table-row/12.docx",
        ("Grade: Senior; Days of leave: 28; Notice period: 3 months.",),
    ),
    Case(
        "reading/14-docx-bold-headings/14.docx",
        headings=("1. Purpose", "2. Hotels", "3. Trains"),
    ),
    Case(
        "reading/15-docx-list-in-cell/15.docx",
        ("Payroll", "Ann for Berlin; Bo for Austin; Cy for Oslo"),
    ),
    Case("reading/17-docx-superscript/32.docx", ("30[1] days",), ("301",)),
    Case(
        "reading/18-html-superscript/31.html",
        ("30[1] days", "10^6 rows", "From the first of a month"),
        ("301", "106"),
        anchors=("sec-notice",),
    ),
    Case(
        "reading/19-html-charset-cyrillic/20.html",
        ("Отпуск длится двадцать восемь дней.",),
        title="Отпуск",
    ),
    Case("reading/22-csv-title-row/23.csv", ("Dish: Soup; Price: 3.20; Days: Mon-Fri.",)),
    Case(
        "reading/23-html-boilerplate/24.html",
        ("2. Attach the receipt.", "the red Send button is at the bottom"),
        ("cookie", "People", "Related", "Imprint"),
    ),
    Case(
        "reading/25-md-quotes/26.md",
        ("Cost < 500 € is fine & quick.", "Ask the manager first", "Only with the blue card"),
        ("{%", "{:", ":::", "[!", "[^", "[[", "~~", "**", "&lt;", "alert.html", "plane"),
    ),
    Case(
        "reading/26-md-long-table/28.md",
        ("Country: Country number 39 of the long list; Hotel per night in EUR: 139",),
    ),
    Case(
        "reading/27-txt-table/27.txt",
        ("City: Berlin; Limit: 140; Meals: 28.", "City: Oslo; Limit: 190; Meals: 40."),
        headings=("1 PURPOSE", "2 HOTELS"),
    ),
    Case("reading/30-title-from-date-name/2026-03-02.txt", title="2026-03-02"),
    Case("reading/30-title-from-date-name/plan.docx.md", title="Plan"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.split("/")[1] + case.path[-5:])
def test_a_file_that_was_misread_once_is_read(case: Case) -> None:
    if not SHARED.exists():
        pytest.skip("the shared cases are not beside this clone")
    found = reading(SHARED / case.path)
    said = "\n\n".join(found.quotes)
    assert [one for one in case.quoted if one not in said] == []
    assert [one for one in case.absent if one in said] == []
    assert [one for one in case.headings if one not in found.headings] == []
    assert {*case.anchors} <= {piece.anchor for piece in found.pieces}
    assert case.title in ("", found.parsed.title)


QUESTIONS = [
    ("use/01-placeholders", "How do I push a release?", "ken-release push <version> --to <region>"),
    ("use/01-placeholders", "Which module holds the release number?", "__init__.py"),
    ("use/02-faq-echo", "Who approves a new laptop?", "The team lead signs the order form."),
    ("use/02-faq-echo", "Who repairs company bikes?", "The workshop in hall 3."),
    ("use/02-faq-echo", "Who pays parking?", "The company pays parking up to 12 EUR a day."),
    ("use/03-table-rows", "What is the parking fee per day in Aachen?", "5 EUR"),
    ("use/03-table-rows", "What is the parking fee per day in Offenbach?", "42 EUR"),
    ("use/03-table-rows", "Who is the locker key holder of building South?", "Jonas Weil"),
    ("use/03-table-rows", "What is the full day rate in Spain?", "34 EUR"),
    ("use/04-rule-at-top", "What is the deposit for a locker?", "500 EUR"),
    ("use/13-two-columns", "What is the deposit for keys?", "The deposit for keys is twenty euros"),
    ("use/14-pdf-form", "Which depot are returns sent to?", "Warehouse 7, Hamburg"),
    ("use/15-docx-footnote", "How long is the notice period during probation?", "two weeks"),
    ("use/16-struck", "How much is the shuttle to the airport?", "14 EUR"),
    ("use/16-struck", "What does lunch in the canteen cost?", "7 EUR"),
    ("use/19-nested-table", "What does a roaming minute in zone 2 cost?", "45 cents"),
    ("reading/28-ask-header-row-quoted", "How many calories has a portion of berries?", "150"),
]


@pytest.fixture(scope="module")
def embedder() -> MiniLM:
    return MiniLM.load(threads=1)


@pytest.mark.parametrize(("folder", "question", "expected"), QUESTIONS)
def test_a_question_that_failed_once_is_answered(
    embedder: MiniLM, folder: str, question: str, expected: str
) -> None:
    if not SHARED.exists():
        pytest.skip("the shared cases are not beside this clone")
    files = sorted(one for one in (SHARED / folder).rglob("*") if one.suffix in SUFFIXES)
    draft = QuotingAnswerer(embedder).write(question, passages_of(files, question, embedder))
    assert expected in draft.sentences[0].text
    assert "10 EUR." not in draft.sentences[0].text
    assert "5 EUR." not in draft.sentences[0].text or "Aachen" in question


SUFFIXES = (".md", ".pdf", ".html", ".docx", ".txt", ".csv")


def passages_of(files: Sequence[Path], question: str, embedder: MiniLM) -> tuple[Passage, ...]:
    """All pieces of some files, by how near they are to the question."""
    asked = embedder.embed_one(question)
    found = []
    for number, path in enumerate(files, start=1):
        one = reading(path)
        for piece in one.pieces:
            vector = embedder.embed_one(f"{one.parsed.title}\n{piece.heading}\n{piece.text}")
            found.append((float(asked @ vector), number, one.parsed.title, piece))
    found.sort(key=lambda row: -row[0])
    return tuple(
        Passage(
            chunk_id=at,
            document_id=number,
            document=str(number),
            title=title,
            heading=piece.heading,
            text=piece.text,
            url=None,
            anchor=piece.anchor,
            source="case",
            updated_at=None,
            spans=piece.spans,
            relevance=near + 0.2,
        )
        for at, (near, number, title, piece) in enumerate(found[:8])
    )


# HTML

SITE = """<!doctype html><meta charset="utf-8"><title>Desk guide</title>
<body class="has-sidebar"><div class="breadcrumbs">Home</div><div id="cookieConsent">Cookies</div>
<aside><ul><li>Other page</ul></aside><main><h1>Desk guide</h1>
<section id="booking"><h2>Booking</h2>
<p>Book a desk by <s>Monday</s> Tuesday.<a href="#fn1"><sup>1</sup></a></section>
<h2><a name="rules"></a>Rules</h2>
<ol start="3" type="a"><li>Clear the desk.<li>Lock the drawer.<ol><li>Turn the key.</ol></ol>
<ul role="tablist"><li>macOS</ul><div role="tabpanel" style="display:none"><p>Use brew there.</div>
<table><thead><tr><th rowspan=2>City<th colspan=2>Rate<tr><th>2025<th>2026</thead>
<tr><th>Oslo<td rowspan=2>10<sup>2</sup><td>30<sup>1</sup><tr><th>Rome<td>40</table>
<blockquote><p>Never share keys.</blockquote>
<p>It has 20 m<sup>2</sup> on the 1<sup>st</sup> floor.
<p><strong>Who cleans?</strong><p>The night crew.<p><b>Opening hours</b><p>From 8 to 6 each day.
<ol><li id="fn1">By noon. <a href="#fnref1">↩</a></ol></main>
<div id="comments" class="comments-area"><p>Bob: nice page!</div><footer>Imprint</footer>"""


def test_a_web_page_is_read_as_a_person_sees_it(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text(SITE)
    found = reading(path)
    assert found.quotes == [
        "Book a desk by Tuesday [By noon].",
        "c. Clear the desk.\nd. Lock the drawer.\n  1. Turn the key.",
        "macOS: Use brew there.",
        "City: Oslo; Rate > 2025: 10^2; Rate > 2026: 30[1].",
        "City: Rome; Rate > 2025: 10^2; Rate > 2026: 40.",
        "Never share keys.",
        "It has 20 m^2 on the 1st floor.",
        "Who cleans? The night crew.",
        "From 8 to 6 each day.",
    ]
    assert [(piece.heading, piece.anchor) for piece in found.pieces] == [
        ("Booking", "booking"),
        ("Rules", "rules"),
        ("Rules > Opening hours", "rules"),
    ]


def test_a_page_that_is_named_as_a_menu_from_top_to_bottom_is_read(tmp_path: Path) -> None:
    page = "<body><div class='sidebar'>" + "<p>All of the text stands in here.</p>" * 9 + "</div>"
    assert "All of the text stands in here." in quotes(tmp_path, "a.html", page)


# Markdown


def test_markdown_with_what_sites_add_to_it(tmp_path: Path) -> None:
    text = """---
title: Tools
tags:
  - a
---
!!! warning "Careful"
    Never run `rm -rf <dir>` as root.

Run this:

```sh
ken load <folder>
```

1. Install it.
2. Start it.
   - gently

<details><summary>Who repairs it?</summary>

The workshop **repairs** it.

</details>

Name | Port
:--- | ---:
web | 80

It is in `__init__.py`, not <version>; see <https://x.example/a>. Use ~~v1~~ v2 only.[^n]

{{< note text="Ask Ann first." >}}

[^n]: Since May.
    Not before.
"""
    assert quotes(tmp_path, "a.md", text) == [
        "Careful: Never run rm -rf <dir> as root.",
        "Run this:\nken load <folder>",
        "1. Install it.\n2. Start it.\n  - gently",
        "Who repairs it? The workshop repairs it.",
        "Name: web; Port: 80.",
        "It is in __init__.py, not <version>; see https://x.example/a."
        " Use v2 only [Since May; Not before].",
        "Ask Ann first.",
    ]


# Tables as text, and text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"sep=;\nName;Preis\nKaffee;1,20\n", "Name: Kaffee; Preis: 1,20."),
        (
            b'\xef\xbb\xbfSales;;\n;;\n"Region, city";Amount;Note\n"North, Oslo";1.234,50;"a;b"\n',
            "Region, city: North, Oslo; Amount: 1.234,50; Note: a;b.",
        ),
        ("Name,Ort\nÄnne,Köln\n".encode("utf-16"), "Name: Änne; Ort: Köln."),
        (
            "Имя,Город\nАня,Москва\nБорис,Казань\nВера,Тула и окрестности\n".encode("cp1251"),
            "Имя: Вера; Город: Тула и окрестности.",
        ),
    ],
)
def test_a_table_is_read_whatever_wrote_it(tmp_path: Path, content: bytes, expected: str) -> None:
    assert expected in quotes(tmp_path, "a.csv", content)


def test_a_stray_byte_spoils_one_letter(tmp_path: Path) -> None:
    content = "Grüße aus München.".encode() + b" \x80 " + "Die Miete beträgt 30 €.".encode()
    assert quotes(tmp_path, "a.txt", content) == [
        "Grüße aus München. \ufffd Die Miete beträgt 30 €.",
    ]


def test_text_that_is_laid_out_with_spaces(tmp_path: Path) -> None:
    text = """Attendees:
  * Ann (chair)
  * Bob

Decisions
---------

1. The budget
   is raised.
2. Nobody leaves.

Q: Who pays?
A: The firm pays.

    Room     Seats  Floor
    ---------------------
    Alpha    12     2
    Beta     8      3
"""
    assert quotes(tmp_path, "a.txt", text) == [
        "Attendees:\n- Ann (chair)\n- Bob",
        "1. The budget is raised.\n2. Nobody leaves.",
        "Who pays? The firm pays.",
        "Room: Alpha; Seats: 12; Floor: 2.",
        "Room: Beta; Seats: 8; Floor: 3.",
    ]


# Word


def test_a_word_document_is_read_as_it_looks(tmp_path: Path) -> None:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Applies to the Berlin site only"
    document.add_heading("Keys", 1)
    paragraph = document.add_paragraph("The fee is ")
    paragraph.add_run("10 EUR").font.strike = True
    paragraph.add_run(" 12 EUR a day in 10")
    paragraph.add_run("2").font.superscript = True
    paragraph.add_run(" halls.")
    for text in ("Open the gate.", "Close the gate."):
        document.add_paragraph(text, style="List Number")
    document.add_paragraph().add_run("Who has keys?").bold = True
    document.add_paragraph("The porter has them.")
    table = document.add_table(2, 3)
    cells = ("Gate", "Opens", "Shuts", "North", "7:00", "19:00")
    for cell, text in zip(table._cells, cells, strict=True):
        cell.text = text
    box = f"""<w:p {nsdecls("w")} xmlns:v="urn:schemas-microsoft-com:vml"><w:r><w:pict><v:shape>
        <v:textbox><w:txbxContent><w:p><w:r><w:t>Inside the box it says so.</w:t></w:r></w:p>
        </w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>"""
    document.element.body.insert(-1, parse_xml(box))
    assert quotes(tmp_path, "a.docx", word(document)) == [
        "Applies to the Berlin site only",
        "The fee is 12 EUR a day in 10^2 halls.",
        "1. Open the gate.\n2. Close the gate.",
        "Who has keys? The porter has them.",
        "Gate: North; Opens: 7:00; Shuts: 19:00.",
        "Inside the box it says so.",
    ]


# PDF


def test_a_letterhead_is_read_once_and_totals_always(tmp_path: Path) -> None:
    pages = [
        [
            (810, 8, "Acme GmbH, phone 030 123456"),
            (760, 11, f"The total of quarter {number} is {number * 1000} EUR."),
            (30, 8, f"Page {number} of 4"),
        ]
        for number in range(1, 5)
    ]
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(*pages))
    found = reading(path)
    assert found.parsed.text.count("Acme GmbH") == 1
    assert [
        f"The total of quarter {n} is {n * 1000} EUR." in found.quotes for n in range(1, 5)
    ] == [True] * 4
    assert "Page" not in found.parsed.text
    assert [piece.anchor for piece in found.pieces] == [f"page={n}" for n in range(1, 5)]
