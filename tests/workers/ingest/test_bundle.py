"""What a folder may look like, and that a folder which is not understood changes nothing."""

import json
import os
import shutil
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.workers.ingest.folder import Folder, Line, Shelf, document, group, user
from workers.errors import InputInvalid
from workers.ingest.bundle import Bundle, DocumentLine, ancestors, read_bundle

PEOPLE = (
    user("ana", groups=["staff"], identities={"slack": "U1"}),
    user("bo"),
    group("staff", "user:bo"),
)


def listed(bundle: Bundle) -> list[str]:
    return [one.native_id for one in bundle.documents()]


def plain_text(bundle: Bundle) -> dict[str, DocumentLine | Path]:
    return {one.native_id: one.read() for one in bundle.documents()}


@pytest.fixture
def files(folder: Folder) -> Folder:
    """The form with a file for each document; every test spoils one thing of it."""
    return as_files(folder)


@pytest.fixture
def lines(folder: Folder) -> Folder:
    """The form with a line for each document."""
    return as_lines(folder)


def as_files(folder: Folder) -> Folder:
    folder.principals(*PEOPLE)
    folder.permissions({"path": "", "allow": ["group:staff"]}, {"path": "hr", "deny": ["user:bo"]})
    folder.file("documents/news.md", "# News\n\nWe moved.")
    folder.file("documents/hr/pay.md", "# Pay\n\nPaid on the 25th.")
    return folder


def as_lines(folder: Folder) -> Folder:
    folder.principals(*PEOPLE)
    folder.documents(document("news", "group:staff"), document("pay", "user:ana"))
    return folder


# What is understood


def test_a_file_for_each_document_is_known_by_its_path_and_hangs_below_its_folders(
    files: Folder,
) -> None:
    bundle = read_bundle(files.root)
    assert [(one.native_id, one.parents) for one in bundle.documents()] == [
        ("hr/pay.md", ("", "hr")),
        ("news.md", ("",)),
    ]
    assert (bundle.total, bundle.source) == (2, "wiki")
    assert {path: named.allow for path, named in bundle.folders.items()} == {
        "": ("group:staff",),
        "hr": (),
    }
    assert bundle.folders["hr"].deny == ("user:bo",)


def test_a_line_for_each_document_tells_its_text_its_readers_and_where_it_stands(
    lines: Folder,
) -> None:
    bundle = read_bundle(lines.root)
    assert [(one.native_id, one.parents, one.place) for one in bundle.documents()] == [
        ("news", (), "documents.jsonl:1"),
        ("pay", (), "documents.jsonl:2"),
    ]
    first = next(bundle.documents())
    assert first.permissions.allow == ("group:staff",)
    body = first.read()
    assert isinstance(body, DocumentLine)
    assert body.text == "All about news."


def test_people_are_read_with_their_profile_their_accounts_and_their_groups(
    folder: Folder,
) -> None:
    folder.documents(document("news", "class:members"))
    folder.principals(
        user("ana", name="Ana", kind="guest", status="suspended", country="DE", groups=["staff"],
             identities={"slack:T1": "U1"}),
        group("staff"),
    )  # fmt: skip
    bundle = read_bundle(folder.root)
    (ana,) = bundle.users
    assert (ana.name, ana.kind, ana.status, ana.groups) == ("Ana", "guest", "suspended", ("staff",))
    assert ana.profile() == {"country": "DE"}
    assert ana.identities == {"slack:T1": "U1"}


def test_files_lie_in_documents_or_beside_the_lists_which_are_no_documents(folder: Folder) -> None:
    folder.permissions({"path": "", "allow": ["class:members"]})
    folder.principals(user("ana"))
    for name in ("a.md", "README.md", "questions.jsonl", ".hidden.md", ".git/config.md"):
        folder.file(name, "text")
    folder.file("deep/README.md", "text")
    assert listed(read_bundle(folder.root)) == ["a.md", "deep/README.md"]

    folder.file("documents/README.md", "text")
    folder.file("documents/b.md", "text")
    assert listed(read_bundle(folder.root)) == ["README.md", "b.md"]


def test_a_link_that_leaves_the_folder_is_no_document_and_one_that_stays_is(
    files: Folder, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("not ours")
    base = files.root / "documents"
    (base / "out.md").symlink_to(secret)
    (base / "loop.md").symlink_to(base / "loop.md")
    (base / "in.md").symlink_to(base / "news.md")
    assert listed(read_bundle(files.root)) == ["hr/pay.md", "in.md", "news.md"]


def test_the_source_is_named_by_the_command_else_by_source_json_else_by_the_folder(
    files: Folder,
) -> None:
    assert read_bundle(files.root).source == "wiki"
    files.file("source.json", '{"name": "drive", "url": "https://drive.example/"}')
    bundle = read_bundle(files.root)
    assert (bundle.source, bundle.url) == ("drive", "https://drive.example/")
    assert read_bundle(files.root, name="other").source == "other"


def test_a_time_without_an_offset_is_utc(folder: Folder) -> None:
    folder.documents(
        document("a") | {"updated_at": "2026-03-01T12:00:00"},
        document("b") | {"updated_at": "2026-03-01T12:00:00+02:00"},
    )
    loaded = plain_text(read_bundle(folder.root))
    assert [one.updated_at for one in loaded.values() if isinstance(one, DocumentLine)] == [
        datetime(2026, 3, 1, 12, tzinfo=UTC),
        datetime(2026, 3, 1, 10, tzinfo=UTC),
    ]


def test_words_that_we_do_not_know_are_passed_over_except_in_permissions(lines: Folder) -> None:
    lines.documents(document("news", "group:staff") | {"licence": "MIT"})
    lines.principals(user("ana", org="acme"), user("bo"), group("staff", "user:bo"))
    assert listed(read_bundle(lines.root)) == ["news"]

    lines.documents(document("news", "group:staff", denies=["user:bo"]))
    with pytest.raises(InputInvalid, match=r"acl\.denies"):
        read_bundle(lines.root)


def test_a_folder_without_permissions_is_read_by_those_who_are_named_and_by_nobody_else(
    folder: Folder, shelf: Shelf
) -> None:
    folder.principals(user("ana"), user("vic", kind="guest"))
    folder.file("a.md", "text")
    shelf.load(folder, allow=("class:members",))
    assert shelf.readable_by("ana") == {"a.md"}
    assert shelf.readable_by("vic") == set()


@given(st.lists(st.text("ab.é ", min_size=1), max_size=5).map("/".join))
@example("")
@example("a/b/c.md")
def test_above_each_path_is_its_folder_and_the_root_is_above_all(path: str) -> None:
    above = ancestors(path)
    assert (above[0], above[-1]) == ("", path)
    assert all(upper == lower.rpartition("/")[0] for upper, lower in pairwise(above))


# What is refused: with the place, what is wrong, and what to do; and nothing has changed

BAD_PRINCIPALS: list[tuple[Line | str, str]] = [
    ('{"type": "user", "id": ', "Invalid JSON"),
    ('{"type": "user", "id": "\\ud800"}', "Invalid JSON"),
    ("[]", "Input should be an object"),
    ({"id": "cy"}, "Unable to extract tag using discriminator 'type'"),
    ({"type": "bot", "id": "cy"}, "Input tag 'bot' found using 'type'"),
    ({"type": "user"}, "id: Field required"),
    ({"type": "user", "id": 7}, "id: Input should be a valid string"),
    (user(""), "id: String should have at least 1 character"),
    (user("x" * 501), "id: String should have at most 500 characters"),
    (user("a\0b"), "id: String should match"),
    (user("cy", name="a\0b"), "name: String should match"),
    (user("cy", country="a\0b"), "country: String should match"),
    (user("cy", identities={"slack": "\0"}), "identities.slack: String should match"),
    (user("cy", groups="staff"), "groups: Input should be"),
    (user("cy", groups=["staff", 7]), "groups.1: Input should be a valid string"),
    (user("cy", groups=["zoo"]), "groups: there is no group 'zoo'"),
    (user("cy", kind="robot"), "kind: Input should be 'member' or 'guest'"),
    (user("cy", status="away"), "status: Input should be 'active'"),
    (user("cy", identities={"slack": "U1"}), "identities: 'slack: U1' is the account of 'ana'"),
    (user("ana"), "id: the user 'ana' is there twice"),
    (group("staff"), "id: the group 'staff' is there twice"),
    (group("all", "ana"), "members.0: String should match"),
    (group("all", "user:zoe"), "members: 'user:zoe' is nobody"),
    (group("all", "group:zoo"), "members: 'group:zoo' is nobody"),
    (group("all", "class:members"), "members: 'class:members' is nobody"),
]
BAD_PERMISSIONS: list[tuple[Line | str, str]] = [
    ("path: hr", "Invalid JSON"),
    ({"allow": []}, "path: Field required"),
    ({"path": "news.md", "allow": "user:bo"}, "allow: Input should be"),
    ({"path": "news.md", "allow": None}, "allow: Input should be"),
    ({"path": "news.md", "allow": ["bo"]}, "allow.0: String should match"),
    ({"path": "news.md", "inherit": "maybe"}, "inherit: Input should be a valid boolean"),
    ({"path": "news.md", "gates": ["user:bo"]}, "gates.0: Input should be"),
    ({"path": "news.md", "denny": ["user:bo"]}, "denny: Extra inputs are not permitted"),
    ({"path": "/hr/"}, "path: 'hr' is there twice"),
    ({"path": "hr/bonus.md"}, "path: there is no 'hr/bonus.md'"),
    ({"path": "../principals.jsonl"}, "path: there is no '../principals.jsonl'"),
    ({"path": "/etc"}, "path: there is no 'etc'"),
    ({"path": "hr/../news.md"}, "path: there is no 'hr/../news.md'"),
    ({"path": "."}, "path: there is no '.'"),
    ({"path": "./hr/pay.md"}, "path: there is no './hr/pay.md'"),
    ({"path": "hr//pay.md"}, "path: there is no 'hr//pay.md'"),
    ({"path": "x" * 300}, "path: there is no 'xxx"),
    ({"path": "hr\0"}, "path: String should match"),
    ({"path": "hr/x", "allow": ["user:zoe"]}, "a permission names nobody: 'user:zoe'"),
    ({"path": "hr/x", "deny": ["group:zoo"]}, "a permission names nobody: 'group:zoo'"),
    ({"path": "hr/x", "gates": [["class:zoo"]]}, "a permission names nobody: 'class:zoo'"),
]
BAD_DOCUMENTS: list[tuple[Line | str, str]] = [
    ("{", "Invalid JSON"),
    ('{"id": "x", "text": "\\ud83d"}', "Invalid JSON"),
    ({"title": "t", "text": "t", "acl": {}}, "id: Field required"),
    ({"id": "x", "text": "t", "acl": {}}, "title: Field required"),
    ({"id": "x", "title": "t", "acl": {}}, "text: Field required"),
    ({"id": "x", "title": "t", "text": "t"}, "acl: Field required"),
    ({"id": "x"}, "title: Field required (and 2 more in this line)"),
    (document("x") | {"text": 7}, "text: Input should be a valid string"),
    (document("x") | {"updated_at": "soon"}, "updated_at: Input should be a valid datetime"),
    (document("x") | {"acl": "all"}, "acl: Input should be an object"),
    (document("x") | {"acl": {"allow": "user:bo"}}, "acl.allow: Input should be"),
    (document("x") | {"acl": {"allow": None}}, "acl.allow: Input should be"),
    (document("x", "user:bo", "everybody"), "acl.allow.1: String should match"),
    (document("x", denied=["user:bo"]), "acl.denied: Extra inputs are not permitted"),
    (document("a\0b"), "id: String should match"),
    (document("x") | {"url": "https://x/\0"}, "url: String should match"),
    (document("pay"), "id: 'pay' is there twice (first at documents.jsonl:2)"),
]


def refusal(shelf: Shelf, folder: Folder, *, allow: tuple[str, ...] = ()) -> InputInvalid:
    before = shelf.dump()
    with pytest.raises(InputInvalid) as caught:
        shelf.load(folder, allow=allow)
    assert shelf.dump() == before, "a refused folder changed something"
    assert caught.value.remedy
    assert caught.value.exit_code == 2
    return caught.value


def add(file: Path, line: Line | str) -> None:
    """The line after all that the file holds, and after an empty one."""
    with file.open("a") as lines:
        lines.write("\n" + (line if isinstance(line, str) else json.dumps(line)) + "\n")


@pytest.mark.parametrize(
    ("name", "number", "bad_lines"),
    [
        ("principals.jsonl", 5, BAD_PRINCIPALS),
        ("permissions.jsonl", 4, BAD_PERMISSIONS),
        ("documents.jsonl", 4, BAD_DOCUMENTS),
    ],
    ids=["people", "permissions", "documents"],
)
def test_a_bad_line_is_refused_with_its_place_its_field_and_a_remedy_and_changes_nothing(
    name: str,
    number: int,
    bad_lines: list[tuple[Line | str, str]],
    folder: Folder,
    shelf: Shelf,
    tmp_path: Path,
    subtests: pytest.Subtests,
) -> None:
    shelf.load(as_lines(folder))
    form = as_lines if name == "documents.jsonl" else as_files
    for nth, (line, wrong) in enumerate(bad_lines):
        with subtests.test(wrong):
            spoilt = form(Folder(tmp_path / str(nth) / "wiki"))
            (spoilt.root / "documents/hr/x").mkdir(parents=True, exist_ok=True)
            assert read_bundle(spoilt.root).total == 2, "it was good before"
            add(spoilt.root / name, line)
            error = str(refusal(shelf, spoilt))
            assert wrong in error
            assert error.startswith((f"{name}:{number}: ", *whole_file(name)))


def whole_file(name: str) -> tuple[str, ...]:
    """Places of what is wrong between two lines."""
    return {
        "principals.jsonl": ("principals.jsonl: user 'cy': ", "principals.jsonl: group 'all': "),
        "permissions.jsonl": ("hr/x: ",),
    }.get(name, ())


def test_the_number_of_a_bad_line_is_its_own_after_good_ones(lines: Folder, shelf: Shelf) -> None:
    add(lines.root / "documents.jsonl", document("good"))
    add(lines.root / "documents.jsonl", "{")
    assert str(refusal(shelf, lines)).startswith("documents.jsonl:6: ")


@pytest.mark.parametrize("name", ["principals.jsonl", "permissions.jsonl"])
def test_a_folder_in_place_of_a_list_is_refused(name: str, files: Folder, shelf: Shelf) -> None:
    (files.root / name).unlink()
    (files.root / name).mkdir()
    assert f"{name} cannot be read" in str(refusal(shelf, files))


@pytest.mark.parametrize(
    ("content", "expected"),
    [("name: drive", "source.json: Invalid JSON"), ("{}", "source.json: name: Field required")],
)
def test_a_bad_source_json_is_refused(
    content: str, expected: str, files: Folder, shelf: Shelf
) -> None:
    files.file("source.json", content)
    assert expected in str(refusal(shelf, files))


def test_a_refusal_never_repeats_what_a_line_says(lines: Folder, shelf: Shelf) -> None:
    bad = document("x") | {"text": ["a", "secret"], "updated_at": "a secret"}
    add(lines.root / "documents.jsonl", bad)
    assert "secret" not in str(refusal(shelf, lines))


def test_a_folder_that_is_not_there_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert f"{nowhere} is not there" in str(refusal(shelf, Folder(nowhere)))
    file = tmp_path / "file.md"
    file.write_text("text")
    assert f"{file} is a file, not a folder" in str(refusal(shelf, Folder(file)))


def test_a_folder_that_holds_nothing_is_refused_whatever_is_allowed(
    folder: Folder, shelf: Shelf
) -> None:
    assert "holds no documents" in str(refusal(shelf, folder))
    assert "holds no documents" in str(refusal(shelf, folder, allow=("class:members",)))
    folder.file("documents/.hidden.md", "text")
    assert "holds no documents" in str(refusal(shelf, folder, allow=("class:members",)))


def test_a_folder_without_permissions_says_how_to_open_it_to_all_or_to_some(
    files: Folder, shelf: Shelf
) -> None:
    (files.root / "permissions.jsonl").unlink()
    assert "--allow class:members" in refusal(shelf, files).remedy
    nobody = refusal(shelf, files, allow=("group:zoo",))
    assert "the root folder: a permission names nobody: 'group:zoo'" in str(nobody)


def test_readers_are_named_by_the_file_or_by_the_command_and_never_by_both(
    files: Folder, shelf: Shelf
) -> None:
    error = refusal(shelf, files, allow=("class:members",))
    assert "permissions.jsonl says who may read" in str(error)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_permission_for_a_link_that_leaves_the_folder_is_refused(
    kind: str, files: Folder, shelf: Shelf, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("not ours")
    target = outside if kind == "folder" else outside / "secret.md"
    (files.root / "documents/out").symlink_to(target)
    add(files.root / "permissions.jsonl", {"path": "out", "allow": ["user:bo"]})
    assert "permissions.jsonl:4: path: there is no 'out'" in str(refusal(shelf, files))


def test_a_file_whose_name_is_no_text_is_refused_with_its_bytes(
    files: Folder, shelf: Shelf
) -> None:
    name = os.fsdecode(b"caf\xe9.md")
    (files.root / "documents" / name).write_text("# Menu\n\nSoup.")
    error = refusal(shelf, files)
    assert r"caf\udce9.md" in str(error)
    assert "Rename" in error.remedy


def test_a_folder_that_lost_most_of_its_documents_is_refused_unless_that_is_meant(
    lines: Folder, shelf: Shelf
) -> None:
    many = [document(f"page {number}", "user:bo") for number in range(12)]
    lines.documents(*many)
    shelf.load(lines)
    lines.documents(many[0])
    error = refusal(shelf, lines)
    assert "11 documents of source 'wiki'" in str(error)
    assert "--remove-missing" in error.remedy
    assert len(shelf.readable_by("bo")) == 12

    assert shelf.load(lines, remove_missing=True).removed == 11
    assert shelf.readable_by("bo") == {"page 0"}


def test_another_folder_of_the_same_name_is_refused_before_anybody_is_suspended(
    lines: Folder, shelf: Shelf
) -> None:
    lines.documents(*(document(f"page {number}", "user:bo") for number in range(12)))
    shelf.load(lines)
    shutil.rmtree(lines.root)
    lines.root.mkdir()
    lines.principals(user("zoe"))
    lines.documents(document("other", "user:zoe"))
    refusal(shelf, lines)
    assert len(shelf.readable_by("bo")) == 12
