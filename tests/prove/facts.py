"""What Ken was given, and what follows from it by design: plain values and names, no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from policies.tables.people import UserStatus
from workers.slack.messenger import PlaceKind

NOBODY = "a stranger"
"""The subject whom Ken cannot name."""
ACCOUNT = "account "
"""What begins so is an account in Slack, as `accounts` calls it: linked to somebody, or not."""
Closed = Literal["paused", "stale"]
_WITHIN = {"internet": 1, "members_and_guests": 2, "members": 3}


@dataclass(frozen=True, slots=True)
class Human:
    guest: bool = False
    status: UserStatus = UserStatus.ACTIVE
    email: str = ""
    shown_as: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """A node's own permissions, in names of people, accounts, groups and classes."""

    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()
    gates: tuple[frozenset[str], ...] = ()
    inherit: bool = True
    known: bool = True

    def names(self) -> frozenset[str]:
        return self.allow.union(self.deny, *self.gates)


@dataclass(frozen=True, slots=True)
class Page:
    """What a document says: each text is a chunk."""

    title: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Thing:
    """A folder, or a document if it has a page."""

    source: str
    parent: str | None = None
    rules: Rules = Rules()
    page: Page | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """A conversation. Members are Slack ids; those that begin with UG are guests in Slack."""

    kind: PlaceKind
    members: frozenset[str]
    external: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was given. Parents stand before their children in `things`."""

    people: Mapping[str, Human] = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    things: Mapping[str, Thing] = field(default_factory=dict)
    closed: Mapping[str, Closed] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)
    rooms: Mapping[str, Room] = field(default_factory=dict)

    def documents(self) -> list[str]:
        return [name for name, thing in self.things.items() if thing.page]

    def reads(self, subject: str, document: str) -> bool:
        """Design, section 4. A class reads what everybody in it reads, now or by joining."""
        if document not in self.things or self.things[document].source in self.closed:
            return False
        if self._may_be_denied(subject, document):
            return False
        if subject == NOBODY:
            return self._opens({"internet"}, document)
        if subject in _WITHIN:
            everybody = {one for one, rank in _WITHIN.items() if rank <= _WITHIN[subject]}
            return self._opens(everybody, document) and not self._bars_somebody(subject, document)
        if self.people[subject].status is not UserStatus.ACTIVE:
            return False
        return self._opens(self.principals(subject), document)

    def principals(self, person: str) -> set[str]:
        linked = {ACCOUNT + account for account, one in self.accounts.items() if one == person}
        held = self._upward({person, *linked})
        return held | {one for one, rank in _WITHIN.items() if rank <= self._rank(person)}

    def _upward(self, start: set[str]) -> set[str]:
        held, before = set(start), set[str]()
        while held != before:
            before = set(held)
            held |= {group for group, members in self.members.items() if members & held}
        return held

    def _may_be_denied(self, subject: str, document: str) -> bool:
        """A deny reaches an account of nobody's, and the subject, or one of them, has none."""
        denied = self._denied(document)
        below = denied.union(*self.members.values())
        nobodys = {one for one in below if one.startswith(ACCOUNT)}
        nobodys -= {ACCOUNT + account for account in self.accounts}
        if not denied & self._upward(nobodys):
            return False
        if subject in (NOBODY, "internet"):
            return True
        people = self._people(subject) if subject in _WITHIN else [subject]
        return not set(people) <= set(self.accounts.values())

    def _people(self, one_class: str) -> list[str]:
        """The active ones of a class."""
        return [
            person
            for person, human in self.people.items()
            if human.status is UserStatus.ACTIVE and self._rank(person) >= _WITHIN[one_class]
        ]

    def _denied(self, document: str) -> frozenset[str]:
        return frozenset[str]().union(*(self._rules(one).deny for one in self._chain(document)))

    def audience(self, asker: str, channel: str) -> frozenset[str] | None:
        """Who reads there; in an empty channel the asker alone. None if no reply may be given."""
        here = {self.accounts.get(asker, NOBODY)}
        if not channel:
            return frozenset(here)
        room = self.rooms[channel]
        if room.external or (room.kind is PlaceKind.PRIVATE and not room.members):
            return None
        named = {self.accounts[one] for one in room.members if one in self.accounts}
        nameless = {one for one in room.members if one not in self.accounts}
        if room.kind is PlaceKind.PRIVATE:
            return frozenset(here | named | {NOBODY for _ in nameless})
        guests = {NOBODY for one in nameless if one.startswith("UG")}
        return frozenset(here | named | guests | {"members"})

    def all_read(self, audience: frozenset[str] | None, document: str) -> bool:
        return audience is not None and all(self.reads(one, document) for one in audience)

    def _rank(self, person: str) -> int:
        return 2 if self.people[person].guest else 3

    def _bars_somebody(self, one_class: str, document: str) -> bool:
        denied = self._denied(document)
        return bool(denied & _WITHIN.keys()) or any(
            self.principals(person) & denied for person in self._people(one_class)
        )

    def _opens(self, held: set[str], document: str) -> bool:
        chain = [self._rules(node) for node in self._chain(document)]
        granted = set[str]()
        for rules in chain:
            granted |= rules.allow
            if not rules.inherit:
                break
        return (
            all(self._known(rules) for rules in chain)
            and not any(rules.deny & held for rules in chain)
            and all(gate & held for rules in chain for gate in rules.gates)
            and bool(granted & held)
        )

    def _known(self, rules: Rules) -> bool:
        guards = {one for one in rules.deny.union(*rules.gates) if not one.startswith(ACCOUNT)}
        exist = self.people.keys() | self.members.keys() | _WITHIN.keys()
        return rules.known and guards <= exist and all(rules.gates)

    def _rules(self, node: str) -> Rules:
        return self.things[node].rules

    def _chain(self, node: str) -> list[str]:
        chain: list[str] = []
        at: str | None = node
        while at is not None:
            chain.append(at)
            at = self.things[at].parent
        return chain
