"""People, accounts and nodes with permissions, as values that a source describes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from policies.tables.people import AccountKind, UserStatus
from policies.tables.permissions import NodeKind


@dataclass(frozen=True, slots=True)
class Permissions:
    """The permissions of one node, with principals resolved to ours (`source.py`)."""

    allow: frozenset[int] = frozenset()
    deny: frozenset[int] = frozenset()
    gates: tuple[frozenset[int], ...] = ()
    """Each gate is an OR-list; all must be met. Sorted, so that equal gates compare equal."""
    inherit: bool = True
    known: bool = True
    """False if something in it could not be understood; then nobody may read."""

    @property
    def plain(self) -> bool:
        """True if the node has no permissions of its own, only its parent's."""
        return self == Permissions()

    @property
    def guards(self) -> frozenset[int]:
        """The principals that are denied or required."""
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
    """An account as its source describes it, linked or not."""

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
