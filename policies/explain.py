"""Who may read what, in plain Python over the raw rows, and why.

The fourth layer (design, section 4): each passage is put to `decide` before it enters a prompt.
It shares neither SQL nor interned policies with `policies/access.py`: when the two disagree, one
of them is wrong, and the answer is not given.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from policies.access import STRANGER, Audience, Class
from policies.models import AclState, Effect, Entry, Node, Source, User, UserStatus

_CLASSES = frozenset(int(one) for one in Class)


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, and why. A person who is refused hears what one hears who asked for nothing."""

    allowed: bool
    reason: str
    """One word: allowed, inactive, unknown, stale, denied, gate, or no_allow."""
    path: tuple[int, ...] = ()
    """From the subject upward to the principal that decided: user, group, group …"""
    node_id: int | None = None
    """Where the deciding entry stands."""

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True, slots=True)
class Link:
    """One node of a document's chain, with its entries."""

    node_id: int
    inherit: bool
    known: bool
    allow: frozenset[int]
    deny: frozenset[int]
    gates: tuple[frozenset[int], ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """A subject with everything it acts as; each principal with the one that led to it."""

    subject_id: int
    active: bool
    came_from: Mapping[int, int | None]
    """The keys are P(u)."""
    bars: frozenset[int]
    """Principals whose denial counts: P(u), and for a class what any of its people holds."""

    def path_to(self, principal_id: int) -> tuple[int, ...]:
        path = [principal_id]
        while (before := self.came_from.get(path[-1])) is not None:
            path.append(before)
        return tuple(reversed(path))


@dataclass(frozen=True, slots=True)
class Freshness:
    paused: bool
    max_staleness: timedelta | None
    synced_at: datetime | None

    def usable(self, now: datetime) -> bool:
        if self.paused:
            return False
        if self.max_staleness is None:
            return True
        return self.synced_at is not None and now - self.synced_at <= self.max_staleness


def decide(holder: Holder, chain: Sequence[Link], *, usable: bool) -> Decision:
    """read(u, d) of design, section 4. `chain` runs from the document up to its root."""
    if not holder.active:
        return Decision(False, "inactive")
    if not chain:
        return Decision(False, "unknown")
    if not usable:
        return Decision(False, "stale")
    for link in chain:
        if not link.known:
            return Decision(False, "unknown", node_id=link.node_id)
    for link in chain:
        if barred := holder.bars & link.deny:
            return Decision(False, "denied", holder.path_to(min(barred)), link.node_id)
    for link in chain:
        for gate in link.gates:
            if not holder.came_from.keys() & gate:
                return Decision(False, "gate", node_id=link.node_id)
    for link in chain:
        if granted := holder.came_from.keys() & link.allow:
            return Decision(True, "allowed", holder.path_to(min(granted)), link.node_id)
        if not link.inherit:
            break
    return Decision(False, "no_allow")


def unreadable(session: Session, audience: Audience, document_ids: Iterable[int]) -> set[int]:
    """Those of the documents that somebody of the audience may not read."""
    wanted = set(document_ids)
    chains = load_chains(session, wanted)
    usable = _usable(session, wanted)
    holders = load_holders(session, audience.ids)
    return {
        document_id
        for document_id in wanted
        if not all(
            decide(holder, chains.get(document_id, ()), usable=document_id in usable)
            for holder in holders
        )
    }


def explain(session: Session, subject_id: int, document_id: int) -> Decision:
    """Why this subject may, or may not, read this document."""
    (holder,) = load_holders(session, (subject_id,))
    chain = load_chains(session, {document_id}).get(document_id, ())
    return decide(holder, chain, usable=document_id in _usable(session, {document_id}))


def load_chains(session: Session, document_ids: Iterable[int]) -> dict[int, list[Link]]:
    """For each document its chain, itself first. A node that does not exist has none."""
    nodes = {node.id: node for node in _nodes_above(session, document_ids)}
    entries: dict[int, list[Entry]] = defaultdict(list)
    for entry in session.scalars(select(Entry).where(Entry.node_id.in_(nodes))):
        entries[entry.node_id].append(entry)
    links = {node.id: _link(node, entries[node.id]) for node in nodes.values()}
    return {
        document_id: [links[node_id] for node_id in _climb(nodes, document_id)]
        for document_id in document_ids
        if document_id in nodes
    }


def load_holders(session: Session, subject_ids: Sequence[int]) -> list[Holder]:
    """Each subject with P(u), walked along the raw membership rows."""
    users = {
        user.id: user for user in session.scalars(select(User).where(User.id.in_(subject_ids)))
    }
    groups_of = _edges_above(session, users)
    return [_holder(session, subject_id, users, groups_of) for subject_id in subject_ids]


def _holder(
    session: Session,
    subject_id: int,
    users: Mapping[int, User],
    groups_of: Mapping[int, Sequence[int]],
) -> Holder:
    if subject_id == STRANGER:
        return Holder(subject_id, True, {Class.INTERNET: None}, frozenset({Class.INTERNET}))
    if subject_id in _CLASSES:
        held: dict[int, int | None] = {one: None for one in Class if one <= subject_id}
        return Holder(subject_id, True, held, _bars_of_class(session, Class(subject_id)))
    user = users.get(subject_id)
    if user is None:
        return Holder(subject_id, False, {}, frozenset())
    came_from: dict[int, int | None] = {subject_id: None}
    waiting = [subject_id]
    while waiting:
        below = waiting.pop()
        for group_id in groups_of.get(below, ()):
            if group_id not in came_from:
                came_from[group_id] = below
                waiting.append(group_id)
    for within in Class:
        if within <= user.class_id:
            came_from[within] = subject_id
    active = user.status == UserStatus.ACTIVE
    return Holder(subject_id, active, came_from, frozenset(came_from))


def _bars_of_class(session: Session, subject: Class) -> frozenset[int]:
    """A class is everybody in it: a denial of any of them, or of a group of theirs, bars it."""
    people = session.scalars(
        select(User.id).where(User.class_id >= subject, User.status == UserStatus.ACTIVE)
    ).all()
    above = _edges_above(session, people)
    groups = {group_id for group_ids in above.values() for group_id in group_ids}
    return frozenset({*people, *groups, *Class})


def _edges_above(session: Session, user_ids: Iterable[int]) -> dict[int, list[int]]:
    """member -> groups, for everything reachable upward from these users."""
    edges: dict[int, list[int]] = {}
    frontier = set(user_ids)
    while frontier:
        rows = session.execute(
            text("SELECT member_id, group_id FROM membership WHERE member_id = ANY(:ids)"),
            {"ids": list(frontier)},
        ).all()
        edges.update((member_id, []) for member_id in frontier)
        for member_id, group_id in rows:
            edges[member_id].append(group_id)
        frontier = {group_id for _, group_id in rows} - edges.keys()
    return edges


def _nodes_above(session: Session, node_ids: Iterable[int]) -> list[Node]:
    found: dict[int, Node] = {}
    frontier = set(node_ids)
    columns = (Node.id, Node.parent_id, Node.inherit, Node.acl_state, Node.source_id)
    while frontier:
        rows = session.execute(select(*columns).where(Node.id.in_(frontier))).all()
        found.update((row.id, row) for row in rows)  # type: ignore[misc]
        frontier = {row.parent_id for row in rows if row.parent_id} - found.keys()
    return list(found.values())


def _climb(nodes: Mapping[int, Node], node_id: int) -> list[int]:
    chain: list[int] = []
    at: int | None = node_id
    while at is not None and at not in chain:
        chain.append(at)
        at = nodes[at].parent_id
    return chain


def _link(node: Node, entries: Sequence[Entry]) -> Link:
    gates: dict[int, set[int]] = defaultdict(set)
    for entry in entries:
        if entry.effect == Effect.GATE:
            gates[entry.gate].add(entry.principal_id)
    return Link(
        node_id=node.id,
        inherit=node.inherit,
        known=node.acl_state == AclState.OK,
        allow=frozenset(e.principal_id for e in entries if e.effect == Effect.ALLOW),
        deny=frozenset(e.principal_id for e in entries if e.effect == Effect.DENY),
        gates=tuple(frozenset(gate) for _, gate in sorted(gates.items())),
    )


def _usable(session: Session, document_ids: Iterable[int]) -> set[int]:
    """Those whose source is neither paused nor stale, by the database's clock."""
    now = session.scalars(select(func.now())).one()
    rows = session.execute(
        select(Node.id, Source.paused, Source.max_staleness, Source.synced_at)
        .join(Source, Source.id == Node.source_id)
        .where(Node.id.in_(set(document_ids)))
    )
    return {
        row.id
        for row in rows
        if Freshness(row.paused, row.max_staleness, row.synced_at).usable(now)
    }
