"""Laws that hold whatever the permissions are (threats.md, last paragraph): no oracle is asked.

A random world is changed, or written again in another way, and what people read is compared.
"""

import random
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import combinations

import pytest

from policies import STRANGER, Audience, readable_documents
from policies.change import Change
from policies.described import Permissions, Person
from policies.explain import unreadable
from policies.source import stored_nodes
from policies.tables.content import Document
from policies.tables.people import UserStatus
from policies.tables.permissions import NodeKind
from tests.policies.oracle import CLASSES, Facts
from tests.policies.worlds import CLASS_KEYS, RandomWorld, Shape
from tests.servers import empty
from workers.database.sessions import Database

Reads = dict[tuple[int, ...], frozenset[int]]

MOST_ROUNDS = 25
"""Of narrowing, until something is lost: a gate that loses one of many often keeps everybody."""


@pytest.fixture
def random_world(database: Database) -> RandomWorld:
    world = RandomWorld(database, seed=1, shape=Shape.PLAIN)
    for _ in range(10):
        world.step()
    return world


# -- what only narrows ------------------------------------------------------------------------


def _with_deny(permissions: Permissions, someone: int) -> Permissions:
    return replace(permissions, deny=permissions.deny | {someone})


def _with_gate(permissions: Permissions, someone: int) -> Permissions:
    return replace(permissions, gates=(*permissions.gates, frozenset({someone})))


def _with_less_in_a_gate(permissions: Permissions, someone: int) -> Permissions:
    return replace(permissions, gates=tuple(gate - {someone} for gate in permissions.gates))


def _with_less_allow(permissions: Permissions, someone: int) -> Permissions:
    return replace(permissions, allow=permissions.allow - {max(permissions.allow, default=0)})


@pytest.mark.parametrize("narrow", [_with_deny, _with_gate, _with_less_in_a_gate, _with_less_allow])
def test_a_deny_or_gate_more_or_an_allow_less_never_widens(
    random_world: RandomWorld, narrow: Callable[[Permissions, int], Permissions]
) -> None:
    """Threat 3."""
    before = first = _reads(random_world)
    principals = [random_world.principals[one] for one in (*random_world.facts.users, *CLASSES)]
    for _ in range(MOST_ROUNDS):
        with _change(random_world.database) as change:
            _narrow_some(change, random_world, narrow, principals)
        after = _reads(random_world)
        assert all(after[audience] <= before[audience] for audience in before)
        before = after
        if before != first:
            break
    assert before != first, "where nothing was lost, nothing is shown"


def _narrow_some(
    change: Change,
    world: RandomWorld,
    narrow: Callable[[Permissions, int], Permissions],
    principals: list[int],
) -> None:
    """Eight nodes of each source, where it makes a difference."""
    for source_id in world.sources.values():
        held = {
            node.id: node.permissions for node in stored_nodes(change.session, source_id).values()
        }
        wanted = {
            node_id: narrow(permissions, world.random.choice(principals))
            for node_id, permissions in held.items()
        }
        differing = [node_id for node_id in wanted if wanted[node_id] != held[node_id]]
        for node_id in world.random.sample(differing, min(8, len(differing))):
            change.set_permissions(node_id, wanted[node_id])


def test_more_people_never_read_more(random_world: RandomWorld) -> None:
    """Read(audience ∪ {x}) ⊆ read(audience); what an audience reads is what each of it reads."""
    alone = _reads(random_world)
    ids = [one for (one,) in alone]
    audience: list[int] = []
    read = frozenset.union(*alone.values())
    for one in sorted(ids, key=lambda i: -len(alone[i,]))[:8]:
        audience.append(one)
        together = _listed(random_world.database, Audience.of(audience))
        assert together <= read
        assert together == frozenset.intersection(*(alone[i,] for i in audience))
        read = together


# -- links ------------------------------------------------------------------------------------


def test_unlinking_never_widens(random_world: RandomWorld) -> None:
    """Nobody reads more, alone or as a class: not who loses it, and nobody else."""
    world = random_world
    before = first = _reads(world)
    for key in _linked_accounts(world):
        with _change(world.database) as change:
            change.unlink(world.sources[world.facts.accounts[key].source], _native(world, key))
        after = _reads(world)
        assert all(after[audience] <= before[audience] for audience in before), key
        before = after
    assert before != first, "where nothing was lost, nothing is shown"


def test_a_link_moves_its_person_and_opens_to_others_what_was_in_doubt(
    random_world: RandomWorld,
) -> None:
    """Who has a link in that source is not moved; who has none gains no more than the same company
    reads in which the account is external."""
    world, moved = random_world, set[bool]()
    nobodys = [key for key, facts in world.facts.accounts.items() if facts.user is None]
    for key in sorted({"account drive nobody's", *nobodys[:7]} & {*nobodys}):
        facts, native_id = world.facts.accounts[key], _native(world, key)
        source_id = world.sources[facts.source]
        before = _reads(world)
        with _change(world.database) as change:
            change.set_external(source_id, native_id, external=True)
        at_most = _reads(world)
        with _change(world.database) as change:
            change.set_external(source_id, native_id, external=False)
        person = world.random.choice([u for u in world.facts.users if u != facts.had_by])
        me = world.audience([person]).ids
        with _change(world.database) as change:
            change.link(world.principals[person], source_id, native_id, by="test")
        after = _reads(world)
        linked = {one.user for one in world.facts.accounts.values() if one.source == facts.source}
        for user in linked - {None, person, facts.had_by}:
            ids = world.audience([str(user)]).ids
            assert after[ids] == before[ids], (key, user)
        others = [ids for ids in before if ids != me and ids[0] > 3]
        assert all(before[ids] <= after[ids] <= at_most[ids] for ids in others), key
        moved |= {ids == me for ids in [me, *others] if after[ids] != before[ids]}
        with _change(world.database) as change:
            change.unlink(source_id, native_id)
        again = _reads(world)
        assert all(again[ids] <= after[ids] for ids in after)
    assert moved == {True, False}, "where nobody was moved, nothing is shown"


def _linked_accounts(world: RandomWorld) -> list[str]:
    return [key for key, facts in world.facts.accounts.items() if facts.user is not None]


def _native(world: RandomWorld, key: str) -> str:
    return key.removeprefix(f"account {world.facts.accounts[key].source} ")


# -- what changes nothing ---------------------------------------------------------------------


def test_many_at_once_are_answered_as_one_by_one(random_world: RandomWorld) -> None:
    """Threat 5: batches, with duplicates, and with people named twice."""
    documents = sorted(random_world.document_ids(random_world.facts.documents))
    subjects = random_world.random.sample(list(_reads(random_world)), 6)
    for one, other in combinations([subject for (subject,) in subjects], 2):
        audience = Audience.of([one, other, other, one])
        with random_world.database.session("syncer") as session:
            at_once = unreadable(session, audience, documents * 2)
            for document in documents[::6]:
                assert unreadable(session, audience, [document]) == at_once & {document}
        assert set(documents) - at_once == _listed(random_world.database, audience)


def test_the_order_in_which_things_are_written_changes_nothing(
    random_world: RandomWorld,
) -> None:
    """Entries, members, nodes and groups in another order, children before their parents."""
    _same_when_written_again(random_world, random_world.facts, order=random.Random(1))


def test_other_ids_change_nothing(random_world: RandomWorld) -> None:
    """Threat 4: what a thing is called decides nothing; ids that look alike are swapped."""
    swapped = {"ops": "Ops", "Ops": "ops ", "ops ": "ops", "caf\u00e9": "1", "1": "caf\u00e9"}
    _same_when_written_again(
        random_world, random_world.facts, rename=lambda name: swapped.get(name, f"{name} renamed")
    )


def test_a_group_split_into_two_nested_ones_changes_nothing(random_world: RandomWorld) -> None:
    facts = deepcopy(random_world.facts)
    for group, members in list(facts.groups.items()):
        if len(members) > 1:
            inner = f"{group} inner"
            facts.groups[inner] = set(sorted(members)[1:])
            facts.groups[group] = {*sorted(members)[:1], inner}
    assert facts.groups.keys() > random_world.facts.groups.keys()
    _same_when_written_again(random_world, facts)


def test_doubled_entries_and_members_change_nothing(random_world: RandomWorld) -> None:
    facts = deepcopy(random_world.facts)
    for node in facts.nodes.values():
        node.gates *= 3
    _same_when_written_again(random_world, facts, doubled=2)


def _same_when_written_again(
    world: RandomWorld,
    facts: Facts,
    *,
    order: random.Random | None = None,
    rename: Callable[[str], str] = str,
    doubled: int = 1,
) -> None:
    """The same people read the same documents when all is written again, into an empty database."""
    before = {
        (world.called[one], world.nodes_called[document])
        for (one,), documents in _reads(world).items()
        for document in documents
    }
    empty(world.database.settings)
    with _change(world.database) as change:
        loaded = _Telling(change, facts, order, rename, doubled).all()
    after = {
        (subject, document)
        for subject in (*facts.users, *CLASSES, "stranger")
        for document in loaded.documents_of(world.database, subject)
    }
    assert after == before
    assert before


@dataclass
class _Telling:
    """Writes facts to Ken in a way of its own."""

    change: Change
    facts: Facts
    order: random.Random | None
    rename: Callable[[str], str]
    doubled: int
    principals: dict[str, int] = field(default_factory=lambda: {"stranger": STRANGER, **CLASS_KEYS})
    sources: dict[str, int] = field(default_factory=dict)
    nodes: dict[str, int] = field(default_factory=dict)

    def all(self) -> "_Telling":
        for name, source in self.facts.sources.items():
            self.sources[name] = self.change.put_source(self.rename(name))
            assert source.max_hours is None or source.max_hours == 48
        for user in self._ordered(self.facts.users):
            self._user(user)
        for account in self._ordered(self.facts.accounts):
            self._account(account)
        for group in self._ordered(self.facts.groups):
            self.principals[group] = self.change.put_group(
                self.sources["drive"], self.rename(group), name=group
            )
        for group in self._ordered(self.facts.groups):
            members = [self.principals[one] for one in self._ordered(self.facts.groups[group])]
            self.change.set_members(self.principals[group], members * self.doubled)
        for node in self._ordered(self.facts.nodes):
            self._node(node)
        for node in self._ordered(self.facts.nodes):
            parent = self.facts.nodes[node].parent
            self.change.move(self.nodes[node], self.nodes[parent] if parent else None)
        for node in self._ordered(self.facts.nodes):
            self._permissions(node)
        self._freshness()
        return self

    def documents_of(self, database: Database, subject: str) -> set[str]:
        called = {node_id: node for node, node_id in self.nodes.items()}
        audience = Audience.of([self.principals[subject]])
        return {called[one] for one in _listed(database, audience)}

    def _user(self, user: str) -> None:
        facts = self.facts.users[user]
        person = Person(
            self.rename(user), "Somebody", guest=facts.guest, status=UserStatus(facts.status)
        )
        self.principals[user] = self.change.put_user(self.change.put_source("people"), person)

    def _account(self, account: str) -> None:
        """Whose it is, was, or is not, from the beginning."""
        facts, native_id = self.facts.accounts[account], self.rename(account)
        source_id = self.sources[facts.source]
        self.principals |= {account: self.change.accounts(source_id, [native_id])[native_id]}
        for one in (facts.had_by, facts.user):
            if one:
                self.change.link(self.principals[one], source_id, native_id, by="test")
        if facts.had_by:
            self.change.unlink(source_id, native_id)
        if facts.external:
            self.change.set_external(source_id, native_id, external=True)

    def _node(self, node: str) -> None:
        document = node in self.facts.documents
        self.nodes[node] = self.change.put_node(
            self.sources[self.facts.nodes[node].source],
            self.rename(node),
            kind=NodeKind.DOCUMENT if document else NodeKind.CONTAINER,
            parent_id=None,
        )
        if document:
            self.change.session.add(
                Document(
                    id=self.nodes[node],
                    policy_id=self.change.policy_for(self.nodes[node]),
                    native_id=self.rename(node),
                    title="A page",
                    content_hash="",
                )
            )
            self.change.session.flush()

    def _permissions(self, node: str) -> None:
        facts = self.facts.nodes[node]
        guards = facts.deny.union(*facts.gates)
        permissions = Permissions(
            allow=self._ids(facts.allow),
            deny=self._ids(facts.deny),
            gates=tuple(self._ids(gate) for gate in facts.gates),
            inherit=facts.inherit,
            known=not facts.unknown and guards <= self.principals.keys(),
        )
        self.change.set_permissions(self.nodes[node], permissions)

    def _ids(self, principals: Iterable[str]) -> frozenset[int]:
        known = (one for one in self._ordered(principals) if one in self.principals)
        return frozenset(self.principals[one] for one in known)

    def _freshness(self) -> None:
        for name, source in self.facts.sources.items():
            stale = source.max_hours is not None and (source.hours_ago or 96) > source.max_hours
            self.change.set_freshness(
                self.sources[name], paused=source.paused or stale, max_staleness=None
            )

    def _ordered(self, keys: Iterable[str]) -> list[str]:
        listed = list(keys)
        if self.order:
            self.order.shuffle(listed)
        return listed


# -- asked ------------------------------------------------------------------------------------


def _reads(world: RandomWorld) -> Reads:
    """What each subject reads, alone."""
    subjects = (*world.facts.users, *CLASSES, "stranger")
    audiences = [world.audience([subject]) for subject in subjects]
    return {audience.ids: _listed(world.database, audience) for audience in audiences}


def _listed(database: Database, audience: Audience) -> frozenset[int]:
    with database.session("syncer") as session:
        return frozenset(
            session.scalars(readable_documents(audience).with_only_columns(Document.id))
        )


class _change:
    def __init__(self, database: Database) -> None:
        self._session = database.session("indexer")

    def __enter__(self) -> Change:
        return Change(self._session.__enter__(), actor="test")

    def __exit__(self, *error: object) -> None:
        self._session.__exit__(*error)  # type: ignore[arg-type]
