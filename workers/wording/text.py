"""Says Ken's own words in one language: that of the reply that is being written.

The code holds the English text, marked with `N_`; the catalogues beside this file hold the others.
A text without a translation stays English. What a person or a document wrote passes through here
only as a value, which is put in last and not read again.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, timedelta
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO

from babel.dates import format_date, format_timedelta
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

ENGLISH = "en"
TRANSLATED = ("de", "fr", "es")
"""Each has a catalogue beside this file."""
_SPOKEN: ContextVar[str] = ContextVar("spoken", default=ENGLISH)
_PLACE = re.compile(r"\{([a-z_]{1,20})\}")
_A_YEAR = 365


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Say everything inside this block in this language; English if it is not one of ours."""
    token = _SPOKEN.set(language if language in TRANSLATED else ENGLISH)
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def spoken() -> str:
    """Return the code of the language that is spoken here."""
    return _SPOKEN.get()


def gettext(text: str, **values: object) -> str:
    """Return this text in the language spoken here, with the values in its `{places}`."""
    return _filled(_catalogue(spoken()).gettext(text) if text else "", values)


def ngettext(one: str, several: str, number: int, **values: object) -> str:
    """Return the form for this number, which is also the value of `{number}`."""
    text = _catalogue(spoken()).ngettext(one, several, number)
    return _filled(text, {"number": number, **values})


def around(text: str, place: str) -> tuple[str, str]:
    """Return what stands before and after `{place}` in this text, for a value that is no text."""
    before, _, after = gettext(text).partition(f"{{{place}}}")
    return before, after


def age(updated: date, today: date) -> str:
    """Say how old a page is, in days at the finest: “updated 3 weeks ago”, “as of Mar 12, 2024”."""
    days = (today - updated).days
    if days == 0:
        return gettext("updated today")
    if not 0 < days < _A_YEAR:
        return gettext("as of {day}", day=day(updated))
    ago = format_timedelta(
        timedelta(days=-days), granularity="day", threshold=1, add_direction=True, locale=spoken()
    )
    return gettext("updated {ago}", ago=ago)


def day(at: date) -> str:
    return format_date(at, "medium", locale=spoken())


def formatted(number: int) -> str:
    return format_decimal(number, locale=spoken())


def listed(names: Sequence[str]) -> str:
    """Join names as the language does: “Germany and the United States”."""
    return format_list(names, locale=spoken()) if names else ""


def _filled(text: str, values: dict[str, object]) -> str:
    """Put the values in. They are not read again, so braces in a value stay as they are."""
    if not values:
        return text
    return _PLACE.sub(lambda found: str(values.get(found[1], found[0])), text)


@cache
def _catalogue(language: str) -> NullTranslations:
    """Load a catalogue once. Without one, every text stays English."""
    source = files(__package__) / f"{language}.po"
    if not source.is_file():
        return NullTranslations()
    compiled = BytesIO()
    with source.open("rb") as stream:
        write_mo(compiled, read_po(stream, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)
