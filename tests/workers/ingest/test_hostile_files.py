"""Files that cannot be read, or that are made to break the program that reads them."""

import io
import os
import resource
from pathlib import Path

import docx
import pytest
from pypdf import PdfReader, PdfWriter

from tests.workers.ingest.files import (
    BODY,
    LAUGHS,
    MEMORY_OF_PARENT,
    pdf,
    put,
    read,
    refusal,
    refusal_by,
    with_body,
    word,
)
from tests.workers.ingest.office import zipped
from workers.ingest.parse import Limits, Parser, inside


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


def test_a_file_that_is_too_large_is_not_opened(tmp_path: Path, parser: Parser) -> None:
    large = put(tmp_path, "a.txt", "x" * 1_600_000)
    with Parser(Limits(file_bytes=1_000_000)) as strict:
        assert refusal_by(strict, large) == "too large (1.6 MB, limit 1 MB)"
    assert parser.parse(large).title == "A"


def test_only_a_file_that_exists_is_opened(tmp_path: Path, parser: Parser) -> None:
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


BOMBS = {
    "zip.docx": zipped({"bomb": bytes(300_000_000)}),
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


def test_a_bomb_hurts_only_its_own_child(tmp_path: Path, parser: Parser) -> None:
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


def test_a_file_that_a_document_names_is_not_read(tmp_path: Path) -> None:
    secret = put(tmp_path, "secret.txt", "the secret")
    entity = f'[<!ENTITY x SYSTEM "file://{secret}">]>'
    page = f'<!DOCTYPE html {entity}<p>&x;<object data="{secret}"></object><p>Text.'
    assert "the secret" not in read(tmp_path, "a.html", page).text
    text = "<w:p><w:r><w:t>&x;</w:t><w:t>Text.</w:t></w:r></w:p>"
    document = with_body(f"<!DOCTYPE w {entity}" + BODY.format(text))
    assert read(tmp_path, "a.docx", document).text == "Text."


def slow_pdf() -> bytes:
    return pdf([(700, 11, "x")] * 100_000)


def test_a_document_that_takes_too_long_is_left_out(tmp_path: Path) -> None:
    good = put(tmp_path, "good.txt", "Text.")
    slow = put(tmp_path, "slow.pdf", slow_pdf())
    with Parser(Limits(seconds=0.05)) as hurried:
        assert refusal_by(hurried, slow) == "took longer than 0.05 s"
        assert hurried.parse(good).text == "Text."


def test_a_document_that_needs_too_much_memory_is_left_out(tmp_path: Path) -> None:
    good = put(tmp_path, "good.txt", "Text.")
    with Parser(Limits(memory_bytes=30_000_000)) as small:
        large = put(tmp_path, "large.csv", "a,b\n" + "1,2\n" * 4_000_000)
        assert refusal_by(small, large) == "needed too much memory"
        assert small.parse(good).text == "Text."


def test_a_text_over_the_limit_is_left_out(tmp_path: Path) -> None:
    with Parser(Limits(text_bytes=1_000_000)) as parser:
        assert refusal_by(parser, put(tmp_path, "a.txt", "ü" * 500_001)) == "more text than 1 MB"
        assert len(parser.parse(put(tmp_path, "a.txt", "ü" * 500_000)).text) == 500_000


def test_of_a_table_over_the_limit_the_first_rows_are_read_and_the_rest_is_reported(
    tmp_path: Path,
) -> None:
    with Parser(Limits(text_bytes=1_000_000)) as parser:
        long = parser.parse(put(tmp_path, "b.csv", "Name,Days\n" + "Ana,30\n" * 60_000))
        assert long.missing == "the rest was not read: more text than 1 MB"
        assert 990_000 < sum(len(row.text) for row in long.blocks) <= 1_000_000
        assert parser.parse(put(tmp_path, "c.txt", "Text.")).missing == ""


def test_the_limit_counts_the_text_and_not_how_it_is_sent(tmp_path: Path) -> None:
    with Parser(Limits(text_bytes=1_000_000)) as parser:
        quotes = put(tmp_path, "a.txt", 'x"' * 499_995)  # half as long again in JSON
        assert len(parser.parse(quotes).text) == 999_990
