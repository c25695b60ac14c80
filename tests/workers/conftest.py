"""The company of these tests: its database, its Slack, and a worker's services for both."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from bot.playground.client import Playground
from bot.playground.server import running
from bot.playground.workspace import read_workspace
from tests.bot.slack_schemas import check_calls
from tests.workers.library import Library
from tests.workers.slack_company import WORKSPACE, Company, FakeAnswerer
from workers import interface
from workers.database.sessions import Database
from workers.services import Services
from workers.settings import Settings


@pytest.fixture
def library(database: Database) -> Library:
    return Library(database)


@pytest.fixture
def door(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept is kept in this test's database."""
    monkeypatch.setattr(interface, "_door", lambda: database)


@pytest.fixture(scope="session")
def shared_slack() -> Iterator[Playground]:
    with running(read_workspace(WORKSPACE)) as url:
        yield Playground(url)


@pytest.fixture
def slack(shared_slack: Playground) -> Iterator[Playground]:
    """Every call of a test is one that Slack would take."""
    shared_slack.reset()
    yield shared_slack
    check_calls(shared_slack.calls())


@pytest.fixture
def company(library: Library, door: None, slack: Playground, settings: Settings) -> Company:
    model = FakeAnswerer()
    connected = settings.model_copy(
        update={
            "slack_api_url": slack.api_url,
            "slack_bot_token": SecretStr("xoxb-playground"),
            "lease_s": 600,  # a slow machine loses none; tests of leases set their own
        }
    )
    services = Services(connected, library.database, library.embedder, model)
    return Company(library, slack, services, model)
