"""Administrators of each role, in front of the admin API's own app."""

from collections.abc import Callable

import pytest

from tests.workers.admin.calls import Api
from tests.workers.admin.page.visitor import Visitor
from workers.database.sessions import Database

Arrive = Callable[..., Visitor]


@pytest.fixture
def arrive(api: Api, database: Database) -> Arrive:
    def arriving(role: str = "security", name: str = "ana") -> Visitor:
        return Visitor(api.app, database, name).sign_in(role)

    return arriving


@pytest.fixture
def stranger(api: Api, database: Database) -> Visitor:
    """Somebody who is not signed in."""
    return Visitor(api.app, database)
