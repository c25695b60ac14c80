"""Loading into a real database: whole documents only, and never more readers than were named."""

from typing import Any

import pytest

from tests.workers.ingest.files import pdf
from tests.workers.ingest.folder import (
    LIMIT_BYTES,
    STAFF,
    Folder,
    Shelf,
    document,
    left_out,
)

TOO_LONG = "word " * (LIMIT_BYTES * 6 // 25)


@pytest.fixture
def folder(folder: Folder) -> Folder:
    folder.principals(*STAFF)
    return folder


# What is left out, and what becomes of an earlier version


def test_a_document_that_cannot_be_read_is_left_out_with_its_place_and_the_others_are_loaded(
    folder: Folder, shelf: Shelf
) -> None:
    folder.permissions({"path": "", "allow": ["user:ana"]}, {"path": "g.md", "deny": ["user:zoe"]})
    for name, content in {
        "a.md": "# A\n\nAll is well.",
        "b.md": TOO_LONG,
        "c.pdf": "no PDF at all",
        "d.md": "",
        "e.md": "\0\u200b \n",
        "f.exe": "MZ",
        "g.md": "# G\n\nDenied to nobody whom we know.",
        "h.md": "# H\n\nAll is well here too.",
    }.items():
        folder.file(name, content)
    report = shelf.load(folder)
    assert left_out(report) == {
        "b.md": "too large (1.2 MB, limit 1 MB)",
        "c.pdf": "damaged PDF",
        "d.md": "empty",
        "e.md": "empty",
        "f.exe": "not a format Ken reads (.exe)",
        "g.md": "a permission names nobody: 'user:zoe'",
    }
    assert (report.new, report.changed, report.unchanged) == (2, 0, 0)
    assert shelf.readable_by("ana") == {"a.md", "h.md"}
    assert shelf.readable_by("bo") == set()
    assert shelf.is_whole()


def test_a_line_whose_text_is_empty_or_too_long_or_whose_reader_is_nobody_is_left_out(
    folder: Folder, shelf: Shelf
) -> None:
    folder.documents(
        document("good", "user:ana"),
        document("long", "user:ana", text=TOO_LONG),
        document("empty", "user:ana", text=""),
        document("blank", "user:ana", text=" \n\t"),
        document("controls", "user:ana", text="\0\x07\u200b"),
        document("lost", "user:ana", "user:zoe"),
        document("open gate", "user:ana", gates=[["group:zoo"]]),
        document("good too", "user:ana"),
    )
    assert left_out(shelf.load(folder)) == {
        "documents.jsonl:2": "too large (1.2 MB, limit 1 MB)",
        "documents.jsonl:3": "empty",
        "documents.jsonl:4": "empty",
        "documents.jsonl:5": "empty",
        "documents.jsonl:6": "a permission names nobody: 'user:zoe'",
        "documents.jsonl:7": "a permission names nobody: 'group:zoo'",
    }
    assert shelf.readable_by("ana") == {"good", "good too"}
    assert shelf.is_whole()


def test_an_earlier_version_stays_while_its_readers_are_the_same(
    folder: Folder, shelf: Shelf
) -> None:
    folder.documents(document("plan", "user:ana"))
    shelf.load(folder)
    folder.documents(document("plan", "user:ana", text=TOO_LONG))
    assert list(left_out(shelf.load(folder))) == ["documents.jsonl:1"]
    assert shelf.readable_by("ana") == {"plan"}
    assert shelf.texts() == {"plan": "All about plan."}


@pytest.mark.parametrize(
    "changed",
    [
        document("plan", "user:ana", text=TOO_LONG),
        document("plan", "user:ana", "user:bo", "user:cy", text=""),
        document("plan", "user:ana", "user:bo", deny=["user:zoe"]),
        document("plan", "user:ana", "group:zoo"),
        document("plan", "user:ana", "user:bo", gates=[[]]),
    ],
    ids=["too long", "empty", "deny of nobody", "allow of nobody", "gate of nobody"],
)
def test_nobody_reads_an_earlier_version_whose_readers_changed_until_it_is_mended(
    changed: dict[str, Any], folder: Folder, shelf: Shelf
) -> None:
    folder.documents(document("plan", "user:ana", "user:bo"), document("other", "user:ana"))
    shelf.load(folder)
    folder.documents(changed, document("other", "user:ana"))
    shelf.load(folder)
    assert [shelf.readable_by(name) for name in ("ana", "bo", "cy")] == [{"other"}, set(), set()]

    folder.documents(document("plan", "user:bo"), document("other", "user:ana"))
    assert shelf.load(folder).left_out == []
    assert [shelf.readable_by(name) for name in ("ana", "bo", "cy")] == [{"other"}, {"plan"}, set()]


def test_text_loses_what_no_database_holds_and_nobody_sees_and_keeps_all_else(
    folder: Folder, shelf: Shelf
) -> None:
    folder.documents(
        document(
            "odd", "user:ana", text="Ça\0 va\x07, 東京\u200b 👩\u200d🚀\x1b[31m\r\nend\u202e."
        ),
    )
    folder.permissions()
    assert shelf.load(folder).left_out == []
    assert shelf.texts() == {"odd": "Ça va, 東京 👩\u200d🚀[31m\nend."}


def test_a_title_is_one_line_and_has_an_end(folder: Folder, shelf: Shelf) -> None:
    folder.documents(
        document("a", "user:ana") | {"title": " Two\n lines\0 "},
        document("b", "user:ana") | {"title": "word " * 500_000},
        document("c", "user:ana") | {"title": "\0 "},
    )
    assert shelf.load(folder).left_out == []
    titles = dict(shelf.rows("SELECT native_id, title FROM document"))
    assert (titles["a"], titles["c"]) == ("Two lines", "c")
    assert len(titles["b"]) <= 200


# Permissions as they are kept


def test_equal_permissions_are_one_policy_however_they_are_written(
    folder: Folder, shelf: Shelf
) -> None:
    gates = [["user:ana", "group:staff"], ["user:bo", "user:ana"]]
    folder.documents(
        document("a", "user:ana", "user:bo", deny=["user:cy"], gates=gates),
        document("b", "user:bo", "user:ana", "user:bo", deny=["user:cy"], gates=[*gates[::-1]]),
        document("c", "user:bo", "user:ana", deny=["user:cy"], gates=[*gates, gates[0][::-1]]),
        document("other", "user:ana", "user:bo", gates=gates),
    )
    shelf.load(folder)
    policies = dict(shelf.rows("SELECT native_id, policy_id FROM document"))
    assert policies["a"] == policies["b"] == policies["c"] != policies["other"]


def test_documents_in_folders_are_read_by_what_each_folder_above_them_says(
    folder: Folder, shelf: Shelf
) -> None:
    folder.permissions(
        {"path": "", "allow": ["user:ana"]},
        {"path": "open", "allow": ["user:bo"]},
        {"path": "open/shut", "allow": ["user:cy"], "inherit": False},
        {"path": "open/shut/deep/one.md", "allow": ["user:bo"]},
        {"path": "gated", "allow": ["user:bo"], "gates": [["user:bo", "user:cy"]]},
        {"path": "denied", "allow": ["user:bo"], "deny": ["group:staff"]},
        {"path": "denied/anyway.md", "allow": ["user:ana", "user:cy"], "inherit": False},
        {"path": "empty/inner"},
    )
    (folder.root / "empty/inner").mkdir(parents=True)
    for path in (
        "top.md", "plain/d.md", "gated/c.md", "denied/anyway.md",
        "open/a.md", "open/shut/b.md", "open/shut/deep/one.md", "open/shut/deep/two.md",
    ):  # fmt: skip
        folder.file(path, f"# {path}\n\nText of {path}.")
    assert shelf.load(folder).left_out == []
    assert shelf.readable_by("ana") == {"top.md", "plain/d.md", "open/a.md"}
    assert shelf.readable_by("bo") == {"open/a.md", "open/shut/deep/one.md", "gated/c.md"}
    assert shelf.readable_by("cy") == {
        "open/shut/b.md", "open/shut/deep/one.md", "open/shut/deep/two.md", "denied/anyway.md",
    }  # fmt: skip
    assert shelf.readable_by("ana", "bo") == {"open/a.md"}


def test_what_is_read_in_part_is_reported(shelf: Shelf, folder: Folder) -> None:
    pages = [[(700, 11, "The gate opens at seven.")], [(700, 11, "It shuts at nine.")]]
    folder.file("rules.pdf", pdf(*pages, others={12: "null"}))
    report = shelf.load(folder, allow=("class:members",))
    assert [(one.place, one.reason) for one in report.partial] == [
        ("rules.pdf", "1 page was not read: damaged PDF")
    ]
    assert (report.new, report.left_out) == (1, [])
