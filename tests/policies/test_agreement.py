"""All ways to ask who may read what agree, in random worlds that keep changing.

The oracle below is the page of design, section 4, over the raw facts that the test itself
keeps; it shares no code with the query, with row-level security, or with `explain`.
"""

import random
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select

from policies import STRANGER, Audience, Class, readable_documents
from policies.change import Permissions
from policies.explain import unreadable
from policies.models import Document, UserStatus
from tests.policies.world import World

CLASSES_OF = {"member": {1, 2, 3}, "guest": {1, 2}}


@dataclass
class Facts:
    """What was told to Ken, in plain Python."""

    users: dict[int, tuple[str, bool]] = field(default_factory=dict)
    """id -> (kind, active)"""
    members: dict[int, set[int]] = field(default_factory=dict)
    parent: dict[int, int | None] = field(default_factory=dict)
    permissions: dict[int, Permissions] = field(default_factory=dict)
    unknown: set[int] = field(default_factory=set)
    documents: list[int] = field(default_factory=list)

    def read(self, subject: int, document: int) -> bool:
        if subject in (1, 2, 3):
            return self._everybody_reads(subject, document)
        if subject == STRANGER:
            return self._reads({1}, document)
        kind, active = self.users[subject]
        return active and self._reads(self._principals(subject, kind), document)

    def _everybody_reads(self, one_class: int, document: int) -> bool:
        """Whoever is in the class now, and somebody who is in nothing else."""
        narrowest = {1: {1}, 2: {1, 2}, 3: {1, 2, 3}}[one_class]
        classes_denied = any(
            self._permissions(node).deny & {1, 2, 3} for node in self._chain(document)
        )
        return (
            not classes_denied
            and self._reads(narrowest, document)
            and not any(
                self._denied(self._principals(user, kind), document)
                for user, (kind, active) in self.users.items()
                if active and one_class in CLASSES_OF[kind]
            )
        )

    def _reads(self, principals: set[int], document: int) -> bool:
        chain = self._chain(document)
        if any(node in self.unknown for node in chain) or self._denied(principals, document):
            return False
        gates = [gate for node in chain for gate in self._permissions(node).gates]
        return all(gate & principals for gate in gates) and bool(
            self._allows(document) & principals
        )

    def _denied(self, principals: set[int], document: int) -> bool:
        return any(self._permissions(node).deny & principals for node in self._chain(document))

    def _allows(self, document: int) -> set[int]:
        found: set[int] = set()
        for node in self._chain(document):
            found |= self._permissions(node).allow
            if not self._permissions(node).inherit:
                break
        return found

    def _principals(self, user: int, kind: str) -> set[int]:
        found, before = {user}, set[int]()
        while found != before:
            before = set(found)
            found |= {group for group, members in self.members.items() if members & found}
        return found | CLASSES_OF[kind]

    def _permissions(self, node: int) -> Permissions:
        return self.permissions.get(node, Permissions())

    def _chain(self, node: int) -> list[int]:
        chain: list[int] = []
        at: int | None = node
        while at is not None:
            chain.append(at)
            at = self.parent[at]
        return chain


class RandomCompany:
    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random, self.facts = world, random.Random(seed), Facts()
        for n in range(8):
            guest = n % 4 == 3
            self.facts.users[world.person(f"u{n}", guest=guest)] = (
                "guest" if guest else "member",
                True,
            )
        for n in range(7):
            self.facts.members[world.group(f"g{n}")] = set()
        folders: list[int] = []
        for n in range(9):
            inside = self.random.choice([None, *folders])
            node = world.folder(f"f{n}", inside=inside)
            folders.append(node)
            self.facts.parent[node] = inside
        for n in range(14):
            inside = self.random.choice([None, *folders])
            node = world.page(f"d{n}", inside=inside)
            self.facts.parent[node] = inside
            self.facts.documents.append(node)
        self.folders = folders
        for _ in range(45):
            self.step()

    def step(self) -> None:
        self.random.choice(
            [
                self._members,
                self._members,
                self._permissions,
                self._permissions,
                self._permissions,
                self._move,
                self._status,
                self._unknown,
            ]
        )()

    def _some(self, most: int) -> frozenset[int]:
        everybody = [*self.facts.users, *self.facts.members, 1, 2, 3, 3]
        return frozenset(self.random.sample(everybody, self.random.randint(0, most)))

    def _members(self) -> None:
        group = self.random.choice(list(self.facts.members))
        members = {p for p in self._some(4) if p > 3}
        with self.world.change() as change:
            change.set_members(group, members)
        self.facts.members[group] = members

    def _permissions(self) -> None:
        node = self.random.choice(list(self.facts.parent))
        permissions = Permissions(
            allow=self._some(4),
            deny=self._some(1) if self.random.random() < 0.2 else frozenset(),
            gates=tuple(self._some(4) | {3} for _ in range(self.random.choice([0, 0, 0, 1, 2]))),
            inherit=self.random.random() < 0.75,
        )
        with self.world.change() as change:
            change.set_permissions(node, permissions)
        self.facts.permissions[node] = permissions
        self.facts.unknown.discard(node)

    def _move(self) -> None:
        node = self.random.choice(list(self.facts.parent))
        inside = self.random.choice([None, *self.folders])
        if inside is not None and node in self.facts._chain(inside):
            return
        with self.world.change() as change:
            change.move(node, inside)
        self.facts.parent[node] = inside

    def _status(self) -> None:
        user = self.random.choice(list(self.facts.users))
        active = self.random.random() < 0.8
        with self.world.change() as change:
            change.set_status(user, UserStatus.ACTIVE if active else UserStatus.SUSPENDED)
        self.facts.users[user] = (self.facts.users[user][0], active)

    def _unknown(self) -> None:
        node = self.random.choice(list(self.facts.parent))
        if self.random.random() < 0.3:
            with self.world.change() as change:
                change.set_unknown(node)
            self.facts.unknown.add(node)


@pytest.mark.parametrize("seed", range(6))
def test_query_row_security_python_and_oracle_agree(world: World, seed: int) -> None:
    """Threats 1 to 3: random worlds, every subject and some audiences, after every few changes."""
    company = RandomCompany(world, seed)
    for _ in range(4):
        for _ in range(5):
            company.step()
        _compare(company)


def _compare(company: RandomCompany) -> None:
    facts = company.facts
    subjects = [*facts.users, *map(int, Class), STRANGER]
    audiences: list[tuple[int, ...]] = [(subject,) for subject in subjects]
    audiences += [tuple(company.random.sample(subjects, size)) for size in (2, 2, 3, 5)]
    readable = 0
    for ids in audiences:
        expected = {d for d in facts.documents if all(facts.read(s, d) for s in ids)}
        readable += len(expected)
        audience = Audience.of(ids)
        with company.world.database.session("indexer") as session:  # no row security in the way
            by_query = {d.id for d in session.scalars(readable_documents(audience))}
        with company.world.database.reading_for(audience) as session:
            by_row_security = set(session.scalars(select(Document.id)))
            by_python = set(facts.documents) - unreadable(session, audience, facts.documents)
        assert by_query == expected
        assert by_row_security == expected
        assert by_python == expected
    assert readable > 0, "a world in which nobody reads anything proves nothing"
