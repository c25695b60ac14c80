"""The answerer without a language model: quotes what answers the question, word for word."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from workers.models.asks import Sought, asks_for_a_list, marks
from workers.models.base import NOBODY, Draft, Embedder, Passage, Profile, Sentence, Support
from workers.models.conflicts import Places, Side, conflict
from workers.models.embedders import Embedders
from workers.models.parts import is_comparison, parts_of
from workers.models.quotes import MIN_QUOTE_WORDS, contains, words
from workers.models.rivals import close, fitting_first, rivals
from workers.models.tables import MOST_ROWS, Worked, tables_in, work_out
from workers.models.weighing import Asked, Weighed, confidence, understand, weigh
from workers.wording.text import day, gettext, listed, ngettext

_WORD = re.compile(r"[^\W_]+")
_MOST_WORDS = 100
"""Words of an answer."""
_BEHIND_IN_SECTION, _BEHIND = 1.6, 0.8
"""A further unit whose logit is this much below the best one is left out: one of the same passage,
and one of another."""
_LONGEST_NAME = 100
_MOST_UNITS, _FEW_WORDS = 3, 5
"""Further units: at most so many with the best, and none that says hardly anything."""
_WORKED_OUT, _UNSUPPORTED = 5.0, -5.0
"""The support of what code worked out from all rows of a table, and where nothing is weighed: about
the most and the least that units have."""
_FOUND = -1.5
"""How sure it must be, at least, that a row which was only found by its words answers. Rows name
few of a question's words, so this is less than other units need."""
_KNOWN_TEXTS = 4_000
"""Units whose vectors are kept for the next question: about 6 MB."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is quoted for one question: nothing, if that is better."""

    sentences: list[Sentence]
    support: float
    """How sure it is that the best unit answers; above 0 it is quoted, unless it is an overview."""
    pages: tuple[int, ...] = ()
    """As `Draft.pages`."""


class QuotingAnswerer:
    """Quotes the parts of the passages that answer best, or nothing."""

    name = "quoting"
    counts_rows = True

    def __init__(self, embedder: Embedder, multilingual: Embedder | None = None) -> None:
        self._embedders = Embedders(
            _Remembering(embedder), _Remembering(multilingual) if multilingual else None
        )

    def write(
        self,
        question: str,
        passages: tuple[Passage, ...],
        *,
        language: str = "",  # noqa: ARG002 - quotes keep their own language
        profile: Profile = NOBODY,
    ) -> Draft:
        parts = parts_of(question)
        alone = len(parts) == 1
        answers: list[_Answer] = []
        near: frozenset[int] = frozenset()
        for part in parts:
            answers.append(self._answer(part, passages, profile, alone=alone, near=near))
            if not is_comparison(parts):
                near = _documents(answers[0].sentences, passages)
        if not alone and not any(answer.sentences for answer in answers):
            answers = [self._answer(question, passages, profile, alone=True)]
        said = _without_repetition(one for answer in answers for one in answer.sentences)
        support = max(answer.support for answer in answers)
        pages = answers[0].pages if len(answers) == 1 else ()
        return Draft(tuple(said), support=support, pages=pages, is_quoted=True)

    def _answer(
        self,
        question: str,
        passages: Sequence[Passage],
        profile: Profile,
        *,
        alone: bool,
        near: frozenset[int] = frozenset(),
    ) -> "_Answer":
        """Quote what answers one question.

        `alone`: there is room for more than the best unit. `near`: documents that answered the
        question before it in the same message, which this one is likely to be about.
        """
        asked = understand(question)
        compare = self._embedders.compare_with(question).similarity
        weighed = weigh(asked, passages, compare, profile=profile, near=near)
        weighed = fitting_first(asked, weighed, passages, profile)
        if worked := _worked(asked, passages, weighed, profile):
            return _Answer([*_of_rows(worked)], _WORKED_OUT)
        support = confidence(weighed) if weighed else _UNSUPPORTED
        if not weighed:
            return _Answer([], support)
        if not _is_sure(asked, weighed):
            return _Answer([], support, close(weighed))
        if Sought.OVERVIEW in asked.sought:
            chosen = _overview(weighed)
        elif sides := self._conflict(asked, weighed, passages, profile):
            said = [_sentence(sides[0].weighed, asked), _differing(sides, passages)]
            return _Answer(said, support)
        else:
            chosen = _chosen(asked, weighed) if alone else weighed[:1]
        said = [_sentence(one, asked) for one in chosen]
        return _Answer(said, support, rivals(asked, weighed, passages, profile))

    def _conflict(
        self,
        asked: Asked,
        weighed: Sequence[Weighed],
        passages: Sequence[Passage],
        profile: Profile,
    ) -> tuple[Side, ...]:
        def alike(one: str, two: str, language: str) -> float:
            return self._embedders.compare_with(one).similarity(two, language)

        today = profile.today or datetime.now(UTC).date()
        return conflict(asked, weighed, Places(passages, profile.sites, today), alike)


class _Remembering:
    """An embedder that keeps the vectors of the last texts: the next question meets them again."""

    def __init__(self, embedder: Embedder) -> None:
        self.name, self.dimension = embedder.name, embedder.dimension
        self.embed_one = lru_cache(maxsize=_KNOWN_TEXTS)(embedder.embed_one)


def _documents(sentences: Sequence[Sentence], passages: Sequence[Passage]) -> frozenset[int]:
    return frozenset(passages[one.passage - 1].document_id for one in sentences)


def _worked(
    asked: Asked, passages: Sequence[Passage], weighed: Sequence[Weighed], profile: Profile
) -> Worked | None:
    """Return what a table says, if it says it more surely than any other unit."""
    today = profile.today or datetime.now(UTC).date()
    best: Worked | None = None
    for table in tables_in(passages):
        worked = work_out(table, asked, profile, today)
        if worked is None or (best is not None and best.unmatched <= worked.unmatched):
            continue
        if worked.is_lookup and not _is_found(weighed):
            continue
        best = worked
    return best


def _is_found(weighed: Sequence[Weighed]) -> bool:
    """Whether a row that was only found by its words is the best unit, and may be an answer."""
    return bool(weighed) and weighed[0].unit.kind == "row" and confidence(weighed) >= _FOUND


def _of_rows(worked: Worked) -> Iterator[Sentence]:
    first = worked.rows[0]
    if worked.figure:
        counted = ngettext(
            "{figure} (from {number} row)",
            "{figure} (from {number} rows)",
            len(worked.rows),
            figure=worked.figure,
        )
        yield Sentence(counted, first.number, first.quote, bold=(worked.figure,))
    for row in worked.rows[:MOST_ROWS]:
        yield Sentence(row.quote, row.number, row.quote)


def _differing(sides: Sequence[Side], passages: Sequence[Passage]) -> Sentence:
    """Say that pages differ, each with its value and its date; it rests on all of them."""
    undated = gettext("no date")
    values = [side.value.text or f"“{_shortened(side.sentence)}”" for side in sides]
    named = [
        f"{value} ({_shortened(passages[side.weighed.number - 1].title)}, "
        f"{day(side.as_of) if side.as_of else undated})"
        for value, side in zip(values, sides, strict=True)
    ]
    text = (
        gettext("Two pages differ: {values}.", values=listed(named))
        if len(sides) == 2
        else gettext("{number} pages differ: {values}.", number=len(sides), values=listed(named))
    )
    first, *others = [
        Support(side.weighed.number, _quote(side, passages[side.weighed.number - 1]))
        for side in sides
    ]
    return Sentence(text, *first, bold=tuple(values), beside=tuple(others))


def _quote(side: Side, passage: Passage) -> str:
    """Return the sentence that gives the value, if it stands so in the passage, else its unit."""
    said = words(side.sentence)
    stands = len(said) >= MIN_QUOTE_WORDS and contains(words(passage.text), said)
    return side.sentence if stands else side.weighed.unit.quote


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1].rstrip()}…"


def _chosen(asked: Asked, weighed: Sequence[Weighed]) -> list[Weighed]:
    """Return the best unit, and others that answer nearly as well, the best first.

    Where things of one kind are asked for, more rows of the best one's table may be among them.
    """
    best = weighed[0]
    chosen = [best]
    left = _MOST_WORDS - len(best.unit.text.split())
    lists_rows = best.unit.kind == "row" and asks_for_a_list(asked.text)
    for one in weighed[1:]:
        if len(chosen) == (MOST_ROWS if lists_rows else _MOST_UNITS):
            break
        is_near = one.number == best.number and (lists_rows or one.unit.kind != "row")
        behind = _BEHIND_IN_SECTION if is_near else _BEHIND
        size = len(one.unit.text.split())
        if _FEW_WORDS <= size <= left and one.score >= best.score - behind:
            chosen.append(one)
            left -= size
    return chosen


def _overview(weighed: Sequence[Weighed]) -> list[Weighed]:
    """Return what fits on the page with the best unit, in the order of its passages; who wrote the
    page, and when, is left out.
    """
    page = [one for one in weighed if one.document_id == weighed[0].document_id]
    best, *others = [one for one in page if not one.measure("opening")] or page
    chosen = [best]
    left = _MOST_WORDS - len(best.unit.text.split())
    for one in others:
        size = len(one.unit.text.split())
        if _FEW_WORDS <= size <= left:
            chosen.append(one)
            left -= size
    return sorted(chosen, key=lambda one: (one.number, one.place))


def _is_sure(asked: Asked, weighed: Sequence[Weighed]) -> bool:
    """Whether the best unit is better quoted than nothing.

    Who wants an overview names its subject, and no more: a page on that is enough.
    """
    if Sought.OVERVIEW in asked.sought and asked.names:
        return weighed[0].measure("names_missing") == 0
    return confidence(weighed) >= 0


def _sentence(one: Weighed, asked: Asked) -> Sentence:
    return Sentence(one.unit.text, one.number, one.unit.quote, bold=_bold(one, asked.sought))


def _bold(one: Weighed, sought: Iterable[Sought]) -> tuple[str, ...]:
    """Return the deciding words: what is asked for, in the sentence that fits best; else it."""
    part = one.unit.parts[one.best_part]
    found = marks(part, sought)
    if found:
        return found
    return (part,) if len(one.unit.parts) > 1 and part in one.unit.text else ()


def _without_repetition(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    seen: set[tuple[str, ...]] = set()
    for sentence in sentences:
        said = tuple(_WORD.findall(sentence.text.casefold()))
        if said not in seen:
            seen.add(said)
            yield sentence
