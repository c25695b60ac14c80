"""Each number, date, unit and rate of a sentence must stand in its source."""

from collections.abc import Sequence
from dataclasses import replace

from workers.claims.case import Case
from workers.claims.figure import Figure, equal
from workers.claims.reading import Reading, Word, lists_of
from workers.claims.units import unit_of
from workers.claims.verdict import Reason, Verdict

RATE_WORDS = frozenset(
    "per pro je par por am der a an each every jede jeden jedes im al cada chaque jeder the in"
    " one".split()
)
_ONLY_AFTER_FIGURE = frozenset({"a", "an", "im", "am", "al", "in", "the", "one", "par", "por"})
_AND = frozenset({"and", "und", "y", "et"})
_ADVERBS = {
    "hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "yearly": "year",
    "annually": "year", "annual": "year", "stündlich": "hour", "täglich": "day",
    "wöchentlich": "week", "monatlich": "month", "jährlich": "year", "mensual": "month",
    "anual": "year", "diario": "day", "semanal": "week", "mensuel": "month", "annuel": "year",
    "quarterly": "quarter", "nightly": "night", "tous": "",
}  # fmt: skip


def check_amounts(case: Case) -> Verdict | None:
    """Return what is wrong with the figures; None if all of them stand in the source."""
    for figure in case.claim.figures:
        if verdict := _check_value(case, figure):
            return verdict
    return _check_rates(case)


def _check_value(case: Case, figure: Figure) -> Verdict | None:
    if any(equal(figure, other) for other in (*case.figures, *case.figures_around)):
        return None
    if figure.moment:
        return Verdict(Reason.DATE, figure.text)
    if any(fits(case, figure) for fits in _CONVERSIONS):
        return None
    alike = [other for other in (*case.figures, *case.figures_around) if _same_plain(figure, other)]
    for other in alike:
        if not figure.dimension or (not other.dimension and _unit_is_said(case, figure)):
            return None
    return Verdict(Reason.UNIT if alike else Reason.NUMBER, figure.text)


def _same_plain(one: Figure, other: Figure) -> bool:
    if other.moment is not None:
        said = (other.moment.day, other.moment.year)
        return not one.dimension and any(value in said for value in one.plain)
    return any(abs(a - b) < 1e-9 for a in one.plain for b in other.plain)


def _unit_is_said(case: Case, figure: Figure) -> bool:
    """Whether the unit of a bare number stands elsewhere, as in the name of its column."""
    said = [unit_of(word.text) for word in (*case.words, *case.around)]
    said += [unit_of(mark) for mark in "€$£¥%" if mark in case.context.text]
    return any(unit and unit[0] == figure.dimension for unit in said)


def _interval_fits(case: Case, figure: Figure) -> bool:
    """Whether "twice a year" is what the source calls every six months, or the other way round."""
    for other in case.figures:
        mine, theirs = (figure, other), (other, figure)
        for (often, apart), reading in zip(
            (mine, theirs), (case.claim, *case.sources), strict=False
        ):
            if often.dimension == "times" and _is_as_often(often, apart, reading):
                return True
    return False


def _is_as_often(often: Figure, apart: Figure, reading: Reading) -> bool:
    amounts = [
        factor / value
        for dimension, factor in _rates(reading)
        if dimension == apart.dimension
        for value in often.values
        if value
    ]
    return any(abs(amount - value) < 1e-6 for amount in amounts for value in apart.values)


def _rate_fits(case: Case, figure: Figure) -> bool:
    """Whether "1,200 a year" is what the source says as "100 a month"."""
    theirs = [rate for source in (*case.sources, case.context) for rate in _rates(source)]
    for dimension, factor in _rates(case.claim):
        for other_dimension, other_factor in theirs:
            times = _times_longer((dimension, factor), (other_dimension, other_factor))
            if times is None:
                continue
            for other in case.figures:
                if other.dimension == figure.dimension and not other.moment:
                    same = (abs(a - b * times) <= 0.005 * max(1.0, abs(a))
                            for a in figure.values for b in other.values)  # fmt: skip
                    if any(same):
                        return True
    return False


def _times_longer(mine: tuple[str, float], theirs: tuple[str, float]) -> float | None:
    """Return how many times longer one unit of time is than another one."""
    if mine[0] == theirs[0]:
        return mine[1] / theirs[1] if mine[1] != theirs[1] else None
    if {mine[0], theirs[0]} == {"second", "month"}:
        weeks = mine[1] / 604800 if mine[0] == "second" else theirs[1] / 604800
        months = mine[1] if mine[0] == "month" else theirs[1]
        if months == 12 and weeks == 1:
            return 52.0 if mine[0] == "month" else 1 / 52
    return None


def _spans(case: Case, figure: Figure) -> bool:
    """Whether a duration is the time between two times of day of the source."""
    if figure.dimension != "second":
        return False
    clocks = [
        one.moment.number for one in case.figures if one.moment and one.moment.kind == "clock"
    ]
    spans = {
        (b - a) * 60.0 for a in clocks for b in clocks if a is not None and b is not None and b > a
    }
    return any(value in spans for value in figure.values)


def _is_scaled(case: Case, figure: Figure) -> bool:
    """Whether a bare number of a table is meant in the thousands that its heading names."""
    if case.scale is None or figure.dimension not in ("", case.scale[0]):
        return False
    bare = (value for one in case.figures if not one.dimension for value in one.values)
    return any(value * case.scale[1] in figure.values for value in bare)


def _counts_list(case: Case, figure: Figure) -> bool:
    """Whether "two languages" counts what the source names one by one."""
    if figure.dimension or figure.is_ordinal or figure.text.isdigit():
        return False
    named = [len(members) for source in case.sources for _, members in lists_of(source)]
    for start, members in lists_of(case.claim):
        if start > figure.end:
            named.append(len(members))
        elif figure.text in members[0]:
            named = [len(members) - 1]  # "two languages, German and Polish"
    return any(number in figure.values for number in named)


def _is_place_in_list(case: Case, figure: Figure) -> bool:
    """Whether "the second step" is the place of the quoted item in its list."""
    return figure.is_ordinal and case.place.position in figure.values


def _repeats_unit(case: Case, figure: Figure) -> bool:
    """Whether a bare number has the unit of the one before it: "three years, those only one"."""
    if figure.dimension:
        return False
    before = [one for one in case.claim.figures if one.start < figure.start and one.plain]
    if not before or not before[-1].dimension or not before[-1].plain[0]:
        return False
    factor = before[-1].values[0] / before[-1].plain[0]
    values = tuple(value * factor for value in figure.values)
    meant = replace(figure, values=values, dimension=before[-1].dimension)
    return any(equal(meant, other) for other in case.figures)


_CONVERSIONS = (
    _interval_fits,
    _rate_fits,
    _spans,
    _is_scaled,
    _counts_list,
    _is_place_in_list,
    _repeats_unit,
)


def _check_rates(case: Case) -> Verdict | None:
    """A rate of the claim, such as "per month", must be one of the source's."""
    if case.is_translated and not any(_rates(source) for source in case.sources):
        return None
    said = {
        rate for source in (*case.sources, case.context, case.before) for rate in _rates(source)
    }
    for rate in _rates(case.claim):
        whole = [
            one
            for one in case.figures
            if one.dimension == rate[0] and 1.0 in (value / rate[1] for value in one.values)
        ]
        converted = any(
            _rate_fits(case, one) and not any(equal(one, other) for other in case.figures)
            for one in case.claim.figures
        )
        if rate not in said and not whole and not converted and not _is_interval(case):
            return Verdict(Reason.UNIT, "rate")
    return None


def _is_interval(case: Case) -> bool:
    """Whether the claim counts how often, and the source says how far apart."""
    return any(_interval_fits(case, one) for one in case.claim.figures)


def _rates(reading: Reading) -> list[tuple[str, float]]:
    """Return the units that something is counted in: "per month", "a year", "EUR/hour", daily."""
    found: list[tuple[str, float]] = []
    words = reading.words
    for at, word in enumerate(words):
        if word.text in _ADVERBS and (unit := unit_of(_ADVERBS[word.text])):
            found.append(unit)
        unit = unit_of(word.text) if len(word.text) > 1 else None
        if unit is None or unit[0] not in ("second", "month", "workday"):
            continue
        before = words[at - 1].text if at else ""
        if reading.text[word.start - 1 : word.start] == "/" or (
            (before in RATE_WORDS or before in _AND) and _is_rate(reading, words, at, before)
        ):
            found.append(unit)
    return found


def _is_rate(reading: Reading, words: Sequence[Word], at: int, before: str) -> bool:
    if before in ("each", "every") and at > 1 and words[at - 2].text == "of":
        return False  # "the last day of each month"
    if before == "der":
        return at > 1 and words[at - 2].text == "in"
    if before in _AND:
        return any(word.text in RATE_WORDS for word in words[max(0, at - 4) : at - 1])
    if before not in _ONLY_AFTER_FIGURE:
        return True
    if before in ("the", "one") or (before == "in" and reading.language != "de"):
        return False
    return any(one.end <= words[at].start for one in reading.figures)
