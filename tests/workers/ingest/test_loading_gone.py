"""What is no longer in a folder: files, people, accounts and groups."""

from pathlib import Path

import pytest

from policies.names import resolve_user
from policies.tables.people import UserStatus
from tests.workers.ingest.folder import (
    STAFF,
    FakeEmbedder,
    Folder,
    Shelf,
    document,
    group,
    left_out,
    user,
)
from workers.errors import InputInvalid


@pytest.fixture
def folder(folder: Folder) -> Folder:
    folder.principals(*STAFF)
    return folder


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
