from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.answering.asking import only
from tests.workers.ingest.folder import Folder, Shelf
from tests.workers.ingest.indexed import Indexed
from tests.workers.library import Library
from workers.database.sessions import Database
from workers.ingest import reindexing
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


@pytest.fixture
def indexed(library: Library, monkeypatch: pytest.MonkeyPatch) -> Indexed:
    monkeypatch.setattr(reindexing, "_BATCH", 2)
    alice = library.person("alice")
    for number in range(6):
        library.document(f"page {number}", f"The budget of part {number} is large.", only(alice))
    return Indexed(library)
