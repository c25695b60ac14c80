"""Computes everybody who may read each document of a source, to compare before and after.

The rule is design, section 4, as in `policies/access.py`, but for all people together: a set of
people is one number with a bit for each of them. So a source of 100,000 documents and 10,000
people, a thousand million pairs, is a few operations a document. Whether a source is paused or
stale does not count here. A document counts whether or not its text is there yet.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import exists, select, text
from sqlalchemy.orm import Session

from policies.audience import Class
from policies.tables.people import LinkedIdentity, SourceAccount, User, UserStatus
from policies.tables.permissions import AclState, Effect, Entry, Node, NodeKind


@dataclass(frozen=True)
class Subjects:
    """The subjects of the bits: first the classes, then all active users."""

    ids: tuple[int, ...]
    classes: Mapping[int, int]
    """The narrowest class of each user."""

    @cached_property
    def bit(self) -> dict[int, int]:
        return {subject_id: 1 << place for place, subject_id in enumerate(self.ids)}

    @cached_property
    def everybody(self) -> dict[Class, int]:
        """The users of each class, without the classes themselves."""
        found = dict.fromkeys(Class, 0)
        for user_id, narrowest in self.classes.items():
            for one in Class:
                if one <= narrowest:
                    found[one] |= self.bit[user_id]
        return found

    def holding(self, one: Class) -> int:
        """Return the subjects in this class: its people, and the classes within it."""
        return self.everybody[one] | sum(self.bit[within] for within in Class if within >= one)


@dataclass(frozen=True, slots=True)
class SourceReaders:
    """The readers of each document, by its node's id, as bits of the subjects."""

    subjects: Subjects
    documents: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class _Holders:
    """The subjects of each principal, as bits."""

    held: Mapping[int, int]
    """The subjects that act as it."""
    doubted: Mapping[int, int]
    """The subjects that may own an unlinked account in it: a deny of it keeps them out."""


@dataclass(frozen=True, slots=True)
class _Effective:
    """The permissions at a node, including inherited ones."""

    known: bool
    allowed: int
    gated: int
    """The subjects that meet every gate."""
    denied: int

    @property
    def readers(self) -> int:
        return self.allowed & self.gated & ~self.denied if self.known else 0


@dataclass(frozen=True, slots=True)
class _Own:
    """The permissions set on a node itself."""

    parent_id: int | None
    inherit: bool
    known: bool
    allowed: int
    gated: int
    denied: int


def source_readers(session: Session, source_id: int) -> SourceReaders:
    """Return who may read each document of this source, ignoring that it is paused or stale."""
    subjects = _subjects(session)
    holders = _holders(session, source_id, subjects)
    nodes = session.execute(
        select(Node.id, Node.parent_id, Node.kind, Node.inherit, Node.acl_state).where(
            Node.source_id == source_id
        )
    ).all()
    entries: dict[int, list[tuple[Effect, int, int]]] = defaultdict(list)
    for entry in session.execute(
        select(Entry.node_id, Entry.effect, Entry.gate, Entry.principal_id)
        .join(Node, Node.id == Entry.node_id)
        .where(Node.source_id == source_id)
    ):
        entries[entry.node_id].append((entry.effect, entry.gate, entry.principal_id))
    everyone = (1 << len(subjects.ids)) - 1
    own = {
        node.id: _own(
            node.parent_id,
            node.inherit,
            node.acl_state is AclState.OK,
            entries.get(node.id, ()),
            holders,
            subjects,
            everyone,
        )
        for node in nodes
    }
    found = _effective(own, everyone)
    return SourceReaders(
        subjects,
        {node.id: found[node.id].readers for node in nodes if node.kind is NodeKind.DOCUMENT},
    )


def _subjects(session: Session) -> Subjects:
    users = session.execute(
        select(User.id, User.class_id).where(User.status == UserStatus.ACTIVE).order_by(User.id)
    )
    classes = {user_id: class_id for user_id, class_id in users}
    return Subjects((*map(int, Class), *classes), classes)


def _holders(session: Session, source_id: int, subjects: Subjects) -> _Holders:
    """Return the holders of each principal that an entry of this source names."""
    groups_of: dict[int, list[int]] = defaultdict(list)
    for member_id, group_id in session.execute(_READ_EDGES_BELOW, {"source_id": source_id}):
        groups_of[member_id].append(group_id)
    held = _upward({one: subjects.bit[one] for one in subjects.classes}, groups_of)
    held.update((int(one), subjects.holding(one)) for one in Class)
    return _Holders(held, _upward(_nobodys(session, subjects), groups_of))


def _upward(start: dict[int, int], groups_of: Mapping[int, list[int]]) -> dict[int, int]:
    """Return the bits of each principal, including all below it; cycles are handled."""
    found = dict(start)
    waiting = deque(one for one in found if one in groups_of)
    while waiting:
        below = waiting.popleft()
        for group_id in groups_of[below]:
            grown = found.get(group_id, 0) | found[below]
            if grown != found.get(group_id, 0):
                found[group_id] = grown
                if group_id in groups_of:
                    waiting.append(group_id)
    return found


def _nobodys(session: Session, subjects: Subjects) -> dict[int, int]:
    """Return each unlinked account, with all subjects that have no link in its source.

    That always includes the internet, and the user who had the account last.
    """
    rows = session.execute(
        select(SourceAccount.id, SourceAccount.source_id, SourceAccount.last_user_id).where(
            SourceAccount.external.is_(False),
            ~exists().where(
                LinkedIdentity.source_id == SourceAccount.source_id,
                LinkedIdentity.native_id == SourceAccount.native_id,
            ),
        )
    ).all()
    people = sum(subjects.bit[one] for one in subjects.classes)
    without = dict.fromkeys({row.source_id for row in rows}, people)
    links = select(LinkedIdentity.source_id, LinkedIdentity.user_id)
    for source_id, user_id in session.execute(links.where(LinkedIdentity.source_id.in_(without))):
        without[source_id] &= ~subjects.bit.get(user_id, 0)
    return {
        row.id: without[row.source_id]
        | subjects.bit.get(row.last_user_id, 0)
        | subjects.bit[Class.INTERNET]
        for row in rows
    }


def _own(
    parent_id: int | None,
    inherit: bool,
    known: bool,
    entries: Iterable[tuple[Effect, int, int]],
    holders: _Holders,
    subjects: Subjects,
    everyone: int,
) -> _Own:
    allowed = denied = 0
    gates: dict[int, int] = defaultdict(int)
    for effect, gate, principal_id in entries:
        who = holders.held.get(principal_id, 0)
        if effect is Effect.ALLOW:
            allowed |= who
        elif effect is Effect.GATE:
            gates[gate] |= who
        else:
            who |= holders.doubted.get(principal_id, 0)
            denied |= who | _denied_classes(who, principal_id, subjects)
    gated = everyone
    for meets in gates.values():
        gated &= meets
    return _Own(parent_id, inherit, known, allowed, gated, denied)


def _denied_classes(who: int, principal_id: int, subjects: Subjects) -> int:
    """Add classes: a deny of anybody in a class, or of any class, keeps the class out."""
    denied = 0
    for one in Class:
        if principal_id in subjects.everybody or who & subjects.everybody[one]:
            denied |= subjects.bit[one]
    return denied


def _effective(own: Mapping[int, _Own], everyone: int) -> dict[int, _Effective]:
    """Compute each node after its parent; a node without permissions shares its parent's sets."""
    root = _Effective(known=True, allowed=0, gated=everyone, denied=0)
    found: dict[int, _Effective] = {}
    for node_id in own:
        line: list[int] = []
        at: int | None = node_id
        while at is not None and at not in found:
            line.append(at)
            at = own[at].parent_id
        above = root if at is None else found[at]
        for one in reversed(line):
            above = found[one] = _below(above, own[one])
    return found


def _below(above: _Effective, own: _Own) -> _Effective:
    return _Effective(
        known=above.known and own.known,
        allowed=(own.allowed | above.allowed) if own.inherit else own.allowed,
        gated=above.gated & own.gated,
        denied=above.denied | own.denied,
    )


# Reads the edges below every principal that an entry of the source names.
_READ_EDGES_BELOW = text("""
    WITH RECURSIVE below AS (
        SELECT DISTINCT entry.principal_id AS group_id
        FROM entry JOIN node ON node.id = entry.node_id WHERE node.source_id = :source_id
      UNION
        SELECT membership.member_id FROM below JOIN membership USING (group_id)
    )
    SELECT member_id, group_id FROM membership JOIN below USING (group_id)
""")
