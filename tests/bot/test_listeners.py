"""From what people do in Slack to what `ask` is asked, over HTTP and over Socket Mode."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_bolt import BoltRequest
from slack_sdk import WebClient
from sqlalchemy import text as sql

from bot.app import UNSUBSCRIBED, create_app
from bot.playground.client import Playground
from tests.bot.slack_door import TRANSPORTS, Door, listening, stand_in
from tests.bot.slack_schemas import check_calls
from tests.bot.slack_world import Asked
from workers import interface
from workers.database.sessions import Database
from workers.interface import Settings


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
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    return stand_in(monkeypatch)


@pytest.fixture
def asked(door: Door) -> Asked:
    return door.asked


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

    assert {q.text.split("\n")[0] for q in asked.questions} == {"root", "what is this?"}


def test_joins_and_bots_ask_nothing(slack: Playground, door: Door) -> None:
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
def test_a_mention_without_words_asks_for_help(slack: Playground, asked: Asked, text: str) -> None:
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


# -- as Slack writes it -------------------------------------------------------------------------

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
def test_marks_become_words_before_anything_else(
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
def test_what_comes_along_is_read_as_part_of_the_question(
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
def test_a_mention_in_code_or_a_quotation_or_struck_asks_nothing(
    slack: Playground, door: Door, sent: str
) -> None:
    slack.say("general", "alice", sent)
    slack.wait_until_delivered()
    assert door.asked.questions == []


def test_a_mention_in_a_forwarded_message_asks_nothing(slack: Playground, door: Door) -> None:
    shared = {"is_share": True, "text": "<@UKEN> who pays?"}
    slack.event({**message(text="look", attachments=[shared]), "type": "app_mention"})
    slack.wait_until_delivered()
    assert door.asked.questions == []


def test_a_mention_beside_a_quotation_asks(slack: Playground, asked: Asked) -> None:
    slack.say("general", "alice", "&gt; <@UKEN> how many?\n<@UKEN> is Bob right?")
    slack.wait_until_delivered()
    assert {q.text for q in asked.questions} == {"> how many?\n is Bob right?"}


@pytest.mark.parametrize(
    "said", ["<@UKEN> ~how many~ what days?", "~5 or <@UKEN> ~6 days?", "a~<@UKEN> who~b?"]
)
def test_a_mention_that_is_not_struck_asks(slack: Playground, asked: Asked, said: str) -> None:
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
def test_what_an_app_writes_asks_nothing(
    slack: Playground, door: Door, kind: str, by_app: dict[str, Any]
) -> None:
    """Each sign alone is enough: Slack does not always send all of them."""
    door.by_itself.add("CGENERAL")
    slack.event(message(**{"type": kind, "text": "<@UKEN> who pays?", **by_app}))
    slack.event(message("DUALICE", **{"text": "who pays?", **by_app}))
    slack.wait_until_delivered()
    assert door.asked.questions == []


# -- without a mention --------------------------------------------------------------------------


def test_a_question_in_a_thread_that_ken_is_part_of_needs_no_mention(
    slack: Playground, door: Door
) -> None:
    root = slack.say("general", "bob", "<@UKEN> how many days off?").ts
    other = slack.say("general", "bob", "lunch").ts
    door.followed.add(("CGENERAL", root))
    said = slack.say("general", "alice", "and for interns?", thread_ts=root)
    slack.say("general", "alice", "and for interns?", thread_ts=other)
    slack.wait_until_delivered()

    (question,) = [q for q in door.asked.questions if q.user_id == "UALICE"]
    assert (question.text, question.surface, question.user_id) == (
        "and for interns?",
        "follow_up",
        "UALICE",
    )
    assert (question.message_ts, question.thread_ts, question.revision) == (said.ts, root, "")


@pytest.mark.parametrize(
    "text",
    ["thanks, that helps", "<@UBOB> is that right?", "`what?`", "&gt; how many?", "it is 20"],
)
def test_what_is_not_for_ken_costs_no_look_up(slack: Playground, door: Door, text: str) -> None:
    root = slack.say("general", "bob", "<@UKEN> how many days off?").ts
    door.followed.add(("CGENERAL", root))
    door.by_itself.add("CGENERAL")
    slack.say("general", "alice", text, thread_ts=root)
    slack.say("general", "alice", text)
    slack.wait_until_delivered()

    assert len(door.asked.questions) == 1
    assert door.lookups == []


def test_whoever_wants_quiet_is_left_alone(slack: Playground, door: Door) -> None:
    root = slack.say("general", "bob", "<@UKEN> days off?").ts
    door.followed.add(("CGENERAL", root))
    door.by_itself.add("CGENERAL")
    door.muted.add("UALICE")
    for user in ("alice", "bob"):
        slack.say("general", user, "what about interns?", thread_ts=root)
        slack.say("general", user, "who approves travel?")
    slack.say("general", "alice", "<@UKEN> I ask myself")
    slack.wait_until_delivered()

    found = {(q.user_id, q.surface) for q in door.asked.questions}
    assert found == {
        ("UBOB", "slack"),
        ("UBOB", "follow_up"),
        ("UBOB", "automatic"),
        ("UALICE", "slack"),
    }


def test_ken_answers_unasked_only_where_it_was_opened(slack: Playground, door: Door) -> None:
    door.by_itself |= {"CGENERAL", "GTRIO"}
    for channel in ("general", "board", "mpdm-trio"):
        slack.say(channel, "alice", "who approves travel?")
    slack.wait_until_delivered()

    (question,) = door.asked.questions
    assert (question.channel_id, question.surface) == ("CGENERAL", "automatic")


def test_mute_in_a_thread_is_about_the_thread_and_elsewhere_about_the_person(
    slack: Playground, door: Door
) -> None:
    root = slack.say("general", "bob", "lunch").ts
    slack.say("general", "alice", "<@UKEN> mute", thread_ts=root)
    slack.say("general", "alice", "<@UKEN>  Unmute ", thread_ts=root)
    slack.dm("bob", "mute")
    slack.wait_until_delivered()

    found = {(e.kind, e.user_id, e.channel_id, str(e.details)) for e in door.errands}
    assert found == {
        ("mute_thread", "UALICE", "CGENERAL", str({"thread_ts": root, "muted": True})),
        ("mute_thread", "UALICE", "CGENERAL", str({"thread_ts": root, "muted": False})),
        ("mute", "UBOB", "DUBOB", str({"muted": True})),
    }
    assert door.asked.questions == []


# -- edits and deletions ------------------------------------------------------------------------


def test_an_edited_question_is_asked_again_under_its_own_ts(slack: Playground, door: Door) -> None:
    said = slack.say("general", "alice", "<@UKEN> days of?")
    door.known.add(("CGENERAL", said.ts))
    slack.edit("general", said.ts, "<@UKEN> days off?")
    slack.wait_until_delivered()

    first, second = sorted(door.asked.questions, key=lambda q: q.revision)
    assert (second.text, second.message_ts, second.surface) == ("days off?", said.ts, "slack")
    assert second.revision > said.ts
    assert first.revision == ""
    assert first.event_id != second.event_id


def test_in_a_direct_message_every_edit_is_a_question(slack: Playground, door: Door) -> None:
    said = slack.dm("alice", "days of")
    slack.edit(said.channel, said.ts, "days off")
    slack.wait_until_delivered()

    found = sorted(door.asked.questions, key=lambda q: q.revision)
    assert [q.text for q in found] == ["days of", "days off"]
    assert door.lookups == []


def test_a_mention_added_to_a_follow_up_is_one_question_more_though_it_comes_as_two_events(
    slack: Playground, door: Door
) -> None:
    """The door drops what has the same channel, ts and revision."""
    root = slack.say("general", "bob", "<@UKEN> days off?").ts
    door.followed.add(("CGENERAL", root))
    said = slack.say("general", "alice", "and interns?", thread_ts=root)
    door.known.add(("CGENERAL", said.ts))
    slack.edit("general", said.ts, "<@UKEN> and interns?")
    slack.wait_until_delivered()

    found = [q for q in door.asked.questions if q.message_ts == said.ts]
    first, *more = sorted(found, key=lambda q: q.revision)
    assert first.surface == "follow_up"
    assert [(q.surface, q.text) for q in more] == [("slack", "and interns?")] * 2
    assert len({q.event_id for q in more}) == 2
    assert len({q.revision for q in more}) == 1
    assert more[0].revision > said.ts


def test_an_edit_of_a_follow_up_stays_one(slack: Playground, door: Door) -> None:
    root = slack.say("general", "bob", "<@UKEN> days off?").ts
    door.followed.add(("CGENERAL", root))
    said = slack.say("general", "alice", "and intern?", thread_ts=root)
    door.known.add(("CGENERAL", said.ts))
    slack.edit("general", said.ts, "and for interns?")
    slack.wait_until_delivered()

    found = sorted(door.asked.questions, key=lambda q: (q.message_ts, q.revision))
    assert [q.surface for q in found] == ["slack", "follow_up", "follow_up"]
    assert (found[-1].thread_ts, found[-1].text) == (root, "and for interns?")


@pytest.mark.parametrize("text", ["", "  ", "days off?", "never mind"])
def test_an_edit_that_takes_the_question_back_takes_the_answer_too(
    slack: Playground, door: Door, text: str
) -> None:
    said = slack.say("general", "alice", "<@UKEN> days off?")
    door.known.add(("CGENERAL", said.ts))
    slack.edit("general", said.ts, text)
    slack.wait_until_delivered()

    (errand,) = door.errands
    assert (errand.kind, errand.channel_id) == ("deleted", "CGENERAL")
    assert errand.details["ts"] == said.ts < errand.details["revision"]
    assert len(door.asked.questions) == 1


def test_edits_that_are_none_of_ours_cost_no_look_up(slack: Playground, door: Door) -> None:
    said = slack.say("general", "alice", "lunch at 12")
    slack.edit("general", said.ts, "lunch at 1")
    message = {"type": "message", "user": "UALICE", "text": "why <https://a.example>?", "ts": "1.1"}
    unfurled = {
        "type": "message",
        "subtype": "message_changed",
        "channel": "CGENERAL",
        "channel_type": "channel",
        "message": {**message, "attachments": [{"id": 1}], "edited": {"user": "UALICE", "ts": "2"}},
        "previous_message": message,
    }
    slack.event(unfurled)
    by_app = {**message, "bot_id": "B1", "text": "why not?"}
    slack.event({**unfurled, "message": {**by_app, "edited": {"user": "U", "ts": "2"}}})
    slack.wait_until_delivered()

    assert door.lookups == []
    assert (door.asked.questions, door.errands) == ([], [])


def test_a_deleted_question_takes_its_answers_along(slack: Playground, door: Door) -> None:
    said = slack.say("general", "alice", "<@UKEN> days off?")
    unknown = slack.say("general", "alice", "who is it?")
    door.known.add(("CGENERAL", said.ts))
    for ts in (said.ts, unknown.ts):
        slack.delete("general", ts)
    slack.wait_until_delivered()

    (errand,) = door.errands
    assert (errand.kind, errand.user_id, errand.details) == ("deleted", "UALICE", {"ts": said.ts})
    assert door.lookups.count("knows") == 2


def test_what_ken_or_nobody_asked_is_deleted_without_a_look_up(
    slack: Playground, door: Door
) -> None:
    posted = WebClient("xoxb-playground", base_url=slack.api_url).chat_postMessage(
        channel="CGENERAL", text="Ken's own?"
    )
    lunch = slack.say("general", "alice", "lunch")
    slack.delete("general", posted["ts"])
    slack.delete("general", lunch.ts)
    slack.wait_until_delivered()

    assert (door.lookups, door.errands) == ([], [])


def test_a_tombstone_is_a_deletion(slack: Playground, door: Door) -> None:
    said = slack.say("general", "alice", "<@UKEN> days off?")
    door.known.add(("CGENERAL", said.ts))
    before = {"type": "message", "user": "UALICE", "text": "<@UKEN> days off?", "ts": said.ts}
    slack.event(
        {
            "type": "message",
            "subtype": "message_changed",
            "channel": "CGENERAL",
            "channel_type": "channel",
            "message": {
                "type": "message",
                "subtype": "tombstone",
                "user": "USLACKBOT",
                "text": "This message was deleted.",
                "ts": said.ts,
            },
            "previous_message": before,
        }
    )
    slack.wait_until_delivered()

    assert [(e.kind, e.details) for e in door.errands] == [("deleted", {"ts": said.ts})]


# -- what else happens --------------------------------------------------------------------------


def test_who_joins_is_told_and_ken_too(slack: Playground, door: Door) -> None:
    """Threat 12: others may have come while Ken was away."""
    slack.join("board", "guest")
    slack.join("empty", "UKEN")
    slack.wait_until_delivered()

    assert [(e.kind, e.user_id, e.channel_id) for e in door.errands] == [
        ("joined", "UGUEST", "CBOARD"),
        ("joined", "UKEN", "CEMPTY"),
    ]
    assert door.asked.questions == []


STANDINGS: list[dict[str, Any]] = [
    {"is_restricted": True, "is_ultra_restricted": False},
    {"is_restricted": False, "is_ultra_restricted": True},
    {"is_restricted": False, "is_ultra_restricted": False, "is_stranger": True},
    {"is_restricted": False, "is_ultra_restricted": False, "team_id": "T2"},
    {"deleted": True},
    {"profile": {}},
]
"""Of somebody who is no full member of ours, or may be none: some events do not say."""

HAPPENINGS: list[tuple[dict[str, Any], tuple[Any, ...]]] = [
    (
        {"type": "app_home_opened", "user": "UALICE", "tab": "home", "channel": "DUALICE"},
        ("home", "UALICE", "DUALICE", {}),
    ),
    (
        {"type": "app_home_opened", "user": "UALICE", "tab": "messages", "channel": "DUALICE"},
        ("prompts", "UALICE", "DUALICE", {}),
    ),
    (
        {
            "type": "agent_session_stopped",
            "user": "UALICE",
            "channel": "DUALICE",
            "thread_ts": "1.1",
            "streaming_message_ts": [],
        },
        ("stopped", "UALICE", "DUALICE", {"thread_ts": "1.1"}),
    ),
    (
        {"type": "channel_shared", "connected_team_id": "T2", "channel": "CBOARD"},
        ("shared", "", "CBOARD", {}),
    ),
    *(
        (
            {"type": kind, "channel": "CBOARD", "user": "UALICE"},
            ("place", "UALICE", "CBOARD", {}),
        )
        for kind in (
            *("channel_archive", "channel_unarchive", "channel_deleted", "channel_left"),
            *("group_archive", "group_unarchive", "group_deleted", "group_left"),
            *("channel_unshared", "member_left_channel", *UNSUBSCRIBED),
        )
    ),
    *(
        (
            {"type": f"{kind}_rename", "channel": {"id": "CBOARD", "name": "boards"}},
            ("place", "", "CBOARD", {}),
        )
        for kind in ("channel", "group")
    ),
    *(
        (
            {
                "type": "message",
                "subtype": subtype,
                "channel": "CBOARD",
                "channel_type": "channel",
                "user": "UALICE",
                "text": "made this channel *public*.",
                "ts": "1723680078.026719",
            },
            ("place", "UALICE", "CBOARD", {}),
        )
        for subtype in (
            *("channel_convert_to_public", "channel_convert_to_private", "channel_name"),
            *("channel_archive", "channel_unarchive", "group_archive", "group_join"),
        )
    ),
    (
        {"type": "channel_id_changed", "old_channel_id": "GOLD", "new_channel_id": "CNEW"},
        ("moved", "", "CNEW", {"old": "GOLD"}),
    ),
    *(
        (
            {"type": kind, "user": {"id": "UALICE", "team_id": "T1", **standing}},
            ("standing", "UALICE", "", {}),
        )
        for kind in ("user_change", "user_profile_changed")
        for standing in STANDINGS
    ),
    ({"type": "app_uninstalled"}, ("uninstalled", "", "", {})),
    (
        {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["UKEN"]}},
        ("tokens_revoked", "", "", {}),
    ),
]


@pytest.mark.parametrize(("event", "expected"), HAPPENINGS)
def test_a_happening_becomes_an_errand(
    slack: Playground, door: Door, event: dict[str, object], expected: tuple[object, ...]
) -> None:
    slack.event(event)
    slack.wait_until_delivered()

    (errand,) = door.errands
    details = {name: value for name, value in errand.details.items() if name != "at"}
    assert (errand.kind, errand.user_id, errand.channel_id, details) == expected
    assert (errand.team_id, errand.event_id[:2]) == ("T1", "Ev")


def test_the_workspaces_of_an_organisation_are_told_one_by_one(
    slack: Playground, door: Door
) -> None:
    for change in ("granted", "revoked"):
        slack.event({"type": f"team_access_{change}", "team_ids": ["T7", "T8"]})
    slack.wait_until_delivered()
    assert [(e.kind, e.team_id) for e in door.errands] == [
        ("team_access", "T7"),
        ("team_access", "T8"),
    ] * 2
    assert len({e.event_id for e in door.errands}) == 4


def test_what_changes_nobodys_reading_is_no_errand(slack: Playground, door: Door) -> None:
    """Slack tells of every status of everybody, and of every topic."""
    slack.change_user("alice", title="Head of Lunch")
    for subtype in ("channel_topic", "channel_purpose", "bot_add", "pinned_item"):
        slack.event({"type": "message", "subtype": subtype, "channel": "CBOARD", "ts": "1.1"})
    slack.wait_until_delivered()
    assert (door.errands, door.lookups) == ([], [])


@pytest.mark.parametrize("is_mention", [True, False])
def test_an_edit_that_comes_before_its_message_is_a_question_all_the_same(
    slack: Playground, door: Door, is_mention: bool
) -> None:
    """Slack repeats the message itself later; the worker answers the newest."""
    to = "<@UKEN> " if is_mention else ""
    door.followed.add(("CGENERAL", "1.1"))
    before = {"type": "message", "user": "UALICE", "text": f"{to}days of?", "ts": "2.1"}
    before |= {} if is_mention else {"thread_ts": "1.1"}
    edited = {**before, "text": f"{to}days off?", "edited": {"user": "UALICE", "ts": "3.1"}}
    place = {"channel": "CGENERAL", "channel_type": "channel"}
    changed = {"type": "message", "subtype": "message_changed", "ts": "3.1", **place}
    slack.event({**changed, "message": edited, "previous_message": before})
    slack.wait_until_delivered()
    (question,) = door.asked.questions
    assert (question.text, question.revision, question.message_ts) == ("days off?", "3.1", "2.1")
    assert question.surface == ("slack" if is_mention else "follow_up")


@pytest.mark.parametrize("text", ["<@UKEN> days off?", "and interns?"])
def test_a_deletion_that_comes_before_its_message_is_kept(
    slack: Playground, door: Door, text: str
) -> None:
    door.followed.add(("CGENERAL", "1.1"))
    before = {"type": "message", "user": "UALICE", "text": text, "ts": "2.1", "thread_ts": "1.1"}
    slack.event(
        {
            "type": "message",
            "subtype": "message_deleted",
            "channel": "CGENERAL",
            "channel_type": "channel",
            "ts": "3.1",
            "deleted_ts": "2.1",
            "previous_message": before,
        }
    )
    slack.wait_until_delivered()
    assert [(e.kind, e.details) for e in door.errands] == [("deleted", {"ts": "2.1"})]


def test_the_revoked_token_of_a_person_is_none_of_ours(slack: Playground, door: Door) -> None:
    slack.event({"type": "tokens_revoked", "tokens": {"oauth": ["UALICE"], "bot": []}})
    slack.wait_until_delivered()

    assert door.errands == []


def test_events_that_nobody_wants_are_acknowledged(slack: Playground, asked: Asked) -> None:
    slack.event({"type": "app_home_opened", "user": "UALICE", "tab": "about"})
    slack.event({"type": "app_context_changed", "context": {"entities": []}})
    slack.event({"type": "channel_unshared", "channel": "CSHARED", "is_ext_shared": False})
    slack.event({"type": "never_seen_before"})
    slack.wait_until_delivered()

    assert [attempt.failed for attempt in slack.attempts()] == [""] * 4
    assert asked.questions == []


def test_an_event_that_makes_no_sense_is_acknowledged(slack: Playground, door: Door) -> None:
    """Bolt stumbles over the channel before it looks for a listener."""
    slack.event({"type": "message", "channel": 7, "user": "UALICE", "ts": "1.1", "text": "why?"})
    slack.wait_until_delivered()

    assert [attempt.failed for attempt in slack.attempts()] == [""]
    assert (door.asked.questions, door.errands) == ([], [])


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


# -- the real door ------------------------------------------------------------------------------


def test_through_the_real_door_a_thread_is_followed_edited_and_taken_back(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same events, kept in PostgreSQL: what `knows` and `follows` find is what was asked."""
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
    """As the worker sees them: one after the other."""
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
