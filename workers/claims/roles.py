"""Who does what to whom, and which value belongs to what."""

from collections.abc import Iterator, Sequence

from workers.claims.case import Case
from workers.claims.figure import Figure, equal
from workers.claims.lexicon import ANAPHORS, Lexicon
from workers.claims.reading import Clause, Part, Reading, Word, found_in, is_said, matches
from workers.claims.verdict import Reason, Verdict

_AGENT, _PATIENT = "agent", "patient"
_TO = frozenset("to for an für a para à pour".split())
_LIGHT_VERBS = frozenset(
    "gives give gave gets get got takes take took makes make made has have had receives receive"
    " uses use goes go comes come".split()
)
_OPENING = 3
"""Words of a statement among which "it" or "they" makes it go on with the one before."""
_ORDER = {"before": 0, "after": 1, "bevor": 0, "nachdem": 1, "vor": 0, "nach": 1,
          "antes": 0, "después": 1, "avant": 0, "après": 1}  # fmt: skip


def check_roles(case: Case) -> Verdict | None:
    """Return a word that has the role of another one of the source."""
    for clause in case.claim.clauses:
        mine = list(_roles(clause, case.claim))
        for source in case.sources:
            for at, other in enumerate(source.clauses):
                theirs = list(_roles(other, source))
                if other.part is Part.RELATIVE and at and theirs:
                    for named in source.clauses[at - 1].content[-1:]:
                        passive = _is_passive_clause(other, source)
                        theirs.append((named, _PATIENT if passive else _AGENT))
                if swapped := _swapped(mine, theirs):
                    return Verdict(Reason.ROLE, swapped.text)
    return None


def _swapped(mine: Sequence[tuple[Word, str]], theirs: Sequence[tuple[Word, str]]) -> Word | None:
    """Return a word that changed roles with another one."""
    pairs: list[tuple[Word, str, set[str]]] = []
    for word, role in mine:
        was = {before for other, before in theirs if _is_it(word, other)}
        said = {now for other, now in mine if _is_it(word, other)}
        if was and not was & said:
            pairs.append((word, role, was))
    to_agent = [word for word, role, was in pairs if role == _AGENT]
    from_agent = [word for word, role, was in pairs if role != _AGENT and _AGENT in was]
    if to_agent and from_agent:
        return to_agent[0]
    for word, role, was in pairs:
        for _, other_role, other_was in pairs:
            if role in other_was and other_role in was:
                return word
    return None


def _is_passive_clause(clause: Clause, reading: Reading) -> bool:
    verb = _verb(clause, reading.lexicon)
    return verb is not None and _is_passive(clause, reading.lexicon, verb)


def _is_it(one: Word, other: Word) -> bool:
    return one.text == other.text or (
        not one.is_name and not other.is_name and one.stem == other.stem
    )


def _roles(clause: Clause, reading: Reading) -> Iterator[tuple[Word, str]]:
    """Yield the content words with what they are to the verb: agent, patient, or a preposition."""
    lexicon = reading.lexicon
    verb = _verb(clause, lexicon)
    if verb is None:
        return
    passive = _is_passive(clause, lexicon, verb)
    marker = ""
    for at, word in enumerate(clause.words):
        if at and any(clause.words[at - 1].end <= one.start < word.start for one in clause.figures):
            marker = ""
        if word.text in lexicon.prepositions:
            marker = word.text
        elif not word.is_function:
            yield word, _role(marker, at < verb, passive, lexicon)
        elif word.text not in lexicon.function or word.text in lexicon.be:
            marker = ""
        if word is clause.words[verb]:
            marker = ""


def _role(marker: str, is_before: bool, passive: bool, lexicon: Lexicon) -> str:
    if marker in lexicon.agent and passive:
        return _AGENT
    if marker and marker not in ("of", "von", "de", "del", "du"):
        return "to" if marker in _TO else marker
    if lexicon.language == "de" and not passive:
        return _AGENT  # the order of words shows no roles: only prepositions do
    if is_before:
        return _PATIENT if passive else _AGENT
    return _PATIENT


def _verb(clause: Clause, lexicon: Lexicon) -> int | None:
    """Return where the verb is: an auxiliary, or the first word that looks like a verb."""
    auxiliary = lexicon.be | lexicon.may | lexicon.must | lexicon.should | lexicon.future
    for at, word in enumerate(clause.words):
        if word.text in auxiliary and at:
            return at
    if lexicon.language == "de":
        return _german_verb(clause)
    if lexicon.language != "en":
        return None
    for at, word in enumerate(clause.words):
        if at and (word.text in _LIGHT_VERBS or _is_content_verb(clause, at)):
            return at
    return None


def _german_verb(clause: Clause) -> int | None:
    """Return the first word with a small letter that is no little word: nouns have a capital."""
    for at, word in enumerate(clause.words):
        if at and not word.is_function and word.raw[:1].islower() and word.text.endswith("t"):
            return at
    return None


def _is_content_verb(clause: Clause, at: int) -> bool:
    word = clause.words[at]
    return not word.is_name and not word.is_function and _looks_like_verb(clause, at)


def _looks_like_verb(clause: Clause, at: int) -> bool:
    """Whether an English word ends as a verb does, and what follows fits."""
    word = clause.words[at].text
    if not word.endswith(("s", "ed")) or word.endswith(("ss", "us")):
        return False
    if at + 1 == len(clause.words):
        return False
    following = clause.words[at + 1]
    return following.is_function or following.is_name or not clause.words[at - 1].is_function


def _is_passive(clause: Clause, lexicon: Lexicon, verb: int) -> bool:
    if not any(word.text in lexicon.be for word in clause.words):
        return False
    behind = clause.words[verb + 1 :]
    if lexicon.language == "en":
        return any(word.text.endswith(("ed", "en", "t", "d")) for word in behind[:4])
    return any(word.text in lexicon.agent for word in clause.words)


def check_order(case: Case) -> Verdict | None:
    """Return "before" or "after" where it turns the order of two things round."""
    for word in case.claim.words:
        if word.text not in _ORDER:
            continue
        for other in case.words:
            if other.text not in _ORDER or _ORDER[other.text] == _ORDER[word.text]:
                continue
            if _same_behind(case.claim.words, word, case.words, other):
                return Verdict(Reason.BOUND, word.text)
    return None


def _same_behind(mine: Sequence[Word], word: Word, theirs: Sequence[Word], other: Word) -> bool:
    ahead = [one for one in mine if one.start > word.start and not one.is_function][:2]
    there = [one for one in theirs if one.start > other.start and not one.is_function][:2]
    return any(matches(one, two) for one in ahead for two in there)


def check_pairing(case: Case) -> Verdict | None:
    """Return a word or figure that the source says of something else."""
    if case.is_table:
        return None
    for source in case.sources:
        for piece in _joined(case.claim):
            if _is_verbatim(piece, case):
                continue
            if verdict := _mispaired(case, piece, source):
                return verdict
    return _stitched(case)


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
    return word.is_function and word.text not in _LIGHT_VERBS


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
