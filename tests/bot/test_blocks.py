"""Which blocks and views the double takes: all that Ken sends, and nothing that Slack would not."""

import copy
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.playground.blocks.block_kit import check_blocks, check_view
from bot.playground.blocks.block_parts import BlocksInvalid
from bot.playground.client import Playground

Json = dict[str, Any]
URL = "https://acme.example/page?x=1"


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(value: str, **more: Any) -> Json:
    return {"text": plain(value), "value": value, **more}


CONFIRM = {
    "title": plain("Sure?"),
    "text": plain("It is gone then."),
    "confirm": plain("Yes"),
    "deny": plain("No"),
    "style": "danger",
}
BUTTON = {
    "type": "button",
    "action_id": "go",
    "text": plain("Go"),
    "value": "1",
    "url": URL,
    "style": "primary",
    "confirm": CONFIRM,
}
OVERFLOW = {"type": "overflow", "action_id": "more", "options": [option("a", url=URL), option("b")]}
SELECT = {
    "type": "static_select",
    "action_id": "language",
    "placeholder": plain("Language"),
    "options": [option("en"), option("de")],
    "initial_option": option("en"),
}
FEEDBACK = {
    "type": "feedback_buttons",
    "action_id": "feedback",
    "positive_button": {"text": plain("Good"), "value": "good:1"},
    "negative_button": {"text": plain("Bad"), "value": "bad:1"},
}
SECTION_PART = {
    "type": "rich_text_section",
    "elements": [
        {"type": "text", "text": "a ", "style": {"bold": True}},
        {"type": "link", "url": URL, "text": "[1]"},
        {"type": "user", "user_id": "UALICE"},
        {"type": "usergroup", "usergroup_id": "SHELP"},
        {"type": "emoji", "name": "eyes"},
    ],
}
RICH = {
    "type": "rich_text",
    "elements": [
        SECTION_PART,
        {"type": "rich_text_list", "style": "bullet", "indent": 1, "elements": [SECTION_PART]},
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "q"}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "p"}]},
    ],
}
TASK = {
    "type": "task_card",
    "task_id": "1",
    "title": "Searching",
    "status": "complete",
    "output": RICH,
    "sources": [{"type": "url", "url": URL, "text": "Page"}],
}
BLOCKS: dict[str, Json] = {
    "actions": {"type": "actions", "elements": [BUTTON, OVERFLOW, SELECT]},
    "alert": {"type": "alert", "text": mrkdwn("careful"), "level": "warning"},
    "context": {"type": "context", "elements": [mrkdwn("x"), plain("y")]},
    "context_actions": {"type": "context_actions", "elements": [FEEDBACK]},
    "divider": {"type": "divider"},
    "header": {"type": "header", "text": plain("Head")},
    "markdown": {"type": "markdown", "text": "**x**"},
    "plan": {"type": "plan", "title": "Looking", "tasks": [TASK]},
    "rich_text": RICH,
    "section": {
        "type": "section",
        "text": mrkdwn("x"),
        "fields": [plain("y")],
        "accessory": BUTTON,
    },
    "task_card": TASK,
}
RADIO = {"type": "radio_buttons", "action_id": "r", "options": [option("a"), option("b")]}
INPUTS: dict[str, Json] = {
    "plain_text_input": {"type": "plain_text_input", "action_id": "t", "max_length": 500},
    "radio_buttons": RADIO,
    "checkboxes": {**RADIO, "type": "checkboxes", "initial_options": [option("a")]},
    "static_select": SELECT,
}


def modal(*elements: Json, **more: Any) -> Json:
    blocks = [{"type": "input", "label": plain("L"), "element": element} for element in elements]
    return {"type": "modal", "title": plain("T"), "submit": plain("S"), "blocks": blocks, **more}


def changed(whole: Json, path: str, value: object) -> Json:
    """The same with another value at a/0/b; None takes it away."""
    result: Any = copy.deepcopy(whole)
    *way, last = path.split("/")
    place = result
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is None:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return dict(result)


@pytest.mark.parametrize("name", BLOCKS)
def test_what_ken_sends_is_accepted(name: str) -> None:
    check_blocks([BLOCKS[name]])


@pytest.mark.parametrize("name", INPUTS)
def test_the_inputs_of_a_modal_are_accepted(name: str) -> None:
    check_view(modal(INPUTS[name]))


SPOILED: list[tuple[str, str, object]] = [
    ("actions", "elements", []),
    ("actions", "elements", [BUTTON, BUTTON]),
    ("actions", "elements", [INPUTS["plain_text_input"]]),
    ("actions", "elements", [FEEDBACK]),
    ("actions", "elements/0/text", mrkdwn("x")),
    ("actions", "elements/0/text/text", "x" * 76),
    ("actions", "elements/0/value", "x" * 2001),
    ("actions", "elements/0/url", "javascript:alert(1)"),
    ("actions", "elements/0/url", "https://"),
    ("actions", "elements/0/url", "https://acme.example/" + "x" * 3000),
    ("actions", "elements/0/style", "loud"),
    ("actions", "elements/0/colour", "red"),
    ("actions", "elements/0/action_id", "x" * 256),
    ("actions", "elements/0/confirm/title", None),
    ("actions", "elements/0/confirm/text/text", "x" * 301),
    ("actions", "elements/0/confirm/deny/text", "x" * 31),
    ("actions", "elements/1/options", []),
    ("actions", "elements/1/options", [option(str(n)) for n in range(6)]),
    ("actions", "elements/1/options", [option("a"), option("a")]),
    ("actions", "elements/1/options/0/value", "x" * 151),
    ("actions", "elements/1/options/0/text/text", "x" * 76),
    ("actions", "elements/2/options", [option(str(n)) for n in range(101)]),
    ("actions", "elements/2/options/0/url", URL),
    ("actions", "elements/2/initial_option", option("fr")),
    ("actions", "elements/2/options", None),
    ("alert", "level", "loud"),
    ("alert", "text", "x"),
    ("context", "elements", [mrkdwn("x")] * 11),
    ("context", "elements", [BUTTON]),
    ("context_actions", "elements", [BUTTON]),
    ("context_actions", "elements/0/negative_button", None),
    ("context_actions", "elements/0/positive_button/value", None),
    ("divider", "text", "x"),
    ("header", "text", mrkdwn("x")),
    ("header", "text/text", "x" * 151),
    ("markdown", "text", "x" * 12_001),
    ("plan", "tasks", [TASK, TASK]),
    ("plan", "tasks", [BLOCKS["divider"]]),
    ("plan", "title", ""),
    ("rich_text", "elements/0/elements/1/url", "not an address"),
    ("rich_text", "elements/0/elements/2/user_id", "alice"),
    ("rich_text", "elements/0/elements/0/style", {"blink": True}),
    ("rich_text", "elements/0/elements/0/style/bold", "yes"),
    ("rich_text", "elements/0/elements/0/text", ""),
    ("rich_text", "elements/1/style", "fancy"),
    ("rich_text", "elements/1/indent", 9),
    ("rich_text", "elements/1/elements", [{"type": "text", "text": "x"}]),
    ("rich_text", "elements/3/elements", [{"type": "emoji", "name": "eyes"}]),
    ("section", "text/text", "x" * 3001),
    ("section", "fields", [plain("x")] * 11),
    ("section", "fields/0/text", "x" * 2001),
    ("section", "accessory", FEEDBACK),
    ("section", "block_id", "x" * 256),
    ("task_card", "status", "done"),
    ("task_card", "status", None),
    ("task_card", "output", BLOCKS["section"]),
    ("task_card", "sources/0/text", None),
    ("task_card", "sources/0/url", "ftp://acme.example"),
]


@pytest.mark.parametrize(("name", "path", "value"), SPOILED)
def test_what_slack_would_refuse_is_refused(name: str, path: str, value: object) -> None:
    with pytest.raises(BlocksInvalid, match="json-pointer:/blocks"):
        check_blocks([changed(BLOCKS[name], path, value)])


def test_a_message_has_fifty_blocks_and_a_view_a_hundred() -> None:
    divider = BLOCKS["divider"]
    check_blocks([divider] * 50)
    check_view({"type": "home", "blocks": [divider] * 100})
    with pytest.raises(BlocksInvalid):
        check_blocks([divider] * 51)
    with pytest.raises(BlocksInvalid):
        check_view({"type": "home", "blocks": [divider] * 101})


def test_all_markdown_of_a_message_has_one_limit() -> None:
    half = {"type": "markdown", "text": "x" * 6_000}
    check_blocks([half] * 2)
    with pytest.raises(BlocksInvalid):
        check_blocks([half, half, BLOCKS["markdown"]])


@pytest.mark.parametrize(
    "view",
    [
        modal(RADIO, title=plain("x" * 25)),
        modal(RADIO, title=mrkdwn("x")),
        modal(RADIO, submit=plain("x" * 25)),
        modal(RADIO, private_metadata="x" * 3001),
        modal(RADIO, callback_id="x" * 256),
        modal(RADIO, colour="red"),
        modal(BUTTON),
        modal({**RADIO, "options": [option(str(n)) for n in range(11)]}),
        modal({**RADIO, "initial_option": option("z")}),
        modal({"type": "plain_text_input", "min_length": 3, "max_length": 2}),
        modal({"type": "plain_text_input", "max_length": 3001}),
        modal({"type": "plain_text_input", "max_length": 2, "initial_value": "long"}),
        changed(modal(RADIO), "submit", None),
        changed(modal(RADIO), "title", None),
        changed(modal(RADIO), "blocks/0/label", mrkdwn("x")),
        changed(modal(RADIO), "blocks/0/optional", "yes"),
        {"type": "home", "blocks": [BLOCKS["context_actions"]]},
        {"type": "home", "blocks": [], "title": plain("T")},
    ],
)
def test_a_view_that_slack_would_refuse_is_refused(view: Json) -> None:
    with pytest.raises(BlocksInvalid):
        check_view(view)


def test_the_double_points_to_the_invalid_field(playground: Playground, ken: WebClient) -> None:
    wrong = changed(BLOCKS["actions"], "elements/0/url", "x")
    with pytest.raises(SlackApiError) as caught:
        ken.chat_postMessage(channel="CGENERAL", text="x", blocks=[wrong])
    assert caught.value.response["error"] == "invalid_blocks"
    (message,) = caught.value.response["response_metadata"]["messages"]
    assert "/blocks/0/elements/0/url" in message

    with pytest.raises(SlackApiError) as caught:
        ken.views_open(trigger_id=playground.trigger("bob"), view=modal(BUTTON))
    assert caught.value.response["error"] == "invalid_arguments"
