"""The place where a question was asked: who reads there, and how a reply gets there."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from policies.change import SeenAccount
from policies.directory import Account
from policies.models import AccountKind


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


@dataclass(frozen=True, slots=True)
class Profile:
    """What Slack tells of somebody, at this moment."""

    account: Account
    """In the workspace that we are connected to."""
    name: str
    email: str | None
    confirmed: bool
    """Slack has seen that the address is theirs."""
    kind: AccountKind
    """`stranger`: of another workspace, or deactivated."""

    @property
    def seen(self) -> SeenAccount:
        """To keep. Anybody can type an address, so one that is not confirmed is nobody's."""
        email = self.email if self.confirmed else None
        return SeenAccount(self.account.native_id, self.name, email, self.kind)


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

    def profile(self, user_id: str) -> Profile: ...

    def profiles(self) -> Iterator[list[Profile]]:
        """Everybody of the workspace, page by page."""
        ...

    def post(self, channel_id: str, thread_ts: str, message: Message) -> Posted: ...

    def post_direct(self, user_id: str, message: Message) -> Posted: ...

    def find(self, channel_id: str, thread_ts: str, mark: str, *, since: str) -> list[Posted]:
        """Our messages with this mark that Slack has, oldest first; none is older than `since`."""
        ...

    def find_direct(self, user_id: str, mark: str, *, since: str) -> list[Posted]: ...

    def delete(self, posted: Posted) -> None:
        """A message of ours; nothing if it is gone already."""
        ...
