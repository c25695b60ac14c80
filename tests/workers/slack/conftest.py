"""Slack's side of OAuth, and our settings for it."""

from collections.abc import Iterator

import pytest

from tests.workers.slack_tokens import SlackTokens, by_oauth
from workers.database.sessions import Database
from workers.settings import Settings


@pytest.fixture
def slack_tokens() -> Iterator[SlackTokens]:
    with SlackTokens().open() as opened:
        yield opened


@pytest.fixture
def ours(settings: Settings, slack_tokens: SlackTokens) -> Iterator[Database]:
    made = Database(by_oauth(settings, slack_api_url=slack_tokens.url))
    yield made
    made.close()
