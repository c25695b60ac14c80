"""What Ken posted is no source, whichever app reads: it quotes what not all may read later."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from bot.playground.client import Playground
from tests.servers import opened
from tests.workers.sources.channels import Channels
from workers.slack.client import SlackMessenger
from workers.slack.messenger import Message
from workers.sources import kinds
from workers.sources.slack.channels import SlackChannels

ANSWER = "An answer of Ken."


@pytest.fixture
def read_by_another(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> Channels:
    """An app of its own reads, also what bots post; the double has one app, so its name changes."""
    key = SecretStr(Fernet.generate_key().decode())
    channels.database = opened(channels.database.settings.model_copy(update={"token_key": key}))
    channels.add("CALL", secret="xoxb-playground", with_bots=True)
    own = SlackChannels._own.func  # type: ignore[attr-defined]
    renamed = property(lambda self: {**own(self), "user_id": "UREADER"})
    monkeypatch.setattr(SlackChannels, "_own", renamed)
    return channels


def ken_answers(channels: Channels, slack: Playground) -> str:
    """In a thread, with the mark that Ken's messages carry."""
    root = slack.say("CALL", "UALICE", "Why?")
    message = Message(ANSWER, [], "mark-of-an-answer")
    SlackMessenger.connect(channels.database.settings).post("CALL", root.ts, message)
    slack.say("CALL", "UROBOT", "Build 7 failed.", thread_ts=root.ts, subtype="bot_message")
    return root.ts


def what_is_read(channels: Channels) -> str:
    channels.crawl()
    found = " ".join(channels.threads().values())
    assert "Why?" in found
    assert "Build 7 failed." in found
    return found


def without_kens_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "bots_of_ken", lambda _: frozenset())


def test_a_reply_with_kens_mark_is_not_read_by_another_app(
    read_by_another: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_kens_users(monkeypatch)  # posted by an app that Ken was before
    ken_answers(read_by_another, slack)
    assert ANSWER not in what_is_read(read_by_another)


def test_unless_marks_are_not_asked_for(
    read_by_another: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, with the protection off."""
    without_kens_users(monkeypatch)
    call = SlackChannels._call

    def unmarked(self: SlackChannels, method: str, **arguments: Any) -> Any:
        return call(self, method, **{**arguments, "include_all_metadata": None})

    monkeypatch.setattr(SlackChannels, "_call", unmarked)
    ken_answers(read_by_another, slack)
    assert ANSWER in what_is_read(read_by_another)


def test_what_ken_posts_without_a_mark_is_not_read_by_another_app(
    read_by_another: Channels, slack: Playground
) -> None:
    """What is still being streamed has none."""
    slack.say("CALL", "UKEN", ANSWER, thread_ts=ken_answers(read_by_another, slack))
    assert ANSWER not in what_is_read(read_by_another)


def test_unless_kens_users_are_not_known(
    read_by_another: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, with the protection off."""
    without_kens_users(monkeypatch)
    slack.say("CALL", "UKEN", ANSWER, thread_ts=ken_answers(read_by_another, slack))
    assert ANSWER in what_is_read(read_by_another)
