"""Files as text, and files that are made to break whoever reads them."""

import io
import json
import os
import resource
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from pypdf import PdfReader, PdfWriter

from workers.errors import ServerUnavailable
from workers.ingest.formats.document import DocumentUnreadable, Paragraph, clean
from workers.ingest.parse import Limits, Parsed, Parser, inside, parse_file

EXAMPLES = Path(__file__).parents[3] / "examples" / "company" / "documents"
MEMORY_OF_PARENT = 100_000  # KB that it may grow by, whatever a child is fed


def read(folder: Path, name: str, content: str | bytes) -> Parsed:
    return parse_file(put(folder, name, content))


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(folder: Path, name: str, content: str | bytes) -> str:
    with pytest.raises(DocumentUnreadable) as caught:
        read(folder, name, content)
    return caught.value.reason


def refusal_by(parser: Parser, path: Path) -> str:
    with pytest.raises(DocumentUnreadable) as caught:
        parser.parse(path)
    return caught.value.reason


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser() as parser:
        yield parser


# Plain text and Markdown


@pytest.mark.parametrize(
    "content",
    [
        "Grüße an René".encode(),
        b"\xef\xbb\xbf" + "Grüße an René".encode(),
        b"\xff\xfe" + "Grüße an René".encode("utf-16-le"),
        b"\xfe\xff" + "Grüße an René".encode("utf-16-be"),
        "Grüße an René".encode("cp1252"),
    ],
)
def test_text_is_read_in_the_encoding_that_it_has(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, "note.txt", content).text == "Grüße an René"


def test_bytes_that_are_no_text_in_any_encoding_still_give_what_can_be_read(tmp_path: Path) -> None:
    assert read(tmp_path, "note.txt", b"before\x81\x00\x07\xff after").text == "before\ufffdÿ after"
    assert read(tmp_path, "note.txt", b"\xff\xfeA\x00\x00\xd8").text == "A\ufffd"


def test_line_ends_are_one_and_what_is_no_letter_is_gone() -> None:
    assert clean("one\r\ntwo\rthree\ffour\u2028five") == "one\ntwo\nthree\nfour\nfive"
    assert clean("a\x00b\x1bc\u200bd\ue000\ud800\u202ee\U000e0041f\tg") == "abcd\ue000ef\tg"
    assert clean("👩\u200d💻 می\u200cخواهم") == "👩\u200d💻 می\u200cخواهم"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("parental-leave_DE.txt", "Parental leave DE"),
        ("all-hands-2026-10-08.txt", "All hands 2026-10-08"),
        ("README.rst", "README"),
        ("__.txt", "Untitled"),
    ],
)
def test_a_file_without_a_title_is_called_by_its_name(
    tmp_path: Path, name: str, title: str
) -> None:
    assert read(tmp_path, name, "Text.").title == title


def test_the_first_heading_of_markdown_is_its_title_and_not_in_its_text(tmp_path: Path) -> None:
    text = "```\n# no heading\n```\n\n# The *big* [plan](http://x)\n\nText.\n\n# Second\n"
    parsed = read(tmp_path, "a.md", text)
    assert parsed.title == "The big plan"
    assert parsed.text == "```\n# no heading\n```\n\nText.\n\n# Second"
    assert read(tmp_path, "b.md", "# Only this\n").text == "# Only this"


def test_front_matter_gives_title_and_time_and_is_no_text(tmp_path: Path) -> None:
    front = '---\ntitle: "Leave: a guide"\nupdated: 2026-11-01T10:00:00+02:00\ntags: [a]\n---\n'
    parsed = read(tmp_path, "a.md", front + "# Leave: a guide\n\nText.\n")
    assert parsed == Parsed(
        "Leave: a guide", (Paragraph("Text."),), datetime(2026, 11, 1, 8, tzinfo=UTC)
    )
    kept = read(tmp_path, "a.md", "---\ntitle: Guide\n---\n# Another\n\nText.")
    assert (kept.title, kept.text) == ("Guide", "# Another\n\nText.")
    ruled = "---\n\nThe deposit is 500 EUR.\n\n---\n\nKeys cost 20 EUR."
    assert read(tmp_path, "a.md", ruled).text == "The deposit is 500 EUR.\n\nKeys cost 20 EUR."


# Tables of text


def test_a_row_of_a_table_can_be_quoted_by_itself(tmp_path: Path) -> None:
    table = 'name;city;note\nAna;Berlin;"Two\nlines; here."\n;;\nLuis;;Three|four;more\n'
    assert read(tmp_path, "people-2026.csv", table).text.split("\n\n") == [
        "name: Ana; city: Berlin; note: Two lines; here.",
        "name: Luis; note: Three|four; more.",
    ]


def test_a_table_may_have_tabs_or_one_column(tmp_path: Path) -> None:
    assert read(tmp_path, "a.tsv", "a\tb\n1,5\t2\n").text == "a: 1,5; b: 2."
    assert read(tmp_path, "a.csv", "Ana\nLuis\nVic\n").text == "Ana\nLuis\nVic"
    long = "a,b\n1," + "x" * 200_000
    assert read(tmp_path, "a.csv", long).text == "a: 1; b: " + "x" * 200_000 + "."


# HTML

PAGE = """<?xml version="1.0" encoding="latin1"?><!DOCTYPE html>
<html><head><meta charset="latin1"><title>R&eacute;gles &amp; co</title>
<meta property="article:modified_time" content="2026-05-01"><style>p {}</style></head><body>
<header><a href="/">Intranet</a><h1>Banner</h1></header><nav><ul><li>Home</ul></nav>
<main><header><h1>R&eacute;gles &amp; co</h1></header>
<p>First <b>line</b> with a <a href="https://x.example/secret">link</a><br>and a second.
<p hidden>hidden one<p>Seen.<div style="color:red; display : none">hidden two <p>deep</p></div>
<span aria-hidden="true">hidden three</span><!-- hidden four --><script>hidden()</script>
<h2>Steps &lt;1&gt;</h2><ol><li>One<ul><li>Half</ul><li><p>Two</p><p>more</ol>
<dl><dt>Term<dd>Meaning</dl>
<table><caption>Rates</caption><tr><th>Country<th colspan=2>Rate
<tr><td rowspan=2>Germany<td>a|b<td><table><tr><td>in<td>ner</table><tr><td>30<td>x</table>
<pre>  code
    more</pre>
</main><footer>Imprint</footer></body></html>"""


def test_html_becomes_markdown_without_what_is_around_it(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.html", PAGE)
    assert parsed.title == "Régles & co"
    assert parsed.updated_at == datetime(2026, 5, 1, tzinfo=UTC)
    assert parsed.text.split("\n\n") == [
        "First line with a link\nand a second.",
        "Seen.",
        "## Steps <1>",
        "1. One\n  - Half\n2. Two more",
        "Term: Meaning.",
        "Rates",
        "Country: Germany; Rate: a|b; Rate: in: ner.",
        "Country: Germany; Rate: 30; Rate: x.",
        "```\n  code\n    more\n```",
    ]


def test_html_without_a_title_takes_its_first_heading(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.htm", "<title>index.html</title><h1>Heron\n3</h1><p>Text.")
    assert (parsed.title, parsed.text) == ("Heron 3", "Text.")


# DOCX


def word(document: docx.document.Document) -> bytes:
    content = io.BytesIO()
    document.save(content)
    return content.getvalue()


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


# PDF


def pdf(
    *pages: list[tuple[int, int, str]], title: str = "", others: dict[int, str] | None = None
) -> bytes:
    """Each page is lines of (y, size, text); `others` are objects, 2 is the root of the pages."""
    kids = " ".join(f"{10 + 2 * number} 0 R" for number in range(len(pages)))
    objects = {
        1: "<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        3: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        4: f"<< /Title ({title}) /ModDate (D:20260301120000Z) >>",
    }
    for number, lines in enumerate(pages):
        shown = "\n".join(f"BT /F1 {size} Tf 72 {y} Td ({text}) Tj ET" for y, size, text in lines)
        objects[10 + 2 * number] = (
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R"
            f" >> >> /Contents {11 + 2 * number} 0 R >>"
        )
        objects[11 + 2 * number] = f"<< /Length {len(shown)} >>\nstream\n{shown}\nendstream"
    body, table = "%PDF-1.4\n", "xref\n0 1\n0000000000 65535 f \n"
    for number, content in sorted((objects | (others or {})).items()):
        table += f"{number} 1\n{len(body):010} 00000 n \n"
        body += f"{number} 0 obj\n{content}\nendobj\n"
    trailer = f"trailer << /Root 1 0 R /Info 4 0 R /Size 99 >>\nstartxref\n{len(body)}\n%%EOF"
    return (body + table + trailer).encode("latin-1")


def test_sentences_of_a_pdf_come_out_whole(tmp_path: Path) -> None:
    content = pdf(
        [
            (800, 8, "Handbook of Velmarsh, 2026"),
            (760, 18, "Leave in Germany"),
            (
                730,
                11,
                "Everybody in Germany has thirty days of leave in a year. The days are agreed",
            ),
            (715, 11, "with the manager, and Arbeitneh-"),
            (700, 11, "mer of EUR-"),
            (685, 11, "Raum may carry five of them over."),
            (655, 13, "How to ask"),
            (
                635,
                11,
                "- Write to the people team before the start of the leave, which is when they",
            ),
            (620, 11, "need it."),
            (605, 11, "- Wait."),
            (580, 11, "Leave that is not taken ends on the last day of"),
            (30, 8, "page 1 of 2"),
        ],
        [
            (800, 8, "Handbook of Velmarsh, 2026"),
            (760, 11, "March, unless you were ill. Then it ends a year later."),
            (30, 8, "page 2 of 2"),
        ],
        [],
        title="Leave in Germany",
    )
    parsed = read(tmp_path, "a.pdf", content)
    assert (parsed.title, parsed.updated_at) == (
        "Leave in Germany",
        datetime(2026, 3, 1, 12, tzinfo=UTC),
    )
    assert parsed.pages == (  # the letterhead once
        "Handbook of Velmarsh, 2026\n\n"
        "Everybody in Germany has thirty days of leave in a year. The days are agreed with the "
        "manager, and Arbeitnehmer of EUR-Raum may carry five of them over.\n\n## How to ask\n\n"
        "- Write to the people team before the start of the leave, which is when they need it.\n"
        "- Wait.\n\nLeave that is not taken ends on the last day of",
        "March, unless you were ill. Then it ends a year later.",
    )


def test_a_sentence_over_two_pages_is_whole_on_the_first(tmp_path: Path) -> None:
    parsed = read(
        tmp_path,
        "quarter-report.pdf",
        pdf(
            [(700, 11, "The brakes are checked by"), (30, 8, "1")],
            [(700, 11, "two people. Always."), (30, 8, "2")],
            title="Microsoft Word - draft.docx",
        ),
    )
    assert parsed.title == "Quarter report"
    assert parsed.pages == ("The brakes are checked by two people.", "Always.")


def test_a_number_at_the_start_of_a_line_is_an_item_only_where_one_may_begin(
    tmp_path: Path,
) -> None:
    lines = (
        "The contract ends, unless it is renewed in writing by both of them, on the",
        "15. of March. It has to be signed by:",
        "1. the buyer, who is named above and has the right to sign for the whole company,",
        "or a deputy",
        "2. the seller",
    )
    page = [(700 - 15 * at, 11, line) for at, line in enumerate(lines)]
    assert [block.text for block in read(tmp_path, "a.pdf", pdf(page)).blocks] == [
        "The contract ends, unless it is renewed in writing by both of them, on the "
        "15. of March. It has to be signed by:",
        "the buyer, who is named above and has the right to sign for the whole company, "
        "or a deputy",
        "the seller",
    ]


def test_the_sentences_of_the_example_pdf_files_are_whole() -> None:
    pension = parse_file(EXAMPLES / "hr" / "de" / "pension-scheme.pdf")
    assert (
        "Velmarsh adds 25 percent to every euro of salary that you convert into the German company "
        "pension. The addition is limited to EUR 100 per month. The legal minimum would be 15 "
        "percent.\n\n## Provider\n\n"
    ) in pension.text
    assert "page 1" not in pension.text


# What cannot be read


def scanned_pdf() -> bytes:
    """A page with a picture, and no text."""
    picture = "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8"
    picture += " /ColorSpace /DeviceGray /Length 1 >>\nstream\nx\nendstream"
    page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 11 0 R"
    page += " /Resources << /XObject << /P 50 0 R >> >> >>"
    shown = "q 500 0 0 700 50 50 cm /P Do Q"
    content = f"<< /Length {len(shown)} >>\nstream\n{shown}\nendstream"
    return pdf([], others={10: page, 11: content, 50: picture})


def locked_pdf() -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf([(700, 11, "Text.")]))))
    writer.encrypt("secret", algorithm="RC4-128")
    content = io.BytesIO()
    writer.write(content)
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.xyz", b"text", "not a format Ken reads (.xyz)"),
        ("a", b"text", "not a format Ken reads (no suffix)"),
        ("a.txt", b"", "empty"),
        ("a.md", b" \n\x00\n", "empty"),
        ("a.html", b"<p hidden>text", "empty"),
        ("a.pdf", locked_pdf(), "encrypted PDF"),
        ("a.pdf", b"%PDF-1.4 and no more", "damaged PDF"),
        ("a.pdf", pdf([]), "empty"),
        ("a.pdf", scanned_pdf(), "no text in it (a scan?)"),
        ("a.docx", word(docx.Document()), "empty"),
        ("a.docx", b"\xd0\xcf\x11\xe0 an old one", "no DOCX (an old or encrypted Word file?)"),
    ],
)
def test_a_reason_says_why_there_is_no_text(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    assert refusal(tmp_path, name, content) == reason


def test_what_is_too_large_or_no_file_is_not_opened(tmp_path: Path, parser: Parser) -> None:
    large = put(tmp_path, "a.txt", "x" * 1_600_000)
    with Parser(Limits(file_bytes=1_000_000)) as strict:
        assert refusal_by(strict, large) == "too large (1.6 MB, limit 1 MB)"
    assert parser.parse(large).title == "A"
    os.mkfifo(tmp_path / "pipe.txt")
    assert refusal_by(parser, tmp_path / "pipe.txt") == "not a file"
    assert refusal_by(parser, tmp_path / "gone.txt") == "cannot be opened"


def test_a_link_that_leads_out_of_the_folder_is_not_inside(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    put(tmp_path, "secret.txt", "secret")
    put(folder, "a.txt", "text")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "in.txt").symlink_to(folder / "a.txt")
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    names = ("a.txt", "in.txt", "out.txt", "loop.txt", "../secret.txt", "../folder2/a.txt")
    assert [name for name in names if inside(folder, folder / name)][:2] == ["a.txt", "in.txt"]
    assert not any(inside(folder, folder / name) for name in ("out.txt", "../secret.txt"))


# Bombs


def zipped(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


def with_body(xml: str) -> bytes:
    """A DOCX whose document.xml is this."""
    content = io.BytesIO()
    given = zipfile.ZipFile(io.BytesIO(word(docx.Document())))
    with given, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in given.namelist():
            archive.writestr(name, xml if name == "word/document.xml" else given.read(name))
    return content.getvalue()


LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "laugh">' for n in range(10)
)
BODY = f"<w:document {nsdecls('w')}><w:body>{{}}</w:body></w:document>"
BOMBS = {
    "zip.docx": zipped(bomb=bytes(300_000_000)),
    "laughs.docx": with_body(
        f"<!DOCTYPE w [{LAUGHS}]>" + BODY.format("<w:p><w:r><w:t>&l9;</w:t></w:r></w:p>")
    ),
    "laughs-in-attribute.docx": with_body(
        f"<!DOCTYPE w [{LAUGHS}]>" + BODY.format('<w:p w:x="&l9;"/>')
    ),
    "deep.docx": with_body(BODY.format("<w:sdt>" * 100_000)),
    "loop.pdf": pdf(others={2: "<< /Type /Pages /Kids [2 0 R] /Count 1 >>"}),
    "million.pdf": pdf(
        others={
            2: f"<< /Type /Pages /Kids [{'20 0 R ' * 20}] /Count 64000000 >>",
            **{
                number: f"<< /Type /Pages /Parent 2 0 R /Kids [{f'{number + 1} 0 R ' * 20}] >>"
                for number in range(20, 25)
            },
            25: "<< /Type /Page /Parent 2 0 R >>",
        }
    ),
}


def test_no_bomb_hurts_anything_but_its_own_child(tmp_path: Path, parser: Parser) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reasons = {}
    for name, content in BOMBS.items():
        reasons[name] = refusal_by(parser, put(tmp_path, name, content))
        assert parser.parse(put(tmp_path, "good.md", "# Good\n\nText.")).text == "Text."
    assert reasons == {
        "zip.docx": "too large when unpacked",
        "laughs.docx": "damaged DOCX",
        "laughs-in-attribute.docx": "damaged DOCX",
        "deep.docx": "damaged DOCX",
        "loop.pdf": "damaged PDF",
        "million.pdf": "damaged PDF",
    }
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MEMORY_OF_PARENT


def test_html_of_any_depth_is_read(tmp_path: Path, parser: Parser) -> None:
    depth = 100_000
    for tag in ("div", "ul><li", "table><tr><td", "span", "h2", "b"):
        path = put(tmp_path, "deep.html", f"<{tag}>" * depth + "Deep down.")
        assert "Deep down." in parser.parse(path).text


def test_no_file_is_read_that_a_document_names(tmp_path: Path) -> None:
    secret = put(tmp_path, "secret.txt", "the secret")
    entity = f'[<!ENTITY x SYSTEM "file://{secret}">]>'
    page = f'<!DOCTYPE html {entity}<p>&x;<object data="{secret}"></object><p>Text.'
    assert "the secret" not in read(tmp_path, "a.html", page).text
    text = "<w:p><w:r><w:t>&x;</w:t><w:t>Text.</w:t></w:r></w:p>"
    document = with_body(f"<!DOCTYPE w {entity}" + BODY.format(text))
    assert read(tmp_path, "a.docx", document).text == "Text."


def slow_pdf() -> bytes:
    return pdf([(700, 11, "x")] * 100_000)


def test_a_document_that_takes_too_long_or_too_much_memory_is_left_out(tmp_path: Path) -> None:
    good = put(tmp_path, "good.txt", "Text.")
    slow = put(tmp_path, "slow.pdf", slow_pdf())
    with Parser(Limits(seconds=0.05)) as hurried:
        assert refusal_by(hurried, slow) == "took longer than 0.05 s"
        assert hurried.parse(good).text == "Text."
    with Parser(Limits(memory_bytes=30_000_000)) as small:
        large = put(tmp_path, "large.csv", "a,b\n" + "1,2\n" * 4_000_000)
        assert refusal_by(small, large) == "needed too much memory"
        assert small.parse(good).text == "Text."


def test_more_text_than_the_limit_is_left_out_and_said(tmp_path: Path) -> None:
    with Parser(Limits(text_bytes=1_000_000)) as parser:
        assert refusal_by(parser, put(tmp_path, "a.txt", "ü" * 500_001)) == "more text than 1 MB"
        assert len(parser.parse(put(tmp_path, "a.txt", "ü" * 500_000)).text) == 500_000
        long = parser.parse(put(tmp_path, "b.csv", "Name,Days\n" + "Ana,30\n" * 60_000))
        assert long.missing == "the rest was not read: more text than 1 MB"
        assert 990_000 < sum(len(row.text) for row in long.blocks) <= 1_000_000
        assert parser.parse(put(tmp_path, "c.txt", "Text.")).missing == ""
        quotes = put(tmp_path, "a.txt", 'x"' * 499_995)  # half as long again in JSON
        assert len(parser.parse(quotes).text) == 999_990


# A child that was taken over

FRAME = "lambda reply: len(reply).to_bytes(4, 'big') + reply"


def taken_over(program: str) -> Parser:
    """A parser whose child starts well, and answers with what `program` sends."""

    class TakenOver(Parser):
        command = (
            sys.executable,
            "-c",
            f"import json, os, resource, socket\nframe = {FRAME}\ns = socket.socket(fileno=0)\n"
            f"s.sendall(frame(b'ready'))\ns.recv(9999)\n{program}",
        )

    return TakenOver(Limits(seconds=5))


def answer(blocks: object = None, **fields: object) -> str:
    about = {"title": "T", "updated_at": None, "missing": ""} | fields
    said = [{"kind": "paragraph", "text": "Text."}] if blocks is None else blocks
    return json.dumps(about) + "\n" + json.dumps(said)


def paragraph(text: object, **fields: object) -> dict[str, object]:
    return {"kind": "paragraph", "text": text} | fields


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("os._exit(0)", "the parser stopped"),
        ("os.abort()", "the parser stopped"),
        ("s.sendall(b'\\xff' * 4); s.recv(1)", "more text than 5 MB"),
        ("s.sendall(frame(b'no JSON'))", "the parser stopped"),
        ("s.sendall(frame(b'[' * 100_000))", "the parser stopped"),
        (f"s.sendall(frame({answer([])!r}.encode()))", "the parser stopped"),
        (f"s.sendall(frame({answer([1])!r}.encode()))", "the parser stopped"),
        (f"s.sendall(frame({answer([paragraph(1)])!r}.encode()))", "the parser stopped"),
        (f"s.sendall(frame({answer([paragraph('a' + chr(0))])!r}.encode()))", "the parser stopped"),
        (
            f"s.sendall(frame({answer([paragraph('a', page='1')])!r}.encode()))",
            "the parser stopped",
        ),
        (
            f"s.sendall(frame({answer([paragraph('a', kind='x')])!r}.encode()))",
            "the parser stopped",
        ),
        (f"s.sendall(frame({answer(missing='salaries')!r}.encode()))", "the parser stopped"),
        (f"s.sendall(frame({answer(title=chr(0xD800))!r}.encode()))", "the parser stopped"),
        (f"s.sendall(frame({answer(updated_at='2026-01-01')!r}.encode()))", "the parser stopped"),
        ('s.sendall(frame(b\'{"reason": "salary: 5000"}\'))', "the parser stopped"),
    ],
)
def test_nothing_is_believed_of_a_child(tmp_path: Path, program: str, reason: str) -> None:
    path = put(tmp_path, "a.txt", "Text.")
    with taken_over(program) as parser:
        assert refusal_by(parser, path) == reason
    with taken_over(f"s.sendall(frame({answer()!r}.encode()))") as parser:
        assert parser.parse(path) == Parsed("T", (Paragraph("Text."),), None)


def test_a_child_holds_no_secrets_and_no_files_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEN_OWNER_PASSWORD", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    program = (
        "from workers.ingest.sandbox import confine\nconfine(1 << 30)\n"
        "kept = [dict(os.environ), [resource.getrlimit(kind)[1] for kind in"
        " (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE)], len(os.listdir('/proc/self/fd'))]\n"
        "about = json.dumps({'title': 'T', 'updated_at': None, 'missing': ''})\n"
        "blocks = json.dumps([{'kind': 'paragraph', 'text': json.dumps(kept)}])\n"
        "s.sendall(frame((about + chr(10) + blocks).encode()))"
    )
    with (
        put(tmp_path, "a.txt", "Text.").open() as file,
        taken_over(program) as parser,
    ):
        environment, limits, files = json.loads(parser.parse(Path(file.name)).text)
    assert set(environment) <= {"PATH", "LC_ALL", "TZ", "LC_CTYPE"}
    assert limits == [0, 0]
    assert files == 4  # three, and the folder that is being listed


def test_a_child_that_ended_between_two_documents_is_replaced(tmp_path: Path) -> None:
    path = put(tmp_path, "a.txt", "Text.")
    with taken_over(f"s.sendall(frame({answer()!r}.encode()))") as parser:
        assert [parser.parse(path).text for _ in range(3)] == ["Text."] * 3


def test_an_installation_that_cannot_read_anything_says_so(tmp_path: Path) -> None:
    class Broken(Parser):
        command = (sys.executable, "-c", "raise SystemExit")

    with Broken() as parser, pytest.raises(ServerUnavailable):
        parser.parse(put(tmp_path, "a.txt", "Text."))


def test_every_example_is_read_as_its_folder_expects(parser: Parser) -> None:
    paths = sorted(path for path in EXAMPLES.rglob("*") if path.is_file())
    parsed = [parser.parse(path) for path in paths]
    assert len(parsed) > 100
    assert all(len(document.text) > 200 for document in parsed)
