"""What a waiting run takes away counts at once, and nobody gains by it: random states, an oracle.

The oracle is the one of `tests/policies`: written from the design, sharing no code with Ken.
"""

import random
from dataclasses import replace

import pytest

from policies.tables.permissions import NodeKind
from tests.policies.oracle import Facts, Node, Oracle, Source, User
from workers.sync.breaker import narrowed
from workers.sync.snapshot import GroupState, NodeState, Principal, Rules, State

USERS: list[Principal] = [100, 101, 102, 103, 104, 105]
GUESTS = {103}
CLASSES: list[Principal] = [1, 2, 3]
NAMES = {1: "internet", 2: "members_and_guests", 3: "members"}
GROUPS: list[Principal] = [f"g{number}" for number in range(5)]
NODES = [f"n{number}" for number in range(8)]


class Chance:
    """Random states of one source, and random steps from one to the next."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def state(self) -> State:
        groups = {str(name): GroupState(str(name), self._some(3)) for name in self._part(GROUPS)}
        nodes: dict[str, NodeState] = {}
        for name in self._part(NODES):
            parent = self.random.choice([None, *nodes, *nodes])
            nodes[name] = NodeState(NodeKind.DOCUMENT, parent, self._rules())
        return _without_ghosts(State(groups, nodes))

    def step(self, old: State) -> State:
        """A few changes, of every kind that a push can make."""
        groups, nodes = dict(old.groups), dict(old.nodes)
        for _ in range(self.random.randint(1, 4)):
            kind = self.random.random()
            if kind < 0.35:
                name = str(self.random.choice(GROUPS))
                groups[name] = GroupState(name, self._some(3))
            elif kind < 0.45 and groups:
                del groups[self.random.choice(list(groups))]
            elif kind < 0.9:
                name = self.random.choice(NODES)
                parent = nodes[name].parent if name in nodes else None
                if self.random.random() < 0.2:
                    parent = self.random.choice([None, *NODES[: NODES.index(name)]])
                nodes[name] = NodeState(NodeKind.DOCUMENT, parent, self._rules())
            else:
                name = self.random.choice(NODES)
                if name in nodes:
                    nodes[name] = replace(nodes[name], gone=True)
        return _without_ghosts(State(groups, nodes))

    def less(self, old: State) -> State:
        """A state that only takes away: members and allows fewer; gates, denies and gone more."""
        groups, nodes = dict(old.groups), dict(old.nodes)
        denied = {one for node in nodes.values() for one in node.rules.deny}
        for name in list(groups):
            if not denied and self.random.random() < 0.3:
                members = groups[name].members
                groups[name] = GroupState(name, members & self._some(5))
        for name, node in nodes.items():
            rules = node.rules
            chance = self.random.random()
            if chance < 0.2:
                rules = replace(rules, allow=rules.allow & self._some(6))
            elif chance < 0.3:
                rules = replace(rules, deny=rules.deny | {self.random.choice(USERS)})
            elif chance < 0.4:
                rules = replace(rules, gates=rules.gates | {frozenset({3, *self._some(2)})})
            elif chance < 0.5:
                rules = replace(rules, inherit=False)
            elif chance < 0.55:
                rules = replace(rules, known=False)
            nodes[name] = replace(node, rules=rules, gone=chance > 0.95)
        return _without_ghosts(State(groups, nodes))

    def _rules(self) -> Rules:
        allow = self._some(4) | (
            {self.random.choice(CLASSES)} if self._now_and_then(0.3) else set()
        )
        return Rules(
            allow=frozenset(allow),
            deny=self._some(2) if self._now_and_then(0.3) else frozenset(),
            gates=frozenset(
                self._some(3) | {self.random.choice([*CLASSES, *GROUPS])}
                for _ in range(self.random.choice([0, 0, 0, 1, 2]))
            ),
            inherit=self._now_and_then(0.75),
            known=self._now_and_then(0.95),
        )

    def _some(self, most: int) -> frozenset[Principal]:
        everybody = [*USERS, *GROUPS, *GROUPS]
        return frozenset(self.random.choices(everybody, k=self.random.randint(0, most)))

    def _part(self, names: list[Principal] | list[str]) -> list[str]:
        return [str(name) for name in names if self._now_and_then(0.85)]

    def _now_and_then(self, share: float) -> bool:
        return self.random.random() < share


def _without_ghosts(state: State) -> State:
    """As a push is read: names of groups that do not exist are dropped, or close the node."""
    groups = {
        name: replace(group, members=_known(group.members, state))
        for name, group in state.groups.items()
    }
    nodes = {}
    for name, node in state.nodes.items():
        rules = node.rules
        gates = frozenset(_known(gate, state) for gate in rules.gates)
        lost = _known(rules.deny, state) != rules.deny or gates != rules.gates
        orphan = node.parent is not None and (
            node.parent not in state.nodes or (state.nodes[node.parent].gone and not node.gone)
        )
        nodes[name] = NodeState(
            node.kind,
            None if orphan else node.parent,
            Rules(
                _known(rules.allow, state),
                _known(rules.deny, state),
                gates - {frozenset()},
                rules.inherit,
                rules.known and not lost and not orphan and frozenset() not in gates,
            ),
            node.gone,
        )
    return State(groups, nodes)


def _known(principals: frozenset[Principal], state: State) -> frozenset[Principal]:
    return frozenset(one for one in principals if isinstance(one, int) or one in state.groups)


def readers(state: State) -> dict[str, set[str]]:
    """By node, everybody and every class that reads it, as the oracle says."""
    facts = Facts(sources={"s": Source()})
    for user in USERS:
        facts.users[_key(user)] = User(guest=user in GUESTS)
    for name, group in state.groups.items():
        facts.groups[name] = {_key(member) for member in group.members}
    for name, node in state.nodes.items():
        rules = node.rules
        facts.nodes[name] = Node(
            "s",
            node.parent,
            {_key(one) for one in rules.allow},
            {_key(one) for one in rules.deny},
            [{_key(one) for one in gate} for gate in rules.gates],
            rules.inherit,
            not rules.known or node.gone,
        )
        facts.documents.add(name)
    oracle = Oracle(facts)
    subjects = [*facts.users, *NAMES.values()]
    return {
        name: {subject for subject in subjects if oracle.read(subject, name)}
        for name in state.nodes
    }


def _key(principal: Principal) -> str:
    return NAMES.get(principal, str(principal)) if isinstance(principal, int) else principal


@pytest.mark.parametrize("part", range(4))
def test_nobody_reads_between_two_states_what_either_of_them_forbids(part: int) -> None:
    kept = lost = 0
    for seed in range(part * 400, part * 400 + 400):
        chance = Chance(seed)
        old = chance.state()
        new = chance.step(old) if seed % 4 else chance.state()
        before, after, between = readers(old), readers(new), readers(narrowed(old, new))
        for name, found in between.items():
            both = before[name] & after.get(name, set())
            assert found <= both, (seed, name)
            kept += len(found)
            lost += len(both - found)
    assert kept > 1000
    assert kept > lost, "it closes more than it keeps"


@pytest.mark.parametrize("part", range(2))
def test_where_the_new_state_only_takes_away_it_holds_at_once_and_exactly(part: int) -> None:
    taken = 0
    for seed in range(part * 300, part * 300 + 300):
        chance = Chance(seed)
        old = chance.state()
        new = chance.less(old)
        before, after, between = readers(old), readers(new), readers(narrowed(old, new))
        if all(after[name] <= before[name] for name in after):
            assert between == after, seed
            taken += sum(len(before[name] - after[name]) for name in after)
    assert taken > 200


def test_nothing_changes_between_a_state_and_itself() -> None:
    for seed in range(100):
        state = Chance(seed).state()
        assert narrowed(state, state) == state


def test_permissions_copied_where_inheritance_ends_stay_with_who_keeps_them() -> None:
    """As SharePoint does it: the folder's people are written on the page, less one."""
    top = NodeState(NodeKind.CONTAINER, None, Rules(allow=frozenset({100, 101})))
    page = NodeState(NodeKind.DOCUMENT, "top", Rules())
    copied = replace(page, rules=Rules(allow=frozenset({101, 102}), inherit=False))
    found = narrowed(State({}, {"top": top, "page": page}), State({}, {"top": top, "page": copied}))
    assert readers(found)["page"] == {"101"}


def test_a_group_that_only_keeps_people_out_keeps_out_those_of_both_lists() -> None:
    page = NodeState(NodeKind.DOCUMENT, None, Rules(frozenset({3}), frozenset({"out"})))
    old = State({"out": GroupState("out", frozenset({100}))}, {"page": page})
    new = State({"out": GroupState("out", frozenset({101}))}, {"page": page})
    assert readers(narrowed(old, new))["page"] == {"102", "104", "105"}
