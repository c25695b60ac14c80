"""A sentence that says yes must follow from a yes, and one that says no from a no."""

from collections.abc import Iterator, Sequence

from workers.claims.bounds import turned_bounds
from workers.claims.case import Case
from workers.claims.lexicon import Lexicon, lexicon
from workers.claims.reading import Clause, Part, Word, matches, opposes
from workers.claims.verdict import Reason, Verdict

_BOUNDING = frozenset(
    "more less fewer later earlier longer shorter before greater only mehr weniger später früher"
    " länger nur más menos plus moins exceed exceeding solo sólo seulement".split()
)
"""After a negation these bound a number, or add to it: "no more than", "not only"."""
_IMPLICIT = frozenset(
    "lose loses losing lack lacks lacking fail fails failed stop stops cease ceases avoid avoids"
    " prevent prevents refuse refuses deny denies denied missing miss reject rejects rejected"
    " exempt exempted excluded excludes exclude ausgeschlossen ausgenommen excluido exclu"
    " verliert verlieren fehlt fehlen verweigert entfällt entfallen pierde pierden"
    " falta perd perdent manque".split()
)
"""Verbs that say no: counted only where the other side does not say the same word."""
_ONE_PER_CLAUSE = frozenset({"es", "fr"})
"""Languages in which two negations of a clause are one: "no … nunca", "ne … pas … aucun"."""
_SEPARATE = frozenset({"sin", "sans"})
_FLIPS = frozenset({"unless", "sofern-nicht", "salvo"})


def check_polarity(case: Case) -> Verdict | None:
    """Return the word that the source denies and the claim affirms, or the other way round."""
    if case.is_table:
        return None  # a cell of "no" denies its own column alone
    opposite = [
        word
        for word in case.claim.content
        if not any(matches(word, other) for other in (*case.words, *case.around))
        and any(opposes(word, other) for other in case.words)
    ]
    mine = _count(case.claim.clauses, case.claim.lexicon, case.words)
    theirs = sum(
        _count(
            [clause for clause in case.used if clause in source.clauses],
            source.lexicon,
            case.claim.words,
        )
        for source in case.sources
    )
    theirs += _of_lead(case) + turned_bounds(case)
    if (mine + len(opposite)) % 2 == theirs % 2 or not case.used:
        return None
    wrong = _word_that_differs(case)
    if wrong is None and not opposite:
        return None
    if opposite and not mine and not theirs:
        return Verdict(Reason.OPPOSITE, opposite[0].text)
    return Verdict(Reason.NEGATION, wrong.text if wrong else opposite[0].text)


def _of_lead(case: Case) -> int:
    """Return the negations of the lead of an item: "The following are not reimbursed:"."""
    if not any(block.kind == "item" for block in case.place.blocks):
        return 0
    lines = case.context.text.split("\n")
    words = lexicon(case.context.language)
    count = 0
    for line in lines:
        if line.rstrip().endswith(":"):
            said = line.casefold().rstrip(":").split()
            count += any(word in words.negators or word in words.forbid for word in said)
    return count


def _count(clauses: Sequence[Clause], words: Lexicon, others: Sequence[Word]) -> int:
    return sum(len(list(negations(clause, words, others))) for clause in clauses)


def negations(clause: Clause, words: Lexicon, others: Sequence[Word] = ()) -> Iterator[Word]:
    """Yield the words of a clause that deny."""
    found = False
    if clause.part is Part.EXCEPTION and clause.words:
        yield clause.words[0]
    for at, word in enumerate(clause.words):
        if word.text in words.negators:
            if _is_no_denial(clause, at):
                continue
            if words.language in _ONE_PER_CLAUSE and word.text not in _SEPARATE:
                if found:
                    continue
                found = True
            yield word
        elif word.text in words.forbid or (word.text in _IMPLICIT and not _is_shared(word, others)):
            yield word


def _is_shared(word: Word, others: Sequence[Word]) -> bool:
    return any(matches(word, other) or opposes(word, other) for other in others)


def _is_no_denial(clause: Clause, at: int) -> bool:
    """Whether a negation denies nothing here: "No, …", "no more than", "but not"."""
    behind = clause.words[at + 1] if at + 1 < len(clause.words) else None
    if at == 0 and behind is not None and behind.after_comma:
        return True
    bounds = behind is not None and behind.text in _BOUNDING
    return bounds or (clause.part is Part.EXCEPTION and at <= 1)


def _word_that_differs(case: Case) -> Word | None:
    """Return a word of the claim whose negation is another than in the source; None: all agree."""
    mine = _denied(case.claim.clauses, case.claim.lexicon, case.words)
    theirs = [
        word
        for source in case.sources
        for word in _denied(source.clauses, source.lexicon, case.claim.words)
    ]
    for word in case.claim.content:
        same = [other for other in case.words if matches(word, other)]
        contrary = [other for other in case.words if opposes(word, other)] if not same else []
        if not same and not contrary:
            continue
        denied = word in mine
        if any((other in theirs) == denied for other in same):
            continue
        if any((other in theirs) != denied for other in contrary):
            continue
        return word
    unsaid = [word for word in mine if not case.has(word)]
    return unsaid[0] if unsaid else None


def _denied(clauses: Sequence[Clause], words: Lexicon, others: Sequence[Word]) -> list[Word]:
    """Return the words that a negation stands before, or behind at the end of a clause."""
    found: list[Word] = []
    for clause in clauses:
        for negation in negations(clause, words, others):
            at = clause.words.index(negation)
            behind = [word for word in clause.words[at + 1 :] if not word.is_function]
            ahead = [word for word in clause.words[:at] if not word.is_function]
            found += behind[:1] or ahead[-1:]
            if negation.text in words.forbid:
                found += ahead[-1:]
    return found
