"""Channels of the Slack double, crawled into a database with people who are linked to accounts."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from bot.playground.client import Playground
from policies.change import Change
from policies.described import Person
from tests.servers import opened
from tests.workers.ingest.folder import FakeEmbedder
from tests.workers.sources.channels import PEOPLE, SOURCE, Channels
from workers.database.sessions import Database
from workers.ingest.parse import Parser
from workers.ingest.push import Pushing
from workers.settings import Settings


@pytest.fixture(scope="session")
def thread_parser() -> Iterator[Parser]:
    """Its child is slow to start: one reads the threads of all these tests."""
    with Parser() as parser:
        yield parser


@pytest.fixture
def connected(settings: Settings, slack: Playground) -> Database:
    """The test's database, with settings of the Slack double."""
    changes = {"slack_api_url": slack.api_url, "slack_bot_token": SecretStr("xoxb-playground")}
    return opened(settings.model_copy(update=changes))


@pytest.fixture
def channels(connected: Database, slack: Playground, thread_parser: Parser) -> Channels:
    with connected.session("syncer") as session:
        change = Change(session, actor="test")
        source_id = change.put_source(SOURCE)
        for native_id, is_guest in PEOPLE.items():
            change.put_user(source_id, Person(native_id, native_id.title(), guest=is_guest))
    embedder = FakeEmbedder()
    pushing = Pushing(connected, thread_parser, lambda: (embedder, None))
    return Channels(connected, slack, pushing, embedder)
