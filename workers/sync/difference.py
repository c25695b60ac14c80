"""Measures what a run changes for people: who gains and loses access to how many documents.

It is measured, not predicted: from the rows before and after, in the same transaction.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from policies.audience import Class
from policies.readers import SourceReaders
from policies.tables.people import User
from workers.sync.snapshot import State

_LISTED = 100
"""At most this many people are listed by name; all are counted."""


@dataclass(frozen=True, slots=True)
class PersonChange:
    id: int
    name: str
    documents: int
    """How many documents the person gained or lost."""


@dataclass(frozen=True, slots=True)
class ClassChange:
    """A change for everybody of a class: `members`, `members_and_guests` or `internet`."""

    name: str
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows of one kind were added, changed and removed."""

    added: int = 0
    changed: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed. People are active users; a pair is a person and a document they may read."""

    pairs_before: int = 0
    pairs_gained: int = 0
    pairs_lost: int = 0
    people_gaining: int = 0
    people_losing: int = 0
    documents_gaining: int = 0
    """Documents that somebody may read now and could not before."""
    documents_losing: int = 0
    documents_readable: int = 0
    """Documents that somebody could read before."""
    documents_closed: int = 0
    """Those of them that nobody may read now."""
    gains: tuple[PersonChange, ...] = ()
    """At most 100 people, those who gain most first."""
    loses: tuple[PersonChange, ...] = ()
    classes: tuple[ClassChange, ...] = ()
    groups: Counts = Counts()
    memberships: Counts = Counts()
    nodes: Counts = Counts()
    """Removed nodes are gone from the source."""
    entries: Counts = Counts()

    @property
    def empty(self) -> bool:
        """True if no row changes."""
        counts = (self.groups, self.memberships, self.nodes, self.entries)
        return all(count == Counts() for count in counts)

    @property
    def widens(self) -> bool:
        return bool(self.pairs_gained or any(one.gained for one in self.classes))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> "Difference":
        counts = ("groups", "memberships", "nodes", "entries")
        return cls(
            **{
                **payload,
                "gains": tuple(PersonChange(**one) for one in payload["gains"]),
                "loses": tuple(PersonChange(**one) for one in payload["loses"]),
                "classes": tuple(ClassChange(**one) for one in payload["classes"]),
                **{name: Counts(**payload[name]) for name in counts},
            }
        )


def measure(
    session: Session, before: SourceReaders, after: SourceReaders, *, held: State, wanted: State
) -> Difference:
    """Compare the readers of a source before and after, and the two states."""
    gained: Counter[int] = Counter()
    lost: Counter[int] = Counter()
    for document_id in before.documents.keys() | after.documents.keys():
        was, now = before.documents.get(document_id, 0), after.documents.get(document_id, 0)
        gained[now & ~was] += 1
        lost[was & ~now] += 1
    by_gain, by_loss = _per_subject(gained, after), _per_subject(lost, after)
    classes = len(Class)
    users = -1 << classes
    return Difference(
        pairs_before=sum((bits & users).bit_count() for bits in before.documents.values()),
        pairs_gained=sum(by_gain[classes:]),
        pairs_lost=sum(by_loss[classes:]),
        people_gaining=sum(count > 0 for count in by_gain[classes:]),
        people_losing=sum(count > 0 for count in by_loss[classes:]),
        documents_gaining=sum(count for bits, count in gained.items() if bits),
        documents_losing=sum(count for bits, count in lost.items() if bits),
        documents_readable=sum(bits != 0 for bits in before.documents.values()),
        documents_closed=sum(
            bits != 0 and not after.documents.get(document_id, 0)
            for document_id, bits in before.documents.items()
        ),
        gains=_people(session, after, by_gain),
        loses=_people(session, after, by_loss),
        classes=tuple(
            ClassChange(one.name.lower(), by_gain[place], by_loss[place])
            for place, one in enumerate(Class)
        ),
        **count_changes(held, wanted),
    )


def count_changes(held: State, wanted: State) -> dict[str, Counts]:
    """Count the rows of each kind that differ between two states."""
    live = {
        name
        for name, node in wanted.nodes.items()
        if not node.gone and (name not in held.nodes or held.nodes[name].gone)
    }
    gone = {
        name
        for name, node in held.nodes.items()
        if not node.gone and (name not in wanted.nodes or wanted.nodes[name].gone)
    }
    changed = {
        name
        for name in (wanted.nodes.keys() & held.nodes.keys()) - live - gone
        if wanted.nodes[name] != held.nodes[name]
    }
    was = {(name, one) for name, node in held.nodes.items() for one in node.rules.entries}
    now = {(name, one) for name, node in wanted.nodes.items() for one in node.rules.entries}
    before = {(name, one) for name, group in held.groups.items() for one in group.members}
    after = {(name, one) for name, group in wanted.groups.items() for one in group.members}
    new, removed = (
        wanted.groups.keys() - held.groups.keys(),
        held.groups.keys() - wanted.groups.keys(),
    )
    both = wanted.groups.keys() & held.groups.keys()
    return {
        "groups": Counts(
            len(new),
            sum(wanted.groups[name] != held.groups[name] for name in both),
            len(removed),
        ),
        "memberships": Counts(len(after - before), 0, len(before - after)),
        "nodes": Counts(len(live), len(changed), len(gone)),
        "entries": Counts(len(now - was), 0, len(was - now)),
    }


def _per_subject(changed: Mapping[int, int], readers: SourceReaders) -> list[int]:
    """Count the changed documents for each subject, a set of subjects at a time."""
    size = len(readers.subjects.ids)
    found = np.zeros(size, dtype=np.int64)
    for bits, documents in changed.items():
        if bits:
            octets = np.frombuffer(bits.to_bytes((size + 7) // 8, "little"), dtype=np.uint8)
            found[np.unpackbits(octets, count=size, bitorder="little") > 0] += documents
    return [int(count) for count in found]


def _people(
    session: Session, readers: SourceReaders, counts: list[int]
) -> tuple[PersonChange, ...]:
    places = sorted(
        (place for place in range(len(Class), len(counts)) if counts[place]),
        key=lambda place: (-counts[place], place),
    )[:_LISTED]
    ids = {readers.subjects.ids[place]: counts[place] for place in places}
    names = {
        user_id: name
        for user_id, name in session.execute(select(User.id, User.name).where(User.id.in_(ids)))
    }
    return tuple(PersonChange(user_id, names[user_id], count) for user_id, count in ids.items())
