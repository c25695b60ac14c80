"""A sentence that says yes must follow from a yes, and one that says no from a no."""

from collections.abc import Iterator, Sequence

from workers.claims.bounds import turned_bounds
from workers.claims.case import Case
from workers.claims.concepts import is_contrary
from workers.claims.figure import equal
from workers.claims.lexicon import Lexicon, lexicon
from workers.claims.reading import Clause, Part, Word, is_said, matches, opposes
from workers.claims.roles import is_order_turned
from workers.claims.verdict import Reason, Verdict
from workers.models.sentences import without_marks

_ADDING = frozenset("only nur solo sólo seulement uniquement exceed exceeding".split())
"""After a negation these add, or bound a number: "not only", "not exceeding"."""
_COMPARING = frozenset(
    "more less fewer later earlier longer shorter greater mehr weniger später früher länger más"
    " menos plus moins".split()
)
"""After a negation these bound what stands behind "than"; alone, "no longer" denies."""
_THAN = frozenset("than als que de".split())
_DENYING_ONE = frozenset("no not nicht kein keine keinen pas n't".split())
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
_TILL = frozenset("until till to bis hasta a jusqu à".split())
_FREE = frozenset("free frei libre libres exento exentos exempt exempte".split())


def check_polarity(case: Case) -> Verdict | None:
    """Return the word that the source denies and the claim affirms, or the other way round."""
    if case.is_table:
        return None  # a cell of "no" denies its own column alone
    opposite = [
        word
        for word in case.claim.content
        if not any(matches(word, other) for other in case.words)
        and not is_said(word, case.around)
        and any(opposes(word, other) for other in case.words)
        and not _is_end(case)
    ]
    mine = _count(case.claim.clauses, case.claim.lexicon, case.words)
    theirs = sum(
        _count(
            [
                clause
                for clause in (case.clauses if case.is_translated else case.used)
                if clause in source.clauses
            ],
            source.lexicon,
            case.claim.words,
        )
        for source in case.sources
    )
    lead = _of_lead(case)
    theirs += len(lead) + turned_bounds(case) + is_order_turned(case) + _is_only_once(case)
    if (mine + len(opposite)) % 2 == theirs % 2 or not case.used:
        return _contrary(case, opposite)
    wrong = _word_that_differs(case)
    if wrong is None and not opposite:
        return Verdict(Reason.NEGATION, lead[0]) if lead else None
    if opposite and not mine and not theirs:
        return Verdict(Reason.OPPOSITE, opposite[0].text)
    return Verdict(Reason.NEGATION, wrong.text if wrong else opposite[0].text)


def _is_only_once(case: Case) -> bool:
    """Whether "nobody until" is said as "only once", or the other way round."""
    sides = [
        (any(word.text in words.only for word in said), _denies_until(said, words))
        for said, words in (
            (case.claim.words, case.claim.lexicon),
            (case.words, case.sources[0].lexicon),
        )
    ]
    return sides in ([(True, False), (False, True)], [(False, True), (True, False)])


def _denies_until(said: Sequence[Word], words: Lexicon) -> bool:
    texts = {word.text for word in said}
    return not texts.isdisjoint(words.negators) and not texts.isdisjoint(_TILL - {"a", "à", "to"})


def _is_end(case: Case) -> bool:
    """Whether the claim says when something ends: "closes at 20:00" is "open until 20:00"."""
    for figure in case.claim.figures:
        for source in case.sources:
            for other in source.figures:
                if figure.moment and equal(figure, other):
                    before = [word.text for word in source.words if word.start < other.start][-2:]
                    mine = [word.text for word in case.claim.words if word.start < figure.start]
                    if not _TILL.isdisjoint(before) and _TILL.isdisjoint(mine[-2:]):
                        return True
    return False


def _contrary(case: Case, opposite: Sequence[Word]) -> Verdict | None:
    """Return a word whose denied opposite stands in the source, but does not mean it."""
    for word in opposite:
        if all(
            is_contrary(word.concepts, one.concepts) for one in case.words if opposes(word, one)
        ):
            return Verdict(Reason.OPPOSITE, word.text)
    return None


def _of_lead(case: Case) -> list[str]:
    """Return the negations of the lead of an item: "The following are not reimbursed:"."""
    if not any(block.kind == "item" for block in case.place.blocks):
        return []
    words = lexicon(case.context.language)
    leads = [line for line in case.context.text.split("\n") if line.rstrip().endswith(":")]
    said = [without_marks(line).casefold().rstrip(": ").split() for line in leads]
    denying = [[one for one in line if one in words.negators | words.forbid] for line in said]
    return [line[0] for line in denying if line]


def _count(clauses: Sequence[Clause], words: Lexicon, others: Sequence[Word]) -> int:
    return sum(len(list(negations(clause, words, others))) for clause in clauses)


def negations(clause: Clause, words: Lexicon, others: Sequence[Word] = ()) -> Iterator[Word]:
    """Yield the words of a clause that deny."""
    found = False
    if clause.part is Part.EXCEPTION and clause.words:
        yield clause.words[0]
    for at, word in enumerate(clause.words):
        if not at and clause.part is Part.EXCEPTION and word.text in _IMPLICIT:
            continue
        if word.text in words.negators:
            if _is_no_denial(clause, at):
                continue
            if words.language in _ONE_PER_CLAUSE and word.text not in _SEPARATE:
                if found:
                    continue
                found = True
            yield word
        elif (
            word.text in words.forbid
            or _is_free_of(clause, at)
            or (
                word.text in _IMPLICIT and not _is_shared(word, others) and not _is_need(clause, at)
            )
        ):
            yield word


def _is_free_of(clause: Clause, at: int) -> bool:
    """Whether "free of debts", "frei von Gift", "libre de", "exempt de" is said here."""
    behind = clause.words[at + 1].text if at + 1 < len(clause.words) else ""
    return clause.words[at].text in _FREE and behind in ("of", "from", "von", "de", "d")


def _is_need(clause: Clause, at: int) -> bool:
    """Whether "falta" belongs to "hace falta", which demands."""
    return at > 0 and clause.words[at].text == "falta" and clause.words[at - 1].text == "hace"


def _is_shared(word: Word, others: Sequence[Word]) -> bool:
    return any(matches(word, other) or opposes(word, other) for other in others)


def _is_no_denial(clause: Clause, at: int) -> bool:
    """Whether a negation denies nothing here: "No, …", "no more than", "but not"."""
    behind = clause.words[at + 1] if at + 1 < len(clause.words) else None
    if at == 0 and behind is not None and behind.after_comma:
        return True
    if clause.part is Part.EXCEPTION and at <= 1:
        return True
    if behind is None or clause.words[at].text not in _DENYING_ONE:
        return False
    if behind.text in _ADDING:
        return True
    if behind.text == "before":
        return True
    after = clause.words[at + 2] if at + 2 < len(clause.words) else None
    bounds = any(behind.end <= one.start for one in clause.figures)
    return behind.text in _COMPARING and bounds and (after is None or after.text in _THAN)


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
            behind = [
                word
                for word in clause.words[at + 1 :]
                if not word.is_function and word.text not in _COMPARING
            ]
            ahead = [word for word in clause.words[:at] if not word.is_function]
            found += behind[:1] or ahead[-1:]
            if negation.text in words.forbid:
                found += ahead[-1:]
    return found
