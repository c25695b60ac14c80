"""Lays out what Ken knows of a person and remembers for them, with a switch for each attribute."""

from collections.abc import Iterator

from workers.people.attributes import ATTRIBUTES, KnownPerson
from workers.replies.blocks import Json, header, plain, rich_text, section, span
from workers.replies.inert import elements
from workers.wording.mark import N_
from workers.wording.text import gettext

_NAMES = {
    "title": N_("Title"),
    "team": N_("Team"),
    "manager": N_("Manager"),
    "location": N_("Location"),
    "country": N_("Country"),
    "locale": N_("Language"),
    "timezone": N_("Time zone"),
    "groups": N_("Groups"),
}
_USED = N_(
    "From your company's directory. I use this to find what is meant for you, and never to decide "
    "what you may read. In a channel I use only what everyone there has in common."
)
_NOTHING = N_("I know nothing about you from your company's directory.")
_OFF, _ON = N_("Do not use"), N_("Use")
_NOT_USED = N_("not used")
_MEMORY = N_(
    "What you asked me to remember. I use it for you alone, never in a channel. “Forget” clears it."
)
_NO_MEMORY = N_(
    "You have not asked me to remember anything. Say, for example: remember that I work on …"
)
_LONGEST = 300


def profile_blocks(person: KnownPerson | None, remembered: tuple[str, ...]) -> Iterator[Json]:
    """Make the blocks about this person, and about what their account asked to remember."""
    yield header(gettext("What I use about you"))
    values = _values(person) if person else {}
    yield rich_text([section([span(gettext(_USED if values else _NOTHING))])])
    for name, value in values.items():
        yield _attribute(name, value, is_used=person is None or name not in person.hidden)
    lines = [elements(f"• {words}") for words in remembered]
    yield rich_text(
        [section(one) for one in ([span(gettext(_MEMORY if lines else _NO_MEMORY))], *lines)]
    )


def _values(person: KnownPerson) -> dict[str, str]:
    """Return what there is to show, in the order of the attributes."""
    found = {name: getattr(person.profile, name) for name in ATTRIBUTES}
    found["groups"] = ", ".join(person.profile.groups)
    return {name: value for name, value in found.items() if value}


def _attribute(name: str, value: str, *, is_used: bool) -> Json:
    """Make one attribute with its switch; the button's value is the new state."""
    words = f"{gettext(_NAMES[name])}: {value}"[:_LONGEST]
    return {
        "type": "section",
        "text": plain(words if is_used else f"{words} ({gettext(_NOT_USED)})"),
        "accessory": {
            "type": "button",
            "action_id": "ken_attribute",
            "text": plain(gettext(_OFF if is_used else _ON)),
            "value": f"{name}:{'off' if is_used else 'on'}",
        },
    }
