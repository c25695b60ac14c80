"""Who does what to whom, and in which order."""

from collections.abc import Iterator, Sequence

from workers.claims.case import Case
from workers.claims.lexicon import Lexicon
from workers.claims.reading import Clause, Part, Reading, Word, matches
from workers.claims.verdict import Reason, Verdict

_AGENT, _PATIENT = "agent", "patient"
_TO = frozenset("to for an für a para à pour".split())
LIGHT_VERBS = frozenset(
    "gives give gave gets get got takes take took makes make made has have had receives receive"
    " uses use goes go comes come".split()
)
_DEMANDING = frozenset("need needs needed require requires required".split())
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
                if not _same_verb(clause, case.claim.lexicon, other, source.lexicon):
                    theirs = [(word, role) for word, role in theirs if word.is_name]
                if swapped := _swapped(mine, theirs):
                    return Verdict(Reason.ROLE, swapped.text)
    return None


def _same_verb(one: Clause, mine: Lexicon, other: Clause, theirs: Lexicon) -> bool:
    """Whether two clauses say that the same is done, as far as the words for it show."""
    first, second = _deed(one, mine), _deed(other, theirs)
    if not first:
        return not second
    if any(a.text == b.text or matches(a, b) for a in first for b in second):
        return True
    if any(word.text in _DEMANDING for word in second):
        return False
    forms = {form for b in other.words for form in (f"{b.text}s", f"{b.text}ed")}
    return any(a.text in forms for a in first)


def _deed(clause: Clause, lexicon: Lexicon) -> list[Word]:
    """Return the verb with what stands behind its auxiliary."""
    at = _verb(clause, lexicon)
    if at is None:
        return []
    verb = clause.words[at]
    if verb.text in _DEMANDING:
        return [verb]
    behind = clause.words[at + 1 :]
    if not verb.is_function or (
        verb.text in LIGHT_VERBS and [w.text for w in behind[:1]] != ["to"]
    ):
        return [verb]
    if lexicon.language != "en":
        return clause.content
    return [word for word in behind if not word.is_function][:1]


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
        if at and (word.text in LIGHT_VERBS or _is_content_verb(clause, at)):
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
    if turned := _turned_word(case):
        return None if _turns_denial(case) else Verdict(Reason.BOUND, turned.text)
    return None


def is_order_turned(case: Case) -> bool:
    """Whether "nobody may before" is said as "only after", or the other way round."""
    return _turned_word(case) is not None and _turns_denial(case)


def _turned_word(case: Case) -> Word | None:
    for word in case.claim.words:
        if word.text not in _ORDER:
            continue
        for other in case.words:
            if other.text not in _ORDER or _ORDER[other.text] == _ORDER[word.text]:
                continue
            if _same_behind(case.claim.words, word, case.words, other):
                return word
    return None


def _turns_denial(case: Case) -> bool:
    mine = _denies(case.claim.words, case.claim.lexicon)
    return mine is not _denies(case.words, case.sources[0].lexicon)


def _denies(words: Sequence[Word], lexicon: Lexicon) -> bool:
    return any(word.text in lexicon.negators for word in words)


def _same_behind(mine: Sequence[Word], word: Word, theirs: Sequence[Word], other: Word) -> bool:
    ahead = [one for one in mine if one.start > word.start and not one.is_function][:2]
    there = [one for one in theirs if one.start > other.start and not one.is_function][:2]
    return any(matches(one, two) for one in ahead for two in there)
