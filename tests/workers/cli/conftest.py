"""A home that shares the servers of the tests, and a folder that is loaded."""

from pathlib import Path

import pytest

from tests.workers.cli.terminal import Ken
from tests.workers.ingest.folder import Folder, Shelf, document, group, user
from workers.database.roles import ROLES
from workers.database.sessions import Database
from workers.embedded.servers import write_env
from workers.settings import Settings


@pytest.fixture
def ken(settings: Settings, tmp_path: Path) -> Ken:
    """A home that shares the servers of the tests, and where nothing runs."""
    passwords = {role: settings.password(role).get_secret_value() for role in ROLES}
    redis_url = settings.redis_url.get_secret_value()
    write_env(
        tmp_path / "home",
        {
            "KEN_DATABASE_URL": settings.database_url.get_secret_value(),
            "KEN_REDIS_URL": redis_url,
            **{f"KEN_{role.upper()}_PASSWORD": word for role, word in passwords.items()},
        },
    )
    redis_password = redis_url.removeprefix("redis+socket://:").partition("@")[0]
    return Ken(tmp_path / "home", (*passwords.values(), redis_password))


@pytest.fixture
def shelf(database: Database, tmp_path: Path) -> Shelf:
    """Ana of the staff may read the plan, and Bo may not."""
    folder = Folder(tmp_path / "wiki")
    folder.principals(
        user("ana", name="Ana Lima", email="ana@acme.example"),
        user("bo", name="Bo Berg"),
        group("staff", "group:berlin"),
        group("berlin", "user:ana"),
    )
    folder.documents(
        document("plan", "group:staff", text="The office moves to Hamburg in May."),
        document("pay", "user:bo", text="Pay day is the 25th."),
    )
    shelf = Shelf(database)
    shelf.load(folder)
    return shelf
