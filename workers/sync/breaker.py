"""Decides which runs wait for confirmation, and what of a waiting run counts at once.

A run waits if it gives people much more to read than before. What it takes away counts at once:
`narrowed` is the state in between, in which nobody may read anything that the old or the new state
does not let them read. A complete list that leaves out most of its source waits, too: what it
leaves out stays, and what it says about listed nodes counts (docs/decisions/0028).
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from workers.settings import Settings
from workers.sync.difference import Difference
from workers.sync.snapshot import GroupState, NodeState, Principal, Rules, State


def reasons_to_wait(difference: Difference, settings: Settings) -> tuple[str, ...]:
    """Return why giving this much more access needs confirmation; empty if it does not."""
    share = difference.pairs_before * settings.widening_percent // 100
    most = max(settings.widening_limit, share)
    found = []
    if difference.pairs_gained > most:
        found.append(
            f"{_counted(difference.people_gaining, 'person gains', 'people gain')} "
            f"{_counted(difference.pairs_gained, 'reading', 'readings')}; more than {most} need "
            "confirmation"
        )
    found += [
        f"the class {one.name} gains {_counted(one.gained, 'document', 'documents')}; more than "
        f"{settings.class_widening_limit} need confirmation"
        for one in difference.classes
        if one.gained > settings.class_widening_limit
    ]
    return tuple(found)


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def is_mass_revocation(difference: Difference, settings: Settings) -> bool:
    share = difference.pairs_before * settings.mass_revocation_percent / 100
    return difference.pairs_lost > max(settings.mass_revocation_limit, share)


def lacks_members(difference: Difference, held: State, settings: Settings) -> bool:
    members = sum(len(group.members) for group in held.groups.values())
    return _is_most(difference.memberships.removed, members, settings)


def reasons_unlisted(
    difference: Difference, by_name: Difference, held: State, settings: Settings
) -> tuple[str, ...]:
    """Return why what a complete list leaves out needs confirmation; empty if it does not.

    `by_name` is what the list takes away from the nodes and groups that it names.
    """
    members = sum(len(group.members) for group in held.groups.values())
    closed = difference.documents_closed - by_name.documents_closed
    found = (
        ("nodes", difference.nodes.removed, held.listed()),
        ("memberships", difference.memberships.removed, members),
        ("documents that somebody may read", closed, difference.documents_readable),
    )
    return tuple(
        f"the list leaves out {count} of {of} {what}; more than "
        f"{max(settings.unlisted_limit, of * settings.unlisted_percent // 100)} need confirmation"
        for what, count, of in found
        if _is_most(count, of, settings)
    )


def with_members(held: State, listed: State) -> State:
    """Return the listed state, with everybody who was in its groups before still in them."""
    nobody: frozenset[Principal] = frozenset()
    return State(
        {
            name: replace(
                group,
                members=group.members
                | (held.groups[name].members if name in held.groups else nobody),
            )
            for name, group in listed.groups.items()
        },
        listed.nodes,
    )


def _is_most(count: int, of: int, settings: Settings) -> bool:
    return count > max(settings.unlisted_limit, of * settings.unlisted_percent // 100)


def narrowed(old: State, new: State) -> State:
    """Return a state in which each document has only readers that both `old` and `new` allow.

    If `new` only takes access away, the readers are exactly those of `new`. A new node is left
    out, and a node that moved is closed.
    """
    usage = _Usage.of(old, new)
    groups = {**new.groups, **old.groups}
    for name in old.groups.keys() & new.groups.keys():
        groups[name] = _between(name, old.groups[name], new.groups[name], usage)
    above_old, above_new = _allowed_above(old), _allowed_above(new)
    nodes = {}
    for name, was in old.nodes.items():
        now = new.nodes.get(name)
        if was.gone:
            nodes[name] = was
        elif now is None or now.gone:
            nodes[name] = replace(was, gone=True)
        else:
            nodes[name] = _meet(name, was, now, above_old, above_new, usage)
    return State(groups, nodes)


def _between(name: str, was: GroupState, now: GroupState, usage: "_Usage") -> GroupState:
    """Take members of both states if the group allows, and of either if it only denies."""
    if name in usage.denied and name not in usage.wanted:
        return GroupState(now.name, was.members | now.members)
    return GroupState(now.name, was.members & now.members)


def _meet(
    name: str,
    was: NodeState,
    now: NodeState,
    above_old: Mapping[str, frozenset[Principal]],
    above_new: Mapping[str, frozenset[Principal]],
    usage: "_Usage",
) -> NodeState:
    """Combine two nodes: what both allow, minus what either denies, with the gates of both."""
    inherit = was.rules.inherit and now.rules.inherit
    from_above = above_old[name] & above_new[name]
    in_old = was.rules.allow | (above_old[name] if was.rules.inherit else frozenset())
    in_new = now.rules.allow | (above_new[name] if now.rules.inherit else frozenset())
    allow = in_old & in_new
    if inherit:  # what is inherited from above need not be repeated
        allow -= from_above - (was.rules.allow & now.rules.allow)
    deny = was.rules.deny | now.rules.deny
    known = (
        was.rules.known
        and now.rules.known
        and was.parent == now.parent
        and not any(one in usage.torn for one in deny)
    )
    gates = was.rules.gates | now.rules.gates
    return NodeState(was.kind, was.parent, Rules(allow, deny, gates, inherit, known))


@dataclass(frozen=True, slots=True)
class _Usage:
    """What the groups of a source are used for, in the old state or the new."""

    wanted: frozenset[Principal]
    """Principals that an allow or a gate names, and all below them."""
    denied: frozenset[Principal]
    """Principals that a deny names, and all below them."""
    torn: frozenset[Principal]
    """Principals denied through a group that also lets people read and whose members change: no
    list of members is safe for both uses."""

    @classmethod
    def of(cls, old: State, new: State) -> "_Usage":
        allowing: set[Principal] = set()
        denying: set[Principal] = set()
        for node in (*old.nodes.values(), *new.nodes.values()):
            allowing |= node.rules.allow.union(*node.rules.gates)
            denying |= node.rules.deny
        members: dict[Principal, set[Principal]] = defaultdict(set)
        groups_of: dict[Principal, set[Principal]] = defaultdict(set)
        for name, group in (*old.groups.items(), *new.groups.items()):
            members[name] |= group.members
            for member in group.members:
                groups_of[member].add(name)
        wanted, denied = _closure(allowing, members), _closure(denying, members)
        changed = {
            name
            for name in old.groups.keys() & new.groups.keys()
            if old.groups[name].members != new.groups[name].members
        }
        torn = _closure(changed & wanted & denied, groups_of)
        return cls(wanted, denied, torn)


def _closure(
    start: Iterable[Principal], edges: Mapping[Principal, set[Principal]]
) -> frozenset[Principal]:
    found = set(start)
    waiting = deque(found)
    while waiting:
        fresh = edges.get(waiting.popleft(), set()) - found
        found |= fresh
        waiting.extend(fresh)
    return frozenset(found)


def _allowed_above(state: State) -> dict[str, frozenset[Principal]]:
    """Return for each node what its ancestors allow."""
    nobody: frozenset[Principal] = frozenset()
    comes_down: dict[str, frozenset[Principal]] = {}
    above: dict[str, frozenset[Principal]] = {}
    for name in state.nodes:
        line: list[str] = []
        at: str | None = name
        while at is not None and at not in comes_down:
            line.append(at)
            at = state.nodes[at].parent
        for one in reversed(line):
            node = state.nodes[one]
            above[one] = nobody if node.parent is None else comes_down[node.parent]
            comes_down[one] = node.rules.allow | (above[one] if node.rules.inherit else nobody)
    return above
