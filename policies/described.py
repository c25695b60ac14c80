"""What a source describes: people, accounts, and nodes with their permissions, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from policies.tables.people import AccountKind, UserStatus
from policies.tables.permissions import NodeKind


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a source says of one node, its principals resolved to ours (`source.py`)."""

    allow: frozenset[int] = frozenset()
    deny: frozenset[int] = frozenset()
    gates: tuple[frozenset[int], ...] = ()
    """Each is an OR-list; all must be met. Sorted by content, so that equal ones compare equal."""
    inherit: bool = True
    known: bool = True
    """False: something in it could not be understood, so nobody reads."""

    @property
    def plain(self) -> bool:
        """Nothing of its own: the parent's permissions hold."""
        return self == Permissions()

    @property
    def guards(self) -> frozenset[int]:
        """Whoever is denied or required."""
        return self.deny.union(*self.gates)

    @property
    def readable(self) -> bool:
        """Understood. An empty OR-list is a gate that nobody meets: only `unknown` can say that."""
        return self.known and all(self.gates)


@dataclass(frozen=True, slots=True)
class Person:
    """A user as a directory describes one."""

    native_id: str
    name: str
    email: str | None = None
    guest: bool = False
    status: UserStatus = UserStatus.ACTIVE
    profile: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeenAccount:
    """An account as its source describes it, whoever it belongs to."""

    native_id: str
    name: str
    email: str | None = None
    kind: AccountKind = AccountKind.MEMBER


@dataclass(frozen=True, slots=True)
class NewNode:
    """A node that a source did not have before."""

    native_id: str
    kind: NodeKind
    parent_id: int | None
    permissions: Permissions
