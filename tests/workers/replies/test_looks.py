"""How an answer is laid out: room around its sources, rows over several lines, quotes to check."""

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from bot.playground.blocks.block_kit import LARGEST_TEXT, check_blocks
from tests.workers.answering.passages import passage
from tests.workers.replies.test_rendering import PAYLOADS, check
from workers.cli.asking import render
from workers.models.base import Sentence
from workers.replies.inert import inert
from workers.replies.pages import WHICH, Page
from workers.replies.quoting import LONGEST_QUOTE, shown_quotes
from workers.replies.rendering import (
    NOTHING_FOUND,
    SOURCE_OUT_OF_DATE,
    Line,
    Reply,
    compose,
    parts,
)

STORED = "https://wiki.acme.example/handbook"
RULE = "Employees receive thirty days of paid leave each year"
ROW = "Grade: Senior; Days of leave: 28; Notice: 3 months; Bonus: 5 %."


def words_of(part: dict[str, Any]) -> str:
    return "".join(leaf["text"] for leaf in part["elements"])


def quotes_of(reply: Reply) -> list[str]:
    return [
        words_of(part)
        for block in reply.payload()["blocks"]
        for part in block["elements"]
        if part["type"] == "rich_text_quote"
    ]


def told(text: str, quote: str, *, passages: int = 1) -> Reply:
    found = [
        passage(quote, document=f"d{number}", url=f"{STORED}/{number}", number=number + 1)
        for number in range(passages)
    ]
    return compose([Sentence(text, 1, quote)], found)


def test_text_sources_and_note_have_blocks_of_their_own() -> None:
    reply = replace(told(RULE, RULE), note=SOURCE_OUT_OF_DATE)
    blocks = reply.payload()["blocks"]
    assert [block["type"] for block in blocks] == ["rich_text"] * 3
    assert [words_of(block["elements"][0]) for block in blocks] == [
        "From the documents:\n",
        "Sources\n",
        f"{SOURCE_OUT_OF_DATE}\n",
    ]
    check(reply, stored={f"{STORED}/0"})


def test_a_copied_sentence_has_no_quote_below_its_source() -> None:
    assert quotes_of(told(f"{RULE}.", RULE)) == []
    assert quotes_of(told(f"Leave: {RULE.upper()}!", RULE)) == []


def test_a_sentence_of_a_model_has_its_quote_below_its_source() -> None:
    reply = told("You get 30 days.", RULE)
    assert quotes_of(reply) == [RULE]
    _, sources = reply.payload()["blocks"]
    assert [part["type"] for part in sources["elements"]][-2:] == [
        "rich_text_section",
        "rich_text_quote",
    ]
    assert RULE not in reply.plain()


def test_a_quote_that_several_sources_share_stands_once() -> None:
    reply = told("You get 30 days.", RULE, passages=4)
    assert len(reply.citations) == 4
    assert quotes_of(reply) == [RULE]


def test_a_long_quote_is_shortened_between_words() -> None:
    (quoted,) = quotes_of(told("You get 30 days.", f"{RULE}, " * 20))
    assert len(quoted) <= LONGEST_QUOTE
    assert quoted.endswith("…")
    assert set(quoted.rstrip("…").replace(",", "").split()) <= set(RULE.split())
    (unspaced,) = shown_quotes([(1, "x" * 900)], [""]).values()
    assert len(unspaced) == LONGEST_QUOTE


def test_a_long_quote_whose_beginning_is_shown_is_not_shown_again() -> None:
    long = " ".join(f"word{number}" for number in range(200))
    assert quotes_of(told(long, long)) == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_quote_can_do_nothing(payload: str) -> None:
    """Threats 20 and 22, also for an address that the cited passage holds."""
    for quote in (payload, f"pay {payload} now", f"{'pay ' * 48}{payload}", f"a\n{payload}\nb"):
        reply = told("You get 30 days.", quote)
        check_blocks(reply.payload()["blocks"])
        for block in reply.payload()["blocks"]:
            for part in block["elements"]:
                for leaf in part["elements"]:
                    is_code = leaf.get("style") == {"code": True}
                    assert (
                        is_code
                        or "url" in leaf
                        or inert(leaf["text"]) == " ".join(leaf["text"].split())
                    )
                    assert leaf.get("url", f"{STORED}/0") == f"{STORED}/0"


def test_an_address_in_a_quote_is_code() -> None:
    reply = told("Use the portal.", "Book it at https://travel.acme.example/book before you go")
    (part,) = (
        part
        for block in reply.payload()["blocks"]
        for part in block["elements"]
        if part["type"] == "rich_text_quote"
    )
    assert {
        "type": "text",
        "text": "https://travel.acme.example/book",
        "style": {"code": True},
    } in part["elements"]


def test_a_long_answer_keeps_its_quotes_and_fits() -> None:
    found = [passage("x", document=f"d{n}", url=f"{STORED}/{n}") for n in range(40)]
    reply = compose(
        [Sentence(f"{n} {'👍' * 300}", n + 1, f"quote {n} {'👍' * 300}") for n in range(40)], found
    )
    split = parts(reply)
    assert sum(len(quotes_of(part)) for part in split) == 40
    for part in split:
        check(part, stored={f"{STORED}/{n}" for n in range(40)})


def test_quotes_without_room_are_left_out_and_sources_are_not() -> None:
    found = [
        passage("x", title="👍" * 300, heading="👍" * 300, document=f"d{n}", url=f"{STORED}/{n}")
        for n in range(10)
    ]
    sentences = [Sentence("👍" * 900, n + 1, f"quote {n} {'🎉' * 300}") for n in range(10)]
    reply = compose(sentences, found)
    assert len(reply.lines) == 1
    assert len(reply.citations) == 10
    assert 0 < len(quotes_of(reply)) < 10
    texts = (
        leaf["text"]
        for block in reply.payload()["blocks"]
        for part in block["elements"]
        for leaf in part["elements"]
    )
    assert sum(len(text.encode("utf-16-le")) // 2 for text in texts) <= LARGEST_TEXT


def test_a_long_row_has_a_line_for_each_cell() -> None:
    reply = Reply("x", (Line(f"Leave\n{ROW}", (1,), ("28",)),))
    (section,) = reply.payload()["blocks"][1]["elements"]
    assert words_of(section) == (
        "Leave\nGrade: Senior\nDays of leave: 28\nNotice: 3 months\nBonus: 5 %. [1]\n"
    )
    assert {"type": "text", "text": "28", "style": {"bold": True}} in section["elements"]
    assert ROW in reply.plain()
    assert reply.payload()["lines"][0]["text"] == f"Leave\n{ROW}"


def test_a_list_stands_apart_from_the_lines_around_it() -> None:
    lines = [Line(text, (1,)) for text in ("One.", "Two.", "Do this:\n- a\n- b", "Three.", "Four.")]
    blocks = Reply("x", tuple(lines)).payload()["blocks"]
    assert [[words_of(part) for part in block["elements"]] for block in blocks] == [
        ["x\n", "One. [1]\n", "Two. [1]\n"],
        ["Do this:\n- a\n- b [1]\n"],
        ["Three. [1]\n", "Four. [1]\n"],
    ]


def test_a_long_answer_of_lists_fits_slacks_blocks() -> None:
    found = [passage("x", document=f"d{n}", url=f"{STORED}/{n}") for n in range(40)]
    text = "\n".join(f"- item {n}" for n in range(20))
    reply = compose([Sentence(f"{n}\n{text}", n + 1, f"quote {n}") for n in range(40)], found)
    assert max(len(part.payload()["blocks"]) for part in parts(reply)) == 12
    check(reply, stored={f"{STORED}/{n}" for n in range(40)})


@pytest.mark.parametrize(
    "text",
    [
        "Grade: Senior; Days of leave: 28; Notice: 3 months.",
        "Bring a passport; a visa; two photos; and the form.",
        "Call Ana; she knows; note: she is out on Friday; ask Bob then.",
    ],
)
def test_other_text_stays_on_its_line(text: str) -> None:
    section = Reply("x", (Line(text, (1,)),)).payload()["blocks"][0]["elements"][1]
    assert words_of(section) == f"{text} [1]\n"


def test_a_row_that_is_named_by_its_first_cell_is_a_row() -> None:
    row = "Columbus; Rent: 5; Heating: 6; Water: 7."
    (section,) = Reply("x", (Line(row, (1,)),)).payload()["blocks"][1]["elements"]
    assert words_of(section) == "Columbus\nRent: 5\nHeating: 6\nWater: 7. [1]\n"


def printed(reply: Reply) -> str:
    stored = reply.payload()
    out = StringIO()
    render({"replies": [{"kind": "direct", **stored}]}, Console(file=out, width=200))
    return out.getvalue()


def test_the_terminal_lists_the_choices_and_names_the_page_that_is_close() -> None:
    named = [Page(f"[bold]Policy {n}[/]", f"{STORED}/{n}", "wiki", "d", n) for n in (1, 2)]
    listed = printed(Reply(WHICH, pages=tuple(named)))
    assert "  1. [bold]Policy 1[/]\n" in listed
    assert "  2. [bold]Policy 2[/]\n" in listed
    close = printed(Reply(NOTHING_FOUND, pages=tuple(named[:1])))
    assert f"  This page is close: [bold]Policy 1[/]\n      {STORED}/1" in close


def test_the_terminal_shows_a_quote_where_it_differs() -> None:
    assert f"“{RULE}”" in printed(told("You get 30 days.", RULE))
    assert "“" not in printed(told(RULE, RULE))
    assert "[bold]" in printed(told("You get 30 days.", f"[bold]{RULE}[/]"))
