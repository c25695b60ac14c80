"""The title and date that a model puts behind a sentence when pages contradict each other.

They are not in the quote, and are true if they are the passage's own, as the prompt shows them.
"""

import re
from datetime import UTC, datetime

from workers.models.base import Passage
from workers.models.quotes import words
from workers.models.validity import validity_of

_SOURCE = re.compile(
    r" ?\((?P<title>[^()\n]{1,200}), (?P<date>\d{4}-\d\d-\d\d|no date)\)(?P<end>\.?)\Z"
)
_LONGEST = 250


def without_source(text: str, passage: Passage) -> str:
    """Return a sentence without "(Travel policy, 2026-03-03)" at its end.

    Only if that is the title and a date of its passage, or "no date" if it has none.
    """
    start = max(0, len(text) - _LONGEST)
    found = _SOURCE.search(text, start)
    if found is None or words(found["title"]) != words(passage.title):
        return text
    says = validity_of(passage, datetime.now(UTC).date())
    updated = passage.updated_at.date() if passage.updated_at else None
    known = {day.isoformat() for day in (updated, says.as_of, says.begins) if day}
    if found["date"] not in (known or {"no date"}):
        return text
    return text[: found.start()] + found["end"]
