"""A push is applied as a whole, or not at all."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from policies.change import Change
from policies.tables.sources import RunKind, RunState
from tests.workers.sync.conftest import SOURCE, Drive, Line, folder, group, page
from workers.errors import InputInvalid
from workers.sync import runs, sources
from workers.sync.difference import Counts

SMALL = {"diary": ["cy"], "june": ["ana", "bob"], "may": ["ana", "bob"]}


def refused(push: Callable[[], object]) -> str:
    with pytest.raises(InputInvalid) as error:
        push()
    return str(error.value)


# -- what a push does -------------------------------------------------------------------------


FIRST = (
    group("staff", "user:ana"),
    folder("plans", "group:staff"),
    page("may", parent="plans"),
    page("diary", "user:cy"),
)


def test_a_complete_push_says_who_reads_and_who_gained_it(drive: Drive) -> None:
    difference = drive.push(*FIRST).difference
    assert drive.readers() == {"may": ["ana"], "diary": ["cy"]}
    assert difference is not None
    assert [(one.name, one.documents) for one in difference.gains] == [("Ana", 1), ("Cy", 1)]
    assert (difference.pairs_gained, difference.pairs_lost) == (2, 0)
    assert (difference.documents_gaining, difference.people_gaining) == (2, 2)


def test_a_complete_push_counts_what_it_adds(drive: Drive) -> None:
    difference = drive.push(*FIRST).difference
    assert difference is not None
    assert difference.groups == Counts(added=1)
    assert difference.memberships == Counts(added=1)
    assert difference.nodes == Counts(added=3)
    assert difference.entries == Counts(added=2)


def test_a_push_is_returned_as_it_ended(drive: Drive) -> None:
    run = drive.push(*FIRST)
    assert (run.state, run.source, run.actor) == (RunState.APPLIED, SOURCE, "test")
    assert runs.run(drive.database, run.id) == run
    assert runs.runs(drive.database, source=SOURCE, limit=5) == [run]


def test_many_documents_of_the_same_readers_are_all_counted(drive: Drive) -> None:
    """More than fit into one octet."""
    plain = [{"type": "node", "id": f"d{n}", "kind": "document", "parent": "f"} for n in range(300)]
    run = drive.push(folder("f", "user:ana", "user:bob"), *plain)
    assert run.difference is not None
    assert [one.documents for one in run.difference.gains] == [300, 300]
    assert run.difference.pairs_gained == 600


def test_each_applied_run_is_one_epoch_and_the_same_push_again_changes_nothing(
    small: Drive,
) -> None:
    before = small.everything("epoch", "past", "source", "sync_run")
    epoch = small.epoch()
    lines: list[Line] = [
        page("diary", "user:cy"),
        page("june", parent="plans"),
        folder("plans", "group:staff"),
        group("berlin", "user:bob"),
        group("staff", "group:berlin", "user:ana"),
        page("may", parent="plans"),
    ]
    run = small.push(*lines)
    assert run.epoch == small.epoch() == epoch + 1
    assert run.difference is not None
    assert run.difference.empty
    assert small.everything("epoch", "past", "source", "sync_run") == before


def test_pages_and_lines_in_any_order_come_to_the_same(drive: Drive, small: Drive) -> None:
    lines: list[Line] = [
        group("a", "group:b", "user:ana"),
        group("b", "user:bob"),
        folder("top", "group:b"),
        folder("within", "user:cy", parent="top", gates=[["group:b", "user:cy"]]),
        page("one", parent="within"),
        page("two", parent="within", inherit=False),
        page("three", "user:ana", parent="top", deny=["user:bob"]),
    ]
    small.push(*lines, confirmed=True)
    wanted = small.readers()
    assert wanted["one"] == ["bob", "cy"]
    for seed in range(4):
        small.push(page("other", "user:ana"), confirmed=True)
        shuffled = random.Random(seed).sample(lines, len(lines))
        run_id = small.stage(*shuffled, pages=3, numbers=(3, 1, 2))
        runs.finish(small.database, run_id, pages=3, confirmed=True)
        found = small.readers()
        assert {name: found[name] for name in wanted} == wanted


def test_what_a_complete_push_does_not_list_is_read_by_nobody_and_comes_back(small: Drive) -> None:
    lines = [
        group("staff", "user:ana"),
        folder("plans", "group:staff"),
        page("may", parent="plans"),
    ]
    run = small.push(*lines)
    assert small.readers() == {"may": ["ana"], "june": [], "diary": []}
    assert run.difference is not None
    assert run.difference.nodes == Counts(removed=2)
    assert run.difference.groups == Counts(changed=1, removed=1)
    small.push(*lines, page("june", parent="plans"))
    assert small.readers() == {"may": ["ana"], "june": ["ana"], "diary": []}


def test_what_is_gone_for_long_is_deleted(small: Drive) -> None:
    small.push(page("diary", "user:cy"))
    runs.delete_old(small.database)
    assert small.readers() == {"diary": ["cy"], "june": [], "may": []}
    with small.database.session("syncer") as session:
        session.execute(text("UPDATE node SET gone_at = gone_at - interval '8 days'"))
    runs.delete_old(small.database)
    assert small.readers() == {"diary": ["cy"]}
    epoch = small.epoch()
    runs.delete_old(small.database)
    assert small.epoch() == epoch


# -- deltas -----------------------------------------------------------------------------------


def test_a_delta_changes_what_it_names_and_nothing_else(small: Drive) -> None:
    run = small.delta(group("berlin"), page("diary", "user:cy", "group:staff"))
    assert small.readers() == {"diary": ["ana", "cy"], "june": ["ana"], "may": ["ana"]}
    assert run.difference is not None
    assert [(one.name, one.documents) for one in run.difference.loses] == [("Bob", 2)]
    assert [(one.name, one.documents) for one in run.difference.gains] == [("Ana", 1)]


def test_a_delta_removes_a_node_and_closes_where_a_removed_group_kept_people_out(
    small: Drive,
) -> None:
    small.delta(page("diary", "user:cy", "user:ana", deny=["group:berlin"]))
    small.delta({"type": "remove_node", "id": "may"})
    assert small.readers() == {"diary": ["ana", "cy"], "june": ["ana", "bob"], "may": []}
    small.delta({"type": "remove_group", "id": "berlin"})
    assert small.readers() == {"diary": [], "june": ["ana"], "may": []}


def test_a_delta_does_not_count_as_a_complete_pass(small: Drive) -> None:
    before = {one.name: one.synced_at for one in sources.all_sources(small.database)}
    small.delta(page("new", "user:ana"))
    assert {one.name: one.synced_at for one in sources.all_sources(small.database)} == before
    small.push(page("new", "user:ana"))
    assert {one.name: one.synced_at for one in sources.all_sources(small.database)} != before


# -- half of it, none of it, twice -------------------------------------------------------------


def test_threat_38_a_part_of_the_pages_changes_nothing_until_the_rest_has_come(
    small: Drive,
) -> None:
    before = small.everything("sync_run", "sync_page")
    lines = [page("diary", "user:cy"), page("may", "user:bob"), page("june", "user:bob")]
    run_id = small.stage(*lines, pages=3, numbers=(3, 1))
    message = refused(lambda: runs.finish(small.database, run_id, pages=3))
    assert message == "pages: these of 3 are missing: 2."
    message = refused(lambda: runs.finish(small.database, run_id, pages=1))
    assert message == "pages: 1 were announced, but these were sent too: 3."
    assert small.everything("sync_run", "sync_page") == before
    runs.put_page(small.database, run_id, 2, [lines[1]])
    runs.finish(small.database, run_id, pages=3)
    assert small.readers() == {"diary": ["cy"], "june": ["bob"], "may": ["bob"]}


def test_a_page_sent_twice_counts_once_as_it_came_last(small: Drive) -> None:
    run_id = small.stage(page("diary", "user:ana"))
    runs.put_page(small.database, run_id, 1, [page("diary", "user:bob")])
    runs.finish(small.database, run_id, pages=1)
    assert small.readers()["diary"] == ["bob"]


@pytest.mark.parametrize("lines", [[], [group("staff", "user:ana")]])
def test_threat_38_a_complete_list_of_nothing_changes_nothing(
    small: Drive, lines: list[Line]
) -> None:
    before = small.everything("sync_run", "sync_page")
    assert "no node at all, and the source has 4" in refused(lambda: small.push(*lines))
    assert small.everything("sync_run", "sync_page") == before
    (newest, *_) = runs.runs(small.database, source=SOURCE, limit=1)
    assert newest.state is RunState.REFUSED
    assert "no node at all" in newest.refused


def test_an_empty_source_may_be_pushed_empty(drive: Drive) -> None:
    assert drive.push().state is RunState.APPLIED


def test_a_run_that_fails_in_the_middle_changes_nothing_and_can_be_finished_again(
    small: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = small.everything("sync_run", "sync_page")
    run_id = small.stage(page("may", "user:cy"), page("june", "user:cy"))
    real, calls = Change.set_permissions, []

    def fails_at_the_second(self: Change, *arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 2:
            raise ConnectionResetError
        real(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Change, "set_permissions", fails_at_the_second)
        with pytest.raises(ConnectionResetError):
            runs.finish(small.database, run_id, pages=1)
    assert len(calls) == 2
    assert small.everything("sync_run", "sync_page") == before
    runs.finish(small.database, run_id, pages=1)
    assert small.readers()["may"] == ["cy"]


def test_an_older_list_never_takes_the_place_of_a_newer_one(small: Drive) -> None:
    older = small.stage(page("may", "user:ana"))
    small.push(page("may", "user:bob"))
    with pytest.raises(runs.Overtaken, match="was applied after run") as raised:
        runs.finish(small.database, older, pages=1)
    assert "List the source again and push the new list" in raised.value.remedy
    assert small.readers()["may"] == ["bob"]
    assert runs.run(small.database, older).state is RunState.REFUSED


def test_two_who_finish_the_same_run_apply_it_once(small: Drive) -> None:
    run_id = small.stage(page("may", "user:bob"))
    runs.finish(small.database, run_id, pages=1)
    epoch = small.epoch()
    with pytest.raises(runs.WrongState, match=f"Run {run_id} is applied"):
        runs.finish(small.database, run_id, pages=1)
    with pytest.raises(runs.WrongState, match=f"Run {run_id} is applied"):
        runs.put_page(small.database, run_id, 1, [])
    assert small.epoch() == epoch


# -- names ------------------------------------------------------------------------------------


def test_a_group_of_nobodys_lets_nobody_in_and_closes_what_it_kept_out(drive: Drive) -> None:
    run = drive.push(
        group("staff", "user:ana", "group:ghost", "group:ghosts"),
        page("allowed", "group:ghost", "group:staff"),
        page("denied", "group:staff", deny=["group:ghost"]),
        page("gated", "group:staff", gates=[["group:ghosts", "user:ana"]]),
        page("orphan", "user:ana", parent="nowhere"),
    )
    assert drive.readers() == {"allowed": ["ana"], "denied": [], "gated": [], "orphan": []}
    assert run.left_out_count == 6
    assert {(one.place, one.name, one.effect) for one in run.left_out} == {
        ("group staff", "group:ghost", "dropped"),
        ("group staff", "group:ghosts", "dropped"),
        ("node allowed", "group:ghost", "dropped"),
        ("node denied", "group:ghost", "closed"),
        ("node gated", "group:ghosts", "closed"),
        ("node orphan", "parent nowhere", "closed"),
    }


def test_threat_4_ids_that_look_alike_are_different_people_and_groups(drive: Drive) -> None:
    for name in ("caf\u00e9", "cafe\u0301", "Ana", "ana "):
        drive.person(name)
    drive.push(
        group("g", "user:caf\u00e9"),
        group("g ", "user:cafe\u0301"),
        group("G", "user:Ana"),
        page("one", "group:g"),
        page("one ", "group:g "),
        page("ONE", "group:G", "user:ana "),
    )
    assert drive.readers() == {
        "one": ["caf\u00e9"],
        "one ": ["cafe\u0301"],
        "ONE": ["Ana", "ana "],
    }


def test_the_names_of_another_source_are_nobodys_here(small: Drive) -> None:
    run_id = runs.begin(small.database, source="wiki", kind=RunKind.COMPLETE, actor="test")
    lines = [page("may", "user:ana", "group:staff"), page("all", "class:members")]
    runs.put_page(small.database, run_id, 1, lines)
    run = runs.finish(small.database, run_id, pages=1)
    assert [one.name for one in run.left_out] == ["group:staff"]
    assert small.readers()["may"] == ["ana", "bob"]  # the drive's document of the same id
    assert run.difference is not None
    assert run.difference.documents_gaining == 1


def test_accounts_are_kept_for_the_list_of_those_who_are_nobody_yet(drive: Drive) -> None:
    account = {"type": "account", "id": "U7", "name": "Dee", "email": "dee@acme.example"}
    drive.push(account, page("may", "user:ana"))
    with drive.database.session("syncer") as session:
        rows = session.execute(text("SELECT native_id, name, email, kind FROM account")).all()
        addresses = session.scalars(text("SELECT email FROM address")).all()
    assert [tuple(row) for row in rows] == [("U7", "Dee", "dee@acme.example", "member")]
    assert addresses == ["dee@acme.example"]


# -- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"type": "node", "id": "d", "kind": "document"}, "nothing says who may read"),
        (page("d", "user:ana", denny=["user:bob"]), "page 1, line 2: denny: Extra inputs"),
        (page("d", "ana"), "page 1, line 2: allow.0: String should match"),
        (page("d", "class:Members"), "page 1, line 2: allow.0: String should match"),
        (page("d", "user:a\x00b"), "page 1, line 2: allow.0: String should match"),
        (page("d\x00", "user:ana"), "page 1, line 2: id: String should match"),
        (page("d\ud800", "user:ana"), "page 1, line 2: id: Input should be a valid string"),
        (page("d", "user:\udfff"), "page 1, line 2: allow.0: Input should be a valid string"),
        (page("d" * 501, "user:ana"), "page 1, line 2: id: String should have at most 500"),
        (page("d", inherit="yes"), "page 1, line 2: inherit: Input should be a valid boolean"),
        (page("d", gates=["user:ana"]), "page 1, line 2: gates.0: Input should be a valid tuple"),
        (page("d", kind="file"), "page 1, line 2: kind: Input should be"),
        (group("g", "class:members"), "page 1, line 2: members.0: String should match"),
        ({"type": "group", "id": "g"}, "page 1, line 2: members: Field required"),
        ({"type": "group", "id": "", "members": []}, "page 1, line 2: id: String should have"),
        ({"type": "grup", "id": "g"}, "page 1, line 2: Input tag 'grup'"),
        ({"type": "remove_node", "id": "may"}, "page 1, line 2: Input tag 'remove_node'"),
        ({"type": "account", "id": "U1"}, "page 1, line 2: name: Field required"),
        (["type", "node"], "page 1, line 2: Input should be a valid dictionary"),
        (None, "page 1, line 2: Input should be a valid dictionary"),
    ],
)
def test_a_bad_line_is_named_with_its_page_its_place_and_its_field(
    small: Drive, line: Any, expected: str
) -> None:
    run_id = small.stage(page("may", "user:ana"))
    before = small.everything()
    bad = [page("first", "user:ana"), line]
    assert expected in refused(lambda: runs.put_page(small.database, run_id, 1, bad))
    assert small.everything() == before


def test_a_document_below_a_folder_needs_no_permissions_of_its_own(drive: Drive) -> None:
    plain = {"type": "node", "id": "may", "kind": "document", "parent": "plans"}
    drive.push(folder("plans", "user:ana"), plain)
    assert drive.readers() == {"may": ["ana"]}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([page("a"), page("a", "user:ana")], "the node 'a' occurs twice"),
        ([group("g"), page("a"), group("g")], "the group 'g' occurs twice"),
        (
            [folder("a", parent="b"), folder("b", parent="c"), folder("c", parent="a")],
            "these nodes lie below themselves: '",
        ),
        ([folder("a", parent="a")], "these nodes lie below themselves: 'a' below 'a'"),
    ],
)
def test_what_contradicts_itself_is_refused_and_changes_nothing(
    small: Drive, lines: list[Line], expected: str
) -> None:
    before = small.everything("sync_run", "sync_page")
    assert expected in refused(lambda: small.push(*lines))
    assert small.everything("sync_run", "sync_page") == before


def test_a_delta_that_would_make_a_ring_of_folders_is_refused(small: Drive) -> None:
    small.delta(folder("years", parent="plans"))
    message = refused(lambda: small.delta(folder("plans", "group:staff", parent="years")))
    assert "these nodes lie below themselves" in message
    assert {name: small.readers()[name] for name in SMALL} == SMALL


def test_folders_may_change_places(small: Drive) -> None:
    small.push(folder("a", "user:ana"), folder("b", parent="a"), page("may", parent="b"))
    small.push(folder("b", "user:bob"), folder("a", parent="b"), page("may", parent="a"))
    assert small.readers()["may"] == ["bob"]


@pytest.mark.parametrize("name", ["", " drive", "a\x00b", "a\nb", "x" * 201, "\ud800"])
def test_a_source_has_a_plain_name(drive: Drive, name: str) -> None:
    message = refused(
        lambda: runs.begin(drive.database, source=name, kind=RunKind.COMPLETE, actor="test")
    )
    assert "is not a valid name of a source" in message
    assert "there is no source" in refused(lambda: runs.runs(drive.database, source=name, limit=1))


@pytest.mark.parametrize("run_id", [0, -1, 77, 2**63])
def test_a_run_that_does_not_exist_is_refused(drive: Drive, run_id: int) -> None:
    database = drive.database
    assert "there is no run" in refused(lambda: runs.run(database, run_id))
    assert "there is no run" in refused(lambda: runs.finish(database, run_id, pages=1))
    assert "there is no run" in refused(lambda: runs.undo(database, run_id, actor="test"))
    assert "there is no run" in refused(lambda: runs.put_page(database, run_id, 1, []))


def test_nobody_pushes_into_the_source_of_the_identity_provider(drive: Drive) -> None:
    """Threat 37: who may sync any source could else put people into its groups."""
    message = refused(
        lambda: runs.begin(drive.database, source="scim", kind=RunKind.DELTA, actor="test")
    )
    assert "is reserved for the identity provider" in message
    assert runs.runs(drive.database, source=None, limit=5) == []
