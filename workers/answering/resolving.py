"""Puts what “here”, “today” or “this quarter” mean for a person beside the words, for the search.

The question is shown and answered as it was asked; only what is searched for is clearer.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from babel.dates import format_date

from workers.models.base import Profile
from workers.models.facets import country_name

_MOST_READ = 2000

_UNITS = {
    "en": {"day": "", "week": "week", "month": "month", "quarter": "quarter", "year": "year"},
    "de": {"day": "", "week": "woche", "month": "monats?", "quarter": "quartals?",
           "year": "jahr(?:es)?"},
    "fr": {"day": "", "week": "semaine", "month": "mois", "quarter": "trimestre",
           "year": "ann[ée]e|an"},
    "es": {"day": "", "week": "semana", "month": "mes", "quarter": "trimestre", "year": "año"},
}  # fmt: skip
_BEFORE = {
    "en": {0: "this", 1: "next", -1: "last"},
    "de": {0: "diese[smnr]?", 1: "(?:nächste|kommende)[smnr]?", -1: "(?:letzte|vorige)[smnr]?"},
    "fr": {0: "ce|cet|cette", 1: "", -1: ""},
    "es": {0: "este|esta", 1: "(?:el |la )?próxim[oa]", -1: "(?:el |la )?últim[oa]"},
}
_AFTER = {"fr": {1: "prochaine?", -1: "derni[èe]re?"}, "es": {1: "que viene", -1: "pasad[oa]"}}
_DAYS = {
    "en": {0: "today", 1: "tomorrow", -1: "yesterday"},
    "de": {0: "heute", -1: "gestern"},
    "fr": {0: "aujourd['’]hui", 1: "demain"},
    "es": {0: "hoy", -1: "ayer"},
}
_HERE = {
    "en": "here|(?:at|in|from) (?:my|our) (?:site|office|location|country)",
    "de": "hier|bei uns|(?:an|in|bei) (?:meinem|unserem) (?:standort|büro|land)",
    "fr": "ici|chez nous|(?:dans|à) notre (?:site|bureau|pays)",
    "es": "aquí|en nuestr[oa] (?:sede|oficina|país)",
}


def resolved(question: str, profile: Profile) -> str:
    """Return the question with what such words mean for this person, in brackets behind them."""
    head, rest = question[:_MOST_READ], question[_MOST_READ:]
    for pattern, meaning in _MEANINGS:
        found = pattern.search(head)
        if found and (words := meaning(profile)):
            head = f"{head[: found.end()]} ({words}){head[found.end() :]}"
    return head + rest


def _place(language: str) -> Callable[[Profile], str]:
    def name(profile: Profile) -> str:
        country = country_name(profile.country, language) if profile.country else ""
        return ", ".join(filter(None, (profile.location, country)))

    return name


def _time(unit: str, ahead: int, language: str) -> Callable[[Profile], str]:
    def name(profile: Profile) -> str:
        return _written(profile.today, unit, ahead, language) if profile.today else ""

    return name


def _written(today: date, unit: str, ahead: int, language: str) -> str:
    match unit:
        case "day":
            return format_date(today + timedelta(days=ahead), "d MMMM y", locale=language)
        case "week":
            monday = today + timedelta(days=7 * ahead - today.weekday())
            return format_date(monday, "MMMM y", locale=language)
        case "month":
            return format_date(_months_later(today, ahead), "MMMM y", locale=language)
        case "quarter":
            then = _months_later(today, 3 * ahead)
            return f"Q{(then.month + 2) // 3} {then.year}"
        case _:
            return str(today.year + ahead)


def _months_later(today: date, months: int) -> date:
    """Return the first day of another month."""
    years, month = divmod(today.month - 1 + months, 12)
    return date(today.year + years, month + 1, 1)


def _meanings() -> Iterator[tuple[re.Pattern[str], Callable[[Profile], str]]]:
    for language, here in _HERE.items():
        yield _pattern(here), _place(language)
    for language, days in _DAYS.items():
        for ahead, word in days.items():
            yield _pattern(word), _time("day", ahead, language)
    for language, units in _UNITS.items():
        for unit, noun in units.items():
            for ahead, phrase in _phrases(language, unit, noun):
                yield _pattern(phrase), _time(unit, ahead, language)


def _phrases(language: str, unit: str, noun: str) -> Iterator[tuple[int, str]]:
    if not noun:
        return
    after = _AFTER.get(language, {})
    for ahead, before in _BEFORE[language].items():
        if unit == "year" and not ahead:
            continue  # most pages are for this year, and those that say so are often not
        if before:
            yield ahead, f"(?:{before}) (?:{noun})"
        if ahead in after:
            yield ahead, f"(?:{noun}) (?:{after[ahead]})"


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


_MEANINGS = tuple(_meanings())
