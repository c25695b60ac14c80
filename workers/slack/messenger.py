"""Slack as Ken uses it: who reads a conversation, and how a reply gets there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from policies.audience import Account
from policies.described import SeenAccount
from policies.tables.people import AccountKind


class PlaceKind(StrEnum):
    DIRECT = "direct"
    """Only the asker reads it."""
    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation, and who is in it now."""

    kind: PlaceKind
    members: frozenset[Account] = frozenset()
    complete: bool = True
    """False if the membership could not be read to its end."""
    unanswered: bool = False
    """Whether that was because Slack did not answer; it may the next time."""
    external: bool = False
    """Shared with another company, or somebody from another company is in it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A channel as Slack lists it."""

    channel_id: str
    name: str
    has_ken: bool
    is_group_message: bool
    """Direct messages of a few people."""


@dataclass(frozen=True, slots=True)
class Message:
    """A reply as it is posted. `mark` is stored with it, so that it can be found again."""

    text: str
    """Plain text, for notifications."""
    blocks: list[dict[str, Any]]
    mark: str
    is_open: bool = False
    """Whether it only shows the progress and is not the reply yet."""


@dataclass(frozen=True, slots=True)
class Posted:
    channel_id: str
    message_ts: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A message that shows the progress and will become the reply."""

    posted: Posted
    stream: bool
    """Whether it is a stream, which Slack holds open for a few minutes."""


@dataclass(frozen=True, slots=True)
class Task:
    """A step of the work, shown as a card."""

    name: str
    title: str
    done: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What a person wrote in a thread."""

    user_id: str
    text: str
    ts: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What Slack reports about a person at this moment."""

    account: Account
    """The workspace that we are connected to."""
    name: str
    email: str | None
    confirmed: bool
    """Whether Slack has confirmed that the address is theirs."""
    kind: AccountKind
    """`stranger`: of another workspace, or deactivated."""
    title: str = ""
    timezone: str = ""
    """IANA's name."""
    locale: str = ""

    @property
    def seen(self) -> SeenAccount:
        """Return the account to store. Anybody can type an address, so an unconfirmed one is left
        out.
        """
        email = self.email if self.confirmed else None
        return SeenAccount(self.account.native_id, self.name, email, self.kind)


# Each protocol lists what one kind of caller needs, so that a fake of it is complete. Every method
# raises SlackUnavailable if Slack does not answer or refuses.


class Conversations(Protocol):
    """Who can read where: what an audience is made of. Nothing here is visible to anybody."""

    @property
    def team_id(self) -> str:
        """The workspace that we are connected to."""
        ...

    def place(self, channel_id: str) -> Place: ...

    def guests(self, accounts: frozenset[Account]) -> frozenset[Account]:
        """Return those that are not full members of the home workspace."""
        ...

    def channels(self) -> Iterator[list[Listed]]:
        """Yield every channel that Ken sees and that is not archived, page by page; no direct
        messages.
        """
        ...

    def channels_of(self, user_id: str) -> frozenset[str]:
        """Return the ids of the channels that this person and Ken are both in."""
        ...

    def find_channel(self, name: str) -> str:
        """Return the id of a channel that is not archived, by its name or id. Raises
        InputInvalid.
        """
        ...

    def said_before(self, channel_id: str, thread_ts: str, before: str) -> list[Said]:
        """Return what people, not bots, wrote in a thread before this `ts`, oldest first.

        Of a long thread the first message and the newest ones.
        """
        ...


class Names(Protocol):
    """The names of people and channels, as Slack reports them at this moment."""

    def profile(self, user_id: str) -> Profile: ...

    def profiles(self) -> Iterator[list[Profile]]:
        """Yield everybody in the workspace, page by page."""
        ...

    def public_name(self, channel_id: str) -> str:
        """Return the name of a channel that every member of the workspace sees; empty for any
        other.
        """
        ...


class Posts(Protocol):
    """Our messages: posted, found by their mark, changed, deleted, linked to."""

    def post(self, channel_id: str, thread_ts: str, message: Message) -> Posted: ...

    def post_direct(self, user_id: str, message: Message) -> Posted: ...

    def find(self, channel_id: str, thread_ts: str, mark: str, *, since: str) -> list[Posted]:
        """Return our messages with this mark that Slack has, oldest first, none older
        than `since`.
        """
        ...

    def find_direct(self, user_id: str, mark: str, *, since: str) -> list[Posted]: ...

    def update(self, posted: Posted, message: Message) -> None:
        """Change a message of ours; twice is harmless. Raises SlackRefused if it is gone."""
        ...

    def delete(self, posted: Posted) -> None:
        """Delete a message of ours; does nothing if it is gone."""
        ...

    def permalink(self, posted: Posted) -> str: ...

    def direct_address(self, user_id: str) -> str:
        """Return the web address of the direct messages with somebody; it opens for nobody else."""
        ...


class Progress(Protocol):
    """What people see while Ken works: a message that shows steps and becomes the reply."""

    def open(
        self, channel_id: str, thread_ts: str, user_id: str, tasks: Sequence[Task], mark: str
    ) -> Opened:
        """Open a message that shows these tasks: a stream, or else one that is changed."""
        ...

    def show(self, opened: Opened, tasks: Sequence[Task]) -> None: ...

    def close(self, opened: Opened, message: Message) -> Posted:
        """Turn it into the reply; twice is harmless. Raises SlackRefused if it is gone."""
        ...

    def find_open(self, channel_id: str, thread_ts: str, mark: str, *, since: str) -> list[Posted]:
        """Return our messages that were opened there and have not become a reply: those with this
        mark, and those without any, which may belong to another question.
        """
        ...

    def set_working(
        self, channel_id: str, thread_ts: str, user_id: str, title: str, *, working: bool
    ) -> None:
        """Set whether Ken is working in this thread; while it is, people see so and can stop it."""
        ...


class Tabs(Protocol):
    """Ken's own tabs in Slack."""

    def set_prompts(self, channel_id: str, prompts: Sequence[tuple[str, str]], title: str) -> None:
        """Set the suggested prompts of the messages tab: (title, message), four at most."""
        ...

    def publish_home(self, user_id: str, view: dict[str, Any]) -> None: ...


class Messenger(Conversations, Names, Posts, Progress, Tabs, Protocol):
    """One workspace with all that Ken does there. A function asks only for the part
    that it needs.
    """

    def whoami(self) -> str:
        """Return the workspace that we are connected to, for the operator."""
        ...


def source_of_team(team_id: str) -> str:
    """Return the name of the source that a workspace's accounts belong to."""
    return f"slack:{team_id}"
