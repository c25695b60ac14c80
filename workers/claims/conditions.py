"""Conditions, exceptions, limits, times and causes: a sentence keeps those of its source."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from workers.claims.bounds import Bound, bound_of, bound_words, goes_beyond
from workers.claims.case import Case, statement_of, used_clauses
from workers.claims.figure import equal
from workers.claims.lexicon import PLANNED
from workers.claims.lexicon import lexicon as lexicon_of
from workers.claims.reading import Clause, Part, Reading, Word, found_in, is_said, opposes
from workers.claims.units import unit_of
from workers.claims.verdict import Reason, Verdict
from workers.models.stems import stem

_LIMITING = frozenset({Part.CONDITION, Part.EXCEPTION, Part.RELATIVE})
_PEOPLE = frozenset(
    "whoever those wer quien quienes employees employee staff people everyone anyone colleagues"
    " workers members users user you"
    " mitarbeiter mitarbeiterin mitarbeitende mitarbeitenden beschäftigte beschäftigten leute"
    " empleados empleado trabajadores salariés salarié company unternehmen".split()
)
_IDLE_NOUNS = frozenset(
    "single whole individual included concerned price period time times cost costs amount number"
    " process procedure kosten anzahl betrag".split()
)
_WITH = frozenset(
    "with without outside inside within during in on at for from except abroad"
    " mit ohne außerhalb innerhalb während bei für in im"
    " con sin fuera durante en para avec sans pendant hors dans en pour".split()
)
_FINITE = frozenset("have has had do does did hat haben hatte tiene tienen ha han ont".split())
_NOW = frozenset(
    "is are now currently today ist sind jetzt derzeit es son está están est sont".split()
)
_UNSURE = frozenset(
    "expected expects considered considering discussed pilot trial test testing scheduled"
    " upcoming soon intended intends plans pending review demnächst bald erwogen diskutiert"
    " pilotphase testphase previsto pronto bientôt beantragt beraten verhandelt beraten"
    " negotiated debated requested negocia debate solicitado solicitada demandé demandée".split()
)
_WENT = frozenset(
    "had did been became began came took went made paid held left led met ran sold sent set spent"
    " stood told won wrote built bought brought broke chose cut fell felt found gave got grew hit"
    " kept knew lost meant put rose saw shut spoke thought wore hatte hatten hat haben worden"
    " habían había ha han a ont avait".split()
)
_WAS = frozenset(
    "was were war waren era eran fue fueron était étaient formerly previously früher damals"
    " antes anteriormente solía solían autrefois auparavant".split()
)


def check_conditions(case: Case) -> Verdict | None:
    """Return a word of the condition or exception that the claim leaves out."""
    for source in case.sources:
        for clause in case.used:
            if clause not in source.clauses or clause.part in _LIMITING:
                continue
            for other in statement_of(clause, source.clauses):
                if not _is_restrictive(other, source) or _is_kept(case, other, clause):
                    continue
                if other.part in _LIMITING:
                    return Verdict(Reason.CONDITION, _name(other))
    return None


def _is_restrictive(clause: Clause, source: Reading) -> bool:
    """Whether it limits what it belongs to; what a trailing "who" says of one thing does not."""
    if clause.part is Part.RELATIVE:
        if clause.words[0].after_comma:
            return False
        at = source.clauses.index(clause)
        goes_on = source.clauses[at + 1 : at + 2]
        is_inside = (
            bool(goes_on) and goes_on[0].part is Part.MAIN and not goes_on[0].opens_statement
        )
        named = source.clauses[at - 1].content[-1:] if at else []
        if not is_inside and not any(word.text.endswith("s") for word in named):
            return False
    return bool(clause.figures) or any(word.text not in _IDLE for word in clause.content)


_IDLE = frozenset(
    "want wants wish like possible needed necessary required applicable gewünscht möglich nötig"
    " erforderlich posible necesario possible nécessaire appropriate desired prefer".split()
)


def _is_kept(case: Case, clause: Clause, main: Clause) -> bool:
    """Whether the claim says something of a condition, in whatever form."""
    own = [word for word in clause.content if word.text not in _PEOPLE]
    own = [word for word in own if not is_said(word, main.words)] or own
    denies = any(word.text in case.claim.lexicon.negators for word in case.claim.words)
    said = [
        word
        for word in own
        if found_in(word, case.claim.content)
        or (denies and any(opposes(word, other) for other in case.claim.content))
    ]
    limits = any(one.part in _LIMITING for one in case.claim.clauses)
    if said and (limits or denies or len(said) * 2 >= len(own)):
        return True
    if any(equal(mine, one) for mine in case.claim.figures for one in clause.figures):
        return True
    if case.is_translated:
        return any(one.part in _LIMITING for one in case.claim.clauses)
    return not own and not clause.figures


def _name(clause: Clause) -> str:
    return (
        (clause.content[0].text if clause.content else clause.words[0].text) if clause.words else ""
    )


def check_scope(case: Case) -> Verdict | None:
    """Return a word that limits what the source says, and that the claim leaves out."""
    if case.is_table or case.is_translated or len(case.sources) > 1:
        return None  # a summary leaves out
    if goes_beyond(case):
        return None  # it is what the source says of more, in a clause of its own
    for source in case.sources:
        pieces = [piece for piece in source.pieces if _is_within(piece, case.used)]
        own = [piece for piece in pieces if _has_figure(piece, case)]
        pieces = own or pieces
        used = used_clauses(case.claim.content, case.claim.figures, pieces)
        about = case.claim.content[:2]
        mine = [piece for piece in used if any(found_in(one, about) for one in piece.content[:1])]
        for piece in mine or used:
            for word in _limits(piece, case):
                if word.text not in bound_words() and not _measures(word, piece):
                    return Verdict(Reason.SCOPE, word.text)
    return None


def _measures(word: Word, piece: Clause) -> bool:
    """Whether a word belongs to a number: a unit, or "heavier" before "than"."""
    at = piece.words.index(word)
    following = piece.words[at + 1].text if at + 1 < len(piece.words) else ""
    return bool(unit_of(word.text)) or following in ("than", "als")


def _has_figure(piece: Clause, case: Case) -> bool:
    """Whether a piece holds a figure of the claim: then the others are about something else."""
    return any(equal(mine, one) for mine in case.claim.figures for one in piece.figures)


def _is_within(piece: Clause, clauses: Sequence[Clause]) -> bool:
    return any(word in clause.words for clause in clauses for word in piece.words)


def _limits(clause: Clause, case: Case) -> Iterator[Word]:
    said = case.claim.words
    known = case.context.words
    yield from _modifiers(clause, said, known)
    subject = _subject(clause, case)
    kept = [word for word in subject if _is_in(word, said)]
    is_about_people = any(word.text in _PEOPLE for word in case.claim.words[:4])
    lexicon = case.claim.lexicon
    is_turned = any(word.text in lexicon.negators for word in said) and any(
        word.text in case.sources[0].lexicon.only for word in case.words
    )
    head = _head(clause, subject)
    for word in subject if kept or is_about_people else []:
        if word in kept or is_said(word, known) or word.text in _PEOPLE | _IDLE_NOUNS:
            continue
        if is_turned or (word is head and not is_about_people):
            continue  # "only drivers may" is "nobody may without"
        yield word
    yield from _phrases(clause, said, known)


def _modifiers(clause: Clause, said: Sequence[Word], known: Sequence[Word]) -> Iterator[Word]:
    """Yield words before a noun that the claim keeps without them: "permanent employees"."""
    for at, word in enumerate(clause.words[:-1]):
        head = clause.words[at + 1]
        if word.is_function or head.is_function or head.start - word.end > 1:
            continue
        if word.after_strong or word.text.endswith("ly") or not _is_noun_phrase(clause, at):
            continue
        if word.text in _IDLE_NOUNS or word.text in _PEOPLE:
            continue
        if _is_in(head, said) and not _is_in(word, said) and not is_said(word, known):
            yield word


def _is_noun_phrase(clause: Clause, at: int) -> bool:
    """Whether the two words from here are a noun with what is before it, as far as one can see."""
    behind = clause.words[at + 2] if at + 2 < len(clause.words) else None
    if at == 0:
        return behind is not None and behind.is_function
    before = clause.words[at - 1]
    lexicon = lexicon_of(before.language)
    verbs = lexicon.may | lexicon.must | lexicon.should | lexicon.future | _FINITE
    return before.is_function and before.text not in verbs


def _subject(clause: Clause, case: Case) -> list[Word]:
    """Return the words before the verb, where an auxiliary shows it."""
    if clause.part is not Part.MAIN:
        return []
    lexicon = case.sources[0].lexicon
    verbs = lexicon.be | lexicon.may | lexicon.must | lexicon.should | lexicon.future | _FINITE
    for at, word in enumerate(clause.words):
        if word.text in verbs:
            return [one for one in clause.words[:at] if not one.is_function]
    return []


def _head(clause: Clause, subject: Sequence[Word]) -> Word | None:
    """Return the noun of a subject that a name or place behind it tells apart: "offer from X"."""
    for word, following in pairwise(clause.words):
        if word in subject:
            behind = [one for one in subject if one.start > following.start]
            is_named = bool(behind) and behind[0].is_name
            return word if following.text in _WITH | {"of", "von", "de"} and is_named else None
    return None


def _phrases(clause: Clause, said: Sequence[Word], known: Sequence[Word]) -> Iterator[Word]:
    """Yield the first word of "in Germany", "with a receipt", where the claim has none of it."""
    for at, word in enumerate(clause.words):
        if word.text not in _WITH:
            continue
        ahead = next((one.start for one in clause.figures if one.start > word.start), None)
        behind = [
            one for one in clause.words[at + 1 : at + 6] if ahead is None or one.start < ahead
        ]
        phrase = _phrase(behind)
        head = [one for one in clause.words[:at] if not one.is_function][-1:]
        if head and head[0].text.endswith(("ed", "t", "en")) and not _is_in(head[0], said):
            continue  # it belongs to another verb than the claim's
        if phrase and not any(_is_in(one, said) or is_said(one, known) for one in phrase):
            yield phrase[0]


def _phrase(words: Sequence[Word]) -> list[Word]:
    found: list[Word] = []
    for word in words:
        if word.after_comma or word.after_strong:
            break
        if word.is_function:
            if found:
                break
            continue
        found.append(word)
    return found


def _is_in(word: Word, others: Sequence[Word]) -> bool:
    return any(found_in(word, [other]) or opposes(word, other) for other in others)


def check_status(case: Case) -> Verdict | None:
    """Return the word that makes something past or planned of what is, or the other way round."""
    home = case.home
    if home is None:
        return None
    source = next(one for one in case.sources if home in one.clauses)
    mine = _tense(case.claim, *_mains(case.claim))
    dated = _dated(case, source)
    theirs = _tense(source, *([dated] if dated else [home, *_beside(case)]))
    if not case.is_translated and (verdict := _planned(case, home, mine, theirs)):
        return verdict
    if not case.is_translated and (done := _done_too_early(case, home)):
        return Verdict(Reason.STATUS, done)
    if (added := _said(case.claim.words, _ALREADY)) and not _said(case.words, _ALREADY):
        return Verdict(Reason.STATUS, added)
    if (limit := _limited_in_time(case, home)) and not case.is_table:
        return Verdict(Reason.STATUS, limit)
    is_over = theirs["past"] and not theirs["now"] and not mine["past"]
    if is_over and (mine["now"] or mine["future"] or not _has_gone(case)):
        return Verdict(Reason.STATUS, mine["now"] or mine["future"] or theirs["past"])
    if mine["past"] and not theirs["past"] and (theirs["now"] or theirs["future"]):
        return Verdict(Reason.STATUS, mine["past"])
    if theirs["future"] and any(one in case.claim.spoken for one in _IS_TO):
        return None
    if bool(mine["future"]) != bool(theirs["future"]) and not _has_rule(home, source):
        return Verdict(Reason.STATUS, mine["future"] or theirs["future"])
    return None


_PASSED = {
    "en": r" (?:was|were|has|have|had)(?: \w+)?(?: been)? \w+(?:ed|en|t|d) ",
    "de": r" (?:wurden?|worden) ",
    "es": r" (?:\w{2,}(?:ó|aron|ieron)|puso|hizo|fue|fueron|(?:ha|han|había) \w+(?:d[oa]|to)) ",
    "fr": r" (?:a|ont|fut|furent|est|sont) (?:été |\w+ )?\w+(?:é|ée|és|ées|is|it|u|ue) ",
}
"""What says that something has happened."""
_COMING = {
    "en": r" (?:will|shall|(?:has|have|is|are) (?:still )?to be|still (?:has|have|needs?)"
    r" (?:to|be)|not yet|yet to|expected|scheduled|planned|due) ",
    "de": r" (?:wird|werden|sollen?|noch) ",
    "es": r" (?:\w{2,}(?:rá|rán)|va a|van a|prevé|prevén|todavía|aún) ",
    "fr": r" (?:\w+(?:era|eront|ira|iront|dra|dront)|aura|auront|va|vont|encore) ",
}
"""What says that it is still to happen, or happens each time."""


def _done_too_early(case: Case, home: Clause) -> str:
    """Return the words of the claim that say as done what the source says is still to come."""
    language = case.claim.language if case.claim.language in _PASSED else "en"
    done = re.search(_PASSED[language], case.claim.spoken)
    used = [home, *_beside(case)]
    coming = any(re.search(_COMING[language], clause.spoken()) for clause in used)
    if not done or not coming or re.search(_COMING[language], case.claim.spoken):
        return ""
    if any(re.search(_PASSED["de"], clause.spoken()) for clause in used) and language == "de":
        return ""
    return done[0].strip()


_IS_TO = (" is to ", " are to ", " should ", " shall ")
_LIKE_REASON = 0.5
_ALREADY = frozenset("already still anymore bereits weiterhin ya todavía déjà encore".split())
_LIMITED = frozenset({Bound.MOST, Bound.UNDER, Bound.LEAST, Bound.AFTER})


def _limited_in_time(case: Case, home: Clause) -> str:
    """Return the date from or until which the source holds, if the claim names no time at all."""
    if any(one.moment for one in case.claim.figures):
        return ""
    source = next(one for one in case.sources if home in one.clauses)
    for figure in home.figures:
        is_date = figure.moment is not None and figure.moment.kind == "date"
        if is_date and bound_of(source, figure) in _LIMITED:
            return figure.text
    return ""


def _planned(
    case: Case, home: Clause, mine: dict[str, str], theirs: dict[str, str]
) -> Verdict | None:
    """Return the word of a plan that only one side has."""
    own = _said(case.claim.words, PLANNED)
    hedged = own or _said(case.claim.words, _UNSURE | case.claim.lexicon.should)
    planned = _said(home.words, PLANNED | _UNSURE)
    hedged = hedged or next((one.text for one in case.claim.words if _is_form(one, planned)), "")
    if planned and not hedged and not mine["future"]:
        return Verdict(Reason.STATUS, planned)
    if own and not planned and not theirs["future"]:
        return Verdict(Reason.STATUS, own)
    return None


def _is_form(word: Word, planned: str) -> bool:
    """Whether a word is a form of a word for plans: "reviewed" of "review"."""
    return bool(planned) and word.stem == stem(planned, word.language)


def _beside(case: Case) -> list[Clause]:
    """Return the main clauses of other sentences that a summary rests on, too."""
    return [one for one in case.used if one.part is Part.MAIN and one is not case.home]


def _has_gone(case: Case) -> bool:
    """Whether a verb of the claim can be in the past, as far as its ending shows."""
    if case.claim.language not in ("en", "de"):
        return True
    return any(
        word.text in _WENT or word.text.endswith(("ed", "t", "te", "ten"))
        for word in case.claim.words
    )


def _dated(case: Case, source: Reading) -> Clause | None:
    """Return the clause that a date of the claim stands in: it says when."""
    dates = [one for one in case.claim.figures if one.moment]
    return next(
        (
            piece
            for piece in source.pieces
            if any(equal(mine, one) for mine in dates for one in piece.figures)
        ),
        None,
    )


def _mains(reading: Reading) -> list[Clause]:
    limiting = _LIMITING | {Part.CAUSE}
    return [one for one in reading.clauses if one.part not in limiting] or list(reading.clauses)


def _tense(reading: Reading, *clauses: Clause) -> dict[str, str]:
    words = [word for clause in clauses for word in clause.words]
    spoken = "".join(clause.spoken() for clause in clauses)
    future = {"will", "shall", "won't"} if reading.language not in ("es", "fr", "de") else set()
    is_english = reading.language not in ("es", "fr", "de")
    past = "used to" if is_english and " used to " in spoken else ""
    return {
        "past": _said(words, _WAS) or past,
        "now": _said(words, _NOW),
        "future": _said(words, future),
    }


def _has_rule(clause: Clause, source: Reading) -> bool:
    """Whether it says what happens each time, not once: "will be removed after four weeks"."""
    statement = statement_of(clause, source.clauses)
    if any(one.part is Part.CONDITION for one in statement):
        return True
    return any(one.dimension in ("second", "month", "workday") for one in clause.figures)


def _said(words: Sequence[Word], wanted: frozenset[str] | set[str]) -> str:
    return next((word.text for word in words if word.text in wanted), "")


def check_causes(case: Case) -> Verdict | None:
    """Return the word that gives a reason where the source gives none."""
    for clause in case.claim.clauses:
        if clause.part is not Part.CAUSE or _is_since(clause):
            continue
        sources = [one for one in (*case.sources, case.before) if _gives_reason(one)]
        said = [word for one in sources for word in one.words]
        known = [word for word in clause.content if found_in(word, said)]
        is_other = not known and bool(clause.content) and not case.is_translated
        if not sources or (is_other and not _is_like(case, clause, sources)):
            return Verdict(Reason.CAUSE, clause.words[0].text)
    return None


def _is_like(case: Case, clause: Clause, sources: Sequence[Reading]) -> bool:
    """Whether a reason in other words is near one of the source, by the embedder."""
    if case.similarity is None:
        return False
    said = f"{' '.join(word.raw for word in clause.content)}."
    own = (one for source in sources for one in source.clauses if one.part is Part.CAUSE)
    theirs = (" ".join(word.raw for word in one.content) for one in own)
    return any(case.similarity(f"{said} ", f"{one}. ") >= _LIKE_REASON for one in theirs)


def _is_since(clause: Clause) -> bool:
    first = clause.words[0].text
    return first == "since" and bool(clause.figures) and len(clause.content) < 2


def _gives_reason(reading: Reading) -> bool:
    if any(clause.part is Part.CAUSE for clause in reading.clauses):
        return True
    return any(f" {word} " in reading.spoken for word in reading.lexicon.causes)
