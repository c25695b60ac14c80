"""Which documents are old versions of others: "v2" beside "v3", a page that says it is replaced."""

import re
from collections.abc import Iterable

from workers.models.base import Passage

_VERSION = re.compile(
    r"(?<![^\W_])(?:v|version|rev|revision|edition|ausgabe|auflage|fassung)[ ._-]?"
    r"(\d{1,4}(?:\.\d{1,4})?)(?![^\W_])",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_WORD = re.compile(r"[^\W_]+")
_REPLACED = re.compile(
    r"(?<!\w)(?:superseded by|replaced by|obsolete|no longer valid|out of date|deprecated"
    r"|ersetzt durch|veraltet|nicht mehr gültig|abgelöst durch|obsolète|remplacée? par"
    r"|obsoleto|obsoleta|sustituid[oa] por|reemplazad[oa] por)(?!\w)",
    re.IGNORECASE,
)
_BEGINNING = 400
"""Characters of a chunk in which a page says that it is replaced."""


def superseded(passages: Iterable[Passage]) -> frozenset[int]:
    """Return the documents that are old: a newer version is among the passages, or they say so.

    Two documents are versions of one if their names differ in nothing but a version or a year.
    """
    newest: dict[tuple[str, ...], float] = {}
    versions: dict[int, tuple[tuple[str, ...], float]] = {}
    old: set[int] = set()
    for passage in passages:
        if found := _version(passage):
            versions[passage.document_id] = found
            newest[found[0]] = max(newest.get(found[0], 0.0), found[1])
        if passage.heading in ("", passage.title) and _REPLACED.search(passage.text[:_BEGINNING]):
            old.add(passage.document_id)
    return frozenset(old) | {
        document_id for document_id, (name, number) in versions.items() if number < newest[name]
    }


def _version(passage: Passage) -> tuple[tuple[str, ...], float] | None:
    """Return the name without its version, and the version: of the title, else of the file."""
    folder, _, file = passage.document.rpartition("/")
    for text in (passage.title, file.rpartition(".")[0]):
        spaced = text.replace("_", " ")
        if found := _VERSION.search(spaced) or _YEAR.search(spaced):
            rest = f"{spaced[: found.start()]} {spaced[found.end() :]}"
            words = (word for word in _WORD.findall(rest.casefold()) if not word.isdigit())
            return (folder, *words), float(found[1])
    return None
