"""Numbers in words, with what they count: "half an hour", "two thirds of", "within a week"."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workers.claims.figure import Figure
from workers.claims.number_words import number_in, number_of
from workers.claims.units import measures, unit_of, with_unit

_HALF = frozenset("half halbe halben halber halbes demi demie media medio".split())
_ORDINAL_WORDS = frozenset(
    word + ending
    for word in (
        "third fourth fifth sixth seventh eighth ninth tenth zweite dritte vierte fünfte sechste"
        " siebte achte neunte zehnte tercer tercera quinto deuxième troisième quatrième cinquième"
    ).split()
    for ending in ("", "n", "r", "s", "m")
)
_ARTICLES = frozenset("a an one ein eine einem einen einer eines un une una".split())
_BEFORE_ARTICLE = frozenset(
    "take takes took last lasts every each dauert dauern in within after for before than least"
    " most nach innerhalb binnen mindestens höchstens vor als après dans avant tras dentro en"
    " menos".split()
)
_SHARES = {
    "half": 2, "hälfte": 2, "mitad": 2, "moitié": 2, "third": 3, "thirds": 3, "drittel": 3,
    "tercio": 3, "tiers": 3, "quarter": 4, "quarters": 4, "viertel": 4, "fifth": 5, "fifths": 5,
    "fünftel": 5, "tenth": 10, "tenths": 10, "zehntel": 10,
}  # fmt: skip
_OF = frozenset("of the all der des aller von de del des".split())
_MORE = frozenset("more less fewer higher lower cheaper mehr weniger más menos".split())
_RATES = frozenset("a an per each every in im pro je am".split())
_BEFORE_SECOND = frozenset("the a every on each his her their our your its".split())
_FIRST = frozenset("first erste ersten erster primer primera premier première".split())
_WHOLE = {
    "viertelstunde": 900.0, "viertelstunden": 900.0, "dreiviertelstunde": 2700.0,
}  # fmt: skip
_TIMES = {
    "once": 1, "twice": 2, "thrice": 3, "einmal": 1, "zweimal": 2, "dreimal": 3, "viermal": 4,
}  # fmt: skip
_AND_A_HALF = re.compile(r" (?:and a half|y media|et demie|und eine halbe)(?!\w)")
_QUARTERS = ("quarter", "quarters")


@dataclass(frozen=True, slots=True)
class Spot:
    """A word of a text with the words behind it, small letters without their full stops."""

    text: str
    matches: Sequence["re.Match[str]"]
    at: int
    before: str

    def word(self, ahead: int) -> str:
        if self.at + ahead >= len(self.matches):
            return ""
        return (self.matches[self.at + ahead]["word"] or "").casefold().rstrip(".")

    @property
    def start(self) -> int:
        return self.matches[self.at].start()

    def end(self, ahead: int = 0) -> int:
        return self.matches[self.at + ahead].end()

    def figure(self, value: float, ahead: int = 0) -> Figure:
        """The figure that ends with the word so far ahead, with the unit behind it."""
        return with_unit(self.text, self.start, self.end(ahead), (value,), None)

    def bare(
        self, value: float, dimension: str = "", *, ahead: int = 0, ordinal: bool = False
    ) -> Figure:
        at = self.start, self.end(ahead)
        said = self.text[at[0] : at[1]]
        return Figure(*at, said, (value,), dimension, (value,), is_ordinal=ordinal)


def spelled_figure(
    text: str, matches: Sequence["re.Match[str]"], at: int, before: str
) -> Figure | None:
    """Return the figure that begins with this word; None if none does."""
    spot = Spot(text, matches, at, before)
    if spot.word(0) in ("once", "einmal") and spot.word(1) not in _RATES:
        return None
    return next((found for one in _READERS if (found := one(spot)) is not None), None)


def and_a_half(text: str, figure: Figure) -> Figure:
    """Return a figure with the half that is said behind its unit: "a year and a half"."""
    half = _AND_A_HALF.match(text, figure.end)
    if not half or not figure.dimension or not figure.plain:
        return figure
    pairs = zip(figure.values, figure.plain, strict=False)
    values = tuple(value * (plain + 0.5) / plain for value, plain in pairs if plain)
    said = text[figure.start : half.end()]
    return Figure(figure.start, half.end(), said, values, figure.dimension, ())


def _whole_word(spot: Spot) -> Figure | None:
    word = spot.word(0)
    if word in ("anderthalb", "eineinhalb"):
        return spot.figure(1.5)
    if word in _WHOLE:
        return spot.bare(_WHOLE[word], "second")
    if word == "couple" and spot.word(1) == "of":
        return spot.figure(2.0, 1)
    return spot.bare(float(_TIMES[word]), "times") if word in _TIMES else None


def _quarter_of_a_unit(spot: Spot) -> Figure | None:
    """Read "a quarter of an hour" and "three quarters of an hour"."""
    parts = number_of(spot.word(0))
    if parts and parts < 10 and spot.word(1) in _QUARTERS and spot.word(2) == "of":
        return spot.figure(parts / 4, 3) if spot.word(3) in _ARTICLES else None
    if spot.word(0) == "quarter" and spot.word(1) == "of" and spot.word(2) in ("an", "the", "a"):
        return spot.figure(0.25, 2)
    return None


def _share(spot: Spot) -> Figure | None:
    """Read a part of a whole: "half of", "a third of", "three quarters of all"."""
    parts, used = 1, 0
    if (named := number_of(spot.word(0))) and named < 10 and spot.word(1) in _SHARES:
        parts, used = named, 1
    elif spot.word(0) in _ARTICLES and spot.word(1) in _SHARES:
        used = 1
    share = _SHARES.get(spot.word(used))
    if share is None or spot.word(used + 1) not in _OF | _MORE:
        return None
    first, second = spot.word(used + 2), spot.word(used + 3)
    if first and (unit_of(first) or (first in _ARTICLES and unit_of(second))):
        return None  # "a quarter of an hour" is a time
    return spot.bare(100.0 * parts / share, "percent", ahead=used)


def _half(spot: Spot) -> Figure | None:
    if spot.word(0) not in _HALF:
        return None
    to_unit = 1 if spot.word(1) in _ARTICLES else 0
    is_unit = bool(spot.word(to_unit + 1) and unit_of(spot.word(to_unit + 1)))
    return spot.figure(0.5, to_unit) if is_unit else None


def _ordinal(spot: Spot) -> Figure | None:
    word, following = spot.word(0), spot.word(1)
    if word in _FIRST and following and measures(following):
        return spot.bare(1.0, ordinal=True)
    if word in _ORDINAL_WORDS:
        return spot.bare(float(number_of(word) or 0), ordinal=True)
    is_second = word == "second" or (word == "other" and spot.before == "every")
    if is_second and spot.before in _BEFORE_SECOND and following:
        return spot.bare(2.0, ordinal=True)
    return None


def _article(spot: Spot) -> Figure | None:
    """Read "one week", and "a week" behind a limit or before "and a half"."""
    word, following = spot.word(0), spot.word(1)
    if word not in _ARTICLES:
        return None
    if [following, spot.word(2), spot.word(3)] == ["and", "a", "half"]:
        return spot.figure(1.5, 3)
    if not following or following == "second" or [following, spot.word(2)] == ["quarter", "of"]:
        return None
    if word == "one" and following in ("working", "business"):
        return spot.figure(1.0)
    if unit_of(following) is None:
        return None
    has_half = _AND_A_HALF.match(spot.text, spot.end(1))
    is_one = word == "one" or spot.before in _BEFORE_ARTICLE or has_half
    return spot.figure(1.0) if is_one else None


def _number(spot: Spot) -> Figure | None:
    said = _joined_words(spot)
    named = number_in(said)
    if named is None or (spot.word(0) in _ARTICLES and named[1] == 1):
        return None
    value, used = float(named[0]), named[1]
    if said[used : used + 3] in (["and", "a", "half"], ["y", "media"], ["et", "demie"]):
        value, used = value + 0.5, used + 3
    elif said[used : used + 3] == ["and", "a", "quarter"]:
        value, used = value + 0.25, used + 3
    return spot.figure(value, used - 1)


def _joined_words(spot: Spot) -> list[str]:
    """Return the words up to the first mark between two of them."""
    said: list[str] = []
    before: int | None = None
    for one in spot.matches[spot.at : spot.at + 8]:
        gap = " " if before is None else spot.text[before : one.start()]
        if not one["word"] or gap not in (" ", "-"):
            break
        said.append(one["word"].casefold().rstrip("."))
        before = one.end()
    return said


_READERS: tuple[Callable[[Spot], Figure | None], ...] = (
    _whole_word,
    _quarter_of_a_unit,
    _share,
    _half,
    _ordinal,
    _article,
    _number,
)
