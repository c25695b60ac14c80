"""The groups and nodes of a source as one value, which is stored, pushed, compared and applied.

Principals are our ids, but the source's own groups are named by their native id, so that a state
can name groups that do not exist yet. `apply` writes only what differs between two states.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from policies.audience import CLASSES
from policies.change import Change
from policies.described import NewNode, Permissions, SeenAccount
from policies.source import NamedPermissions
from policies.tables.people import Account, Group, Membership
from policies.tables.permissions import AclState, Effect, Entry, Node, NodeKind
from policies.tables.sources import RunKind
from workers.errors import InputInvalid
from workers.sync.lines import AccountLine, GroupLine, Line, NodeLine, RemoveGroupLine

Principal = int | str
"""A class, account or user by our id; a group of this source by its native id."""
_LISTED = 10
"""At most this many names are in one error message."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The permissions of one node. A gate is never empty; `known` is False instead."""

    allow: frozenset[Principal] = frozenset()
    deny: frozenset[Principal] = frozenset()
    gates: frozenset[frozenset[Principal]] = frozenset()
    inherit: bool = True
    known: bool = True

    @property
    def entries(self) -> frozenset[tuple[object, ...]]:
        return frozenset(
            {
                *(("allow", one) for one in self.allow),
                *(("deny", one) for one in self.deny),
                *(("gate", gate, one) for gate in self.gates for one in gate),
            }
        )


@dataclass(frozen=True, slots=True)
class NodeState:
    kind: NodeKind
    parent: str | None
    rules: Rules
    gone: bool = False


@dataclass(frozen=True, slots=True)
class GroupState:
    name: str
    members: frozenset[Principal]


@dataclass(frozen=True, slots=True)
class State:
    """All groups and nodes of one source, by native id."""

    groups: Mapping[str, GroupState] = field(default_factory=dict)
    nodes: Mapping[str, NodeState] = field(default_factory=dict)

    def listed(self) -> int:
        """Count the nodes that are not gone."""
        return sum(not node.gone for node in self.nodes.values())


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A name that was skipped because it is unknown, or a parent that does not exist."""

    place: str
    """`group ID` or `node ID`."""
    name: str
    effect: str
    """`dropped`, or `closed` if nobody may read the node because of it."""


# -- what is stored ---------------------------------------------------------------------------


@dataclass
class Rows:
    """The rows of one source, now or at an earlier time."""

    groups: dict[int, tuple[str, str]] = field(default_factory=dict)
    """id -> native id, name"""
    members: set[tuple[int, int]] = field(default_factory=set)
    """member, group"""
    nodes: dict[int, dict[str, Any]] = field(default_factory=dict)
    entries: set[tuple[int, str, int, int]] = field(default_factory=set)
    """node, effect, gate, principal"""

    @cached_property
    def state(self) -> State:
        """The state of these rows; read it only after they are complete."""
        members: dict[int, set[Principal]] = defaultdict(set)
        for member_id, group_id in self.members:
            members[group_id].add(self._principal(member_id))
        allow: dict[int, set[Principal]] = defaultdict(set)
        deny: dict[int, set[Principal]] = defaultdict(set)
        gates: dict[int, dict[int, set[Principal]]] = defaultdict(lambda: defaultdict(set))
        for node_id, effect, gate, principal_id in self.entries:
            lists = {Effect.ALLOW: allow[node_id], Effect.DENY: deny[node_id]}
            where = lists.get(Effect(effect))
            (gates[node_id][gate] if where is None else where).add(self._principal(principal_id))
        return State(
            {
                native_id: GroupState(name, frozenset(members[group_id]))
                for group_id, (native_id, name) in self.groups.items()
            },
            {
                row["native_id"]: NodeState(
                    NodeKind(row["kind"]),
                    self._parent(row["parent_id"]),
                    Rules(
                        frozenset(allow[node_id]),
                        frozenset(deny[node_id]),
                        frozenset(map(frozenset, gates[node_id].values())),
                        row["inherit"],
                        row["acl_state"] == AclState.OK,
                    ),
                    gone=row["gone_at"] is not None,
                )
                for node_id, row in self.nodes.items()
            },
        )

    def _principal(self, principal_id: int) -> Principal:
        group = self.groups.get(principal_id)
        return principal_id if group is None else group[0]

    def _parent(self, parent_id: int | None) -> str | None:
        parent = None if parent_id is None else self.nodes.get(parent_id)
        return None if parent is None else str(parent["native_id"])


def stored_rows(session: Session, source_id: int) -> Rows:
    groups = session.execute(
        select(Group.id, Group.native_id, Group.name).where(Group.source_id == source_id)
    )
    members = session.execute(
        select(Membership.member_id, Membership.group_id)
        .join(Group, Group.id == Membership.group_id)
        .where(Group.source_id == source_id)
    )
    columns = (
        Node.id, Node.native_id, Node.kind, Node.parent_id, Node.inherit, Node.acl_state,
        Node.gone_at,
    )  # fmt: skip
    nodes = session.execute(select(*columns).where(Node.source_id == source_id))
    entries = session.execute(
        select(Entry.node_id, Entry.effect, Entry.gate, Entry.principal_id)
        .join(Node, Node.id == Entry.node_id)
        .where(Node.source_id == source_id)
    )
    return Rows(
        {group_id: (native_id, name) for group_id, native_id, name in groups},
        {(member_id, group_id) for member_id, group_id in members},
        {row.id: dict(row._mapping) for row in nodes},
        {(node_id, str(effect), gate, one) for node_id, effect, gate, one in entries},
    )


# -- what is pushed ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pushed:
    """The state that a run asks for, and what of its lines was left out."""

    state: State
    accounts: tuple[SeenAccount, ...]
    left_out: tuple[LeftOut, ...]


def read_push(
    lines: Iterable[Line], kind: RunKind, held: State, accounts: Mapping[str, int]
) -> Pushed:
    """The state of the source once these lines hold. `accounts`: the principals of `named_in`.

    A complete snapshot is the whole; what it does not list is gone. A delta replaces, group by
    group and node by node, what it names. Raises InputInvalid for what stands twice, for a
    cycle of nodes, and for an empty snapshot of a source that has nodes.
    """
    groups, nodes, seen, removed_groups, removed_nodes = _sorted_out(lines)
    complete = kind is RunKind.COMPLETE
    if complete and not nodes and held.listed():
        raise InputInvalid(
            f"The snapshot lists no node at all, and the source has {held.listed()}.",
            remedy="Half a list changes nothing. To close a source, pause it; to empty it, push a "
            "delta of remove_node lines.",
        )
    if complete:
        removed_groups = held.groups.keys() - groups.keys()
        removed_nodes = held.nodes.keys() - nodes.keys()
    reading = _Reading(accounts, (held.groups.keys() | groups.keys()) - removed_groups)
    new_groups = {name: reading.group(line) for name, line in groups.items()}
    live = {name for name, node in held.nodes.items() if not node.gone} - removed_nodes
    live |= nodes.keys()
    new_nodes = {name: reading.node(line, live) for name, line in nodes.items()}
    state = State(
        {**_without(held.groups, removed_groups), **new_groups},
        {
            **{
                name: replace(node, gone=node.gone or name in removed_nodes)
                for name, node in _losing(held.nodes, removed_groups).items()
            },
            **new_nodes,
        },
    )
    _refuse_cycles(state)
    return Pushed(state, tuple(seen.values()), tuple(reading.left_out))


def named_in(lines: Iterable[Line]) -> set[str]:
    """Return the native ids of accounts that these lines name as members or in permissions."""
    names: set[str] = set()
    for line in lines:
        if isinstance(line, GroupLine):
            names.update(line.members)
        elif isinstance(line, NodeLine):
            names.update(line.named().names())
    return {name.removeprefix("user:") for name in names if name.startswith("user:")}


def _sorted_out(
    lines: Iterable[Line],
) -> tuple[dict[str, GroupLine], dict[str, NodeLine], dict[str, SeenAccount], set[str], set[str]]:
    groups: dict[str, GroupLine] = {}
    nodes: dict[str, NodeLine] = {}
    accounts: dict[str, SeenAccount] = {}
    removed_groups: set[str] = set()
    removed_nodes: set[str] = set()
    for line in lines:
        if isinstance(line, AccountLine):
            twice = line.id in accounts
            accounts[line.id] = SeenAccount(line.id, line.name, line.email, line.kind)
        elif isinstance(line, GroupLine):
            twice = line.id in groups or line.id in removed_groups
            groups[line.id] = line
        elif isinstance(line, NodeLine):
            twice = line.id in nodes or line.id in removed_nodes
            nodes[line.id] = line
        elif isinstance(line, RemoveGroupLine):
            twice = line.id in groups or line.id in removed_groups
            removed_groups.add(line.id)
        else:
            twice = line.id in nodes or line.id in removed_nodes
            removed_nodes.add(line.id)
        if twice:
            raise InputInvalid(
                f"id: the {line.type.removeprefix('remove_')} {line.id!r} occurs twice.",
                remedy="Keep one of the two lines. Nothing was changed.",
            )
    return groups, nodes, accounts, removed_groups, removed_nodes


@dataclass
class _Reading:
    """Turns names into principals, and records unknown names."""

    accounts: Mapping[str, int]
    groups: set[str]
    left_out: list[LeftOut] = field(default_factory=list)

    def group(self, line: GroupLine) -> GroupState:
        place = f"group {line.id}"
        members = self._known(line.members, place, effect="dropped")
        return GroupState(line.name or line.id, members)

    def node(self, line: NodeLine, live: set[str]) -> NodeState:
        place = f"node {line.id}"
        named: NamedPermissions = line.named()
        before = len(self.left_out)
        deny = self._known(named.deny, place, effect="closed")
        gates = frozenset(self._known(gate, place, effect="closed") for gate in named.gates)
        parent = line.parent
        if parent is not None and parent not in live:
            self.left_out.append(LeftOut(place, f"parent {parent}", "closed"))
            parent = None
        closed = len(self.left_out) > before
        allow = self._known(named.allow, place, effect="dropped")
        known = not (line.unknown or closed or frozenset() in gates)
        rules = Rules(allow, deny, gates - {frozenset()}, line.inherit, known)
        return NodeState(line.kind, parent, rules)

    def _known(self, names: Iterable[str], place: str, *, effect: str) -> frozenset[Principal]:
        found: set[Principal] = set()
        for name in dict.fromkeys(names):
            principal = self._principal(name)
            if principal is None:
                self.left_out.append(LeftOut(place, name, effect))
            else:
                found.add(principal)
        return frozenset(found)

    def _principal(self, name: str) -> Principal | None:
        kind, _, rest = name.partition(":")
        if kind == "group":
            return rest if rest in self.groups else None
        return self.accounts[rest] if kind == "user" else int(CLASSES[rest])


def _without(groups: Mapping[str, GroupState], removed: set[str]) -> dict[str, GroupState]:
    """Return the remaining groups, without the removed ones as members."""
    return {
        name: replace(group, members=group.members - removed)
        for name, group in groups.items()
        if name not in removed
    }


def _losing(nodes: Mapping[str, NodeState], removed: set[str]) -> dict[str, NodeState]:
    """Drop removed groups from allows; close nodes whose denies or gates name one."""
    if not removed:
        return dict(nodes)
    found: dict[str, NodeState] = {}
    for name, node in nodes.items():
        rules = node.rules
        if removed & rules.deny or any(removed & gate for gate in rules.gates):
            rules = replace(rules, known=False)
        if removed & rules.allow:
            rules = replace(rules, allow=rules.allow - removed)
        found[name] = replace(node, rules=rules)
    return found


def _refuse_cycles(state: State) -> None:
    try:
        TopologicalSorter(
            {name: (node.parent,) for name, node in state.nodes.items() if node.parent is not None}
        ).prepare()
    except CycleError as error:
        ring = [str(name) for name in error.args[1]]
        shown = " below ".join(map(repr, ring[:_LISTED])) + (" …" if len(ring) > _LISTED else "")
        raise InputInvalid(
            f"parent: these nodes lie below themselves: {shown}.",
            remedy="Correct their parents. Nothing was changed.",
        ) from None


# -- written ----------------------------------------------------------------------------------


def apply(change: Change, source_id: int, rows: Rows, wanted: State) -> None:
    """Make the source, which has these rows, what `wanted` says: only what differs is written."""
    held = rows.state
    group_ids = {native_id: group_id for group_id, (native_id, _) in rows.groups.items()}
    node_ids = {str(row["native_id"]): node_id for node_id, row in rows.nodes.items()}
    for name, group in wanted.groups.items():
        if name not in held.groups or held.groups[name].name != group.name:
            group_ids[name] = change.put_group(source_id, name, name=group.name)
    for name, group in wanted.groups.items():
        before = held.groups[name].members if name in held.groups else frozenset()
        if before != group.members:
            change.set_members(group_ids[name], _ids(group.members, group_ids))
    order = list(_parents_first(wanted.nodes))
    new = {
        name: wanted.nodes[name]
        for name in order
        if name not in held.nodes and not wanted.nodes[name].gone
    }
    for level in _levels(new):
        added = change.add_nodes(
            source_id, [_new_node(name, new[name], node_ids, group_ids) for name in level]
        )
        node_ids.update(added)
    for name in order:
        if name in held.nodes and wanted.nodes[name] != held.nodes[name]:
            _put(change, source_id, name, held.nodes[name], wanted.nodes[name], node_ids, group_ids)
    for name in held.groups.keys() - wanted.groups.keys():
        change.delete_group(group_ids[name])


def put_accounts(change: Change, source_id: int, accounts: Sequence[SeenAccount]) -> None:
    """Write the accounts that are new or have changed."""
    held = {
        row.native_id: SeenAccount(row.native_id, row.name, row.email, row.kind)
        for row in change.session.execute(
            select(Account.native_id, Account.name, Account.email, Account.kind).where(
                Account.source_id == source_id
            )
        )
    }
    for account in accounts:
        if held.get(account.native_id) != account:
            change.put_account(source_id, account)


def _put(
    change: Change,
    source_id: int,
    name: str,
    before: NodeState,
    after: NodeState,
    node_ids: Mapping[str, int],
    group_ids: Mapping[str, int],
) -> None:
    if after.gone:
        if not before.gone:
            change.set_gone(node_ids[name])
        return
    if replace(before, rules=after.rules) != after:
        change.put_node(
            source_id,
            name,
            kind=after.kind,
            parent_id=None if after.parent is None else node_ids[after.parent],
        )
    if before.gone or before.rules != after.rules:
        change.set_permissions(node_ids[name], _permissions(after.rules, group_ids))


def _new_node(
    name: str, node: NodeState, node_ids: Mapping[str, int], group_ids: Mapping[str, int]
) -> NewNode:
    parent_id = None if node.parent is None else node_ids[node.parent]
    return NewNode(name, node.kind, parent_id, _permissions(node.rules, group_ids))


def _permissions(rules: Rules, group_ids: Mapping[str, int]) -> Permissions:
    return Permissions(
        allow=_ids(rules.allow, group_ids),
        deny=_ids(rules.deny, group_ids),
        gates=tuple(sorted((_ids(gate, group_ids) for gate in rules.gates), key=sorted)),
        inherit=rules.inherit,
        known=rules.known,
    )


def _ids(principals: Iterable[Principal], group_ids: Mapping[str, int]) -> frozenset[int]:
    return frozenset(group_ids[one] if isinstance(one, str) else one for one in principals)


def _parents_first(nodes: Mapping[str, NodeState]) -> Iterable[str]:
    """Order nodes with parents first, so that no move passes through a cycle."""
    return (
        name
        for name in TopologicalSorter(
            {name: () if node.parent is None else (node.parent,) for name, node in nodes.items()}
        ).static_order()
        if name in nodes
    )


def _levels(new: Mapping[str, NodeState]) -> Iterable[Sequence[str]]:
    """Group new nodes by depth, so that each comes after its parent."""
    depth: dict[str, int] = {}
    levels: dict[int, list[str]] = defaultdict(list)
    for name, node in new.items():
        inside = node.parent is not None and node.parent in new
        depth[name] = depth[str(node.parent)] + 1 if inside else 0
        levels[depth[name]].append(name)
    return [levels[number] for number in sorted(levels)]
