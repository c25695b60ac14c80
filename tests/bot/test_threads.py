"""Messages in threads without a mention, edits and deletions, over HTTP and Socket Mode."""

import pytest
from slack_sdk import WebClient

from bot.playground.client import Playground
from tests.bot.slack_door import Door

# Without a mention


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


def test_a_muted_person_gets_no_unasked_answer(slack: Playground, door: Door) -> None:
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


def test_ken_answers_unasked_only_in_opened_channels(slack: Playground, door: Door) -> None:
    door.by_itself |= {"CGENERAL", "GTRIO"}
    for channel in ("general", "board", "mpdm-trio"):
        slack.say(channel, "alice", "who approves travel?")
    slack.wait_until_delivered()

    (question,) = door.asked.questions
    assert (question.channel_id, question.surface) == ("CGENERAL", "automatic")


def test_mute_in_a_thread_mutes_the_thread_and_elsewhere_the_person(
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


# Edits and deletions


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


def test_a_mention_added_to_a_follow_up_is_one_new_question(slack: Playground, door: Door) -> None:
    """`ask` drops a question with the same channel, ts and revision."""
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


def test_an_edited_follow_up_stays_a_follow_up(slack: Playground, door: Door) -> None:
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
def test_an_edit_that_removes_the_question_withdraws_the_answer(
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


def test_edits_of_other_messages_cost_no_look_up(slack: Playground, door: Door) -> None:
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


def test_a_deleted_question_withdraws_its_answers(slack: Playground, door: Door) -> None:
    said = slack.say("general", "alice", "<@UKEN> days off?")
    unknown = slack.say("general", "alice", "who is it?")
    door.known.add(("CGENERAL", said.ts))
    for ts in (said.ts, unknown.ts):
        slack.delete("general", ts)
    slack.wait_until_delivered()

    (errand,) = door.errands
    assert (errand.kind, errand.user_id, errand.details) == ("deleted", "UALICE", {"ts": said.ts})
    assert door.lookups.count("is_known_question") == 2


def test_deleting_a_message_that_is_not_a_question_costs_no_look_up(
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
