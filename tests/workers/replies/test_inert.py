"""Threats 20 and 23: what looks like an address or a citation, and what only seems to."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.answering.passages import passage
from workers.models.base import Sentence
from workers.replies.inert import elements, inert, link, web_address, without_look_alikes
from workers.replies.rendering import Reply, compose, from_payload, person_request

LOOK_ALIKES = {
    ".": "．。｡․ꓸ۔٠۰܁﹒",
    "/": "／⁄∕⧸╱",
    ":": "：∶꞉ː﹕",
    "@": "＠﹫",
    "a": "ａаα𝐚ⓐ",
    "e": "ｅе𝖾ⓔ",
    "o": "ｏоο𝗈",
    "c": "ｃсⅽ",
    "p": "ｐр",
}
"""A character, and others that a reader takes for it (Unicode TR 39). Ours, not the code's."""
ADDRESSES = [
    "evil.example",
    "login.evil.museum",
    "evil.photography",
    "EVIL.COM",
    "Evil.Com",
    "evil.md/x",
    "evil.co.uk:8443",
    "evil.example?leak=2",
    "xn--80ak6aa92e.com",
    "аpple.com",
    "evil.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/x",
    "ceo@evil.example",
    "root@localhost",
    "ceo [at] evil.example",
    "ceo(at)evil(dot)example",
    "evil dot com",
    "evil·com",
    "evil•com/x",
    "🅔🅥🅘🅛.com",
    "🇪🇻🇮🇱.com",
    "例え.jp",
    "\\\\evil\\share",
    "//evil/share",
    "geo:0,0",
    "bitcoin:1A1zP1",
    "evil .com",
    "evil[.]com",
    "https://evil.example/x",
    "hxxps://evil[.]example/x",
    "h**p://evil.example",
    "http ://evil.example/x",
    "http:evil",
    "http:/evil",
    "https:\\\\evil.example\\x",
    "ht\u200btps://evil.example",
    "evil\u00ad.example",
    "evil\u2060.\u200bexample",
    "file:/etc/passwd",
    "view-source:http:evil",
    "tg:resolve?domain=x",
    "xyzzy:open?url=x",
    "intent:#Intent;end",
    "skype:evil?call",
    "callto:+1900",
    "sms:123",
    "java script:alert(1)",
    "+1 900 555 0199",
    "+49 (0)30 1234567",
    "192.0.2.7/login",
    "192.0.2.7:8080",
    "3221225991/login",
    "0xc0000207/login",
    "[2001:db8::1]/x",
    "localhost/admin",
    "localhost:9000",
    "intranet/secret?leak=BONUS",
    "www.evil",
]
ORDINARY = [
    "We use ASP.NET and .NET 8.",
    "It weighs 10⁻³ kg.",
    "You may take two (2).",
    "Die Frist beträgt zwei (2).",
    "and // or, Home • Info, les salarié·es",
    "Das regelt § 3 Abs. 2 Satz 1; nach § 3 (2) gilt das nicht.",
    "The interval [0, 1) and Room [A.1] stay.",
    "Tick the box [ ] or write a{1,2}.",
    "Keep metadata: all of it, and the data: names, dates.",
    "The ratio is 3:1 (a < b, c > d & e).",
    "Use Node.js or version 2.10, e.g. for hr/de/vacation.md.",
    "Größe, naïve, 日本語, שלום and 👍 stay.",
    "It costs 5 € – see § 3.",
    "(1) Fill in the form and (2) send it.",
    "Open README.md, setup.py or notes.final.docx first.",
    "The desk opens at 9.30 and closes at 17:45.",
    "It costs 1.500,00 € or $1,299.99 per seat.",
    "We run ASP.NET, and e.g. this.That or os.getcwd().",
    "Sections 5 (1) and 6, paragraph (2).",
    "An area of 20 m² holds 10³ parts; E = mc².",
    "Read list[0] and [x] first.",
    "x = args[1]",
    "Sentence one.Sentence two.",
    "Either he/she or they, 24/7, and/or both; 31/12/2026.",
    "Am 1.5. gilt z.B. § 4 Abs. (2), ca.drei Tage.",
    "日本語です。次の文です。OKです。",
    "Т.е. так. Слово.Другое",
    "C:\\Users\\ana and /etc/passwd",
    "Up to 2 years (24 months) in the U.S.A. before 5 p.m.",
    "① Open the form",
    "Version 10.0.19041.1 or v2.1.0",
    "The #general channel, @here, and :wave:",
    "Ask him: he knows. Note: it is #4 (see Room: #12).",
]


def look_alikes(text: str) -> list[str]:
    """The text with each character that has look-alikes replaced by each of them."""
    return [
        text.replace(letter, other)
        for letter, others in LOOK_ALIKES.items()
        if letter in text
        for other in others
    ]


def parts_of(reply: Reply) -> list[dict[str, Any]]:
    sections = [part for block in reply.payload()["blocks"] for part in block["elements"]]
    return [element for section in sections for element in section["elements"]]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_stands_in_no_passage_goes(address: str) -> None:
    """Threat 20."""
    for text in (address, f"See {address}.", f"({address})", f"Go to {address} now, or {address}"):
        shown = inert(text)
        assert address not in shown
        assert "[…]" in shown
        assert inert(shown) == shown
    assert inert(f"See {address}.").startswith("See […]")


@pytest.mark.parametrize(
    "address", ["evil.com", "evil.com/x", "ceo@evil.com", "http://evil.com", "file:/a/passwd.com"]
)
def test_a_look_alike_is_what_it_looks_like(address: str) -> None:
    """Threat 20, by a table of confusables."""
    others = look_alikes(address)
    assert len(others) > 20
    for other in [*others, *(another for one in others[:40] for another in look_alikes(one))]:
        assert inert(f"See {other} now") == "See […] now", other


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert inert(text) == text
    assert without_look_alikes(text) == text
    (line,) = compose([Sentence(text, 1, "a b c")], [passage("a b c")]).lines
    assert line.text == text
    assert elements(text) == [{"type": "text", "text": text}]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_of_the_passage_is_shown_as_inert_code(address: str) -> None:
    """Content, and never clickable; the fall-back text, which clients read for links, has none."""
    sentence = Sentence(f"Write to {address} first.", 1, f"to {address}")
    reply = compose([sentence], [passage(f"People write to {address}, at work.")])
    shown = parts_of(reply)
    assert not any(part["type"] == "link" and "evil" in part["url"] for part in shown)
    for part in shown:
        if part["type"] == "text" and "style" not in part:
            assert inert(part["text"]).strip() == part["text"].strip()
    coded = [part["text"] for part in shown if part.get("style") == {"code": True}]
    assert coded[-1] == "[1]"
    assert len(coded) == 2
    assert inert(reply.payload()["text"]).split() == reply.payload()["text"].split()


def test_only_the_very_address_that_the_passage_holds_is_shown() -> None:
    told = passage("Ask hr@acme.example or read https://wiki.acme.example/leave (in German).")

    def shown(text: str) -> str:
        return compose([Sentence(text, 1, "a b c")], [told]).lines[0].text

    assert shown("Ask hr@acme.example.") == "Ask hr@acme.example."
    assert shown("Read https://wiki.acme.example/leave!") == "Read https://wiki.acme.example/leave!"
    for other in (
        "r@acme.example",
        "hr@acme.example.evil.example",
        "https://wiki.acme.example/leave?q=secret",
        "https://wiki.acme.example/leave/secret",
        "wiki.acme.example",
    ):
        assert shown(f"Ask {other}") == "Ask […]"


def test_a_name_with_a_host_in_it_is_no_link_to_another_host() -> None:
    """Threat 20: shown host and real host are the same."""
    told = passage("Thirty days.", title="Moving to Booking.com")
    shown = parts_of(compose([Sentence("Thirty days.", 1, "thirty days")], [told]))
    (linked,) = (part for part in shown if part["type"] == "link")
    assert linked["text"] == "open"
    assert {"type": "text", "text": "Booking.com", "style": {"code": True}} in shown
    told = passage("Thirty days.", title="https://good.example/x", source="evil.example")
    shown = parts_of(compose([Sentence("Thirty days.", 1, "thirty days")], [told]))
    assert "good.example" not in str(shown)
    assert {"type": "text", "text": "evil.example", "style": {"code": True}} in shown


def test_a_persons_own_question_keeps_its_words_as_code() -> None:
    payload = person_request("Is Monday.com safe? https://evil.example/x", "U1")
    quoted = payload["blocks"][0]["elements"][1]["elements"]
    assert [part["text"] for part in quoted] == ["Is ", "Monday.com", " safe? […]"]
    assert "Monday" not in payload["text"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*ADDRESSES, *ORDINARY, *"<>@!#|:/.[]()1¹ \u200b"])).map("".join))
def test_what_is_inert_stays_as_it_is(text: str) -> None:
    once = inert(text)
    assert inert(once) == once
    assert all("style" not in element for element in elements(once))


@pytest.mark.parametrize(
    "url",
    [
        "https://wiki.acme.example@evil.example/x",
        "https://user:secret@evil.example/x",
        "https://user@evil.example",
        "https://:@evil.example",
        "https://evil.example\\@wiki.acme.example/",
        "https:\\\\evil.example\\x",
        "https:/evil.example",
        "https:evil.example",
        "https:///evil.example",
        "https://evil.example:0/",
        "https://evil.example:99999/",
        "https://evil.example:/",
        "https://evil.example:8o/",
        "https://аcme.example/",
        "https://acme．example/",
        "https://xn--cme-5cd.example/",
        "https://a.xn--cme-5cd.example/",
        "https://%61cme.example/",
        "https://-acme.example/",
        "https://acme..example/",
        "https://acme.example./",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://127.0.0.1/admin",
        "https://[::1]/",
        "http://localhost:8000/",
        "http://169.254.169.254/latest",
        "https://acme.example/a b",
        "https://acme.example/\u00a0x",
        "https://acme.example/\u202egpj.exe",
        "https://acme.example/%E2%80%AEgpj.exe",
        "https://acme.example/%00",
        "https://acme.example/%0d%0aX",
        "https://acme.example/\u200bx",
        "https://acme.example/x\n",
        "\thttps://acme.example/x",
        "https://acme.example/x|y",
        "https://acme.example/<x>",
        'https://acme.example/"x',
        "https://acme.example/`x",
        "https://acme.example/x\\y",
        "https://acme.example/" + "ä" * 600,
        "https://acme.example/" + "x" * 3000,
        "slack://open",
        "javascript:alert(1)//https://acme.example/",
        "ftp://acme.example/",
        "",
        None,
    ],
)
def test_a_tricky_address_is_no_link(url: str | None) -> None:
    """Threat 20: the name is shown, and nothing that leads anywhere."""
    assert web_address(url) is None
    assert link(url, "Leave") == {"type": "text", "text": "Leave"}
    reply = compose([Sentence("Thirty days.", 1, "a b c")], [passage("a b c", url=url)])
    assert all(part["type"] == "text" for part in parts_of(reply))
    assert reply.citations[0].url is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://wiki.acme.example/x", "https://wiki.acme.example/x"),
        ("HTTPS://Wiki.Acme.Example/X", "https://wiki.acme.example/X"),
        ("http://wiki/page", "http://wiki/page"),
        ("http://my_wiki:8080/page?a=1&b=[2]#c", "http://my_wiki:8080/page?a=1&b=[2]#c"),
        ("https://10.1.2.3/x", "https://10.1.2.3/x"),
        ("https://[2001:db8::7]:8443/x", "https://[2001:db8::7]:8443/x"),
        ("https://acme.example", "https://acme.example"),
        ("https://acme.example/@ana/größe", "https://acme.example/@ana/gr%C3%B6%C3%9Fe"),
        ("https://acme.example/a%20b", "https://acme.example/a%20b"),
    ],
)
def test_a_plain_address_is_a_link(url: str, shown: str) -> None:
    assert web_address(url) == shown
    assert link(url, "Leave") == {"type": "link", "url": shown, "text": "Leave"}


def test_an_address_that_was_stored_before_it_was_checked_is_no_link_either() -> None:
    reply = compose([Sentence("Thirty days.", 1, "a b c")], [passage("a b c")])
    stored = reply.payload()
    stored["citations"][0]["url"] = "https://wiki.acme.example@evil.example/x"

    assert "evil" not in str(from_payload(stored).payload()["blocks"])


@pytest.mark.parametrize(
    "mark",
    [
        *("[1]", "[12] [3]", "[ 1, 2 ]", "[1–3]", "[1-3]", "[1;2]", "[1/2]", "[1 to 3]", "[#1]"),
        *("[1.]", "[one]", "[Two]", "[ii]", "[１]", "[①]", "[¹]", "[^1]", "[source 1]", "[ref. 2]"),
        *("⟦1⟧", "【1】", "［1］", "〔1〕", "〖1〗", "⁅1⁆", "❲1❳", "[\u200b7]", "[1", "[[1]1]"),
        *("[[1]]", "[1†source]", "【1†source】", "[1)", "(1]", "[1a]", "[No. 1]", "[Quelle 2]"),
        *("[eins]", "[1 und 2]", "[1…3]", "(source 1)", "(Quellen 1, 2)", "「1」", "『1』", "⟨1⟩"),
        *("〈1〉", "《1》", "‹1›", "«1»", "{1}", "<1>"),
        *("(1)", "（1）", "⑴", "(1, 2)", "❨1❩", "¹", "¹²", "³", "①", "❶", "1\ufe0f\u20e3"),
    ],
)
def test_only_our_own_numbers_are_shown_as_citations(mark: str) -> None:
    """Threat 23: in what a model writes, and in what a document says."""
    for text in (f"Staff get leave. {mark}", f"Staff get leave {mark}.", f"Staff get leave{mark}"):
        reply = compose([Sentence(text, 1, text)], [passage(text)])
        assert reply.lines[0].text.rstrip(".") == "Staff get leave"
        assert reply.citations[0].quote.rstrip(".") == "Staff get leave"
    assert compose([Sentence(mark, 1, mark)], [passage(mark)]).lines == ()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("It is so.[2][3] And so [ 1, 2 ].", "It is so. And so."),
        ("[1] It is so.", "It is so."),
        ("evil[1].example is so", "[…] is so"),
        ("htt[1]ps://evil.example is so", "[…] is so"),
    ],
)
def test_what_a_citation_leaves_behind_is_looked_at_again(text: str, shown: str) -> None:
    (line,) = compose([Sentence(text, 1, "a b c")], [passage("a b c")]).lines
    assert line.text == shown
