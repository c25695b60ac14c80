"""Names that an administrator, a folder or a place gives, and whom they stand for."""

import json

import pytest

from policies import STRANGER, Audience, Class
from policies.audience import Account, Readers
from policies.described import Person
from policies.directory import resolve_audience, unlinked
from policies.names import Unresolved, resolve_user
from policies.source import NamedPermissions, accounts_linked, people_of
from policies.tables.people import UserStatus
from tests.policies.world import SOURCE, World


def test_a_name_that_two_people_have_stands_for_neither(world: World) -> None:
    """Threat 4: the source in front tells which account is meant; an address has no such help."""
    with world.change() as change:
        wiki = change.put_source("wiki")
        ana = change.put_user(world.source_id, Person("ana", "Ana", email="a@example.com"))
        other = change.put_user(wiki, Person("ana", "Anastasia", email="a@example.com"))
    with world.database.session("syncer") as session:
        for name in ("ana", "a@example.com"):
            with pytest.raises(Unresolved) as unresolved:
                resolve_user(session, name)
            assert (unresolved.value.found, unresolved.value.similar) == (2, [])
        assert resolve_user(session, f"{SOURCE}:ana") == ana
        assert resolve_user(session, "wiki:ana") == other


def test_one_person_with_the_same_name_in_two_sources_is_one(world: World) -> None:
    ana = world.person("ana")
    with world.change() as change:
        change.link(ana, change.put_source("wiki"), "ana", by="admin")
    with world.database.session("syncer") as session:
        assert resolve_user(session, "ana") == ana


def test_readers_whom_we_know_by_id_need_no_account(world: World) -> None:
    ana = world.person("ana")
    with world.database.session("answerer") as session:
        for readers, ids in (
            (Readers(users=frozenset({ana})), (ana,)),
            (Readers(classes=frozenset({Class.MEMBERS})), (Class.MEMBERS,)),
            (Readers(users=frozenset({ana}), strangers=True), (STRANGER, ana)),
        ):
            assert resolve_audience(session, readers) == Audience.of(ids)
        with pytest.raises(ValueError, match="at least one"):
            resolve_audience(session, Readers())


def test_readers_of_two_places_are_all_of_both() -> None:
    """Threat 11: nobody checks whether a person who is left out here may read."""
    ana, ben = Account("wiki", "ana"), Account("wiki", "ben")
    here = Readers(frozenset({ana}), frozenset({4}), frozenset({Class.MEMBERS}))
    there = Readers(frozenset({ben}), frozenset({5}), frozenset({Class.INTERNET}), strangers=True)
    both = Readers(
        frozenset({ana, ben}),
        frozenset({4, 5}),
        frozenset({Class.MEMBERS, Class.INTERNET}),
        strangers=True,
    )
    assert here | there == there | here == both
    assert not (here | here).strangers


def test_readers_that_are_kept_as_json_are_the_same_read_back() -> None:
    """The record of a posted answer: a reader who is missing there is not checked again."""
    ana, ben = Account("wiki", "ana"), Account("slack:T1", "UBEN")
    readers = Readers(frozenset({ana, ben}), frozenset({4}), frozenset(Class), strangers=True)
    kept = json.dumps(readers.to_json())
    assert Readers.from_json(json.loads(kept)) == readers
    assert json.dumps(Readers.from_json(json.loads(kept)).to_json()) == kept
    assert Readers.from_json(Readers().to_json()) == Readers()


def test_an_account_without_a_link_is_a_stranger_and_is_returned(world: World) -> None:
    ana = world.person("ana")
    known, alike, elsewhere = Account(SOURCE, "ana"), Account(SOURCE, "Ana"), Account("wiki", "ana")
    accounts = frozenset({known, alike, elsewhere})
    with world.database.session("answerer") as session:
        assert unlinked(session, accounts) == {alike, elsewhere}
        assert resolve_audience(session, Readers(accounts)).ids == (STRANGER, ana)
        assert resolve_audience(session, Readers(frozenset({known}))).ids == (ana,)


def test_the_names_of_permissions_are_those_of_every_list() -> None:
    """A name that is passed over here is one that nobody finds to be unknown."""
    named = NamedPermissions(
        allow=("user:a", "user:b"), deny=("group:c",), gates=(("group:d",), ("user:e", "class:f"))
    )
    names = ["user:a", "user:b", "group:c", "group:d", "user:e", "class:f"]
    assert list(named.names()) == names


def test_the_accounts_of_one_maker_of_links_are_told_apart_from_all_others(world: World) -> None:
    ana, ben = world.person("ana"), world.person("ben")
    with world.change() as change:
        wiki, drive = change.put_source("wiki"), change.put_source("drive")
        change.link(ana, wiki, "W1", by="folder a")
        change.link(ana, drive, "D1", by="folder a")
        change.link(ben, wiki, "W2", by="folder b")
        change.link(ben, drive, "W1", by="folder b")
    with world.database.session("syncer") as session:
        assert accounts_linked(session, "folder a") == {(wiki, "W1"), (drive, "D1")}
        assert accounts_linked(session, "folder b") == {(wiki, "W2"), (drive, "W1")}
        assert accounts_linked(session, "folder") == set()


def test_the_people_of_a_source_are_those_who_are_active_there(world: World) -> None:
    ana = world.person("ana")
    world.person("sue", status=UserStatus.SUSPENDED)
    gone = world.person("gone")
    with world.change() as change:
        wiki = change.put_source("wiki")
        ben = change.put_user(wiki, Person("ben", "Ben"))
        change.link(ana, wiki, "W1", by="admin")
        change.delete_user(gone)
    with world.database.session("syncer") as session:
        assert people_of(session, world.source_id) == {"ana": ana}
        assert people_of(session, wiki) == {"ben": ben, "W1": ana}
