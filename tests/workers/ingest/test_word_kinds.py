"""What Word, LibreOffice and Google Docs write for what a person sees on the page."""

from pathlib import Path

from tests.workers.ingest.office import word_of
from workers.ingest.parse import parse_file


def blocks(folder: Path, body: str, **parts: str) -> list[str]:
    path = folder / "made.docx"
    path.write_bytes(word_of(body, **parts))
    return [f"{block.kind}: {block.text}" for block in parse_file(path).blocks]


def run(text: str, look: str = "") -> str:
    return f'<w:r><w:rPr>{look}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def par(text: str, look: str = "") -> str:
    content = text if text.startswith("<w:") else run(text)
    return f"<w:p><w:pPr>{look}</w:pPr>{content}</w:p>"


def styled(style: str, text: str) -> str:
    return par(text, f'<w:pStyle w:val="{style}"/>')


def style(identity: str, name: str, look: str, kind: str = "paragraph", base: str = "") -> str:
    based = f'<w:basedOn w:val="{base}"/>' if base else ""
    return (
        f'<w:style w:type="{kind}" w:styleId="{identity}"><w:name w:val="{name}"/>{based}'
        f"<w:rPr>{look}</w:rPr></w:style>"
    )


def level(form: str, written: str, start: int = 1) -> str:
    return (
        f'<w:lvl w:ilvl="0"><w:start w:val="{start}"/><w:numFmt w:val="{form}"/>'
        f'<w:lvlText w:val="{written}"/></w:lvl>'
    )


STYLES = (
    style("Lead", "Lead", "<w:b/>")
    + style("Lead2", "Lead 2", "", base="Lead")
    + style("Strong", "Strong", "<w:b/>", "character")
    + style("Gone", "Gone", "<w:strike/>", "character")
    + style("Pre", "HTML Preformatted", "")
    + style("Said", "Quote", "")
)


def test_bold_and_struck_out_letters_may_be_so_by_their_style(tmp_path: Path) -> None:
    body = (
        styled("Lead2", "Hotels")
        + par(run("Rooms cost ") + run("80", '<w:rStyle w:val="Gone"/>') + run("90 EUR."))
        + par(run("Trains", '<w:rStyle w:val="Strong"/>'))
        + styled("Lead", "Everybody signs this paper before they leave the house at night.")
        + par(run("Second class.", '<w:b w:val="0"/>'))
    )
    assert blocks(tmp_path, body, styles=STYLES) == [
        "heading: Hotels",
        "paragraph: Rooms cost 90 EUR.",
        "heading: Trains",
        "paragraph: Everybody signs this paper before they leave the house at night.",
        "paragraph: Second class.",
    ]


def test_a_paragraph_whose_end_is_deleted_runs_on(tmp_path: Path) -> None:
    body = (
        '<w:p><w:pPr><w:rPr><w:del w:id="1"/></w:rPr></w:pPr>'
        + run("The fee is ") + "</w:p>" + par("12 EUR.")
    )  # fmt: skip
    assert blocks(tmp_path, body) == ["paragraph: The fee is 12 EUR."]


def test_a_list_may_differ_from_the_one_that_it_is_made_from(tmp_path: Path) -> None:
    numbering = (
        f'<w:abstractNum w:abstractNumId="0">{level("decimal", "%1.")}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
        '<w:num w:numId="2"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0">'
        f"{level('upperLetter', '%1)', 3)}</w:lvlOverride></w:num>"
    )
    numbered = (
        par(text, f'<w:numPr><w:ilvl w:val="0"/><w:numId w:val="{number}"/></w:numPr>')
        for number, text in ((1, "first"), (2, "third letter"), (1, "second"), (2, "fourth"))
    )
    path = tmp_path / "made.docx"
    path.write_bytes(word_of("".join(numbered), numbering=numbering))
    marks = [getattr(block, "mark", "") for block in parse_file(path).blocks]
    assert marks == ["1.", "C)", "2.", "D)"]


def test_names_of_columns_may_take_two_rows(tmp_path: Path) -> None:
    def cell(text: str, look: str = "") -> str:
        return f"<w:tc><w:tcPr>{look}</w:tcPr>{par(text)}</w:tc>"

    merged, wide = '<w:vMerge w:val="restart"/>', '<w:gridSpan w:val="2"/>'
    rows = (
        cell("City", merged) + cell("Rate", wide),
        cell("", "<w:vMerge/>") + cell("Low") + cell("High"),
        cell("Oslo") + cell("1") + cell("2"),
    )
    table = "".join(f"<w:tr>{row}</w:tr>" for row in rows)
    assert blocks(tmp_path, f"<w:tbl>{table}</w:tbl>") == [
        "row: City: Oslo; Rate > Low: 1; Rate > High: 2."
    ]


def test_symbols_formulas_pictures_and_fields_that_are_not_filled_in(tmp_path: Path) -> None:
    picture = '<w:drawing><wp:inline><wp:docPr id="{}" descr="{}"/></wp:inline></w:drawing>'
    power = (
        "<m:oMath><m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e>"
        "<m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath>"
    )
    body = (
        par('<w:r><w:sym w:font="Wingdings" w:char="F0FC"/></w:r>' + run(" paid, ")
            + '<w:r><w:sym w:font="Symbol" w:char="F0B3"/></w:r>' + run(" 5 days"))
        + par(run("Name: ") + "<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>"
              + run("Click here to enter text.") + "</w:sdtContent></w:sdt>")
        + par(run("Size: ") + power)
        + par(f"<w:r>{picture.format(1, 'Map of hall 3')}</w:r>")
        + par(f"<w:r>{picture.format(2, 'Picture 2')}</w:r>")
        + styled("Pre", "int a = 1;") + styled("Pre", "int b = 2;")
        + styled("Said", "Never share keys.")
    )  # fmt: skip
    assert blocks(tmp_path, body, styles=STYLES) == [
        "paragraph: ✓ paid, ≥ 5 days",
        "paragraph: Name:",
        "paragraph: Size: x^2",
        "caption: Map of hall 3",
        "code: int a = 1;\nint b = 2;",
        "quotation: Never share keys.",
    ]


def test_a_footer_is_said_once_and_without_its_page_number(tmp_path: Path) -> None:
    footer = par("Contact: hr@acme.example") + par("Page 1 of 3")
    found = blocks(tmp_path, par("The text."), footer1=footer, footer2=footer)
    assert found == ["paragraph: The text.", "paragraph: Contact: hr@acme.example"]


def test_a_footnote_in_a_cell_of_figures_stands_behind_them(tmp_path: Path) -> None:
    def row(*cells: str) -> str:
        return "<w:tr>" + "".join(f"<w:tc>{par(cell)}</w:tc>" for cell in cells) + "</w:tr>"

    fee = run("12") + '<w:r><w:footnoteReference w:id="2"/></w:r>'
    note = f'<w:footnote w:id="2">{par("Plus tax.")}</w:footnote>'
    table = row("City", "Fee") + row("Oslo", fee) + row("Rome", "14")
    found = blocks(tmp_path, f"<w:tbl>{table}</w:tbl>", footnotes=note)
    assert found[0] == "row: City: Oslo; Fee: 12[2] [2: Plus tax.]."


def test_lines_set_apart_by_tabs_are_a_table(tmp_path: Path) -> None:
    def line(*cells: str) -> str:
        return par("<w:r><w:tab/></w:r>".join(map(run, cells)))

    body = line("Rate", "Day", "Month") + line("Berlin", "5", "50") + line("Oslo", "6", "60")
    assert blocks(tmp_path, body + line("Yours", "Ann")) == [
        "row: Rate: Berlin; Day: 5; Month: 50.",
        "row: Rate: Oslo; Day: 6; Month: 60.",
        "paragraph: Yours Ann",
    ]


def test_a_bold_question_and_marks_that_were_typed(tmp_path: Path) -> None:
    body = (
        par(run("Where is it?", "<w:b/>") + "<w:r><w:br/></w:r>" + run("On floor 2."))
        + par(run("- one") + "<w:r><w:br/></w:r>" + run("- two"))
        + par("b) three")
    )
    assert blocks(tmp_path, body) == [
        "question: Where is it?", "paragraph: On floor 2.", "item: one", "item: two", "item: three",
    ]  # fmt: skip


def test_a_row_over_all_columns_is_the_caption_and_a_table_in_a_cell_is_read(
    tmp_path: Path,
) -> None:
    def table(*rows: str) -> str:
        return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"

    def cell(content: str, look: str = "") -> str:
        return f"<w:tc><w:tcPr>{look}</w:tcPr>{content}</w:tc>"

    fees = table(
        cell(par("Fees of 2026"), '<w:gridSpan w:val="2"/>'),
        cell(par("City")) + cell(par("Fee")),
        cell(par("Oslo")) + cell(par("5")),
    )
    parsed = parse_file(_word(tmp_path, fees))
    assert [(one.text, one.caption) for one in parsed.blocks if one.kind == "row"] == [
        ("City: Oslo; Fee: 5.", "Fees of 2026")
    ]
    assert blocks(tmp_path, table(cell(par("Beside it.")) + cell(fees + par("")))) == [
        "paragraph: Beside it.", "row: City: Oslo; Fee: 5.",
    ]  # fmt: skip


def _word(folder: Path, body: str) -> Path:
    path = folder / "made.docx"
    path.write_bytes(word_of(body))
    return path
