"""Clicks, submitted modals and slash commands, as they reach an app by both transports."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from slack_bolt import Ack, App, Respond
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.webhook import WebhookClient

from bot.playground.client import OrderRefused, Playground
from bot.playground.double import Access
from bot.playground.server import running
from bot.playground.workspace import read_workspace
from tests.bot.conftest import Start
from tests.bot.slack_schemas import check_calls, needs_shared, sample, unknown_keys
from tests.bot.slack_world import WORLD, Json, serving


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str) -> Json:
    return {"text": plain(value), "value": value}


def button(value: str, action_id: str = "go") -> Json:
    return {"type": "button", "action_id": action_id, "text": plain("Go"), "value": value}


FEEDBACK: Json = {
    "type": "feedback_buttons",
    "action_id": "feedback",
    "positive_button": {"text": plain("Good"), "value": "good:1"},
    "negative_button": {"text": plain("Bad"), "value": "bad:1"},
}
OVERFLOW: Json = {"type": "overflow", "action_id": "more", "options": [option("a"), option("b")]}
SELECT: Json = {
    "type": "static_select",
    "action_id": "language",
    "placeholder": plain("Language"),
    "options": [option("en"), option("de")],
    "initial_option": option("en"),
}
MESSAGE: list[Json] = [
    {"type": "actions", "block_id": "first", "elements": [button("1"), OVERFLOW]},
    {"type": "actions", "block_id": "second", "elements": [button("2")]},
    {"type": "context_actions", "block_id": "third", "elements": [FEEDBACK]},
]
HOME: Json = {
    "type": "home",
    "blocks": [{"type": "actions", "block_id": "b", "elements": [SELECT, button("1")]}],
}


def modal(title: str = "Why", **more: Any) -> Json:
    field = {"type": "plain_text_input", "action_id": "text", "multiline": True}
    return {
        "type": "modal",
        "callback_id": "why",
        "private_metadata": "kept",
        "notify_on_close": True,
        "title": plain(title),
        "submit": plain("Send"),
        "blocks": [
            {"type": "input", "block_id": "reason", "label": plain("Reason"), "element": field}
        ],
        **more,
    }


def said(text: str) -> Json:
    return {"reason": {"text": {"value": text}}}


class Desk:
    """An app that records what it gets, opens a modal, and checks what is submitted."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.received: list[Json] = []
        self.respond: Respond | None = None
        self.answer: Json = {}
        self.says = ""

    def app(self, client: WebClient) -> App:
        app = App(
            client=client,
            signing_secret="playground",
            process_before_response=True,
            token_verification_enabled=False,
        )
        for action in ("go", "feedback", "more", "language"):
            app.action(action)(self.on_action)
        app.view("why")(self.on_submit)
        app.view_closed("why")(self.on_anything)
        app.command("/ken")(self.on_command)
        app.shortcut("ken_ask_about")(self.on_anything)
        app.event("message")(lambda: None)
        app.event("app_home_opened")(lambda: None)
        return app

    def on_action(self, ack: Ack, body: Json, respond: Respond, client: WebClient) -> None:
        ack()
        self.received.append(body)
        self.respond = respond
        if body["actions"][0].get("value") == "1":
            client.views_open(trigger_id=body["trigger_id"], view=modal())

    def on_submit(self, ack: Ack, body: Json) -> None:
        self.received.append(body)
        ack(**self.answer)

    def on_command(self, ack: Ack, body: Json) -> None:
        self.received.append(body)
        ack(self.says) if self.says else ack()

    def on_anything(self, ack: Ack, body: Json) -> None:
        self.received.append(body)
        ack()


@contextmanager
def over_socket(desk: Desk) -> Iterator[Playground]:
    with running(read_workspace(WORLD)) as url:
        slack = Playground(url)
        door: Any = SocketModeHandler(
            desk.app(ken(slack)), "xapp-playground", web_client=WebClient(base_url=slack.api_url)
        )
        door.connect()
        slack.wait_until_ready()
        try:
            yield slack
        finally:
            door.close()
            check_calls(slack.calls())


@contextmanager
def over_http(desk: Desk, **access: Any) -> Iterator[Playground]:
    client = WebClient("xoxb-playground", base_url="http://127.0.0.1:9/")
    with (
        serving(SlackRequestHandler(desk.app(client))) as address,
        running(
            read_workspace(WORLD),
            Access(**{"events_url": f"{address}/slack/events", "trigger_life_s": 600.0, **access}),
        ) as url,
    ):
        client.base_url = f"{url}/api/"
        slack = Playground(url)
        yield slack
        check_calls(slack.calls())


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="module", params=[over_socket, over_http], ids=["socket", "http"])
def way(request: pytest.FixtureRequest) -> Iterator[tuple[Desk, Playground]]:
    desk = Desk()
    with request.param(desk) as slack:
        yield desk, slack


@pytest.fixture
def both(way: tuple[Desk, Playground]) -> tuple[Desk, Playground]:
    """The app and its Slack, by either transport, before any event."""
    desk, slack = way
    slack.reset()
    desk.clear()
    return way


def ken(slack: Playground) -> WebClient:
    return WebClient("xoxb-playground", base_url=slack.api_url, retry_handlers=[])


def post(slack: Playground) -> str:
    return str(ken(slack).chat_postMessage(channel="CGENERAL", text="x", blocks=MESSAGE)["ts"])


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(SlackApiError) as caught:
        call()
    return str(caught.value.response["error"])


def test_a_click_carries_what_where_and_by_whom(both: tuple[Desk, Playground]) -> None:
    desk, slack = both
    ts = post(slack)
    done = slack.press("bob", "go", channel="general", ts=ts, value="2")

    (body,) = desk.received
    (action,) = body["actions"]
    assert done.failed == ""
    assert (action["block_id"], action["value"], action["type"]) == ("second", "2", "button")
    assert (body["user"]["id"], body["channel"]["id"]) == ("UBOB", "CGENERAL")
    assert (body["message"]["ts"], body["container"]["message_ts"]) == (ts, ts)
    assert body["trigger_id"] == done.trigger_id


def test_feedback_and_overflow_carry_the_choice(both: tuple[Desk, Playground]) -> None:
    desk, slack = both
    ts = post(slack)
    slack.press("bob", "feedback", channel="general", ts=ts, value="bad:1")
    slack.press("bob", "more", channel="general", ts=ts, selected="b")

    feedback, more = (body["actions"][0] for body in desk.received)
    assert (feedback["type"], feedback["value"]) == ("feedback_buttons", "bad:1")
    assert (more["type"], more["selected_option"]["value"]) == ("overflow", "b")


@pytest.mark.parametrize(
    ("kind", "chosen", "name"),
    [
        ("datepicker", "2026-12-24", "selected_date"),
        ("timepicker", "12:30", "selected_time"),
        ("datetimepicker", 1_798_108_200, "selected_date_time"),
        ("users_select", "UBOB", "selected_user"),
        ("conversations_select", "CGENERAL", "selected_conversation"),
        ("channels_select", "CGENERAL", "selected_channel"),
        ("multi_users_select", ["UBOB", "UALICE"], "selected_users"),
        ("multi_conversations_select", ["CGENERAL"], "selected_conversations"),
        ("multi_channels_select", ["CGENERAL"], "selected_channels"),
    ],
)
def test_a_date_a_person_and_a_channel_can_be_chosen(
    both: tuple[Desk, Playground], kind: str, chosen: Any, name: str
) -> None:
    desk, slack = both
    element = {"type": kind, "action_id": "go"}
    blocks = [{"type": "actions", "block_id": "b", "elements": [element]}]
    posted = ken(slack).chat_postMessage(channel="CGENERAL", text="x", blocks=blocks)
    slack.press("bob", "go", channel="general", ts=str(posted["ts"]), selected=chosen)

    (body,) = desk.received
    assert (body["actions"][0]["type"], body["actions"][0][name]) == (kind, chosen)
    with pytest.raises(OrderRefused):
        slack.press("bob", "go", channel="general", ts=str(posted["ts"]))


def test_an_element_that_is_missing_or_hidden_cannot_be_clicked(
    both: tuple[Desk, Playground],
) -> None:
    desk, slack = both
    ts = post(slack)
    for user, action_id, value in (
        ("bob", "nothing", None),
        ("bob", "go", "3"),
        ("bob", "feedback", "ugly"),
        ("far", "go", "2"),
    ):
        with pytest.raises(OrderRefused):
            slack.press(user, action_id, channel="general", ts=ts, value=value)
    with pytest.raises(OrderRefused):
        slack.press("bob", "language", home=True, selected="de")
    assert desk.received == []


def test_only_the_recipient_of_an_ephemeral_message_can_click_in_it(
    both: tuple[Desk, Playground],
) -> None:
    desk, slack = both
    ts = str(
        ken(slack).chat_postEphemeral(channel="CGENERAL", user="UBOB", text="x", blocks=MESSAGE)[
            "message_ts"
        ]
    )
    with pytest.raises(OrderRefused):
        slack.press("alice", "go", channel="general", ts=ts, value="2")
    slack.press("bob", "go", channel="general", ts=ts, value="2")
    assert desk.respond is not None
    desk.respond(delete_original=True)

    (body,) = desk.received
    assert (body["container"]["is_ephemeral"], "message" in body) == (True, False)
    assert slack.messages("general") == []


def test_a_choice_in_the_home_tab_is_stored(both: tuple[Desk, Playground]) -> None:
    desk, slack = both
    ken(slack).views_publish(user_id="UBOB", view=HOME)
    slack.press("bob", "language", home=True, selected="de")

    (body,) = desk.received
    assert body["actions"][0]["selected_option"]["value"] == "de"
    assert body["view"]["state"]["values"]["b"]["language"]["selected_option"]["value"] == "de"
    assert (body["container"]["type"], "message" in body, "channel" in body) == (
        "view",
        False,
        False,
    )


def test_a_modal_without_what_it_requires_does_not_reach_the_app(
    both: tuple[Desk, Playground],
) -> None:
    desk, slack = both
    errors = slack.submit("bob", opened(slack, post(slack))).errors
    assert errors == {"reason": "Please complete this required field."}
    assert len(desk.received) == 1


def test_a_modal_that_the_app_refuses_stays_with_its_errors(both: tuple[Desk, Playground]) -> None:
    desk, slack = both
    view = opened(slack, post(slack))
    desk.answer = {"response_action": "errors", "errors": {"reason": "Too short."}}
    assert slack.submit("bob", view, said("x")).errors == {"reason": "Too short."}
    assert [one["id"] for one in slack.views("bob")] == [view]


def test_a_modal_is_submitted_with_what_was_written(both: tuple[Desk, Playground]) -> None:
    desk, slack = both
    assert slack.submit("bob", opened(slack, post(slack)), said("long enough")).closed
    assert slack.views("bob") == []
    submitted = desk.received[-1]
    assert submitted["view"]["state"]["values"]["reason"]["text"] == {
        "type": "plain_text_input",
        "value": "long enough",
    }
    assert (submitted["view"]["private_metadata"], submitted["user"]["id"]) == ("kept", "UBOB")


def test_a_time_that_was_chosen_fills_its_input(both: tuple[Desk, Playground]) -> None:
    desk, slack = both
    slack.press("bob", "go", channel="general", ts=post(slack), value="1")
    (view,) = slack.views("bob")
    when = {"type": "timepicker", "action_id": "at"}
    block = {"type": "input", "block_id": "when", "label": plain("When"), "element": when}
    ken(slack).views_update(view_id=view["id"], view=modal(blocks=[block]))
    assert slack.submit("bob", view["id"]).errors.keys() == {"when"}
    assert slack.submit("bob", view["id"], {"when": {"at": {"selected_time": "12:30"}}}).closed
    assert desk.received[-1]["view"]["state"]["values"]["when"]["at"]["selected_time"] == "12:30"


def test_an_app_pushes_a_view_over_another(both: tuple[Desk, Playground]) -> None:
    desk, slack = both
    first = opened(slack, post(slack))
    desk.answer = {"response_action": "push", "view": modal("Second")}
    pushed = slack.submit("bob", first, said("x"))
    assert pushed.view is not None
    assert (pushed.closed, pushed.view["title"]["text"]) == (False, "Second")
    assert pushed.view["root_view_id"] == first
    assert len(slack.views("bob")) == 2


def test_an_app_shows_another_view_in_place_of_one(both: tuple[Desk, Playground]) -> None:
    desk, slack = both
    first = opened(slack, post(slack))
    desk.answer = {"response_action": "update", "view": modal("Third")}
    updated = slack.submit("bob", first, said("x"))
    assert updated.view is not None
    assert (updated.view["title"]["text"], updated.view["id"]) == ("Third", first)
    assert len(slack.views("bob")) == 1


def test_an_app_clears_all_views(both: tuple[Desk, Playground]) -> None:
    desk, slack = both
    first = opened(slack, post(slack))
    desk.answer = {"response_action": "push", "view": modal("Second")}
    pushed = slack.submit("bob", first, said("x"))
    assert pushed.view is not None
    desk.answer = {"response_action": "clear"}
    assert slack.submit("bob", pushed.view["id"], said("x")).closed
    assert slack.views("bob") == []


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"elsewhere": "x"}},
        {"response_action": "errors", "errors": {}},
        {"response_action": "update", "view": {"type": "modal"}},
    ],
)
def test_an_invalid_answer_leaves_the_modal_open(desk: Desk, answer: Json) -> None:
    with over_http(desk) as slack:
        slack.press("bob", "go", channel="general", ts=post(slack), value="1")
        (view,) = slack.views("bob")
        desk.answer = answer
        submitted = slack.submit("bob", view["id"], said("x"))
        assert (submitted.closed, bool(submitted.failed)) == (False, True)
        assert len(slack.views("bob")) == 1


def test_an_app_is_notified_of_a_closed_modal_if_it_asked_for_it(
    both: tuple[Desk, Playground],
) -> None:
    desk, slack = both
    slack.press("bob", "go", channel="general", ts=post(slack), value="1")
    slack.close_view("bob", slack.views("bob")[0]["id"])

    assert (desk.received[-1]["type"], desk.received[-1]["is_cleared"]) == ("view_closed", False)
    assert slack.views("bob") == []


def test_only_the_person_sees_the_answer_to_a_command(both: tuple[Desk, Playground]) -> None:
    desk, slack = both
    desk.says = "Ask me anything."
    assert slack.command("alice", "empty", "help").failed == ""

    (body,) = desk.received
    assert (body["command"], body["text"], body["channel_id"]) == ("/ken", "help", "CEMPTY")
    (message,) = slack.messages("empty")
    assert (message.text, message.ephemeral_to) == ("Ask me anything.", "UALICE")


def test_an_empty_answer_shows_nothing_and_non_members_cannot_send_commands(
    both: tuple[Desk, Playground],
) -> None:
    _, slack = both
    slack.command("alice", "empty")
    assert slack.messages("empty") == []
    with pytest.raises(OrderRefused):
        slack.command("bob", "empty")


def test_a_shortcut_carries_the_message(both: tuple[Desk, Playground]) -> None:
    desk, slack = both
    ts = slack.say("general", "alice", "what is this?").ts
    slack.shortcut("bob", "general", ts)

    (body,) = desk.received
    assert (body["callback_id"], body["user"]["id"]) == ("ken_ask_about", "UBOB")
    assert (body["message"]["text"], body["message_ts"]) == ("what is this?", ts)


def test_a_response_url_can_be_used_five_times(both: tuple[Desk, Playground]) -> None:
    desk, slack = both
    ts = post(slack)
    slack.press("bob", "go", channel="general", ts=ts, value="2")
    assert desk.respond is not None

    for number in range(4):
        desk.respond(f"{number}")
    desk.respond(text="new", replace_original=True)
    late = WebhookClient(desk.received[0]["response_url"]).send(text="six")

    first, *more = slack.messages("general")
    assert (first.text, first.blocks) == ("new", [])
    assert [(m.text, m.ephemeral_to) for m in more] == [(f"{n}", "UBOB") for n in range(4)]
    assert (late.status_code, json.loads(late.body)["error"]) == (404, "used_url")


def test_a_response_url_can_delete_and_post_to_all(both: tuple[Desk, Playground]) -> None:
    desk, slack = both
    slack.press("bob", "go", channel="general", ts=post(slack), value="2")
    assert desk.respond is not None
    desk.respond(text="everybody", response_type="in_channel")
    desk.respond(delete_original=True)
    refusal = desk.respond(blocks=[{"type": "marquee"}])

    (message,) = slack.messages("general")
    assert (message.text, message.ephemeral_to) == ("everybody", "")
    assert refusal.status_code == 400


SAMPLES: list[tuple[str, Callable[[Playground, str], object]]] = [
    ("BlockActionPayload", lambda s, ts: s.press("bob", "go", channel="general", ts=ts)),
    (
        "BlockActionPayload",
        lambda s, ts: s.press("bob", "more", channel="general", ts=ts, selected="a"),
    ),
    ("BlockActionPayload", lambda s, ts: s.press("bob", "language", home=True, selected="de")),
    ("ViewSubmissionPayload", lambda s, ts: s.submit("bob", opened(s, ts), said("x"))),
    ("ViewClosedPayload", lambda s, ts: s.close_view("bob", opened(s, ts))),
    ("MessageShortcutPayload", lambda s, ts: s.shortcut("bob", "general", ts)),
    ("SlashCommandPayload", lambda s, ts: s.command("bob", "general", "x")),
]


def opened(slack: Playground, ts: str) -> str:
    slack.press("bob", "go", channel="general", ts=ts, value="1")
    return str(slack.views("bob")[0]["id"])


@needs_shared
@pytest.mark.parametrize(("name", "act"), SAMPLES)
def test_a_payload_has_the_fields_of_slacks_sample_and_no_others(
    desk: Desk, name: str, act: Callable[[Playground, str], object]
) -> None:
    with over_http(desk) as slack:
        ken(slack).views_publish(user_id="UBOB", view=HOME)
        act(slack, post(slack))

    assert unknown_keys(desk.received[-1], sample(name)) == []


def test_every_interaction_is_signed(start: Start, desk: Desk) -> None:
    seen: list[tuple[bytes, dict[str, str]]] = []

    def web(environ: Json, start_response: Callable[..., Any]) -> list[bytes]:
        raw = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        names = ("X_SLACK_SIGNATURE", "X_SLACK_REQUEST_TIMESTAMP")
        headers = {n.lower().replace("_", "-"): environ[f"HTTP_{n}"] for n in names}
        seen.append((raw, headers))
        start_response("200 OK", [])
        return [b""]

    with serving(web) as address:
        slack = start(events_url=address)
        slack.command("bob", "general", "x")

    ((raw, headers),) = seen
    assert SignatureVerifier("playground").is_valid_request(raw, headers)
    assert not SignatureVerifier("another").is_valid_request(raw, headers)


def test_no_app_and_no_answer_in_time_fail_at_once(start: Start) -> None:
    assert start().command("bob", "general").failed == "not_connected"
    nobody = start(events_url="http://127.0.0.1:9/")
    assert nobody.command("bob", "general").failed == "connection_failed"
    assert [attempt.failed for attempt in nobody.attempts()] == ["connection_failed"]


def test_a_trigger_is_valid_once_and_for_a_short_time(start: Start) -> None:
    slack = start()
    trigger = slack.trigger("bob")
    assert ken(slack).views_open(trigger_id=trigger, view=modal())["view"]["type"] == "modal"
    assert (
        refused(lambda: ken(slack).views_open(trigger_id=trigger, view=modal()))
        == "exchanged_trigger_id"
    )
    late = start(trigger_life_s=0.0)
    trigger = late.trigger("bob")
    assert (
        refused(lambda: ken(late).views_open(trigger_id=trigger, view=modal()))
        == "expired_trigger_id"
    )


def test_a_response_url_expires(desk: Desk) -> None:
    with over_http(desk, response_life_s=0.0) as slack:
        slack.command("bob", "general")
        late = WebhookClient(desk.received[0]["response_url"]).send(text="late")
    assert (late.status_code, json.loads(late.body)["error"]) == (404, "expired_url")


def test_views_are_updated_pushed_and_found(playground: Playground, ken: WebClient) -> None:
    first = ken.views_open(trigger_id=playground.trigger("bob"), view=modal(external_id="mine"))
    view_id = first["view"]["id"]
    assert (
        refused(
            lambda: ken.views_open(
                trigger_id=playground.trigger("bob"), view=modal(external_id="mine")
            )
        )
        == "duplicate_external_id"
    )
    stale = first["view"]["hash"]
    ken.views_update(external_id="mine", hash=stale, view=modal("Second"))
    assert playground.views("bob")[0]["title"]["text"] == "Second"
    assert (
        refused(lambda: ken.views_update(view_id=view_id, hash=stale, view=modal()))
        == "hash_conflict"
    )
    assert refused(lambda: ken.views_update(view_id="VNONE", view=modal())) == "not_found"
    assert (
        refused(lambda: ken.views_push(trigger_id=playground.trigger("bob"), view=modal()))
        == "not_found"
    )


def test_a_view_has_a_maximum_size(playground: Playground, ken: WebClient) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}
    large = modal(blocks=[section] * 84)
    trigger = playground.trigger("bob")
    assert refused(lambda: ken.views_open(trigger_id=trigger, view=large)) == "view_too_large"
    assert ken.views_open(trigger_id=trigger, view=modal(blocks=[section] * 81))["ok"]


def test_a_stack_has_three_views_at_most(desk: Desk) -> None:
    with over_http(desk) as slack:
        view_id = opened(slack, post(slack))
        for _ in range(2):
            desk.answer = {"response_action": "push", "view": modal()}
            slack.submit("bob", view_id, said("x"))
        assert len(slack.views("bob")) == 3
        assert slack.submit("bob", view_id, said("x")).failed == "push_limit_reached"


def test_an_interaction_that_the_app_refuses_has_failed(desk: Desk) -> None:
    with over_http(desk) as slack:
        done = slack.shortcut("bob", "general", post(slack), "unknown")
        assert done.failed == "http_error"
        assert [attempt.failed for attempt in slack.attempts() if attempt.failed] == ["http_error"]
