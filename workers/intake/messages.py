"""What comes in: a question, or an errand. Both are rows before anything is done."""

from dataclasses import dataclass, field
from typing import Any, Literal

Surface = Literal[
    "slack",
    "follow_up",
    "automatic",
    "command",
    "shortcut",
    "share",
    "private",
    "terminal",
]
"""How a question came: a mention or a direct message; in a thread without a mention; asked of
nobody, where Ken may answer unasked; `/ken`; about a message; asked again for the channel, or by
somebody for themselves; at the terminal."""


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
    surface: Surface = "slack"
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
        return self.surface in ("command", "shortcut", "private")

    @property
    def is_in_own_words(self) -> bool:
        """Whether the asker wrote this, as far as we know: a message of which they asked may be
        anybody's, and only its readers may read it.
        """
        return not self.borrowed and self.surface != "shortcut"

    @property
    def is_a_message(self) -> bool:
        """Whether a message asks it, which may be edited and deleted."""
        return self.about is None and self.surface in ("slack", "follow_up", "automatic")


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


def storable(text: str) -> str:
    """Without what PostgreSQL refuses, NUL and halves of characters: else nothing is kept."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


@dataclass(frozen=True, slots=True)
class StoredErrand:
    """An errand as it is stored, for the code that runs it."""

    id: int
    event_id: str
    kind: str
    team_id: str
    user_id: str
    channel_id: str
    details: dict[str, Any]
    """What somebody outside sent: nothing of it is believed before it is checked."""
    attempts: int
    age_s: float = 0.0
