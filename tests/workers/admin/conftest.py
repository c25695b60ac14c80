"""An admin API that is called in this process, and a company that it administers."""

from collections.abc import Iterator

import pytest

from policies.change import Change
from policies.described import Person
from tests.policies.world import World
from tests.workers.admin.calls import Api
from workers.admin.api import make_app
from workers.database.sessions import Database
from workers.settings import Settings


@pytest.fixture
def api(settings: Settings, database: Database) -> Iterator[Api]:
    app = make_app(settings)
    yield Api(app, database)
    app.state.database.close()


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
