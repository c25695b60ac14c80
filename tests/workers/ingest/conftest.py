from pathlib import Path

import pytest

from tests.workers.ingest.folder import Folder, Shelf
from workers.database.sessions import Database


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    root = tmp_path / "wiki"
    root.mkdir()
    return Folder(root)


@pytest.fixture
def shelf(database: Database) -> Shelf:
    return Shelf(database)
