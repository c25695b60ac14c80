"""Who may read what, as design, section 4, says it: plain Python over raw facts.

Written from the design, not from the code. It shares nothing with `policies/`: no table, no id
(every key here is a string, compared as it stands), no function. When they differ, one is wrong.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

STRANGER = "stranger"
CLASSES = ("internet", "members_and_guests", "members")
"""The widest first: whoever is in one is in those before it."""


@dataclass
class Source:
    paused: bool = False
    max_hours: float | None = None
    """Older permissions are not used; None: no limit."""
    hours_ago: float | None = None
    """How long ago the last complete sync ended; None: never."""


@dataclass
class User:
    guest: bool = False
    status: str = "active"


@dataclass
class Node:
    """What a source says of one node. The sets hold principals, some of which may not exist."""

    source: str
    parent: str | None
    allow: set[str] = field(default_factory=set)
    deny: set[str] = field(default_factory=set)
    gates: list[set[str]] = field(default_factory=list)
    inherit: bool = True
    unknown: bool = False


@dataclass
class Facts:
    """All that was told to Ken."""

    sources: dict[str, Source] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, set[str]] = field(default_factory=dict)
    """Each with its direct members."""
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    """(source, "user:ID" or "group:ID") -> principal."""
    nodes: dict[str, Node] = field(default_factory=dict)
    documents: set[str] = field(default_factory=set)

    def named(self, source: str, name: str) -> str:
        """The principal that a source calls so; a name of nobody stays as it is, and is nobody."""
        kind, _, rest = name.partition(":")
        if kind == "class" and rest in CLASSES:
            return rest
        return self.names.get((source, name), f"nobody {source} {name}")

    def exists(self, principal: str) -> bool:
        return principal in self.users or principal in self.groups or principal in CLASSES


class Oracle:
    """Decisions over facts that do not change while it is asked."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.groups_of: dict[str, set[str]] = {}
        for group, members in facts.groups.items():
            for member in members:
                self.groups_of.setdefault(member, set()).add(group)
        for remembered in ("holds", "chain", "allows", "denies", "closed", "bars", "reads"):
            setattr(self, remembered, cache(getattr(self, remembered)))

    # -- the decision -------------------------------------------------------------------------

    def read(self, subject: str, document: str) -> bool:
        return (
            self.active(subject)
            and not any(self.closed(node) for node in self.chain(document))
            and bool(self.holds(subject) & self.allows(document))
            and all(self.holds(subject) & gate for gate in self.gates(document))
            and not self.bars(subject) & self.denies(document)
            and self.usable(document)
        )

    def reads(self, subject: str) -> frozenset[str]:
        return frozenset(d for d in self.facts.documents if self.read(subject, d))

    def all_read(self, audience: Iterable[str]) -> frozenset[str]:
        return frozenset.intersection(*map(self.reads, set(audience)))

    def readers(self, document: str) -> set[str]:
        """Every active user who reads it."""
        return {user for user in self.facts.users if self.read(user, document)}

    # -- who ----------------------------------------------------------------------------------

    def active(self, subject: str) -> bool:
        if subject == STRANGER or subject in CLASSES:
            return True
        user = self.facts.users.get(subject)
        return user is not None and user.status == "active"

    def classes(self, subject: str) -> tuple[str, ...]:
        """Those the subject belongs to; a class as a subject is somebody in it and no more."""
        if subject == STRANGER:
            return CLASSES[:1]
        if subject in CLASSES:
            return CLASSES[: CLASSES.index(subject) + 1]
        return CLASSES[:2] if self.facts.users[subject].guest else CLASSES

    def holds(self, subject: str) -> frozenset[str]:
        """P(u): the user, all groups reachable upward, and the classes."""
        found = {subject} if subject in self.facts.users else set()
        waiting = list(found)
        while waiting:
            new = self.groups_of.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return frozenset(found | set(self.classes(subject)))

    def bars(self, subject: str) -> frozenset[str]:
        """Whose denial bars the subject. A class is everybody in it (decision record 8)."""
        if subject not in CLASSES:
            return self.holds(subject)
        people = (u for u in self.facts.users if self.active(u) and subject in self.classes(u))
        return frozenset(CLASSES).union(*map(self.holds, people))

    # -- what ---------------------------------------------------------------------------------

    def chain(self, document: str) -> tuple[str, ...]:
        return tuple(self._upward(document))

    def _upward(self, node: str | None) -> Iterator[str]:
        while node is not None:
            yield node
            node = self.facts.nodes[node].parent

    def granting(self, document: str) -> Iterator[str]:
        """The chain up to and including the first node that does not inherit."""
        for node in self.chain(document):
            yield node
            if not self.facts.nodes[node].inherit:
                return

    def allows(self, document: str) -> frozenset[str]:
        return frozenset().union(*(self.facts.nodes[n].allow for n in self.granting(document)))

    def denies(self, document: str) -> frozenset[str]:
        return frozenset().union(*(self.facts.nodes[n].deny for n in self.chain(document)))

    def gates(self, document: str) -> Iterator[set[str]]:
        for node in self.chain(document):
            yield from self.facts.nodes[node].gates

    def closed(self, node: str) -> bool:
        """Unknown: told so, or because a deny or a gate names a principal that does not exist."""
        facts = self.facts.nodes[node]
        guards = facts.deny.union(*facts.gates)
        return facts.unknown or not all(map(self.facts.exists, guards))

    def usable(self, document: str) -> bool:
        """The source is neither paused nor older than it may be."""
        source = self.facts.sources[self.facts.nodes[document].source]
        if source.paused:
            return False
        if source.max_hours is None:
            return True
        return source.hours_ago is not None and source.hours_ago <= source.max_hours
