"""Accounts as principals: what names one outlives its link, and links decide whose it is."""

import pytest

from policies import STRANGER, Class
from policies.change import Change
from policies.decide import Decision
from policies.described import Permissions, SeenAccount
from policies.explain import decisions, explain
from policies.links import unmatched
from policies.names import describe
from policies.readers import source_readers
from policies.source import is_external, known_accounts, principals_of
from policies.tables.people import UserStatus
from tests.policies.world import World

EVERYBODY = frozenset({int(Class.INTERNET)})
ASKED = ("ana", "ben")


@pytest.fixture
def world(world: World) -> World:
    """Ana has a link in the drive, Ben has none; U9 is nobody's, in a group within a group."""
    ana = world.person("ana")
    world.person("ben")
    with world.change() as change:
        drive = change.put_source("drive")
        change.link(ana, drive, "U1", by="admin")
        world.ids["U9"] = change.accounts(drive, ["U9"])["U9"]
        world.ids["inner"] = change.put_group(drive, "inner", name="inner")
        world.ids["outer"] = change.put_group(drive, "outer", name="outer")
        change.set_members(world.ids["inner"], {world.ids["U9"]})
        change.set_members(world.ids["outer"], {world.ids["inner"]})
    world.page("by itself", Permissions(EVERYBODY, frozenset({world.ids["U9"]})))
    world.page("by group", Permissions(EVERYBODY, frozenset({world.ids["outer"]})))
    world.page("for it", Permissions(frozenset({world.ids["outer"]})))
    world.page("gate", Permissions(EVERYBODY, gates=(frozenset({world.ids["U9"]}),)))
    return world


def _drive(change: Change) -> int:
    return change.put_source("drive")


def _link(world: World, name: str, account: str = "U9") -> None:
    with world.change() as change:
        change.link(world.ids[name], _drive(change), account, by="admin")


def _unlink(world: World, account: str = "U9") -> None:
    with world.change() as change:
        change.unlink(_drive(change), account)


def _read(world: World) -> dict[str, list[str]]:
    subjects = {**{one: world.ids[one] for one in ASKED}, "stranger": STRANGER}
    subjects |= {"internet": Class.INTERNET, "members": Class.MEMBERS}
    found = {name: world.texts(one) for name, one in subjects.items()}
    for name, one in subjects.items():
        assert world.texts_by_row_security(one) == found[name]
        with world.database.session("syncer") as session:
            pages = ("by group", "by itself", "for it", "gate")
            assert [p for p in pages if explain(session, one, world.ids[p])] == found[name]
        if one != STRANGER:
            with world.database.session("syncer") as session:
                readers = source_readers(session, world.source_id)
            bit = readers.subjects.bit.get(one, 0)
            read = {page for page in pages if readers.documents[world.ids[page]] & bit}
            assert read == set(found[name])
    return found


DENIED = ["by group", "by itself"]


def test_a_deny_of_an_account_of_nobodys_bars_people_without_a_link_there(world: World) -> None:
    nobody: dict[str, list[str]] = {"stranger": [], "internet": [], "members": []}
    assert _read(world) == {"ana": sorted(DENIED), "ben": [], **nobody}
    _link(world, "ben", "U2")
    assert _read(world) == {
        "ana": DENIED, "ben": DENIED, "stranger": [], "internet": [], "members": DENIED,
    }  # fmt: skip


def test_a_link_makes_it_one_persons_and_without_it_that_person_is_still_barred(
    world: World,
) -> None:
    _link(world, "ana")
    everything = {"ben": DENIED, "stranger": DENIED, "internet": [], "members": []}
    assert _read(world) == {"ana": ["for it", "gate"], **everything}
    _unlink(world)
    assert _read(world) == {
        "ana": [], "ben": [], "stranger": [], "internet": [], "members": [],
    }, "Ana has another link there, and had this one last"  # fmt: skip
    _link(world, "ben")
    assert _read(world)["ana"] == DENIED
    assert _read(world)["ben"] == ["for it", "gate"]


def test_somebody_suspended_is_in_no_class(world: World) -> None:
    with world.change() as change:
        change.set_status(world.ids["ben"], UserStatus.SUSPENDED)
    found = _read(world)
    assert (found["ana"], found["ben"], found["members"]) == (DENIED, [], DENIED)
    _link(world, "ben")
    assert _read(world)["stranger"] == DENIED
    _unlink(world)
    assert (_read(world)["ana"], _read(world)["members"]) == (DENIED, DENIED)


def test_an_external_account_bars_nobody(world: World) -> None:
    with world.change() as change:
        drive = _drive(change)
        assert not is_external(change.session, drive, "U9")
        change.set_external(drive, "U9", external=True)
        assert is_external(change.session, drive, "U9")
        with pytest.raises(ValueError, match="has a link"):
            change.set_external(drive, "U1", external=True)
    assert _read(world) == dict.fromkeys((*ASKED, "stranger", "internet", "members"), DENIED)
    _link(world, "ben")
    _unlink(world)
    assert _read(world)["ben"] == [], "a link ends that it is external"


def test_why_names_the_account_and_the_way_up_from_it(world: World) -> None:
    account, inner, outer = (world.ids[one] for one in ("U9", "inner", "outer"))
    page = world.ids["by group"]
    with world.database.session("syncer") as session:
        found = decisions(session, (world.ids["ben"], Class.MEMBERS), page)
        names = describe(session, [account])
    decision = Decision(False, "denied", page, outer, (account, inner, outer), account_id=account)
    assert found == {world.ids["ben"]: decision, Class.MEMBERS: decision}
    assert names[account] == "account drive:U9"
    both = world.page("both", Permissions(EVERYBODY, frozenset({account, world.ids["ben"]})))
    with world.database.session("syncer") as session:
        decision = explain(session, world.ids["ben"], both)
    assert decision.path == (world.ids["ben"],), "what is certain is said before what may be"


def test_accounts_are_known_that_are_linked_described_or_named(world: World) -> None:
    with world.change() as change:
        drive = _drive(change)
        change.put_account(drive, SeenAccount("U5", "Eve"))
        assert known_accounts(change.session, drive) == {"U1", "U5", "U9"}
        named = principals_of(change.session, drive)
        assert named["user:U9"] == world.ids["U9"]
        assert not {"user:U1", "user:U5"} & named.keys()
        assert change.accounts(drive, ["U9", "U1"])["U9"] == world.ids["U9"]


def test_the_list_of_the_unmatched_begins_with_those_that_are_denied(world: World) -> None:
    with world.change() as change:
        change.put_account(_drive(change), SeenAccount("A", "Eve"))
    with world.database.session("syncer") as session:
        first, second = unmatched(session)
        assert [(one.native_id, one.denied) for one in (first, second)] == [
            ("U9", True),
            ("A", False),
        ]
        assert unmatched(session, "drive", after=first.place) == [second]
        assert unmatched(session, after=second.place) == []
        assert unmatched(session, external=True) == []
    with world.change() as change:
        change.set_external(_drive(change), "U9", external=True)
    with world.database.session("syncer") as session:
        assert unmatched(session) == [second]
        assert [one.native_id for one in unmatched(session, external=True)] == ["U9"]


def test_where_everybody_is_linked_a_deny_is_not_walked_down(world: World) -> None:
    """One person who has a link wherever accounts are named cannot be behind one of nobody's."""
    with world.database.session("syncer") as session:
        assert explain(session, world.ids["ana"], world.ids["by group"])
    with world.change() as change:
        people = change.put_source("people")
        change.accounts(people, ["P1"])
    with world.database.session("syncer") as session:
        assert explain(session, world.ids["ana"], world.ids["by group"])
