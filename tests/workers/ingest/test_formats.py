"""Office files, mail, books, data, source code and archives as blocks."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.workers.ingest.files import read
from tests.workers.ingest.office import (
    LETTER,
    MAIL,
    RTF,
    SETTINGS,
    STYLES,
    epub,
    ods,
    odt,
    slides,
    workbook,
    zipped,
)
from workers.ingest.formats.document import (
    Block,
    Code,
    Heading,
    Item,
    Paragraph,
    Quotation,
    Row,
)


def texts(blocks: tuple[Block, ...]) -> list[str]:
    return [block.text for block in blocks]


# Workbooks


def test_a_row_of_a_workbook_names_its_columns_and_shows_numbers_as_excel_does(
    tmp_path: Path,
) -> None:
    parsed = read(tmp_path, "a.xlsx", workbook())
    assert (parsed.title, parsed.updated_at) == ("Travel rates", datetime(2026, 1, 2, tzinfo=UTC))
    assert parsed.missing == ""
    assert texts(parsed.blocks) == [
        "Rates",
        "Grade: Senior; Share: 25%; From: 2026-03-01; Price: 1,140.00 €; Code: 00123.",
        "Grade: Senior; Share: 30%; From: 2026-04-01 08:30; Price: 12.50 €; Code: 00007.",
        "Grade: Junior; Share: 1.5.",
        "City: Berlin; Limit: 140.",
        "People",
        "Name: Ana; Team: Sales; Active: TRUE.",
        "Name: Luis; Team: Legal; Active: FALSE.",
    ]
    captions = [block.caption for block in parsed.blocks if isinstance(block, Row)]
    assert captions == ["Rates of 2026; Without tax"] * 3 + ["Rates"] + ["People"] * 2


def test_a_sheet_whose_last_cell_is_too_far_away_is_left_out_and_said(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.xlsx", workbook(far=True))
    assert parsed.missing == "1 sheet was not read: too large when unpacked"
    assert texts(parsed.blocks)[1:] == [
        "Name: Ana; Team: Sales; Active: TRUE.",
        "Name: Luis; Team: Legal; Active: FALSE.",
    ]


def test_a_workbook_of_opendocument_shows_what_its_cells_show(tmp_path: Path) -> None:
    parsed = read(tmp_path, "budget-2026.ods", ods())
    assert parsed.title == "Budget 2026"
    assert [(row.text, row.caption) for row in parsed.blocks if isinstance(row, Row)] == [
        ("Part: Rent; Item: 25.0 %.", "Budget")
    ]


# Presentations


def test_a_slide_is_a_page_with_its_title_lists_tables_figures_and_notes(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.pptx", slides())
    assert (parsed.title, parsed.updated_at) == ("Onboarding", None)
    assert parsed.blocks == (
        Paragraph("For new people", page=1),
        Heading("First week", page=2),
        Item("Get a badge", page=2),
        Item("At the desk", 1, page=2),
        Item("Meet the team", page=2),
        Row(("Berlin", "Third floor"), ("City", "Desk"), page=2),
        Paragraph("Write to the people team.", page=2),
        Row(("2025", "3"), ("", "Joined"), page=2),
        Row(("2026", "4"), ("", "Joined"), page=2),
        Paragraph("Say that lunch is at noon.", page=2),
    )


# OpenDocument and RTF


def test_an_odt_reads_as_if_all_changes_were_accepted(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.odt", odt(LETTER, styles=STYLES))
    assert parsed.title == "Germany"
    assert parsed.blocks == (
        Paragraph("Thirty days [In Spain 23]."),
        Heading("Who decides", 2),
        Paragraph("The manager\nor a deputy."),
        Paragraph("Boxed."),
        Item("Ask", 0, "1."),
        Item("early", 1),
        Item("Go", 0, "2."),
        Row(("DE", "30"), ("Country", "Days")),
        Row(("DE", "31"), ("Country", "Days")),
    )


def test_rtf_keeps_headings_lists_tables_and_footnotes(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.rtf", RTF)
    assert parsed.title == "Travel rules"
    assert parsed.updated_at == datetime(2026, 3, 4, 8, 5, tzinfo=UTC)
    assert parsed.blocks == (
        Heading("Flights"),
        Paragraph("Economy class [Business from 8 hours]. Grüße, €5."),
        Heading("Hotels", 2),
        Item("Near"),
        Item("First", 0, "1."),
        Row(("Berlin", "140"), ("City", "Limit")),
        Paragraph("the rules"),
        Paragraph("😀 end."),
    )


# Mail

ENVELOPE = (
    "From: Ana López <ana@acme.example>\nTo: Bob <bob@acme.example>\n"
    "Date: Mon, 2 Mar 2026 10:00:00 +0100"
)
ATTACHED = (
    Paragraph("Attachment: rates.csv"),
    Heading("rates.csv"),
    Row(("Berlin", "140"), ("City", "Limit")),
    Paragraph("Attachment: all.zip"),
    Heading("The older one"),
    Paragraph("From: Eva <eva@acme.example>"),
    Paragraph("It was 120."),
)


def test_a_mail_tells_who_wrote_what_to_whom_and_what_is_attached(tmp_path: Path) -> None:
    text = (
        "Hi Bob,\n\nit is 140 EUR.\n\nOn 1 Mar 2026, Bob wrote:\n> What is it?\n\n"
        "-----Original Message-----\nIt was 100."
    )
    parsed = read(tmp_path, "a.eml", MAIL.format(kind="text/plain", text=text))
    assert parsed.title == "Reisekosten 2026"
    assert parsed.updated_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert parsed.blocks == (
        Paragraph(ENVELOPE),
        Paragraph("Hi Bob,"),
        Paragraph("it is 140 EUR."),
        Paragraph("On 1 Mar 2026, Bob wrote:"),
        Quotation("What is it?"),
        Quotation("It was 100."),
        *ATTACHED,
    )


def test_a_mail_in_html_is_read_as_a_page(tmp_path: Path) -> None:
    page = "<p>It is <b>140</b> EUR.<ul><li>Ask</ul><blockquote><p>What is it?</blockquote>"
    parsed = read(tmp_path, "a.eml", MAIL.format(kind="text/html", text=page))
    assert parsed.blocks == (
        Paragraph(ENVELOPE),
        Paragraph("It is 140 EUR."),
        Item("Ask"),
        Quotation("What is it?"),
        *ATTACHED,
    )


# Books


def test_a_book_is_read_in_the_order_of_its_spine(tmp_path: Path) -> None:
    pages = {"z.xhtml": '<h1 id="x"><a id="q"/>One</h1><p>First.</p>', "a.xhtml": "<h1>Two</h1>"}
    parsed = read(tmp_path, "a.epub", epub(pages | {"gone.xhtml": ""}))
    assert (parsed.title, parsed.updated_at) == ("Handbook", datetime(2026, 1, 2, tzinfo=UTC))
    assert parsed.blocks == (Heading("One"), Paragraph("First."), Heading("Two"))
    assert parsed.missing == "1 part was not read: damaged EPUB"


# Data

DEPLOYED = [
    "title: Deploy rules.",
    "base",
    "base.region: eu.",
    "base.size: 010.",
    "services",
    "name: web; port: 8080; limits.cpu: 2.",
    "name: db; port: 5432; tags: a, b.",
    "copy",
    "copy.region: eu.",
    "copy.size: no.",
    "countries",
    "de; days: 30.",
    "es; days: 23.",
    "deep",
    "deep.a.b.c: 1.10.",
]


def test_yaml_is_read_value_by_value_and_says_what_it_writes(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.yaml", SETTINGS)
    assert (parsed.title, texts(parsed.blocks)) == ("Deploy rules", DEPLOYED)
    captions = [block.caption for block in parsed.blocks if isinstance(block, Row)]
    assert [one for one in captions if one] == ["services"] * 2 + ["countries"] * 2


def test_json_and_its_lines_and_toml_are_read_alike(tmp_path: Path) -> None:
    rates = '[{"city": "Berlin", "limit": 140.50}, {"city": "Rome", "limit": 1e3}]'
    parsed = read(tmp_path, "travel-rates.json", rates)
    assert parsed.title == "Travel rates"
    assert texts(parsed.blocks) == ["city: Berlin; limit: 140.50.", "city: Rome; limit: 1e3."]
    lines = rates[1:-1].replace("}, {", "}\n{")
    assert read(tmp_path, "a.jsonl", lines).blocks == parsed.blocks
    toml = (
        'name = "x"\n[[rate]]\ncity = "Berlin"\nlimit = 140.50\n[[rate]]\ncity = "Rome"\nlimit=9\n'
    )
    assert texts(read(tmp_path, "a.toml", toml).blocks) == [
        "name: x.",
        "rate",
        "city: Berlin; limit: 140.50.",
        "city: Rome; limit: 9.",
    ]
    assert texts(read(tmp_path, "a.json", '{"a": [1, [2, {"b": null, "c": true}]]}').blocks) == [
        "a",
        "a[1]: 1.",
        "a[2][1]: 2.",
        "a[2][2].c: true.",
    ]


def test_a_tag_of_yaml_makes_nothing_but_text(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.yaml", "!!python/object/apply:os.system ['touch /tmp/x']")
    assert parsed.blocks == (Item("touch /tmp/x"),)


# Source code


def test_code_stands_below_the_name_of_its_function(tmp_path: Path) -> None:
    source = (
        '"""About."""\n\nimport os\n\n\n# Adds.\n@cached\ndef add(a, b):\n    return a + b\n\n\n'
    )
    source += "class Sum(Base):\n    def get(self):\n        return 1\n"
    parsed = read(tmp_path, "sums.py", source)
    assert parsed.title == "sums.py"
    assert parsed.blocks == (
        Code('"""About."""\n\nimport os', "python"),
        Heading("add", 2),
        Code("# Adds.\n@cached\ndef add(a, b):\n    return a + b", "python"),
        Heading("Sum", 2),
        Code("class Sum(Base):\n    def get(self):\n        return 1", "python"),
    )


@pytest.mark.parametrize(
    ("name", "source", "names"),
    [
        (
            "a.go",
            "package a\n\nfunc (s *Sum) Add(a int) int {\n}\n\ntype Sum struct {\n}",
            "Add Sum",
        ),
        ("a.ts", "export class A<T> {\n}\n\nexport const b = async (c: string) => {\n}", "A b"),
        ("a.rs", "pub(crate) fn add(a: u8) {\n}\n\nimpl Sum {\n}", "add Sum"),
        ("a.c", '#include "a.h"\n\nstatic int add(int a)\n{\n  return f(a);\n}', "add"),
        ("a.sh", "set -e\n\nadd() {\n  echo 1\n}\n\nadd 1", "add"),
        ("a.sql", "SELECT 1;\n\nCREATE TABLE IF NOT EXISTS sums (\n  id int\n);", "sums"),
        ("a.ini", "[web]\nport = 1\n\n[db]\nport = 2", "web db"),
        ("a.rb", "def add(a)\n  a\nend", "add"),
        ("a.java", "public final class Sum extends Base {\n  int a;\n}", "Sum"),
    ],
)
def test_functions_of_other_languages_have_their_names(
    tmp_path: Path, name: str, source: str, names: str
) -> None:
    parsed = read(tmp_path, name, source)
    assert [one.text for one in parsed.blocks if isinstance(one, Heading)] == names.split()
    code = "\n".join(one.text for one in parsed.blocks if isinstance(one, Code))
    assert code.split() == source.split()


def test_the_methods_of_a_long_class_have_sections(tmp_path: Path) -> None:
    methods = "\n".join(f"    def m{n}(self):\n" + "        pass\n" * 30 for n in range(3))
    parsed = read(tmp_path, "a.py", "class Sum:\n" + methods)
    headings = [one.text for one in parsed.blocks if isinstance(one, Heading)]
    assert headings == ["Sum", "Sum: m0", "Sum: m1", "Sum: m2"]


# Archives


def test_each_file_of_an_archive_is_a_section_and_what_is_not_read_is_counted(
    tmp_path: Path,
) -> None:
    content = zipped(
        {
            "hr/leave.md": "# Leave\n\nThirty days.\n\n## Spain\n\nLess.",
            "../../etc/rates.csv": "City,Limit\nBerlin,140\n",
            "x.exe": "MZ",
            "in.zip": zipped({"a.md": "Nested."}),
            "mail.eml": "From: a@b.example\n\nNested.",
            "bad.pdf": "%PDF-1.4 x",
            "empty.txt": "",
            "__MACOSX/._a.md": "x",
            "z.xlsx": workbook(far=True),
        }
    )
    parsed = read(tmp_path, "all.zip", content)
    assert texts(parsed.blocks)[:7] == [
        "etc/rates.csv",
        "City: Berlin; Limit: 140.",
        "hr/leave.md",
        "Leave",
        "Thirty days.",
        "Spain",
        "Less.",
    ]
    assert [one.level for one in parsed.blocks if isinstance(one, Heading)][:4] == [1, 1, 2, 3]
    assert parsed.missing == (
        "3 files were not read: not a format Ken reads; 1 file was not read: damaged PDF; "
        "1 file was not read: empty; 1 part was not read: too large when unpacked"
    )
    assert not any(block.page for block in parsed.blocks)


def test_of_an_archive_a_thousand_files_are_read(tmp_path: Path) -> None:
    content = zipped({f"{number:04}.txt": "Text." for number in range(1_002)})
    parsed = read(tmp_path, "a.zip", content)
    assert parsed.missing == "2 files were not read: too many"
    assert len(parsed.blocks) == 2_000
