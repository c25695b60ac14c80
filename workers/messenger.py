"""The place where a question was asked: who reads there, and how a reply gets there."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from policies.directory import Account


class PlaceKind(StrEnum):
    DIRECT = "direct"
    """The asker alone."""
    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation, and who is in it now."""

    kind: PlaceKind
    members: frozenset[Account] = frozenset()
    complete: bool = True
    """False: the membership could not be read to its end."""
    external: bool = False
    """Shared with another company, or somebody of another company is in it."""


@dataclass(frozen=True, slots=True)
class Message:
    """A reply as it is posted. `mark` is kept with it, so that it can be found again."""

    text: str
    """Plain; what notifications show."""
    blocks: list[dict[str, Any]]
    mark: str


@dataclass(frozen=True, slots=True)
class Posted:
    channel_id: str
    message_ts: str


class Messenger(Protocol):
    """Every method raises SlackUnavailable when Slack does not answer, or refuses."""

    def whoami(self) -> str:
        """The workspace that we are connected to, for whoever runs Ken."""
        ...

    def place(self, channel_id: str) -> Place: ...

    def find_channel(self, name: str) -> str:
        """The id of a channel by its name or id. Raises InputInvalid."""
        ...

    def guests(self, accounts: frozenset[Account]) -> frozenset[Account]:
        """Those that are not full members of the home workspace."""
        ...

    def post(self, channel_id: str, thread_ts: str, message: Message) -> Posted: ...

    def post_direct(self, user_id: str, message: Message) -> Posted: ...

    def find_post(self, channel_id: str, thread_ts: str, mark: str) -> Posted | None:
        """Our message with this mark, if Slack has it after all."""
        ...

    def find_direct(self, user_id: str, mark: str) -> Posted | None: ...
