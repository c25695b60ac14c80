"""Units and scales: what a number measures, and how large that is."""

import re
from functools import cache
from pathlib import Path

from workers.claims.figure import Figure

_SCALE = {
    "k": 1e3, "thousand": 1e3, "tsd": 1e3, "tausend": 1e3, "mil": 1e3, "mille": 1e3,
    "hundred": 1e2, "hundert": 1e2, "dozen": 12, "dutzend": 12, "docena": 12, "douzaine": 12,
    "m": 1e6, "mn": 1e6, "mio": 1e6, "million": 1e6, "millions": 1e6, "millionen": 1e6,
    "millones": 1e6, "millón": 1e6,
    "bn": 1e9, "mrd": 1e9, "billion": 1e9, "milliarde": 1e9, "milliarden": 1e9, "milliard": 1e9,
    "milliards": 1e9,
}  # fmt: skip
_LETTER_SCALES = frozenset({"k", "m", "mn", "bn"})
_UNIT_AFTER = re.compile(
    r"(?P<gap>(?:[,.][-\u2013\u2014])?[ \u00a0\u202f-]?)(?P<unit>°\s?[CF]\b"
    r"|(?:degrees|grad) celsius\b|degrees fahrenheit\b|swiss francs\b"
    r"|(?:kilomet(?:er|re)s|km) per hour\b|miles per hour\b|km/h|[kmg]bit/s|m[²³]|m[23]\b"
    r"|(?:cubic|square) met(?:er|re)s?\b|m(?:ètre|etro)s? (?:cube|carré|cúbico|cuadrado)s?\b"
    r"|%|‰|€|\$|£|¥|°"
    r"|(?:per cent|por ciento|pour cent)\b|(?:working|business|calendar) (?:days?|hours?)\b"
    r"|jours? (?:ouvrés?|ouvrables?)\b|días? (?:hábil(?:es)?|laborables?)\b"
    r"|[^\W\d_]+)",
    re.IGNORECASE,
)
_PERCENTS = frozenset({"per cent", "por ciento", "pour cent"})
_NAMED_UNITS = {
    "degrees celsius": "°c", "grad celsius": "°c", "degrees fahrenheit": "°f",
    "swiss francs": "chf", "kilometres per hour": "km/h", "kilometers per hour": "km/h",
    "km per hour": "km/h", "miles per hour": "mph", "cubic": "m³", "square": "m²",
    "cube": "m³", "cúbico": "m³", "carré": "m²", "cuadrado": "m²",
}  # fmt: skip
_COUNTED = ("tage", "tagen", "tag", "stunden", "wochen", "monate", "monaten", "minuten", "jahre")
_SHORTEST_COMPOUND = 7
Unit = tuple[str, float]
"""What is measured, and how many of its smallest unit one is."""


@cache
def _units() -> dict[str, Unit]:
    """Read `units.txt`: a line has the dimension, the factor, and the names of a unit."""
    units: dict[str, Unit] = {}
    text = Path(__file__).with_name("units.txt").read_text(encoding="utf-8")
    for line in text.strip().split("\n"):
        dimension, factor, *names = line.split()
        units.update({name: (dimension, float(factor)) for name in names})
    return units


def unit_of(word: str) -> Unit | None:
    """Return what a unit measures and how large it is; None for a word that is no unit."""
    return _units().get(word.casefold())


def with_unit(
    text: str,
    start: int,
    end: int,
    values: tuple[float, ...],
    unit: Unit | None,
) -> Figure:
    """Return the figure of a number with its scale and unit, before or behind it."""
    scaled = _UNIT_AFTER.match(text, end)
    if scaled and (factor := _scale(scaled, is_money=unit is not None)):
        values, end = tuple(value * factor for value in values), scaled.end()
        end += text[end : end + 1] == "."
        scaled = _UNIT_AFTER.match(text, end)
    if unit is None and scaled:
        name = " ".join(scaled["unit"].casefold().split())
        unit = _unit_named(name, joined=not scaled["gap"])
        if unit:
            end = scaled.end()
        else:
            return _counted(text, start, end, values, name)
    dimension, factor = unit or ("", 1.0)
    scaled_values = tuple(value * factor for value in values)
    return Figure(start, end, text[start:end], scaled_values, dimension, values)


def measures(word: str) -> bool:
    """Whether a word is a unit, or a German compound that ends with one."""
    return bool(unit_of(word)) or bool(_compound_unit(word))


def _compound_unit(name: str) -> Unit | None:
    """The unit in a compound such as Urlaubstage, which says what is counted, too."""
    if len(name) < _SHORTEST_COMPOUND:
        return None
    return next((unit_of(end) for end in _COUNTED if name.endswith(end)), None)


def _counted(text: str, start: int, end: int, values: tuple[float, ...], name: str) -> Figure:
    dimension, factor = _compound_unit(name) or ("", 1.0)
    scaled = tuple(value * factor for value in values)
    return Figure(start, end, text[start:end], scaled, dimension, values)


def _unit_named(name: str, *, joined: bool) -> Unit | None:
    if name in _PERCENTS:
        return "percent", 1.0
    if name in _NAMED_UNITS:
        return unit_of(_NAMED_UNITS[name])
    for part in name.split() if " " in name else ():
        if part.rstrip("s") in _NAMED_UNITS:
            return unit_of(_NAMED_UNITS[part.rstrip("s")])
    if name.startswith(("working ", "business ")):
        return ("workday", 1.0) if name.split()[1].startswith("day") else ("second", 3600.0)
    if name.startswith(("jour", "día")) and " " in name:
        return "workday", 1.0
    if name.startswith("calendar "):
        return unit_of(name.split()[1])
    if name.startswith("°"):
        return unit_of(name.replace(" ", ""))
    if name in ("to", "go", "mo", "ko", "an", "mal", "pound", "d", "t") and not joined:
        return unit_of(name) if name in ("an", "mal", "t", "d") else None
    return unit_of(name)


def _scale(match: "re.Match[str]", *, is_money: bool) -> float | None:
    word = match["unit"]
    if word.casefold() in _LETTER_SCALES:
        wanted = ("k", "K", "M", "bn", "mn", "m") if is_money else ("k", "K", "M", "bn", "mn")
        if match["gap"] or word not in wanted:
            return None
    return _SCALE.get(word.casefold())
