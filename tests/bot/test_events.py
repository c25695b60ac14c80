"""Events of the double: their fields, who gets them, and how often they are repeated."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from bot.playground.client import Playground, Posted
from tests.bot.conftest import Start
from tests.bot.slack_schemas import needs_shared, sample, unknown_keys
from tests.bot.slack_world import Inbox, Json


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def workspace(inbox: Inbox, start: Start) -> Iterator[Playground]:
    """Run a double that sends its events to the inbox, and repeats them at once."""
    with inbox.open() as url:
        yield start(events_url=url, retry_delays_s=(0.0, 0.0, 0.0))


def bodies(inbox: Inbox, workspace: Playground) -> list[Json]:
    workspace.wait_until_delivered()
    return [json.loads(body) for _, body in inbox.requests]


def test_every_event_is_signed_with_the_secret(inbox: Inbox, workspace: Playground) -> None:
    workspace.say("general", "alice", "hello")
    workspace.wait_until_delivered()

    (headers, body) = inbox.requests[0]
    assert SignatureVerifier("playground").is_valid_request(body, headers)
    assert not SignatureVerifier("another").is_valid_request(body, headers)
    assert "x-slack-retry-num" not in headers


def test_a_mention_comes_as_message_and_as_mention_with_one_ts(
    inbox: Inbox, workspace: Playground
) -> None:
    said = workspace.say("general", "alice", "<@UKEN> hello")

    received = bodies(inbox, workspace)

    assert sorted(body["event"]["type"] for body in received) == ["app_mention", "message"]
    assert {body["event"]["ts"] for body in received} == {said.ts}
    assert len({body["event_id"] for body in received}) == 2


def test_ken_gets_no_events_from_channels_without_ken(inbox: Inbox, workspace: Playground) -> None:
    workspace.say("empty", "alice", "<@UKEN> hello")
    workspace.say("secret", "alice", "<@UKEN> hello")
    workspace.dm("alice", "hello")

    assert [body["event"]["channel"] for body in bodies(inbox, workspace)] == ["DUALICE"]


def broadcast(workspace: Playground) -> Posted:
    root = workspace.say("general", "alice", "root").ts
    return workspace.say("general", "bob", "all!", thread_ts=root, subtype="thread_broadcast")


def reply_to_ken(workspace: Playground) -> Posted:
    client = WebClient("xoxb-playground", base_url=workspace.api_url)
    root = client.chat_postMessage(channel="CGENERAL", text="Ken's own")["ts"]
    return workspace.say("general", "bob", "thanks", thread_ts=root)


def edited(workspace: Playground) -> None:
    workspace.edit("general", workspace.say("general", "alice", "old").ts, "<@UKEN> new")


def deleted(workspace: Playground) -> None:
    root = workspace.say("general", "alice", "old").ts
    workspace.say("general", "alice", "reply", thread_ts=root)
    workspace.delete("general", root)


SAMPLES: list[tuple[str, Callable[[Playground], object], str]] = [
    ("MessagePayload", lambda w: w.say("general", "alice", "<@UKEN> hi"), "message/"),
    ("AppMentionPayload", lambda w: w.say("general", "alice", "<@UKEN> hi"), "app_mention/"),
    ("AppMentionPayload", lambda w: w.say("both", "far", "<@UKEN> hi"), "app_mention/"),
    ("AppMentionPayload", edited, "app_mention/"),
    ("MessagePayload", lambda w: w.dm("alice", "hi"), "message/"),
    ("MessagePayload", reply_to_ken, "message/"),
    ("MessageFileSharePayload", lambda w: w.dm("alice", "", subtype="file_share"), "/file_share"),
    ("MessageThreadBroadcastPayload", broadcast, "/thread_broadcast"),
    ("MessageBotPayload", lambda w: w.say("general", "otherbot", "beep"), "/bot_message"),
    ("MessageChangedPayload", edited, "/message_changed"),
    ("MessageDeletedPayload", deleted, "/message_deleted"),
    ("MemberJoinedChannelPayload", lambda w: w.join("general", "guest"), "member_joined_channel/"),
    ("MemberLeftChannelPayload", lambda w: w.leave("general", "bob"), "member_left_channel/"),
    ("ChannelArchivePayload", lambda w: w.archive("general"), "channel_archive/"),
    ("ChannelArchivePayload", lambda w: w.archive("board"), "group_archive/"),
    ("ChannelRenamePayload", lambda w: w.rename("general", "alice", "hall"), "channel_rename/"),
    ("ChannelRenamePayload", lambda w: w.rename("board", "alice", "boards"), "group_rename/"),
    ("ChannelSharedPayload", lambda w: w.share("general"), "channel_shared/"),
    ("ChannelUnsharedPayload", lambda w: w.unshare("both"), "channel_unshared/"),
]


@needs_shared
@pytest.mark.parametrize(("name", "act", "kind"), SAMPLES)
def test_an_event_has_the_fields_of_slacks_sample_and_no_others(
    inbox: Inbox,
    workspace: Playground,
    name: str,
    act: Callable[[Playground], object],
    kind: str,
) -> None:
    act(workspace)
    received = [
        body
        for body in bodies(inbox, workspace)
        if kind in f"{body['event']['type']}/{body['event'].get('subtype', '')}"
        and (kind != "message/" or "subtype" not in body["event"])
    ]

    assert received
    for body in received:
        assert unknown_keys(body, sample(name)) == []
        assert {"type", "channel", "event_ts"} <= body["event"].keys()
        assert {"team_id", "api_app_id", "event_id", "event_time", "authorizations"} <= body.keys()


def with_home(workspace: Playground) -> None:
    client = WebClient("xoxb-playground", base_url=workspace.api_url)
    client.views_publish(user_id="UALICE", view={"type": "home", "blocks": [{"type": "divider"}]})
    workspace.open_home("alice")


NEWS: list[tuple[str, Callable[[Playground], object], list[str]]] = [
    ("AppHomeOpenedPayload", with_home, ["app_home_opened"]),
    ("AppHomeOpenedPayload", lambda w: w.open_home("alice", "messages"), ["app_home_opened"]),
    (
        "UserChangePayload",
        lambda w: w.change_user("bob", deleted=True),
        ["user_change", "user_profile_changed"],
    ),
    ("TokensRevokedPayload", lambda w: w.revoke(), ["tokens_revoked"]),
    ("AppUninstalledPayload", lambda w: w.uninstall(), ["app_uninstalled", "tokens_revoked"]),
]


@needs_shared
@pytest.mark.parametrize(("name", "act", "kinds"), NEWS)
def test_other_events_have_the_fields_of_slacks_sample(
    inbox: Inbox,
    workspace: Playground,
    name: str,
    act: Callable[[Playground], object],
    kinds: list[str],
) -> None:
    act(workspace)

    received = bodies(inbox, workspace)
    assert sorted(body["event"]["type"] for body in received) == kinds
    for body in received:
        if body["event"]["type"] == kinds[0]:
            assert unknown_keys(body, sample(name)) == []


def test_the_home_comes_with_its_view_and_the_messages_tab_without(
    inbox: Inbox, workspace: Playground
) -> None:
    with_home(workspace)
    workspace.open_home("alice", "messages")

    first, second = (body["event"] for body in bodies(inbox, workspace))
    by_tab = {event["tab"]: event for event in (first, second)}
    assert by_tab["home"]["view"]["type"] == "home"
    assert "view" not in by_tab["messages"]
    assert {event["channel"] for event in (first, second)} == {"DUALICE"}


def test_the_stop_button_and_the_channel_next_to_the_pane_are_events(
    inbox: Inbox, workspace: Playground
) -> None:
    """https://docs.slack.dev/reference/events/agent_session_stopped/ and app_context_changed/"""
    root = workspace.dm("alice", "what?").ts
    workspace.stop("alice", "DUALICE", root)
    workspace.look_at("alice", "general")

    events = {body["event"]["type"]: body["event"] for body in bodies(inbox, workspace)}
    stopped, context = events["agent_session_stopped"], events["app_context_changed"]
    assert (stopped["thread_ts"], stopped["streaming_message_ts"]) == (root, [])
    assert context["context"]["entities"][0]["value"] == "CGENERAL"


def test_ken_gets_the_news_of_public_channels_without_joining_but_not_of_private_ones(
    inbox: Inbox, workspace: Playground
) -> None:
    workspace.archive("empty")
    workspace.archive("secret")
    workspace.unarchive("old")

    events = {body["event"]["channel"]: body["event"]["type"] for body in bodies(inbox, workspace)}
    assert events == {"CEMPTY": "channel_archive", "COLD": "channel_unarchive"}


def test_a_removed_app_gets_no_events(inbox: Inbox, workspace: Playground) -> None:
    workspace.uninstall()
    workspace.dm("alice", "anybody there?")
    workspace.restore()
    workspace.dm("alice", "again")

    received = [body["event"] for body in bodies(inbox, workspace)]
    texts = [event["text"] for event in received if event["type"] == "message"]
    assert texts == ["again"]
    assert len(received) == 3


def test_a_new_channel_is_an_event_if_ken_is_a_member(inbox: Inbox, workspace: Playground) -> None:
    workspace.create_channel("alone", members=("alice",))
    channel = workspace.create_channel("ours", is_private=True, members=("alice", "ken"))
    group = workspace.group_dm("alice", ["guest"], "<@UKEN> hello")

    events = [body["event"] for body in bodies(inbox, workspace)]
    assert {(event["type"], event["channel"]) for event in events} == {
        ("member_joined_channel", channel),
        ("message", group.channel),
        ("app_mention", group.channel),
    }


def test_slack_repeats_three_times_with_the_same_id_and_then_gives_up(
    inbox: Inbox, workspace: Playground
) -> None:
    inbox.statuses = [500, 404, 302, 503]
    workspace.dm("alice", "hello")
    workspace.wait_until_delivered()

    assert len({json.loads(body)["event_id"] for _, body in inbox.requests}) == 1
    assert [headers.get("x-slack-retry-num") for headers, _ in inbox.requests] == [
        None,
        "1",
        "2",
        "3",
    ]
    assert inbox.requests[1][0]["x-slack-retry-reason"] == "http_error"
    assert [attempt.failed for attempt in workspace.attempts()] == ["http_error"] * 4


def test_an_unreachable_url_is_a_failed_connection(start: Start) -> None:
    workspace = start(events_url="http://127.0.0.1:9/slack/events", retry_delays_s=(0.0,))
    workspace.dm("alice", "hello")
    workspace.wait_until_delivered()

    assert [attempt.failed for attempt in workspace.attempts()] == ["connection_failed"] * 2


def test_events_are_duplicated_and_reordered_on_demand(inbox: Inbox, workspace: Playground) -> None:
    workspace.fault("duplicate_event")
    workspace.dm("alice", "twice")
    first, second = bodies(inbox, workspace)
    assert first == second

    inbox.requests.clear()
    workspace.fault("reorder_events")
    workspace.dm("alice", "one")
    workspace.dm("alice", "two")
    texts = [body["event"]["text"] for body in bodies(inbox, workspace)]
    assert texts == ["two", "one"]


def test_a_held_back_event_is_sent_even_if_no_other_follows(
    inbox: Inbox, workspace: Playground
) -> None:
    workspace.fault("reorder_events")
    workspace.dm("alice", "alone")
    assert [body["event"]["text"] for body in bodies(inbox, workspace)] == ["alone"]


def test_ken_gets_events_for_its_own_messages(inbox: Inbox, workspace: Playground) -> None:
    client = WebClient("xoxb-playground", base_url=workspace.api_url)
    client.chat_postMessage(channel="CGENERAL", text="hello")

    (body,) = bodies(inbox, workspace)
    assert (body["event"]["bot_id"], body["event"]["user"]) == ("BKEN", "UKEN")


def test_any_event_can_be_sent(inbox: Inbox, workspace: Playground) -> None:
    event: dict[str, Any] = {"type": "app_home_opened", "user": "UALICE", "tab": "home"}
    workspace.event(event)

    assert [body["event"] for body in bodies(inbox, workspace)] == [event]
