"""Compares deploy/slack-manifest.yaml with Ken's listeners and with the methods that it calls."""

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.app import COMMAND, EVENTS, SHORTCUT
from bot.install import SCOPES
from bot.playground.events.payloads import COMMAND as THE_DOUBLES_COMMAND
from bot.playground.tokens import KEN_SCOPES
from tests.bot.slack_schemas import SHARED, needs_shared, schema

ROOT = Path(__file__).parents[2]

MESSAGES = {
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
}
EVENT_SCOPES: dict[str, set[str]] = {
    **{event: {scope} for event, scope in MESSAGES.items()},
    "app_mention": {"app_mentions:read"},
    "member_joined_channel": {"channels:read", "groups:read", "mpim:read"},
    "member_left_channel": {"channels:read", "groups:read", "mpim:read"},
    "channel_shared": {"channels:read", "groups:read"},
    "channel_unshared": {"channels:read", "groups:read"},
    **{
        f"channel_{change}": {"channels:read"}
        for change in ("archive", "unarchive", "rename", "deleted", "left")
    },
    **{
        f"group_{change}": {"groups:read"}
        for change in ("archive", "unarchive", "rename", "deleted", "left")
    },
    "channel_id_changed": {"channels:read", "groups:read", "mpim:read", "im:read"},
    "user_change": {"users:read"},
    "user_profile_changed": {"users:read"},
    "team_access_granted": set(),
    "team_access_revoked": set(),
    "app_home_opened": set(),
    "agent_session_stopped": set(),
    "app_uninstalled": set(),
    "tokens_revoked": set(),
}
"""https://docs.slack.dev/reference/events"""

NEEDED_BESIDES = {"commands", "users:read.email", "metadata.message:read"}
"""By /ken and the shortcut; by the field `email` in users.info; by metadata of messages
(https://docs.slack.dev/reference/scopes/metadata.message.read/)."""


@pytest.fixture(scope="module")
def manifest() -> Any:
    return yaml.safe_load((ROOT / "deploy" / "slack-manifest.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def scopes(manifest: Any) -> list[str]:
    found: list[str] = manifest["oauth_config"]["scopes"]["bot"]
    return found


@pytest.fixture(scope="module")
def events(manifest: Any) -> list[str]:
    found: list[str] = manifest["settings"]["event_subscriptions"]["bot_events"]
    return found


def test_the_events_with_listeners_are_the_subscribed_ones(
    events: list[str],
) -> None:
    received = (set(EVENTS) - {"message"}) | set(MESSAGES)
    assert "message" in EVENTS
    assert sorted(events) == sorted(received)


def test_every_event_has_its_scopes(events: list[str], scopes: list[str]) -> None:
    for event in events:
        assert EVENT_SCOPES[event] <= set(scopes), event


@needs_shared
def test_every_method_that_is_called_has_a_scope(scopes: list[str]) -> None:
    called = methods_called()
    assert {"chat.postMessage", "conversations.members", "users.info", "views.open"} <= called
    for method in called:
        assert needed(method) == set() or needed(method) & set(scopes), method


@needs_shared
def test_every_scope_is_needed(scopes: list[str]) -> None:
    by_methods = set().union(*(needed(method) for method in methods_called()))
    by_events = set().union(*EVENT_SCOPES.values())
    assert len(set(scopes)) == len(scopes)
    assert set(scopes) <= by_methods | by_events | NEEDED_BESIDES


def test_installing_by_oauth_asks_for_the_same_scopes(scopes: list[str]) -> None:
    assert sorted(SCOPES) == sorted(scopes)


def test_the_double_grants_no_more_than_the_manifest_asks_for(scopes: list[str]) -> None:
    """Otherwise Ken could call a method that a real workspace refuses, and no test would fail."""
    assert sorted(KEN_SCOPES) == sorted(scopes)


def test_every_scope_and_every_event_has_its_reason(scopes: list[str], events: list[str]) -> None:
    lines = (ROOT / "deploy" / "slack-manifest.yaml").read_text(encoding="utf-8").splitlines()
    for name in (*scopes, *events):
        (line,) = [line for line in lines if line.strip().split(" ")[:2] == ["-", name]]
        assert len(line.partition(" # ")[2]) > 5, name


def test_the_command_and_the_shortcut_have_listeners(manifest: Any) -> None:
    features = manifest["features"]
    (command,), (shortcut,) = features["slash_commands"], features["shortcuts"]
    assert command["command"] == COMMAND == THE_DOUBLES_COMMAND
    assert (shortcut["callback_id"], shortcut["type"]) == (SHORTCUT, "message")


def test_slacks_limits_are_met(manifest: Any) -> None:
    """https://docs.slack.dev/reference/app-manifest"""
    display, features = manifest["display_information"], manifest["features"]
    assert len(display["name"]) <= 35
    assert len(display["description"]) <= 140
    assert 174 <= len(display["long_description"]) <= 4000
    assert len(features["slash_commands"][0]["description"]) <= 2000
    assert len(features["slash_commands"][0]["usage_hint"]) <= 1000
    assert len(features["shortcuts"][0]["name"]) <= 24
    assert len(features["shortcuts"][0]["description"]) <= 150
    assert len(features["agent_view"]["agent_description"]) <= 300


def test_people_can_write_to_ken_click_and_see_a_home_tab(manifest: Any) -> None:
    assert manifest["features"]["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": False,
    }
    settings = manifest["settings"]
    assert settings["interactivity"]["is_enabled"] is True
    assert settings["socket_mode_enabled"] is True
    assert settings["token_rotation_enabled"] is False
    assert settings["org_deploy_enabled"] is False


def methods_called() -> set[str]:
    """Web API methods that are named, as the SDK names them, in what runs beside Slack."""
    known = {path.stem.replace(".", "_"): path.stem for path in (SHARED / "methods").glob("*.json")}
    sources = [*(ROOT / "bot").glob("*.py"), *(ROOT / "workers").rglob("*.py")]
    names = {
        node.attr
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    return {known[name] for name in names & set(known)}


def needed(method: str) -> set[str]:
    """One of these; empty: any token will do."""
    return set(schema(method)["scope"].get("bot", []))
