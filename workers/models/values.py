"""The values that a sentence gives: amounts with their units, dates, times, people, yes or no.

Two values can be compared if their measure is the same: "30 days" and "four weeks" are not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from workers.models.asks import Sought
from workers.models.dates import named_dates

_LONGEST = 1_000
_NUMBERS = {
    word: number
    for number, words in {
        1: "one ein eine einen einem einer un une uno una", 2: "two zwei deux dos",
        3: "three drei trois tres", 4: "four vier quatre cuatro", 5: "five fünf cinq cinco",
        6: "six sechs seis", 7: "seven sieben sept siete", 8: "eight acht huit ocho",
        9: "nine neun neuf nueve", 10: "ten zehn dix diez", 11: "eleven elf onze once",
        12: "twelve zwölf douze doce", 14: "fourteen vierzehn quatorze catorce",
        15: "fifteen fünfzehn quinze quince", 20: "twenty zwanzig vingt veinte",
        25: "twenty-five fünfundzwanzig", 30: "thirty dreißig trente treinta",
        40: "forty vierzig quarante cuarenta", 50: "fifty fünfzig cinquante cincuenta",
        60: "sixty sechzig soixante sesenta", 90: "ninety neunzig",
        100: "hundred hundert cent cien",
    }.items()
    for word in words.split()
}  # fmt: skip
_UNITS = {
    word: name
    for name, words in {
        "second": "second seconds sec secs sekunde sekunden seconde secondes segundo segundos",
        "minute": "minute minutes min mins minuten minuto minutos",
        "hour": "hour hours h hr hrs stunde stunden std heure heures hora horas",
        "day": "day days tag tage tagen jour jours día días dia dias",
        "week": "week weeks woche wochen semaine semaines semana semanas",
        "month": "month months monat monate monaten mois mes meses",
        "year": "year years jahr jahre jahren an ans année années año años",
        "working day": "arbeitstag arbeitstage arbeitstagen werktag werktage werktagen",
        "calendar day": "kalendertag kalendertage kalendertagen",
        "EUR": "eur euro euros €", "USD": "usd dollar dollars $", "CAD": "cad", "GBP": "gbp £",
        "CHF": "chf franken", "percent": "% percent prozent pourcent", "km": "km kilometers",
        "m": "m meter meters metres metern", "kg": "kg kilo kilos", "g": "g gram grams gramm",
        "°C": "°c grad degrees", "GB": "gb", "MB": "mb", "TB": "tb", "l": "l litre litres liter",
        "person": "person persons people personen personnes personas",
        "time": "times mal fois veces",
    }.items()
    for word in words.split()
}  # fmt: skip
_TIMES = frozenset("second minute hour day week month year".split())
_SORTS = frozenset("working business calendar werk arbeits kalender ouvrables laborables".split())
"""Words that make a day another kind of day."""
_WORDS_OF_NUMBERS = "|".join(sorted(_NUMBERS, key=len, reverse=True))
_QUANTITY = re.compile(
    r"(?<![\w.,€$£])(?:(?P<before>EUR|USD|CAD|GBP|CHF|[€$£]) ?)?"
    rf"(?:(?P<number>\d{{1,9}}(?:[.,'’]\d{{1,9}}){{0,4}})|(?P<word>(?:{_WORDS_OF_NUMBERS})(?!\w)))"
    r"(?: ?(?P<sign>%|[€$£]|°C)|[ -]?(?P<first>[^\W\d_]{1,20})(?:[ -](?P<second>[^\W\d_]{1,20}))?)?"
    r"(?![\d])",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,'’]\d{3})+")
_CLOCK = re.compile(
    r"(?<![\d:.])(?P<hour>\d{1,2})(?::(?P<minute>\d\d))? ?"
    r"(?P<half>a\.?m\.?|p\.?m\.?|uhr|h)?(?![\d:\w])",
    re.IGNORECASE,
)
_DAY_OF_MONTH = re.compile(
    r"(?<![\w.])(\d{1,2})(?:st|nd|rd|th)(?!\w)"
    r"|(?:am|zum|bis) (\d{1,2})\.(?= (?:des|jede|eines)|\Z)",
    re.IGNORECASE,
)
_WEEKDAYS = {
    word: number
    for number, words in enumerate(
        (
            "monday mondays montag montags lundi lunes", "tuesday tuesdays dienstag dienstags"
            " mardi martes", "wednesday wednesdays mittwoch mittwochs mercredi miércoles",
            "thursday thursdays donnerstag donnerstags jeudi jueves",
            "friday fridays freitag freitags vendredi viernes",
            "saturday saturdays samstag samstags samedi sábado",
            "sunday sundays sonntag sonntags dimanche domingo",
        )
    )
    for word in words.split()
}  # fmt: skip
_WEEKDAY = re.compile(rf"(?<!\w)(?:{'|'.join(_WEEKDAYS)})(?!\w)", re.IGNORECASE)
_NAME = r"[A-ZÄÖÜÁÉÍÓÚÑÇ][\w'’-]{0,30}[a-zà-ÿß]"
_PERSON = re.compile(rf"(?<!\w){_NAME}(?: {_NAME}){{1,3}}(?!\w)")
_NO_NAME = frozenset(
    "all every each the our your any some no ask call tell contact email see write die der das alle"
    " jede jeder unsere frag frage le la les el los todos".split()
)
_NO = re.compile(
    r"(?<!\w)(?:not|no|never|cannot|can't|mustn't|don't|doesn't|isn't|aren't|won't|forbidden"
    r"|prohibited|nicht|nie|niemals|kein|keine|keinen|keiner|verboten|untersagt|ne|n'|pas|jamais"
    r"|interdite?|nunca|prohibid[oa])(?!\w)",
    re.IGNORECASE,
)
_UNDER_A_CONDITION = re.compile(
    r"(?<!\w)(?:if|only|unless|except|without|when|until|before|after|but|nur|wenn|falls|außer"
    r"|ohne|bis|vor|nach|aber|sondern|si|sauf|seulement|sans|avant|après|mais|solo|salvo|sin"
    r"|excepto|cuando|antes|después|pero)(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a sentence."""

    measure: str
    """What can be compared with it: a unit, "date", "clock", "person", "whether"."""
    value: float | str | date
    text: str
    """As it is written."""
    start: int
    end: int


def values_in(sentence: str, kind: Sought) -> list[Value]:
    """Return the values of a kind that a sentence gives; only the one that its measure has.

    Where it gives two of one measure, nobody knows which of them is meant: both are left out.
    """
    found = list(_READERS[kind](sentence[:_LONGEST]))
    measures = [one.measure for one in found]
    return [one for one in found if measures.count(one.measure) == 1]


def without(sentence: str, values: list[Value]) -> str:
    """Return a sentence with a gap where these values are."""
    for one in sorted(values, key=lambda value: -value.start):
        if one.measure != "whether":
            sentence = f"{sentence[: one.start]} … {sentence[one.end :]}"
    return sentence


def _amounts(sentence: str) -> Iterator[Value]:
    for match in _QUANTITY.finditer(sentence):
        number = _NUMBERS[match["word"].lower()] if match["word"] else _number(match["number"])
        unit, end = _unit(match)
        if unit and number is not None:
            text = sentence[match.start() : end].strip()
            yield Value(unit, number, text, match.start(), end)


def _durations(sentence: str) -> Iterator[Value]:
    for one in _amounts(sentence):
        if one.measure.rpartition(" ")[2] in _TIMES:
            yield one


def _unit(match: "re.Match[str]") -> tuple[str, int]:
    """Return the unit of a number, and where it ends; "" if it has none that is known."""
    if match["before"]:
        return _UNITS[match["before"].lower()], match.end("number" if match["number"] else "word")
    if match["sign"]:
        return _UNITS[match["sign"].lower()], match.end("sign")
    first, second = (match["first"] or "").lower(), (match["second"] or "").lower()
    if first in _UNITS:
        sort = f"{second} " if second in _SORTS else ""
        return f"{sort}{_UNITS[first]}", match.end("second" if sort else "first")
    if second in _UNITS:
        sort = f"{first} " if first in _SORTS else ""
        return f"{sort}{_UNITS[second]}", match.end("second")
    return "", match.end()


def _number(written: str) -> float | None:
    if _THOUSANDS.fullmatch(written):
        return float(re.sub(r"\D", "", written))
    try:
        return float(written.replace(",", "."))
    except ValueError:
        return None


def _dates(sentence: str) -> Iterator[Value]:
    for one in named_dates(sentence, today=date(2000, 1, 1)):
        text = sentence[one.start : one.end]
        shown = one.day if one.has_year else one.day.replace(year=2000)
        yield Value("date" if one.has_year else "day", shown, text, one.start, one.end)
    named = [(one.start, one.end) for one in named_dates(sentence, today=date(2000, 1, 1))]
    for match in _DAY_OF_MONTH.finditer(sentence):
        if not any(start <= match.start() < end for start, end in named):
            day = float(match[1] or match[2])
            yield Value("day of the month", day, match[0], match.start(), match.end())
    for match in _WEEKDAY.finditer(sentence):
        number = _WEEKDAYS[match[0].lower()]
        yield Value("weekday", number, match[0], match.start(), match.end())
    for match in _CLOCK.finditer(sentence):
        if match["minute"] or match["half"]:
            later = 12 if (match["half"] or "").lower().startswith("p") else 0
            minutes = (int(match["hour"]) % 12 + later) if later else int(match["hour"])
            at = minutes * 60 + int(match["minute"] or 0)
            yield Value("clock", at, match[0].strip(), match.start(), match.end())


def _people(sentence: str) -> Iterator[Value]:
    for match in _PERSON.finditer(sentence):
        first, _, rest = match[0].partition(" ")
        name = rest if first.casefold() in _NO_NAME else match[0]
        if " " in name:
            yield Value("person", name.casefold(), name, match.end() - len(name), match.end())


def _whether(sentence: str) -> Iterator[Value]:
    if not _UNDER_A_CONDITION.search(sentence):
        is_denied = bool(_NO.search(sentence))
        yield Value("whether", "no" if is_denied else "yes", "", 0, 0)


_READERS = {
    Sought.AMOUNT: _amounts,
    Sought.DURATION: _durations,
    Sought.DATE: _dates,
    Sought.PERSON: _people,
    Sought.YES_NO: _whether,
}
