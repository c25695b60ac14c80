"""From what people do in Slack to what `ask` is asked, over HTTP and over Socket Mode."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.app import create_app
from bot.playground.client import Playground
from bot.playground.double import Access
from bot.playground.server import running
from bot.playground.workspace import read_workspace
from bot.web import create_web
from tests.bot.slack_schemas import check_calls
from tests.bot.slack_world import WORLD, Asked, serving, settings_for, until

TRANSPORTS = ("http", "socket")


@contextmanager
def listening(transport: str, home: Path, **access: float) -> Iterator[Playground]:
    """A double and a bot that hears it."""
    retries = {"retry_delays_s": (0.0, 0.0, 0.0), **access}
    if transport == "socket":
        with running(read_workspace(WORLD), Access(**retries)) as url:  # type: ignore[arg-type]
            playground = Playground(url)
            app = create_app(settings_for(playground, home))
            handler = SocketModeHandler(app, "xapp-playground")
            handler.client.connect()
            playground.wait_until_ready()
            yield playground
            handler.client.auto_reconnect_enabled = False
            playground.fault("cut")
            until(lambda: not handler.client.is_connected())
            handler.client.close()
        return
    app = create_app(settings_for(Playground("http://127.0.0.1:9"), home))
    with (
        serving(create_web(app, "playground")) as bot,
        running(
            read_workspace(WORLD),
            Access(events_url=f"{bot}/slack/events", **retries),  # type: ignore[arg-type]
        ) as url,
    ):
        yield Playground(url)


@pytest.fixture(scope="module", params=TRANSPORTS)
def connected(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Playground]:
    with listening(request.param, tmp_path_factory.mktemp("home")) as playground:
        yield playground


@pytest.fixture
def slack(connected: Playground) -> Iterator[Playground]:
    connected.reset()
    yield connected
    connected.wait_until_delivered()
    check_calls(connected.calls())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked = Asked()
    monkeypatch.setattr("bot.listeners.ask", asked)
    return asked


def test_a_mention_is_asked_once_though_it_comes_as_two_events(
    slack: Playground, asked: Asked
) -> None:
    said = slack.say("general", "alice", "<@UKEN> how many days off do I have?")
    slack.wait_until_delivered()

    (question,) = asked.questions
    assert question.text == "how many days off do I have?"
    assert (question.team_id, question.channel_id, question.user_id) == ("T1", "CGENERAL", "UALICE")
    assert (question.message_ts, question.thread_ts) == (said.ts, said.ts)
    assert question.event_id.startswith("Ev")
    assert question.surface == "slack"


def test_a_mention_in_a_thread_names_its_root(slack: Playground, asked: Asked) -> None:
    root = slack.say("general", "bob", "days off?").ts
    said = slack.say("general", "alice", "ask <@UKEN>, please", thread_ts=root)
    slack.wait_until_delivered()

    (question,) = asked.questions
    assert (question.message_ts, question.thread_ts) == (said.ts, root)
    assert question.text == "ask, please"


def test_everything_in_a_direct_message_is_a_question(slack: Playground, asked: Asked) -> None:
    slack.dm("alice", "how many days off?")
    slack.dm("bob", "<@UKEN> and I?")
    slack.wait_until_delivered()

    found = {(q.channel_id, q.user_id, q.text) for q in asked.questions}
    assert found == {("DUALICE", "UALICE", "how many days off?"), ("DUBOB", "UBOB", "and I?")}


def test_group_messages_and_channels_need_a_mention(slack: Playground, asked: Asked) -> None:
    for channel in ("mpdm-trio", "general", "board"):
        slack.say(channel, "alice", "not for Ken")
        slack.say(channel, "alice", "<@UKEN> for Ken")
    slack.wait_until_delivered()

    assert {q.channel_id for q in asked.questions} == {"GTRIO", "CGENERAL", "CBOARD"}
    assert {q.text for q in asked.questions} == {"for Ken"}


def test_a_stranger_is_passed_on_under_our_team(slack: Playground, asked: Asked) -> None:
    slack.say("both", "far", "<@UKEN> who are you?")
    slack.wait_until_delivered()

    (question,) = asked.questions
    assert (question.team_id, question.user_id) == ("T1", "UFAR")


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast"])
def test_files_and_broadcast_replies_are_peoples_messages(
    slack: Playground, asked: Asked, subtype: str
) -> None:
    root = slack.dm("alice", "root").ts
    slack.dm("alice", "what is this?", thread_ts=root, subtype=subtype)
    slack.wait_until_delivered()

    assert {q.text for q in asked.questions} == {"root", "what is this?"}


def test_edits_deletions_joins_and_bots_are_no_questions(slack: Playground, asked: Asked) -> None:
    said = slack.dm("alice", "first")
    slack.edit(said.channel, said.ts, "second")
    slack.delete(said.channel, said.ts)
    slack.join("general", "guest")
    slack.say("general", "otherbot", "<@UKEN> beep")
    WebClient("xoxb-playground", base_url=slack.api_url).chat_postMessage(
        channel="DUALICE", text="Ken's own"
    )
    slack.event({"type": "message", "channel_type": "im", "user": "USLACKBOT", "text": "tip"})
    slack.wait_until_delivered()

    assert [q.text for q in asked.questions] == ["first"]


def test_an_edit_that_adds_the_mention_asks_under_the_messages_own_ts(
    slack: Playground, asked: Asked
) -> None:
    said = slack.say("general", "alice", "how many days off?")
    slack.edit("general", said.ts, "<@UKEN> how many days off?")
    slack.wait_until_delivered()

    (question,) = asked.questions
    assert question.message_ts == said.ts


@pytest.mark.parametrize("text", ["<@UKEN>", " <@UKEN>  <@UKEN|ken> ", ""])
def test_nothing_is_asked_where_only_the_mention_stands(
    slack: Playground, asked: Asked, text: str
) -> None:
    slack.say("general", "alice", text)
    slack.dm("alice", text)
    slack.wait_until_delivered()

    assert asked.questions == []


def test_events_that_nobody_wants_are_acknowledged(slack: Playground, asked: Asked) -> None:
    slack.event({"type": "app_home_opened", "user": "UALICE", "tab": "home", "channel": "DUALICE"})
    slack.event({"type": "never_seen_before"})
    slack.wait_until_delivered()

    assert [attempt.failed for attempt in slack.attempts()] == ["", ""]
    assert asked.questions == []


def test_a_repeated_event_reaches_ask_again_which_knows_it(slack: Playground, asked: Asked) -> None:
    slack.fault("duplicate_event")
    slack.dm("alice", "twice")
    slack.wait_until_delivered()

    first, second = asked.questions
    assert first == second


def test_a_listener_calls_slack_for_nothing(slack: Playground, asked: Asked) -> None:
    slack.dm("alice", "hello")
    slack.wait_until_delivered()

    assert asked.questions
    assert {call.method for call in slack.calls()} <= {"apps.connections.open"}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_question_that_was_not_kept_is_sent_again_until_it_is(
    transport: str, tmp_path: Path, asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.still_to_fail = 2
    with listening(transport, tmp_path, ack_timeout_s=0.5) as slack:
        slack.dm("alice", "my salary is 50,000")
        (question, *_) = asked.wait(1)
        slack.wait_until_delivered()
        attempts = slack.attempts()

    assert question.text == "my salary is 50,000"
    assert asked.failures == 2
    assert [attempt.failed == "" for attempt in attempts][:2] == [False, False]
    assert len({attempt.event_id for attempt in attempts}) == 1
    printed = "".join(capsys.readouterr())
    assert printed.count("event_not_kept") == 2
    assert "NotKept" in printed
    for secret in ("salary", "xoxb-", "xapp-", "Traceback"):
        assert secret not in printed


def test_socket_mode_comes_back_when_slack_asks_for_it(tmp_path: Path, asked: Asked) -> None:
    with listening("socket", tmp_path) as slack:
        slack.fault("disconnect")
        slack.wait_until_ready()
        slack.dm("alice", "still there?")
        (question, *_) = asked.wait(1)

    assert question.text == "still there?"
