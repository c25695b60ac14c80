import pytest

from tests.policies.world import World
from workers.database import Database


@pytest.fixture
def world(database: Database) -> World:
    return World(database)
