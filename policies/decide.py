"""Decides who may read what, as a plain rule over values, without a database.

docs/permissions.md explains the rule. `policies/explain.py` loads the values, and asks it about
each passage before the passage enters a prompt.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, and why. A refused reader sees only what anybody sees if nothing is found."""

    allowed: bool
    reason: str
    """allowed, inactive, unknown, stale, denied, gate, or no_allow."""
    node_id: int | None = None
    """The node with the deciding entry."""
    principal_id: int | None = None
    """The principal that this entry names."""
    path: tuple[int, ...] = ()
    """The path from the subject, or `account_id`, up to that principal; set by `explain`."""
    wanted: frozenset[int] = frozenset()
    """Any one of these principals would be enough: of an unmet gate, or of the allows."""
    account_id: int | None = None
    """For a deny: an unlinked account that the subject may own."""
    cut_id: int | None = None
    """The node that stops allows from above, if there are any."""
    stopped: frozenset[int] = frozenset()
    """The principals of the allows above it."""

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True, slots=True)
class ChainNode:
    """One node of a document's chain, with its entries."""

    node_id: int
    inherit: bool
    known: bool
    allow: frozenset[int]
    deny: frozenset[int]
    gates: tuple[frozenset[int], ...]


@dataclass(frozen=True, slots=True)
class SubjectClosure:
    """A subject with all principals that it acts as, among those that some chains name."""

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


def decide(  # noqa: C901 - the rule, its parts in their order, to be read in one piece
    subject: SubjectClosure, chain: Sequence[ChainNode], *, usable: bool
) -> Decision:
    """read(u, d) of design, section 4. `chain` runs from the document up to its root."""
    if not subject.active:
        return Decision(False, "inactive")
    if not chain:
        return Decision(False, "unknown")
    if not usable:
        return Decision(False, "stale")
    for node in chain:
        if not node.known:
            return Decision(False, "unknown", node_id=node.node_id)
    for node in chain:
        if barred := subject.bars & node.deny:
            return _denied(subject, node.node_id, barred)
    for node in chain:
        for gate in node.gates:
            if not subject.holds & gate:
                return Decision(False, "gate", node_id=node.node_id, wanted=gate)
    for node in chain:
        if granted := subject.holds & node.allow:
            return Decision(True, "allowed", node.node_id, min(granted))
        if not node.inherit:
            break
    return _nothing_allows(chain)


def _denied(subject: SubjectClosure, node_id: int, barred: frozenset[int]) -> Decision:
    """Report a deny that certainly applies before one that only may apply."""
    if certain := barred - subject.doubts.keys():
        return Decision(False, "denied", node_id, min(certain))
    doubt = subject.doubts[min(barred)]
    return Decision(False, "denied", node_id, min(barred), doubt.path, account_id=doubt.account_id)


def _nothing_allows(chain: Sequence[ChainNode]) -> Decision:
    """With what would be enough, and what an allow from above stops at."""
    reach = next((place for place, node in enumerate(chain, 1) if not node.inherit), len(chain))
    wanted = frozenset[int]().union(*(node.allow for node in chain[:reach]))
    stopped = frozenset[int]().union(*(node.allow for node in chain[reach:]))
    cut_id = chain[reach - 1].node_id if stopped else None
    return Decision(False, "no_allow", wanted=wanted, cut_id=cut_id, stopped=stopped)


def distinct(
    subjects: Iterable[SubjectClosure], nodes: Iterable[ChainNode]
) -> Collection[SubjectClosure]:
    """One for all who differ in nothing that these nodes ask for."""
    named = named_in(nodes)
    return {
        (
            subject.active,
            subject.holds & named,
            None if subject.bars is subject.holds else subject.bars & named,
        ): subject
        for subject in subjects
    }.values()


def named_in(nodes: Iterable[ChainNode]) -> frozenset[int]:
    """Every principal that stands in an entry."""
    return frozenset[int]().union(*(node.allow.union(node.deny, *node.gates) for node in nodes))
