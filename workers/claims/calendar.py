"""Dates, weekdays and times of day in text, whatever the format: 31 March = 31.03. = 03/31."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from workers.claims.number_words import number_of
from workers.models.dates import _MONTHS as MONTHS

_NAME = "|".join(sorted(MONTHS, key=len, reverse=True))
_WEEKDAYS = """
monday mondays mon montag montags montagen lundi lundis lunes
tuesday tuesdays tue tues dienstag dienstags dienstagen mardi mardis martes
wednesday wednesdays wed mittwoch mittwochs mittwochen mercredi mercredis miércoles
thursday thursdays thu thur thurs donnerstag donnerstags donnerstagen jeudi jeudis jueves
friday fridays fri freitag freitags freitagen vendredi vendredis viernes
saturday saturdays sat samstag samstags sonnabend samedi samedis sábado sábados
sunday sundays sun sonntag sonntags sonntagen dimanche dimanches domingo domingos
"""
_SHORT_DAYS = frozenset({"mon", "tue", "wed", "thu", "fri", "sat", "sun"})
_DATE = re.compile(
    r"(?<![\d.])(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?!\d)"
    r"|(?<![\d./-])(?P<y8>(?:19|20)\d\d)-(?P<m8>0[1-9]|1[0-2])(?![\d-])"
    r"|(?<![\d.])(?P<d2>\d{1,2})\.(?P<m2>\d{1,2})\.(?:(?P<y2>\d{4}|\d\d)(?!\d))?(?!\d)"
    r"|(?<![\d/])(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<y5>\d{4})(?![\d/])"
    r"|(?<![\d/])(?P<a2>0?[1-9]|[12]\d|3[01])/(?P<b2>0[1-9]|1[0-2])(?![\d/])"
    rf"|(?<![\d.])(?P<d3>\d{{1,2}})(?:st|nd|rd|th|er|\.)? (?:day )?(?:of |de )?(?P<m3>{_NAME})\.?"
    r"(?!\w)(?:,? (?:de |of )?(?P<y3>\d{4})(?!\d))?"
    rf"|(?<!\w)(?P<m4>{_NAME})\.? (?P<d4>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])(?:,? (?P<y4>\d{{4}})"
    r"(?!\d))?"
    rf"|(?<!\w)(?P<m6>{_NAME})\.?(?!\w)(?: (?:de |of )?(?P<y6>\d{{4}})(?!\d))?"
    r"|(?<![\w.,/-])(?P<y7>(?:19|20)\d\d)(?![\w/-]|[.,]\d| ?(?:[%€$£]|EUR|USD))",
    re.IGNORECASE,
)
_VERBLIKE = frozenset({"may", "march", "mar", "mai", "sept", "sep", "dec", "mars", "set", "jun"})
"""Names of months that are words, too: only with a capital letter (English, German) they count."""
_AHEAD_OF_MARS = re.compile(r"(?<!\w)(?:en|de|fin|début|depuis|et|à) \Z", re.IGNORECASE)
_TIME = re.compile(
    r"(?<![\d.:,])(?P<h>[01]?\d|2[0-4])(?:[:.](?P<min>[0-5]\d)(?!\d)| ?h ?(?P<min2>[0-5]\d)(?!\d))"
    r" ?(?P<half>[ap]\.?m\.?(?!\w))?(?: ?(?:uhr|h)(?!\w))?"
    r"|(?<![\d.:,])(?P<h2>[01]?\d) ?(?P<half2>[ap]\.?m\.?(?!\w))"
    r"|(?<![\d.:,])(?P<h3>[01]?\d|2[0-4]) ?(?:uhr|o'clock|heures? du (?P<du>matin|soir))(?!\w)"
    r"|(?<!\w)(?P<word>noon|midnight|mittags?|mitternacht|midi|minuit|mediodía|medianoche)(?!\w)"
    r"|(?<!\w)(?P<past>half past|quarter past|quarter to|viertel nach|viertel vor|halb)"
    r" (?P<hour>[^\W\d_]{3,8}|\d{1,2})(?!\w)"
    r"|(?<!\w)(?P<clock>[^\W\d_]{3,8}) (?:o'clock|uhr)"
    r"(?: in the (?P<part>morning|afternoon|evening))?(?!\w)"
    r"|(?<!\w)(?P<named>[^\W\d_]{3,8}|\d{1,2})"
    r" (?:de la (?P<de>mañana|tarde|noche)|in the (?P<the>morning|afternoon|evening))(?!\w)",
    re.IGNORECASE,
)
_DOTTED_NEEDS = re.compile(r"\s?(?:uhr|h|[ap]\.?m\.?)(?!\w)", re.IGNORECASE)
_DAY = re.compile(r"(?<!\w)[^\W\d_]{3,12}(?!\w)")
_NOON = frozenset({"noon", "mittag", "mittags", "midi", "mediodía"})


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, a weekday or a time of day; None where the text does not say."""

    start: int
    end: int
    kind: str
    """date, weekday or clock."""
    year: int | None = None
    month: int | None = None
    day: int | None = None
    number: int | None = None
    """The weekday from 0, or the minute of the day."""
    is_either: bool = False
    """Day and month may be the other way round: 04/05/2024; half past four may be 16:30."""

    def fits(self, other: "Moment") -> bool:
        """Whether this one says nothing that the other, in the source, does not."""
        if self.kind != other.kind:
            return False
        either = self.is_either or other.is_either
        if self.kind == "clock" and either and self.number is not None:
            return other.number in (self.number, (self.number + 720) % 1440)
        if self.kind != "date":
            return self.number == other.number
        if self._same(other, self.month, self.day):
            return True
        return (self.is_either or other.is_either) and self._same(other, self.day, self.month)

    def _same(self, other: "Moment", month: int | None, day: int | None) -> bool:
        pairs = ((self.year, other.year), (month, other.month), (day, other.day))
        return all(mine is None or mine == theirs for mine, theirs in pairs)


def moments(text: str) -> Iterator[Moment]:
    """Yield the dates, weekdays and times of a text."""
    taken: list[tuple[int, int]] = []
    for moment in (*_dates(text), *_times(text), *_days(text)):
        if not any(moment.start < end and start < moment.end for start, end in taken):
            taken.append((moment.start, moment.end))
            yield moment


def _dates(text: str) -> Iterator[Moment]:
    for match in _DATE.finditer(text):
        found = {key: value for key, value in match.groupdict().items() if value}
        if "a" in found or "a2" in found:
            day, month = int(found.get("a") or found["a2"]), int(found.get("b") or found["b2"])
            either = month <= 12 and day <= 12
            if month > 12:
                day, month = month, day
            year = int(found["y5"]) if "y5" in found else None
            yield _date(match, year, month, day, either=either)
            continue
        name = found.get("m6", "")
        if name and not _is_month(match, name):
            continue
        short = {key[0]: value for key, value in found.items()}
        month_said = short.get("m", "")
        month_number = (
            int(month_said)
            if month_said.isdigit()
            else MONTHS.get(month_said.casefold().rstrip("."))
        )
        if month_number is not None and not 1 <= month_number <= 12:
            continue
        year = int(short["y"]) if "y" in short else None
        year = year + 2000 if year is not None and year < 100 else year
        day = int(short["d"]) if "d" in short else None  # type: ignore[assignment]
        if day is not None and not 1 <= day <= 31:
            continue
        yield _date(match, year, month_number, day)


def _date(
    match: "re.Match[str]",
    year: int | None,
    month: int | None,
    day: int | None,
    *,
    either: bool = False,
) -> Moment:
    return Moment(
        match.start(), match.end(), "date", year=year, month=month, day=day, is_either=either
    )


def _is_month(match: "re.Match[str]", name: str) -> bool:
    """Whether a name that stands without a day is a month: "in March", not "we march", "may"."""
    if match["y6"]:
        return True
    if len(name) <= 3 and not match[0].endswith("."):
        return name.casefold() == "may" and name[0].isupper() and match.start() > 0
    if name == "mars" and _AHEAD_OF_MARS.search(match.string, 0, match.start()):
        return True
    if name.casefold() in _VERBLIKE:
        return name[0].isupper() and match.start() > 0
    return True


def _times(text: str) -> Iterator[Moment]:
    for match in _TIME.finditer(text):
        minutes = _minutes(match)
        if minutes is not None:
            vague = bool(match["past"] or (match["clock"] and not match["part"]))
            at = match.start(), match.end()
            yield Moment(*at, "clock", number=minutes, is_either=vague)


def _minutes(match: "re.Match[str]") -> int | None:
    if word := match["word"]:
        return 720 if word.casefold() in _NOON else 0
    if match["named"]:
        return _spoken(match["named"], match["de"] or match["the"])
    if match["clock"]:
        return _spoken(match["clock"], match["part"] or "morning")
    if match["past"]:
        whole = _spoken(match["hour"], "morning")
        return None if whole is None else whole + _PAST[match["past"].casefold()]
    hour = int(match["h"] or match["h2"] or match["h3"])
    minute = int(match["min"] or match["min2"] or 0)
    dotted = match["min"] and "." in match[0].split(match["min"])[0]
    if dotted and not (match["half"] or _DOTTED_NEEDS.search(match[0])):
        return None
    half = (match["half"] or match["half2"] or "").casefold()
    if half.startswith("p") or (match["du"] or "").casefold() == "soir":
        hour = hour % 12 + 12
    elif half.startswith("a"):
        hour %= 12
    return (hour * 60 + minute) % 1440


_PAST = {"half past": 30, "quarter past": 15, "quarter to": -15, "viertel nach": 15,
         "viertel vor": -15, "halb": -30}  # fmt: skip


def _spoken(named: str, part_of_day: str) -> int | None:
    said = named.casefold()
    hour = int(said) if said.isdigit() else number_of(said)
    if hour is None or hour > 12:
        return None
    part = part_of_day.casefold()
    return (hour % 12 + (0 if part in ("mañana", "morning") else 12)) * 60


def _days(text: str) -> Iterator[Moment]:
    for match in _DAY.finditer(text):
        number = _weekdays().get(match[0].casefold())
        if number is None:
            continue
        if match[0].casefold() in _SHORT_DAYS and not match[0][0].isupper():
            continue
        yield Moment(match.start(), match.end(), "weekday", number=number)


@cache
def _weekdays() -> dict[str, int]:
    lines = _WEEKDAYS.strip().split("\n")
    return {name: number for number, line in enumerate(lines) for name in line.split()}
