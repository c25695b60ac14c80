"""Rendering: nothing that a model or a document wrote can do anything (threats 20 and 22)."""

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.playground.blocks.block_kit import LARGEST_TEXT, MOST_IN_MESSAGE, check_blocks, text_length
from tests.workers.answering.passages import passage
from workers.models.base import Passage, Sentence
from workers.models.wishes import Length
from workers.replies import rendering as say
from workers.replies.buttons import Buttons
from workers.replies.inert import inert
from workers.replies.pages import Page, label_of
from workers.replies.rendering import (
    OUTDATED,
    SOURCE_OUT_OF_DATE,
    Reply,
    buttons_of,
    compose,
    from_payload,
    notice,
    outdated,
    parts,
    person_request,
    withdrawn,
)
from workers.wording.text import age

LONGEST_TEXT = 40_000
EVERY_BUTTON = Buttons(2**63 - 1, share=True, private=True, again=True, person=True)
PERMALINK = "https://acme.slack.com/archives/C1/p1732000000123456"
KNOWN_PARTS = {
    *("rich_text", "rich_text_section", "rich_text_quote", "text", "link", "user", "usergroup"),
    *("context_actions", "feedback_buttons", "actions", "button", "overflow", "plain_text"),
}
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
    """What Slack is sent can do nothing, and Slack takes it, with every button below it."""
    for part in parts(reply):
        check_payload(part.payload(EVERY_BUTTON), stored=stored)


def check_payload(payload: dict[str, Any], *, stored: set[str]) -> None:
    kept = json.loads(json.dumps(payload).encode("utf-8"))  # as the outbox holds it
    assert kept["text"].encode("utf-8")  # no half characters
    check_blocks(kept["blocks"])
    assert text_length(kept["blocks"]) <= LARGEST_TEXT
    assert len(kept["blocks"]) <= MOST_IN_MESSAGE
    assert 0 < len(kept["text"]) <= LONGEST_TEXT
    for leaf in leaves(kept["blocks"]):
        assert leaf["type"] in KNOWN_PARTS
        assert ("url" in leaf) == (leaf["type"] == "link")
        if leaf["type"] == "link":
            assert leaf["url"].partition("#")[0] in stored
            assert leaf["url"].startswith(("https://", "http://"))
        if isinstance(leaf.get("text"), str):
            is_code = leaf.get("style") == {"code": True}  # what no client makes a link
            check_text(leaf["text"], hosts=is_code)
    check_text(kept["text"])
    assert inert(kept["text"]) == " ".join(kept["text"].split())
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", kept["text"])
    for line in kept["lines"]:
        check_text(line["text"], hosts=True)
    for citation in kept["citations"]:
        assert citation["url"] is None or citation["url"].partition("#")[0] in stored
        for name in ("title", "heading", "source", "quote"):
            check_text(citation[name], hosts=True)


def check_text(text: str, *, hosts: bool = False) -> None:
    """`hosts`: it is shown as code, so a bare `acme.example` may stand there."""
    found = ACTIVE.search(text)
    assert not found, found
    assert hosts or inert(text) == inert(text, hosts=True), text
    for letter in text:
        assert unicodedata.category(letter) != "Cs"
        assert letter == "\n" or unicodedata.category(letter) != "Cc"
        assert not 0xE0000 <= ord(letter) <= 0xE0FFF
        assert letter not in "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
        assert not 0x202A <= ord(letter) <= 0x202E
        assert not 0x2066 <= ord(letter) <= 0x2069


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_survives_anywhere(payload: str) -> None:
    """Threats 20 and 22: sentence, quote, title, heading, file name, source and question."""
    mixed = f"See {payload} now, or({payload}) and {payload}{payload}"
    for written in (payload, mixed):
        told = passages_of(written, written, written, written, STORED)
        reply = compose([Sentence(written, 1, written)], [told])
        check(reply, stored={STORED})
        check(outdated(reply.payload(EVERY_BUTTON)), stored={STORED})
        check(
            compose([Sentence(f"{n} {written}", 1, "x") for n in range(40)], [told]),
            stored={STORED},
        )
        check_asked(written, written, written, written)
        check_pages(written, f"another {written}")


def check_pages(*titles: str) -> None:
    """The titles of pages that are named, as buttons or as the one that is close."""
    labels = [label for title in titles if (label := label_of(title))]
    named = [Page(label, STORED, "wiki", "d", n) for n, label in enumerate(labels)]
    for shown in (named, named[:1]):
        reply = Reply("Which?", pages=tuple(shown))
        check(reply, stored={STORED})
        assert from_payload(reply.payload()) == reply


def check_asked(question: str, user_id: str, permalink: str, usergroup_id: str) -> None:
    """What somebody wrote can name nobody, whichever argument it comes in."""
    payload = person_request(question, user_id, permalink, usergroup_id=usergroup_id)
    check_payload(payload, stored=set())
    kinds = {leaf["type"] for leaf in leaves(payload["blocks"])}
    assert kinds == {"rich_text", "rich_text_section", "rich_text_quote", "text"}


@settings(max_examples=150, deadline=None)
@given(hostile, hostile, hostile, hostile, hostile, hostile)
@example("<@U1", ">", "<!chan", "nel>", "https:", "//evil.example")
@example("À.A://", "", "", "", "", "")
def test_nothing_that_is_written_can_do_anything(
    text: str, quote: str, title: str, heading: str, source: str, document: str
) -> None:
    """Threats 20 and 22, fuzzed over everything that somebody else writes."""
    told = passages_of(title, heading, source, document, STORED)
    reply = compose([Sentence(text, 1, quote)] * 2, [told])
    check(reply, stored={STORED})
    check(outdated(reply.payload()), stored={STORED})
    check_pages(title, heading)
    check_payload(person_request(text, "U1", PERMALINK, usergroup_id="S1"), stored={PERMALINK})


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
    reply = compose(
        [Sentence(f"{number} {long}", number % 50 + 1, long) for number in range(100)], told
    )
    reply = replace(reply, note=SOURCE_OUT_OF_DATE)
    stored = {f"{STORED}/{number}" for number in range(50)}
    check(reply, stored=stored)
    for part in parts(reply):
        check(outdated(part.payload(EVERY_BUTTON)), stored=stored)
    check_payload(person_request(long * 13, "U1", PERMALINK), stored={PERMALINK})
    assert len(reply.lines) == 40
    assert all(line.text.endswith("…") for line in reply.lines)


def test_a_sentence_of_many_documents_stays_within_slacks_limits() -> None:
    told = [
        passages_of("👍" * 300, "👍" * 300, "👍" * 200, f"d{n}", f"{STORED}/{n}") for n in range(40)
    ]
    reply = compose([Sentence("👍" * 900, n + 1, "x") for n in range(40)], told)
    check(reply, stored={f"{STORED}/{n}" for n in range(40)})
    assert [line.citations for line in reply.lines] == [tuple(range(1, 11))]
    assert len(reply.citations) == 10


def numbered(count: int, *, sources: int, length: int = 0) -> Reply:
    """An answer of this many sentences, which rest on these sources in turn."""
    told = [passage("x", document=f"d{number}") for number in range(sources)]
    sentences = [
        Sentence(f"Sentence {number}. {'x' * length}", number % sources + 1, "x")
        for number in range(count)
    ]
    return compose(sentences, told)


def test_an_answer_that_fits_is_one_message() -> None:
    reply = numbered(10, sources=3)
    assert parts(reply) == [reply]
    assert parts(notice("Beyond my ken.")) == [notice("Beyond my ken.")]


@pytest.mark.parametrize(
    ("reply", "sizes"),
    [
        (numbered(11, sources=2), [10, 1]),
        (numbered(40, sources=40), [10, 10, 10, 10]),
        (numbered(25, sources=25, length=680), [10, 10, 5]),
    ],
)
def test_a_long_answer_is_split_between_sentences(reply: Reply, sizes: list[int]) -> None:
    split = parts(replace(reply, note=SOURCE_OUT_OF_DATE))
    assert [len(part.lines) for part in split] == sizes
    assert tuple(line for part in split for line in part.lines) == reply.lines
    assert split[0].lead == f"From the documents: (1/{len(sizes)})"
    assert [part.lead for part in split[1:]] == [
        f"({number}/{len(sizes)})" for number in range(2, len(sizes) + 1)
    ]
    assert [part.note for part in split] == [""] * (len(sizes) - 1) + [SOURCE_OUT_OF_DATE]


def test_a_part_is_smaller_than_ten_lines_where_they_are_large() -> None:
    """Slack counts an emoji as one character or two: we do not rest on which."""
    told = [
        passages_of("👍" * 300, "👍" * 300, "👍" * 200, f"d{n}", f"{STORED}/{n}") for n in range(12)
    ]
    reply = compose([Sentence(f"{n} " + "👍" * 900, n + 1, "x") for n in range(12)], told)
    check(reply, stored={f"{STORED}/{n}" for n in range(12)})
    assert max(len(part.lines) for part in parts(reply)) == 4


def test_a_source_counts_once_however_often_it_is_named() -> None:
    told = passages_of("x" * 300, "x" * 300, "x" * 200, "long", STORED)
    reply = compose([Sentence("x" * 900, 1, "x")] * 10, [told])
    assert parts(reply) == [reply]
    check(reply, stored={STORED})


def test_a_source_stands_in_the_part_that_names_it_first_and_once() -> None:
    reply = numbered(24, sources=13)
    split = parts(reply)
    assert tuple(c for part in split for c in part.citations) == reply.citations
    assert [[c.number for c in part.citations] for part in split] == [
        list(range(1, 11)),
        [11, 12, 13],
        [],
    ]
    assert split[2].lines[0].citations == (8,)  # numbered through


def buttons_below(reply: Reply, buttons: Buttons) -> dict[str, Any]:
    """By action id: the value, or the values to choose from."""
    payload = reply.payload(buttons)
    check_payload(payload, stored={"https://wiki.acme.example/d0"})
    return {
        leaf["action_id"]: leaf.get("value")
        or [option["value"] for option in leaf.get("options", [])]
        or [leaf["positive_button"]["value"], leaf["negative_button"]["value"]]
        for leaf in leaves(payload["blocks"])
        if "action_id" in leaf
    }


def test_an_answer_offers_what_fits_the_place_it_is_in() -> None:
    answer = numbered(1, sources=1)
    feedback = {"ken_feedback": ["good:7", "bad:7"]}
    assert buttons_below(answer, Buttons(7, share=True, private=False)) == {
        **feedback,
        "ken_share": "7",
        "ken_more": ["not_asked:7", "wrong:7"],
    }
    assert buttons_below(answer, Buttons(7, share=False, private=True, mute=True)) == {
        **feedback,
        "ken_private": "7",
        "ken_more": ["not_asked:7", "wrong:7", "mute:7"],
    }
    assert buttons_below(
        answer, Buttons(7, share=False, private=False, again=True, person=True, mute=True)
    ) == {
        **feedback,
        "ken_again": "7",
        "ken_more": ["not_asked:7", "wrong:7", "person:7", "mute:7"],
    }
    kinds = [block["type"] for block in answer.payload(EVERY_BUTTON)["blocks"]]
    assert kinds == ["rich_text", "rich_text", "context_actions", "actions"]
    assert answer.payload()["blocks"] == answer.payload(EVERY_BUTTON)["blocks"][:2]


def test_a_notice_offers_no_feedback_and_nothing_to_share() -> None:
    """Threat 16: what is offered below a constant sentence tells nothing of what there is."""
    assert buttons_below(withdrawn(), EVERY_BUTTON) == {
        "ken_again": str(2**63 - 1),
        "ken_more": [f"person:{2**63 - 1}"],
    }
    assert buttons_below(withdrawn(), Buttons(7, share=True, private=True)) == {}
    assert len(withdrawn().payload(Buttons(7, share=True, private=True))["blocks"]) == 1


def test_sharing_asks_first_and_says_that_the_question_is_asked_again() -> None:
    """Threat 14: text that was private is never copied, and the person who presses knows it."""
    blocks = numbered(1, sources=1).payload(Buttons(7, share=True, private=True))["blocks"]
    buttons = {leaf["action_id"]: leaf for leaf in leaves(blocks) if leaf["type"] == "button"}
    assert "confirm" not in buttons["ken_private"]
    confirm = buttons["ken_share"]["confirm"]
    assert "ask your question again for everyone in the channel" in confirm["text"]["text"]
    for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        assert confirm[name]["type"] == "plain_text"
        assert 0 < len(confirm[name]["text"]) <= most


def test_a_stored_reply_comes_back_as_it_was() -> None:
    reply = replace(numbered(3, sources=2), note=SOURCE_OUT_OF_DATE)
    for buttons in (None, EVERY_BUTTON):
        stored = json.loads(json.dumps(reply.payload(buttons)))
        assert from_payload(stored) == reply
        assert buttons_of(stored) == buttons
    assert buttons_of({"text": "written by an older worker"}) is None


def test_an_outdated_answer_keeps_its_text_and_says_so_once() -> None:
    reply = numbered(3, sources=2)
    once = outdated(json.loads(json.dumps(reply.payload())))
    assert once == replace(reply, note=OUTDATED)
    assert outdated(once.payload()) == once
    noted = replace(reply, note=SOURCE_OUT_OF_DATE)
    assert outdated(noted.payload()).note == f"{SOURCE_OUT_OF_DATE} {OUTDATED}"


def test_nothing_of_a_withdrawn_answer_is_left() -> None:
    payload = withdrawn().payload()
    assert payload["text"] == say.WITHDRAWN
    assert (payload["lines"], payload["citations"], payload["note"]) == ([], [], "")


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_person_who_likes_it_short_gets_three_sentences(count: int) -> None:
    sentences = [Sentence(f"Sentence {number}.", 1, "x") for number in range(count)]
    short = compose(sentences, [passage("x")], length=Length.SHORT)
    assert [line.text for line in short.lines] == [s.text for s in sentences[:3]]
    assert len(compose(sentences, [passage("x")]).lines) == count


def test_a_short_answer_names_only_the_sources_of_its_sentences() -> None:
    told = [passage("x", document=f"d{number}") for number in range(5)]
    sentences = [Sentence(f"Sentence {number}.", number + 1, "x") for number in range(5)]
    assert len(compose(sentences, told, length=Length.SHORT).citations) == 3


@pytest.mark.parametrize(
    "words",
    [
        say.NOTHING_FOUND,
        say.ANSWERED_PRIVATELY,
        say.WITHDRAWN,
        say.CANNOT_SHARE,
        say.LIMITED,
        say.HELP,
    ],
)
def test_constant_words_can_be_said_as_they_are(words: str) -> None:
    check(notice(words), stored=set())
    assert notice(words).lines == ()


def test_help_names_every_way_to_ask() -> None:
    for way in ("mention", "direct message", "thread", "/ken", "Mute", "forget", "may read"):
        assert way in say.HELP


def test_people_are_called_by_their_group_and_see_who_asks() -> None:
    payload = person_request("How <!channel> *many* days?", "U1", PERMALINK, usergroup_id="S1")
    check_payload(payload, stored={PERMALINK})
    found = {leaf["type"]: leaf for leaf in leaves(payload["blocks"])}
    assert found["user"]["user_id"] == "U1"
    assert found["usergroup"]["usergroup_id"] == "S1"
    assert found["link"]["url"] == PERMALINK
    (quote,) = (leaf for leaf in leaves(payload["blocks"]) if leaf["type"] == "rich_text_quote")
    assert quote["elements"] == [{"type": "text", "text": "How … *many* days?"}]
    assert payload["text"] == "A colleague would like a person to answer this: How … *many* days?"
    assert "usergroup" not in json.dumps(person_request("Why?", "U1", PERMALINK)["blocks"])
    assert "(no text)" in person_request("\u200b", "U1")["text"]


@pytest.mark.parametrize(
    ("permalink", "linked"),
    [
        (PERMALINK, True),
        (f"{PERMALINK}?thread_ts=1732000000.123456&cid=C1", True),
        ("https://acme.enterprise.slack.com/archives/G1/p1732000000123456", True),
        ("", False),
        ("http://acme.slack.com/archives/C1/p1732000000123456", False),
        ("https://acme.slack.com.evil.example/archives/C1/p1732000000123456", False),
        ("https://evil.example/acme.slack.com/archives/C1/p1732000000123456", False),
        ("https://acme.slack.com@evil.example/archives/C1/p1732000000123456", False),
        (f"{PERMALINK}?thread_ts=1.1&cid=C1&next=evil", False),
        (f"{PERMALINK}\n", False),
        ("https://files.slack.com/files-pri/T1-F1/leak.pdf", False),
        (f"javascript:alert(1)//{PERMALINK}", False),
    ],
)
def test_only_slacks_own_permalink_is_a_link_to_the_conversation(
    permalink: str, linked: bool
) -> None:
    """Threat 20."""
    payload = person_request("How many days?", "U1", permalink)
    links = [leaf["url"] for leaf in leaves(payload["blocks"]) if leaf["type"] == "link"]
    assert links == ([permalink] if linked else [])
    check_payload(payload, stored={permalink.partition("#")[0]})


@pytest.mark.parametrize(
    "written", ["channel", "<!channel>", "U1>", "u1", "S1", "", "U1\n", "U" * 40]
)
def test_only_an_id_of_slacks_is_a_mention(written: str) -> None:
    """Threat 22."""
    payload = person_request("How many days?", written, usergroup_id=written.replace("S", "s"))
    assert {"user", "usergroup"}.isdisjoint(leaf["type"] for leaf in leaves(payload["blocks"]))


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
    today = datetime.now(UTC).date()
    assert age(date(2026, 5, 4), today) in json.dumps(reply.payload()["blocks"])


def test_a_notice_is_its_words_and_a_number_at_the_most() -> None:
    check(notice("Beyond my ken."), stored=set())
    assert notice("Beyond my ken.").plain() == "Beyond my ken."
    assert notice("Sorry.", question_id=7).plain() == "Sorry. (question 7)"
    assert notice("Sorry.", question_id=7).lines == ()
