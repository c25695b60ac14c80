"""Who reads a reply: the values that every question of access starts from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Class(IntEnum):
    """The principals that stand for many, by their fixed ids.

    As a subject of an audience, a class is everybody in it, now or later: it reads only what
    all of them may read.
    """

    INTERNET = 1
    MEMBERS_AND_GUESTS = 2
    MEMBERS = 3


STRANGER = 0
"""The subject for somebody we cannot name (unlinked): one person, with the class `internet`."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Everyone who can read the reply. It may quote only what all of them may read."""

    ids: tuple[int, ...]
    """The subjects: users by principal id, classes, or STRANGER. Sorted, no duplicates."""

    def __post_init__(self) -> None:
        if not self.ids:
            raise ValueError("an audience has at least one subject")
        if list(self.ids) != sorted(set(self.ids)):
            raise ValueError("the subjects of an audience are sorted and distinct")

    @classmethod
    def of(cls, ids: Iterable[int]) -> "Audience":
        return cls(tuple(sorted(set(ids))))


CLASSES: Mapping[str, Class] = {
    "members": Class.MEMBERS,
    "members_and_guests": Class.MEMBERS_AND_GUESTS,
    "internet": Class.INTERNET,
}


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody as a source calls them; compared byte for byte."""

    source: str
    native_id: str


@dataclass(frozen=True, slots=True)
class Readers:
    """Everyone who can read a message, as the place it stands in tells it."""

    accounts: frozenset[Account] = frozenset()
    users: frozenset[int] = frozenset()
    """People whom we know already by their principal id."""
    classes: frozenset[Class] = frozenset()
    strangers: bool = False
    """Somebody may be there whom we cannot name."""

    def __or__(self, more: "Readers") -> "Readers":
        return Readers(
            self.accounts | more.accounts,
            self.users | more.users,
            self.classes | more.classes,
            self.strangers or more.strangers,
        )

    @property
    def told(self) -> dict[str, Any]:
        """As JSON; equal readers are told in the same words."""
        return {
            "accounts": sorted([one.source, one.native_id] for one in self.accounts),
            "users": sorted(self.users),
            "classes": sorted(int(one) for one in self.classes),
            "strangers": self.strangers,
        }

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Readers":
        """Those that `told` was made of."""
        return cls(
            frozenset(Account(source, native_id) for source, native_id in told["accounts"]),
            frozenset(told["users"]),
            frozenset(Class(one) for one in told["classes"]),
            told["strangers"],
        )
