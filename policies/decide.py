"""Who may read what, as a plain rule over values: it knows no database.

The rule is design, section 4, and docs/permissions.md. `policies/explain.py` loads what it needs,
and puts each passage to it before the passage enters a prompt.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta


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
    """What is certain is said before what may be."""
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
