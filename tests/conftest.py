"""Real servers for the whole suite: one home under `build/`, one fresh database for each test."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import structlog

from tests import servers
from workers.database.sessions import Database
from workers.settings import Settings

_IN_USE = pytest.StashKey[ExitStack]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Workers of xdist leave the servers to the first process."""
    if not hasattr(session.config, "workerinput"):
        session.config.stash[_IN_USE] = ExitStack()
        session.config.stash[_IN_USE].enter_context(servers.home_in_use())


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        session.config.stash[_IN_USE].close()


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A test that sets logs up leaves them writing to a stream that pytest closes after it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = [one for one in root.handlers if one in handlers]
    root.setLevel(level)


@pytest.fixture(scope="session")
def own_database() -> Iterator[Settings]:
    """A database of this process's own, so that xdist's workers do not meet."""
    with servers.own_database() as settings:
        yield settings


@pytest.fixture
def settings(own_database: Settings) -> Settings:
    """An empty database: code under test may commit freely."""
    servers.empty(own_database)
    return own_database


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    made = Database(settings)
    yield made
    made.close()
