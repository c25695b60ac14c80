"""Slack's marks as words: labels stay, marks go, and what somebody typed never counts as one."""

from typing import Any

import pytest

from workers.slack.marks import (
    carried,
    is_only_carried,
    named,
    own_words,
    plain,
    references,
    searchable,
)
from workers.slack.marks import written as written_in


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("&amp;lt; stays", "&lt; stays"),
        ("<@U1|bob> and <@W2|@ann>", "bob and ann"),
        ("<@U1> and <#C1>", "<@U1> and <#C1>"),
        ("<#C1|general> <#C2|>", "general <#C2>"),
        ("<!subteam^S1|@hr> <!subteam^S1> <!here> <!channel|channel> <!everyone>", "@hr    "),
        ("<!date^1392734382^{date}^https://a.example|18 Feb>", "18 Feb"),
        ("<https://a.example/x?a=1&amp;b=2|A &amp; B>", "A & B"),
        ("<https://a.example/x?a=1&amp;b=2>", "https://a.example/x?a=1&b=2"),
        ("<mailto:a@b.example|a@b.example> <mailto:c@d.example>", "a@b.example c@d.example"),
        ("<tel:+491|+49 1>", "+49 1"),
        ("<@nobody> <#general> <@U1 x>", "  "),
        ("a <b> c < d > e <", "a <b> c < d > e <"),
        ("&lt;@U1&gt; &lt;!here&gt; <https://a.example|&lt;@U2&gt;>", "<⁠@U1> <⁠!here> <⁠@U2>"),
    ],
)
def test_people_see_words(sent: str, shown: str) -> None:
    assert plain(sent) == shown


def test_names_stand_in_place_of_ids_once() -> None:
    words = plain("<@U1>, <@U2> &lt;@U3&gt; <#C1>: <@U1>?")
    assert references(words) == ("U1", "U2", "C1")
    said = named(words, {"U1": "Bob <@U2>", "C1": "travel"})
    assert said == "Bob <⁠@U2>,  <⁠@U3> travel: Bob <⁠@U2>?"
    assert references(said) == ()


@pytest.mark.parametrize("piece", ["<", "<@", "<@U1", "&lt;", "<a|", "<!date^", "> ", "<#C1>"])
def test_text_made_to_be_slow_takes_no_longer(piece: str) -> None:
    """Twice the text, about twice the work: counted by what is left, not by the clock."""
    text = piece * (40_000 // len(piece))
    assert len(named(plain(text), {})) <= 2 * len(text)


@pytest.mark.parametrize(
    ("text", "searched"),
    [
        ("is it in https://a.example/x?y=1 or not", "is it in   or not"),
        ("https://a.example/handbook", "https://a.example/handbook"),
        ("who pays", "who pays"),
    ],
)
def test_bare_addresses_are_not_searched_for(text: str, searched: str) -> None:
    assert searchable(text) == searched


def test_blocks_are_read_where_there_is_no_text() -> None:
    def section(kind: str, *elements: Any) -> Any:
        return {"type": kind, "elements": list(elements)}

    words = {"type": "text", "text": "a < b"}
    code = {"type": "text", "text": "ls", "style": {"code": True}}
    user, channel = {"type": "user", "user_id": "U1"}, {"type": "channel", "channel_id": "C1"}
    item = section("rich_text_section", words)
    blocks = [
        section(
            "rich_text",
            section(
                "rich_text_section", words, code, user, channel, {"type": "emoji", "name": "x"}
            ),
            section("rich_text_list", item, item),
            section("rich_text_quote", words),
            section("rich_text_preformatted", words),
        ),
        {"type": "section", "text": {"type": "mrkdwn", "text": "*b*"}},
        "no block",
    ]
    assert written_in({"text": " ", "blocks": blocks}).split("\n") == [
        "a &lt; b`ls`<@U1><#C1>:x:",
        "a &lt; b",
        "a &lt; b",
        "&gt; a &lt; b",
        "```a &lt; b```",
        "*b*",
    ]
    assert written_in({"text": "as written", "blocks": blocks}) == "as written"
    assert written_in({"blocks": [{"type": "rich_text", "elements": 5}], "text": None}) == ""


def test_blocks_of_every_kind_are_read() -> None:
    marked, typed = {"type": "mrkdwn", "text": "*a* <@U1>"}, {"type": "plain_text", "text": "<b>"}
    struck = {"type": "user", "user_id": "U1", "style": {"strike": True}}
    section = {"type": "rich_text_section", "elements": [struck]}
    blocks = [
        {"type": "header", "text": typed},
        {"type": "section", "fields": [marked, typed, 5]},
        {"type": "context", "elements": [{"type": "image", "alt_text": "x"}, marked]},
        {"type": "markdown", "text": "**c** <d>"},
        {"type": "actions", "elements": [{"type": "button", "text": typed}]},
        {"type": "rich_text", "elements": [section]},
    ]
    assert written_in({"blocks": blocks}).split("\n") == [
        "&lt;b&gt;",
        *("*a* <@U1>", "&lt;b&gt;"),
        "*a* <@U1>",
        "**c** &lt;d&gt;",
        "~<@U1>~",
    ]


def test_what_others_wrote_is_told_apart() -> None:
    text = "Do you know?\n> Who pays?\n> parking\nFile: x.pdf"
    assert own_words(text) == "Do you know?\nFile: x.pdf"
    assert not is_only_carried(text)
    assert is_only_carried("> (a forwarded message)\nFile: x.pdf")
    assert carried({"attachments": "none", "files": [3, {"name": " a\n b "}]}) == "File: a b"
