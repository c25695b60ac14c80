"""What happens to a folder, or to its source, while it is loaded."""

from collections.abc import Callable

import pytest

from tests.workers.ingest.folder import STAFF, Folder, Shelf, document
from workers.errors import InputInvalid, ServerUnavailable
from workers.ingest.bundle import FolderChanged, read_bundle
from workers.ingest.looks import look_at_control_files
from workers.ingest.pipeline import Loading
from workers.ingest.turns import alone

Meanwhile = Callable[[str, Callable[[], object]], None]
ANA = {"path": "", "allow": ["user:ana"]}


@pytest.fixture
def folder(folder: Folder) -> Folder:
    folder.principals(*STAFF)
    folder.permissions(ANA)
    folder.file("a.md", "# A\n\nAll about a.")
    folder.file("b.md", "# B\n\nAll about b.")
    return folder


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Do something once, right after this step of a load."""

    def after(step: str, deed: Callable[[], object]) -> None:
        shipped = getattr(Loading, step)
        left = [deed]

        def steps(*given: object) -> object:
            result = shipped(*given)
            if left:
                left.pop()()
            return result

        monkeypatch.setattr(Loading, step, steps)

    return after


def test_a_file_that_is_added_is_left_to_the_load_that_has_read_its_permission(
    folder: Folder, shelf: Shelf, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its line was written first, and that alone must do: the file is not read without it."""
    monkeypatch.setattr("workers.ingest.bundle.Bundle.require_unchanged", lambda _: None)

    def add() -> None:
        folder.permissions(ANA, {"path": "salary.md", "allow": ["user:cy"], "inherit": False})
        folder.file("salary.md", "# Salary\n\nAll of them.")

    meanwhile("_put_access", add)
    shelf.load(folder)
    assert shelf.readable_by("ana") == {"a.md", "b.md"}
    shelf.load(folder)
    assert shelf.readable_by("ana") == {"a.md", "b.md"}
    assert shelf.readable_by("cy") == {"salary.md"}


def test_a_folder_that_is_added_is_loaded_the_next_time(
    folder: Folder, shelf: Shelf, meanwhile: Meanwhile
) -> None:
    meanwhile("_put_access", lambda: folder.file("new/c.md", "# C\n\nAll about c."))
    assert shelf.load(folder).new == 2
    assert shelf.load(folder).new == 1
    assert shelf.readable_by("ana") == {"a.md", "b.md", "new/c.md"}


def test_files_that_vanish_all_at_once_take_nothing_away(
    folder: Folder, shelf: Shelf, meanwhile: Meanwhile
) -> None:
    """Such as those of a mount that goes away: the next load asks first."""
    for number in range(30):
        folder.file(f"page {number}.md", f"# Page\n\nNumber {number}.")
    shelf.load(folder)

    def empty() -> None:
        for file in folder.root.glob("*.md"):
            file.unlink()

    meanwhile("_put_access", empty)
    report = shelf.load(folder)
    assert (report.removed, len(report.left_out)) == (0, 32)
    assert len(shelf.readable_by("ana")) == 32


def test_a_permission_that_is_taken_away_ends_a_load_before_its_next_document(
    folder: Folder, shelf: Shelf, meanwhile: Meanwhile
) -> None:
    meanwhile("_load", lambda: folder.permissions({"path": "", "allow": ["user:bo"]}))
    with pytest.raises(FolderChanged):
        shelf.load(folder)
    assert shelf.texts() == {}
    shelf.load(folder)
    assert shelf.readable_by("ana") == set()
    assert shelf.readable_by("bo") == {"a.md", "b.md"}


def test_a_list_of_documents_that_is_cut_short_takes_nothing_away(
    folder: Folder, shelf: Shelf, meanwhile: Meanwhile
) -> None:
    lines = [document(f"page {number}", "user:ana") for number in range(30)]
    folder.documents(*lines)
    shelf.load(folder)
    meanwhile("_put_access", lambda: folder.documents(lines[0]))
    with pytest.raises(FolderChanged):
        shelf.load(folder)
    assert len(shelf.readable_by("ana")) == 30


def test_two_loads_of_a_source_do_not_run_at_once(
    folder: Folder, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older one would store its text with the readers that it has read."""
    monkeypatch.setattr("workers.ingest.pipeline._PATIENCE_S", 0.0)
    with alone(shelf.database, "wiki"):
        with pytest.raises(ServerUnavailable, match="Another load or push"):
            shelf.load(folder)
        with alone(shelf.database, "drive"):
            pass
    assert shelf.texts() == {}
    assert shelf.load(folder).new == 2


def test_a_folder_is_read_only_with_the_permissions_that_were_whole(folder: Folder) -> None:
    settled = look_at_control_files(folder.root)
    assert read_bundle(folder.root, settled=settled).total == 2
    folder.permissions(ANA, {"path": "a.md", "allow": ["user:bo"]})
    with pytest.raises(FolderChanged):
        read_bundle(folder.root, settled=settled)


def test_a_control_file_that_cannot_be_read_is_named(folder: Folder) -> None:
    (folder.root / "source.json").mkdir()
    with pytest.raises(InputInvalid, match=r"source\.json cannot be read"):
        read_bundle(folder.root)
