"""Events of Slack other than questions become errands, over HTTP and Socket Mode."""

from typing import Any

import pytest

from bot.app import UNSUBSCRIBED
from bot.playground.client import Playground
from tests.bot.slack_door import Door


def test_a_member_who_joins_is_an_errand_and_ken_too(slack: Playground, door: Door) -> None:
    """Threat 12: others may have joined while Ken was out."""
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
"""People who are not, or may not be, full members of our workspace: some events do not say."""

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
def test_an_event_becomes_an_errand(
    slack: Playground, door: Door, event: dict[str, object], expected: tuple[object, ...]
) -> None:
    slack.event(event)
    slack.wait_until_delivered()

    (errand,) = door.errands
    details = {name: value for name, value in errand.details.items() if name != "at"}
    assert (errand.kind, errand.user_id, errand.channel_id, details) == expected
    assert (errand.team_id, errand.event_id[:2]) == ("T1", "Ev")


def test_each_workspace_of_an_organisation_is_an_errand(slack: Playground, door: Door) -> None:
    for change in ("granted", "revoked"):
        slack.event({"type": f"team_access_{change}", "team_ids": ["T7", "T8"]})
    slack.wait_until_delivered()
    assert [(e.kind, e.team_id) for e in door.errands] == [
        ("team_access", "T7"),
        ("team_access", "T8"),
    ] * 2
    assert len({e.event_id for e in door.errands}) == 4


def test_an_event_that_changes_nobodys_access_is_not_an_errand(
    slack: Playground, door: Door
) -> None:
    """Slack sends an event for every new status, and for every new topic."""
    slack.change_user("alice", title="Head of Lunch")
    for subtype in ("channel_topic", "channel_purpose", "bot_add", "pinned_item"):
        slack.event({"type": "message", "subtype": subtype, "channel": "CBOARD", "ts": "1.1"})
    slack.wait_until_delivered()
    assert (door.errands, door.lookups) == ([], [])


@pytest.mark.parametrize("is_mention", [True, False])
def test_an_edit_that_arrives_before_its_message_is_a_question(
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
def test_a_deletion_that_arrives_before_its_message_is_stored(
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


def test_the_revoked_token_of_a_person_is_ignored(slack: Playground, door: Door) -> None:
    slack.event({"type": "tokens_revoked", "tokens": {"oauth": ["UALICE"], "bot": []}})
    slack.wait_until_delivered()

    assert door.errands == []
