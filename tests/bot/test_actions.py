"""Buttons, the modal, the home tab, `/ken` and the message menu, over HTTP and over Socket Mode."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from slack_bolt import BoltRequest
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from bot import actions, views
from bot.app import ACTIONS, create_app
from bot.playground.client import Playground
from tests.bot.slack_door import TRANSPORTS, Door, listening
from tests.bot.slack_world import Json, settings_for
from workers.interface import MOST_CHOICES, OperatorError, reply_to_talk
from workers.replies.rendering import HELP


def plain(words: str) -> Json:
    return {"type": "plain_text", "text": words}


def button(action_id: str, value: str, **more: Any) -> Json:
    return {
        "type": "button",
        "action_id": action_id,
        "text": plain("B"),
        "value": value,
        **more,
    }


def option(value: str) -> Json:
    return {"text": plain(value), "value": value}


def an_answer(question: str = "7") -> list[Json]:
    choices = ("not_asked", "wrong", "person", "mute")
    return [
        {
            "type": "context_actions",
            "elements": [
                {
                    "type": "feedback_buttons",
                    "action_id": "ken_feedback",
                    "positive_button": {"text": plain("Good"), "value": f"good:{question}"},
                    "negative_button": {"text": plain("Bad"), "value": f"bad:{question}"},
                }
            ],
        },
        {
            "type": "actions",
            "elements": [
                button("ken_share", question),
                button("ken_private", question),
                button("ken_again", question),
                *(
                    button(f"ken_choice_{number}", f"{number}:{question}")
                    for number in range(1, MOST_CHOICES + 1)
                ),
                {
                    "type": "overflow",
                    "action_id": "ken_more",
                    "options": [option(f"{choice}:{question}") for choice in choices],
                },
            ],
        },
    ]


def post(slack: Playground, *, thread_ts: str = "", question: str = "7") -> str:
    posted = WebClient("xoxb-playground", base_url=slack.api_url).chat_postMessage(
        channel="CGENERAL",
        text="an answer",
        blocks=an_answer(question),
        thread_ts=thread_ts or None,
        unfurl_links=False,
        unfurl_media=False,
    )
    return str(posted["ts"])


def found(door: Door) -> list[tuple[str, Json]]:
    return [(errand.kind, errand.details) for errand in door.errands]


def ephemeral(slack: Playground, channel: str, user: str) -> list[str]:
    return [seen.text for seen in slack.messages(channel) if seen.ephemeral_to == user]


# -- buttons of an answer -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["share", "private", "again"])
def test_a_button_becomes_an_errand(slack: Playground, door: Door, kind: str) -> None:
    done = slack.press("alice", f"ken_{kind}", channel="general", ts=post(slack))

    (errand,) = door.errands
    assert done.failed == ""
    assert (errand.kind, errand.details) == (kind, {"question_id": 7})
    assert (errand.team_id, errand.user_id, errand.channel_id) == ("T1", "UALICE", "CGENERAL")
    assert {call.method for call in slack.calls()} <= {"apps.connections.open", "chat.postMessage"}


@pytest.mark.parametrize("number", range(1, MOST_CHOICES + 1))
def test_a_choice_becomes_an_errand_with_its_number(
    slack: Playground, door: Door, number: int
) -> None:
    ts = post(slack)
    slack.press("alice", f"ken_choice_{number}", channel="general", ts=ts, value=f"{number}:7")
    assert found(door) == [("choice", {"question_id": 7, "choice": number})]


def test_a_good_verdict_is_stored_and_opens_no_modal(slack: Playground, door: Door) -> None:
    slack.press("alice", "ken_feedback", channel="general", ts=post(slack), value="good:7")

    assert found(door) == [("feedback", {"question_id": 7, "verdict": "good"})]
    assert slack.views("alice") == []


def test_a_bad_verdict_is_stored_before_the_modal_asks_for_a_reason(
    slack: Playground, door: Door
) -> None:
    slack.press("alice", "ken_feedback", channel="general", ts=post(slack), value="bad:7")

    assert found(door) == [("feedback", {"question_id": 7, "verdict": "bad"})]
    (view,) = slack.views("alice")
    assert view["callback_id"] == "ken_feedback_reason"
    assert json.loads(view["private_metadata"]) == {"question_id": 7, "verdict": "bad"}
    assert slack.views("bob") == []


@pytest.mark.parametrize("choice", ["not_asked", "wrong"])
def test_the_menu_stores_a_verdict(slack: Playground, door: Door, choice: str) -> None:
    slack.press("alice", "ken_more", channel="general", ts=post(slack), selected=f"{choice}:7")

    assert found(door) == [("feedback", {"question_id": 7, "verdict": choice})]
    (view,) = slack.views("alice")
    element = view["blocks"][0]["element"]
    assert element["initial_option"]["value"] == choice


def test_the_menu_calls_a_person(slack: Playground, door: Door) -> None:
    slack.press("alice", "ken_more", channel="general", ts=post(slack), selected="person:7")

    assert found(door) == [("person", {"question_id": 7})]
    assert slack.views("alice") == []


def test_the_menu_mutes_the_thread_that_it_is_in(slack: Playground, door: Door) -> None:
    root = slack.say("general", "alice", "lunch").ts
    slack.press(
        "alice",
        "ken_more",
        channel="general",
        ts=post(slack, thread_ts=root),
        selected="mute:7",
    )

    assert found(door) == [("mute_thread", {"thread_ts": root, "muted": True})]


def test_a_modal_that_does_not_open_takes_nothing_away(
    slack: Playground, door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    ts = post(slack)
    slack.fault("error", method="views.open", error="internal_error")
    done = slack.press("alice", "ken_feedback", channel="general", ts=ts, value="bad:7")

    assert done.failed == ""
    assert found(door) == [("feedback", {"question_id": 7, "verdict": "bad"})]
    assert "modal_not_opened" in "".join(capsys.readouterr())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_person_sees_an_error_if_nothing_could_be_stored(
    transport: str, tmp_path: Path, door: Door
) -> None:
    with listening(transport, tmp_path, ack_timeout_s=0.5) as slack:
        ts = post(slack)
        door.closed = True
        for action_id, value in (("ken_share", None), ("ken_feedback", "bad:7")):
            done = slack.press("alice", action_id, channel="general", ts=ts, value=value)
            assert done.failed != ""
        assert slack.views("alice") == []


# -- the modal ----------------------------------------------------------------------------------


def opened(slack: Playground, door: Door) -> str:
    slack.press("alice", "ken_feedback", channel="general", ts=post(slack), value="bad:7")
    door.errands.clear()
    (view,) = slack.views("alice")
    return str(view["id"])


def filled_in(reason: str, comment: str | None) -> Json:
    chosen = option(reason) if reason else None
    return {
        "reason": {"reason": {"type": "radio_buttons", "selected_option": chosen}},
        "comment": {"comment": {"type": "plain_text_input", "value": comment}},
    }


def test_a_reason_and_a_comment_become_an_errand(slack: Playground, door: Door) -> None:
    view_id = opened(slack, door)
    submitted = slack.submit("alice", view_id, filled_in("outdated", " it is 21 \0now "))

    assert submitted.closed
    assert found(door) == [
        (
            "feedback",
            {
                "question_id": 7,
                "verdict": "bad",
                "reason": "outdated",
                "comment": "it is 21 now",
            },
        )
    ]
    assert door.errands[0].channel_id == ""


def test_a_modal_may_be_sent_empty(slack: Playground, door: Door) -> None:
    submitted = slack.submit("alice", opened(slack, door), filled_in("", None))

    assert submitted.closed
    assert found(door) == [("feedback", {"question_id": 7, "verdict": "bad"})]


def test_a_comment_that_could_not_be_stored_stays_in_the_modal(
    slack: Playground, door: Door
) -> None:
    view_id = opened(slack, door)
    door.closed = True
    submitted = slack.submit("alice", view_id, filled_in("wrong", "it is 21"))

    assert not submitted.closed
    assert submitted.errors == {"comment": views.NOT_KEPT}


# -- the home tab -------------------------------------------------------------------------------


def show_home(slack: Playground) -> None:
    blocks = [
        {
            "type": "actions",
            "elements": [
                {
                    "type": "static_select",
                    "action_id": "ken_language",
                    "options": [option("de"), option("pt-BR")],
                },
                {
                    "type": "static_select",
                    "action_id": "ken_length",
                    "options": [option("short"), option("normal")],
                },
                button("ken_mute", "true"),
                button("ken_attribute", "team:off"),
                button("ken_forget", "forget"),
                button("ken_admin", "x", url="https://admin.example"),
            ],
        }
    ]
    WebClient("xoxb-playground", base_url=slack.api_url).views_publish(
        user_id="UALICE", view={"type": "home", "blocks": blocks}
    )


@pytest.mark.parametrize(
    ("action_id", "selected", "expected"),
    [
        ("ken_language", "pt-BR", [("preferences", {"language": "pt-BR"})]),
        ("ken_length", "short", [("preferences", {"length": "short"})]),
        ("ken_mute", None, [("mute", {"muted": True})]),
        ("ken_attribute", None, [("preferences", {"attribute": "team", "used": False})]),
        ("ken_forget", None, [("forget", {})]),
        ("ken_admin", None, []),
    ],
)
def test_each_control_of_the_home_tab_becomes_an_errand(
    slack: Playground, door: Door, action_id: str, selected: str | None, expected: list[Any]
) -> None:
    show_home(slack)
    done = slack.press("alice", action_id, home=True, selected=selected)

    assert done.failed == ""
    assert found(door) == expected
    assert all((e.user_id, e.channel_id, e.team_id) == ("UALICE", "", "T1") for e in door.errands)


# -- /ken ---------------------------------------------------------------------------------------


def test_a_command_asks_for_the_one_who_typed_it(slack: Playground, door: Door) -> None:
    before = f"{time.time():.6f}"
    slack.command("alice", "general", " what is the payload limit & why? ")

    (question,) = door.asked.questions
    assert (question.text, question.surface) == ("what is the payload limit & why?", "command")
    assert (question.team_id, question.channel_id, question.user_id) == ("T1", "CGENERAL", "UALICE")
    assert question.thread_ts == ""
    assert before <= question.message_ts <= f"{time.time():.6f}"
    assert question.revision == question.event_id
    assert ephemeral(slack, "general", "UALICE") == [views.LOOKING]


@pytest.mark.parametrize(
    ("text", "expected", "words"),
    [
        ("", [], HELP),
        ("help", [], HELP),
        (" HELP ", [], HELP),
        ("forget", [], views.ASK_TO_FORGET),
        ("hi", [], reply_to_talk("hi")),
        ("mute", [("mute", {"muted": True})], views.MUTED),
        ("unmute", [("mute", {"muted": False})], views.UNMUTED),
    ],
)
def test_mute_unmute_and_forget_reply_with_what_happened(
    slack: Playground, door: Door, text: str, expected: list[Any], words: str
) -> None:
    slack.command("alice", "general", text)

    assert found(door) == expected
    assert door.asked.questions == []
    assert ephemeral(slack, "general", "UALICE") == [words]
    assert ephemeral(slack, "general", "UBOB") == []


@pytest.mark.parametrize("text", ["who approves travel?", "unmute", "mute"])
def test_a_command_that_could_not_be_stored_says_so(
    slack: Playground, door: Door, text: str
) -> None:
    door.closed = True
    slack.command("alice", "general", text)

    assert ephemeral(slack, "general", "UALICE") == [views.NOT_KEPT]


def test_forget_asks_first(slack: Playground, door: Door) -> None:
    slack.command("alice", "general", "forget")
    assert found(door) == []

    (asked,) = [seen for seen in slack.messages("general") if seen.ephemeral_to == "UALICE"]
    slack.press("alice", "ken_forget", channel="general", ts=asked.ts)

    assert found(door) == [("forget", {})]
    assert ephemeral(slack, "general", "UALICE") == [views.FORGOTTEN]


def test_help_needs_no_database(slack: Playground, door: Door) -> None:
    door.closed = True
    slack.command("alice", "general", "help")

    assert ephemeral(slack, "general", "UALICE") == [HELP]


def test_a_command_that_is_too_long_says_so(slack: Playground, door: Door) -> None:
    slack.command("alice", "general", "x" * 4001)

    assert ephemeral(slack, "general", "UALICE") == [views.too_long()]
    assert door.asked.questions == []


# -- the menu of a message ----------------------------------------------------------------------


def test_a_message_is_asked_about_in_its_thread_for_the_person_who_clicked(
    slack: Playground, door: Door
) -> None:
    root = slack.say("general", "bob", "<@UKEN>, who pays &amp; when?").ts
    slack.wait_until_delivered()
    door.asked.questions.clear()
    slack.shortcut("alice", "general", root)

    (question,) = door.asked.questions
    assert (question.text, question.surface) == ("who pays & when?", "shortcut")
    assert (question.user_id, question.channel_id) == ("UALICE", "CGENERAL")
    assert question.thread_ts == root
    assert question.message_ts > root
    assert question.revision == question.event_id
    assert ephemeral(slack, "general", "UALICE") == [views.LOOKING]


def test_a_note_that_does_not_arrive_loses_no_question(
    slack: Playground, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def send(self: WebhookClient, **said: Any) -> None:
        tried.append(said["text"])
        raise OSError

    monkeypatch.setattr(WebhookClient, "send", send)
    done = slack.shortcut("alice", "general", slack.say("general", "bob", "lunch").ts)

    assert done.failed == ""
    assert tried == [views.LOOKING]
    assert [question.text for question in door.asked.questions] == ["lunch"]


def test_a_message_in_a_thread_is_asked_about_in_that_thread(slack: Playground, door: Door) -> None:
    root = slack.say("general", "bob", "lunch").ts
    reply = slack.say("general", "bob", "where", thread_ts=root).ts
    slack.shortcut("alice", "general", reply)

    (question,) = door.asked.questions
    assert question.thread_ts == root


def test_a_message_without_text_gets_a_reply(slack: Playground, door: Door) -> None:
    ts = slack.say("general", "bob", "<@UALICE>").ts
    slack.shortcut("alice", "general", ts)

    assert door.asked.questions == []
    assert ephemeral(slack, "general", "UALICE") == [views.ASK_SOMETHING]


def test_a_shortcut_that_could_not_be_stored_says_so(slack: Playground, door: Door) -> None:
    ts = slack.say("general", "bob", "lunch").ts
    slack.wait_until_delivered()
    door.closed = True
    slack.shortcut("alice", "general", ts)

    assert ephemeral(slack, "general", "UALICE") == [views.NOT_KEPT]


# -- several workspaces -------------------------------------------------------------------------


def test_with_several_workspaces_only_the_modal_looks_up_a_token(
    slack: Playground, door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[tuple[str | None, str | None]] = []

    def bot_token(enterprise_id: str | None, team_id: str | None) -> str | None:
        looked_up.append((enterprise_id, team_id))
        return "xoxb-playground"

    monkeypatch.setattr(actions, "bot_token", bot_token)
    none = {"slack_bot_token": SecretStr("")}
    app = create_app(settings_for(slack, tmp_path).model_copy(update=none))
    press = {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": "UALICE"},
    }
    for value in ("good:7", "bad:7"):
        pressed = {**button("ken_feedback", value), "block_id": "b", "action_ts": value}
        body = {**press, "actions": [pressed], "trigger_id": slack.trigger("alice")}
        assert app.dispatch(BoltRequest(body=body, mode="socket_mode")).status == 200
        assert looked_up == ([] if value == "good:7" else [(None, "T1")])
    (opened,) = slack.views("alice")

    body["trigger_id"] = slack.trigger("alice")
    of_one = create_app(settings_for(slack, tmp_path))
    assert of_one.dispatch(BoltRequest(body=body, mode="socket_mode")).status == 200
    assert slack.views("alice")[-1]["id"] != opened["id"]
    assert len(looked_up) == 1


def test_a_verdict_is_stored_even_if_the_token_cannot_be_looked_up(
    slack: Playground, door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bot_token(enterprise_id: str | None, team_id: str | None) -> str | None:
        raise OperatorError("PostgreSQL does not answer.")

    monkeypatch.setattr(actions, "bot_token", bot_token)
    none = {"slack_bot_token": SecretStr("")}
    app = create_app(settings_for(slack, tmp_path).model_copy(update=none))
    pressed = {**button("ken_feedback", "bad:7"), "block_id": "b", "action_ts": "1.2"}
    body = {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": "UALICE"},
        "trigger_id": "1.2",
        "actions": [pressed],
    }
    assert app.dispatch(BoltRequest(body=body, mode="socket_mode")).status == 200
    assert found(door) == [("feedback", {"question_id": 7, "verdict": "bad"})]


# -- the same press -----------------------------------------------------------------------------


def test_two_clicks_are_two_errands_and_one_click_is_one(slack: Playground, door: Door) -> None:
    """Repeats of one interaction have the same id; see test_bad_input for repeats themselves."""
    ts = post(slack)
    for user in ("alice", "alice", "bob"):
        slack.press(user, "ken_share", channel="general", ts=ts)

    ids = [errand.event_id for errand in door.errands]
    assert len(set(ids)) == 3
    assert all(len(event_id) == 46 and event_id.startswith("press-") for event_id in ids)


def test_every_button_that_the_workers_send_has_a_listener() -> None:
    assert set(ACTIONS) == {
        "ken_feedback",
        "ken_share",
        "ken_private",
        "ken_again",
        *("ken_choice_1", "ken_choice_2", "ken_choice_3"),
        "ken_more",
        "ken_language",
        "ken_length",
        "ken_mute",
        "ken_attribute",
        "ken_forget",
        "ken_admin",
    }
