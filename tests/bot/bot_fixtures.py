"""Fixtures: a bot connected to the double by each transport, and what it stores."""

from collections.abc import Iterator

import pytest

from bot.playground.client import Playground
from tests.bot.slack_door import TRANSPORTS, Door, listening, stand_in
from tests.bot.slack_schemas import check_calls
from tests.bot.slack_world import Asked


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
