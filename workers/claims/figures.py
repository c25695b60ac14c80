"""Numbers with their units, whatever the format: 1,200 = 1.200 = 1.2k, 90 minutes = 1.5 hours."""

import re
from collections.abc import Iterator, Sequence

from workers.claims.calendar import moments
from workers.claims.figure import Figure
from workers.claims.spelled import and_a_half, spelled_figure
from workers.claims.units import unit_of, with_unit

_DIGITS = (
    r"\d{1,3}(?:[,.'\u2019\u00a0\u202f]\d{3}){1,5}(?:[.,]\d{1,6})?"
    r"|\d{1,3}(?: \d{3}){1,4}(?!\d)|\d{1,15}(?:[.,]\d{1,9})?"
)
_CURRENCY = r"(?:EUR|USD|GBP|CHF|JPY|SEK|PLN|CAD|INR|US\$|[€$£¥]) ?"
_TOKEN = re.compile(
    rf"(?P<number>(?<![\w.,])(?<!\w-)(?P<currency>{_CURRENCY})?(?P<sign>[-\u2212+])?"
    rf"(?P<digits>{_DIGITS})(?P<fraction>[½¼¾])?"
    r"(?P<ordinal>st|nd|rd|th|º|ª|er|e|ème|\.(?= [a-zäöü]))?(?![\d]))"
    r"|(?P<word>[^\W\d_]+(?:['\u2019][^\W\d_]+)?\.?)"
    r"|(?P<sign_of>[%‰€$£¥]|°[CF]?|\u00b0)"
)
_MINUS = re.compile(r"(?<!\w)(?:minus) \Z", re.IGNORECASE)
_FRACTIONS = {"½": 0.5, "¼": 0.25, "¾": 0.75}


def figures(text: str) -> list[Figure]:
    """Return the figures of a text in their order, dates and times among them."""
    found: list[Figure] = []
    for moment in moments(text):
        said = text[moment.start : moment.end]
        found.append(Figure(moment.start, moment.end, said, (), moment.kind, moment=moment))
    taken = [(one.start, one.end) for one in found]
    found += [one for one in _numbers(text) if not _overlaps(one, taken)]
    return list(_added_up(text, sorted(found, key=lambda one: one.start)))


_PLUS = re.compile(r",? (?:and |und |y |et )?")


def _added_up(text: str, found: Sequence[Figure]) -> Iterator[Figure]:
    """Join "one hour and five minutes", "2 h 30 min" and "a year and a half" to one figure."""
    open_one: Figure | None = None
    for figure in found:
        if open_one and (unit := _shared_unit(text, open_one, figure)):
            open_one = unit
        if open_one and (share := _out_of(text, open_one, figure)):
            open_one = share
            continue
        if open_one and _continues(text, open_one, figure):
            values = tuple(a + b for a in open_one.values[:1] for b in figure.values[:1])
            said = text[open_one.start : figure.end]
            open_one = Figure(open_one.start, figure.end, said, values, figure.dimension, ())
            continue
        if open_one:
            yield open_one
        open_one = and_a_half(text, figure)
    if open_one:
        yield open_one


_RANGE = re.compile(r" ?(?:to|auf|bis|or|oder|and|und|a|à|-|\u2013) ?")


def _shared_unit(text: str, one: Figure, other: Figure) -> Figure | None:
    """Give the first of "from 10 to 25 cents" the unit of the second."""
    if one.dimension or one.moment or one.is_ordinal or not other.dimension or not other.plain:
        return None
    if other.moment or not other.plain[0] or not _RANGE.fullmatch(text, one.end, other.start):
        return None
    factor = other.values[0] / other.plain[0]
    values = tuple(value * factor for value in one.values)
    return Figure(one.start, one.end, one.text, values, other.dimension, one.plain)


_OUT_OF = re.compile(r" (?:out of(?: every)?|in every|in|von|de cada|sur) |/")


def _out_of(text: str, one: Figure, other: Figure) -> Figure | None:
    """Read "four out of five" and "3/4" as a share."""
    bare = not one.dimension and not other.dimension and one.plain and other.plain
    if not bare or one.moment or other.moment or not _OUT_OF.fullmatch(text, one.end, other.start):
        return None
    part, whole = one.values[0], other.values[0]
    if not 0 < part < whole <= 100 or one.is_ordinal:
        return None
    share = 100 * part / whole
    at = one.start, other.end
    return Figure(*at, text[one.start : other.end], (share,), "percent", (share,))


def _continues(text: str, one: Figure, other: Figure) -> bool:
    if one.dimension not in ("second", "month") or one.dimension != other.dimension:
        return False
    smaller = min(map(abs, other.values)) < min(map(abs, one.values))
    return smaller and bool(_PLUS.fullmatch(text, one.end, other.start))


def _overlaps(one: Figure, taken: Sequence[tuple[int, int]]) -> bool:
    return any(one.start < end and start < one.end for start, end in taken)


def _numbers(text: str) -> Iterator[Figure]:
    before = ""
    matches = list(_TOKEN.finditer(text))
    skip_to = 0
    for at, match in enumerate(matches):
        if match.start() < skip_to:
            continue
        found = (
            _of_digits(text, match)
            if match["number"]
            else spelled_figure(text, matches, at, before)
        )
        if found:
            skip_to = found.end
            yield found
        before = (match["word"] or "").casefold().rstrip(".")


def _of_digits(text: str, match: "re.Match[str]") -> Figure:
    values = tuple(_read(match["digits"]))
    if match["fraction"]:
        values = tuple(value + _FRACTIONS[match["fraction"]] for value in values)
    if _MINUS.search(text, max(0, match.start() - 7), match.start()):
        values = tuple(-value for value in values)
    if match["sign"] in ("-", "\u2212"):
        values = tuple(-value for value in values)
    unit = unit_of((match["currency"] or "").strip())
    is_ordinal = bool(match["ordinal"])
    if is_ordinal:
        at = match.start(), match.end()
        return Figure(*at, match[0], values, "", values, is_ordinal=True)
    return with_unit(text, match.start(), match.end(), values, unit)


def _read(digits: str) -> Iterator[float]:
    """Yield what a number may mean: 1.200 is 1200, or 1.2."""
    plain = re.sub(r"['\u2019\u00a0\u202f ]", "", digits)
    marks = [letter for letter in plain if letter in ",."]
    if not marks:
        yield float(plain)
        return
    last = max(plain.rfind(","), plain.rfind("."))
    whole, part = re.sub(r"[,.]", "", plain[:last]), plain[last + 1 :]
    is_grouping = len(part) == 3 and (len(set(marks)) == 1)
    if is_grouping and len(whole) <= 3 and len(marks) == 1:
        yield float(whole + part)
        yield float(f"{whole}.{part}")
    elif is_grouping:
        yield float(whole + part)
    else:
        yield float(f"{whole}.{part}")
