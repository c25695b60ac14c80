"""What Slack, `ken ask` and programs send: questions and errands, stored before all else."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Literal


class Surface(StrEnum):
    """How a question was asked. Code does not compare with these: it uses the properties below."""

    SLACK = "slack"
    """A mention, or a direct message."""
    FOLLOW_UP = "follow_up"
    """Without a mention, in a thread that Ken is part of."""
    AUTOMATIC = "automatic"
    """Not addressed to Ken, in a channel where Ken may answer unasked."""
    COMMAND = "command"
    """`/ken`."""
    SHORTCUT = "shortcut"
    """About a message, which another person may have written."""
    SHARE = "share"
    """Asked again for the channel."""
    PRIVATE = "private"
    """Asked again by somebody for themselves."""
    TERMINAL = "terminal"
    """`ken ask`: the asker is a user of ours, and there is no message in Slack."""
    PROGRAM = "program"
    """Another program asked as a person (workers/doors); the asker is a user of ours, too."""
    SEARCH = "search"
    """The same, for passages alone: they are on record, and nothing is left to answer."""

    @property
    def is_outside_slack(self) -> bool:
        """Whether nothing in Slack belongs to it: no account, no message, no channel."""
        return self in (Surface.TERMINAL, Surface.PROGRAM, Surface.SEARCH)

    @property
    def is_limited(self) -> bool:
        """Whether it counts as one of its asker's questions; the terminal is an operator's."""
        return self not in (Surface.TERMINAL, Surface.SEARCH)

    @property
    def takes_wishes(self) -> bool:
        """Whether its asker may say what Ken is to remember: a program only asks."""
        return self is not Surface.PROGRAM

    @property
    def is_addressed(self) -> bool:
        """Whether the asker addressed Ken with a message of their own and waits for a reply."""
        return self in (Surface.SLACK, Surface.FOLLOW_UP)

    @property
    def is_unasked(self) -> bool:
        """Whether the question was not addressed to Ken, so that Ken may also stay silent."""
        return self is Surface.AUTOMATIC

    @property
    def is_message(self) -> bool:
        """Whether it is a message, which may be edited and deleted."""
        return self.is_addressed or self.is_unasked

    @property
    def is_aloud(self) -> bool:
        """Whether everybody who reads the conversation can read the question."""
        return self.is_message or self.is_share

    @property
    def is_share(self) -> bool:
        """Whether it was asked again for the channel: it is answered there or not at all."""
        return self is Surface.SHARE

    @property
    def is_for_the_asker(self) -> bool:
        """Whether only the asker gets the answer, although it was asked elsewhere."""
        return self in (Surface.COMMAND, Surface.SHORTCUT, Surface.PRIVATE)

    @property
    def is_about_a_message(self) -> bool:
        """Whether its text is a message that anybody may have written: only its readers may read
        it.
        """
        return self is Surface.SHORTCUT

    @property
    def is_quiet(self) -> bool:
        """Whether Ken stays silent if there is nothing to answer."""
        return self.is_unasked or self.is_share

    @property
    def reads_thread(self) -> bool:
        """Whether earlier messages of its thread belong to the question."""
        return self.is_aloud or self is Surface.PRIVATE

    @property
    def takes_link_codes(self) -> bool:
        """Whether a link code counts: only in a message that was written to Ken itself."""
        return self is Surface.SLACK

    @property
    def has_message(self) -> bool:
        """Whether a message in Slack has its text: `/ken` leaves none."""
        return not self.is_outside_slack and self is not Surface.COMMAND


AT_THE_TERMINAL, BY_A_PROGRAM = "terminal", "program"
OUTSIDE_SLACK = frozenset({AT_THE_TERMINAL, BY_A_PROGRAM})
"""What stands for the workspace of a question that comes from no workspace."""

# Values for statements, which use `surface = ANY(:messages)` and name no surface themselves.
ADDRESSED = [surface for surface in Surface if surface.is_addressed]
MESSAGES = [surface for surface in Surface if surface.is_message]
UNLIMITED = [surface for surface in Surface if not surface.is_limited]
ALOUD = [surface for surface in Surface if surface.is_aloud]
OWN_WORDS = [one for one in Surface if not one.is_outside_slack and not one.is_about_a_message]
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
    "choice",
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
    """Empty: asked at the terminal or by a program, where nobody else reads."""
    message_ts: str
    thread_ts: str
    """The thread to answer in; the message's own `ts` if it starts one."""
    user_id: str
    """A Slack id; outside of Slack, the principal id of a user."""
    text: str
    surface: Surface = Surface.SLACK
    revision: str = ""
    """When the message was edited, as Slack's ts. If it is not a message, its event's id."""
    about: int | None = None
    """The question that this one asks again for other readers."""
    borrowed: bool = False
    """Whether another person wrote this text, or part of it."""
    earlier: tuple[str, ...] = ()
    """What was said before, oldest first, where no thread in Slack holds it."""
    chosen: int | None = None
    """The document that the asker chose when Ken asked back."""
    sources: tuple[str, ...] | None = None
    """The only sources that the answer may use, by name; None for all."""

    @property
    def in_direct_message(self) -> bool:
        """Slack's ids of direct messages begin with D."""
        return self.channel_id.startswith("D")

    @property
    def is_for_the_asker(self) -> bool:
        """Whether only the asker gets the answer, although it was asked elsewhere."""
        return self.surface.is_for_the_asker

    @property
    def is_in_own_words(self) -> bool:
        """Whether the asker wrote this, as far as we know. A message that they ask about may be by
        anybody, and only its readers may read it.
        """
        return not self.borrowed and not self.surface.is_about_a_message

    @property
    def is_a_message(self) -> bool:
        """Whether it is a message, which may be edited and deleted."""
        return self.about is None and self.surface.is_message


@dataclass(frozen=True, slots=True)
class Errand:
    """Anything Slack asks of us that is not a question. Runs at least once; running it twice is
    harmless.
    """

    event_id: str
    """Unique; Slack repeats events."""
    kind: ErrandKind
    team_id: str
    user_id: str = ""
    channel_id: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    """Small, and JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredErrand(Errand):
    """An errand as it is stored, for the code that runs it.

    Its details come from outside: check them before use.
    """

    id: int
    attempts: int
    age_s: float = 0.0


QUESTION_COLUMNS = tuple(one.name for one in fields(Question))
ERRAND_COLUMNS = tuple(one.name for one in fields(Errand))


def question_of(row: Mapping[Any, Any]) -> Question:
    """Return the question in a row of its table. The row may have other columns, too."""
    columns = {name: row[name] for name in QUESTION_COLUMNS}
    columns["surface"] = Surface(columns["surface"])
    columns["earlier"] = tuple(columns["earlier"])
    columns["sources"] = None if columns["sources"] is None else tuple(columns["sources"])
    return Question(**columns)


def errand_of(row: Mapping[Any, Any]) -> StoredErrand:
    """Return the errand in a row of its table, with its age."""
    columns = {name: row[name] for name in ERRAND_COLUMNS}
    return StoredErrand(
        **columns, id=row["id"], attempts=row["attempts"], age_s=float(row["age_s"])
    )


def storable(text: str) -> str:
    """Remove what PostgreSQL cannot store: NUL and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()
