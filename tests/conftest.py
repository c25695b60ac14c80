"""Real servers for the whole suite: one home under `build/`, one fresh database for each test.

No test connects to another machine. The longest files come first; `--shuffle=SEED` runs the tests
in another order.
"""

import logging
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address
from typing import Any

import pytest
import structlog

from tests import servers
from workers.database.sessions import Database
from workers.ingest import pipeline
from workers.ingest.parse import DEFAULT_LIMITS, Limits, Parser
from workers.settings import Settings

_IN_USE = pytest.StashKey[ExitStack]()

_LONGEST = (
    "tests/workers/cli/test_cli.py",
    "tests/policies/test_mutants.py",
    "tests/workers/answering/test_layers.py",
    "tests/policies/test_laws.py",
    "tests/workers/answering/test_non_interference.py",
    "tests/workers/sync/test_command.py",
    "tests/workers/admin/test_openapi.py",
    "tests/workers/ops/test_worker_process.py",
    "tests/workers/ingest/test_demo_company.py",
    "tests/test_slack_end_to_end.py",
    "tests/bot/test_page_use.py",
    "tests/survive_plain/test_plain_celery_loses.py",
    "tests/workers/admin/scim/test_compliance.py",
    "tests/policies/test_agreement.py",
    "tests/workers/ingest/test_loading_gone.py",
    "tests/test_link_end_to_end.py",
    "tests/test_end_to_end.py",
)
"""What takes longest starts first: at the end, no process waits for another that has a long file.

`make test` keeps this order, by files. `--durations=0` shows what to put here.
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shuffle", type=int, metavar="SEED", help="shuffle the files, and the tests in each"
    )


def pytest_report_header(config: pytest.Config) -> str | None:
    seed = config.getoption("--shuffle")
    return None if seed is None else f"shuffled: --shuffle={seed} gives the same order"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A file's tests stay together: they share servers that are slow to start."""
    seed = config.getoption("--shuffle")
    if seed is None:
        first = {config.rootpath / name: at for at, name in enumerate(_LONGEST)}
        items.sort(key=lambda one: first.get(one.path, len(first)))
    else:
        chance = random.Random(seed)
        files = sorted({one.path for one in items})
        place = {path: number for number, path in enumerate(chance.sample(files, len(files)))}
        chance.shuffle(items)
        items.sort(key=lambda one: place[one.path])


def pytest_sessionstart(session: pytest.Session) -> None:
    """Workers of xdist leave the servers to the first process."""
    if not hasattr(session.config, "workerinput"):
        session.config.stash[_IN_USE] = ExitStack()
        session.config.stash[_IN_USE].enter_context(servers.home_in_use())


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        session.config.stash[_IN_USE].close()


@pytest.fixture(scope="session", autouse=True)
def this_machine_only() -> Iterator[None]:
    """Connecting to another machine fails the test; nothing that catches errors can hide it."""
    shipped = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex")}

    def guarded(name: str) -> Any:
        def connect(self: socket.socket, address: Any) -> Any:
            if not _is_here(self, address):
                pytest.fail(f"a test connects to {address}, which is not this machine")
            return shipped[name](self, address)

        return connect

    with pytest.MonkeyPatch.context() as patch:
        for name in shipped:
            patch.setattr(socket.socket, name, guarded(name))
        yield


def _is_here(connecting: socket.socket, address: Any) -> bool:
    if connecting.family == socket.AF_UNIX:
        return True
    host = address[0]
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name, which a resolver elsewhere would be asked for
        return False


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


@pytest.fixture(scope="session")
def kept_database(own_database: Settings) -> Iterator[Database]:
    database = Database(own_database)
    yield database
    database.close()


@pytest.fixture
def database(settings: Settings, kept_database: Database) -> Database:
    return servers.Borrowed(kept_database)


class _KeptParser(Parser):
    """Its child outlives a load that ends well; after others it may be in the midst of a file."""

    def __exit__(self, kind: object = None, *_: object) -> None:
        if kind:
            self.close()


@pytest.fixture(scope="session", autouse=True)
def parsers_are_kept() -> Iterator[None]:
    """Loads of a process read with one child: its start costs more than most tests' files."""
    kept: dict[Limits, Parser] = {}

    def parser(limits: Limits = DEFAULT_LIMITS) -> Parser:
        return kept.setdefault(limits, _KeptParser(limits))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "Parser", parser)
        yield
    for one in kept.values():
        one.close()


@pytest.fixture(autouse=True)
def databases_close() -> Iterator[None]:
    """What a test opened is closed after it; a pool that is forgotten warns in a later one."""
    yield
    servers.close_opened()
