"""What can go wrong, one class per thing that a caller may want to tell apart.

`reply` is what a person in Slack reads: constant, never a library's text. The exception's own
message is for whoever runs Ken: what happened, and `remedy`, what to do about it.
"""

from typing import ClassVar


class AssistantError(Exception):
    """Something that a person who asked will hear about."""

    reply: ClassVar[str] = (
        "Something went wrong on my side. Please ask again. If it happens again, please tell your "
        "administrator."
    )
    transient: bool = False
    """It may be over soon: the question is tried again before anybody hears of it."""
    retry_after_s: float | None = None
    """How long whoever is busy asks us to wait."""


class ModelUnavailable(AssistantError):
    """The model did not answer, or not usefully; `transient` unless it will say the same again."""

    reply = "My language model is not answering right now. Please try again in a minute."

    def __init__(
        self, reason: str, *, transient: bool = True, retry_after_s: float | None = None
    ) -> None:
        super().__init__(reason)
        self.transient = transient
        self.retry_after_s = retry_after_s


class SlackUnavailable(AssistantError):
    """Slack did not answer, or not usefully."""

    transient = True


class SlackBusy(SlackUnavailable):
    """Slack took nothing, and says when to come back."""

    def __init__(self, reason: str, *, retry_after_s: float) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class SlackRefused(SlackUnavailable):
    """Slack answered, and will say the same again: archived, removed, revoked."""

    transient = False


class Busy(AssistantError):
    """Somebody else is in the middle of it; a moment later they are not."""

    transient = True


class PoisonQuestion(AssistantError):
    """Every worker that took this question died of it."""


class LayersDisagree(AssistantError):
    """Two independent permission checks differ. One is wrong, so nothing is said (an alert)."""


class AnswerWithdrawn(AssistantError):
    """Permissions changed while the answer was being written, twice."""

    reply = (
        "What may be read here changed while I was answering, so I held my answer back. Please ask "
        "again."
    )


class OperatorError(Exception):
    """Something that whoever runs a command can mend. Nothing was left half done."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class SettingsInvalid(OperatorError):
    """A setting has no valid value."""

    exit_code = 2


class InputInvalid(OperatorError):
    """A file, a line or an argument is not what it should be. The message names the place."""

    exit_code = 2


class ServerUnavailable(OperatorError):
    """PostgreSQL, Redis or another process does not answer, or could not be started."""

    exit_code = 3


class SchemaBehind(OperatorError):
    """The database has not had all migrations."""

    exit_code = 4
