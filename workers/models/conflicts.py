"""Finds pages that contradict each other about what was asked: two values for one thing.

It is better to name none than one that is not there: what differs in more than the value (another
country, team, product, year or group of people, a condition, a row of a table) is not a conflict.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from workers.models.asks import Sought
from workers.models.base import Passage, Sites
from workers.models.dates import named_dates
from workers.models.facets import Facets, facets_in, facets_in_path
from workers.models.stems import stems
from workers.models.stop_words import says_something
from workers.models.synonyms import with_synonyms
from workers.models.validity import stated, validity_of
from workers.models.values import Value, values_in, without
from workers.models.weighing import Asked, Weighed
from workers.wording.text import ENGLISH

Alike = Callable[[str, str, str], float]
"""How alike two texts are by meaning; the third is their language."""

_NEAR = 3.0
"""A unit whose score is this much below the best one's is about something else."""
_MOST_UNITS, _MOST_SIDES = 12, 3
_LEAST_ASKED, _MOST_APART = 0.5, 0.25
"""The share of the question's words that both must have, and how far apart the shares may be."""
_LEAST_SHARED, _LEAST_ALIKE = 0.5, 0.5
"""The share of the shorter sentence's words that the other page has, and their likeness without
their values."""
_KINDS = (Sought.DURATION, Sought.AMOUNT, Sought.DATE, Sought.PERSON, Sought.YES_NO)
_WORD = re.compile(r"[^\W_]+")
_WITHIN = re.compile(r"(?<=[a-zà-ÿ,] )[A-ZÀ-Ý]\w+")
_WITH_DIGIT = re.compile(r"(?<!\w)(?=\w*\d)\w++(?:[.-]\d+)*")
_NOT_QUOTED = frozenset({"row", "code"})
_SPECIAL = frozenset(
    "intern interns trainee trainees apprentice apprentices student students contractor contractors"
    " freelancer freelancers temp temps temporary manager managers director directors executive"
    " executives board guest guests visitor visitors customer customers partner partners supplier"
    " suppliers franchise franchisees senior junior part-time parttime full-time fulltime newcomer"
    " newcomers starter starters child children parent parents mother father spouse disabled"
    " severely night nights weekend weekends sunday sundays saturday saturdays abroad international"
    " domestic foreign remote extra additional additionally further exception exceptionally more"
    " less minus plus first second third fourth fifth sixth another other others special"
    " probation draft proposal proposed suggested planned example instead average"
    " azubi azubis auszubildende praktikant praktikanten praktikantin werkstudent werkstudenten"
    " werkstudentin führungskräfte gast gäste besucher kunde kunden teilzeit vollzeit kind kinder"
    " eltern mutter vater schwerbehinderte schwerbehinderten nacht nachts wochenende sonntag"
    " sonntags samstag ausland zusätzlich weitere ausnahme ausnahmsweise mehr weniger erste zweite"
    " dritte probezeit entwurf vorschlag geplant beispiel stattdessen"
    " durchschnitt stagiaire stagiaires apprenti apprentis invité invités enfant enfants becario"
    " becarios visitante visitantes niño niños".split()
)
"""Words for some of the people, times or cases: a sentence with one is about fewer than without."""
_ASKING = stems(
    "cost costs pay paid pays price amount number get gets receive have has take takes last lasts"
    " happen happens place days weeks months years hours minutes euros euro percent long high"
) | stems(
    "kosten kostet zahlen bezahlt bekommen bekommt erhalten kriegen haben dauert dauern tage wochen"
    " monate jahre stunden euro prozent lange hoch viel viele dürfen darf findet statt",
    "de",
)
"""Words that ask for a value: the sentence with the value need not have them."""
_IF = re.compile(
    r"(?<!\w)(?:if|unless|except|when|once|after|before|until|from|over|above|under|below|beyond"
    r"|more than|less than|wenn|falls|außer|nach|vor|bis(?! zu)|ab|über|unter|sobald|si|sauf|après"
    r"|avant|jusqu'à|à partir|excepto|cuando|después|antes|hasta|desde)(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Side:
    """What one page says."""

    weighed: Weighed
    value: Value
    sentence: str
    as_of: date | None
    """When the page was last known to hold; None if nobody says."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the units are from: the passages, and the company's sites; and the day."""

    passages: Sequence[Passage]
    sites: Sites
    today: date


@dataclass(frozen=True, slots=True)
class _Said:
    """A sentence that gives a value, with the page around it."""

    weighed: Weighed
    passage: Passage
    sentence: str
    values: tuple[Value, ...]
    own: frozenset[str]
    """Stems of its words without the values."""
    all: frozenset[str]
    """The same, and those of title and headings, with synonyms."""


def conflict(
    asked: Asked, weighed: Sequence[Weighed], places: Places, alike: Alike
) -> tuple[Side, ...]:
    """Return what pages say that contradict the best unit, and it, the newest first; or nothing."""
    best = weighed[0]
    if not _may_contradict(best):
        return ()
    for kind in _kinds(asked):
        for mine in _said(best, kind, places):
            sides = [
                (mine, value, other, theirs)
                for other in _others(weighed, places, kind)
                for value, theirs in _different(mine, other)
                if _is_same_thing(mine, other, asked, places.sites, kind)
                and alike(*_masked(mine, other)) >= _LEAST_ALIKE
            ]
            if sides:
                return _newest_first(sides, places.today)
    return ()


def _kinds(asked: Asked) -> Iterator[Sought]:
    found = [kind for kind in _KINDS if kind in asked.sought]
    yield from found or (() if Sought.WAY in asked.sought else (Sought.AMOUNT,))


def _may_contradict(one: Weighed) -> bool:
    """Whether it is a sentence of a page that holds."""
    return not one.measure("superseded") and one.unit.kind not in _NOT_QUOTED


def _others(weighed: Sequence[Weighed], places: Places, kind: Sought) -> Iterator[_Said]:
    """Yield what other pages say, the best first; of one page, its best sentence decides."""
    best = weighed[0]
    own = places.passages[best.number - 1]
    for one in weighed[1:_MOST_UNITS]:
        passage = places.passages[one.number - 1]
        is_other = passage.document_id != own.document_id and _language(passage) == _language(own)
        if is_other and one.score >= best.score - _NEAR and _may_contradict(one):
            yield from _said(one, kind, places)


def _said(one: Weighed, kind: Sought, places: Places) -> Iterator[_Said]:
    passage = places.passages[one.number - 1]
    context = f"{passage.title} {passage.heading}"
    for part in one.unit.parts:
        values = values_in(part, kind)
        if not values or _is_of_another_time(part, kind, places.today):
            continue
        language = _language(passage)
        found = _WORD.findall(without(part, values))
        words = [one for one in found if not one.isdigit() and says_something(one)]
        own = stems(" ".join(words), language)
        everything = with_synonyms(own | stems(context, language), language, language)
        yield _Said(one, passage, part, tuple(values), frozenset(own), frozenset(everything))


def _is_of_another_time(sentence: str, kind: Sought, today: date) -> bool:
    """Whether it speaks of a past year or of what is to come."""
    if not stated(sentence).holds_in(today, today):
        return True
    days = [one.day for one in named_dates(sentence, today=today) if one.has_year]
    return kind is not Sought.DATE and any(one > today or one.year < today.year for one in days)


def _different(mine: _Said, other: _Said) -> list[tuple[Value, Value]]:
    """Return the values of the same measure that differ; none if another of them agrees."""
    pairs = [
        (one, theirs)
        for one in mine.values
        for theirs in other.values
        if one.measure == theirs.measure
    ]
    return pairs[:1] if pairs and all(one.value != two.value for one, two in pairs) else []


def _is_same_thing(mine: _Said, other: _Said, asked: Asked, sites: Sites, kind: Sought) -> bool:
    """Whether both answer the question, about the same thing, for the same people."""
    is_foreign = _is_foreign(asked, mine.passage)
    if not is_foreign and not _is_asked_for(mine, other, asked):
        return False
    one, two = _marks(mine, kind, sites), _marks(other, kind, sites)
    if one != two or not _may_be_one_page(mine.passage, other.passage):
        return False
    shared = [_share(dict.fromkeys(a.own, 1.0), b.all) for a, b in ((mine, other), (other, mine))]
    return min(shared) >= _LEAST_SHARED / (1 if is_foreign else 2) and max(shared) >= _LEAST_SHARED


def _share(wanted: Mapping[str, float], held: frozenset[str]) -> float:
    total = sum(wanted.values())
    return sum(weight for one, weight in wanted.items() if one in held) / total if total else 0.0


def _is_asked_for(mine: _Said, other: _Said, asked: Asked) -> bool:
    """Whether both have the question's words alike, and all of its names."""
    wanted = {stem: weight for stem, weight in asked.stems.items() if stem not in _ASKING}
    covered = [_share(wanted, one.all) for one in (mine, other)]
    if min(covered) < _LEAST_ASKED or abs(covered[0] - covered[1]) > _MOST_APART:
        return False
    return wanted.keys() & asked.names.keys() <= mine.all & other.all


@dataclass(frozen=True, slots=True)
class _Marks:
    """What makes a sentence about one thing among several like it."""

    facets: Facets
    special: frozenset[str]
    names: frozenset[str]
    conditions: frozenset[str]


def _marks(said: _Said, kind: Sought, sites: Sites) -> _Marks:
    passage = said.passage
    rest = without(said.sentence, list(said.values))
    around = f"{passage.title}. {passage.heading}. {rest}"
    named = facets_in(around, sites=sites) | facets_in_path(passage.document, sites=sites)
    words = [word.casefold() for word in _WORD.findall(around)]
    return _Marks(
        Facets(named.countries, named.sites, frozenset(), named.teams),
        frozenset(words) & _SPECIAL,
        _names(rest, passage) if kind is not Sought.PERSON else frozenset(),
        frozenset(match[0].casefold() for match in _IF.finditer(rest)),
    )


def _names(sentence: str, passage: Passage) -> frozenset[str]:
    """Return what a sentence names: numbers with letters, and words that only have a capital.

    German writes every noun with a capital, so there it is the numbers alone.
    """
    numbers = {match[0].casefold() for match in _WITH_DIGIT.finditer(sentence)}
    if passage.language == "de":
        return frozenset(numbers)
    lower = set(_WORD.findall(passage.text))
    found = {
        match[0].casefold()
        for match in list(_WORD.finditer(sentence))[1:]
        if match[0][0].isupper() and match[0].casefold() not in lower
    }
    return frozenset(found | numbers)


def _may_be_one_page(one: Passage, two: Passage) -> bool:
    """Whether their titles and files can be about the same thing: no two numbers, no two years."""
    numbers = [
        {match[0] for match in _WITH_DIGIT.finditer(f"{p.title} {p.heading} {_file(p)}")}
        for p in (one, two)
    ]
    if all(numbers) and numbers[0] != numbers[1]:
        return False
    names = [_names(f". {p.title} {p.heading}", p) & _mentioned(p) for p in (one, two)]
    return not (names[0] - names[1] and names[1] - names[0])


def _mentioned(passage: Passage) -> frozenset[str]:
    """Return the words that a text writes with a capital within its sentences."""
    return frozenset(match.casefold() for match in _WITHIN.findall(passage.text))


def _file(passage: Passage) -> str:
    return passage.document.rpartition("/")[2].rpartition(".")[0]


def _language(passage: Passage) -> str:
    return passage.language or ENGLISH


def _is_foreign(asked: Asked, passage: Passage) -> bool:
    """Whether the question's words cannot be found: the page is in another language."""
    return (asked.language or _language(passage)) != _language(passage)


def _masked(mine: _Said, other: _Said) -> tuple[str, str, str]:
    one, two = (without(said.sentence, list(said.values)) for said in (mine, other))
    return one, two, mine.passage.language


def _newest_first(
    found: Sequence[tuple[_Said, Value, _Said, Value]], today: date
) -> tuple[Side, ...]:
    mine, value, *_ = found[0]
    sides = {value.value: _side(mine, value, today)}
    for _mine, _value, other, theirs in found:
        if theirs.measure == value.measure and len(sides) < _MOST_SIDES:
            sides.setdefault(theirs.value, _side(other, theirs, today))
    return tuple(sorted(sides.values(), key=lambda one: one.as_of or date.min, reverse=True))


def _side(said: _Said, value: Value, today: date) -> Side:
    says = validity_of(said.passage, today)
    updated = said.passage.updated_at
    dates = [one for one in (says.as_of, says.begins) if one and one <= today]
    as_of = max(dates) if dates else (updated.date() if updated else None)
    return Side(said.weighed, value, said.sentence, as_of)
