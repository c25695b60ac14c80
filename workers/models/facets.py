"""Which countries, sites, languages and teams a text names, and whether they fit a person.

The names of countries are CLDR's, in English, German, French and Spanish; a company's sites come
from its people's profiles. Facets change the order and the words of answers, never what may be
read.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Generic, NamedTuple, TypeVar

from babel import Locale

from workers.models.base import Profile, Sites
from workers.models.nations import (
    ADJECTIVES,
    ALSO_TOWNS,
    ALSO_WORDS,
    CODES,
    LANGUAGE_OF,
    LANGUAGES_ALONE,
    LOOKS_LIKE_ANOTHER,
    MORE_NAMES,
    NOT_A_COUNTRY,
    NOT_IN_PATHS,
    ONLY_FOLDERS,
)

_LOCALES = ("en", "de", "fr", "es")
_NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ", "RE"})
"""CLDR's codes for other things; and Réunion, which is French for a meeting."""
_MOST_READ = 20_000
"""Characters of a text that are looked at."""
_MOST_WORDS = 7
"""The longest name, in words."""
_LONGEST_NAME = 100
_SHOUTED = 3
"""In a text of at least this many words, all in capitals, a code is more likely a word."""

_WORD = re.compile(r"[^\W_]+")
_JOINTS = frozenset({" ", "-", ".", ". ", "_", " & ", " - ", "\u00a0", "\u2011", "'", "’"})
"""What may be between two words of one name."""
_GERMAN_ENDINGS = ("", "e", "en", "em", "er", "es")
_IN_A_LANGUAGE = frozenset("in into auf en".split())
_NO_NOUN = frozenset("please bitte svp or and oder und ou et o y instead too auch".split())
"""What may follow the name of a language: “in German, please”, but not “in German offices”."""
_LANGUAGE_NOUNS = frozenset(
    "language version translation sprache fassung ubersetzung langue traduction".split()
)
_EVERYWHERE = frozenset(
    "countries offices sites locations everywhere worldwide europe europa eu lander landern "
    "standorte standorten buros uberall weltweit bureaux partout paises oficinas sedes".split()
)
_BEFORE_A_TOWN = frozenset("in at from to near nach aus bei ab a en de".split())
_AFTER_A_TOWN = frozenset("office site team hq buro buero standort bureau oficina".split())
_NO_TOWN = frozenset(
    "remote home office homeoffice anywhere worldwide global various hq headquarters".split()
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Phrases(Generic[T]):
    """Names to find, each with its value."""

    values: Mapping[tuple[str, ...], T]
    longest: Mapping[str, int]
    """The words of the longest name that begins with this word."""


def _phrases(values: Mapping[tuple[str, ...], T]) -> _Phrases[T]:
    longest: dict[str, int] = {}
    for phrase in values:
        longest[phrase[0]] = max(longest.get(phrase[0], 0), len(phrase))
    return _Phrases(values, longest)


class _Word(NamedTuple):
    written: str
    folded: str
    """Without case and accents."""
    joined: bool
    """Whether only a space, hyphen or full stop is between it and the next word."""


@dataclass(frozen=True, slots=True)
class Facets:
    """What a text names."""

    countries: frozenset[str] = frozenset()
    """ISO 3166's two letters, such as `DE`. A site's country is here only if it is named itself."""
    sites: frozenset[tuple[str, str]] = frozenset()
    """Towns of the company, as its profiles write them, each with its country."""
    languages: frozenset[str] = frozenset()
    """ISO 639's two letters, such as `de`."""
    teams: frozenset[str] = frozenset()
    """Those of the names that were looked for."""
    everywhere: bool = False
    """Whether it speaks of countries or sites as such: nobody's own is meant."""

    @property
    def names_a_place(self) -> bool:
        return bool(self.countries or self.sites or self.everywhere)

    def __bool__(self) -> bool:
        return bool(self.countries or self.sites or self.languages or self.teams)

    def __or__(self, more: "Facets") -> "Facets":
        return Facets(
            self.countries | more.countries,
            self.sites | more.sites,
            self.languages | more.languages,
            self.teams | more.teams,
            self.everywhere or more.everywhere,
        )

    @property
    def all_countries(self) -> frozenset[str]:
        """Return the countries that are named, and those of the sites."""
        return self.countries | {country for _town, country in self.sites if country}


NO_FACETS = Facets()


def facets_in(text: str, *, sites: Sites = (), teams: tuple[str, ...] = ()) -> Facets:
    """Return what a text names. `sites`: the company's; `teams`: names to look for."""
    words = _words(text)
    countries, languages = _countries_and_languages(words)
    towns = {
        site
        for at, length, found in _matches(words, _towns(sites))
        if _is_a_town(words, at, length)
        for site in found
    }
    named = {name for _at, _length, names in _matches(words, _names(teams)) for name in names}
    everywhere = any(word.folded in _EVERYWHERE for word in words)
    return Facets(
        frozenset(countries),
        frozenset(towns),
        frozenset(languages),
        frozenset(named),
        everywhere,
    )


def facets_in_path(path: str, *, sites: Sites = (), teams: tuple[str, ...] = ()) -> Facets:
    """Return what the folders and the name of a file name, such as `hr/de/vacation-us.md`.

    A code counts if the company has people in that country: `de` may also be a language.
    """
    folders = path[-_MOST_READ:].casefold().split("/")
    stem = folders.pop().partition(".")[0]
    codes = {folder for folder in folders if folder not in NOT_IN_PATHS}
    last = (_WORD.findall(stem) or [""])[-1]
    if last not in ONLY_FOLDERS | NOT_IN_PATHS:
        codes.add(last)
    here = {country for _town, country in sites}
    countries = {CODES.get(code.upper(), code.upper()) for code in codes} & here
    named = facets_in(path[-_MOST_READ:], sites=sites, teams=teams)
    languages = named.languages | codes.intersection(_LOCALES)
    return replace(named, countries=named.countries | countries, languages=languages)


def fit(facets: Facets, profile: Profile) -> float:
    """Return how well what is named fits a person: 1 if it is theirs, -1 if it is only others', 0
    if nothing is named, or nothing is known of the person.

    One that does not fit counts for more than others that do. A team or language that is not theirs
    is no reason against a text, and one that is theirs counts half.
    """
    found: list[float] = []
    town, country = town_of(profile.location), country_code(profile.country)
    if town and facets.sites:
        found.append(1.0 if town in {_folded(name) for name, _country in facets.sites} else -1.0)
    named = facets.countries if town and facets.sites else facets.all_countries
    if country and named:
        found.append(1.0 if country in named else -1.0)
    if facets.teams.intersection(names_of(profile)):
        found.append(0.5)
    if profile.locale and profile.locale[:2].casefold() in facets.languages:
        found.append(0.5)
    if min(found, default=0.0) < 0:
        return 0.0 if facets.everywhere else min(found)
    return max(found, default=0.0)


def names_of(profile: Profile) -> tuple[str, ...]:
    """Return the names that are a person's own: their team, their groups, and what they asked Ken
    to remember, as far as it looks like a name.
    """
    noted = [
        word[0]
        for words in profile.remembered
        for word in _WORD.finditer(words)
        if word.start() and word[0][0].isupper() and len(word[0]) > 1
    ]
    return tuple(dict.fromkeys(filter(None, (profile.team, *profile.groups, *noted))))


def meant(profile: Profile, asked: Facets) -> Profile:
    """Return the profile that a question is about: what it names itself takes the person's place.

    With several countries or sites in it, or with all of them, none is preferred.
    """
    if not asked.names_a_place:
        return profile
    country = _only(asked.all_countries)
    if asked.everywhere and not country:
        return replace(profile, country="", location="")
    if not asked.sites:
        stays = country == country_code(profile.country)
        return replace(profile, country=country, location=profile.location if stays else "")
    return replace(profile, country=country, location=_only(town for town, _code in asked.sites))


def country_code(value: str) -> str:
    """Return ISO 3166's two letters for a code or a name; empty if it is neither."""
    code = value.strip().upper()
    if code in CODES or code in _territories():
        return CODES.get(code, code)
    return _only(facets_in(value).countries)


def country_name(code: str, language: str = "en") -> str:
    """Return the name of a country in a language; the code if there is none."""
    locale = Locale(language if language in _LOCALES else "en")
    return str(locale.territories.get(code, code))


def town_of(location: str) -> str:
    """Return the town of a profile's location, folded; empty if it names none."""
    name = location.partition(",")[0].partition("(")[0][:_LONGEST_NAME]
    words = [word.folded for word in _words(name)]
    kept = [word for word in words if word not in _NO_TOWN]
    is_a_town = bool(kept) and len("".join(kept)) > 2 and not kept[0][0].isdigit()
    return " ".join(kept) if is_a_town and len(kept) <= _MOST_WORDS else ""


def _countries_and_languages(words: Sequence[_Word]) -> tuple[set[str], set[str]]:
    countries: set[str] = set()
    languages: set[str] = set()
    shouted = len(words) >= _SHOUTED and not any(word.written.islower() for word in words)
    for at, length, codes in _matches(words, _countries()):
        word = words[at]
        language = _language(words, at) if length == 1 else ""
        if language:
            languages.add(language)
        elif word.folded not in ALSO_WORDS or length > 1 or not word.written.islower():
            countries.update(codes)
    for word in words:
        if word.written in CODES and not shouted:
            countries.add(CODES[word.written])
        if word.folded in LANGUAGES_ALONE:
            languages.add(LANGUAGES_ALONE[word.folded])
    return countries, languages


def _language(words: Sequence[_Word], at: int) -> str:
    """Return the language that an adjective stands for here; empty if it stands for a country."""
    language = _adjectives().get(words[at].folded, "")
    before = words[at - 1].folded if at and words[at - 1].joined else ""
    after = words[at + 1].folded if words[at].joined and at + 1 < len(words) else ""
    is_one = after in _LANGUAGE_NOUNS or (
        before in _IN_A_LANGUAGE and (not after or after in _NO_NOUN)
    )
    return language if is_one else ""


def _is_a_town(words: Sequence[_Word], at: int, length: int) -> bool:
    """Whether a name that is also a word stands for a town here."""
    if length > 1 or words[at].folded not in ALSO_TOWNS:
        return True
    before = words[at - 1].folded if at else ""
    after = words[at + 1].folded if at + 1 < len(words) else ""
    beside = before in _BEFORE_A_TOWN or after in _AFTER_A_TOWN
    return not words[at].written.islower() and (beside or len(words) == 1)


def _matches(words: Sequence[_Word], phrases: _Phrases[T]) -> Iterator[tuple[int, int, T]]:
    """Find phrases, the longest first: where, of how many words, and its value."""
    at = 0
    while at < len(words):
        longest = phrases.longest.get(words[at].folded, 0)
        for phrase in reversed(_runs(words, at, min(longest, _MOST_WORDS))):
            if phrase in phrases.values:
                yield at, len(phrase), phrases.values[phrase]
                at += len(phrase) - 1
                break
        at += 1


def _runs(words: Sequence[_Word], at: int, longest: int) -> list[tuple[str, ...]]:
    """Return what one phrase may be from this word on: words beside each other, shortest first."""
    runs: list[tuple[str, ...]] = []
    for word in words[at : at + longest]:
        runs.append((*(runs[-1] if runs else ()), word.folded))
        if not word.joined:
            break
    return runs


def _words(text: str) -> list[_Word]:
    text = text[:_MOST_READ]
    found = list(_WORD.finditer(text))
    ends = [word.start() for word in found[1:]] + [len(text)] * bool(found)
    return [
        _Word(word[0], _folded(word[0]), text[word.end() : end] in _JOINTS)
        for word, end in zip(found, ends, strict=True)
    ]


def _folded(text: str) -> str:
    if text.isascii():
        return text.casefold()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _phrase(name: str) -> tuple[str, ...]:
    return tuple(_folded(word) for word in _WORD.findall(name))


@cache
def _territories() -> dict[str, set[str]]:
    """Return CLDR's names of each country, by its code."""
    names: dict[str, set[str]] = {}
    for locale in map(Locale, _LOCALES):
        for code, name in locale.territories.items():
            if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES:
                names.setdefault(code, set()).add(name.partition(" (")[0])
    return names


@cache
def _countries() -> _Phrases[tuple[str, ...]]:
    """Return every way to name a country, with its code; with none, what only looks like one."""
    named: dict[tuple[str, ...], tuple[str, ...]] = {}
    for code, names in _territories().items():
        more = MORE_NAMES.get(code, "").split(", ")
        for name in (*names, *filter(None, more)):
            named.setdefault(_phrase(name), (code,))
    for code, forms in ADJECTIVES.items():
        for form in forms.split():
            named |= dict.fromkeys(map(_phrase, _inflected(form)), (code,))
    for name in LOOKS_LIKE_ANOTHER:
        named.pop(_phrase(name.replace("_", " ")), None)
    return _phrases(named | {_phrase(name): () for name in NOT_A_COUNTRY})


@cache
def _adjectives() -> dict[str, str]:
    """Return the adjectives that are also names of languages, each with the language."""
    return {
        _folded(word): LANGUAGE_OF[code]
        for code, forms in ADJECTIVES.items()
        if code in LANGUAGE_OF
        for form in forms.split()
        for word in _inflected(form)
    }


def _inflected(form: str) -> list[str]:
    if form.endswith("*"):
        return [form[:-1] + ending for ending in _GERMAN_ENDINGS]
    return [form[:-1], form[:-1] + "s"] if form.endswith("+") else [form]


@lru_cache(maxsize=64)
def _towns(sites: Sites) -> _Phrases[tuple[tuple[str, str], ...]]:
    named: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {}
    for town, country in sites:
        if phrase := tuple(town_of(town).split()):
            named[phrase] = (*named.get(phrase, ()), (town, country_code(country)))
    return _phrases(named)


@lru_cache(maxsize=64)
def _names(names: tuple[str, ...]) -> _Phrases[tuple[str, ...]]:
    phrases = {name: _phrase(name[:_LONGEST_NAME]) for name in names}
    return _phrases({phrase: (name,) for name, phrase in phrases.items() if phrase})


def _only(values: Iterable[str]) -> str:
    found = set(values)
    return found.pop() if len(found) == 1 else ""
