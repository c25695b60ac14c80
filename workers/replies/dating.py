"""How old a source is, and whether it holds today: what stands beside its name, and the note."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from workers.models.base import Passage
from workers.models.validity import validity_of
from workers.wording.mark import N_
from workers.wording.text import age, day, gettext

_NOT_YET = N_("“{title}” is not in force yet: it is valid from {day}.")
_NO_LONGER = N_("“{title}” is no longer in force: it was valid until {day}.")
_REPLACED = N_("“{title}” says of itself that it is no longer valid.")


@dataclass(frozen=True, slots=True)
class Dating:
    """What a page says of its own age, as far as a reader has to know it. Dates are ISO's."""

    as_of: str = ""
    """The day that it names itself; empty for the day of its last change."""
    begins: str = ""
    """The day from which it is valid, if that is to come."""
    ends: str = ""
    """The day until which it was valid, if that is past."""
    is_old: bool = False
    """Whether it says that it is replaced or obsolete."""

    def stored(self) -> dict[str, Any]:
        """Return what is known, for the outbox."""
        known = {"as_of": self.as_of, "begins": self.begins, "ends": self.ends}
        old = {"is_old": True} if self.is_old else {}
        return {name: value for name, value in known.items() if value} | old


NOTHING_SAID = Dating()


def dating_of(passage: Passage, today: date) -> Dating:
    """Return what the page of a passage says of its age."""
    says = validity_of(passage, today)
    return Dating(
        as_of=says.as_of.isoformat() if says.as_of else "",
        begins=says.begins.isoformat() if says.begins and says.begins > today else "",
        ends=says.ends.isoformat() if says.ends and says.ends < today else "",
        is_old=says.is_old,
    )


def from_stored(stored: Mapping[str, Any] | None) -> Dating:
    return Dating(**stored) if stored else NOTHING_SAID


def age_shown(updated_at: str | None, dating: Dating, today: date) -> str:
    """Say how old a source is, and from or until when it is valid; empty if nobody knows."""
    known = ""
    if dating.as_of:
        known = gettext("as of {day}", day=day(date.fromisoformat(dating.as_of)))
    elif updated_at:
        known = age(date.fromisoformat(updated_at[:10]), today)
    valid = ""
    if dating.begins:
        valid = gettext("valid from {day}", day=day(date.fromisoformat(dating.begins)))
    elif dating.ends:
        valid = gettext("valid until {day}", day=day(date.fromisoformat(dating.ends)))
    return ", ".join(filter(None, (known, valid)))


def note_on(titles: Sequence[tuple[str, Dating]]) -> str:
    """Say of these sources which are not valid today; empty if all are."""
    notes: list[str] = []
    for title, dating in titles:
        if dating.begins:
            notes.append(gettext(_NOT_YET, title=title, day=day(date.fromisoformat(dating.begins))))
        elif dating.ends:
            ended = day(date.fromisoformat(dating.ends))
            notes.append(gettext(_NO_LONGER, title=title, day=ended))
        elif dating.is_old:
            notes.append(gettext(_REPLACED, title=title))
    return " ".join(dict.fromkeys(notes))
