"""The double around one small workspace, and the SDK pointed at it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.playground.client import Playground
from bot.playground.double import Access
from bot.playground.server import running
from bot.playground.tokens import KEN_SCOPES
from bot.playground.web_api import METHODS
from bot.playground.workspace import read_workspace
from tests.bot.bot_fixtures import asked, connected, door, slack  # noqa: F401 - fixtures
from tests.bot.desk import bundle, desk, sit  # noqa: F401 - fixtures
from tests.bot.slack_schemas import check_calls
from tests.bot.slack_world import WORLD
from tests.browser import axe, browser  # noqa: F401 - fixtures

Start = Callable[..., Playground]

EVERY_SCOPE = tuple(
    sorted({*KEN_SCOPES, *(scope for known in METHODS.values() for scope in known.scopes)})
)
"""Scopes beyond those of Ken, so that tests can call every method of the double."""


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a new double with this access."""
    with ExitStack() as stack:

        def begin(**access: Any) -> Playground:
            allowed = Access(**{"scopes": EVERY_SCOPE, "trigger_life_s": 600.0, **access})
            return Playground(stack.enter_context(running(read_workspace(WORLD), allowed)))

        yield begin


@pytest.fixture(scope="session")
def shared_playground() -> Iterator[Playground]:
    with running(read_workspace(WORLD), Access(scopes=EVERY_SCOPE, trigger_life_s=600.0)) as url:
        yield Playground(url)


@pytest.fixture
def playground(shared_playground: Playground) -> Iterator[Playground]:
    """A double without a bot; each test starts with a fresh workspace."""
    shared_playground.reset()
    yield shared_playground
    check_calls(shared_playground.calls())


@pytest.fixture
def ken(playground: Playground) -> WebClient:
    """The unmodified SDK with Ken's token, without retries."""
    return WebClient("xoxb-playground", base_url=playground.api_url, retry_handlers=[])
