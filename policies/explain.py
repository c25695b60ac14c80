"""Who may read what, in plain Python over the raw rows, and why.

The fourth layer (design, section 4): each passage is put to `decide` before it enters a prompt.
It shares neither SQL nor interned policies with `policies/access.py`: when the two disagree, one
of them is wrong, and the answer is not given.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, any_, exists, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from policies.access import STRANGER, Audience, Class
from policies.history import as_of, require_known
from policies.tables.people import LinkedIdentity, Membership, SourceAccount, User, UserStatus
from policies.tables.permissions import AclState, Effect, Entry, Node
from policies.tables.sources import Source

_CLASSES = frozenset(int(one) for one in Class)
_UP_TO = {one: frozenset(wider for wider in _CLASSES if wider <= one) for one in _CLASSES}
"""Each class with those that it lies within."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, and why. A person who is refused hears what one hears who asked for nothing."""

    allowed: bool
    reason: str
    """One word: allowed, inactive, unknown, stale, denied, gate, or no_allow."""
    node_id: int | None = None
    """Where the deciding entry stands."""
    principal_id: int | None = None
    """Whom that entry names."""
    path: tuple[int, ...] = ()
    """From the subject, or `account_id`, upward to that principal. `explain` finds it."""
    wanted: frozenset[int] = frozenset()
    """Any one of these would open it: of a gate that is not met, or of the allows that count."""
    account_id: int | None = None
    """Of a deny: an account that nobody is linked to, and that the subject may be behind."""
    cut_id: int | None = None
    """The node at which the allows from above stop, if there are any."""
    stopped: frozenset[int] = frozenset()
    """Whom those above it allow."""

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
    """A subject with all that it acts as, of what some chains name."""

    subject_id: int
    active: bool
    holds: frozenset[int]
    """P(u)."""
    bars: frozenset[int]
    """Principals whose denial counts: P(u), for a class what any of its people holds, and
    `doubts`."""
    groups_of: Mapping[int, Sequence[int]]
    """member -> groups: the way up."""
    doubts: Mapping[int, "Doubt"] = field(default_factory=dict)
    """Denied principals that reach an account of nobody's, which this subject may be behind."""

    def path_to(self, principal_id: int) -> tuple[int, ...]:
        """A shortest one; for a class, and for who bars a class, there is nothing in between."""
        if principal_id in _CLASSES or self.subject_id in _CLASSES:
            return tuple(dict.fromkeys((self.subject_id, principal_id)))
        return _back(_tree(self.groups_of, self.subject_id), principal_id)[::-1]


@dataclass(frozen=True, slots=True)
class Doubt:
    """An account that nobody is linked to, and the way from it up to a principal that is denied."""

    account_id: int
    path: tuple[int, ...]


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
            return _denied(holder, link.node_id, barred)
    for link in chain:
        for gate in link.gates:
            if not holder.holds & gate:
                return Decision(False, "gate", node_id=link.node_id, wanted=gate)
    for link in chain:
        if granted := holder.holds & link.allow:
            return Decision(True, "allowed", link.node_id, min(granted))
        if not link.inherit:
            break
    return _nothing_allows(chain)


def _denied(holder: Holder, node_id: int, barred: frozenset[int]) -> Decision:
    """What is certain is said before what may be."""
    if certain := barred - holder.doubts.keys():
        return Decision(False, "denied", node_id, min(certain))
    doubt = holder.doubts[min(barred)]
    return Decision(False, "denied", node_id, min(barred), doubt.path, account_id=doubt.account_id)


def _nothing_allows(chain: Sequence[Link]) -> Decision:
    """With what would be enough, and what an allow from above stops at."""
    reach = next((place for place, link in enumerate(chain, 1) if not link.inherit), len(chain))
    wanted = frozenset[int]().union(*(link.allow for link in chain[:reach]))
    stopped = frozenset[int]().union(*(link.allow for link in chain[reach:]))
    cut_id = chain[reach - 1].node_id if stopped else None
    return Decision(False, "no_allow", wanted=wanted, cut_id=cut_id, stopped=stopped)


def unreadable(session: Session, audience: Audience, document_ids: Iterable[int]) -> set[int]:
    """Those of the documents that somebody of the audience may not read."""
    wanted = set(document_ids)
    return _refused(session, audience, wanted, usable=_usable(session, wanted))


def revoked(session: Session, audience: Audience, document_ids: Iterable[int]) -> set[int]:
    """Those that somebody of the audience may not read, by what their sources said last.

    For what was said before a source became too old: that it is late takes nothing from anybody.
    A paused source is closed here too. Every one of these is `unreadable`.
    """
    wanted = set(document_ids)
    return _refused(session, audience, wanted, usable=_not_paused(session, wanted))


def _refused(
    session: Session, audience: Audience, wanted: Collection[int], *, usable: Collection[int]
) -> set[int]:
    chains = load_chains(session, wanted)
    links = [link for chain in chains.values() for link in chain]
    holders = _different(load_holders(session, audience.ids, chains.values()), links)
    return {
        document_id
        for document_id in wanted
        if not _all_read(holders, chains.get(document_id, ()), usable=document_id in usable)
    }


def _all_read(holders: Iterable[Holder], chain: Sequence[Link], *, usable: bool) -> bool:
    return all(decide(holder, chain, usable=usable) for holder in _different(holders, chain))


def _different(holders: Iterable[Holder], links: Iterable[Link]) -> Collection[Holder]:
    """One for all who differ in nothing that these nodes ask for."""
    named = _named(links)
    return {
        (
            holder.active,
            holder.holds & named,
            None if holder.bars is holder.holds else holder.bars & named,
        ): holder
        for holder in holders
    }.values()


def explain(
    session: Session, subject_id: int, document_id: int, at: datetime | None = None
) -> Decision:
    """Why this subject may, or may not, read this document; or might, at a past moment.

    Raises OutsideHistory.
    """
    return decisions(session, (subject_id,), document_id, at)[subject_id]


def decisions(
    session: Session, subject_ids: Sequence[int], document_id: int, at: datetime | None = None
) -> dict[int, Decision]:
    """What `explain` says of each subject. Raises OutsideHistory."""
    require_known(session, at)
    chains = load_chains(session, {document_id}, at)
    chain = chains.get(document_id, ())
    usable = document_id in _usable(session, {document_id}, at)
    holders = load_holders(session, subject_ids, chains.values(), at)
    return {
        holder.subject_id: _with_path(decide(holder, chain, usable=usable), holder)
        for holder in holders
    }


def _with_path(decision: Decision, holder: Holder) -> Decision:
    if decision.principal_id is None or decision.path:
        return decision
    return replace(decision, path=holder.path_to(decision.principal_id))


def readers(session: Session, document_id: int, at: datetime | None = None) -> dict[int, Decision]:
    """Every active user who reads it, with the path that allows it. Raises OutsideHistory."""
    user = as_of(User, at)
    active = session.scalars(select(user.id).where(user.status == UserStatus.ACTIVE)).all()
    decided = decisions(session, active, document_id, at)
    return {user_id: decision for user_id, decision in decided.items() if decision}


def load_chains(
    session: Session, document_ids: Iterable[int], at: datetime | None = None
) -> dict[int, list[Link]]:
    """For each document its chain, itself first. A node that does not exist has none."""
    wanted = set(document_ids)
    nodes = {node.id: node for node in _nodes_above(session, wanted, at)}
    entries: dict[int, list[Any]] = defaultdict(list)
    entry = as_of(Entry, at)
    columns = (entry.node_id, entry.effect, entry.gate, entry.principal_id)
    for row in session.execute(select(*columns).where(_among(entry.node_id, nodes))):
        entries[row.node_id].append(row)
    links = {node.id: _link(node, entries[node.id]) for node in nodes.values()}
    return {
        document_id: [links[node_id] for node_id in _climb(nodes, document_id)]
        for document_id in wanted & nodes.keys()
    }


def load_holders(
    session: Session,
    subject_ids: Sequence[int],
    chains: Iterable[Sequence[Link]],
    at: datetime | None = None,
) -> list[Holder]:
    """Each subject with what it acts as, as far as that leads to somebody whom the chains name.

    A group that leads to none of them changes no decision about these chains.
    """
    links = [link for chain in chains for link in chain]
    named, denied = _named(links), frozenset[int]().union(*(link.deny for link in links))
    user = as_of(User, at)
    rows = session.execute(
        select(user.id, user.status, user.class_id).where(_among(user.id, subject_ids))
    )
    users = {user_id: (status, class_id) for user_id, status, class_id in rows}
    groups_of = _edges_above(session, users, at)
    leads = _leads(groups_of, users, named)
    classes = _CLASSES.intersection(subject_ids)
    ways: Ways = {}
    if denied and _look_below(session, subject_ids, at):
        ways = _ways_below(_edges_below(session, denied, at), denied)
    bars = _bars_of_classes(session, classes, ways, at)
    doubts = _doubts(session, subject_ids, ways, at)

    def holder(subject_id: int) -> Holder:
        if subject_id == STRANGER:
            internet = _UP_TO[Class.INTERNET]
            return doubting(Holder(subject_id, True, internet, internet, {}))
        if subject_id in _CLASSES:
            return doubting(Holder(subject_id, True, _UP_TO[subject_id], bars[subject_id], {}))
        if subject_id not in users:
            return Holder(subject_id, False, frozenset(), frozenset(), {})
        status, class_id = users[subject_id]
        near = leads.keys() & (subject_id, *groups_of.get(subject_id, ()))
        holds = _UP_TO[class_id].union(*(leads[one] for one in near))
        active = status == UserStatus.ACTIVE
        return doubting(Holder(subject_id, active, holds, holds, groups_of))

    def doubting(sure: Holder) -> Holder:
        found = doubts.get(sure.subject_id, {})
        found = {one: doubt for one, doubt in found.items() if one not in sure.bars}
        return replace(sure, bars=sure.bars.union(found), doubts=found) if found else sure

    return [holder(subject_id) for subject_id in subject_ids]


def _named(links: Iterable[Link]) -> frozenset[int]:
    """Every principal that stands in an entry."""
    return frozenset[int]().union(*(link.allow.union(link.deny, *link.gates) for link in links))


Ways = Mapping[int, Mapping[int, int]]
"""Each denied principal with all below it, and from where one comes to each: itself from itself."""


def _ways_below(members_of: Mapping[int, Sequence[int]], denied: Iterable[int]) -> Ways:
    return {one: _tree(members_of, one) for one in denied}


def _tree(edges: Mapping[int, Sequence[int]], start: int) -> dict[int, int]:
    """All that the edges lead to, each with the one before it on a shortest way."""
    before = {start: start}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        new = [one for one in edges.get(here, ()) if one not in before]
        before.update((one, here) for one in new)
        waiting.extend(new)
    return before


def _back(before: Mapping[int, int], end: int) -> tuple[int, ...]:
    """The way from there back to where the tree began."""
    path = [end]
    while before[path[-1]] != path[-1]:
        path.append(before[path[-1]])
    return tuple(path)


def _bars_of_classes(
    session: Session, classes: Iterable[int], ways: Ways, at: datetime | None
) -> dict[int, frozenset[int]]:
    """A class is everybody in it: a denial of any of them, or of a group of theirs, bars it."""
    bars = dict.fromkeys(classes, _CLASSES)
    if not bars or not ways:
        return bars
    user = as_of(User, at)
    rows = session.execute(
        select(user.id, user.class_id).where(
            _among(user.id, set[int]().union(*ways.values())),
            user.status == UserStatus.ACTIVE,
        )
    )
    class_of = {user_id: class_id for user_id, class_id in rows}
    for one in bars:
        people = {user_id for user_id, class_id in class_of.items() if class_id >= one}
        bars[one] |= {each for each, below in ways.items() if not people.isdisjoint(below)}
    return bars


_FEW = 16


def _look_below(session: Session, subject_ids: Sequence[int], at: datetime | None) -> bool:
    """Whether some deny may bar one of them who does not hold it; for many, that is not asked."""
    if len(subject_ids) > _FEW or any(one in _CLASSES or one == STRANGER for one in subject_ids):
        return True
    account, link, source = as_of(SourceAccount, at), as_of(LinkedIdentity, at), as_of(Source, at)
    named = select(source.id).where(exists().where(account.source_id == source.id))
    links = select(link.user_id, link.source_id).where(_among(link.user_id, subject_ids))
    linked = {(user_id, source_id) for user_id, source_id in session.execute(links)}
    had = exists().where(_among(account.last_user_id, subject_ids))
    return bool(session.scalar(select(had))) or any(
        (one, source_id) not in linked
        for source_id in session.scalars(named)
        for one in subject_ids
    )


def _doubts(
    session: Session, subject_ids: Sequence[int], ways: Ways, at: datetime | None
) -> dict[int, dict[int, Doubt]]:
    """For each subject, the denied principals that reach an account of nobody's it may be behind.

    That is whoever has no link in its source, and whose it was last (design, section 4).
    """
    accounts = _nobodys(session, set[int]().union(*ways.values()), at)
    if not accounts:
        return {}
    behind = _Behind.of(session, subject_ids, accounts.values(), at)
    found: dict[int, dict[int, Doubt]] = defaultdict(dict)
    for denied, before in ways.items():
        reached = sorted(accounts.keys() & before.keys(), reverse=True)
        theirs = {accounts[one]: one for one in reached}  # of those that bar alike, one
        for subject_id in subject_ids:
            may_be = [one for owner, one in theirs.items() if behind.is_possible(subject_id, owner)]
            if may_be:
                account_id = min(may_be)
                found[subject_id][denied] = Doubt(account_id, _back(before, account_id))
    return found


@dataclass(frozen=True, slots=True)
class _Nobodys:
    """Where an account is that nobody is linked to, and whose it was last. Equal ones bar alike."""

    source_id: int
    last_user_id: int | None


def _nobodys(session: Session, among: Collection[int], at: datetime | None) -> dict[int, _Nobodys]:
    if not among:
        return {}
    account, link = as_of(SourceAccount, at), as_of(LinkedIdentity, at)
    rows = session.execute(
        select(account.id, account.source_id, account.last_user_id).where(
            _among(account.id, among),
            account.external.is_(False),
            ~exists().where(
                link.source_id == account.source_id, link.native_id == account.native_id
            ),
        )
    )
    return {account_id: _Nobodys(source_id, last) for account_id, source_id, last in rows}


@dataclass(frozen=True, slots=True)
class _Behind:
    """Who of some subjects may be behind accounts that nobody is linked to."""

    linked: frozenset[tuple[int, int]]
    """(user, source)"""
    lacking: Mapping[int, int]
    """For each source the narrowest class of somebody active who has no link there."""
    class_of: Mapping[int, int]
    """Of those active people who had one of the accounts last."""

    @classmethod
    def of(
        cls,
        session: Session,
        subject_ids: Sequence[int],
        accounts: Collection[_Nobodys],
        at: datetime | None,
    ) -> "_Behind":
        user, link = as_of(User, at), as_of(LinkedIdentity, at)
        sources = {one.source_id for one in accounts}
        links = session.execute(
            select(link.user_id, link.source_id).where(
                _among(link.user_id, subject_ids), _among(link.source_id, sources)
            )
        )
        last = [one.last_user_id for one in accounts if one.last_user_id is not None]
        active = select(user.id, user.class_id).where(user.status == UserStatus.ACTIVE)
        lacking: dict[int, int] = {}
        if not _CLASSES.isdisjoint(subject_ids):
            lacking = {one: _lacking(session, user, link, one) for one in sources}
        rows = session.execute(active.where(_among(user.id, last)))
        return cls(
            frozenset((user_id, source_id) for user_id, source_id in links),
            lacking,
            {user_id: class_id for user_id, class_id in rows},
        )

    def is_possible(self, subject_id: int, account: _Nobodys) -> bool:
        if subject_id in (STRANGER, Class.INTERNET):  # on the internet, somebody has no link
            return True
        if subject_id in _CLASSES:
            had = self.class_of.get(account.last_user_id or 0, 0)
            return max(self.lacking[account.source_id], had) >= subject_id
        return (
            subject_id == account.last_user_id or (subject_id, account.source_id) not in self.linked
        )


def _lacking(session: Session, user: Any, link: Any, source_id: int) -> int:
    """The narrowest class of somebody active without a link in the source; 0: all have one."""
    found: int | None = session.scalar(
        select(func.max(user.class_id)).where(
            user.status == UserStatus.ACTIVE,
            ~exists().where(link.user_id == user.id, link.source_id == source_id),
        )
    )
    return found or 0


def _edges_above(
    session: Session, principals: Iterable[int], at: datetime | None
) -> dict[int, list[int]]:
    """member -> groups, for everything reachable upward from these."""
    edge = as_of(Membership, at)
    return _edges(session, edge.member_id, edge.group_id, principals)


def _edges_below(
    session: Session, principals: Iterable[int], at: datetime | None
) -> dict[int, list[int]]:
    """group -> members, for everything reachable downward from these."""
    edge = as_of(Membership, at)
    return _edges(session, edge.group_id, edge.member_id, principals)


def _edges(session: Session, here: Any, there: Any, start: Iterable[int]) -> dict[int, list[int]]:
    """One statement a level: in one recursive statement the planner reads the whole table."""
    edges: dict[int, list[int]] = {}
    seen = set(start)
    frontier = seen
    while frontier:
        rows = session.execute(
            select(here, func.array_agg(there)).where(_among(here, frontier)).group_by(here)
        )
        found = {one: others for one, others in rows}
        edges |= found
        frontier = set[int]().union(*found.values()) - seen
        seen |= frontier
    return edges


def _reach(edges: Mapping[int, Iterable[int]], start: Iterable[int]) -> set[int]:
    """The start, and whatever the edges lead to from there."""
    found = set(start)
    waiting = list(found)
    while waiting:
        new = set(edges.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def _leads(
    groups_of: Mapping[int, Iterable[int]], people: Collection[int], named: Iterable[int]
) -> dict[int, set[int]]:
    """Each named principal, and each group below one, with the named principals that it is."""
    below: dict[int, list[int]] = defaultdict(list)
    for group_id in groups_of.keys() - people:
        for above in groups_of[group_id]:
            below[above].append(group_id)
    leads: dict[int, set[int]] = defaultdict(set)
    for one in named:
        for each in _reach(below, [one]):
            leads[each].add(one)
    return leads


def _nodes_above(session: Session, node_ids: Collection[int], at: datetime | None) -> Sequence[Any]:
    node = as_of(Node, at)
    above = (
        select(node.id, node.parent_id)
        .where(_among(node.id, node_ids))
        .cte("above", recursive=True)
    )
    above = above.union(select(node.id, node.parent_id).join(above, node.id == above.c.parent_id))
    columns = (node.id, node.parent_id, node.inherit, node.acl_state)
    return session.execute(select(*columns).join(above, node.id == above.c.id)).all()


def _among(column: Any, ids: Iterable[int]) -> ColumnElement[bool]:
    """One parameter, however many ids."""
    return column == any_(literal(list(ids), ARRAY(BigInteger)))  # type: ignore[no-any-return]


def _climb(nodes: Mapping[int, Any], node_id: int) -> list[int]:
    chain: list[int] = []
    at: int | None = node_id
    while at is not None and at not in chain:
        chain.append(at)
        at = nodes[at].parent_id
    return chain


def _link(node: Any, entries: Sequence[Any]) -> Link:
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


def _usable(session: Session, document_ids: Iterable[int], at: datetime | None = None) -> set[int]:
    """Those whose source is neither paused nor stale; now, by the database's clock."""
    node, source = as_of(Node, at), as_of(Source, at)
    rows = session.execute(
        select(node.id, source.paused, source.max_staleness, source.synced_at, func.now())
        .join(source, source.id == node.source_id)
        .where(_among(node.id, set(document_ids)))
    )
    return {
        node_id
        for node_id, paused, max_staleness, synced_at, now in rows
        if Freshness(paused, max_staleness, synced_at).usable(at or now)
    }


def _not_paused(session: Session, document_ids: Iterable[int]) -> set[int]:
    """Those whose source is not paused, whatever its age."""
    return set(
        session.scalars(
            select(Node.id)
            .join(Source, Source.id == Node.source_id)
            .where(_among(Node.id, set(document_ids)), Source.paused.is_(False))
        )
    )
