"""How the words around a number limit it: a sentence keeps "at least", "at most", "more than"."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path

from workers.claims.case import Case
from workers.claims.figure import Figure, equal
from workers.claims.reading import Reading, Word, found_in
from workers.claims.units import unit_of
from workers.claims.verdict import Reason, Verdict


class Bound(StrEnum):
    """How a number limits."""

    EXACT = "exact"
    LEAST = "at least"
    MOST = "at most"
    OVER = "more than"
    UNDER = "less than"
    ABOUT = "about"
    AFTER = "after"


_LONGEST_PHRASE = 4
_PER = frozenset("a an per pro je im am al par por".split())
_FROM = frozenset("from ab as of starting".split())
_NEGATED = {Bound.OVER: Bound.MOST, Bound.UNDER: Bound.LEAST, Bound.LEAST: Bound.UNDER,
            Bound.MOST: Bound.OVER, Bound.AFTER: Bound.MOST}  # fmt: skip
_ALLOWED = {
    (Bound.EXACT, Bound.ABOUT), (Bound.ABOUT, Bound.EXACT), (Bound.EXACT, Bound.AFTER),
    (Bound.AFTER, Bound.EXACT), (Bound.OVER, Bound.AFTER), (Bound.AFTER, Bound.OVER),
    (Bound.EXACT, Bound.MOST),
}  # fmt: skip
"""What the source says, and what the claim may make of it."""
_LIMIT_WORDS = frozenset(
    "limit limits limited cap capped maximum max ceiling allowance grenze obergrenze höchstgrenze"
    " límite máximo plafond maximal deadline frist plazo délai minimum mindest within"
    " entitled".split()
)
_PERMITTING = frozenset(
    "may can could might allowed permitted darf dürfen kann können erlaubt puede pueden peut"
    " peuvent".split()
)


@cache
def _phrases(where: str) -> dict[tuple[str, ...], Bound]:
    """Read `bounds.txt`: a line has the bound, its place (before, behind), and its phrases."""
    found: dict[tuple[str, ...], Bound] = {}
    text = Path(__file__).with_name("bounds.txt").read_text(encoding="utf-8")
    for line in text.strip().split("\n"):
        name, place, phrases = line.split(" ", 2)
        if place == where:
            found.update({tuple(phrase.split()): Bound[name] for phrase in phrases.split("|")})
    return found


@cache
def bound_words() -> frozenset[str]:
    """Return the words that bound numbers: they add nothing of their own."""
    phrases = (*_phrases("before"), *_phrases("behind"))
    return frozenset(word for phrase in phrases for word in phrase)


def check_bounds(case: Case) -> Verdict | None:
    """Return the first figure whose bound is another one than in the source."""
    for figure in case.claim.figures:
        same = [
            (source, other)
            for source in case.sources
            for other in source.figures
            if equal(figure, other)
        ]
        if same and all(_is_other_way(case.claim, figure, *pair) for pair in same):
            return Verdict(Reason.BOUND, figure.text)
        if not same or any(
            _bound_follows(case, case.claim, figure, source, other) for source, other in same
        ):
            continue
        return Verdict(Reason.BOUND, figure.text)
    return None


_WAYS = {
    **dict.fromkeys("more higher longer later mehr höher länger más plus".split(), "more"),
    **dict.fromkeys("less fewer lower shorter earlier weniger menos moins".split(), "less"),
}


def _is_other_way(claim: Reading, figure: Figure, source: Reading, other: Figure) -> bool:
    """Whether "a tenth more than planned" is said where the source has "a tenth less than"."""
    mine, theirs = _way_of(claim, figure), _way_of(source, other)
    return bool(mine and theirs) and mine != theirs and not _is_negative(claim)


def _way_of(reading: Reading, figure: Figure) -> str:
    behind = [word.text for word in reading.words if word.start >= figure.end][:2]
    is_compared = len(behind) > 1 and behind[1] in ("than", "als", "que", "de")
    return _WAYS.get(behind[0], "") if is_compared else ""


def turned_bounds(case: Case) -> int:
    """Return how many bounds follow only with a negation: "not more than 3" is "at most 3"."""
    return sum(
        all(_is_turned(case.claim, figure, source, other) for source, other in same)
        for figure in case.claim.figures
        if (
            same := [
                (source, other)
                for source in case.sources
                for other in source.figures
                if equal(figure, other)
            ]
        )
    )


def _is_turned(claim: Reading, figure: Figure, source: Reading, other: Figure) -> bool:
    mine, theirs = bound_of(claim, figure), bound_of(source, other)
    if mine == theirs:
        return False
    return (_is_negative(claim) and _NEGATED.get(mine) == theirs) or (
        _is_negative(source) and _NEGATED.get(theirs) == mine
    )


def _bound_follows(
    case: Case, claim: Reading, figure: Figure, source: Reading, other: Figure
) -> bool:
    mine, theirs = bound_of(claim, figure), bound_of(source, other)
    if mine == theirs or (theirs, mine) in _ALLOWED:
        return True
    if _is_range(claim, figure) and theirs in (Bound.MOST, Bound.LEAST, Bound.OVER):
        return True
    if (
        mine in (Bound.OVER, Bound.AFTER)
        and theirs is Bound.MOST
        and _goes_beyond(case, source, other)
    ):
        return True
    if case.is_table and not bound_words().isdisjoint(word.text for word in case.context.words):
        return True  # the name of a column bounds it: "available from"
    if figure.moment and other.moment:
        turns = _is_negative(claim) is not _is_negative(source)
        return turns or not ({mine, theirs} & _EARLY and {mine, theirs} & _LATE)
    if mine is Bound.EXACT and theirs is Bound.MOST and _lasts(claim, figure):
        return True
    spoken = claim.spoken
    negated_mine, negated_theirs = _is_negative(claim), _is_negative(source)
    if negated_mine and _NEGATED.get(mine) == theirs:
        return True
    if negated_theirs and _NEGATED.get(theirs) == mine:
        return True
    if mine is Bound.EXACT:
        is_limit = any(f" {word} " in spoken for word in _LIMIT_WORDS)
        may = theirs is Bound.MOST and not _PERMITTING.isdisjoint(word.text for word in claim.words)
        return is_limit or may or (case.is_translated and theirs is Bound.ABOUT)
    return False


_BETWEEN = frozenset("between zwischen entre".split())
_BEYOND = frozenset(
    "afterwards thereafter danach después ensuite"
    " above over beyond larger more higher longer bigger greater later darüber mehr größere"
    " größeren höhere höheren längere längeren superior superiores mayores más-allá supérieurs"
    " au-delà".split()
)


def _is_range(claim: Reading, figure: Figure) -> bool:
    """Whether a number ends a range: "between 5 and 12" is above the one and within the other."""
    before = [one for one in claim.figures if one.end <= figure.start][-1:]
    starts = [word.text for one in before for word in _before(claim, one)[-1:]]
    said = [word.text for word in _before(claim, figure)[-1:]]
    ends = bool(starts) and starts[0] in _BETWEEN and said[-1:] in (["and"], ["und"], ["y"], ["et"])
    return ends or (bool(said) and said[-1] in _BETWEEN)


def _goes_on_beyond(source: Reading, other: Figure) -> Word | None:
    behind = [word for word in source.words if word.start >= other.end]
    return next(
        (
            word
            for word in behind
            if word.text in _BEYOND
            and not any(0 <= one.start - word.end <= 6 for one in source.figures)
        ),
        None,
    )


def goes_beyond(case: Case) -> bool:
    """Whether a figure of the claim is the limit above which the source says something else."""
    return any(
        bound_of(case.claim, figure) in (Bound.OVER, Bound.AFTER)
        and bound_of(source, other) is Bound.MOST
        and _goes_beyond(case, source, other)
        for figure in case.claim.figures
        for source in case.sources
        for other in source.figures
        if equal(figure, other)
    )


def _goes_beyond(case: Case, source: Reading, other: Figure) -> bool:
    """Whether the claim is what the source says of more: "up to 500 A decides, above that B"."""
    turn = _goes_on_beyond(source, other)
    if turn is None:
        return False
    whole = source.content
    piece = next((one for one in source.pieces if turn in one.words), None)
    own = [word for word in piece.content if word is not turn] if piece else []
    between = [word for word in whole if other.end <= word.start < turn.start and word not in own]
    said = [word for word in own if found_in(word, case.claim.words)]
    rivals = [word for word in between if found_in(word, case.claim.words)] if said != own else []
    denied = [_denies(piece.words if piece else (), source), _denies(case.claim.words, case.claim)]
    return bool(said) and len(said) * 2 >= len(own) and not rivals and denied[0] is denied[1]


def _denies(words: Sequence[Word], reading: Reading) -> bool:
    said = {word.text for word in words}
    return not said.isdisjoint(reading.lexicon.negators | reading.lexicon.forbid)


_EARLY = frozenset({Bound.MOST, Bound.UNDER})
_LATE = frozenset({Bound.LEAST, Bound.OVER, Bound.AFTER})
_LASTING = frozenset("in for during for the von für durante pendant lasts takes".split())


def _lasts(claim: Reading, figure: Figure) -> bool:
    """Whether a time is said as a span: "for 14 days" is "within 14 days"."""
    if figure.dimension not in ("second", "month", "workday"):
        return False
    return any(word.text in _LASTING for word in _before(claim, figure)[-1:])


def _before(reading: Reading, figure: Figure) -> list[Word]:
    return [word for word in reading.words if word.start < figure.start]


def _is_negative(reading: Reading) -> bool:
    said = {word.text for word in reading.words}
    return not said.isdisjoint(reading.lexicon.negators | reading.lexicon.forbid)


_SMALLER = frozenset(
    "fewer lower smaller shorter younger colder earlier lighter slower cheaper narrower thinner"
    " kleiner kürzer jünger kälter früher leichter langsamer billiger niedriger geringer".split()
)


def _of_comparison(before: Sequence[str]) -> Bound | None:
    """Return what any adjective before "than" says: "heavier than", "schwerer als"."""
    if len(before) < 2 or before[-1] not in ("than", "als") or not before[-2].endswith("er"):
        return None
    return Bound.UNDER if before[-2] in _SMALLER else Bound.OVER


def bound_of(reading: Reading, figure: Figure) -> Bound:
    """Return how the words before and behind a figure bound it; exact if none does."""
    after = [word.text for word in reading.words if word.start >= figure.end]
    if len(after) > 1 and after[0] in _PER and unit_of(after[1]):
        after = after[2:]
    after = after[:_LONGEST_PHRASE]
    for size in range(min(_LONGEST_PHRASE, len(after)), 0, -1):
        bound = _phrases("behind").get(tuple(after[:size]))
        starts = _before(reading, figure)[-1:]
        if bound and not (after[0] == "on" and not (starts and starts[0].text in _FROM)):
            return bound
    before = list(_directly_before(reading, figure))
    for size in range(min(_LONGEST_PHRASE, len(before)), 0, -1):
        phrase = tuple(before[-size:])
        if bound := _phrases("before").get(phrase):
            if size == 1 and phrase[0] in ("by", "auf") and not figure.moment:
                continue
            return bound
    return _of_comparison(before) or _of_limit(reading, figure)


_LIMIT_NAMES = {
    **dict.fromkeys(
        "maximum limit cap ceiling max grenze obergrenze höchstgrenze höchstbetrag límite máximo"
        " plafond maximale".split(),
        Bound.MOST,
    ),
    **dict.fromkeys("minimum mindestbetrag mindestalter mínimo".split(), Bound.LEAST),
}
_LINKS = frozenset("is of at to are was be bei beträgt liegt ist es de est von".split())


def _of_limit(reading: Reading, figure: Figure) -> Bound:
    """Return the bound that "the maximum … is" gives to a figure."""
    before = [word.text for word in _before(reading, figure)[-7:]]
    if not before or before[-1] not in _LINKS:
        return Bound.EXACT
    return next((_LIMIT_NAMES[word] for word in before if word in _LIMIT_NAMES), Bound.EXACT)


def _directly_before(reading: Reading, figure: Figure) -> Iterator[str]:
    """Yield the words before a figure, back to the one before it; articles left out at its end."""
    floor = max((one.end for one in reading.figures if one.end <= figure.start), default=0)
    said = [word.text for word in reading.words if floor <= word.start < figure.start]
    while said and said[-1] in (
        "the",
        "a",
        "an",
        "of",
        "total",
        "el",
        "le",
        "dem",
        "den",
        "der",
        "día",
        "day",
    ):
        if tuple(said[-2:]) in _phrases("before") or tuple(said[-3:]) in _phrases("before"):
            break
        said.pop()
    yield from said[-_LONGEST_PHRASE:]
