"""What comes in: a question, or an errand. Both are rows before anything is done."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Literal


class Surface(StrEnum):
    """How a question came. Nobody compares with these: each has the properties below."""

    SLACK = "slack"
    """A mention, or a direct message."""
    FOLLOW_UP = "follow_up"
    """In a thread where Ken takes part, without a mention."""
    AUTOMATIC = "automatic"
    """Asked of nobody, in a channel where Ken may answer unasked."""
    COMMAND = "command"
    """`/ken`."""
    SHORTCUT = "shortcut"
    """About a message, which somebody else may have written."""
    SHARE = "share"
    """Asked again, for the channel."""
    PRIVATE = "private"
    """Asked again, by somebody for themselves."""
    TERMINAL = "terminal"
    """`ken ask`: the asker is a user of ours, and no message stands in Slack."""

    @property
    def is_terminal(self) -> bool:
        """Nothing in Slack belongs to it: no account, no message, no place."""
        return self is Surface.TERMINAL

    @property
    def is_addressed(self) -> bool:
        """Whether the asker turned to Ken with a message of their own, and waits for a reply."""
        return self in (Surface.SLACK, Surface.FOLLOW_UP)

    @property
    def is_unasked(self) -> bool:
        """Nobody asked Ken: it answers, or is silent."""
        return self is Surface.AUTOMATIC

    @property
    def is_message(self) -> bool:
        """Whether a message asks it, which may be edited and deleted."""
        return self.is_addressed or self.is_unasked

    @property
    def is_aloud(self) -> bool:
        """Whether what it asks stands in a place in Slack, for all who read there."""
        return self.is_message or self.is_share

    @property
    def is_share(self) -> bool:
        """Asked again for the channel: it is answered there, or not at all."""
        return self is Surface.SHARE

    @property
    def is_for_the_asker(self) -> bool:
        """Asked somewhere, and answered to the asker alone."""
        return self in (Surface.COMMAND, Surface.SHORTCUT, Surface.PRIVATE)

    @property
    def is_about_a_message(self) -> bool:
        """Its words are a message's, which may be anybody's: only its readers may read them."""
        return self is Surface.SHORTCUT

    @property
    def is_quiet(self) -> bool:
        """Where there is nothing to answer, nothing is said."""
        return self.is_unasked or self.is_share

    @property
    def reads_thread(self) -> bool:
        """Whether what was said before it in its thread belongs to the question."""
        return self.is_aloud or self is Surface.PRIVATE

    @property
    def takes_link_codes(self) -> bool:
        """A code counts only where somebody wrote it to Ken itself."""
        return self is Surface.SLACK

    @property
    def has_message(self) -> bool:
        """Whether a message in Slack holds its words: `/ken` leaves none."""
        return not self.is_terminal and self is not Surface.COMMAND


# For statements, which name no surface themselves: `surface = ANY(:messages)`.
ADDRESSED = [surface for surface in Surface if surface.is_addressed]
MESSAGES = [surface for surface in Surface if surface.is_message]
ALOUD = [surface for surface in Surface if surface.is_aloud]
FOR_THE_ASKER = [surface for surface in Surface if surface.is_for_the_asker]


ErrandKind = Literal[
    "home",
    "prompts",
    "deleted",
    "joined",
    "shared",
    "place",
    "moved",
    "standing",
    "team_access",
    "rested",
    "stopped",
    "share",
    "private",
    "again",
    "feedback",
    "person",
    "mute",
    "mute_thread",
    "forget",
    "preferences",
    "uninstalled",
    "tokens_revoked",
]


@dataclass(frozen=True, slots=True)
class Question:
    """What one person asked, and where the reply goes."""

    event_id: str
    """Unique; Slack repeats events."""
    team_id: str
    channel_id: str
    """Empty: asked at the terminal, for nobody else to read."""
    message_ts: str
    thread_ts: str
    """The thread to answer in: the message's own `ts` where it starts one."""
    user_id: str
    """A Slack id, or at the terminal the principal id of a user."""
    text: str
    surface: Surface = Surface.SLACK
    revision: str = ""
    """When the message was edited, as Slack's ts. What is no message has its event's id here."""
    about: int | None = None
    """The question that is asked again, for other readers."""
    borrowed: bool = False
    """Somebody else wrote these words, or some of them."""

    @property
    def in_direct_message(self) -> bool:
        """Slack's ids of direct messages begin with D."""
        return self.channel_id.startswith("D")

    @property
    def is_for_the_asker(self) -> bool:
        """Asked somewhere, and answered to the asker alone."""
        return self.surface.is_for_the_asker

    @property
    def is_in_own_words(self) -> bool:
        """Whether the asker wrote this, as far as we know: a message of which they asked may be
        anybody's, and only its readers may read it.
        """
        return not self.borrowed and not self.surface.is_about_a_message

    @property
    def is_a_message(self) -> bool:
        """Whether a message asks it, which may be edited and deleted."""
        return self.about is None and self.surface.is_message


@dataclass(frozen=True, slots=True)
class Errand:
    """What Slack told us to do that is no question. Done at least once; twice does no harm."""

    event_id: str
    """Unique; Slack repeats itself."""
    kind: ErrandKind
    team_id: str
    user_id: str = ""
    channel_id: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    """Small, and JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredErrand(Errand):
    """An errand as it is stored, for the code that runs it.

    Its details are what somebody outside sent: nothing of it is believed before it is checked.
    """

    id: int
    attempts: int
    age_s: float = 0.0


QUESTION_COLUMNS = tuple(one.name for one in fields(Question))
ERRAND_COLUMNS = tuple(one.name for one in fields(Errand))


def question_of(row: Mapping[Any, Any]) -> Question:
    """The question in a row of its table. Other columns may stand beside it."""
    columns = {name: row[name] for name in QUESTION_COLUMNS}
    return Question(**{**columns, "surface": Surface(columns["surface"])})


def errand_of(row: Mapping[Any, Any]) -> StoredErrand:
    """The errand in a row of its table, with how old it is."""
    columns = {name: row[name] for name in ERRAND_COLUMNS}
    return StoredErrand(
        **columns, id=row["id"], attempts=row["attempts"], age_s=float(row["age_s"])
    )


def storable(text: str) -> str:
    """Without what PostgreSQL refuses, NUL and halves of characters: else nothing is kept."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()
