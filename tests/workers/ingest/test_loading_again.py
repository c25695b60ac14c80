"""Loading again: after it was cut off, after a change, with another reader version."""

import pytest
from sqlalchemy import text

from tests.workers.ingest.folder import (
    STAFF,
    FakeEmbedder,
    Folder,
    Shelf,
    document,
)


@pytest.fixture
def folder(folder: Folder) -> Folder:
    folder.principals(*STAFF)
    return folder


def test_a_load_that_is_cut_off_leaves_whole_documents_and_the_next_one_embeds_only_the_rest(
    folder: Folder, shelf: Shelf
) -> None:
    names = [f"page {number}" for number in range(6)]
    folder.documents(*(document(name, "user:ana") for name in names))
    shelf.embedder = FakeEmbedder(cut_off_at=4)
    with pytest.raises(KeyboardInterrupt):
        shelf.load(folder)
    assert set(shelf.texts()) == set(names[:3])
    assert shelf.readable_by("ana") == set(names[:3])
    assert shelf.readable_by("cy") == set()
    assert shelf.is_whole()

    shelf.embedder = FakeEmbedder()
    report = shelf.load(folder)
    assert (report.new, report.unchanged, shelf.embedder.calls) == (3, 3, 3)
    assert shelf.readable_by("ana") == set(names)
    assert shelf.is_whole()


def test_a_document_that_is_cut_off_in_the_middle_is_as_it_was_before(
    folder: Folder, shelf: Shelf
) -> None:
    long = "\n\n".join(f"# Part {number}\n\n{'Many words here. ' * 60}" for number in range(8))
    folder.documents(document("book", "user:ana"))
    shelf.load(folder)
    before = shelf.texts()
    folder.documents(document("book", "user:ana", text=long), document("new", "user:bo", text=long))
    for cut_off_at in (1, 5):
        shelf.embedder = FakeEmbedder(cut_off_at=cut_off_at)
        with pytest.raises(KeyboardInterrupt):
            shelf.load(folder)
        assert shelf.texts() == before
        assert shelf.readable_by("ana") == {"book"}
        assert shelf.readable_by("bo") == set()
        assert shelf.is_whole()
    shelf.embedder = FakeEmbedder()
    shelf.load(folder)
    assert shelf.readable_by("bo") == {"new"}
    assert shelf.is_whole()


def test_a_revocation_counts_at_once_even_if_the_load_is_cut_off_before_its_document(
    folder: Folder, shelf: Shelf
) -> None:
    folder.documents(document("a", "user:ana"), document("plan", "user:ana", "user:bo"))
    shelf.load(folder)
    folder.documents(document("a", "user:ana", text="Anew."), document("plan", "user:bo"))
    shelf.embedder = FakeEmbedder(cut_off_at=1)
    with pytest.raises(KeyboardInterrupt):
        shelf.load(folder)
    assert shelf.readable_by("ana") == {"a"}
    assert shelf.texts()["a"] == "All about a."

    shelf.embedder = FakeEmbedder()
    shelf.load(folder)
    assert (shelf.embedder.calls, shelf.readable_by("ana")) == (1, {"a"})
    assert shelf.readable_by("bo") == {"plan"}


def test_an_unchanged_load_embeds_nothing_and_rewrites_no_document(
    folder: Folder, shelf: Shelf
) -> None:
    folder.permissions(
        {"path": "", "allow": ["group:staff"]},
        {"path": "hr", "gates": [["user:ana"], ["group:staff", "user:cy"]], "inherit": False},
        {"path": "hr/pay.md", "allow": ["user:ana"], "deny": ["user:cy"]},
    )
    folder.file("news.md", "# News\n\nWe moved.")
    folder.file("hr/pay.md", "# Pay\n\nOn the 25th.")
    shelf.load(folder)
    before, tables = shelf.versions(), shelf.dump()

    shelf.embedder = FakeEmbedder()
    report = shelf.load(folder)
    assert (report.new, report.changed, report.unchanged, report.removed) == (0, 0, 2, 0)
    assert shelf.embedder.calls == 0
    assert shelf.versions() == before
    after = shelf.dump()
    told_of_the_load = {"epoch", "audit", "source"}
    assert {name for name in after if after[name] != tables[name]} <= told_of_the_load


def test_changed_readers_of_an_unchanged_text_are_changed_without_embedding(
    folder: Folder, shelf: Shelf
) -> None:
    folder.documents(document("plan", "user:ana"), document("other", "user:ana"))
    shelf.load(folder)
    chunks = shelf.rows("SELECT id FROM chunk ORDER BY id")

    shelf.embedder = FakeEmbedder()
    folder.documents(document("plan", "user:bo"), document("other", "user:ana"))
    report = shelf.load(folder)
    assert (report.unchanged, shelf.embedder.calls) == (2, 0)
    assert shelf.readable_by("ana") == {"other"}
    assert shelf.readable_by("bo") == {"plan"}
    assert shelf.rows("SELECT id FROM chunk ORDER BY id") == chunks


def test_a_changed_text_is_embedded_and_no_other_and_keeps_its_readers(
    folder: Folder, shelf: Shelf
) -> None:
    folder.documents(document("plan", "user:ana"), document("other", "user:ana"))
    shelf.load(folder)
    shelf.embedder = FakeEmbedder()
    folder.documents(document("plan", "user:ana", text="Anew."), document("other", "user:ana"))
    report = shelf.load(folder)
    assert (report.changed, report.unchanged, shelf.embedder.calls) == (1, 1, 1)
    assert shelf.texts() == {"plan": "Anew.", "other": "All about other."}
    assert shelf.readable_by("ana") == {"plan", "other"}
    assert shelf.readable_by("bo") == set()
    assert shelf.is_whole()


def test_a_changed_folder_changes_its_readers_and_touches_no_document(
    folder: Folder, shelf: Shelf
) -> None:
    folder.permissions({"path": "hr", "allow": ["user:ana"]})
    folder.file("hr/pay.md", "# Pay\n\nOn the 25th.")
    shelf.load(folder)
    before = shelf.versions()
    folder.permissions({"path": "hr", "allow": ["user:bo"]})
    shelf.load(folder)
    assert shelf.readable_by("ana") == set()
    assert shelf.readable_by("bo") == {"hr/pay.md"}
    assert shelf.versions() == before

    folder.permissions()
    shelf.load(folder)
    assert shelf.readable_by("bo") == set()


def test_what_another_version_read_is_read_again_and_only_new_text_is_embedded(
    shelf: Shelf, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.documents(document("a", "class:members", text="# One\n\nText.\n\n# Two\n\nMore."))
    assert (shelf.load(folder).embedded, shelf.embedder.calls) == (2, 2)
    before = shelf.versions()
    assert (shelf.load(folder).unchanged, shelf.versions()) == (1, before)

    monkeypatch.setattr("workers.ingest.store.READER_VERSION", 999)
    report = shelf.load(folder)
    assert (report.changed, report.chunks, report.embedded) == (1, 2, 0)

    folder.documents(document("a", "class:members", text="# One\n\nText.\n\n# Two\n\nOther."))
    assert (shelf.load(folder).embedded, shelf.embedder.calls) == (1, 3)


def test_what_was_stored_without_hashes_is_not_embedded_again(shelf: Shelf, folder: Folder) -> None:
    folder.documents(document("a", "class:members", text="Text."))
    shelf.load(folder)
    with shelf.database.session("indexer") as session:
        session.execute(text("UPDATE embedding SET text_hash = NULL"))
        session.execute(text("UPDATE document SET reader_version = 0"))
    report = shelf.load(folder)
    assert (report.changed, report.embedded) == (1, 0)
    assert shelf.is_whole()


def test_equal_text_of_two_documents_is_embedded_once(shelf: Shelf, folder: Folder) -> None:
    same = {"title": "Leave", "text": "Thirty days."}
    folder.documents(document("a", "class:members") | same, document("b", "class:members") | same)
    report = shelf.load(folder)
    assert (report.new, report.chunks, report.embedded, shelf.embedder.calls) == (2, 2, 1, 1)
