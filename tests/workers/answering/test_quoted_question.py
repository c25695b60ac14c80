"""A reply that stands away from its question begins with it."""

from dataclasses import replace
from typing import Any

import pytest

from bot.playground.client import Seen
from tests.workers.answering.asking import QUESTION, ask
from tests.workers.slack_company import Company, kept, quote_all
from workers.intake.messages import Surface
from workers.models.base import Draft, Passage
from workers.replies import rendering as say


def first_block(post: Seen) -> list[dict[str, Any]]:
    """The parts of the first section of a message."""
    section: dict[str, Any] = post.blocks[0]["elements"][0]
    return [{"in": section["type"], **element} for element in section["elements"]]


def begins_with(post: Seen, words: str) -> str:
    """Whether it begins with the quoted question; the address that it leads to."""
    quoted = first_block(post)
    assert {one["in"] for one in quoted} == {"rich_text_quote"}
    links = [one["url"] for one in quoted if one["type"] == "link"]
    assert "".join(one["text"] for one in quoted if one["type"] != "link").strip() == words
    return "".join(links)


@pytest.mark.parametrize("found", [True, False])
def test_a_private_answer_begins_with_its_question_and_the_channel_leads_to_it(
    company: Company, alice: int, found: bool
) -> None:
    """The channel's bytes are the same whether or not there is anything for the asker."""
    if not found:
        company.model.write_next = lambda question, passages: Draft(())
    said = company.slack.say("all", "alice", QUESTION)
    company.work(kept(channel_id="CALL", ts=said.ts))

    (private,), (public,) = company.posts("DUALICE"), company.posts("CALL")
    assert ("canary" in private.text) is found
    address = begins_with(private, QUESTION)
    assert address == f"https://acme.slack.com/archives/CALL/p{said.ts.replace('.', '')}"
    link, _end_of_line = first_block(public)
    assert (link["url"], link["text"]) == (
        "https://acme.slack.com/archives/DUALICE",
        say.ANSWERED_PRIVATELY,
    )
    assert public.text == say.ANSWERED_PRIVATELY
    assert QUESTION not in repr(public.blocks)


def test_without_an_address_the_channels_sentence_is_the_same(company: Company, alice: int) -> None:
    company.slack.fault("error", method="chat.getPermalink", error="message_not_found")
    company.asked("CALL", "alice", QUESTION)
    (private,) = company.posts("DUALICE")
    assert begins_with(private, QUESTION) == ""


@pytest.mark.parametrize(
    ("surface", "has_link"),
    [(Surface.COMMAND, False), (Surface.SHORTCUT, True), (Surface.PRIVATE, True)],
)
def test_what_is_asked_from_elsewhere_says_what_was_asked(
    company: Company, alice: int, surface: Surface, has_link: bool
) -> None:
    said = company.slack.say("all", "bob", QUESTION).ts
    ask(company, surface, channel="CALL", ts=said, thread=said)
    (private,) = company.posts("DUALICE")
    address = f"https://acme.slack.com/archives/CALL/p{said.replace('.', '')}"
    assert begins_with(private, QUESTION) == (address if has_link else "")


def test_a_refusal_to_share_says_which_question(company: Company, alice: int) -> None:
    said = company.slack.say("all", "alice", QUESTION).ts
    ask(company, Surface.SHARE, channel="CALL", ts=said, thread=said)
    (private,) = company.posts("DUALICE")
    assert private.text == say.CANNOT_SHARE
    assert begins_with(private, QUESTION)


def test_a_failure_that_only_the_asker_hears_of_says_which_question(
    company: Company, alice: int
) -> None:
    def broken(question: str, passages: tuple[Passage, ...]) -> Draft:
        raise RuntimeError

    company.model.write_next = broken
    said = company.slack.say("all", "alice", QUESTION).ts
    question_id = ask(company, Surface.PRIVATE, channel="CALL", ts=said, thread=said)
    while company.state(question_id)[0] == "kept":
        company.rest_is_over(question_id)
        company.work(question_id)
    (private,) = company.posts("DUALICE")
    assert begins_with(private, QUESTION)


def test_the_quoted_question_is_one_inert_line(company: Company, alice: int) -> None:
    words = "budget\n<!channel> &lt;@UBOB&gt; https://evil.example/x *b* " + "long " * 99
    ask_words = company.slack.say("all", "alice", "hello").ts
    company.work(kept(channel_id="CALL", ts=ask_words, words=words, surface=Surface.COMMAND))
    (private,) = company.posts("DUALICE")
    quoted = first_block(private)
    shown = "".join(one["text"] for one in quoted)
    assert {one["type"] for one in quoted} == {"text"}
    assert len(shown) <= 150
    assert shown.endswith("…")
    assert not {"\n", "<"} & set(shown)


def test_of_a_long_private_answer_the_first_part_alone_has_the_question(
    company: Company, alice: int
) -> None:
    company.model.write_next = lambda question, passages: Draft(
        tuple(
            replace(sentence, text=f"{sentence.text} {turn}")
            for turn in range(25)
            for sentence in quote_all(question, passages).sentences
        ),
        is_quoted=True,
    )
    said = company.slack.say("all", "alice", QUESTION).ts
    ask(company, Surface.PRIVATE, channel="CALL", ts=said, thread=said)
    first, *rest = company.posts("DUALICE")
    assert begins_with(first, QUESTION)
    assert len(rest) == 2
    assert "rich_text_quote" not in repr([post.blocks for post in rest])
