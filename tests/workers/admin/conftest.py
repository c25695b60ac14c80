"""An admin API that is called in this process, and a company that it administers."""

from collections.abc import Iterator

import pytest

from policies.change import Change
from policies.described import Person
from tests.policies.world import World
from tests.workers.admin.calls import Api
from tests.workers.ingest.folder import FakeEmbedder
from workers.admin.api import make_app
from workers.database.sessions import Database
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
