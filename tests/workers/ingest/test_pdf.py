"""PDF as a reader of the page sees it: whole sentences, no letterheads."""

from datetime import UTC, datetime
from pathlib import Path

from tests.workers.ingest.files import EXAMPLES, pdf, read
from workers.ingest.parse import parse_file


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
