"""RTF, mail, books and data as people write them: one test for each kind of fault."""

from pathlib import Path

import pytest

from tests.workers.ingest.files import read, refusal
from tests.workers.ingest.office import epub
from workers.ingest.formats.document import Code, Heading, Item, Paragraph, Question, Quotation


def texts(folder: Path, name: str, content: bytes | str) -> list[str]:
    return [block.text for block in read(folder, name, content).blocks]


# RTF

_HEAD = (
    r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}{\f3\fcharset2 Symbol;}"
    r"{\f4\fcharset204 Times;}{\f5\fcharset128 MS Gothic;}}{\stylesheet{\s0 Normal;}"
    r"{\s1\outlinelevel0 heading 1;}{\s15\f1 HTML Preformatted;}}"
)


def test_raised_figures_of_rtf_are_powers_or_notes(tmp_path: Path) -> None:
    source = (
        _HEAD + r"\pard 20 m{\super 2}, 10\super 6\nosupersub  rows, 30{\super 1} days.\par"
        r"\pard {\super 1} Except in May.\par\pard Not {\strike so}{\deleted gone}{\v hidden}"
        r"this.\par}"
    )
    assert texts(tmp_path, "a.rtf", source) == [
        "20 m^2, 10^6 rows, 30[1] days [1: Except in May].",
        "Not this.",
    ]


def test_a_cell_of_rtf_may_have_paragraphs_and_go_over_rows(tmp_path: Path) -> None:
    source = (
        _HEAD + r"\trowd\trhdr\cellx1\cellx2\intbl City\cell Limit\cell\row"
        r"\trowd\clvmgf\cellx1\cellx2\intbl Berlin\cell 140\par with tax\cell\row"
        r"\trowd\clvmrg\cellx1\cellx2\intbl\cell a | b\cell\row\pard Behind it.\par}"
    )
    assert texts(tmp_path, "a.rtf", source) == [
        "City: Berlin; Limit: 140; with tax.",
        "City: Berlin; Limit: a | b.",
        "Behind it.",
    ]


def test_lists_of_rtf_keep_marks_and_depth_and_styles_say_what_is_code(tmp_path: Path) -> None:
    source = (
        _HEAD + r"\pard\s1{\listtext\pard 1.\tab}Keys\par\pard{\listtext\f3\'b7\tab}one\par"
        r"\pard\ilvl1{\listtext\pard a)\tab}inner\par\pard{\pntext 2.\tab}two\par"
        r"\pard\s15 ken load\par}"
    )
    assert read(tmp_path, "a.rtf", source).blocks == (
        Heading("1. Keys"),
        Item("one"),
        Item("inner", 1, "a)"),
        Item("two", 0, "2."),
        Code("ken load"),
    )


def test_letters_of_rtf_are_in_the_charset_of_their_font(tmp_path: Path) -> None:
    source = (
        _HEAD + r"\pard {\f4\'ce\'f2\'ef\'f3\'f1\'ea} {\f5\'93\'fa\'96\{} \uc2\u8364 ??uro\par"
        r"{\header\pard Rules of ACME\par}{\*\annotation\pard a remark\par}"
        r"{\shp{\*\shpinst{\sp{\sn x}}{\shptxt\pard Boxed.\par}}{\shprslt\pard Boxed.\par}}\par}"
    )
    assert texts(tmp_path, "a.rtf", source) == ["Rules of ACME", "Отпуск 日本 €uro", "Boxed."]


def test_rtf_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, "a.rtf", "{\\rtf1" + "{" * 5_000) == "nested too deep"


# Mail


def _mail(text: str, kind: str = "text/plain; charset=utf-8") -> str:
    return f"From: a@a.example\nSubject: Keys\nContent-Type: {kind}\n\n{text}"


def test_below_the_head_of_an_older_mail_all_is_quoted(tmp_path: Path) -> None:
    text = "It is 5 EUR.\n\nVon: Eva\nGesendet: Montag\nAn: Team\n\nBisher 3 EUR.\n\n- fragen"
    assert read(tmp_path, "a.eml", _mail(text)).blocks[1:] == (
        Paragraph("It is 5 EUR."),
        Quotation("Von: Eva\nGesendet: Montag\nAn: Team"),
        Quotation("Bisher 3 EUR."),
        Quotation("fragen"),
    )
    page = "<p>It is 5.</p><p><b>From:</b> Bo<br><b>Sent:</b> Monday<br></p><p>Before, 3.</p>"
    blocks = read(tmp_path, "a.eml", _mail(page, "text/html")).blocks
    assert [block.kind for block in blocks] == ["paragraph", "paragraph", "quotation", "quotation"]


def test_a_page_in_a_mail_may_say_its_charset_itself(tmp_path: Path) -> None:
    page = '<html><head><meta charset="windows-1251"></head><p>Цена 30.</p></html>'
    assert texts(tmp_path, "a.eml", _mail(page, "text/html").encode("cp1251"))[1:] == ["Цена 30."]


def test_flowed_lines_and_signatures_of_mails(tmp_path: Path) -> None:
    text = "They fl \now on.\n-- \nAna"
    kind = "text/plain; charset=utf-8; format=flowed; delsp=yes"
    assert texts(tmp_path, "a.eml", _mail(text, kind))[1:] == ["They flow on.", "Ana"]


# Books and pages


def test_a_note_of_a_book_is_where_it_is_referred_to(tmp_path: Path) -> None:
    page = (
        '<p>The deposit<a epub:type="noteref" href="#x1"><sup>1</sup></a> is 20.</p>'
        '<aside epub:type="footnote" id="x1"><p>1. Cash only.</p></aside>'
    )
    assert texts(tmp_path, "a.epub", epub({"a.xhtml": page})) == ["The deposit is 20 [Cash only]."]
    page = page.replace('epub:type="noteref"', 'role="doc-noteref"')
    page = page.replace('epub:type="footnote"', 'role="doc-footnote"')
    assert texts(tmp_path, "a.html", page) == ["The deposit is 20 [Cash only]."]


# Data


def test_a_record_says_its_values_together(tmp_path: Path) -> None:
    gate = (
        '{{"type": "Gate", "at": {{"name": "{}", "fee": {}}}, "place": {{"point": [1, 2]}}}}'.format
    )
    source = f'{{"gates": [{gate("A", 5)}, {gate("B", 7)}], "faq": [{{"q": "Who?", "a": "All."}}]}}'
    assert texts(tmp_path, "a.json", source) == [
        "gates",
        "type: Gate; at.name: A; at.fee: 5; place.point: 1, 2.",
        "type: Gate; at.name: B; at.fee: 7; place.point: 1, 2.",
        "faq",
        "q: Who?; a: All.",
    ]
    source = '[{"name": "Ana", "fee": 5, "keys": [{"door": 1}, 2]}, {"name": "Bo", "keys": []}]'
    assert texts(tmp_path, "a.json", source) == [
        "name: Ana; fee: 5.",
        "[Ana].keys[1].door: 1.",
        "[Ana].keys[2]: 2.",
        "[2].name: Bo.",
    ]


def test_settings_may_have_comments_and_a_damaged_line_costs_no_other(tmp_path: Path) -> None:
    source = '{\n // note "x\n "a": "b // c", /* no */\n "d": [1, 2,],\n}'
    assert texts(tmp_path, "a.json", source) == ["a: b // c.", "d: 1, 2."]
    parsed = read(tmp_path, "a.jsonl", '{"a": 1}\nnot json\n{"a": 2}\n')
    assert [block.text for block in parsed.blocks] == ["a: 1.", "a: 2."]
    assert parsed.missing == "1 part was not read: damaged JSON"


def test_each_document_of_a_yaml_file_has_its_own_heading(tmp_path: Path) -> None:
    source = "# Owner: platform team\n\nkind: Service\nmetadata:\n  name: web\n---\nkind: Job\n"
    parsed = read(tmp_path, "k8s.yaml", source)
    assert parsed.title == "K8s"
    assert parsed.blocks[:2] == (Paragraph("Owner: platform team"), Heading("Service web"))
    assert [one.text for one in parsed.blocks][-2:] == ["Job", "kind: Job."]


def test_a_key_of_data_is_no_title_but_that_of_an_api_is(tmp_path: Path) -> None:
    assert read(tmp_path, "compose.yml", "services:\n  db:\n    image: x\n").title == "Compose"
    assert (
        read(tmp_path, "a.yaml", "openapi: 3.0.0\ninfo:\n  title: Keys API\n").title == "Keys API"
    )


# Questions, whatever wrote them


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.rtf"])
def test_an_answer_in_its_own_paragraph_loses_its_mark(tmp_path: Path, name: str) -> None:
    source = {
        "a.html": "<p>Q: Who pays?</p><p>A: The company.</p>",
        "a.rtf": r"{\rtf1 Q: Who pays?\par A: The company.\par}",
    }.get(name, "Q: Who pays?\n\nA: The company.\n")
    assert read(tmp_path, name, source).blocks == (Question("Who pays?"), Paragraph("The company."))


def test_an_answer_that_says_nothing_breaks_no_reader(tmp_path: Path) -> None:
    assert texts(tmp_path, "a.txt", "Q: Who pays?\n\nA: ...\n\nMore.") == [
        "Who pays?",
        "A: ...",
        "More.",
    ]
