"""The new enemy: what was taken away stays away from all that is written afterwards.

The two examples of the Zanzibar paper (Pang et al., USENIX ATC 2019, section 2.2), and a state
machine of changes, questions and revocations, against the rule in plain Python.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, ClassVar

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from policies import STRANGER, Audience, readable_chunks
from policies.audience import Account, Readers
from policies.change import Change
from policies.described import Permissions, Person
from policies.directory import resolve_audience
from policies.explain import explain, unreadable
from policies.tables.content import Chunk
from policies.tables.people import Membership, UserStatus
from tests.policies.world import World
from tests.prove.company import SLACK, Company
from tests.prove.facts import NOBODY, Closed, Facts, Human, Page, Rules, Thing
from tests.prove.interleavings import Echo
from tests.servers import empty
from workers.database.sessions import Database

PEOPLE = ("ann", "bob", "cleo", "guest")
GROUPS = ("team", "staff", "crew")
FOLDERS = ("top", "inner", "other", "drive")
DOCUMENTS = ("old", "new", "letter")


def _names(*names: str) -> frozenset[str]:
    return frozenset(names)


def _page(text: str) -> Page:
    return Page("A page", (text,))


START = Facts(
    people={name: Human(guest=name == "guest") for name in PEOPLE},
    members={"team": _names("ann", "bob"), "staff": _names("team"), "crew": frozenset()},
    things={
        "top": Thing("first", rules=Rules(allow=_names("ann", "bob"))),
        "inner": Thing("first", "top"),
        "other": Thing("first", rules=Rules(allow=_names("staff"))),
        "drive": Thing("second", rules=Rules(allow=_names("members"))),
        "old": Thing("first", "top", page=_page("old text")),
    },
    accounts={"UANN": "ann", "UBOB": "bob"},
)


def texts(session: Session, audience: Audience) -> set[str]:
    return set(session.scalars(readable_chunks(audience).with_only_columns(Chunk.text)))


def of(company: Company, person: str) -> Audience:
    return Audience.of([company.principals[person]])


def read(company: Company, person: str) -> set[str]:
    audience = of(company, person)
    with company.database.reading_for(audience) as session:
        return texts(session, audience)


def without(facts: Facts, folder: str, person: str) -> Facts:
    thing = facts.things[folder]
    left = replace(thing.rules, allow=thing.rules.allow - {person})
    return replace(facts, things={**facts.things, folder: replace(thing, rules=left)})


def saying(facts: Facts, document: str, thing: Thing) -> Facts:
    return replace(facts, things={**facts.things, document: thing})


# The two examples, word for word


def test_new_enemy_a_what_is_added_to_a_folder_after_bob_was_removed_is_not_for_bob(
    database: Database,
) -> None:
    """Threat 6. The order of two changes to access counts: nobody sees the second without
    the first, though a transaction that began before both sees neither."""
    company = Company(database, Echo())
    company.become(START)
    bob = of(company, "bob")
    assert read(company, "bob") == {"old text"}

    with database.reading_for(bob) as before:
        company.become(without(company.facts, "top", "bob"))
        company.become(
            saying(company.facts, "new", Thing("first", "inner", page=_page("new text")))
        )
        assert texts(before, bob) == {"old text"}

    assert read(company, "bob") == set()
    assert read(company, "ann") == {"old text", "new text"}


def test_new_enemy_b_what_is_written_into_a_document_after_bob_was_removed_is_not_for_bob(
    database: Database,
) -> None:
    """Threat 6. An old decision is not applied to new content."""
    company = Company(database, Echo())
    secret = Thing("first", None, Rules(allow=_names("staff")), _page("as it was"))
    company.become(saying(START, "letter", secret))
    bob = of(company, "bob")
    assert "as it was" in read(company, "bob")

    with database.reading_for(bob) as before:
        members = {**company.facts.members, "team": _names("ann")}
        company.become(replace(company.facts, members=members))
        company.become(saying(company.facts, "letter", replace(secret, page=_page("as it is now"))))
        assert texts(before, bob) == {"old text", "as it was"}

    assert read(company, "bob") == {"old text"}
    assert read(company, "ann") == {"old text", "as it is now"}


# Who comes after somebody (threat 8)


def test_a_reused_address_inherits_nothing(world: World) -> None:
    with world.change() as change:
        gone = change.put_user(world.source_id, Person("7", "Bob", "bob@acme.example"))
    world.page("his", _only(gone))
    with world.change() as change:
        change.set_status(gone, UserStatus.DELETED)
        namesake = change.put_user(world.source_id, Person("8", "Bob", "bob@acme.example"))
    assert namesake != gone
    assert world.texts(namesake) == world.texts(gone) == []


def test_a_renamed_user_with_another_address_is_still_the_same(world: World) -> None:
    with world.change() as change:
        user_id = change.put_user(world.source_id, Person("7", "Bob", "bob@acme.example"))
    world.page("his", _only(user_id))
    with world.change() as change:
        renamed = change.put_user(world.source_id, Person("7", "Rob", "rob@acme.example"))
        other = change.put_user(world.source_id, Person("9", "Bob", "bob@acme.example"))
    assert renamed == user_id
    assert world.texts(user_id) == ["his"]
    assert world.texts(other) == []


def test_an_account_that_now_belongs_to_another_brings_nothing_along(world: World) -> None:
    """Also where the id differs in case, or by a space, from the one that is linked."""
    with world.change() as change:
        slack = change.put_source(SLACK)
        bob = change.put_user(world.source_id, Person("7", "Bob"))
        rob = change.put_user(world.source_id, Person("8", "Rob"))
        change.link(bob, slack, "U7", by="admin")
    world.page("his", _only(bob))

    def asked_by(account: str) -> list[str]:
        readers = Readers(accounts=frozenset({Account(SLACK, account)}))
        with world.database.session("answerer") as session:
            return world.texts(*resolve_audience(session, readers).ids)

    assert asked_by("U7") == ["his"]
    assert asked_by("u7") == asked_by("U7 ") == asked_by("U8") == []
    with world.change() as change:
        change.unlink(slack, "U7")
    assert asked_by("U7") == []
    with world.change() as change:
        change.link(rob, slack, "U7", by="admin")
    assert asked_by("U7") == []


def test_a_recreated_account_inherits_nothing(world: World) -> None:
    """The same id again, after the user was deleted: somebody new."""
    with world.change() as change:
        gone = change.put_user(world.source_id, Person("7", "Bob", "bob@acme.example"))
        group_id = change.put_group(world.source_id, "team", name="team")
        change.set_members(group_id, [gone])
    world.page("his", _only(gone))
    world.page("theirs", _only(group_id))
    assert world.texts(gone) == ["his", "theirs"]
    with world.change() as change:
        change.delete_user(gone)
        again = change.put_user(world.source_id, Person("7", "Bob", "bob@acme.example"))
    assert again != gone
    assert world.texts(again) == world.texts(gone) == []


def _only(principal_id: int) -> Permissions:
    return Permissions(allow=frozenset({principal_id}))


# Any sequence of changes, questions and revocations

everybody = st.sampled_from([*PEOPLE, *GROUPS, "members", "members_and_guests", "internet"])
some = st.frozensets(everybody, max_size=3)
seldom = st.one_of(st.just(frozenset[str]()), st.just(frozenset[str]()), some)
all_rules = st.builds(
    Rules,
    allow=some,
    deny=seldom,
    gates=seldom.map(lambda gate: (gate,) if gate else ()),
    inherit=st.booleans(),
    known=st.sampled_from([True] * 7 + [False]),
)
AUDIENCES = (
    *((person,) for person in PEOPLE),
    *(("members",), ("members_and_guests",), ("internet",), (NOBODY,)),
    *(("ann", "bob"), ("bob", "guest"), ("bob", "cleo", NOBODY), ("guest", "members")),
)


class Changes(RuleBasedStateMachine):
    """Whatever was changed, in whatever order: each way to ask gives what the rule gives."""

    database: ClassVar[Database]

    def __init__(self) -> None:
        super().__init__()
        empty(self.database.settings)
        self.company = Company(self.database, Echo())
        letter = Thing("first", "other", page=_page("a letter"))
        new = Thing("second", "drive", Rules(allow=_names("team"), inherit=False), _page("news"))
        self.company.become(saying(saying(START, "letter", letter), "new", new))
        self.open = ExitStack()
        self.looking: tuple[Session, Audience, set[str]] | None = None
        self.versions = self.turn = 0

    @property
    def facts(self) -> Facts:
        return self.company.facts

    # revocations, and their undoing

    @rule(group=st.sampled_from(GROUPS), members=st.frozensets(st.sampled_from([*PEOPLE, *GROUPS])))
    def set_members(self, group: str, members: frozenset[str]) -> None:
        exist = self.facts.people.keys() | self.facts.members.keys() | {group}
        self._become(members={**self.facts.members, group: members & exist})

    @rule(group=st.sampled_from(GROUPS), person=st.sampled_from(PEOPLE))
    def leave_or_join(self, group: str, person: str) -> None:
        members = self.facts.members.get(group, frozenset())
        self._become(members={**self.facts.members, group: members ^ {person}})

    @rule(group=st.sampled_from(GROUPS))
    def delete_group(self, group: str) -> None:
        left = {name: members - {group} for name, members in self.facts.members.items()}
        left.pop(group, None)
        self._become(members=left)

    @rule(node=st.sampled_from([*FOLDERS, *DOCUMENTS]), rules=all_rules)
    def set_rules(self, node: str, rules: Rules) -> None:
        if node in self.facts.things:
            self._put(node, replace(self.facts.things[node], rules=rules))

    @rule(node=st.sampled_from([*FOLDERS, *DOCUMENTS]))
    def set_unknown(self, node: str) -> None:
        if node in self.facts.things:
            thing = self.facts.things[node]
            self._put(node, replace(thing, rules=replace(thing.rules, known=False)))

    @rule(
        node=st.sampled_from(["inner", "other", *DOCUMENTS]),
        parent=st.sampled_from(["top", "inner", "other"]),
    )
    def move(self, node: str, parent: str) -> None:
        thing = self.facts.things.get(node)
        above = self.facts._chain(parent)
        if thing and node not in above and thing.source == self.facts.things[parent].source:
            self._put(node, replace(thing, parent=parent))

    @rule(person=st.sampled_from(PEOPLE), status=st.sampled_from(UserStatus))
    def set_status(self, person: str, status: UserStatus) -> None:
        human = replace(self.facts.people[person], status=status)
        self._become(people={**self.facts.people, person: human})

    @rule(person=st.sampled_from(PEOPLE))
    def become_guest_or_member(self, person: str) -> None:
        human = self.facts.people[person]
        self._become(people={**self.facts.people, person: replace(human, guest=not human.guest)})

    @rule(account=st.sampled_from(["UANN", "UBOB"]), person=st.sampled_from([*PEOPLE, None]))
    def link(self, account: str, person: str | None) -> None:
        left = {one: whose for one, whose in self.facts.accounts.items() if one != account}
        self._become(accounts={**left, account: person} if person else left)

    @rule(
        source=st.sampled_from(["first", "second"]), how=st.sampled_from(["paused", "stale", None])
    )
    def close_or_open(self, source: str, how: Closed | None) -> None:
        left = {name: one for name, one in self.facts.closed.items() if name != source}
        self._become(closed={**left, source: how} if how else left)

    # content

    @rule(document=st.sampled_from(DOCUMENTS), folder=st.sampled_from(FOLDERS), rules=all_rules)
    def write(self, document: str, folder: str, rules: Rules) -> None:
        """New content: in a new document of the folder, or in one that is there."""
        self.versions += 1
        page = _page(f"{document}, version {self.versions}")
        there = self.facts.things.get(document)
        new = Thing(self.facts.things[folder].source, folder, rules, page)
        self._put(document, replace(there, page=page) if there else new)

    @rule(document=st.sampled_from(DOCUMENTS))
    def delete(self, document: str) -> None:
        things = {name: one for name, one in self.facts.things.items() if name != document}
        self._become(things=things)

    # questions

    @precondition(lambda self: self.looking is None)
    @rule(subjects=st.sampled_from(AUDIENCES))
    def begin_to_read(self, subjects: tuple[str, ...]) -> None:
        """A transaction that the next changes do not reach: neither theirs nor new content."""
        audience = self._audience(subjects)
        session = self.open.enter_context(self.company.database.reading_for(audience))
        self.looking = session, audience, self._expected(subjects)

    @precondition(lambda self: self.looking is not None)
    @rule()
    def go_on_reading(self) -> None:
        assert self.looking is not None
        session, audience, expected = self.looking
        assert texts(session, audience) == expected
        self.open.close()
        self.looking = None

    @invariant()
    def everybody_is_answered_rightly(self) -> None:
        for person in PEOPLE:
            assert read(self.company, person) == self._expected((person,))

    @invariant()
    def one_audience_after_the_other_is_answered_rightly_in_every_way(self) -> None:
        self.turn += 1
        self._ask(AUDIENCES[self.turn % len(AUDIENCES)])
        account = ("UANN", "UBOB")[self.turn % 2]
        with self.company.database.session("answerer") as session:
            readers = Readers(accounts=frozenset({Account(SLACK, account)}))
            (subject_id,) = resolve_audience(session, readers).ids
        assert self.company.names[subject_id] == self.facts.accounts.get(account, NOBODY)

    def teardown(self) -> None:
        self.open.close()

    def _ask(self, subjects: tuple[str, ...]) -> None:
        audience, expected = self._audience(subjects), self._expected(subjects)
        wanted = {self.company.nodes[name]: name for name in self.facts.documents()}
        with self.company.database.session("indexer") as session:  # no row security in the way
            assert texts(session, audience) == expected
        with self.company.database.reading_for(audience) as session:
            assert set(session.scalars(select(Chunk.text))) == expected
            refused = unreadable(session, audience, wanted)
            assert self._texts(name for one, name in wanted.items() if one not in refused) == (
                expected
            )
            one, name = sorted(wanted.items())[self.turn % len(wanted)] if wanted else (0, "")
            explained = all(explain(session, subject_id, one) for subject_id in audience.ids)
            assert explained == self.facts.all_read(frozenset(subjects), name)

    def _audience(self, subjects: tuple[str, ...]) -> Audience:
        known = {**self.company.principals, NOBODY: STRANGER}
        return Audience.of(known[subject] for subject in subjects)

    def _expected(self, subjects: tuple[str, ...]) -> set[str]:
        readers = frozenset(subjects)
        return self._texts(
            name for name in self.facts.documents() if self.facts.all_read(readers, name)
        )

    def _texts(self, documents: Iterable[str]) -> set[str]:
        pages = [self.facts.things[name].page for name in documents]
        return {page.texts[0] for page in pages if page}

    def _put(self, name: str, thing: Thing) -> None:
        """Parents stand before their children: what moves stands last, and what is below it."""
        moved = {name: thing, **{n: t for n, t in self.facts.things.items() if t.parent == name}}
        stay = {n: t for n, t in self.facts.things.items() if n not in moved}
        below = {n: t for n, t in stay.items() if t.parent in moved}
        left = {n: t for n, t in stay.items() if n not in below}
        self._become(things={**left, **moved, **below})

    def _become(self, **changed: Any) -> None:
        self.company.become(replace(self.facts, **changed))


def test_after_any_sequence_of_changes_every_way_to_ask_follows_the_rule(
    database: Database,
) -> None:
    """Threats 6, 8 and 9."""
    run_state_machine_as_test(_machine(database), settings=_SETTINGS)


def test_a_revocation_that_is_forgotten_is_noticed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine can fail: here, who leaves a group stays in it."""
    real = Change.set_members

    def only_add(self: Change, group_id: int, members: Iterable[int]) -> None:
        of_group = select(Membership.member_id).where(Membership.group_id == group_id)
        held = self.session.scalars(of_group).all()
        real(self, group_id, {*members, *held})

    monkeypatch.setattr(Change, "set_members", only_add)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            _machine(database),
            settings=settings(_SETTINGS, max_examples=40, phases=[Phase.generate]),
        )


def _machine(database: Database) -> type[Changes]:
    class Here(Changes):
        pass

    Here.database = database
    return Here


_SETTINGS = settings(
    max_examples=6,
    stateful_step_count=10,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
