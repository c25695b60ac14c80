"""What people should not write, and what Slack would not: nothing is lost in silence, nothing is
a server's error (threats 26, 28, 31, 40).
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from slack_bolt import BoltRequest
from sqlalchemy import text as sql

from bot import views
from bot.app import ACTIONS, EVENTS, create_app
from bot.payload import Malformed, row_id
from bot.playground.client import Playground
from bot.web import create_web
from tests.bot.slack_door import Door
from tests.bot.slack_schemas import needs_shared, sample
from tests.bot.slack_world import Json, serving, settings_for
from tests.bot.test_web import Bot, counted, form, interaction, signed
from workers import interface
from workers.database.sessions import Database
from workers.interface import Settings

AUTHORIZATIONS = [{"team_id": "T1", "user_id": "UKEN", "is_bot": True}]


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """Send calls to Slack to a closed port."""
    nowhere = Playground("http://127.0.0.1:9")
    app = create_app(settings_for(nowhere, tmp_path_factory.mktemp("home")))
    with serving(create_web(app, "playground")) as url:
        yield Bot(url.removeprefix("http://"))


def an_event(event: Json, **more: Any) -> Json:
    return {
        "type": "event_callback",
        "team_id": "T1",
        "event_id": "Ev1",
        "authorizations": AUTHORIZATIONS,
        "event": event,
        **more,
    }


def a_message(text: Any, **more: Any) -> Json:
    return {
        "type": "message",
        "channel_type": "im",
        "channel": "DUALICE",
        "user": "UALICE",
        "ts": "1700000000.000001",
        "text": text,
        **more,
    }


def a_press(action: Json, **more: Any) -> Json:
    return {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": "UALICE", "team_id": "T1"},
        "channel": {"id": "CGENERAL"},
        "container": {"type": "message", "message_ts": "1.1", "channel_id": "CGENERAL"},
        "trigger_id": "1.2.3",
        "actions": [{"type": "button", "block_id": "b", "action_ts": "9.9", **action}],
        **more,
    }


def a_submission(metadata: str, values: Any = None) -> Json:
    return {
        "type": "view_submission",
        "team": {"id": "T1"},
        "user": {"id": "UALICE"},
        "trigger_id": "1.2.3",
        "view": {
            "id": "V1",
            "type": "modal",
            "callback_id": views.CALLBACK_ID,
            "private_metadata": metadata,
            "state": {"values": values or {}},
        },
    }


def send(bot: Bot, body: Json) -> int:
    if body.get("type") == "event_callback":
        raw = json.dumps(body).encode()
        return bot.post(raw, signed(raw))
    return bot.post(*interaction(body))


# -- questions ----------------------------------------------------------------------------------

ODD = {
    "40,000 characters": "why " * 10_000,
    "only emoji": ":sweat_smile: 🤷🏽‍♀️",
    "right to left": "\u202eما هي سياسة الإجازات؟\u202c",
    "control characters": "a\x00b\x07c\x1b[31m\ud800?",
    "SQL": "'; DROP TABLE question; --",
    "markup": "<!channel> <@UBOB> &lt;script&gt; *",
}


@pytest.mark.parametrize("name", ODD)
def test_an_unusual_question_is_stored_for_a_worker(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """With the real interface: text that PostgreSQL cannot store must not be resent for ever."""
    monkeypatch.setattr(interface, "_door", lambda: database)
    monkeypatch.setattr(interface, "ring", lambda *_, **__: None)
    app = create_app(settings)
    body = an_event(a_message(ODD[name]), event_id=f"EvOdd{name}")
    body["event"]["ts"] = f"{time.time():.6f}"

    assert app.dispatch(BoltRequest(body=body, mode="socket_mode")).status == 200
    with database.session("ingress") as session:
        ids = session.scalars(
            sql("SELECT id FROM question WHERE channel_id = 'DUALICE' AND message_ts = :ts"),
            {"ts": body["event"]["ts"]},
        ).all()
    assert len(ids) == 1


def test_a_comment_with_unusual_characters_is_stored(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interface, "_door", lambda: database)
    monkeypatch.setattr(interface, "ring", lambda *_, **__: None)
    app = create_app(settings)
    values = {"comment": {"comment": {"value": "nul \x00, half \ud800, typed \\u0000 \u202e"}}}
    body = a_submission(json.dumps({"question_id": 7, "verdict": "bad"}), values)
    body["trigger_id"] = f"{time.time()}"

    response = app.dispatch(BoltRequest(body=body, mode="socket_mode"))
    assert (response.status, response.body) == (200, "")


@pytest.mark.parametrize("text", ["", "   ", None])
def test_a_message_without_text_asks_for_help(bot: Bot, door: Door, text: str | None) -> None:
    assert send(bot, an_event(a_message(text))) == 200
    assert [question.text for question in door.asked.questions] == ["help"]


def test_only_a_failure_to_store_is_a_server_error(bot: Bot, door: Door) -> None:
    door.closed = True
    assert send(bot, an_event(a_message("why?"))) == 503
    assert send(bot, a_press({"action_id": "ken_share", "value": "7"})) == 503


# -- what Slack would not write -----------------------------------------------------------------

FORGED_IDS = ["", "0", "-1", "7.0", "seven", "٧", "1e3", " 7", "7;--", str(2**63), "9" * 40_000]


@pytest.mark.parametrize("value", FORGED_IDS, ids=lambda value: value[:20] or "empty")
@pytest.mark.parametrize("action_id", ["ken_share", "ken_private", "ken_again"])
def test_a_forged_id_is_only_acknowledged_and_counted(
    bot: Bot, door: Door, action_id: str, value: str
) -> None:
    before = counted("malformed")

    assert send(bot, a_press({"action_id": action_id, "value": value})) == 200
    assert door.errands == []
    assert counted("malformed") == before + 1


def test_the_largest_id_is_accepted() -> None:
    assert row_id(str(2**63 - 1)) == 2**63 - 1
    with pytest.raises(Malformed):
        row_id(str(2**63))


SENSELESS: dict[str, Json] = {
    "no value": a_press({"action_id": "ken_share"}),
    "value is a number": a_press({"action_id": "ken_share", "value": 7}),
    "no actions": {**a_press({}), "actions": []},
    "actions are no list": {**a_press({}), "actions": "x"},
    "action is no object": {**a_press({}), "actions": [7]},
    "no action id": a_press({"value": "7"}),
    "action id is no text": a_press({"action_id": {"a": 1}, "value": "7"}),
    "nobody": a_press({"action_id": "ken_share", "value": "7"}, user=None),
    "user is a number": a_press({"action_id": "ken_share", "value": "7"}, user=7),
    "user id is a list": a_press({"action_id": "ken_share", "value": "7"}, user={"id": ["U"]}),
    "a long user id": a_press({"action_id": "ken_share", "value": "7"}, user={"id": "U" * 300}),
    "no team": a_press({"action_id": "ken_share", "value": "7"}, team=None, user={"id": "U"}),
    "nothing that tells presses apart": a_press(
        {"action_id": "ken_share", "value": "7", "action_ts": None}, trigger_id=None
    ),
    "verdict unknown": a_press({"action_id": "ken_feedback", "value": "great:7"}),
    "verdict without id": a_press({"action_id": "ken_feedback", "value": "good"}),
    "choice unknown": a_press({"action_id": "ken_more", "selected_option": {"value": "x:7"}}),
    "choice is no object": a_press({"action_id": "ken_more", "selected_option": "mute:7"}),
    "length unknown": a_press({"action_id": "ken_length", "selected_option": {"value": "long"}}),
    "language of symbols": a_press(
        {"action_id": "ken_language", "selected_option": {"value": "'"}}
    ),
    "language too long": a_press(
        {"action_id": "ken_language", "selected_option": {"value": "x" * 36}}
    ),
    "neither true nor false": a_press({"action_id": "ken_mute", "value": "maybe"}),
    "attribute without state": a_press({"action_id": "ken_attribute", "value": "team"}),
    "attribute of symbols": a_press({"action_id": "ken_attribute", "value": "'; --:off"}),
    "attribute too long": a_press({"action_id": "ken_attribute", "value": f"{'x' * 36}:on"}),
    "metadata is no JSON": a_submission("{"),
    "metadata is a list": a_submission("[]"),
    "metadata is deep": a_submission("[" * 50_000),
    "metadata without id": a_submission('{"verdict": "bad"}'),
    "metadata with a strange id": a_submission('{"verdict": "bad", "question_id": true}'),
    "metadata with a strange verdict": a_submission('{"verdict": "x", "question_id": 7}'),
    "reason unknown": a_submission(
        '{"verdict": "bad", "question_id": 7}',
        {"reason": {"reason": {"selected_option": {"value": "because"}}}},
    ),
    "values are a list": a_submission('{"verdict": "bad", "question_id": 7}', ["x"]),
    "comment is a number": a_submission(
        '{"verdict": "bad", "question_id": 7}', {"comment": {"comment": {"value": 7}}}
    ),
    "view is a text": {**a_submission("{}"), "view": "V1"},
    "no view": {"type": "view_submission", "user": {"id": "U"}},
    "shortcut on no message": {
        "type": "message_action",
        "callback_id": "ken_ask_about",
        "message": 7,
        "user": {"id": "U"},
        "team": {"id": "T1"},
    },
    "event is a text": an_event("x"),  # type: ignore[arg-type]
    "event without type": an_event({"text": "x"}),
    "event of a strange type": an_event({"type": ["message"]}),
    "text is a number": an_event(a_message(7)),
    "user is an object": an_event(a_message("x", user={"id": "U"})),
    "no channel": an_event(a_message("x", channel=None)),
    "no ts": an_event(a_message("x", ts=None)),
    "ts is a number": an_event(a_message("x", ts=1.5)),
    "subtype is a list": an_event(a_message("x", subtype=[])),
    "no event id": an_event(a_message("x"), event_id=None),
    "authorizations are a number": an_event(a_message("x"), authorizations=7),
    "authorization is a text": an_event(a_message("x"), authorizations=["T1"]),
    "edit of nothing": an_event(a_message("x", subtype="message_changed", message=7)),
    "tokens are a list": an_event({"type": "tokens_revoked", "tokens": ["UKEN"]}),
}


@pytest.mark.parametrize("name", SENSELESS)
def test_malformed_input_is_only_acknowledged_and_counted(bot: Bot, door: Door, name: str) -> None:
    before = counted("malformed")

    assert send(bot, SENSELESS[name]) == 200
    assert (door.asked.questions, door.errands) == ([], [])
    assert counted("malformed") == before + 1


def test_a_comment_that_is_too_long_stays_in_the_modal(bot: Bot, door: Door) -> None:
    values = {"comment": {"comment": {"value": "x" * 2001}}}
    body = a_submission('{"verdict": "bad", "question_id": 7}', values)
    status, answer = bot.send("POST", "/slack/events", *interaction(body))

    assert status == 200
    assert json.loads(answer) == {
        "response_action": "errors",
        "errors": {"comment": "Please use at most 2,000 characters."},
    }
    assert door.errands == []


def test_a_malformed_command_gets_a_reply(bot: Bot, door: Door) -> None:
    status, answer = bot.send(
        "POST", "/slack/events", *form({"command": "/ken", "text": "why?", "team_id": "T1"})
    )
    assert status == 200
    assert json.loads(answer)["text"] == views.NOT_UNDERSTOOD
    assert door.asked.questions == []


def test_a_repeated_click_is_one_errand(bot: Bot, door: Door) -> None:
    press = a_press({"action_id": "ken_share", "value": "7"})
    untriggered = {**press, "trigger_id": None}
    other = a_press({"action_id": "ken_share", "value": "7"}, user={"id": "UBOB", "team_id": "T1"})
    for body in (press, press, untriggered, untriggered, {**other, "trigger_id": None}):
        assert send(bot, body) == 200

    first, again, second, second_again, others = [errand.event_id for errand in door.errands]
    assert first == again
    assert second == second_again
    assert len({first, second, others}) == 3


def test_a_repeated_verdict_opens_one_modal(
    bot: Bot, door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    """Slack is unreachable, so each attempt to open the modal logs a warning."""
    press = a_press({"action_id": "ken_feedback", "value": "bad:7"})
    for _ in range(2):
        assert send(bot, press) == 200
    assert [errand.details["verdict"] for errand in door.errands] == ["bad", "bad"]
    assert "".join(capsys.readouterr()).count("modal_not_opened") == 1


@needs_shared
@pytest.mark.parametrize(
    "name",
    [
        "AppHomeOpenedPayload",
        "AppMentionPayload",
        "AppUninstalledPayload",
        "BlockActionPayload",
        "ChannelSharedPayload",
        "MemberJoinedChannelPayload",
        "MessageBotPayload",
        "MessageChangedPayload",
        "MessageDeletedPayload",
        "MessageFileSharePayload",
        "MessagePayload",
        "MessageShortcutPayload",
        "MessageThreadBroadcastPayload",
        "ReactionAddedPayload",
        "SlashCommandPayload",
        "TokensRevokedPayload",
        "ViewClosedPayload",
        "ViewSubmissionPayload",
    ],
)
def test_slacks_own_samples_are_acknowledged(bot: Bot, door: Door, name: str) -> None:
    """All keys, and empty values."""
    body = sample(name)
    if "event" in body:
        body["type"] = "event_callback"
    sent = form({k: str(v) for k, v in body.items()}) if "command" in body else None
    assert (bot.post(*sent) if sent else send(bot, body)) == 200


# -- anything -----------------------------------------------------------------------------------

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["U1", "good:7", "7", "UKEN", "im", "message_changed", "help", "/ken"])
)
_KEYS = st.sampled_from(
    "type id user team channel text ts value view message event actions action_id container"
    " selected_option subtype thread_ts edited previous_message bot_id authorizations tab tokens"
    " private_metadata state values callback_id trigger_id enterprise files item response_urls"
    " command function_data assistant_thread is_ext_shared_channel user_team".split()
)
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=12,
)
_TYPES = st.sampled_from(
    "event_callback block_actions view_submission view_closed message_action x shortcut"
    " interactive_message dialog_submission workflow_step_edit url_verification ssl_check".split()
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    nowhere = Playground("http://127.0.0.1:9")
    return create_app(settings_for(nowhere, tmp_path_factory.mktemp("home")))


@effort(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    body=st.dictionaries(_KEYS, _ANYTHING, max_size=8),
    event=st.dictionaries(_KEYS, _ANYTHING, max_size=6),
    kind=_TYPES,
    event_type=st.sampled_from(sorted(EVENTS)),
    action=st.sampled_from(sorted(ACTIONS)),
)
def test_no_body_causes_a_server_error(
    app: Any, door: Door, body: Json, event: Json, kind: str, event_type: str, action: str
) -> None:
    """Generate bodies with our types and names in them, so that they reach our listeners."""
    body["type"] = kind
    if kind == "event_callback":
        body["event"] = {**event, "type": event_type}
    elif kind == "block_actions":
        body["actions"] = [{**event, "action_id": action}]
    elif kind == "message_action":
        body["callback_id"] = "ken_ask_about"
    elif kind.startswith("view"):
        body["view"] = {**event, "callback_id": views.CALLBACK_ID}
    if app.accepts(body):
        assert app.dispatch(BoltRequest(body=body, mode="socket_mode")).status == 200


@effort(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(raw=st.binary(max_size=300), form_like=st.booleans())
def test_no_bytes_cause_a_server_error(bot: Bot, door: Door, raw: bytes, form_like: bool) -> None:
    body = b"payload=" + raw if form_like else raw
    kind = "application/x-www-form-urlencoded" if form_like else "application/json"
    assert bot.post(body, signed(body, kind=kind)) in (200, 400, 401)


def test_malformed_input_is_not_logged(
    bot: Bot, door: Door, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """threat 26"""
    caplog.set_level("DEBUG")
    send(bot, an_event(a_message({"canary": "canary-4711"})))
    send(bot, a_press({"action_id": "ken_share", "value": "canary-4711"}))
    send(bot, a_submission("canary-4711"))

    assert "canary" not in "".join(capsys.readouterr()) + caplog.text
