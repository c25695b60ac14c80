"""Who may read what, as design, section 4, says it: plain Python over raw facts.

Written from the design, not from the code. It shares nothing with `policies/`: no table, no id
(every key here is a string, compared as it stands), no function. When they differ, one is wrong.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

STRANGER = "stranger"
CLASSES = ("internet", "members_and_guests", "members")
"""The widest first: a person in one is also in those before it."""


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
class Account:
    """Of a source; it is whose its link says, and a link comes and goes."""

    source: str
    user: str | None = None
    had_by: str | None = None
    """Whose it was before its link was taken away."""
    external: bool = False


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
    """All that Ken was given."""

    sources: dict[str, Source] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, set[str]] = field(default_factory=dict)
    """Each with its direct members."""
    accounts: dict[str, Account] = field(default_factory=dict)
    """All that are known, whether or not anything names them."""
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    """(source, "user:ID" or "group:ID") -> principal: an account or a group."""
    nodes: dict[str, Node] = field(default_factory=dict)
    documents: set[str] = field(default_factory=set)

    def named(self, source: str, name: str) -> str:
        """The principal that a source calls so; a name of nobody stays as it is, and is nobody."""
        kind, _, rest = name.partition(":")
        if kind == "class" and rest in CLASSES:
            return rest
        return self.names.get((source, name), f"nobody {source} {name}")

    def exists(self, principal: str) -> bool:
        kinds = (self.users, self.groups, self.accounts, CLASSES)
        return any(principal in kind for kind in kinds)


class Oracle:
    """Decisions over facts that do not change while it is asked."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.groups_of: dict[str, set[str]] = {}
        for group, members in facts.groups.items():
            for member in members:
                self.groups_of.setdefault(member, set()).add(group)
        self.links = {(one.user, one.source) for one in facts.accounts.values() if one.user}
        for remembered in (
            *("holds", "upward", "chain", "allows", "denies", "closed", "bars", "reads"),
            "people",
        ):
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
        """P(u): the user, the accounts linked to them, all groups reachable upward, the classes."""
        if subject not in self.facts.users:
            return frozenset(self.classes(subject))
        accounts = {key for key, one in self.facts.accounts.items() if one.user == subject}
        return self.upward(frozenset({subject, *accounts})) | set(self.classes(subject))

    def upward(self, start: frozenset[str]) -> frozenset[str]:
        """These, and all groups reachable from them."""
        found = set(start)
        waiting = list(found)
        while waiting:
            new = self.groups_of.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return frozenset(found)

    def bars(self, subject: str) -> frozenset[str]:
        """Whose denial bars the subject. A class is everybody in it (decision record 8)."""
        certain = self.holds(subject)
        if subject in CLASSES:
            certain = frozenset(CLASSES).union(*map(self.holds, self.people(subject)))
        return certain | self.upward(frozenset(self.suspects(subject)))

    def suspects(self, subject: str) -> Iterator[str]:
        """The accounts that the subject may be behind, as far as we know.

        Nobody is linked to them, no administrator said that they are nobody's here, and the
        subject, or somebody of the class, has no link in that source, or had this very one last.
        """
        for key, account in self.facts.accounts.items():
            if account.user is not None or account.external:
                continue
            if subject in (STRANGER, "internet") or any(
                one == account.had_by or (one, account.source) not in self.links
                for one in (self.people(subject) if subject in CLASSES else (subject,))
            ):  # somebody on the internet has no link at all
                yield key

    def people(self, one_class: str) -> tuple[str, ...]:
        """The active ones of a class."""
        users = self.facts.users
        return tuple(u for u in users if self.active(u) and one_class in self.classes(u))

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
        """Unknown: set so, or because a deny or a gate names a principal that does not exist."""
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
