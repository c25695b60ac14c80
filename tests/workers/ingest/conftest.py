from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.ingest.folder import Folder, Shelf
from workers.database.sessions import Database
from workers.ingest.parse import Parser


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    root = tmp_path / "wiki"
    root.mkdir()
    return Folder(root)


@pytest.fixture
def shelf(database: Database) -> Shelf:
    return Shelf(database)


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser() as parser:
        yield parser
