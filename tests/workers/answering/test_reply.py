"""Rendering: nothing that a model or a document wrote can do anything (threats 20 and 22)."""

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.playground.block_kit import LARGEST_TEXT, MOST_IN_MESSAGE, check_blocks, text_length
from tests.workers.answering.passages import passage
from workers.answering.reply import Reply, compose, inert, notice
from workers.models.base import Passage, Sentence

LONGEST_TEXT = 40_000
STORED = "https://wiki.acme.example/handbook"

ACTIVE = re.compile(
    r"[a-z][a-z0-9+.-]*://|\bwww\.\w|\b(?:javascript|vbscript|mailto):\S|\bdata:[^\s,]*,"
    r"|[a-z0-9]\.[a-z]{2,24}(?::\d+)?[/?#]"
    r"|<[@#!][^<>\n]*>",
    re.IGNORECASE,
)

PAYLOADS = [
    "https://evil.example/?q=secret",
    "HTTPS://EVIL.EXAMPLE/x",
    "htt\u200bps://evil.example/x",
    "h\U000e0074ttp://evil.example/x",
    "www.evil.example",
    "evil.example/steal?q=1",
    "evil.example:8080/x",
    "evil.example?q=secret",
    "mailto:eve@evil.example",
    "javascript:alert(1)",
    "java\u00adscript:alert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "slack://channel?team=T1&id=C1",
    "ftp://xn--e1aybc.example/",
    "[click](https://evil.example/x)",
    "[click][1]\n\n[1]: https://evil.example/x",
    "![img](https://evil.example/x.png)",
    "<https://evil.example|click here>",
    "<http://evil.example/x>",
    "<!channel>",
    "<!here|here>",
    "<!subteam^S1|the whole team>",
    "<!date^1^{date}^https://evil.example|now>",
    "<@U1>",
    "<@<@U1>U1>",
    "<\u200b@U1>",
    "<#C1|general>",
    "*bold* _it_ ~gone~ `code` ```pre``` > quote",
    "\u202egnp.exe\u202c",
    "\U000e0001\U000e0069\U000e0067\U000e006e\U000e006f\U000e0072\U000e0065",
    "\ud800 half",
    "nul\x00led",
    "\u3164\uffa0\u115f",
]
"""Threats 19, 20 and 22, each alone; mixed with other text below."""

hostile = st.one_of(
    st.sampled_from(PAYLOADS),
    st.text(),
    st.lists(
        st.one_of(
            st.sampled_from(PAYLOADS), st.text(max_size=8), st.sampled_from(list("<>@!#|:/.&"))
        )
    ).map("".join),
    st.text(alphabet="<>@!#|:/.&?htpsw \u200b\U000e0041"),
)


def passages_of(title: str, heading: str, source: str, document: str, url: str | None) -> Passage:
    return passage("text", title=title, heading=heading, source=source, document=document, url=url)


def leaves(value: Any) -> Iterator[dict[str, Any]]:
    """Every element of every block, however deep."""
    if isinstance(value, dict):
        if "type" in value:
            yield value
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)


def check(reply: Reply, *, stored: set[str]) -> None:
    """What Slack is sent can do nothing, and Slack takes it."""
    payload = reply.payload()
    kept = json.loads(json.dumps(payload).encode("utf-8"))  # as the outbox holds it
    assert kept["text"].encode("utf-8")  # no half characters
    check_blocks(kept["blocks"])
    assert text_length(kept["blocks"]) <= LARGEST_TEXT
    assert len(kept["blocks"]) <= MOST_IN_MESSAGE
    assert 0 < len(kept["text"]) <= LONGEST_TEXT
    for leaf in leaves(kept["blocks"]):
        assert leaf["type"] in {"rich_text", "rich_text_section", "text", "link"}
        if leaf["type"] == "link":
            assert leaf["url"].partition("#")[0] in stored
            assert leaf["url"].startswith(("https://", "http://"))
        if "text" in leaf:
            check_text(leaf["text"])
    check_text(kept["text"])
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", kept["text"])
    for line in kept["lines"]:
        check_text(line["text"])
    for citation in kept["citations"]:
        assert citation["url"] is None or citation["url"].partition("#")[0] in stored
        for name in ("title", "heading", "source", "quote"):
            check_text(citation[name])


def check_text(text: str) -> None:
    found = ACTIVE.search(text)
    assert not found, found
    for letter in text:
        assert unicodedata.category(letter) != "Cs"
        assert letter == "\n" or unicodedata.category(letter) != "Cc"
        assert not 0xE0000 <= ord(letter) <= 0xE0FFF
        assert letter not in "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
        assert not 0x202A <= ord(letter) <= 0x202E
        assert not 0x2066 <= ord(letter) <= 0x2069


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_survives_anywhere(payload: str) -> None:
    """Threats 20 and 22: sentence, quote, title, heading, file name and source."""
    told = passages_of(payload, payload, payload, payload, STORED)
    check(compose([Sentence(payload, 1, payload)], [told]), stored={STORED})
    mixed = f"See {payload} now, or({payload}) and {payload}{payload}"
    told = passages_of(mixed, mixed, mixed, mixed, STORED)
    check(compose([Sentence(mixed, 1, mixed)], [told]), stored={STORED})


@settings(max_examples=150, deadline=None)
@given(hostile, hostile, hostile, hostile, hostile, hostile)
@example("<@U1", ">", "<!chan", "nel>", "https:", "//evil.example")
def test_nothing_that_is_written_can_do_anything(
    text: str, quote: str, title: str, heading: str, source: str, document: str
) -> None:
    """Threats 20 and 22, fuzzed over everything that somebody else writes."""
    told = passages_of(title, heading, source, document, STORED)
    check(compose([Sentence(text, 1, quote)] * 2, [told]), stored={STORED})


@settings(max_examples=200, deadline=None)
@given(hostile)
def test_inert_text_stays_as_it_is(text: str) -> None:
    once = inert(text)
    check_text(once)
    assert inert(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "Keep metadata: all of it, and the data: names, dates.",
        "The ratio is 3:1 (a < b, c > d & e).",
        "Use Node.js or version 2.10, e.g. for hr/de/vacation.md.",
        "Größe, naïve, 日本語, שלום and 👍 stay.",
        "It costs 5 € – see § 3.",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "mailto:a@acme.example",
        "file:///etc/passwd",
        "slack://open",
        "//evil.example",
        "wiki/page",
        "https://",
        "https:///x",
        "https://acme.example/a b",
        "https://acme.example/\nx",
        "https://acme.example/x|<!channel>",
        "https://acme.example/\u202ex",
        "https://acme.example/" + "x" * 4000,
        "",
        None,
    ],
)
def test_only_a_stored_web_address_becomes_a_link(url: str | None) -> None:
    """Threat 20."""
    sentence = [Sentence("Thirty days.", 1, "thirty days of leave")]
    without = compose(sentence, [passages_of("Leave", "", "wiki", "leave", url)])
    assert [leaf for leaf in leaves(without.payload()["blocks"]) if leaf["type"] == "link"] == []
    check(without, stored=set())
    with_link = compose(sentence, [passages_of("Leave", "", "wiki", "leave", STORED)])
    (link,) = (leaf for leaf in leaves(with_link.payload()["blocks"]) if leaf["type"] == "link")
    assert link["url"] == STORED
    assert link["text"] == "Leave"


def test_only_cited_passages_are_linked() -> None:
    cited = passage("text", document="cited")
    other = passage("text", document="other", number=2)
    reply = compose([Sentence("It is so.", 1, "a b c")], [cited, other])
    assert "other" not in json.dumps(reply.payload())


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=40))
def test_a_link_ends_at_the_place_and_nowhere_else(anchor: str) -> None:
    told = passage("text", url=STORED, anchor=anchor)
    reply = compose([Sentence("It is so.", 1, "a b c")], [told])
    check(reply, stored={STORED})
    (citation,) = reply.citations
    assert citation.url is not None
    assert re.fullmatch(re.escape(STORED) + r"#[\w.~%=&-]+", citation.url, re.ASCII)


def test_the_place_is_named_as_the_source_names_it() -> None:
    def url(anchor: str, stored: str = STORED) -> str | None:
        sentence = [Sentence("It is so.", 1, "a b c")]
        return compose(sentence, [passage("text", url=stored, anchor=anchor)]).citations[0].url

    assert url("sick-leave-1") == f"{STORED}#sick-leave-1"
    assert url("page=3") == f"{STORED}#page=3"
    assert url("größe") == f"{STORED}#gr%C3%B6%C3%9Fe"
    assert url("") == STORED
    assert url("other", f"{STORED}#here") == f"{STORED}#here"


@pytest.mark.parametrize("letter", ["x", "&", "<", "👍", "x " * 3])
def test_the_longest_answer_stays_within_slacks_limits(letter: str) -> None:
    """13,200 letters of block text and 40,000 of text, whatever a model and documents bring."""
    long = letter * 3000
    told = [
        passages_of(long, long, long, f"document {number}", f"{STORED}/{number}")
        for number in range(50)
    ]
    reply = compose([Sentence(long, number % 50 + 1, long) for number in range(100)], told)
    check(reply, stored={f"{STORED}/{number}" for number in range(50)})
    assert len(reply.lines) > 5
    assert all(line.text.endswith("…") for line in reply.lines)


def test_a_name_that_cannot_be_seen_is_replaced() -> None:
    """Slack refuses empty text, and the whole answer with it."""
    told = passages_of("\u200b\u3164", "\u200b", "\u200b", "x", STORED)
    reply = compose([Sentence("\u3164", 1, "x"), Sentence("Thirty days.", 1, "x")], [told])
    check(reply, stored={STORED})
    assert [line.text for line in reply.lines] == ["Thirty days."]
    assert reply.citations[0].title == "Untitled"


def test_sentences_are_numbered_by_the_source_they_rest_on() -> None:
    first, second = passage("a", document="first"), passage("b", document="second", number=2)
    reply = compose(
        [Sentence("B.", 2, "b b b"), Sentence("A.", 1, "a a a"), Sentence("B2.", 2, "c c c")],
        [first, second],
    )
    assert [(line.text, line.citations) for line in reply.lines] == [
        ("B.", (1,)),
        ("A.", (2,)),
        ("B2.", (1,)),
    ]
    assert [(c.number, c.document, c.quote) for c in reply.citations] == [
        (1, "second", "b b b"),
        (2, "first", "a a a"),
    ]
    assert "[1]" in json.dumps(reply.payload()["blocks"])
    assert "updated 2026-05-04" in json.dumps(reply.payload()["blocks"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("It is so. [2]", "It is so."),
        ("It is so.[2][3] And so [ 1, 2 ].", "It is so. And so."),
        ("[1] It is so.", "It is so."),
        ("[\u200b7] It is so.", "It is so."),
        ("Read list[0] and [x] first.", "Read list[0] and [x] first."),
    ],
)
def test_a_number_of_a_models_making_is_no_citation(text: str, shown: str) -> None:
    """Threat 23: the only numbers in brackets are those that we gave."""
    (line,) = compose([Sentence(text, 1, "a b c")], [passage("a b c")]).lines
    assert line.text == shown


def test_a_notice_is_its_words_and_a_number_at_the_most() -> None:
    check(notice("Beyond my ken."), stored=set())
    assert notice("Beyond my ken.").plain() == "Beyond my ken."
    assert notice("Sorry.", question_id=7).plain() == "Sorry. (question 7)"
    assert notice("Sorry.", question_id=7).lines == ()
