from collections.abc import Iterator

import pytest

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
