"""Finds the pages that a question may be about where neither it nor the profile says which, and the
page that is close where nothing answers.

A question is asked back in three cases, and otherwise the best page answers: it names only what may
be asked of many things ("the limit?"); it names only a subject that several pages have in their
titles ("the policy?"); or two pages differ only in the country, site or team that they are for.
"""

import re
from collections.abc import Sequence

from workers.models.asks import ATTRIBUTES
from workers.models.base import Passage, Profile, Sites
from workers.models.facets import Facets, facets_in, facets_in_path
from workers.models.stems import stem
from workers.models.stop_words import says_something
from workers.models.weighing import Asked, Weighed

_MOST = 3
_NEAR, _VERY_NEAR = 2.0, 1.0
"""A page whose best unit is this much below the best one is not meant: where the question says
little, and where it says all but the country, site or team."""
_CLOSE, _ALIKE = 4.5, 0.4
"""What the best unit of a page that is close scores at least, and how alike it is to the question:
in two of three refusals that name a page it was the right one (docs/benchmarks.md)."""
_FAR = "names_missing code_missing year_missing elsewhere contact_missing superseded".split()
"""Measures of which none may speak against a page that is close."""
_MOST_WORDS = 2
_WHOLE = 0.99
_WORD = re.compile(r"[^\W_]+")


def rivals(
    asked: Asked, weighed: Sequence[Weighed], passages: Sequence[Passage], profile: Profile
) -> tuple[int, ...]:
    """Return a passage of each page that the question may be about, counted from 1, the best first;
    none if it is clear.
    """
    few = 0 < len(asked.stems) <= _MOST_WORDS
    if few and not (asked.names or asked.codes or asked.years):
        is_attribute = asked.stems.keys() <= _attributes(asked.language)
        if found := _near(asked, weighed, passages, is_attribute=is_attribute):
            return found
    return _for_others(asked, weighed, passages, profile)


def _near(
    asked: Asked, weighed: Sequence[Weighed], passages: Sequence[Passage], *, is_attribute: bool
) -> tuple[int, ...]:
    """Return the pages near the best one that are on what the question names: by their titles; of
    what may be asked of many things, by their units, if no title decides.
    """
    best = _best(weighed)
    near = [one for one in best if one.score >= best[0].score - _NEAR]
    titled = [one for one in near if _is_titled(asked, passages[one.number - 1])]
    if len(titled) < 2 and is_attribute and titled != best[:1]:
        titled = [one for one in near if one.measure("cover_all") >= _WHOLE]
    elif asked.sought:
        return ()
    fits = [one for one in titled if one.measure("fit") >= 0] or titled
    return tuple(one.number for one in fits[:_MOST]) if len(fits) > 1 else ()


def _best(weighed: Sequence[Weighed]) -> list[Weighed]:
    """Return the best unit of each document that holds, the best first."""
    best: dict[int, Weighed] = {}
    for one in weighed:
        if not one.measure("superseded"):
            best.setdefault(one.document_id, one)
    return list(best.values())


def _is_titled(asked: Asked, passage: Passage) -> bool:
    """Whether all of the question's words are in the page's title."""
    return asked.stems.keys() <= _stems(passage.title, asked.language)


def _for_others(
    asked: Asked, weighed: Sequence[Weighed], passages: Sequence[Passage], profile: Profile
) -> tuple[int, ...]:
    """Return the pages that differ from the best one only in whom they are for."""
    best, *others = _siblings(asked, weighed, passages, profile) or (weighed[0],)
    found = [one.number for one in others if one.measure("fit") == best.measure("fit")]
    return (best.number, *found[: _MOST - 1]) if found else ()


def close(weighed: Sequence[Weighed]) -> tuple[int, ...]:
    """Return a passage of the page that is close to what was asked, counted from 1, or none."""
    best = weighed[0]
    if best.score < _CLOSE or best.measure("unit_cosine") < _ALIKE:
        return ()
    return () if any(best.measure(name) for name in _FAR) else (best.number,)


def fitting_first(
    asked: Asked, weighed: list[Weighed], passages: Sequence[Passage], profile: Profile
) -> list[Weighed]:
    """Put a page for the person before the same page for others, where that is the best."""
    if not weighed or weighed[0].measure("fit") >= 0:
        return weighed
    for one in _siblings(asked, weighed, passages, profile):
        if one.measure("fit") > 0:
            others = weighed[0].document_id
            return sorted(weighed, key=lambda each: each.document_id == others)
    return weighed


def _siblings(
    asked: Asked, weighed: Sequence[Weighed], passages: Sequence[Passage], profile: Profile
) -> Sequence[Weighed]:
    """Return the best unit, and those of pages that differ from its page in whom they are for."""
    best = _best(weighed)
    if not best or facets_in(asked.text, sites=profile.sites).names_a_place:
        return ()
    own = passages[best[0].number - 1]
    near = (one for one in best[1:] if one.score >= best[0].score - _VERY_NEAR)
    sites = profile.sites
    return (
        best[0],
        *(one for one in near if _is_for_others(own, passages[one.number - 1], sites)),
    )


def _is_for_others(one: Passage, other: Passage, sites: Sites) -> bool:
    facets = [_facets(page, sites) for page in (one, other)]
    if not all(facets) or facets[0] == facets[1]:
        return False
    titles = [_WORD.findall(page.title) for page in (one, other)]
    apart = [
        [word for word in mine if word not in theirs and says_something(word)]
        for mine, theirs in (titles, titles[::-1])
    ]
    return all(_only_names(words, sites) for words in apart)


def _only_names(words: Sequence[str], sites: Sites) -> bool:
    """Whether these words name countries or sites, and nothing else: none can be left out."""
    named = facets_in(" ".join(words), sites=sites)
    return all(
        facets_in(" ".join([*words[:at], *words[at + 1 :]]), sites=sites) != named
        for at in range(len(words))
    )


def _facets(page: Passage, sites: Sites) -> Facets:
    named = facets_in_path(page.document, sites=sites) | facets_in(page.title, sites=sites)
    return Facets(named.countries, named.sites)


def _attributes(language: str) -> set[str]:
    return {stem(word, language) for word in ATTRIBUTES}


def _stems(text: str, language: str) -> set[str]:
    return {stem(word, language) for word in _WORD.findall(text)}
