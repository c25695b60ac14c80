"""What a page says of its own age: as of when, valid from and until when, replaced by another.

A page says so at its top, before its first heading, or in the name of its folder. Each is stated
in English, German, French or Spanish. It changes what is quoted first and how old a source is said
to be, never what may be read.
"""

import re
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from workers.models.base import Passage
from workers.models.dates import Named, named_dates, named_months

_LONGEST_LEAD = 60
"""Characters before a date in which its meaning stands."""
_LONGEST_OPENING = 400
_ANY_DAY = date(2000, 1, 1)
"""Only dates with a year count, so the day that the others are counted from does not matter."""

_BEGINS = (
    r"(?:valid|in force|in effect|effective|applies|apply|applicable|gültig|gilt|gelten"
    r"|in kraft|wirksam|en vigueur|valable|applicable|en vigor|vigente|válid[oa]|aplicable)"
    r"(?: (?:date|as|again|only|from|since|on|of|starting|ab|seit|von|vom|am|dem|à|partir|compter"
    r"|du|depuis|dès|le|desde|a|del|el)){0,5}"
    r"|tritt am"
)
_ENDS = (
    r"(?:valid|in force|in effect|effective|applies|apply|applicable|gültig|gilt|gelten|valable"
    r"|en vigueur|válid[oa]|vigente|en vigor)"
    r"(?: only| nur| noch)? (?:until|through|till|to|bis|jusqu'au|jusqu’au|jusqu'à|hasta)"
    r"(?: the| end of| zum| einschließlich| el| le){0,2}"
    r"|(?:expires?|expired|expiry date|abgelaufen|läuft ab|expire|caduca|valid until"
    r"|obsolete|superseded|replaced|withdrawn|archived|deprecated|veraltet|ersetzt|archiviert"
    r"|obsolète|remplacée?|obsolet[oa]|reemplazad[oa])"
    r"(?: on| since| as of| from| am| seit| zum| le| depuis(?: le)?| el| desde(?: el)?)?"
)
_AS_OF = (
    r"(?:as of|as at|last (?:updated|reviewed|changed|modified|edited|checked)|updated|reviewed"
    r"|changed|date|stand|zuletzt (?:geändert|aktualisiert|geprüft)|letzte (?:änderung"
    r"|aktualisierung)|aktualisiert|geändert|mis(?:e)? à jour|dernière (?:mise à jour|modification)"
    r"|état|actualizad[oa]|última (?:actualización|modificación)|fecha)"
    r"(?: on| in| am| vom| im| le| en| au| el| of){0,2}"
)
_DATE_AFTER = {
    kind: re.compile(rf"(?<!\w)(?:{words})\W{{0,3}}\Z", re.IGNORECASE)
    for kind, words in (("ends", _ENDS), ("begins", _BEGINS), ("as_of", _AS_OF))
}
_RANGE = re.compile(r"\A ?(?:to|until|through|bis|–|-|au|al|hasta)(?: zum| el)? ?\Z", re.IGNORECASE)

_PAGE = (
    r"page|document|policy|version|edition|guide|guideline|rules?|handbook|manual|list|article"
    r"|seite|dokument|richtlinie|fassung|ausgabe|leitfaden|regelung|liste|handbuch|anweisung"
    r"|politique|règle|guía|página|política|documento|versión|norma"
)
_OLD = (
    r"superseded|replaced by|obsolete|no longer valid|out of date|outdated|deprecated|archived"
    r"|withdrawn|expired|ersetzt durch|veraltet|nicht mehr gültig|ungültig|abgelöst durch"
    r"|archiviert|abgelaufen|obsolète|périmée?|remplacée? par|archivée?|obsolet[oa]"
    r"|sustituid[oa] por|reemplazad[oa] por|archivad[oa]|caducad[oa]"
)
_IS_OLD = re.compile(
    rf"(?:\A|[.:;!?\n*_>(\[–—|] ?)(?:{_OLD})(?!\w)"
    rf"|(?<!\w)(?:{_PAGE})(?: [\w.]{{1,20}}){{0,2}} (?:is|was|has been|ist|wurde|est|a été|es|está"
    rf"|ha sido|fue)(?: now| already| jetzt| inzwischen| durch| désormais| ya)?"
    rf" (?:{_OLD}|durch [^.\n]{{1,60}} (?:ersetzt|abgelöst))(?!\w)",
    re.IGNORECASE,
)
_OLD_NAME = re.compile(
    r"(?:\A|[(\[*_ -])(?:archived?|obsolete|deprecated|superseded|outdated|old|veraltet|archiviert"
    r"|archiv|alt|obsolète|archivé|obsoleto|archivado)(?:\Z|[)\]*_:-])",
    re.IGNORECASE,
)
_OLD_FOLDERS = frozenset(
    "archive archives archived archiv _archive .archive archivo archivos obsolete deprecated"
    " superseded outdated veraltet old".split()
)


@dataclass(frozen=True, slots=True)
class Validity:
    """What a page says of itself."""

    as_of: date | None = None
    begins: date | None = None
    ends: date | None = None
    """The last day on which it holds."""
    is_old: bool = False
    """Whether it says that it is replaced, obsolete or archived."""

    def holds_in(self, first: date, last: date) -> bool:
        """Whether it holds on one of these days."""
        if self.begins and self.begins > last:
            return False
        return not self.ends or self.ends >= first


def validity_of(passage: Passage, today: date) -> Validity:
    """Return what the page of a passage says of itself, at its top and in its name.

    "As of" a day to come is from when it holds.
    """
    first = passage.opening
    if not first and passage.heading in ("", passage.title):
        first = passage.text[:_LONGEST_OPENING]
    found = _read(passage.document, passage.title, first)
    if found.as_of and found.as_of > today:
        return replace(found, as_of=None, begins=found.begins or found.as_of)
    return found


@lru_cache(maxsize=4_000)
def _read(document: str, title: str, opening: str) -> Validity:
    text = opening[:_LONGEST_OPENING]
    found = stated(text)
    folders = document.casefold().split("/")[:-1]
    old = bool(_IS_OLD.search(text) or _OLD_NAME.search(title[:200]))
    old = old or not _OLD_FOLDERS.isdisjoint(folders)
    return Validity(found.as_of, found.begins, found.ends, is_old=old)


def stated(text: str) -> Validity:
    """Return the dates that a text gives for its own validity; the first of each kind counts."""
    found: dict[str, date] = {}
    days = [*named_dates(text, today=_ANY_DAY)]
    days += [one for one in named_months(text) if not _within(one, days)]
    days.sort()
    for at, one in enumerate(days):
        following = days[at + 1] if at + 1 < len(days) else None
        between = text[one.end : following.start] if following else ""
        is_range = following is not None and bool(_RANGE.match(between))
        kind = _kind(text[max(0, one.start - _LONGEST_LEAD) : one.start])
        if is_range and following and kind == "begins":  # "valid from 1 January to 31 March 2026"
            found.setdefault("ends", following.day)
            found.setdefault("begins", one.day if one.has_year else _before(one.day, following.day))
        elif kind and one.has_year:
            found.setdefault(kind, one.day)
    return Validity(found.get("as_of"), found.get("begins"), found.get("ends"))


def _before(day: date, later: date) -> date:
    """Return a day without a year in the year before or at another one."""
    if (day.month, day.day) == (2, 29):
        day = day.replace(day=28)
    same_year = day.replace(year=later.year)
    return same_year if same_year <= later else day.replace(year=later.year - 1)


def _kind(before: str) -> str:
    return next((kind for kind, lead in _DATE_AFTER.items() if lead.search(before)), "")


def _within(one: Named, others: list[Named]) -> bool:
    return any(other.start <= one.start < other.end for other in others)
