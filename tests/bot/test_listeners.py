"""From what people do in Slack to the questions that `ask` gets, over HTTP and Socket Mode."""

from pathlib import Path
from typing import Any

import pytest
from slack_bolt import BoltRequest
from slack_sdk import WebClient
from sqlalchemy import text as sql

from bot.app import create_app
from bot.playground.client import Playground
from tests.bot.slack_door import TRANSPORTS, Door, listening
from tests.bot.slack_world import Asked
from workers import interface
from workers.database.sessions import Database
from workers.interface import Settings


def test_a_mention_that_comes_as_two_events_is_asked_once(slack: Playground, asked: Asked) -> None:
    said = slack.say("general", "alice", "<@UKEN> how many days off do I have?")
    slack.wait_until_delivered()

    (question,) = asked.questions
    assert question.text == "how many days off do I have?"
    assert (question.team_id, question.channel_id, question.user_id) == ("T1", "CGENERAL", "UALICE")
    assert (question.message_ts, question.thread_ts) == (said.ts, said.ts)
    assert question.event_id.startswith("Ev")
    assert question.surface == "slack"


def test_a_question_in_a_thread_has_its_root(slack: Playground, asked: Asked) -> None:
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


def test_a_question_of_a_stranger_belongs_to_our_team(slack: Playground, asked: Asked) -> None:
    slack.say("both", "far", "<@UKEN> who are you?")
    slack.wait_until_delivered()

    (question,) = asked.questions
    assert (question.team_id, question.user_id) == ("T1", "UFAR")


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast"])
def test_files_and_broadcast_replies_are_questions(
    slack: Playground, asked: Asked, subtype: str
) -> None:
    root = slack.dm("alice", "root").ts
    slack.dm("alice", "what is this?", thread_ts=root, subtype=subtype)
    slack.wait_until_delivered()

    assert {q.text.split("\n")[0] for q in asked.questions} == {"root", "what is this?"}


def test_joins_and_messages_of_bots_are_not_questions(slack: Playground, door: Door) -> None:
    slack.dm("alice", "first")
    slack.say("general", "otherbot", "<@UKEN> beep")
    slack.say("general", "otherbot", "what is it?")
    WebClient("xoxb-playground", base_url=slack.api_url).chat_postMessage(
        channel="DUALICE", text="Ken's own?"
    )
    slack.event({"type": "message", "channel_type": "im", "user": "USLACKBOT", "text": "tip"})
    slack.wait_until_delivered()

    assert [q.text for q in door.asked.questions] == ["first"]
    assert door.lookups == []


def test_an_edit_that_adds_the_mention_asks_under_the_messages_own_ts(
    slack: Playground, asked: Asked
) -> None:
    said = slack.say("general", "alice", "how many days off?")
    slack.edit("general", said.ts, "<@UKEN> how many days off?")
    slack.wait_until_delivered()

    (question,) = asked.questions
    assert question.message_ts == said.ts


@pytest.mark.parametrize("text", ["<@UKEN>", " <@UKEN>  <@UKEN|ken> "])
def test_a_mention_without_text_asks_for_help(slack: Playground, asked: Asked, text: str) -> None:
    slack.say("general", "alice", text)
    slack.dm("alice", text)
    slack.wait_until_delivered()

    assert sorted((q.channel_id, q.text) for q in asked.questions) == [
        ("CGENERAL", "help"),
        ("DUALICE", "help"),
    ]


def test_the_names_of_files_are_part_of_the_question(slack: Playground, asked: Asked) -> None:
    slack.dm("alice", "", subtype="file_share")
    slack.dm("alice", "Who approves this?", subtype="file_share")
    slack.wait_until_delivered()

    assert sorted(q.text for q in asked.questions) == [
        "File: note.txt",
        "Who approves this?\nFile: note.txt",
    ]


# As Slack writes it


SHARED = {
    "is_share": True,
    "is_msg_unfurl": True,
    "author_name": "Bob",
    "fallback": "[1 May] Bob: Who approves a &lt;laptop&gt;?",
}

BLOCKS = [
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "user", "user_id": "UKEN"},
                    {"type": "text", "text": " who pays "},
                    {"type": "link", "url": "https://a.example/x", "text": "parking"},
                    {"type": "text", "text": " & why?"},
                ],
            }
        ],
    }
]


def message(channel: str = "CGENERAL", **more: Any) -> dict[str, Any]:
    where = {"channel": channel, "channel_type": "im" if channel[0] == "D" else "channel"}
    return {
        "type": "message",
        "user": "UALICE",
        "ts": "1700000000.000100",
        "text": "",
        **where,
        **more,
    }


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (
            "<@UKEN> see <#C2|travel> &amp; <http://setup.py|setup.py> or "
            "<https://a.example/x?a=1&amp;b=2|the form> by <@UBOB> <!subteam^S1|@hr> <!here> "
            "<!date^1^{date}|today> <mailto:a@b.example|a@b.example> 5 &amp;lt; 6",
            "see travel & setup.py or the form by <@UBOB> @hr  today a@b.example 5 &lt; 6",
        ),
        ("<@UKEN> is &lt;@UBOB&gt; typed?", "is <\u2060@UBOB> typed?"),
        ("<@UKEN> can <@UKEN|ken> tell who pays?", "can tell who pays?"),
    ],
)
def test_markup_becomes_plain_text_first(
    slack: Playground, asked: Asked, sent: str, text: str
) -> None:
    slack.say("general", "alice", sent)
    slack.wait_until_delivered()
    assert {q.text for q in asked.questions} == {text}


@pytest.mark.parametrize(
    ("came", "text"),
    [
        ({"attachments": [SHARED]}, "> [1 May] Bob: Who approves a <laptop>?"),
        (
            {"attachments": [{**SHARED, "text": "Who pays\n\nparking?"}], "text": "Do you know?"},
            "Do you know?\n> Who pays\n> parking?",
        ),
        (
            {
                "attachments": [
                    {
                        "is_share": True,
                        "message_blocks": [{"message": {"blocks": BLOCKS}}],
                        "files": [{"name": "plan.pdf"}],
                    }
                ]
            },
            "> <@UKEN> who pays parking & why?\n> File: plan.pdf",
        ),
        ({"attachments": [{"is_share": True}]}, "> (a forwarded message)"),
        (
            {"attachments": [{"is_share": True, "fallback": "[no preview available]"}]},
            "> (a forwarded message)",
        ),
        ({"attachments": [{"is_share": True, "title": "Who pays?"}]}, "> Who pays?"),
        (
            {
                "attachments": [
                    {"is_share": True, "message_blocks": [{"message": {"text": "Why?"}}]}
                ]
            },
            "> Why?",
        ),
        ({"blocks": BLOCKS}, "who pays parking & why?"),
        ({"attachments": [{"from_url": "https://a.example", "text": "a preview"}]}, "help"),
    ],
)
def test_forwarded_and_attached_text_is_part_of_the_question(
    slack: Playground, asked: Asked, came: dict[str, Any], text: str
) -> None:
    slack.event(message("DUALICE", **came))
    slack.wait_until_delivered()
    assert [q.text for q in asked.questions] == [text]


@pytest.mark.parametrize(
    "sent",
    [
        "Write `<@UKEN> how many days?` in the channel",
        "```\n<@UKEN> how many days?\n```",
        "&gt; <@UKEN> how many days?\nI agree with Bob",
        "&gt;&gt;&gt; Bob wrote:\n<@UKEN> how many days?",
        "~<@UKEN> how many days?~ I know it",
    ],
)
def test_a_mention_in_code_a_quotation_or_struck_out_is_not_a_question(
    slack: Playground, door: Door, sent: str
) -> None:
    slack.say("general", "alice", sent)
    slack.wait_until_delivered()
    assert door.asked.questions == []


def test_a_mention_in_a_forwarded_message_is_not_a_question(slack: Playground, door: Door) -> None:
    shared = {"is_share": True, "text": "<@UKEN> who pays?"}
    slack.event({**message(text="look", attachments=[shared]), "type": "app_mention"})
    slack.wait_until_delivered()
    assert door.asked.questions == []


def test_a_mention_next_to_a_quotation_is_a_question(slack: Playground, asked: Asked) -> None:
    slack.say("general", "alice", "&gt; <@UKEN> how many?\n<@UKEN> is Bob right?")
    slack.wait_until_delivered()
    assert {q.text for q in asked.questions} == {"> how many?\n is Bob right?"}


@pytest.mark.parametrize(
    "said", ["<@UKEN> ~how many~ what days?", "~5 or <@UKEN> ~6 days?", "a~<@UKEN> who~b?"]
)
def test_a_mention_that_is_not_struck_out_is_a_question(
    slack: Playground, asked: Asked, said: str
) -> None:
    slack.say("general", "alice", said)
    slack.wait_until_delivered()
    assert asked.questions


@pytest.mark.parametrize(
    "by_app",
    [
        {"bot_id": "B9"},
        {"app_id": "A9"},
        {"bot_profile": {"id": "B9"}},
        {"subtype": "bot_message"},
        {"user": "UKEN"},
        {"user": None},
    ],
)
@pytest.mark.parametrize("kind", ["app_mention", "message"])
def test_messages_of_an_app_are_not_questions(
    slack: Playground, door: Door, kind: str, by_app: dict[str, Any]
) -> None:
    """Each field alone marks an app: Slack does not always send all of them."""
    door.by_itself.add("CGENERAL")
    slack.event(message(**{"type": kind, "text": "<@UKEN> who pays?", **by_app}))
    slack.event(message("DUALICE", **{"text": "who pays?", **by_app}))
    slack.wait_until_delivered()
    assert door.asked.questions == []


# What else happens


def test_events_without_a_listener_are_acknowledged(slack: Playground, asked: Asked) -> None:
    slack.event({"type": "app_home_opened", "user": "UALICE", "tab": "about"})
    slack.event({"type": "app_context_changed", "context": {"entities": []}})
    slack.event({"type": "channel_unshared", "channel": "CSHARED", "is_ext_shared": False})
    slack.event({"type": "never_seen_before"})
    slack.wait_until_delivered()

    assert [attempt.failed for attempt in slack.attempts()] == [""] * 4
    assert asked.questions == []


def test_a_malformed_event_is_acknowledged(slack: Playground, door: Door) -> None:
    """Bolt raises on the channel before it looks for a listener."""
    slack.event({"type": "message", "channel": 7, "user": "UALICE", "ts": "1.1", "text": "why?"})
    slack.wait_until_delivered()

    assert [attempt.failed for attempt in slack.attempts()] == [""]
    assert (door.asked.questions, door.errands) == ([], [])


def test_a_repeated_event_reaches_ask_again_under_the_same_id(
    slack: Playground, asked: Asked
) -> None:
    slack.fault("duplicate_event")
    slack.dm("alice", "twice")
    slack.wait_until_delivered()

    first, second = asked.questions
    assert first == second


def test_a_listener_does_not_call_slack(slack: Playground, asked: Asked) -> None:
    slack.dm("alice", "hello")
    slack.wait_until_delivered()

    assert asked.questions
    assert {call.method for call in slack.calls()} <= {"apps.connections.open"}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_question_is_sent_again_until_it_is_stored(
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


def test_socket_mode_reconnects_when_slack_asks_for_it(tmp_path: Path, asked: Asked) -> None:
    with listening("socket", tmp_path) as slack:
        slack.fault("disconnect")
        slack.wait_until_ready()
        slack.dm("alice", "still there?")
        (question, *_) = asked.wait(1)

    assert question.text == "still there?"


# The real door


def test_with_postgresql_a_thread_is_followed_edited_and_deleted(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same events, stored in PostgreSQL: the look-ups find what was asked."""
    monkeypatch.setattr(interface, "_door", lambda: database)
    monkeypatch.setattr(interface, "ring", lambda *_, **__: None)
    app = create_app(settings)
    number = iter(range(1, 100))

    def tell(kind: str, **event: object) -> None:
        whole = {"type": kind, "channel": "CREAL", "user": "UALICE", **event}
        if kind == "message":
            whole["channel_type"] = "channel"
        body = {
            "type": "event_callback",
            "team_id": "T1",
            "event_id": f"EvReal{next(number)}",
            "authorizations": [{"team_id": "T1", "user_id": "UKEN"}],
            "event": whole,
        }
        assert app.dispatch(BoltRequest(body=body, mode="socket_mode")).status == 200

    reply = {"user": "UALICE", "text": "and interns?", "ts": "2.1", "thread_ts": "1.1"}
    edited = {**reply, "text": "and for interns?", "edited": {"user": "UALICE", "ts": "3.1"}}
    tell("message", text="who is it?", ts="0.2", thread_ts="0.1")
    tell("app_mention", text="<@UKEN> days off?", ts="1.1")
    tell("message", text="<@UKEN> days off?", ts="1.1")
    tell("message", **reply)
    tell("message", subtype="message_changed", ts="3.1", message=edited, previous_message=reply)
    tell("message", subtype="message_deleted", ts="4.1", deleted_ts="2.1", previous_message=edited)
    tell("message", subtype="message_deleted", ts="4.2", deleted_ts="0.2")

    questions = rows(database, "question", "message_ts, text, surface, revision", "CREAL")
    errands = rows(database, "errand", "kind, details", "CREAL")
    assert questions == [
        ("1.1", "days off?", "slack", ""),
        ("2.1", "and interns?", "follow_up", ""),
        ("2.1", "and for interns?", "follow_up", "3.1"),
    ]
    assert errands == [("deleted", {"ts": "2.1"})]


def rows(database: Database, table: str, columns: str, channel_id: str) -> list[tuple[Any, ...]]:
    """Return the questions in the order in which a worker takes them."""
    found: list[Any] = []
    with database.session("ingress") as session:
        ids = session.scalars(sql(f"SELECT id FROM {table} ORDER BY id")).all()  # noqa: S608
    for row_id in ids:
        with database.session("answerer") as session:
            session.execute(
                sql("SELECT set_config(:name, :id, true)"),
                {"name": f"ken.{table}", "id": str(row_id)},
            )
            found += session.execute(
                sql(f"SELECT {columns} FROM {table} WHERE channel_id = :channel"),  # noqa: S608
                {"channel": channel_id},
            ).all()
    return [tuple(row) for row in found]
