"""An errand as it is kept, for whoever does it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Kept:
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
