"""Where words stand on a page says what they are: tables, columns, forms, notes, lists."""

import textwrap
from pathlib import Path

from tests.workers.ingest.files import put, refusal
from tests.workers.ingest.pages import Text, grid, page, pdf_of
from workers.ingest.parse import parse_file


def blocks(folder: Path, *pages: str) -> list[str]:
    """Each block as it is shown, with its kind."""
    path = folder / "made.pdf"
    path.write_bytes(pdf_of(*pages))
    return [f"{block.kind}: {block.text}" for block in parse_file(path).blocks]


def rows(
    *lines: tuple[str, ...], at: tuple[int, ...], top: int = 700, step: int = 16
) -> list[Text]:
    return [
        (x, top - step * number, cell)
        for number, line in enumerate(lines)
        for x, cell in zip(at, line, strict=False)
        if cell
    ]


def column(x: int, text: str, *, width: int = 42, top: int = 740) -> list[Text]:
    lines = textwrap.wrap(text, width)
    return [(x, top - 13 * number, line) for number, line in enumerate(lines)]


KEYS = (
    "Keys are handed out by the porter at the gate. The deposit for keys is twenty euros and it is"
    " paid back when the key is returned in good order to the office"
)
GUESTS = (
    "of the house. Visitors sign in and wear a badge. They are met by the person they visit and"
    " leave the house before six in the evening."
)


def test_cells_of_several_lines_belong_to_the_row_beside_which_they_stand(tmp_path: Path) -> None:
    found = blocks(
        tmp_path,
        page(
            *rows(("City", "Limit", "Remarks"), at=(60, 160, 240)),
            (240, 676, "Breakfast is in the price"),
            (60, 664, "Oslo"), (160, 664, "190"), (240, 664, "of the room."),
            (240, 640, "Cash only, with a"),
            (60, 634, "Rome"), (160, 634, "120"),
            (240, 628, "receipt."),
            (60, 604, "Bonn"), (160, 604, "99"), (240, 604, "None"),
        ),
    )  # fmt: skip
    assert found == [
        "row: City: Oslo; Limit: 190; Remarks: Breakfast is in the price of the room.",
        "row: City: Rome; Limit: 120; Remarks: Cash only, with a receipt.",
        "row: City: Bonn; Limit: 99; Remarks: None.",
    ]


def test_a_drawn_table_has_the_cells_that_its_lines_make(tmp_path: Path) -> None:
    found = blocks(
        tmp_path,
        page(
            (60, 800, "Below the table there is more."),
            *rows(("Grade", "Notice"), at=(62, 202), top=706),
            (62, 690, "Junior of the northern"),
            (62, 678, "region, by con-"),
            (62, 666, "tract"),
            (202, 678, "1 month"),
            (62, 650, "Senior"), (202, 650, "3 months"),
            (60, 600, "The contract comes first."),
            lines=grid((60, 200, 300), (720, 702, 662, 642)),
        ),
    )  # fmt: skip
    assert found == [
        "paragraph: Below the table there is more.",
        "row: Grade: Junior of the northern region, by contract; Notice: 1 month.",
        "row: Grade: Senior; Notice: 3 months.",
        "paragraph: The contract comes first.",
    ]


def test_a_table_that_goes_on_keeps_the_names_of_its_columns(tmp_path: Path) -> None:
    names = ("Item", "Days", "Owner")
    pages = []
    for first in (1, 41, 81):
        lines = [(f"Item {n}", str(n), f"Person {n}") for n in range(first, first + 40)]
        pages.append(page(*rows(names, *lines, at=(60, 200, 300), top=780 - 20 * (first == 1))))
    unnamed = page(*rows(("Item 121", "121", "Person 9"), ("Item 122", "122", "P 8"),
                         at=(60, 200, 300), top=780))  # fmt: skip
    found = blocks(tmp_path, *pages, unnamed)
    assert len(found) == 122
    assert found[0] == "row: Item: Item 1; Days: 1; Owner: Person 1."
    assert found[40] == "row: Item: Item 41; Days: 41; Owner: Person 41."
    assert found[-1] == "row: Item: Item 122; Days: 122; Owner: P 8."


def test_years_name_columns_and_figures_do_not(tmp_path: Path) -> None:
    at = (60, 200, 300)
    years = rows(("Centre", "2025", "2026"), ("Travel", "1,200", "1,450"), at=at)
    data = rows(("Oslo", "190", "40"), ("Rome", "120", "30"), at=at, top=600)
    found = blocks(tmp_path, page(*years, (60, 640, "Limits of some cities follow."), *data))
    assert found[0] == "row: Centre: Travel; 2025: 1,200; 2026: 1,450."
    assert found[-2:] == ["row: Oslo; 190; 40.", "row: Rome; 120; 30."]


def test_names_over_several_columns_belong_to_each_of_them(tmp_path: Path) -> None:
    at = (60, 160, 240, 320, 400)
    top = ("", "Berlin", "", "Oslo", "")
    found = blocks(tmp_path, page(*rows(top, ("Grade", "Low", "High", "Low", "High"),
                                        ("Junior", "1", "2", "3", "4"), at=at)))  # fmt: skip
    assert found == [
        "row: Grade: Junior; Berlin > Low: 1; Berlin > High: 2; Oslo > Low: 3; Oslo > High: 4."
    ]


def test_the_line_above_a_table_that_says_so_is_its_caption(tmp_path: Path) -> None:
    path = tmp_path / "made.pdf"
    table = rows(("Zone", "Day"), ("A", "5 EUR"), ("B", "3 EUR"), at=(60, 160))
    path.write_bytes(pdf_of(page((60, 720, "Table 3: Fees by zone"), *table)))
    assert {getattr(block, "caption", "") for block in parse_file(path).blocks} == {
        "Table 3: Fees by zone"
    }


def test_a_sentence_runs_on_from_column_to_column(tmp_path: Path) -> None:
    title: Text = (60, 790, "A guide to the house for all who come and go", 18)
    found = blocks(tmp_path, page(title, *column(60, KEYS), *column(320, GUESTS)))
    assert found == [
        "heading: A guide to the house for all who come and go",
        f"paragraph: {KEYS} {GUESTS}",
    ] or found == [f"paragraph: {KEYS} {GUESTS}"]


def test_three_columns_and_a_column_of_short_lines_are_no_table(tmp_path: Path) -> None:
    thirds = [column(x, text, width=28) for x, text in ((50, KEYS), (225, GUESTS), (400, KEYS))]
    found = blocks(tmp_path, page(*(text for one in thirds for text in one)))
    assert found[0] == f"paragraph: {KEYS} {GUESTS}"
    address = ["Contact", "Acme GmbH", "Ring 5", "10115 Berlin"]
    beside: list[Text] = [(430, 740 - 13 * n, line) for n, line in enumerate(address)]
    found = blocks(tmp_path, page(*column(60, KEYS + " " + GUESTS, width=68), *beside))
    assert found[0] == f"paragraph: {KEYS} {GUESTS}"
    assert found[1].startswith("paragraph: Contact Acme GmbH")


def test_headings_of_two_columns_stay_with_their_text(tmp_path: Path) -> None:
    table = ("Item", "Fee", "Paid to"), ("Key", "20 EUR", "Porter")
    fees = rows(*table, at=(60, 200, 360), top=600)
    names: list[Text] = [(60, 760, "Keys", 12), (320, 760, "Visitors", 12)]
    text = [*column(60, KEYS), *column(320, GUESTS.capitalize())]
    found = blocks(tmp_path, page(*text, *fees, bold=names))
    assert [one for one in found if one.startswith("heading")] == [
        "heading: Keys", "heading: Visitors",
    ]  # fmt: skip
    assert found[-1] == "row: Item: Key; Fee: 20 EUR; Paid to: Porter."


def test_small_labels_above_what_is_filled_in(tmp_path: Path) -> None:
    found = blocks(
        tmp_path,
        page(
            (60, 780, "Surname", 7), (300, 780, "First name", 7),
            (60, 768, "Becker"), (300, 768, "Tom"),
            (60, 740, "Cost centre", 7), (300, 740, "Start of leave", 7),
            (60, 728, "4711"), (300, 728, "3 August 2026"),
            (60, 690, "Depot: ............ Hamburg ............"),
            (60, 670, "Manager: ______ Ana Lima ______"),
        ),
    )  # fmt: skip
    assert found == [
        "row: Surname: Becker.", "row: First name: Tom.",
        "row: Cost centre: 4711.", "row: Start of leave: 3 August 2026.",
        "paragraph: Depot: Hamburg", "paragraph: Manager: Ana Lima",
    ]  # fmt: skip


def test_a_footnote_of_the_page_stands_where_its_mark_is(tmp_path: Path) -> None:
    found = blocks(
        tmp_path,
        page(
            (60, 700, "The notice period is three months."), (213, 704, "1", 6),
            (220, 700, "The area is 20 m"), (297, 704, "2", 6), (301, 700, "."),
            (60, 80, "1", 5), (64, 77, "In Spain it is two weeks.", 8),
        ),
    )  # fmt: skip
    assert found == [
        "paragraph: The notice period is three months [In Spain it is two weeks]."
        " The area is 20 m^2."
    ]


def test_items_are_as_deep_as_they_are_indented_and_have_many_marks(tmp_path: Path) -> None:
    found = blocks(
        tmp_path,
        page((60, 700, "Bring along:"), (72, 684, "+ the badge"), (90, 668, "o the blue one"),
             (72, 652, "+ the form"), (60, 630, "1"), (80, 630, "Sign the form."),
             (60, 614, "2"), (80, 614, "Leave by the gate.")),
    )  # fmt: skip
    assert found == [
        "paragraph: Bring along:", "item: the badge", "item: the blue one", "item: the form",
        "item: Sign the form.", "item: Leave by the gate.",
    ]  # fmt: skip


def test_of_a_running_line_with_the_page_number_the_words_stay_once(tmp_path: Path) -> None:
    pages = [
        page((60, 810, "Acme Handbook"), (400, 810, f"Page {n} of 4"), (60, 700, f"Text {word}."))
        for n, word in enumerate(("one", "two", "three", "four"), start=1)
    ]
    assert blocks(tmp_path, *pages) == [
        "paragraph: Acme Handbook",
        *(f"paragraph: Text {word}." for word in ("one", "two", "three", "four")),
    ]


def test_text_is_not_a_heading_because_there_is_much_code_in_small_letters(tmp_path: Path) -> None:
    code = "\n".join(
        f"BT /F3 7 Tf 60 {680 - 9 * n} Td (ken load folder number {n} --allow class:members) Tj ET"
        for n in range(12)
    )
    found = blocks(tmp_path, page((60, 700, "Run these commands:", 11), more=code))
    assert found[0] == "paragraph: Run these commands:"


def test_a_sentence_with_another_figure_on_each_page_is_not_running(tmp_path: Path) -> None:
    pages = [
        page(
            (60, 800, "ACME - Handbook"),
            (60, 785, f"Chapter {n} of the rules holds from May {n} on."),
            (60, 740, f"Words of their own: {'abcd'[n]}."),
        )
        for n in range(4)
    ]
    text = parse_file(put(tmp_path, "a.pdf", pdf_of(*pages))).text
    assert [f"Chapter {n} of the rules holds from May {n} on." in text for n in range(4)] == [
        True
    ] * 4


def test_a_row_without_its_first_cell_is_no_second_line_of_figures(tmp_path: Path) -> None:
    rows = (("Item", "Qty", "Price"), ("Desk", "1", "300.00"), ("", "Total", "500.00"))
    texts = [
        (x, 740 - 16 * at, said)
        for at, row in enumerate(rows)
        for x, said in zip((60, 250, 350), row, strict=True)
        if said
    ]
    found = parse_file(put(tmp_path, "a.pdf", pdf_of(page(*texts)))).blocks
    assert [row.text for row in found] == [
        "Item: Desk; Qty: 1; Price: 300.00.",
        "Qty: Total; Price: 500.00.",
    ]


def test_a_date_beside_a_name_names_no_column(tmp_path: Path) -> None:
    drawn = page(
        (60, 740, "Due date"), (200, 740, "3 May 2026"), (60, 724, "IBAN"), (200, 724, "DE1")
    )
    found = parse_file(put(tmp_path, "a.pdf", pdf_of(drawn))).blocks
    assert [row.text for row in found] == ["Due date: 3 May 2026.", "IBAN: DE1."]


PICTURE = "q 500 0 0 700 40 60 cm BI /W 1 /H 1 /CS /G /BPC 8 ID x EI Q"


def test_pages_that_are_pictures_are_counted_and_a_stamp_on_one_is_read(tmp_path: Path) -> None:
    text = page((60, 740, "Some real words stand on this page, and there are quite many of them."))
    parsed = parse_file(
        put(tmp_path, "a.pdf", pdf_of(text, page(more=PICTURE), page(more=PICTURE)))
    )
    assert parsed.missing == "2 pages were not read: no text in it (a scan?)"
    stamped = page((400, 800, "Received 3 May 2026"), more=PICTURE)
    parsed = parse_file(put(tmp_path, "b.pdf", pdf_of(stamped)))
    assert (parsed.text, parsed.missing) == (
        "Received 3 May 2026",
        "1 page was not read: no text in it (a scan?)",
    )
    assert refusal(tmp_path, "c.pdf", pdf_of(page(more=PICTURE))) == "no text in it (a scan?)"


def test_a_footnote_whose_number_is_not_raised_stands_where_its_mark_is(tmp_path: Path) -> None:
    drawn = page(
        (60, 590, "Notice is three months"), (164, 594, "1", 6), (169, 590, "for all."),
        (60, 60, "1 In Spain two months.", 8),
    )  # fmt: skip
    assert parse_file(put(tmp_path, "a.pdf", pdf_of(drawn))).text == (
        "Notice is three months for all [In Spain two months]."
    )


def test_one_row_on_the_next_page_belongs_to_the_table(tmp_path: Path) -> None:
    names = ("Item", "Days", "Owner")
    lines = [(f"Item {n}", str(n), f"Person {n}") for n in range(1, 40)]
    first = page(*rows(names, *lines, at=(60, 200, 300), top=760))
    last = page(
        *rows(("Item 40", "40", "Person 40"), at=(60, 200, 300), top=780), (60, 740, "More words.")
    )
    assert blocks(tmp_path, first, last)[-2:] == [
        "row: Item: Item 40; Days: 40; Owner: Person 40.",
        "paragraph: More words.",
    ]


def test_a_table_right_below_another_has_its_own_names(tmp_path: Path) -> None:
    xs = (60, 200, 300)
    first = rows(("Item", "Days", "Owner"), ("Desk", "4", "Ann"), ("Chair", "5", "Bo"), at=xs)
    second = rows(("City", "Fee", "Gate"), ("Oslo", "7", "A"), ("Rome", "8", "B"), at=xs, top=622)
    assert blocks(tmp_path, page(*first, *second)) == [
        "row: Item: Desk; Days: 4; Owner: Ann.",
        "row: Item: Chair; Days: 5; Owner: Bo.",
        "row: City: Oslo; Fee: 7; Gate: A.",
        "row: City: Rome; Fee: 8; Gate: B.",
    ]
    assert blocks(tmp_path, page(*first), page(*second))[-1] == "row: City: Rome; Fee: 8; Gate: B."
