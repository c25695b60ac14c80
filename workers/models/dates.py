"""Dates in text, and the days that words such as "next week" mean."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier enero", "february feb februar février febrero",
            "march mar märz mär mars marzo", "april apr avril abril", "may mai mayo",
            "june jun juni juin junio", "july jul juli juillet julio",
            "august aug août agosto", "september sept sep septembre septiembre",
            "october oct oktober okt octobre octubre", "november nov novembre noviembre",
            "december dec dezember dez décembre diciembre",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_NAME = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE = re.compile(
    r"(?<!\d)(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?!\d)"
    r"|(?<!\d)(?P<d2>\d{1,2})\.(?P<m2>\d{1,2})\.(?P<y2>\d{4})(?!\d)"
    rf"|(?<!\d)(?P<d3>\d{{1,2}})(?:st|nd|rd|th|\.)? (?:of |de )?(?P<m3>{_NAME})\.?(?!\w)"
    r"(?:,? (?:de )?(?P<y3>\d{4})(?!\d))?"
    rf"|(?<!\w)(?P<m4>{_NAME})\.? (?P<d4>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,? (?P<y4>\d{{4}})"
    r"(?!\d))?",
    re.IGNORECASE,
)
_MONTH_ALONE = re.compile(
    rf"(?<!\w)(?P<m>{_NAME})\.?(?!\w)(?: (?P<y>\d{{4}})(?!\d))?", re.IGNORECASE
)
_RELATIVE = (
    (("today", "now", "right now", "currently", "at the moment", "tonight", "heute", "jetzt",
      "gerade", "aujourd'hui", "maintenant", "hoy", "ahora"), "day", 0),
    (("tomorrow", "morgen", "demain", "mañana"), "day", 1),
    (("this week", "diese woche", "dieser woche", "cette semaine", "esta semana"), "week", 0),
    (("next week", "nächste woche", "nächster woche", "la semaine prochaine",
      "la próxima semana"), "week", 1),
    (("this month", "diesen monat", "diesem monat", "ce mois", "este mes"), "month", 0),
    (("next month", "nächsten monat", "nächster monat", "le mois prochain",
      "el próximo mes"), "month", 1),
    (("this year", "dieses jahr", "diesem jahr", "cette année", "este año"), "year", 0),
    (("next year", "nächstes jahr", "nächsten jahr", "l'année prochaine", "el próximo año",
      "el año que viene"), "year", 1),
    (("christmas", "xmas", "weihnachten", "noël", "navidad"), "christmas", 0),
)  # fmt: skip


class Named(NamedTuple):
    """A date in a text: where it stands, and whether its year does."""

    start: int
    end: int
    day: date
    has_year: bool


def dates_in(text: str, *, today: date) -> Iterator[date]:
    """Yield the dates that a text names; one without a year is the next from today."""
    return (one.day for one in named_dates(text, today=today))


def named_dates(text: str, *, today: date) -> Iterator[Named]:
    """Yield the dates that a text names, each with its place."""
    for match in _DATE.finditer(text):
        found = {key[:1]: value for key, value in match.groupdict().items() if value}
        month = found["m"] if found["m"].isdigit() else _MONTHS[found["m"].lower().rstrip(".")]
        year = int(found["y"]) if "y" in found else today.year
        try:
            one = date(year, int(month), int(found["d"]))
        except ValueError:
            continue
        if "y" not in found and one < today:
            one = one.replace(year=year + 1) if (one.month, one.day) != (2, 29) else one
        yield Named(match.start(), match.end(), one, "y" in found)


def named_months(text: str) -> Iterator[Named]:
    """Yield the months that a text names with their year, each as its first day."""
    for match in _MONTH_ALONE.finditer(text):
        if match["y"] and int(match["y"]) > 0:
            first = date(int(match["y"]), _MONTHS[match["m"].lower()], 1)
            yield Named(match.start(), match.end(), first, has_year=True)


def days_meant(question: str, *, today: date) -> tuple[date, date] | None:
    """Return the first and the last day that a question is about; None if it names no time."""
    said = " ".join(question.casefold().split())
    for words, unit, ahead in _RELATIVE:
        if any(_stands_in(word, said) for word in words):
            return _span(unit, ahead, today)
    named = list(dates_in(question, today=today))
    if named:
        return min(named), max(named)
    if month := _MONTH_ALONE.search(question):
        if month["m"].lower() in ("may", "mar", "mai") and not month["y"]:
            return None  # more often a verb, or no word at all
        number = _MONTHS[month["m"].lower()]
        year = int(month["y"]) if month["y"] else today.year
        return date(year, number, 1), _month_end(date(year, number, 1))
    return None


def named_days(text: str) -> str:
    """Return the words of a text that name dates and months."""
    found = [*_DATE.finditer(text), *_MONTH_ALONE.finditer(text)]
    return " ".join(match.group() for match in found)


def _stands_in(words: str, said: str) -> bool:
    at = said.find(words)
    while at >= 0:
        before, after = said[at - 1 : at] if at else "", said[at + len(words) :][:1]
        if not before.isalnum() and not after.isalnum():
            return True
        at = said.find(words, at + 1)
    return False


def _span(unit: str, ahead: int, today: date) -> tuple[date, date]:
    if unit == "day":
        day = today + timedelta(days=ahead)
        return day, day
    if unit == "week":
        monday = today - timedelta(days=today.weekday()) + timedelta(weeks=ahead)
        return monday, monday + timedelta(days=6)
    if unit == "month":
        first = today.replace(day=1)
        first = _month_end(first) + timedelta(days=1) if ahead else first
        return first, _month_end(first)
    if unit == "year":
        year = today.year + ahead
        return date(year, 1, 1), date(year, 12, 31)
    eve = date(today.year, 12, 24)
    eve = eve if eve + timedelta(days=2) >= today else eve.replace(year=today.year + 1)
    return eve, eve + timedelta(days=2)


def _month_end(first: date) -> date:
    following = first.replace(day=28) + timedelta(days=4)
    return following - timedelta(days=following.day)
