"""Which value or name belongs to what, and what the source keeps apart."""

from collections.abc import Iterator, Sequence

from workers.claims.bounds import bound_words, goes_beyond
from workers.claims.case import Case
from workers.claims.figure import Figure, equal
from workers.claims.lexicon import ANAPHORS
from workers.claims.reading import Clause, Part, Reading, Word, found_in, is_said
from workers.claims.roles import LIGHT_VERBS
from workers.claims.verdict import Reason, Verdict

_CONJUNCTIONS = frozenset("and or but und oder aber y o pero et ou mais".split())
_HAVE = frozenset("has have had hat haben tiene tienen ont does do".split())
_COSTS = frozenset("cost costs kostet kosten beträgt cuesta cuestan coûte coûtent".split())
_OPENING = 3
"""Words of a statement among which "it" or "they" makes it go on with the one before."""


def check_pairing(case: Case) -> Verdict | None:
    """Return a word or figure that the source says of something else."""
    if case.is_table or goes_beyond(case):
        return None
    for source in case.sources:
        for piece in _joined(case.claim):
            if _is_verbatim(piece, case):
                continue
            if verdict := _mispaired(case, piece, source):
                return verdict
    return _compared(case) or _reversed(case) or _stitched(case) or _crossed(case)


def _reversed(case: Case) -> Verdict | None:
    """Return a number or date that goes from where the source goes to."""
    for figure in case.claim.figures:
        mine = _way(case.claim, figure)
        theirs = {
            _way(source, one)
            for source in case.sources
            for one in source.figures
            if equal(figure, one)
        }
        if mine and theirs and mine not in theirs and "" not in theirs:
            return Verdict(Reason.ROLE, figure.text)
    return None


def _way(reading: Reading, figure: Figure) -> str:
    """Return "from" or "to", if that is said of a number, and the other of another one."""
    before = [word.text for word in reading.words if word.end <= figure.start][-1:]
    ways = {
        _WAYS.get(word.text, "")
        for word in reading.words
        if any(0 <= one.start - word.end <= 1 for one in reading.figures)
    }
    return _WAYS.get(before[0], "") if before and {"from", "to"} <= ways else ""


_WAYS = {
    **dict.fromkeys("from von vom de desde du".split(), "from"),
    **dict.fromkeys("to auf nach zu zum a hasta à au bis".split(), "to"),
}


def _compared(case: Case) -> Verdict | None:
    """Return a date that the source only compares with: "6 % less than in 2024"."""
    for figure in case.claim.figures:
        same = [
            (source, one) for source in case.sources for one in source.figures if equal(figure, one)
        ]
        is_compared = bool(same) and all(_is_compared_with(*pair) for pair in same)
        if figure.moment and is_compared and not _is_compared_with(case.claim, figure):
            return Verdict(Reason.PAIRING, figure.text)
    return None


def _is_compared_with(reading: Reading, figure: Figure) -> bool:
    before = [word for word in reading.words if word.start < figure.start]
    said = [word.text for word in before[-3:] if word.text not in _ARTICLES_OF_DATES]
    return (bool(said) and said[-1] in _THAN) or any(word.text in _AGAINST for word in before[-4:])


_ARTICLES_OF_DATES = frozenset("in on at the im am en el au le".split())
_THAN = frozenset("than als que".split())
_AGAINST = frozenset(
    "compared versus against gegenüber verglichen vergleich comparado frente rapport".split()
)


def _crossed(case: Case) -> Verdict | None:
    """Return a word that the source says beside something else: "B does x" of "A does x, B y".

    All words of the claim are of the source, from two of its pieces, and of both it leaves out
    some: then it joins what the source keeps apart.
    """
    claim = case.claim
    known = (*case.words, *case.around)
    if len(case.sources) > 1 or not all(found_in(word, known) for word in claim.content):
        return None
    limits = (Part.CONDITION, Part.EXCEPTION)
    pieces = [one for one in case.sources[0].pieces if one.content and one.part not in limits]
    for at, one in enumerate(pieces):
        for other in pieces[at + 1 :]:
            pairs = ((one, other), (other, one))
            if not _share_subject(one, other, case) and all(
                _is_half_said(*pair, case) for pair in pairs
            ):
                return Verdict(Reason.PAIRING, _own(other, one)[0].text)
    return None


def _share_subject(one: Clause, other: Clause, case: Case) -> bool:
    """Whether the second piece begins with a verb, and the claim takes its subject too."""
    lexicon = case.sources[0].lexicon
    begins = [word for word in other.words[:2] if word.text not in _CONJUNCTIONS][:1]
    verbs = lexicon.be | lexicon.may | lexicon.must | lexicon.should | _HAVE
    if not begins or begins[0].text not in verbs:
        return False
    own = _own(one, other)
    said = [bool(found_in(word, case.claim.words)) for word in own]
    return said == sorted(said, reverse=True)


def _own(one: Clause, other: Clause) -> list[Word]:
    """Return the content of a piece that the other one does not say."""
    return [word for word in one.content if not found_in(word, other.content)]


def _is_half_said(one: Clause, other: Clause, case: Case) -> bool:
    """Whether the claim says a part, and not all, of what only this piece says."""
    bounds = bound_words() & case.sources[0].lexicon.prepositions
    own = [word for word in _own(one, other) if word.text not in _COSTS | bounds]
    said = [word for word in own if found_in(word, case.claim.words)]
    told = [word for word in case.claim.content if found_in(word, own)]
    begins = bool(own) and own[0] is one.words[0] and len(one.words) > len(own) + 1
    if begins and all(word.raw[:1].isupper() for word in own):
        return bool(said)  # what the piece says of the name is in little words
    figures = [f for f in one.figures if not any(equal(f, x) for x in other.figures)]
    kept = [f for f in figures if any(equal(f, x) for x in case.claim.figures)]
    return bool(told or kept) and len(said) + len(kept) < len(own) + len(figures)


def _is_verbatim(piece: Clause, case: Case) -> bool:
    """Whether a piece of the claim stands in a source word for word, numbers included."""
    ends = [word.end for word in piece.words[-1:]] + [one.end for one in piece.figures[-1:]]
    said = case.claim.text[piece.start : max(ends)].casefold().strip(" ,.")
    return any(said in source.text.casefold() for source in case.sources)


def _joined(claim: Reading) -> Iterator[Clause]:
    """Yield the pieces of the claim; one without a value or name belongs to the next."""
    words: tuple[Word, ...] = ()
    figures: tuple[Figure, ...] = ()
    for number, piece in enumerate(claim.pieces):
        words, figures = (*words, *piece.words), (*figures, *piece.figures)
        is_last = number == len(claim.pieces) - 1
        if figures or any(word.is_name for word in words) or is_last:
            yield Clause(piece.part, words, figures, piece.opens_statement)
            words, figures = (), ()


def _mispaired(case: Case, piece: Clause, source: Reading) -> Verdict | None:
    """Compare with parallel pieces: "12 dollars for basic, 19 dollars for team"."""
    pieces = source.pieces
    for own in pieces:
        for anchor in _anchors(own):
            if not _has_anchor(piece, anchor):
                continue
            for other in pieces:
                rival = _rival(anchor, other, own)
                if other is own or rival is None or _has_anchor(piece, rival):
                    continue
                if _belongs_to(case, piece, own, other):
                    word = anchor.text
                    return Verdict(Reason.PAIRING, word)
    return None


def _anchors(piece: Clause) -> Iterator[Figure | Word]:
    yield from piece.figures
    names = [word for word in piece.words if word.is_name]
    yield from names


def _has_anchor(piece: Clause, anchor: Figure | Word) -> bool:
    if isinstance(anchor, Figure):
        return any(equal(one, anchor) for one in piece.figures)
    return any(word.text == anchor.text for word in piece.words)


def _rival(anchor: Figure | Word, other: Clause, own: Clause) -> Figure | Word | None:
    """Return what stands in the other piece in the anchor's place."""
    if _has_anchor(other, anchor):
        return None
    if isinstance(anchor, Figure):
        times = ("second", "month", "workday")
        alike = (
            one
            for one in other.figures
            if one.dimension == anchor.dimension
            or (one.dimension in times and anchor.dimension in times)
        )
        return next(alike, None)
    names = (word for word in other.words if word.is_name and not _has_anchor(own, word))
    return next(names, None)


def _belongs_to(case: Case, piece: Clause, own: Clause, other: Clause) -> bool:
    """Whether the claim says more of the other piece's words than of its own."""
    mine = _exclusive(own, other, case)
    theirs = _exclusive(other, own, case)
    said = piece.content
    a = [word for word in mine if found_in(word, said)]
    b = [word for word in theirs if found_in(word, said)]
    if not b:
        return False
    if not a:
        return bool(mine)
    return len(b) / len(theirs) > len(a) / len(mine)


def _exclusive(one: Clause, other: Clause, case: Case) -> list[Word]:
    around = case.context.words
    return [
        word
        for word in one.content
        if not word.is_name and not found_in(word, other.content) and not is_said(word, around)
    ] or [word for word in one.content if word.is_name and not found_in(word, other.content)]


def _stitched(case: Case) -> Verdict | None:
    """Return a word that is of another statement than the rest of its piece."""
    statements = list(_statements(case))
    if len(statements) < 2:
        return None
    around = (*case.context.words, *case.before.words)
    for piece in case.claim.pieces:
        if _is_verbatim(piece, case):
            continue
        for at, first in enumerate(statements):
            for second in statements[at + 1 :]:
                one = _only_in(piece, first, second, around)
                two = _only_in(piece, second, first, around)
                alike = _share_words(first, second)
                if _mixes(
                    one, two, least=1 if alike or len(case.sources) > 1 else 2
                ) and not _refers(second):
                    return Verdict(Reason.PAIRING, two[0])
    return None


def _share_words(first: Sequence[Clause], second: Sequence[Clause]) -> bool:
    """Whether two statements say the same of different things: "A must use X; B may use Y"."""
    theirs = [word for clause in second for word in clause.words if word.text not in _COMMON]
    return any(
        word.text == other.text and not word.is_name and not _is_little(word)
        for clause in first
        for word in clause.words
        for other in theirs
    )


_COMMON = frozenset({"be"})


def _is_little(word: Word) -> bool:
    return word.is_function and word.text not in LIGHT_VERBS


def _mixes(one: Sequence[str], two: Sequence[str], *, least: int) -> bool:
    """Whether a piece takes more than a stray word from each of two statements."""
    fewer = min(one, two, key=len)
    return len(fewer) >= least or any(any(letter.isdigit() for letter in word) for word in fewer)


def _statements(case: Case) -> Iterator[list[Clause]]:
    for source in case.sources:
        statement: list[Clause] = []
        for clause in source.clauses:
            if clause.opens_statement and statement:
                yield statement
                statement = []
            statement.append(clause)
        if statement:
            yield statement


def _refers(statement: Sequence[Clause]) -> bool:
    said = [word for clause in statement for word in clause.words]
    return any(word.text in ANAPHORS for word in said[:_OPENING])


def _only_in(
    piece: Clause,
    statement: Sequence[Clause],
    other: Sequence[Clause],
    around: Sequence[Word],
) -> list[str]:
    mine = [word for clause in statement for word in clause.content]
    theirs = [word for clause in other for word in clause.content]
    found = [
        word.text
        for word in piece.content
        if found_in(word, mine) and not found_in(word, theirs) and not found_in(word, around)
    ]
    figures = [one for clause in statement for one in clause.figures]
    others = [one for clause in other for one in clause.figures]
    found += [
        one.text
        for one in piece.figures
        if any(equal(one, two) for two in figures) and not any(equal(one, two) for two in others)
    ]
    return found
