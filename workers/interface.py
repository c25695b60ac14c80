"""The door to the workers, and the only file of the house that `bot` imports.

The row is the truth, the queue a doorbell: `ask` returns once the question cannot be lost.
"""

from dataclasses import dataclass
from typing import Literal

from workers.settings import Settings, load_settings

__all__ = ["Question", "Settings", "ask", "load_settings"]

Surface = Literal["slack", "terminal"]


@dataclass(frozen=True, slots=True)
class Question:
    """What one person asked, and where the reply goes."""

    event_id: str
    """Unique; Slack repeats events."""
    team_id: str
    channel_id: str
    message_ts: str
    thread_ts: str
    """The thread to answer in: the message's own `ts` where it starts one."""
    user_id: str
    text: str
    surface: Surface = "slack"


def ask(question: Question) -> None:
    """Keep the question, then ring. Returns once it cannot be lost.

    A question already held (same event, or same channel and ts) is left as it is. Raises
    ServerUnavailable if PostgreSQL does not answer: Slack must hear a non-2xx and retry.
    """
    raise ServerUnavailable("not built yet")
