"""A number with its unit, and whether two of them are the same whatever the format."""

import re
from dataclasses import dataclass

from workers.claims.calendar import Moment

_NEAR = 1e-6


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with what it counts; `values` has two where the format is ambiguous (1.200)."""

    start: int
    end: int
    text: str
    values: tuple[float, ...]
    dimension: str = ""
    """What its unit measures: second, month, percent, money:EUR, …; empty for a bare number."""
    plain: tuple[float, ...] = ()
    """The number as it stands, without its unit's factor."""
    is_ordinal: bool = False
    moment: Moment | None = None
    """Set for a date, a weekday or a time of day; then `values` is empty."""


def same_value(one: Figure, other: Figure) -> bool:
    """Whether two figures are the same amount, their units aside where one has none."""
    if one.moment or other.moment:
        return bool(one.moment and other.moment and one.moment.fits(other.moment))
    return any(_near(a, b) for a in one.values for b in other.values)


def same_unit(one: Figure, other: Figure) -> bool:
    """Whether both measure the same; money without a currency fits any."""
    if one.dimension == other.dimension:
        return True
    if "money:?" in (one.dimension, other.dimension):
        return one.dimension.startswith("money") and other.dimension.startswith("money")
    return {one.dimension, other.dimension} == {"", "times"}


def equal(one: Figure, other: Figure) -> bool:
    """Whether two figures say the same in whatever units: 90 days and 3 months, too."""
    if one.moment or other.moment:
        if _is_version(one, other) or _is_version(other, one):
            return True
        return same_value(one, other) or _is_hour(one, other) or _is_hour(other, one)
    if same_unit(one, other):
        return same_value(one, other) or _converted(one, other)
    if {one.dimension, other.dimension} == {"second", "month"}:
        days, months = (one, other) if one.dimension == "second" else (other, one)
        return any(
            _near(day / 86400, month * 30)
            or _near(day / 86400, month * 365 / 12)
            or _near(day / 86400, month * 31)
            or (month >= 6 and _near(day / 604800, month * 52 / 12))
            for day in days.values
            for month in months.values
        )
    if {one.dimension, other.dimension} == {"workday", "second"}:
        work, real = (one, other) if one.dimension == "workday" else (other, one)
        return any(_near(w / 5, s / 604800) for w in work.values for s in real.values)
    if {one.dimension, other.dimension} == {"percent", ""}:
        share, bare = (one, other) if one.dimension == "percent" else (other, one)
        return any(_near(a / 100, b) for a in share.values for b in bare.values)
    if {one.dimension, other.dimension} == {"celsius", "fahrenheit"}:
        cold, warm = (one, other) if one.dimension == "celsius" else (other, one)
        return any(abs(c * 9 / 5 + 32 - f) < 1 for c in cold.values for f in warm.values)
    return False


def _is_version(one: Figure, other: Figure) -> bool:
    """Whether "8.3." at the end of a sentence is a number, and no date."""
    said = one.text.strip().rstrip(".")
    if one.moment is None or other.moment or said.count(".") != 1 or not other.plain:
        return False
    return said == other.text.strip().rstrip(".")


_HOURS_AND_MINUTES = re.compile(r"\d{1,2} ?h ?\d\d", re.IGNORECASE)


def _is_hour(one: Figure, other: Figure) -> bool:
    """Whether "17h" is the time of day that the other names, or "1 h 50" the time that it takes."""
    if one.moment is None or one.moment.kind != "clock" or other.dimension != "second":
        return False
    if _HOURS_AND_MINUTES.fullmatch(one.text.strip()):
        return (one.moment.number or 0) * 60.0 in other.values
    return other.text.endswith(("h", "heures", "horas")) and other.values == (
        (one.moment.number or 0) * 60.0,
    )


_BINARY = (1.024, 1.024**2, 1.024**3, 1.024**4)


def _converted(one: Figure, other: Figure) -> bool:
    """Whether two amounts are the same but for a usual rounding: 5 miles, 8 km; 2 GB, 2048 MB."""
    for a in one.values:
        for b in other.values:
            small, large = sorted((abs(a), abs(b)))
            if not small or (a < 0) != (b < 0):
                continue
            if one.dimension == "byte" and any(_near(large / small, by) for by in _BINARY):
                return True
            if one.dimension == "percent" and abs(a - b) <= 0.7 and min(a % 1, b % 1) == 0:
                return True
            imperial = {one.text[-5:].casefold().strip(), other.text[-5:].casefold().strip()}
            if one.dimension in ("metre", "gram") and any(
                word.endswith(("mile", "miles", "foot", "feet", "ft", "inch", "lb", "lbs"))
                for word in imperial
            ):
                return large / small < 1.02
    return False


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= _NEAR * max(1.0, abs(one), abs(other))
