"""Loading into a real database: whole documents only, and never more readers than were told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from policies import Audience
from policies.names import resolve_user
from policies.tables.people import UserStatus
from tests.workers.ingest.folder import (
    LIMIT_BYTES,
    FakeEmbedder,
    Folder,
    Shelf,
    document,
    group,
    user,
)
from tests.workers.ingest.test_parse import pdf
from workers.answering.answer import compose_answer
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.ingest.bundle import read_bundle
from workers.ingest.pipeline import Loading, Report
from workers.models.embedded import QuotingAnswerer
from workers.models.embedder import MiniLM
from workers.replies.rendering import EXAMPLES
from workers.services import Services
from workers.settings import Settings

COMPANY = Path(__file__).parents[3] / "examples" / "company"
TOO_LONG = "word " * (LIMIT_BYTES * 6 // 25)


@pytest.fixture
def folder(folder: Folder) -> Folder:
    folder.principals(user("ana"), user("bo"), user("cy"), group("staff", "user:ana", "user:bo"))
    return folder


def left_out(report: Report) -> dict[str, str]:
    return {one.place: one.reason for one in report.left_out}


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


# Cut off, and repeated


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


# What is gone


def test_a_file_that_is_gone_is_removed_with_its_text_and_its_vectors(
    folder: Folder, shelf: Shelf
) -> None:
    folder.permissions({"path": "", "allow": ["user:ana"]})
    folder.file("stays.md", "# Stays\n\nHere.")
    gone = folder.file("sub/goes.md", "# Goes\n\nAway.")
    shelf.load(folder)
    gone.unlink()
    report = shelf.load(folder)
    assert (report.removed, report.unchanged) == (1, 1)
    assert shelf.readable_by("ana") == {"stays.md"}
    left = shelf.dump()
    assert [len(left[table]) for table in ("document", "chunk", "embedding")] == [1, 1, 1]


def test_removing_from_one_source_leaves_the_other_alone(
    folder: Folder, shelf: Shelf, tmp_path: Path
) -> None:
    other = Folder(tmp_path / "drive")
    other.principals(user("zoe"))
    other.documents(document("plan", "user:zoe"), document("more", "user:zoe"))
    folder.documents(document("plan", "user:ana"))
    shelf.load(folder)
    shelf.load(other)
    other.documents(document("more", "user:zoe"))
    assert shelf.load(other).removed == 1
    assert shelf.readable_by("ana") == {"plan"}
    assert shelf.readable_by("zoe") == {"more"}


def test_a_file_that_became_a_folder_and_a_folder_that_became_a_file_are_what_they_are_now(
    folder: Folder, shelf: Shelf
) -> None:
    folder.permissions({"path": "", "allow": ["user:ana"]})
    turns = folder.file("guide.md", "# Guide\n\nOne page.")
    shelf.load(folder)
    turns.unlink()
    part = folder.file("guide.md/part.md", "# Part\n\nMany pages.")
    shelf.load(folder)
    assert shelf.readable_by("ana") == {"guide.md/part.md"}

    part.unlink()
    turns.rmdir()
    folder.file("guide.md", "# Guide\n\nOne page again.")
    shelf.load(folder)
    assert shelf.readable_by("ana") == {"guide.md"}


def test_who_is_gone_from_the_list_of_people_is_suspended_until_back(
    folder: Folder, shelf: Shelf
) -> None:
    folder.documents(document("plan", "group:staff"), document("all", "class:members"))
    shelf.load(folder)
    assert shelf.readable_by("bo") == {"plan", "all"}
    everybody = (folder.root / "principals.jsonl").read_text()
    folder.principals(user("ana"), user("cy"), group("staff", "user:ana"))
    shelf.load(folder)
    assert shelf.readable_by("ana") == {"plan", "all"}
    assert shelf.readable_by("bo") == set()
    assert status_of(shelf, "bo") is UserStatus.SUSPENDED

    folder.file("principals.jsonl", everybody)
    shelf.load(folder)
    assert shelf.readable_by("bo") == {"plan", "all"}


def test_a_folder_without_a_list_of_people_changes_nobody(folder: Folder, shelf: Shelf) -> None:
    folder.documents(document("plan", "group:staff"))
    shelf.load(folder)
    (folder.root / "principals.jsonl").unlink()
    assert shelf.load(folder).unchanged == 1
    assert shelf.readable_by("ana") == shelf.readable_by("bo") == {"plan"}


def test_a_second_account_of_a_person_in_the_same_source_suspends_nobody(
    folder: Folder, shelf: Shelf
) -> None:
    folder.principals(user("ana", identities={"wiki": "ana@acme.example"}), user("bo"))
    folder.documents(document("plan", "user:ana"))
    shelf.load(folder)
    assert shelf.readable_by("ana") == {"plan"}
    assert shelf.readable_by("bo") == set()


def test_an_account_elsewhere_is_linked_while_the_folder_names_it(
    folder: Folder, shelf: Shelf
) -> None:
    folder.documents(document("plan", "class:members"))
    folder.principals(user("ana", identities={"slack:T1": "U1"}), user("bo"))
    shelf.load(folder)
    assert linked(shelf, "slack:T1", "U1") == linked(shelf, "wiki", "ana")
    folder.principals(user("ana"), user("bo", identities={"slack:T1": "U2"}))
    shelf.load(folder)
    assert linked(shelf, "slack:T1", "U1") is None
    assert linked(shelf, "slack:T1", "U2") == linked(shelf, "wiki", "bo")
    assert linked(shelf, "wiki", "ana") is not None


def test_an_account_of_somebody_deleted_is_nobodys_and_its_deny_bars_who_may_have_it_next(
    folder: Folder, shelf: Shelf, tmp_path: Path
) -> None:
    """As when the identity provider deletes them. Cy has an account in the drive, Bo has none."""
    folder.documents(document("plan", "class:members"))
    people = user("bo"), user("cy", identities={"drive": "U2"})
    folder.principals(user("ana", identities={"drive": "U1"}), *people)
    shelf.load(folder)
    drive = Folder(tmp_path / "drive")
    drive.documents(document("page", "class:members", deny=["user:U1"]))
    shelf.load(drive)
    assert (shelf.readable_by("bo"), shelf.readable_by("ana")) == ({"plan", "page"}, {"plan"})
    folder.principals(user("ana", identities={"drive": "U1"}, status="deleted"), *people)
    shelf.load(folder)
    assert linked(shelf, "drive", "U1") is None
    assert (shelf.readable_by("bo"), shelf.readable_by("cy")) == ({"plan"}, {"plan", "page"})


def test_an_account_that_another_folder_gave_to_somebody_else_is_never_taken_over(
    folder: Folder, shelf: Shelf, tmp_path: Path
) -> None:
    folder.documents(document("plan", "class:members"))
    folder.principals(user("ana", identities={"slack:T1": "U1"}))
    shelf.load(folder)
    other = Folder(tmp_path / "drive")
    other.documents(document("page", "class:members"))
    other.principals(user("mallory", identities={"slack:T1": "U1"}))
    before = shelf.dump()
    with pytest.raises(InputInvalid, match="user 'mallory': identities: slack:T1: 'U1'"):
        shelf.load(other)
    assert shelf.dump() == before


def test_who_left_a_group_reads_no_more_of_what_the_group_reads(
    folder: Folder, shelf: Shelf
) -> None:
    folder.principals(user("ana", groups=["staff"]), user("bo"), group("staff", "user:bo"))
    folder.documents(document("plan", "group:staff"))
    shelf.load(folder)
    folder.principals(user("ana"), user("bo"), group("staff", "user:bo"))
    shelf.load(folder)
    assert shelf.readable_by("ana") == set()
    assert shelf.readable_by("bo") == {"plan"}


NO_INTERNS = (user("ana"), user("bo"), user("cy"))
INTERNS = (*NO_INTERNS, group("interns", "user:ana"))


def test_a_group_that_is_gone_is_empty_and_a_document_that_denies_it_is_closed(
    folder: Folder, shelf: Shelf
) -> None:
    folder.principals(*INTERNS)
    folder.documents(
        document("plan", "class:members", deny=["group:interns"]),
        document("gated", "class:members", gates=[["group:interns", "user:bo"]]),
        document("for interns", "group:interns"),
        document("all", "class:members"),
    )
    shelf.load(folder)
    assert shelf.readable_by("ana") == {"gated", "for interns", "all"}
    assert shelf.readable_by("bo") == {"plan", "gated", "all"}

    folder.principals(*NO_INTERNS)
    for _ in range(2):  # again, and it stays so
        report = shelf.load(folder)
        assert left_out(report) == {
            f"documents.jsonl:{number}": "a permission names nobody: 'group:interns'"
            for number in (1, 2, 3)
        }
        assert shelf.readable_by("ana") == shelf.readable_by("bo") == {"all"}

    folder.principals(*INTERNS)
    assert shelf.load(folder).left_out == []
    assert shelf.readable_by("ana") == {"gated", "for interns", "all"}
    assert shelf.readable_by("bo") == {"plan", "gated", "all"}


def test_what_denies_a_group_that_is_gone_is_closed_at_once_even_if_the_load_is_cut_off(
    folder: Folder, shelf: Shelf
) -> None:
    """Cut off before the turn of "plan" has come: some documents are embedded ahead."""
    names = [f"a{number}" for number in range(8)]
    folder.principals(*INTERNS)
    folder.documents(
        *(document(name, "user:bo") for name in names),
        document("plan", "class:members", deny=["group:interns"]),
    )
    shelf.load(folder)
    folder.principals(*NO_INTERNS)
    folder.documents(
        *(document(name, "user:bo", text="Anew.") for name in names),
        document("plan", "class:members"),
    )
    shelf.embedder = FakeEmbedder(cut_off_at=1)
    with pytest.raises(KeyboardInterrupt):
        shelf.load(folder)
    assert shelf.readable_by("ana") == set()
    assert shelf.readable_by("bo") == set(names)

    shelf.embedder = FakeEmbedder()
    shelf.load(folder)
    assert shelf.readable_by("ana") == {"plan"}


def test_what_denies_a_group_that_is_gone_stays_closed_without_the_list_of_people(
    folder: Folder, shelf: Shelf
) -> None:
    folder.principals(*INTERNS)
    folder.documents(document("plan", "class:members", deny=["group:interns"]))
    shelf.load(folder)
    folder.principals(*NO_INTERNS)
    shelf.load(folder)
    (folder.root / "principals.jsonl").unlink()
    shelf.load(folder)
    assert shelf.readable_by("ana") == set()


def test_a_folder_that_denies_a_group_that_is_gone_opens_to_nobody_whom_it_was_closed_to(
    folder: Folder, shelf: Shelf
) -> None:
    folder.principals(*INTERNS)
    folder.permissions({"path": "", "allow": ["class:members"], "deny": ["group:interns"]})
    folder.file("plan.md", "# Plan\n\nSecret.")
    shelf.load(folder)
    assert shelf.readable_by("bo") == {"plan.md"}
    folder.principals(*NO_INTERNS)
    with pytest.raises(InputInvalid, match=r"the root folder: .* nobody: 'group:interns'"):
        shelf.load(folder)
    assert shelf.readable_by("ana") == set()

    folder.permissions({"path": "", "allow": ["class:members"], "deny": ["user:ana"]})
    shelf.load(folder)
    assert shelf.readable_by("ana") == set()
    assert shelf.readable_by("bo") == {"plan.md"}


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


# The demo company


def test_the_demo_company_loads_completely_and_each_person_reads_what_its_files_say(
    shelf: Shelf,
) -> None:
    report = shelf.load(Folder(COMPANY))
    people = [line for line in lines_of("principals.jsonl") if line["type"] == "user"]
    assert report.left_out == []
    assert (report.new, report.users, report.groups) == (111, 27, 19)
    assert shelf.is_whole()
    for person in people:
        assert shelf.readable_by(person["id"]) == expected(person), person["id"]
    assert len({frozenset(expected(person)) for person in people}) > 10, "too easy an oracle"


def test_the_examples_of_the_help_text_are_answered_in_the_demo_company(
    database: Database, settings: Settings
) -> None:
    """By the page that the evaluation set expects, in its own words."""
    embedder = MiniLM.load()
    Loading(
        database, embedder, read_bundle(COMPANY), tell=lambda _: None, limit_bytes=LIMIT_BYTES
    ).run()
    services = Services(settings, database, embedder, QuotingAnswerer(embedder))
    asked = [line for line in lines_of("questions.jsonl") if line["text"] in EXAMPLES]
    assert {line["text"] for line in asked if line["expected"] == "answer"} == set(EXAMPLES)
    for line in asked:
        with database.session("answerer") as session:
            audience = Audience.of([resolve_user(session, line["asker"])])
        reply = compose_answer(services, line["text"], audience).reply
        told = " ".join(sentence.text for sentence in reply.lines)
        if line["expected"] == "answer":
            assert line["expected_answer"] in told, line
        for marker in line["leak_markers"]:
            assert marker not in told, line


def expected(person: dict[str, Any]) -> set[str]:
    """What the files of the company give this person, without a line of Ken's own code."""
    if person["status"] != "active":
        return set()
    held = {f"user:{person['id']}", "class:internet", "class:members_and_guests"}
    held |= {"class:members"} if person["kind"] == "member" else set()
    groups = [line for line in lines_of("principals.jsonl") if line["type"] == "group"]
    for _ in groups:
        held |= {f"group:{line['id']}" for line in groups if held & set(line["members"])}
    said = {line["path"]: line for line in lines_of("permissions.jsonl")}
    base = COMPANY / "documents"
    files = (file.relative_to(base).as_posix() for file in base.rglob("*") if file.is_file())
    return {file for file in files if reads(held, [said.get(path, {}) for path in chain(file)])}


def reads(held: set[str], chain: list[dict[str, Any]]) -> bool:
    if any(held & set(line.get("deny", ())) for line in chain):
        return False
    if not all(held & set(gate) for line in chain for gate in line.get("gates", ())):
        return False
    for line in chain:
        if held & set(line.get("allow", ())):
            return True
        if not line.get("inherit", True):
            return False
    return False


def chain(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""


def lines_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (COMPANY / name).read_text().splitlines()]


def linked(shelf: Shelf, source: str, native_id: str) -> int | None:
    """The user whose account in the source this is."""
    accounts = shelf.rows("""
        SELECT source.name, native_id, user_id FROM identity JOIN source ON source.id = source_id
    """)
    return {(name, account): user_id for name, account, user_id in accounts}.get(
        (source, native_id)
    )


def status_of(shelf: Shelf, name: str) -> UserStatus:
    with shelf.database.session("answerer") as session:
        user_id = resolve_user(session, name)
    ((status,),) = shelf.rows(f"SELECT status FROM user_account WHERE id = {user_id}")  # noqa: S608
    return UserStatus(status)


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


def test_what_is_read_in_part_is_reported(shelf: Shelf, folder: Folder) -> None:
    pages = [[(700, 11, "The gate opens at seven.")], [(700, 11, "It shuts at nine.")]]
    folder.file("rules.pdf", pdf(*pages, others={12: "null"}))
    report = shelf.load(folder, allow=("class:members",))
    assert [(one.place, one.reason) for one in report.partial] == [
        ("rules.pdf", "1 page was not read: damaged PDF")
    ]
    assert (report.new, report.left_out) == (1, [])
