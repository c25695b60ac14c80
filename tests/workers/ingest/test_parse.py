"""Text, Markdown, tables and HTML as text."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.workers.ingest.files import EXAMPLES, read
from workers.ingest.formats.document import Paragraph, clean
from workers.ingest.parse import Parsed, Parser

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


def test_bytes_that_are_not_text_in_any_encoding_give_what_can_be_read(tmp_path: Path) -> None:
    assert read(tmp_path, "note.txt", b"before\x81\x00\x07\xff after").text == "before\ufffdÿ after"


def test_half_a_character_is_replaced(tmp_path: Path) -> None:
    assert read(tmp_path, "note.txt", b"\xff\xfeA\x00\x00\xd8").text == "A\ufffd"


def test_all_line_ends_become_one_kind() -> None:
    assert clean("one\r\ntwo\rthree\ffour\u2028five") == "one\ntwo\nthree\nfour\nfive"


def test_characters_that_nobody_sees_are_removed() -> None:
    assert clean("a\x00b\x1bc\u200bd\ue000\ud800\u202ee\U000e0041f\tg") == "abcd\ue000ef\tg"


def test_joiners_within_words_and_pictures_stay() -> None:
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


def test_a_text_of_one_heading_keeps_it(tmp_path: Path) -> None:
    assert read(tmp_path, "b.md", "# Only this\n").text == "# Only this"


def test_front_matter_gives_title_and_time_and_is_not_text(tmp_path: Path) -> None:
    front = '---\ntitle: "Leave: a guide"\nupdated: 2026-11-01T10:00:00+02:00\ntags: [a]\n---\n'
    parsed = read(tmp_path, "a.md", front + "# Leave: a guide\n\nText.\n")
    assert parsed == Parsed(
        "Leave: a guide", (Paragraph("Text."),), datetime(2026, 11, 1, 8, tzinfo=UTC)
    )


def test_front_matter_that_says_when_a_page_holds_stands_at_its_top(tmp_path: Path) -> None:
    front = "---\ntitle: Travel\nstatus: Superseded\nvalid_until: 2026-03-31\n---\n"
    assert read(tmp_path, "a.md", f"{front}# Travel\n\n## Hotels\n\nAt most EUR 120.").blocks[
        0
    ] == (Paragraph("Status: Superseded. Valid until: 2026-03-31."))
    assert read(tmp_path, "b.md", f"{front}Text.").text.endswith("2026-03-31.\n\nText.")
    published = "---\ntitle: Travel\nstatus: published\n---\nText."
    assert read(tmp_path, "c.md", published).text == "Text."


def test_a_heading_that_is_not_the_title_stays_in_the_text(tmp_path: Path) -> None:
    kept = read(tmp_path, "a.md", "---\ntitle: Guide\n---\n# Another\n\nText.")
    assert (kept.title, kept.text) == ("Guide", "# Another\n\nText.")


def test_rules_at_the_start_are_not_front_matter(tmp_path: Path) -> None:
    ruled = "---\n\nThe deposit is 500 EUR.\n\n---\n\nKeys cost 20 EUR."
    assert read(tmp_path, "a.md", ruled).text == "The deposit is 500 EUR.\n\nKeys cost 20 EUR."


# Tables of text


def test_a_row_of_a_table_can_be_quoted_by_itself(tmp_path: Path) -> None:
    table = 'name;city;note\nAna;Berlin;"Two\nlines; here."\n;;\nLuis;;Three|four;more\n'
    assert read(tmp_path, "people-2026.csv", table).text.split("\n\n") == [
        "name: Ana; city: Berlin; note: Two lines; here.",
        "name: Luis; note: Three|four; more.",
    ]


def test_a_table_may_have_tabs(tmp_path: Path) -> None:
    assert read(tmp_path, "a.tsv", "a\tb\n1,5\t2\n").text == "a: 1,5; b: 2."


def test_a_table_may_have_one_column(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", "Ana\nLuis\nVic\n").text == "Ana\nLuis\nVic"


def test_a_cell_may_be_long(tmp_path: Path) -> None:
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


def test_every_example_is_read_as_its_folder_expects(parser: Parser) -> None:
    paths = sorted(path for path in EXAMPLES.rglob("*") if path.is_file())
    parsed = [parser.parse(path) for path in paths]
    assert len(parsed) > 100
    assert all(len(document.text) > 200 for document in parsed)
