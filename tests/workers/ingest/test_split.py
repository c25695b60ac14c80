"""Pieces of a document, and sentences of a piece."""

import random
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.patience import patience
from workers.ingest.formats.document import (
    Block,
    Caption,
    Code,
    DocumentUnreadable,
    Heading,
    Item,
    Paragraph,
    Question,
    Quotation,
    Row,
    tidy,
)
from workers.ingest.parse import parse_markdown
from workers.ingest.split import Piece, embedded_text
from workers.ingest.split import split as split_blocks
from workers.models.base import Span
from workers.models.embedder import MAX_TOKENS, count_tokens
from workers.models.sentences import sentence_ends, sentences, without_marks
from workers.models.units import units

HANDBOOK = """Welcome to the handbook.

# Leave

Everyone has leave.

## Germany

Thirty days a year. See [the law](https://example.com/bundesurlaubsgesetz).

## France

- Twenty-five days.
- Ask your manager.

# Pay

Paid on the last day of the month.
"""


def split(text: str, *, title: str) -> list[Piece]:
    """The pieces of Markdown; nothing of nothing."""
    if not text.strip():
        return split_blocks([], title=title)
    return split_blocks(parse_markdown(text).blocks, title=title)


def letters(text: str) -> str:
    return "".join(text.split())


def tokens(piece: Piece, title: str) -> int:
    return count_tokens(embedded_text(piece, title=title)) + 2


def test_a_piece_knows_the_headings_above_it_and_where_to_link() -> None:
    assert [(piece.heading, piece.anchor) for piece in split(HANDBOOK, title="Handbook")] == [
        ("", ""),
        ("Leave", "leave"),
        ("Leave > Germany", "germany"),
        ("Leave > France", "france"),
        ("Pay", "pay"),
    ]


def test_headings_with_nothing_between_them_stay_with_the_text_below() -> None:
    (piece,) = split("# A\n\n## B\n\nText.\n", title="T")

    assert (piece.heading, piece.anchor) == ("A > B", "b")
    assert piece.text == "# A\n\n## B\n\nText."


def test_a_heading_seen_twice_gets_a_numbered_anchor() -> None:
    pieces = split("## Note\n\nOne.\n\n## Note\n\nTwo.\n", title="T")

    assert [piece.anchor for piece in pieces] == ["note", "note-1"]


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("## What's new in 2.0?", "whats-new-in-20"),
        ("## `kubectl` & friends ##", "kubectl--friends"),
        ("## [Read me](docs/read_me.md) first", "read-me-first"),
        ("Underlined\n==========", "underlined"),
        ("## Über uns", "über-uns"),
    ],
)
def test_anchors_are_those_of_github(heading: str, anchor: str) -> None:
    (piece,) = split(f"{heading}\n\nText.\n", title="T")

    assert piece.anchor == anchor


def test_what_looks_like_a_heading_in_code_is_none() -> None:
    (piece,) = split("## Run\n\n```sh\n# comment\nmake\n```\n\nDone.\n", title="T")

    assert piece.heading == "Run"
    assert split("# comment\n\nmake\n", title="T")[0].heading == "comment"


def test_a_rule_after_a_blank_line_makes_no_heading_of_the_text_above() -> None:
    assert split("Text.\n\n---\n\nMore.\n", title="T")[0].heading == ""
    assert split("Text\n---\n\nMore.\n", title="T")[0].heading == "Text"


def test_code_stays_whole_where_it_fits() -> None:
    code = "```python\n" + "\n\n".join(f"value_{n} = {n}" for n in range(20)) + "\n```"
    text = "\n\n".join(["Some words here. " * 20, code, "More words here. " * 20])
    whole = [piece.text for piece in split(text, title="T")]

    assert any(code.replace("python", "") in piece for piece in whole)


def test_a_row_names_its_columns_wherever_a_table_is_cut() -> None:
    table = "| Name | Days | Note |\n|---|---|---|\n"
    table += "\n".join(f"| Person {n} | {n} | Since {n} |" for n in range(60))
    pieces = split(table, title="T")
    rows = [one.text for piece in pieces for one in units(piece.text, piece.spans)]

    assert len(pieces) > 3
    assert rows == [f"Name: Person {n}; Days: {n}; Note: Since {n}." for n in range(60)]


def test_a_long_row_is_cut_between_cells_and_each_part_names_its_columns_and_its_row() -> None:
    cells = ("Oslo", *(f"Sentence {n} of many. " * 12 for n in range(9)))
    columns = ("City", *(f"Rule {n}" for n in range(9)))
    pieces = split_blocks([Row(cells, columns)], title="T")
    rows = [one.text for piece in pieces for one in units(piece.text, piece.spans)]

    assert len(pieces) > 2
    assert all(row.startswith("City: Oslo; Rule ") for row in rows)


def test_a_list_keeps_its_lead_and_its_numbers_wherever_it_is_cut() -> None:
    items = "\n".join(
        f"{n}. Do the thing number {n} with all the care it needs." for n in range(1, 40)
    )
    pieces = split(f"# Leaving\n\nOn your last day:\n\n{items}", title="T")
    found = [one for piece in pieces for one in units(piece.text, piece.spans)]

    assert len(pieces) > 2
    assert all(one.text.startswith("On your last day: … ") for one in found)
    assert [one.quote.split(".")[0] for one in found] == [str(n) for n in range(1, 40)]
    assert all(
        one.quote in piece.text for piece in pieces for one in units(piece.text, piece.spans)
    )


def test_nothing_is_quoted_that_only_names_or_asks_or_leads() -> None:
    text = (
        "# Bikes\n\nWhat is this about? Bikes of the firm.\n\n"
        "**Who repairs bikes?**\n\nThe workshop does. It takes a day.\n\n"
        "## Costs\n\nThese are free:\n\n- tyres\n- brakes\n\nRun this:\n\n```\nbike fix\n```\n\n"
        "| What | Price |\n|---|---|\n| Lock | 12 |\n"
    )
    pieces = split(text, title="T")
    found = [one.text for piece in pieces for one in units(piece.text, piece.spans)]

    assert list(dict.fromkeys(found)) == [
        "What is this about? Bikes of the firm.",
        "Who repairs bikes? The workshop does. It takes a day.",
        "These are free:\n- tyres\n- brakes",
        "Run this:\nbike fix",
        "What: Lock; Price: 12.",
    ]


def test_an_answer_that_is_cut_repeats_its_question() -> None:
    answer = " ".join(f"Sentence number {n} says a little more than the last." for n in range(60))
    pieces = split_blocks([Question("Who pays?"), Paragraph(answer)], title="T")

    assert len(pieces) > 2
    assert all(piece.text.startswith("Who pays?\n\nSentence") for piece in pieces)


def test_headings_and_leads_carry_over_pages() -> None:
    blocks: list[Block] = [
        Heading("Handbook", 1, page=1),
        Heading("Parking", 2, page=1),
        Paragraph("Bring to the gate:", page=1),
        Item("your badge", page=1),
        Item("your ticket", page=2),
        Heading("Bikes", 2, page=2),
        Paragraph("They stand in the yard.", page=3),
    ]
    pieces = split_blocks(blocks, title="T")

    assert [(piece.heading, piece.anchor) for piece in pieces] == [
        ("Handbook > Parking", "page=1"),
        ("Handbook > Parking", "page=2"),
        ("Handbook > Bikes", "page=3"),
    ]
    assert pieces[1].text == "Bring to the gate:\n- your ticket"
    assert pieces[2].text == "## Bikes\n\nThey stand in the yard."


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    text = " ".join(f"Sentence number {n} says a little more than the last." for n in range(100))
    pieces = split(text, title="T")

    assert len(pieces) > 4
    assert all(piece.text.startswith("Sentence") for piece in pieces)
    assert all(piece.text.endswith("last.") for piece in pieces)


def test_words_are_never_cut() -> None:
    words = [f"word{n}" for n in range(2_000)]
    pieces = split(" ".join(words), title="T")

    assert [word for piece in pieces for word in piece.text.split()] == words


def test_the_embedder_reads_title_and_heading_in_front_and_no_link_targets() -> None:
    piece = split(HANDBOOK, title="Handbook")[2]

    assert embedded_text(piece, title="Handbook").startswith("Handbook\nLeave > Germany\n")
    assert "See the law." in embedded_text(piece, title="Handbook")
    assert "bundesurlaubsgesetz" not in embedded_text(piece, title="Handbook")


def test_a_path_that_starts_with_the_title_does_not_repeat_it() -> None:
    (piece,) = split("# Guide\n\n## Setup\n\nText.\n", title="Guide")

    assert embedded_text(piece, title="Guide").startswith("Guide\nSetup\n")


def test_blank_text_gives_no_piece() -> None:
    assert split("", title="T") == []
    assert split(" \n\t\n \u00a0", title="T") == []


@pytest.mark.parametrize("seed", range(40))
def test_every_word_is_in_a_piece_and_every_piece_fits(seed: int) -> None:
    chance = random.Random(seed)
    blocks, title = hostile_blocks(chance), "A title of some words " * (seed % 4)
    pieces = split_blocks(blocks, title=title)
    held = letters("".join(piece.text for piece in pieces))

    said = (" ".join(one.cells) if isinstance(one, Row) else one.text for one in blocks)
    words = {word for text in said for word in text.split() if len(word) <= MAX_RUN}
    assert [word for word in words if word not in held] == []
    assert all(tokens(piece, title) <= MAX_TOKENS for piece in pieces)
    for piece in pieces:
        ends = [span.end for span in piece.spans]
        assert all(text_of(piece, span).strip() for span in piece.spans)
        assert ends == sorted(ends)
        assert ends[-1] == len(piece.text)
        units(piece.text, piece.spans)


MAX_RUN = 400


def text_of(piece: Piece, span: Span) -> str:
    return piece.text[span.start : span.end]


def hostile_blocks(chance: random.Random) -> list[Block]:
    """Of every kind, in any order, with text of every kind."""
    found: list[Block | None] = []
    for _ in range(chance.randint(1, 60)):
        kinds: list[Callable[[str], Block]] = [
            lambda text: Heading(text, chance.randint(1, 6)), Paragraph, Question, Quotation, Code,
            lambda text: Item(text, chance.randint(0, 7), chance.choice("-1.")), Caption,
            lambda text: Row((text, "x", text), chance.choice([(), ("A", "", "C")]), text[:99]),
        ]  # fmt: skip
        found.append(tidy(chance.choice(kinds)(hostile_document(chance))))
    return [block for block in found if block]


def hostile_document(chance: random.Random) -> str:
    parts = [
        "# Top\n", "### Deep ###\n", "Under\n---\n", "\n", "\n \t\n", "- item one\n", "  1. two\n",
        "| a | b |\n|---|---|\n", "```\n", "~~~ python\n", "e.g. this. And that! ", "word " * 90,
        "long" * 150 + " ", "(" * 500, "漢字" * 300, "[a](http://b/c) ", "](", "\u00a0", "\u2028",
        "\r\n", "<!-- ", "\ufdfa" * 20, "각" * 300, "e\u0301" * 30, "\x00", "a." * 200,
        "#", "> q\n",
    ]  # fmt: skip
    return "".join(chance.choice(parts) for _ in range(chance.choice((1, 2, 9, 40))))


@pytest.mark.parametrize(
    "unit",
    ["x", "word ", "- a\n", "# a\n", "a\n", " ", "\n", "[a](", "`", "a. ", "|", "> ", '."', "*a"],
)
def test_time_grows_with_the_text_and_not_faster(unit: str) -> None:
    """At this length what grows with the square of the text would compute for minutes."""
    text = unit * (200_000 // len(unit))
    with patience():
        with suppress(DocumentUnreadable):  # nothing is said in it
            split(text, title="T")
        sentences(text[:100_000])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Use a tool, e.g. Make. Then stop.", ["Use a tool, e.g. Make.", "Then stop."]),
        ("See No. 4 and Fig. 2. Done.", ["See No. 4 and Fig. 2.", "Done."]),
        (
            "Ab dem 1. März gilt Abs. 4. Danach am 3. Juli nicht.",
            ["Ab dem 1. März gilt Abs. 4.", "Danach am 3. Juli nicht."],
        ),
        (
            "Nehmen Sie z. B. Tee, d. h. Getränke. Dr. Roe weiß es.",
            ["Nehmen Sie z. B. Tee, d. h. Getränke.", "Dr. Roe weiß es."],
        ),
        (
            "El Sr. Pérez viene. Voir p. 3, art. 5. Puis lui.",
            ["El Sr. Pérez viene.", "Voir p. 3, art. 5.", "Puis lui."],
        ),
        (
            "Далее ул. Мира, д. 5. Срок 3 года и т. д. Конец.",
            ["Далее ул. Мира, д. 5.", "Срок 3 года и т. д.", "Конец."],
        ),
        (
            "It ended in 2019. We were 30. Then all left.",
            ["It ended in 2019.", "We were 30.", "Then all left."],
        ),
        ("यह एक वाक्य है। दूसरा वाक्य।", ["यह एक वाक्य है।", "दूसरा वाक्य।"]),
        ("هل هذا سؤال؟ نعم هو.", ["هل هذا سؤال؟", "نعم هو."]),
        ("Is it so? No. We checked.", ["Is it so?", "No.", "We checked."]),
        ("Ask J. Doe or Dr. Roe. They know.", ["Ask J. Doe or Dr. Roe.", "They know."]),
        ("Version 1.2.3 is out. It works.", ["Version 1.2.3 is out.", "It works."]),
        ("Apples, pears etc. Then home.", ["Apples, pears etc.", "Then home."]),
        ("He said “stop.” She did.", ["He said “stop.”", "She did."]),
        ("first line\nsecond line.\n\nNext.", ["first line second line.", "Next."]),
        ("- one\n- two\n  goes on\n", ["one", "two goes on"]),
        ("1. [x] done\n2) open\n", ["done", "open"]),
        ("# Heading\n\nText.\n\n---\n", ["Text."]),
        ("| Name | Days |\n|---|---|\n| Ann | 30 |", ["Name, Days", "Ann, 30"]),
        ("> Quoted words.", ["Quoted words."]),
        ("See [the **law**](https://x.y/z) and `make`.", ["See the law and make."]),
        ("Run this:\n\n```sh\nmake check\n```\n", ["Run this:", "make check"]),
        ("```\n" + "line\n" * 30 + "```\nAfter.", ["After."]),
        ("Seen. <!-- hidden. --> Shown.", ["Seen.", "Shown."]),
        ("これは文です。次の文。", ["これは文です。", "次の文。"]),
        ("***\n\n!!!", []),
    ],
)
def test_text_becomes_sentences_that_can_be_quoted(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_sentence_without_end_is_cut_between_words() -> None:
    parts = sentences("word " * 1_000)

    assert len(parts) > 5
    assert all(len(part) <= 600 and set(part.split()) == {"word"} for part in parts)


def test_names_with_underscores_and_stars_survive() -> None:
    assert without_marks("Set `max_token_count` to 2 * 3, _not_ **4**.") == (
        "Set max_token_count to 2 * 3, not 4."
    )
    assert without_marks("snake_case_name stays") == "snake_case_name stays"


def test_the_last_end_is_the_end_of_the_text() -> None:
    assert list(sentence_ends("One. Two")) == [5, 8]
    assert list(sentence_ends("")) == []
