"""Markdown of many tools, CSV of many programs, and text as people lay it out."""

from pathlib import Path

import pytest

from workers.ingest.parse import parse_file
from workers.ingest.split import split
from workers.models.units import units


def blocks(folder: Path, name: str, content: str | bytes) -> list[str]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [f"{block.kind}: {block.text}" for block in parse_file(path).blocks]


def quotes(folder: Path, name: str, content: str) -> list[str]:
    path = folder / name
    path.write_text(content)
    parsed = parse_file(path)
    pieces = split(parsed.blocks, title=parsed.title)
    return [one.text for piece in pieces for one in units(piece.text, piece.spans)]


def test_front_matter_of_hugo_is_toml(tmp_path: Path) -> None:
    path = tmp_path / "leave.md"
    path.write_text('+++\ntitle = "Parental leave"\ndate = 2026-01-02\n+++\n\nThirty days.\n')
    parsed = parse_file(path)
    assert (parsed.title, parsed.text) == ("Parental leave", "Thirty days.")
    assert parsed.updated_at
    assert parsed.updated_at.year == 2026
    path.write_text("+++\nThe fee is 5 EUR.\n+++\n\nMore.\n")
    assert "The fee is 5 EUR." in parse_file(path).text


def test_sentences_under_a_rule_are_no_heading(tmp_path: Path) -> None:
    text = "---\nThe canteen is closed on Friday. Ask the porter for a key.\n---\n\nMore.\n"
    assert blocks(tmp_path, "a.md", text)[0].startswith("paragraph: The canteen is closed")


def test_the_title_of_a_box_leads_to_its_text(tmp_path: Path) -> None:
    text = """:::tip[My tip]

Use the mirror. It is fast.

:::

::: warning Watch out
Hot plates.
:::

??? question "Who may park?"
    All with a card.

import Tabs from '@theme/Tabs';

<Tabs>
<TabItem value="a" label="Apple">

Use brew.

</TabItem>
</Tabs>

<Note>Only on weekdays, with <version> 2.</Note>
"""
    assert quotes(tmp_path, "a.md", text) == [
        "My tip: Use the mirror. It is fast.", "Watch out: Hot plates.",
        "Who may park? All with a card.", "Apple: Use brew.", "Only on weekdays, with <version> 2.",
    ]  # fmt: skip


def test_letters_that_are_meant_stay_and_marks_that_are_not_go(tmp_path: Path) -> None:
    text = (
        "Edit __init__.py and call __main__(x), 2*3*4 times. H~2~O, x^2^ and ==new== words^[a note]"
        ".\n\n## Paying {#pay .x}\n\nText.\n"
    )
    path = tmp_path / "a.md"
    path.write_text(text)
    parsed = parse_file(path)
    assert parsed.blocks[0].text == (
        "Edit __init__.py and call __main__(x), 2*3*4 times. H2O, x^2 and new words [a note]."
    )
    assert [getattr(block, "anchor", "") for block in parsed.blocks] == ["", "pay", ""]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Oslo,190,40\nRome,120,30\n", ["row: Oslo; 190; 40.", "row: Rome; 120; 30."]),
        ("City,2024,2025\nOslo,5,6\n", ["row: City: Oslo; 2024: 5; 2025: 6."]),
        ("# from X\n# in May\nCity,Fee\nOslo,5\n", ["row: City: Oslo; Fee: 5."]),
        ('City, Fee\nOslo, "5, net"\n', ["row: City: Oslo; Fee: 5, net."]),
        ('City,Fee\n"Oslo,5\nRome,6\n', ["row: City: Oslo; Fee: 5.", "row: City: Rome; Fee: 6."]),
        (
            "Report:,Canteen\n\nDish,Price,Days\nSoup,3.20,Mon\nStew,4.20,Tue\n",
            ["row: Report: Canteen.", "row: Dish: Soup; Price: 3.20; Days: Mon.",
             "row: Dish: Stew; Price: 4.20; Days: Tue."],
        ),
    ],
)  # fmt: skip
def test_which_line_of_a_csv_names_its_columns(
    tmp_path: Path, content: str, expected: list[str]
) -> None:
    assert blocks(tmp_path, "a.csv", content) == expected


def test_text_has_drawn_tables_quoted_mails_and_many_bullets(tmp_path: Path) -> None:
    text = """| City | Fee |
|------|-----|
| Oslo | 5   |

+--------+------+
| Team   | Lead |
+========+======+
| Pay-   | Ann  |
| roll   |      |
+--------+------+
| IT     | Bo   |
+--------+------+

Ana wrote:
> What is the fee?

► arrow
[x] done
— dash

Q. Who pays?
A. The company.
"""
    assert blocks(tmp_path, "a.txt", text) == [
        "row: City: Oslo; Fee: 5.", "row: Team: Pay- roll; Lead: Ann.", "row: Team: IT; Lead: Bo.",
        "paragraph: Ana wrote:", "quotation: What is the fee?",
        "item: arrow", "item: [x] done", "item: dash",
        "question: Who pays?", "paragraph: The company.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("%C3%9Cbersicht%20Tarife.txt", "Übersicht Tarife"),
        ("Reisekosten.Richtlinie.2026.txt", "Reisekosten Richtlinie 2026"),
        ("travelPolicyForGuests.txt", "Travel Policy For Guests"),
        ("GitHub.txt", "GitHub"),
        ("release-1.2.txt", "Release 1.2"),
    ],
)
def test_a_title_from_the_file_name_can_be_read(tmp_path: Path, name: str, title: str) -> None:
    path = tmp_path / name
    path.write_text("Some text here.\n")
    assert parse_file(path).title == title


def test_a_blank_line_below_the_first_rule_makes_no_front_matter(tmp_path: Path) -> None:
    text = "---\n\nDeposit: a locker costs 500 EUR.\n\n---\n\nMore.\n"
    assert blocks(tmp_path, "a.md", text)[0] == "paragraph: Deposit: a locker costs 500 EUR."


def test_whether_a_task_is_done_is_seen(tmp_path: Path) -> None:
    expected = ["item: ☑ Order", "item: ☐ Pay"]
    assert blocks(tmp_path, "a.md", "- [x] Order\n- [ ] Pay\n") == expected


def test_dots_lead_from_a_name_to_its_value(tmp_path: Path) -> None:
    text = "  Deposit ........ 20 EUR\n  Key, No. 3 ..... 5 EUR\n\nScope ..... 1\nRules ..... 2\n"
    assert blocks(tmp_path, "a.txt", text) == [
        "row: Deposit: 20 EUR.",
        "row: Key, No. 3: 5 EUR.",
        "paragraph: Scope ..... 1\nRules ..... 2",
    ]


def test_boxes_of_restructured_text_are_text_and_code_is_code(tmp_path: Path) -> None:
    text = (
        ".. note::\n\n   Be careful.\n\n   * always\n\n.. code-block:: sh\n\n   ken load\n\nEnd.\n"
    )
    assert blocks(tmp_path, "a.rst", text) == [
        "paragraph: Be careful.", "item: always", "paragraph: sh", "code: ken load",
        "paragraph: End.",
    ]  # fmt: skip


def test_a_list_counts_by_ones_from_its_first_number(tmp_path: Path) -> None:
    assert blocks(tmp_path, "a.md", "3. one\n3. two\n7. three\n") == [
        "item: one", "item: two", "item: three"
    ]  # fmt: skip
    marks = [getattr(one, "mark", "") for one in parse_file(tmp_path / "a.md").blocks]
    assert marks == ["3.", "4.", "5."]
