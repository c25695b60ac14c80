"""Whether a sentence follows from its quote and what is around it. Read this first.

The quote is found in its passage (`place.py`), and the sentence that it stands in counts whole, so
that no condition can be cut away. Then one rule after the other compares, each with a reason of its
own; the first that fails drops the sentence.
"""

from collections.abc import Callable
from dataclasses import dataclass

from workers.claims.amounts import check_amounts
from workers.claims.bounds import check_bounds
from workers.claims.case import Case
from workers.claims.conditions import check_causes, check_conditions, check_scope, check_status
from workers.claims.coverage import (
    check_coverage,
    check_instruction,
    check_names,
    check_translation,
    is_sure,
)
from workers.claims.lexicon import is_known, likely_language
from workers.claims.likeness import Similarity
from workers.claims.modality import check_modality, check_quantity
from workers.claims.pairing import check_pairing
from workers.claims.place import Block, Place, places_of
from workers.claims.polarity import check_polarity
from workers.claims.reading import Reading, is_said, read
from workers.claims.roles import check_order, check_roles
from workers.claims.tables import check_cells, said_by
from workers.claims.verdict import KEPT, Reason, Verdict
from workers.models.base import Passage
from workers.models.languages import language_of
from workers.models.quotes import MIN_QUOTE_WORDS, contains, words
from workers.models.sentences import without_marks

_LONGEST = 600
"""Letters of a sentence that are compared; a longer one is no sentence. This bounds the work."""
_RULES: tuple[Callable[[Case], Verdict | None], ...] = (
    check_instruction,
    check_cells,
    check_amounts,
    check_bounds,
    check_order,
    check_names,
    check_causes,
    check_status,
    check_polarity,
    check_modality,
    check_quantity,
    check_roles,
    check_pairing,
    check_conditions,
    check_scope,
    check_coverage,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdict on a sentence, with what it was compared with."""

    verdict: Verdict
    source: str = ""
    """What the quote touches, whole: a sentence, an item with its lead, a row; empty if none."""
    around: str = ""
    """Title, heading, lead-in, names of columns, and the sentence before."""


def check(
    sentence: str, quote: str, passage: Passage, similarity: Similarity | None = None
) -> Checked:
    """Return whether a sentence follows from a quote of this passage, and if not, why.

    `similarity` compares words and sentences by meaning, as a second signal; None: rules alone.
    """
    if len(words(quote)) < MIN_QUOTE_WORDS or not words(sentence):
        return Checked(Verdict(Reason.QUOTE))
    if len(sentence) > _LONGEST:
        return Checked(Verdict(Reason.UNDECIDED))
    checked = [
        _check_at(sentence, place, passage, similarity) for place in places_of(quote, passage)
    ]
    if not checked:
        return Checked(Verdict(Reason.QUOTE))
    return next((one for one in checked if one.verdict.is_kept), checked[0])


def _check_at(
    sentence: str, place: Place, passage: Passage, similarity: Similarity | None
) -> Checked:
    source = "\n".join(block.text for block in place.blocks)
    around = "\n".join(part for part in (place.context, place.before) if part)
    if place.is_whole and _plain(sentence) == _plain(place.quote):
        return Checked(KEPT, source, around)  # it is the source itself, whole
    if place.is_cut:
        return Checked(Verdict(Reason.BORDER), source, around)
    if _asks(source) and not _asks(sentence):
        return Checked(Verdict(Reason.UNDECIDED, "?"), source, around)
    case = _case(sentence, place, passage, similarity)
    if not is_known(case.claim.language):
        return Checked(_by_meaning(case), source, around)
    for rule in _RULES:
        if verdict := rule(case):
            return Checked(verdict, source, around)
    return Checked(Verdict(is_sure=is_sure(case)), source, around)


def _asks(text: str) -> bool:
    """Whether a text is nothing but a question: what it asks is not said."""
    return _plain(text).rstrip("*_ ").endswith("?")


def _by_meaning(case: Case) -> Verdict:
    """Judge a sentence in a language that the rules do not know: by its numbers and its meaning."""
    if any(contains(words(one.text), words(case.claim.text)) for one in case.sources):
        return Verdict(is_sure=False)
    for rule in (check_amounts, check_names, check_translation):
        if verdict := rule(case):
            return verdict
    return Verdict(is_sure=False)


def _plain(text: str) -> str:
    return " ".join(without_marks(text).split()).casefold().rstrip(".!")


def _case(sentence: str, place: Place, passage: Passage, similarity: Similarity | None) -> Case:
    own = passage.language or language_of(f"{place.context}\n{passage.text}") or "en"
    language = language_of(sentence) or likely_language(words(sentence), own)
    sources = tuple(read(_said(block), own) for block in place.blocks)
    refers = any(_refers_back(source, place, own) for source in sources)
    return Case(
        claim=read(sentence, language),
        sources=sources,
        context=_context(place, own),
        before=read(place.before if refers else "", own),
        place=place,
        similarity=similarity,
    )


def _said(block: Block) -> str:
    """Return what a block says to a reader: links and emphasis are no words of it."""
    return block.text if block.kind == "code" else without_marks(said_by(block))


def _refers_back(source: Reading, place: Place, language: str) -> bool:
    """Whether "it" or "the course" means something of the sentence before."""
    if source.refers_back:
        return True
    named = [word for word in source.words[:4] if not word.is_function]
    return any(is_said(word, read(place.before, language).words) for word in named)


def _context(place: Place, language: str) -> Reading:
    return read(place.context, language)
