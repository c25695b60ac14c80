"""An admin API that is called in this process, and a company that it administers."""

from collections.abc import Iterator

import pytest

from policies.change import Change
from policies.described import Person
from tests.policies.world import World
from tests.workers.admin.calls import Api
from tests.workers.ingest.folder import FakeEmbedder, Shelf
from workers.admin.api import make_app
from workers.database.sessions import Database
from workers.ingest.parse import Limits, Parser
from workers.ingest.push import Pushing
from workers.settings import Settings


@pytest.fixture(scope="session")
def shared_api(own_database: Settings) -> Iterator[Api]:
    """One app for all tests: to build it and its OpenAPI takes longer than most of them."""
    app = make_app(own_database, lambda: (FakeEmbedder(), None))
    yield Api(app, app.state.database)
    app.state.pushing.close()
    app.state.database.close()


@pytest.fixture
def api(shared_api: Api, database: Database) -> Api:
    shared_api.database = database
    return shared_api


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def people(database: Database) -> dict[str, int]:
    """Ana and Ben, with accounts in the wiki."""
    with database.session("syncer") as session:
        change = Change(session, actor="test")
        source_id = change.put_source("wiki")
        people = {
            name: change.put_user(
                source_id, Person(name, name.title(), email=f"{name}@acme.example")
            )
            for name in ("ana", "ben")
        }
    return people


@pytest.fixture
def shelf(database: Database, people: dict[str, int]) -> Shelf:
    return Shelf(database)


@pytest.fixture
def token(api: Api, people: dict[str, int]) -> dict[str, str]:
    return api.token("push:wiki", name="wiki-push")


@pytest.fixture
def embedder() -> FakeEmbedder:
    return FakeEmbedder()


@pytest.fixture(scope="session")
def parser() -> Iterator[Parser]:
    """Its child is slow to start: one serves all tests of pushed documents."""
    with Parser(Limits(file_bytes=1_000_000)) as parser:
        yield parser


@pytest.fixture
def pushing(api: Api, parser: Parser, embedder: FakeEmbedder) -> Iterator[Pushing]:
    """What the API pushes with: an embedder of this test's own."""
    state = api.app.state
    shared = state.pushing
    state.pushing = Pushing(state.database, parser, lambda: (embedder, None))
    yield state.pushing
    state.pushing = shared
