"""Which documents are old versions of others, or do not hold at the time that is asked about."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from workers.models.base import Passage
from workers.models.dates import named_dates
from workers.models.validity import Validity, validity_of

_VERSION = re.compile(
    r"(?<![^\W_])(?:v|version|rev|revision|edition|ausgabe|auflage|fassung|versión)[ ._-]?"
    r"(\d{1,4}(?:\.\d{1,4})?)(?![^\W_])",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_WORD = re.compile(r"[^\W_]+")
_FIRST_YEAR, _LONG_WORD = 1900, 4
_LONGEST_QUESTION = 2_000
_REPLACES = re.compile(
    r"(?<!\w)(?:replaces|supersedes|instead of|ersetzt|löst|remplace|sustituye(?: a)?"
    r"|reemplaza(?: a)?)(?: the| die| das| den| le| la| el)? ([^.;\n]{3,100})",
    re.IGNORECASE,
)
_LAST_YEAR = re.compile(
    r"(?<!\w)(?:last year|previous year|letzte[nsm]? jahr(?:es)?|vorjahr(?:es)?"
    r"|vorige[nsm]? jahr(?:es)?|l['’]année dernière|l['’]an dernier|(?:el )?año pasado)(?!\w)",
    re.IGNORECASE,
)
_NEXT_YEAR = re.compile(
    r"(?<!\w)(?:next year|(?:nächste|kommende)[nsm]? jahr(?:es)?|l['’]année prochaine"
    r"|l['’]an prochain|(?:el )?próximo año|año que viene)(?!\w)",
    re.IGNORECASE,
)
_PAGES = (
    "policy|policies|rules?|version|page|guide|guidelines?|handbook|manual|document|edition|list"
    "|richtlinien?|regel(?:n|ung)?|fassung|seite|leitfaden|handbuch|dokument|liste|ausgabe"
    "|politique|règles?|guía|página|política|normas?|versión"
)
_OLD_ONE = re.compile(
    rf"(?<!\w)(?:old|previous|former|earlier|prior|superseded|obsolete|outdated|expired|archived"
    rf"|alte[nrsm]?|vorherige[nrsm]?|frühere[nrsm]?|ehemalige[nrsm]?|veraltete[nrsm]?"
    rf"|ancienne?s?|antigu[oa]s?)(?: [\w-]{{1,20}}){{0,2}} (?:[\w-]{{0,20}})(?:{_PAGES})(?!\w)"
    rf"|(?<!\w)(?:{_PAGES}) (?:précédente?|anterior(?:es)?|antigu[oa]s?)(?!\w)"
    r"|(?<!\w)(?:previously|used to be|früher|damals|auparavant|anteriormente)(?!\w)",
    re.IGNORECASE,
)
OLD, NOT_NOW = 1.0, 0.5
"""An older version of a page; and a page that holds at another time, which may be the only one."""


@dataclass(frozen=True, slots=True)
class _Page:
    document_id: int
    name: tuple[str, ...]
    """Folder and title without their version: equal for all versions of one page."""
    number: float | None
    """Its version, or its year."""
    says: Validity
    title: frozenset[str]
    replaces: frozenset[str]
    """Words of what it says that it replaces."""

    @property
    def year(self) -> int | None:
        return int(self.number) if self.number and self.number >= _FIRST_YEAR else None


@dataclass(frozen=True, slots=True)
class _Wish:
    """Which time or version a question is about."""

    first: date
    last: date
    is_now: bool
    versions: frozenset[float]
    is_old: bool

    @property
    def is_special(self) -> bool:
        return bool(self.versions) or self.is_old or not self.is_now


def superseded(
    passages: Iterable[Passage], question: str = "", today: date | None = None
) -> Mapping[int, float]:
    """Return the documents that are not to be quoted first, each with how much that counts.

    That is `OLD` if a newer version is among the passages or the page says that it is replaced,
    and `NOT_NOW` if it does not hold yet or any more. If the question asks for an old version, a
    past or a coming year, and there is one, it is the other versions instead. Two documents are
    versions of one if their names differ in nothing but a version or a year.
    """
    today = today or datetime.now(UTC).date()
    pages = _pages(passages, today)
    wish = _wish(question[:_LONGEST_QUESTION], today)
    out = _out(pages, today)
    fitting = [one for one in pages if one.document_id in out and _fits(one, wish, today)]
    if not wish.is_special or not fitting:
        return out
    if wish.is_old:
        newest = max(_order(one) for one in fitting)
        fitting = [one for one in fitting if _order(one) == newest]
    wanted = {one.document_id for one in fitting}
    names = {one.name for one in fitting}
    others = {
        one.document_id: OLD
        for one in pages
        if one.document_id in out
        or one.name in names
        or not _holds(one, wish)
        or (wish.is_old and any(_is_beside(one, old) for old in fitting))
    }
    return {id: weight for id, weight in others.items() if id not in wanted}


def _out(pages: Sequence[_Page], today: date) -> dict[int, float]:
    """Return what does not hold today."""
    out = {one.document_id: NOT_NOW for one in pages if not one.says.holds_in(today, today)}
    out |= {one.document_id: OLD for one in pages if one.says.is_old}
    for one in pages:
        if any(_replaces(other, one) for other in pages if other.document_id not in out):
            out[one.document_id] = OLD
    families: dict[tuple[str, ...], list[_Page]] = defaultdict(list)
    for one in pages:
        if one.document_id not in out and one.number is not None:
            families[one.name].append(one)
    for family in families.values():
        begun = [one for one in family if (one.year or 0) <= today.year] or family
        newest = max(one.number or 0 for one in begun)
        out |= {one.document_id: OLD for one in family if one.number != newest}
    return out


def _pages(passages: Iterable[Passage], today: date) -> list[_Page]:
    found: dict[int, _Page] = {}
    for passage in passages:
        says = validity_of(passage, today)
        known = found.get(passage.document_id)
        if known is None or says.is_old:
            found[passage.document_id] = _page(passage, says)
    return list(_with_ends(found.values()))


def _page(passage: Passage, says: Validity) -> _Page:
    name, number = _version(passage)
    top = passage.opening or (passage.text if passage.heading in ("", passage.title) else "")
    replaced = " ".join(match[1] for match in _REPLACES.finditer(top[:400]))
    return _Page(passage.document_id, name, number, says, _words(passage.title), _words(replaced))


def _with_ends(pages: Iterable[_Page]) -> Iterable[_Page]:
    """Let each version end where the next one begins, if it does not say itself when."""
    families: dict[tuple[str, ...], list[_Page]] = defaultdict(list)
    for one in pages:
        if one.number is None:
            yield one
        else:
            families[one.name].append(one)
    for family in families.values():
        family.sort(key=_order)
        for one, following in zip(family, [*family[1:], None], strict=True):
            ends = following.says.begins if following and one.says.ends is None else None
            yield replace(one, says=replace(one.says, ends=ends)) if ends else one


def _order(one: _Page) -> tuple[float, date]:
    return one.number or 0.0, one.says.begins or date.min


def _replaces(one: _Page, other: _Page) -> bool:
    """Whether a page names the title of another as what it replaces."""
    is_named = len(other.title) > 1 and other.title <= one.replaces
    return is_named and one.document_id != other.document_id


def _is_beside(one: _Page, old: _Page) -> bool:
    """Whether a page stands where an old one stood: it says so, or its title shares a word."""
    return _replaces(one, old) or any(len(word) >= _LONG_WORD for word in one.title & old.title)


def _fits(one: _Page, wish: _Wish, today: date) -> bool:
    if wish.versions:
        return one.number in wish.versions
    if wish.is_old:
        return one.says.begins is None or one.says.begins <= today
    return _holds(one, wish) and (one.year is not None or one.says != Validity())


def _holds(one: _Page, wish: _Wish) -> bool:
    if one.year is not None and not wish.first.year <= one.year <= wish.last.year:
        return False
    return one.says.holds_in(wish.first, wish.last)


def _wish(question: str, today: date) -> _Wish:
    first, last = _time(question, today)
    return _Wish(
        first,
        last,
        is_now=first <= today <= last,
        versions=frozenset(float(number) for number in _VERSION.findall(question)),
        is_old=bool(_OLD_ONE.search(question)),
    )


def _time(question: str, today: date) -> tuple[date, date]:
    """Return the first and the last day of the time that is asked about: today if none is named."""
    days = [one.day for one in named_dates(question, today=today) if one.has_year]
    if days:
        return min(days), max(days)
    years = [int(year) for year in _YEAR.findall(question)]
    years += [today.year - 1] if _LAST_YEAR.search(question) else []
    years += [today.year + 1] if _NEXT_YEAR.search(question) else []
    if not years:
        return today, today
    return date(min(years), 1, 1), date(max(years), 12, 31)


def _version(passage: Passage) -> tuple[tuple[str, ...], float | None]:
    """Return the name without its version, and the version: of the title, else of the file."""
    folder, _, file = passage.document.rpartition("/")
    for text in (passage.title, file.rpartition(".")[0]):
        spaced = text.replace("_", " ")
        if found := _VERSION.search(spaced) or _YEAR.search(spaced):
            rest = f"{spaced[: found.start()]} {spaced[found.end() :]}"
            words = (word for word in _WORD.findall(rest.casefold()) if not word.isdigit())
            return (folder, *words), float(found[1])
    return (folder, *(_WORD.findall(passage.title.casefold()) or [str(passage.document_id)])), None


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))
