"""How well each part of each passage answers a question, and how sure it is that the best one does.

Linear models over some twenty measures. Their weights were fitted on five question sets, each left
out once: docs/benchmarks.md has the figures.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.models.asks import Sought, holds, sought_in
from workers.models.base import NOBODY, Passage, Profile, Sites
from workers.models.facets import Facets, facets_in, facets_in_path, fit, meant
from workers.models.languages import language_of
from workers.models.rarity import rarity
from workers.models.stems import stem, stems
from workers.models.stop_words import says_something
from workers.models.synonyms import is_known, with_synonyms
from workers.models.units import Unit, units
from workers.models.versions import superseded

Held = Mapping[str, float]
"""The stems of a text, and those of synonyms, each with how much it counts."""
Compare = Callable[[str, str], float]
"""How alike the question and a text are, by meaning; the second is the text's language."""

MOST_UNITS = 20
"""Units that are weighed, those with the question's words in good passages first."""
COMPARED = 5
"""Units whose sentences are embedded: those that answer best by all else. The best one has to
exceed the mean score of as many to be sure."""
_RARE = 0.8
_SYNONYM = 0.6
"""What a synonym of a word of the question counts, against the word itself."""
_NEAR = 1.0
"""What a document is preferred by if it answered the question before, in the same message."""
_MIN_WORDS, _MIN_FIRST_WORDS, _FEW_WORDS = 3, 5, 20
_MOST_PARTS = 3
"""Sentences of a unit that are embedded one by one."""
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+")
_CODE = re.compile(
    r"(?<![\w.])(?:[^\W\d_]{1,5}-?\d{1,6}|\d{1,6}(?:\.\d{1,6}){1,3}|\d{3,6})(?![\w.]|\.\d)"
)
"""What names one thing among others like it: "E21", "4.2", "VR-2200", "619"."""
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_AND_BEFORE = re.compile(r"(?:\A|(?<=\w)(?=\W))(\W*+)(\w++)")
"""A word, and what is between it and the one before."""
_OWN = re.compile(
    r"(?<!\w)(?:i|i'm|im|me|my|mine|ich|mich|mir|mein|meine[mnrs]?|je|j'ai|mon|ma|mes|yo|mi|mis)"
    r"(?!\w)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?:]\s")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks for, worked out once."""

    text: str
    language: str
    """A code such as `de`; empty if it is not known."""
    stems: dict[str, float]
    """Stems of its words, each with its rarity; function words are left out."""
    names: dict[str, float]
    """Those that are names or numbers: a text without them answers something else."""
    codes: frozenset[str]
    years: frozenset[str]
    sought: frozenset[Sought]
    is_own: bool
    """Whether it speaks of the person who asks: "my", "I"."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A unit of a passage, and how well it answers."""

    unit: Unit
    number: int
    """Of its passage, counted from 1."""
    document_id: int
    place: int
    """Of the unit in its passage."""
    measures: NDArray[np.float32]
    best_part: int
    score: float = 0.0
    """How well it answers, compared with others."""

    def measure(self, name: str) -> float:
        return float(self.measures[NAMES.index(name)])


def understand(question: str) -> Asked:
    language = language_of(question)
    first = {
        word[2]
        for word in _AND_BEFORE.finditer(question)
        if word.start() == 0 or _SENTENCE_END.search(word[1])
    }
    found = [word for word in _WORD.findall(question) if says_something(word)]
    return Asked(
        text=question,
        language=language,
        stems={stem(word, language): rarity(word) for word in found},
        names={stem(word, language): rarity(word) for word in found if _is_name(word, first)},
        codes=_codes(question),
        years=frozenset(_YEAR.findall(question)),
        sought=sought_in(question),
        is_own=bool(_OWN.search(question)),
    )


_WEIGHT = {
    "bias": 0.0,
    "part_cosine": 2.4,  # of the best sentence
    "unit_cosine": 3.1,  # with title and heading in front
    "relevance": 3.1,  # of the passage
    "lead": -1.1,  # how far the passage is behind the best one
    "cover": 0.0,  # share of the question's words, by rarity, in the unit: for the confidence alone
    "cover_all": 1.9,  # and in the unit, its title and headings
    "names_missing": -0.9,  # share of its names that are nowhere in the passage
    "sought": 0.7,  # share of what is asked for (an amount, a date) that the unit holds
    "not_sought": -0.7,
    "row": 0.5,
    "years_differ": -1.0,
    "mean_part": 0.3,
    "fit": 0.4,  # 1 for the person's country, site or team, -1 for another
    "own": 1.3,  # the person's name, where the question is about them
    "title_cover": 0.2,
    "opening": -0.5,  # a short first paragraph says who wrote a page, and when
    "rare_missing": -0.5,
    "most_missing": -1.1,
    "row_missing": -1.1,
    "superseded": -3.0,
    "code_missing": -3.0,
    "foreign": -1.0,  # the passage is in another language than the question
    "year_missing": -1.5,
    "elsewhere": -1.5,  # the question names a country or a site, and the unit is on another
    "contact_missing": -1.5,  # a telephone number, an address of mail or of a page is asked for
    "way_missing": -0.8,
    "command_missing": -3.0,
    "person_missing": -0.4,
    "asks": -0.5,  # it ends with a question
}
NAMES = tuple(_WEIGHT)
WEIGHTS = np.array([*_WEIGHT.values()], dtype=np.float32)
_CONFIDENCE = {
    "bias": -2.3,
    "part_cosine": 1.56,
    "unit_cosine": 0.92,
    "relevance": 1.0,
    "cover": 0.44,
    "cover_all": 0.38,
    "names_missing": -0.18,
    "sought": 0.08,
    "years_differ": -0.53,
    "fit": 0.26,
    "title_cover": 0.31,
    "rare_missing": -0.25,
    "most_missing": -0.55,
    "row_missing": -2.0,
    "superseded": -0.5,
    "code_missing": -2.0,
    "year_missing": -2.0,
    "elsewhere": -3.0,
    "contact_missing": -3.0,
    "command_missing": -1.5,
}
"""Of the same measures, for another question: whether the best unit answers at all."""
_BY_SCORE, _BY_MARGIN = 0.09, 0.41
_SCORE_SHIFT = 4.0
_STANDS_ALONE, _APART, _MOST_RARE_MISSING = 0.3, 1.5, 0.5
"""What it adds to that if no unit of another page comes so near, and at most this share of the rare
words is missing. It says nothing of a row of a table: rows are unlike any other page."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    unit: Unit
    number: int
    place: int
    passage: Passage
    own: Held
    """Of the unit."""
    above: Held
    """Of the title and the headings."""

    @property
    def all(self) -> Held:
        return _together(self.own, self.above)


def weigh(
    asked: Asked,
    passages: Sequence[Passage],
    compare: Compare,
    *,
    profile: Profile = NOBODY,
    near: frozenset[int] = frozenset(),
    compared: int = COMPARED,
) -> list[Weighed]:
    """Return the units of these passages that were weighed, the best first.

    `near`: documents that are more likely than others. `compared`: units that are compared by
    meaning, each sentence; of the others it is guessed.
    """
    named = facets_in(asked.text, sites=profile.sites)
    about = meant(profile, named)
    old = superseded(passages, asked.text, profile.today)
    best = max((passage.relevance for passage in passages), default=0.0)
    guessed: list[tuple[Weighed, _Candidate, Mapping[str, float]]] = []
    for one in _candidates(asked, passages):
        known: Mapping[str, float] = {
            "bias": 1.0,
            "lead": best - one.passage.relevance,
            "relevance": one.passage.relevance,
            "superseded": old.get(one.passage.document_id, 0.0),
            **_by_words(asked, one),
            **_by_kind(asked, one),
            "elsewhere": _elsewhere(one.passage, one.unit, named, profile.sites),
            "fit": _fit(one.passage, one.unit, about, profile.sites),
            "own": float(asked.is_own and bool(profile.name) and profile.name in one.unit.text),
        }
        parts = _by_their_words(asked, one.unit)
        first = _weighed(one, {**known, **_guessed(known)}, best_part=parts[0], near=near)
        guessed.append((first, one, known))
    guessed.sort(key=lambda one: -one[0].score)
    found = [first for first, _one, _known in guessed[compared:]]
    for _first, one, known in guessed[:compared]:
        parts = _parts(asked, one.unit)
        likeness = [compare(part, one.passage.language) for part in parts]
        measured = {**known, **_by_meaning(one, likeness, compare)}
        best_part = parts[int(np.argmax(likeness))]
        found.append(_weighed(one, measured, best_part=best_part, near=near))
    return sorted(found, key=lambda one: -one.score)


def _weighed(
    one: _Candidate, by_name: Mapping[str, float], *, best_part: str, near: frozenset[int]
) -> Weighed:
    measures = np.array([by_name[name] for name in NAMES], dtype=np.float32)
    document_id = one.passage.document_id
    return Weighed(
        one.unit,
        one.number,
        document_id,
        one.place,
        measures,
        one.unit.parts.index(best_part),
        float(measures @ WEIGHTS) + _NEAR * (document_id in near),
    )


def _candidates(asked: Asked, passages: Sequence[Passage]) -> list[_Candidate]:
    """Return the units that are worth weighing: in good passages, with its words."""
    found: list[_Candidate] = []
    for number, passage in enumerate(passages, start=1):
        if passage.relevance <= 0:  # there for its rows alone; it keeps its number
            continue
        above = _held(asked, passage, f"{passage.title} {passage.heading}")
        for place, unit in enumerate(units(passage.text, passage.spans)):
            words = len(_WORD.findall(unit.quote))
            if words >= (_MIN_FIRST_WORDS if _is_opening(passage, unit) else _MIN_WORDS):
                own = _held(asked, passage, unit.text)
                found.append(_Candidate(unit, number, place, passage, own, above))
    found.sort(key=lambda one: -one.passage.relevance - 0.3 * share(asked.stems, one.all))
    return found[:MOST_UNITS]


def _held(asked: Asked, passage: Passage, said: str) -> Held:
    """Return the stems of a text, and of words of the question's language for the same."""
    language = passage.language or asked.language
    counts = _SYNONYM if language == asked.language else 1.0  # a translation is no worse
    akin = with_synonyms(stems(said, language), language, asked.language)
    return dict.fromkeys(akin, counts) | dict.fromkeys(stems(said, asked.language), 1.0)


def _together(one: Held, other: Held) -> Held:
    return {stem: max(one.get(stem, 0), other.get(stem, 0)) for stem in one.keys() | other.keys()}


def _is_opening(passage: Passage, unit: Unit) -> bool:
    """Whether it stands before the first heading, where pages say who wrote them."""
    return unit.kind == "paragraph" and passage.heading in ("", passage.title)


def _by_meaning(
    one: _Candidate, likeness: Sequence[float], compare: Compare
) -> Mapping[str, float]:
    last = one.passage.heading.rpartition(" > ")[2]
    whole = f"{one.passage.title} {last}\n{one.unit.text}"
    return {
        "part_cosine": max(likeness),
        "mean_part": sum(likeness) / len(likeness),
        "unit_cosine": compare(whole, one.passage.language),
    }


def _guessed(known: Mapping[str, float]) -> Mapping[str, float]:
    """Return what its meaning would measure, by the passage's relevance and the words that it has.

    Lines through 3,376 units of two companies: off by .10, .10 and .09, where the measures
    themselves spread by .14, .12 and .14.
    """
    relevance, cover = known["relevance"], known["cover"]
    return {
        "part_cosine": 0.33 * relevance + 0.25 * cover + 0.10,
        "mean_part": 0.26 * relevance + 0.19 * cover + 0.09,
        "unit_cosine": 0.64 * relevance + 0.07 * cover + 0.04,
    }


def _by_words(asked: Asked, one: _Candidate) -> Mapping[str, float]:
    """Compare words; those of another language by what the dictionary of synonyms has of them."""
    known = _together(one.all, _held(asked, one.passage, one.passage.text))
    around = f"{one.passage.title} {one.passage.heading} {one.unit.text}"
    missing = 1 - share(asked.names, known) if asked.names else 0.0
    years = set(_YEAR.findall(around))
    differ = {
        "years_differ": float(bool(asked.years and years and not asked.years & years)),
        "code_missing": float(bool(asked.codes and not asked.codes & _codes(around))),
        "year_missing": float(bool(asked.years and not asked.years & years)),
        "foreign": 0.0,
    }
    if _is_foreign(asked.language, one.passage.language):
        across = {
            name: _share_across(asked, held, _NOT_COMPARED[name])
            for name, held in (
                ("cover", one.own),
                ("cover_all", one.all),
                ("title_cover", one.above),
            )
        }
        return {**_NOT_COMPARED, **across, **differ, "foreign": 1.0, "names_missing": missing}
    rare = {stem: weight for stem, weight in asked.stems.items() if weight > _RARE}
    in_row = one.unit.kind == "row"
    return {
        **differ,
        "names_missing": missing,
        "cover": share(asked.stems, one.own),
        "cover_all": share(asked.stems, one.all),
        "title_cover": share(asked.stems, one.above),
        "rare_missing": 1 - share(rare, known) if rare else 0.0,
        "most_missing": max((asked.stems[stem] for stem in asked.stems.keys() - known), default=0),
        "row_missing": 1 - share(asked.stems, one.all) if in_row else 0.0,
    }


_NOT_COMPARED = {
    "cover": 0.5, "cover_all": 0.65, "title_cover": 0.3,
    "rare_missing": 0.1, "most_missing": 0.2, "row_missing": 0.0,
}  # fmt: skip
"""What these measures are for units that answer, on the average, where the question is in another
language."""


_NOT_MET = 0.5


def _share_across(asked: Asked, held: Held, usual: float) -> float:
    """Return the share of the words that a text in another language has; of those that the
    dictionary does not know, the usual share.
    """
    total = sum(asked.stems.values())
    met = sum(
        weight
        * (1.0 if one in held else usual * (_NOT_MET if is_known(one, asked.language) else 1.0))
        for one, weight in asked.stems.items()
    )
    return met / total if total else usual


def _is_foreign(asked: str, held: str) -> bool:
    return (asked or "en") != (held or asked or "en")


_HELD_BY_NO_WORDS = (Sought.SEVERAL, Sought.OVERVIEW)
_MISSING = {
    "contact_missing": (Sought.PHONE, Sought.EMAIL, Sought.LINK),
    "way_missing": (Sought.WAY,),
    "command_missing": (Sought.COMMAND,),
    "person_missing": (Sought.PERSON,),
}


def _by_kind(asked: Asked, one: _Candidate) -> Mapping[str, float]:
    sought = [kind for kind in asked.sought if kind not in _HELD_BY_NO_WORDS]
    is_held = [holds(kind, one.unit.text) for kind in sought]
    words = len(one.unit.text.split())
    return {
        "sought": sum(is_held) / len(sought) if sought else 0.5,
        "not_sought": float(bool(sought) and not any(is_held)),
        "asks": float(one.unit.text.rstrip().endswith("?")),
        **{
            name: float(
                any(kind in asked.sought for kind in kinds)
                and not any(kind in asked.sought and holds(kind, one.unit.text) for kind in kinds)
            )
            for name, kinds in _MISSING.items()
        },
        "row": float(one.unit.kind == "row"),
        "opening": float(_is_opening(one.passage, one.unit) and words < _FEW_WORDS),
    }


def confidence(weighed: Sequence[Weighed]) -> float:
    """Return how sure it is that the best of the units answers, above 0 if it is better quoted.

    The threshold was set where about four in five questions without an answer are refused.
    """
    best = weighed[0]
    compared = [one.score for one in weighed[:COMPARED]]
    margin = best.score - sum(compared) / len(compared)
    own = sum(weight * best.measure(name) for name, weight in _CONFIDENCE.items())
    alone = _STANDS_ALONE if _stands_alone(weighed) else 0.0
    return own + _BY_SCORE * (best.score - _SCORE_SHIFT) + _BY_MARGIN * margin + alone


def _stands_alone(weighed: Sequence[Weighed]) -> bool:
    """Whether the best unit is not of a table, has the rare words, and no other page comes near."""
    best = weighed[0]
    if best.unit.kind == "row" or best.measure("rare_missing") > _MOST_RARE_MISSING:
        return False
    others = (one.score for one in weighed if one.document_id != best.document_id)
    return best.score - max(others, default=0.0) >= _APART


def _parts(asked: Asked, unit: Unit) -> list[str]:
    if len(unit.parts) <= _MOST_PARTS:
        return list(unit.parts)
    return _by_their_words(asked, unit)[:_MOST_PARTS]


def _by_their_words(asked: Asked, unit: Unit) -> list[str]:
    """Return its sentences, those with the most of the question's words first."""
    if len(unit.parts) == 1:
        return [*unit.parts]
    stemmed = {part: dict.fromkeys(stems(part, asked.language), 1.0) for part in unit.parts}
    return sorted(unit.parts, key=lambda part: -share(asked.stems, stemmed[part]))


def _fit(passage: Passage, unit: Unit, about: Profile, sites: Sites) -> float:
    """Return how well unit and passage fit a person: what the unit names itself counts first."""
    own = facets_in(unit.text, sites=sites)
    if own.countries or own.sites:
        return fit(own, about)
    named = facets_in(f"{passage.title}. {passage.heading}", sites=sites)
    return fit(named | facets_in_path(passage.document, sites=sites), about)


def _elsewhere(passage: Passage, unit: Unit, named: Facets, sites: Sites) -> float:
    """Return 1 if the question names a country or site itself, and the unit is on another."""
    if not named.names_a_place or named.everywhere:
        return 0.0
    own = facets_in(unit.text, sites=sites)
    page = facets_in(f"{passage.title}. {passage.heading}", sites=sites)
    held = own if own.names_a_place else page | facets_in_path(passage.document, sites=sites)
    if named.sites and held.sites:
        return float(not named.sites & held.sites)
    return float(bool(held.all_countries) and not named.all_countries & held.all_countries)


def _codes(text: str) -> frozenset[str]:
    found = (code.casefold().replace("-", "") for code in _CODE.findall(text))
    return frozenset(code for code in found if not _YEAR.fullmatch(code))


def _is_name(word: str, starts_sentence: set[str]) -> bool:
    if _NUMBER.search(word) or any(letter.isupper() for letter in word[1:]):
        return True
    return word[0].isupper() and word not in starts_sentence


def share(wanted: Mapping[str, float], held: Held) -> float:
    """Return the share of the wanted words that is there; rare words count for more."""
    total = sum(wanted.values())
    return sum(weight * held.get(one, 0) for one, weight in wanted.items()) / total if total else 0
