"""The readers of a reply: the values from which every access decision starts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Class(IntEnum):
    """The principals that stand for many people, by their fixed ids.

    As a subject of an audience, a class is everybody in it, now or later: it reads only what
    all of them may read.
    """

    INTERNET = 1
    MEMBERS_AND_GUESTS = 2
    MEMBERS = 3


STRANGER = 0
"""The subject for a person without a link: one person, with the class `internet`."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Everyone who can read the reply, which may quote only what all of them may read."""

    ids: tuple[int, ...]
    """The subjects: users by principal id, classes, or STRANGER. Sorted, no duplicates."""

    def __post_init__(self) -> None:
        if not self.ids:
            raise ValueError("an audience has at least one subject")
        if list(self.ids) != sorted(set(self.ids)):
            raise ValueError("the subjects of an audience are sorted and distinct")
        # plain numbers: psycopg takes no list of classes and of ids that need more bytes
        object.__setattr__(self, "ids", tuple(map(int, self.ids)))

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
    """An account by its source and its id there, compared byte for byte."""

    source: str
    native_id: str


@dataclass(frozen=True, slots=True)
class Readers:
    """Everyone who can read a message, derived from the place that it is in."""

    accounts: frozenset[Account] = frozenset()
    users: frozenset[int] = frozenset()
    """People who are already known by their principal id."""
    classes: frozenset[Class] = frozenset()
    strangers: bool = False
    """True if somebody may be there who is not identified."""

    def __or__(self, more: "Readers") -> "Readers":
        return Readers(
            self.accounts | more.accounts,
            self.users | more.users,
            self.classes | more.classes,
            self.strangers or more.strangers,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the readers as JSON; equal readers give the same text."""
        return {
            "accounts": sorted([one.source, one.native_id] for one in self.accounts),
            "users": sorted(self.users),
            "classes": sorted(int(one) for one in self.classes),
            "strangers": self.strangers,
        }

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> "Readers":
        """Return the readers that `to_json` wrote."""
        return cls(
            frozenset(Account(source, native_id) for source, native_id in payload["accounts"]),
            frozenset(payload["users"]),
            frozenset(Class(one) for one in payload["classes"]),
            payload["strangers"],
        )
