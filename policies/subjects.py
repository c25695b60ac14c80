"""Loads subjects with all principals that they act as, P(u), from the raw edges."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from policies.audience import STRANGER, Class
from policies.decide import ChainNode, Doubt, SubjectClosure, named_in
from policies.history import as_of
from policies.tables.base import among
from policies.tables.people import LinkedIdentity, Membership, SourceAccount, User, UserStatus
from policies.tables.sources import Source

_CLASSES = frozenset(int(one) for one in Class)
_UP_TO = {one: frozenset(wider for wider in _CLASSES if wider <= one) for one in _CLASSES}
"""Each class with those that it lies within."""


@dataclass(frozen=True, slots=True)
class People:
    """The subjects that are users, and the edges upward from them."""

    users: Mapping[int, tuple[str, int]]
    """Status and class of each."""
    groups_of: Mapping[int, Sequence[int]]
    """member -> groups, for everything reachable."""


def load_subjects(
    session: Session,
    subject_ids: Sequence[int],
    chains: Iterable[Sequence[ChainNode]],
    at: datetime | None = None,
) -> list[SubjectClosure]:
    """Return each subject with what it acts as, limited to what leads to a principal in the chains.

    A group that leads to none of them changes no decision about these chains.
    """
    user = as_of(User, at)
    rows = session.execute(
        select(user.id, user.status, user.class_id).where(among(user.id, subject_ids))
    )
    users = {user_id: (status, class_id) for user_id, status, class_id in rows}
    people = People(users, _edges_above(session, users, at))
    return closures(session, subject_ids, chains, people, at)


def closures(
    session: Session,
    subject_ids: Sequence[int],
    chains: Iterable[Sequence[ChainNode]],
    people: People,
    at: datetime | None = None,
) -> list[SubjectClosure]:
    """Build the closures from loaded rows; what is below a deny is read here."""
    nodes = [node for chain in chains for node in chain]
    named, denied = named_in(nodes), frozenset[int]().union(*(node.deny for node in nodes))
    users, groups_of = people.users, people.groups_of
    leads = _named_by_group(groups_of, users.keys(), named)
    classes = _CLASSES.intersection(subject_ids)
    ways: Ways = {}
    if denied and _look_below(session, subject_ids, at):
        ways = _ways_below(_edges_below(session, denied, at), denied)
    bars = _bars_of_classes(session, classes, ways, at)
    doubts = _doubts(session, subject_ids, ways, at)

    def closure(subject_id: int) -> SubjectClosure:
        if subject_id == STRANGER:
            internet = _UP_TO[Class.INTERNET]
            return doubting(SubjectClosure(subject_id, True, internet, internet, {}))
        if subject_id in _CLASSES:
            return doubting(
                SubjectClosure(subject_id, True, _UP_TO[subject_id], bars[subject_id], {})
            )
        if subject_id not in users:
            return SubjectClosure(subject_id, False, frozenset(), frozenset(), {})
        status, class_id = users[subject_id]
        near = leads.keys() & (subject_id, *groups_of.get(subject_id, ()))
        holds = _UP_TO[class_id].union(*(leads[one] for one in near))
        active = status == UserStatus.ACTIVE
        return doubting(SubjectClosure(subject_id, active, holds, holds, groups_of))

    def doubting(sure: SubjectClosure) -> SubjectClosure:
        found = doubts.get(sure.subject_id, {})
        found = {one: doubt for one, doubt in found.items() if one not in sure.bars}
        return replace(sure, bars=sure.bars.union(found), doubts=found) if found else sure

    return [closure(subject_id) for subject_id in subject_ids]


def path_to(closure: SubjectClosure, principal_id: int) -> tuple[int, ...]:
    """Return a shortest path; for a class, it has nothing in between."""
    if principal_id in _CLASSES or closure.subject_id in _CLASSES:
        return tuple(dict.fromkeys((closure.subject_id, principal_id)))
    return _back(_tree(closure.groups_of, closure.subject_id), principal_id)[::-1]


Ways = Mapping[int, Mapping[int, int]]
"""For each denied principal, everything below it, each with its predecessor."""


def _ways_below(members_of: Mapping[int, Sequence[int]], denied: Iterable[int]) -> Ways:
    return {one: _tree(members_of, one) for one in denied}


def _tree(edges: Mapping[int, Sequence[int]], start: int) -> dict[int, int]:
    """Return everything that the edges reach, each with its predecessor on a shortest path."""
    before = {start: start}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        new = [one for one in edges.get(here, ()) if one not in before]
        before.update((one, here) for one in new)
        waiting.extend(new)
    return before


def _back(before: Mapping[int, int], end: int) -> tuple[int, ...]:
    """Return the path from there back to the start."""
    path = [end]
    while before[path[-1]] != path[-1]:
        path.append(before[path[-1]])
    return tuple(path)


def _bars_of_classes(
    session: Session, classes: Iterable[int], ways: Ways, at: datetime | None
) -> dict[int, frozenset[int]]:
    """Return denied principals that keep a class out: anybody in it, or a group of theirs."""
    bars = dict.fromkeys(classes, _CLASSES)
    if not bars or not ways:
        return bars
    user = as_of(User, at)
    rows = session.execute(
        select(user.id, user.class_id).where(
            among(user.id, set[int]().union(*ways.values())),
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
    """Return whether a deny may apply to one of them through an unlinked account."""
    if len(subject_ids) > _FEW or any(one in _CLASSES or one == STRANGER for one in subject_ids):
        return True
    account, link, source = as_of(SourceAccount, at), as_of(LinkedIdentity, at), as_of(Source, at)
    named = select(source.id).where(exists().where(account.source_id == source.id))
    links = select(link.user_id, link.source_id).where(among(link.user_id, subject_ids))
    linked = {(user_id, source_id) for user_id, source_id in session.execute(links)}
    had = exists().where(among(account.last_user_id, subject_ids))
    return bool(session.scalar(select(had))) or any(
        (one, source_id) not in linked
        for source_id in session.scalars(named)
        for one in subject_ids
    )


def _doubts(
    session: Session, subject_ids: Sequence[int], ways: Ways, at: datetime | None
) -> dict[int, dict[int, Doubt]]:
    """Return for each subject the denied principals that reach an unlinked account it may own.

    That is everybody without a link in its source, and the user who had it last.
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
    """The source of an unlinked account, and its last user. Equal values have equal effect."""

    source_id: int
    last_user_id: int | None


def _nobodys(
    session: Session, principal_ids: Collection[int], at: datetime | None
) -> dict[int, _Nobodys]:
    if not principal_ids:
        return {}
    account, link = as_of(SourceAccount, at), as_of(LinkedIdentity, at)
    rows = session.execute(
        select(account.id, account.source_id, account.last_user_id).where(
            among(account.id, principal_ids),
            account.external.is_(False),
            ~exists().where(
                link.source_id == account.source_id, link.native_id == account.native_id
            ),
        )
    )
    return {account_id: _Nobodys(source_id, last) for account_id, source_id, last in rows}


@dataclass(frozen=True, slots=True)
class _Behind:
    """Finds which subjects may own accounts that have no link."""

    linked: frozenset[tuple[int, int]]
    """(user, source)"""
    lacking: Mapping[int, int]
    """For each source, the narrowest class of an active person who has no link there."""
    class_of: Mapping[int, int]
    """The active people who had one of the accounts last."""

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
                among(link.user_id, subject_ids), among(link.source_id, sources)
            )
        )
        last = [one.last_user_id for one in accounts if one.last_user_id is not None]
        active = select(user.id, user.class_id).where(user.status == UserStatus.ACTIVE)
        lacking: dict[int, int] = {}
        if not _CLASSES.isdisjoint(subject_ids):
            lacking = {one: _lacking(session, user, link, one) for one in sources}
        rows = session.execute(active.where(among(user.id, last)))
        return cls(
            frozenset((user_id, source_id) for user_id, source_id in links),
            lacking,
            {user_id: class_id for user_id, class_id in rows},
        )

    def is_possible(self, subject_id: int, account: _Nobodys) -> bool:
        if subject_id in (STRANGER, Class.INTERNET):  # somebody on the internet has no link
            return True
        if subject_id in _CLASSES:
            had = self.class_of.get(account.last_user_id or 0, 0)
            return max(self.lacking[account.source_id], had) >= subject_id
        return (
            subject_id == account.last_user_id or (subject_id, account.source_id) not in self.linked
        )


def _lacking(session: Session, user: Any, link: Any, source_id: int) -> int:
    """The narrowest class of an active person without a link in the source; 0 if all have one."""
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
    """Return member -> groups, for everything reachable upward from these."""
    edge = as_of(Membership, at)
    return _edges(session, edge.member_id, edge.group_id, principals)


def _edges_below(
    session: Session, principals: Iterable[int], at: datetime | None
) -> dict[int, list[int]]:
    """Return group -> members, for everything reachable downward from these."""
    edge = as_of(Membership, at)
    return _edges(session, edge.group_id, edge.member_id, principals)


def _edges(session: Session, here: Any, there: Any, start: Iterable[int]) -> dict[int, list[int]]:
    """Read one level at a time: for one recursive statement, the planner reads the whole table."""
    edges: dict[int, list[int]] = {}
    seen = set(start)
    frontier = seen
    while frontier:
        rows = session.execute(
            select(here, func.array_agg(there)).where(among(here, frontier)).group_by(here)
        )
        found = {one: others for one, others in rows}
        edges |= found
        frontier = set[int]().union(*found.values()) - seen
        seen |= frontier
    return edges


def _closure(edges: Mapping[int, Iterable[int]], start: Iterable[int]) -> set[int]:
    """Return the start and everything that the edges reach from there."""
    found = set(start)
    waiting = list(found)
    while waiting:
        new = set(edges.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def _named_by_group(
    groups_of: Mapping[int, Iterable[int]], people: Collection[int], named: Iterable[int]
) -> dict[int, set[int]]:
    """Map each named principal, and each group below one, to the named principals it leads to."""
    below: dict[int, list[int]] = defaultdict(list)
    for group_id in groups_of.keys() - people:
        for above in groups_of[group_id]:
            below[above].append(group_id)
    leads: dict[int, set[int]] = defaultdict(set)
    for one in named:
        for each in _closure(below, [one]):
            leads[each].add(one)
    return leads
