"""What several documents hold alike is said once, with all that everybody there may read."""

import json

from tests.workers.answering.asking import only
from tests.workers.answering.passages import passage
from tests.workers.slack_company import Company
from workers.models.base import Draft, Passage, Sentence
from workers.models.quotes import copies_of
from workers.replies.rendering import compose, from_payload

LEAVE = "Staff get thirty days of paid leave in every calendar year."
OTHER = "Staff get twenty days of paid leave in every calendar year."


def held(text: str, number: int, source: str) -> Passage:
    return passage(text, document=f"leave in {source}", number=number, source=source)


def test_what_two_sources_hold_is_quoted_once_with_both() -> None:
    told = [held(LEAVE, 1, "wiki"), held(f"**{LEAVE}**", 2, "drive"), held(OTHER, 3, "old")]
    quote = "thirty days of paid leave"
    for sentences in (
        [Sentence(LEAVE, 1, quote)],
        [Sentence(LEAVE, 1, quote), Sentence(LEAVE, 2, quote)],
        [Sentence(LEAVE, 2, LEAVE), Sentence(LEAVE, 1, quote), Sentence(LEAVE, 1, quote)],
    ):
        reply = compose(sentences, told)
        (line,) = reply.lines
        assert line.citations == (1, 2)
        assert {citation.source for citation in reply.citations} == {"wiki", "drive"}
        assert str(reply.payload()["blocks"]).count("thirty") == 1
        assert from_payload(json.loads(json.dumps(reply.payload()))) == reply


def test_a_long_quote_that_stands_in_another_text_was_copied_and_a_short_one_was_not() -> None:
    told = (held(LEAVE, 1, "wiki"), held(f"Leave. {LEAVE} Ask HR.", 2, "drive"))
    assert copies_of(Sentence(LEAVE, 1, LEAVE), told) == [2]
    assert copies_of(Sentence(LEAVE, 1, "thirty days of paid"), told) == []
    assert copies_of(Sentence("Yes.", 1, "yes"), (held("Yes.", 1, "a"), held("Yes.", 2, "b"))) == []
    same = (held(LEAVE, 1, "wiki"), held(LEAVE, 1, "wiki"))
    assert copies_of(Sentence(LEAVE, 1, LEAVE), same) == []


def test_what_is_said_alike_is_said_once_though_its_pages_differ() -> None:
    short = "The budget is 1,200 euros."
    told = [held(f"{short} Ask Bob.", 1, "wiki"), held(f"In short: {short}", 2, "drive")]
    (line,) = compose([Sentence(short, 1, short), Sentence(short, 2, short)], told).lines
    assert line.citations == (1, 2)


def test_a_link_makes_no_other_text() -> None:
    told = [held(LEAVE, 1, "wiki"), held(LEAVE.replace("paid", "[paid](https://a/b)"), 2, "drive")]
    (line,) = compose([Sentence(LEAVE, 1, LEAVE)], told).lines
    assert line.citations == (1, 2)


def test_what_differs_in_a_number_is_no_copy() -> None:
    told = [held(LEAVE, 1, "wiki"), held(OTHER, 2, "drive")]
    reply = compose([Sentence(LEAVE, 1, LEAVE), Sentence(OTHER, 2, OTHER)], told)
    assert [line.citations for line in reply.lines] == [(1,), (2,)]


def test_a_copy_that_not_all_may_read_does_not_show_in_any_byte(company: Company) -> None:
    """Threat 16."""
    alice, bob = company.person("alice"), company.person("bob")

    def first(question: str, passages: tuple[Passage, ...]) -> Draft:
        return Draft((Sentence(LEAVE, 1, LEAVE),))

    company.library.document("in the wiki", LEAVE, only(alice, bob), title="Leave")
    company.model.write_next = first
    company.asked("CBOARD", "bob", "How many days of leave?")
    (alone,) = company.posts("CBOARD")
    company.library.document("in the drive", LEAVE, only(alice), title="Leave, too")
    company.asked("CBOARD", "bob", "How many days of leave?")
    again = company.posts("CBOARD")[-1]
    assert [b["elements"] for b in again.blocks if b["type"] == "rich_text"] == [
        b["elements"] for b in alone.blocks if b["type"] == "rich_text"
    ]
    assert again.text == alone.text
    company.asked("DUALICE", "alice", "How many days of leave?")
    shown = str(company.posts("DUALICE")[-1].blocks)
    assert "Leave, too" in shown
    assert shown.count("thirty days") == 1
