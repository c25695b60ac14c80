"""DOCX as a reader of the document sees it."""

from datetime import UTC, datetime
from pathlib import Path

import docx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from tests.workers.ingest.files import read, word


def test_docx_becomes_markdown(tmp_path: Path) -> None:
    document = docx.Document()
    document.core_properties.title = "Travel policy"
    document.core_properties.modified = datetime(2026, 3, 1, tzinfo=UTC)
    document.add_heading("Travel policy", 0)
    document.add_heading("Flights", 2)
    document.add_paragraph("Economy class.\nAlways.")
    document.add_paragraph("Book early", style="List Bullet")
    document.add_paragraph("Really", style="List Number 2")
    table = document.add_table(2, 2)
    for cell, text in zip(table._cells, ("City", "Limit", "Berlin", "EUR 140"), strict=True):
        cell.text = text
    parsed = read(tmp_path, "a.docx", word(document))
    assert (parsed.title, parsed.updated_at) == ("Travel policy", datetime(2026, 3, 1, tzinfo=UTC))
    assert parsed.text.split("\n\n") == [
        "## Flights",
        "Economy class.\nAlways.",
        "- Book early\n  1. Really",
        "City: Berlin; Limit: EUR 140.",
    ]


def test_docx_reads_as_if_all_changes_were_accepted(tmp_path: Path) -> None:
    document = docx.Document()
    document.core_properties.title = ""
    document.add_heading("Notice", 1)
    body = document.element.body
    body.insert(
        1,
        parse_xml(
            f"""<w:sdt {nsdecls("w")}><w:sdtContent><w:p>
            <w:r><w:t xml:space="preserve">Three </w:t></w:r>
            <w:del w:id="1" w:author="a"><w:r><w:delText>weeks</w:delText></w:r></w:del>
            <w:ins w:id="2" w:author="a"><w:r><w:t>months</w:t></w:r></w:ins>
            <w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>
            <w:r><w:instrText>PAGE</w:instrText></w:r><w:r><w:t>.</w:t></w:r>
            </w:p></w:sdtContent></w:sdt>"""
        ),
    )
    commented = document.add_paragraph("Agreed.")
    document.add_comment(commented.runs, text="Not for the staff", author="a", initials="a")
    parsed = read(tmp_path, "a.docx", word(document))
    assert (parsed.title, parsed.text) == ("Notice", "Three months.\n\nAgreed.")


def test_styles_that_are_based_on_each_other_in_a_circle_end(tmp_path: Path) -> None:
    document = docx.Document()
    one = document.styles.add_style("One", 1)
    two = document.styles.add_style("Two", 1)
    one.base_style, two.base_style = two, one
    document.add_paragraph("Text.", style="One")
    assert read(tmp_path, "a.docx", word(document)).text == "Text."
