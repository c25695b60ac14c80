from dataclasses import dataclass

import pytest

from tests.policies.world import World
from tests.prove import mutants
from workers.database.sessions import Database
from workers.settings import Settings


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@dataclass(frozen=True, slots=True)
class Noticed:
    """The mutants that leaked."""

    names: frozenset[str]
    ended: int
    """How many had come to their end, as the bar of `make prove` shows it."""


@pytest.fixture(scope="session")
def noticed(own_database: Settings) -> Noticed:
    """All of them are tried once; each then has a test of its own."""
    database = Database(own_database)
    counts: list[int] = []
    names = frozenset(mutants.noticed(database, tell=counts.append))
    database.close()
    return Noticed(names, sum(counts))
