"""What can go wrong: one class for each case that a caller may want to tell apart.

`reply` is what a person in Slack reads: constant, never a library's text. The exception's own
message is for the operator: what happened; `remedy` says what to do about it.
"""

from typing import ClassVar

from workers.wording.mark import N_


class AssistantError(Exception):
    """A failure that is reported to the person who asked."""

    reply: ClassVar[str] = N_(
        "Something went wrong on my side. Please ask again. If it happens again, please tell your "
        "administrator."
    )
    transient: bool = False
    """Whether it may be over soon: then the question is tried again before anything is reported."""
    retry_after_s: float | None = None
    """How long the server that is busy asks us to wait."""


class ModelUnavailable(AssistantError):
    """The model did not answer, or not usefully; `transient` unless it would fail again."""

    reply = N_("My language model is not answering right now. Please try again in a minute.")

    def __init__(
        self, reason: str, *, transient: bool = True, retry_after_s: float | None = None
    ) -> None:
        super().__init__(reason)
        self.transient = transient
        self.retry_after_s = retry_after_s


class OverBudget(AssistantError):
    """The money for the language model is spent, and the documents alone give no answer."""

    reply = N_(
        "The budget for my language model is used up for now, and I found nothing that answers "
        "this word for word. Please ask again tomorrow, or ask a colleague."
    )


class SlackUnavailable(AssistantError):
    """Slack did not answer, or not usefully."""

    transient = True


class SlackBusy(SlackUnavailable):
    """Slack accepted nothing, and says when to try again."""

    def __init__(self, reason: str, *, retry_after_s: float) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class SlackRefused(SlackUnavailable):
    """Slack refused and will refuse again: archived, removed, revoked."""

    transient = False


class Busy(AssistantError):
    """Another worker holds it; retry shortly."""

    transient = True


class PoisonQuestion(AssistantError):
    """Every worker that took this question crashed on it."""


class LayersDisagree(AssistantError):
    """Two independent permission checks differ. One is wrong, so nothing is posted (an alert)."""


class AnswerWithdrawn(AssistantError):
    """Permissions changed twice while the answer was being written."""

    reply = N_(
        "What may be read here changed while I was answering, so I held my answer back. Please ask "
        "again."
    )


class OperatorError(Exception):
    """A failure that the person running a command can fix. Nothing was left half done."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class SettingsInvalid(OperatorError):
    """A setting has no valid value."""

    exit_code = 2


class InputInvalid(OperatorError):
    """A file, a line or an argument is invalid. The message says where."""

    exit_code = 2


class TextRefused(InputInvalid):
    """A model's server refuses what it was sent: one of the texts, or all of them."""


class ServerUnavailable(OperatorError):
    """PostgreSQL, Redis or another process does not answer or could not be started."""

    exit_code = 3


class SchemaBehind(OperatorError):
    """The database lacks some migrations."""

    exit_code = 4
