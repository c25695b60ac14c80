"""Each word of a sentence must be covered by its source: no names, details or orders are added."""

import re
from difflib import SequenceMatcher

from workers.claims.bounds import bound_words
from workers.claims.case import Case
from workers.claims.reading import Word, found_in, is_said, opposes
from workers.claims.units import unit_of
from workers.claims.verdict import Reason, Verdict

_ACTIONS = frozenset(
    "call phone send enter click e-mail email pay transfer give write contact reply forward share"
    " open visit download install log sign ignore tell follow type press submit use ask go text"
    " message upload buy order scan provide confirm verify reset change delete disable copy paste"
    " report run execute reveal post join book"
    " rufen rufe rufst senden sende schicken schicke klicken klicke geben gib öffnen öffne zahlen"
    " überweisen überweise besuchen installieren melden schreiben antworten"
    " llame llama envíe envía haga pague escriba visite abra instale introduzca"
    " appelez envoyez cliquez payez écrivez visitez ouvrez installez saisissez".split()
)
_ADDRESSED = frozenset({"please", "bitte", "veuillez"})
_CLOSE = 0.62
"""How alike two English words must be to count as the same, by the embedder."""
_TRANSLATED = 0.42
"""How alike a sentence and its source in another language must be."""
_UNDECIDED = 0.75
_ENOUGH_ELSE = 2
_ADDING = frozenset(
    "and or but aber sondern pero sino mais with without plus including via und oder mit sowie y"
    " o con et ou avec".split()
)
_ARTICLES = frozenset(
    "a an the ein eine einen einem einer der die das den dem el la los las un una le les des"
    " du".split()
)
LIGHT = frozenset(
    "employee employees staff people company team colleague question answer information detail"
    " details rule rules requirement condition period time start end help work works need needs"
    " mitarbeiter unternehmen firma regel zeit arbeit frage empleado empleados empresa tiempo"
    " salarié entreprise temps règle situation example currently generally anything something"
    " run runs"
    " stay stays spend spends want wants had pay pays attend attends possible called cost"
    " costs named"
    " look"
    " significantly easily effectively simply actually really clearly successfully properly"
    " basically"
    " zahlen zahlt bezahlen kostet kosten beträgt paga pagan pagar cuesta cuestan paie paient coûte"
    " happen happens do able whoever wherever whenever turn turns".split()
)


def check_instruction(case: Case) -> Verdict | None:
    """Return the verb of an order to the reader that the source does not give."""
    words = case.claim.words
    for at, word in enumerate(words):
        opens = at == 0 or word.after_strong or words[at - 1].text in _ADDRESSED
        if not opens or word.text not in _ACTIONS:
            continue
        if not any(word.text == other.text or word.stem == other.stem for other in case.words):
            return Verdict(Reason.INSTRUCTION, word.text)
    return None


def check_names(case: Case) -> Verdict | None:
    """Return a name that stands neither in the source nor around it."""
    known = (*case.words, *case.around)
    for word in case.claim.content:
        if not word.is_name or found_in(word, known) or _is_acronym(word, known):
            continue
        if not any(opposes(word, other) for other in known):
            return Verdict(Reason.NAME, word.raw)
    if not case.is_table and not case.is_translated and (other := _renamed(case)):
        return Verdict(Reason.NAME, other.raw)
    return None


def _renamed(case: Case) -> Word | None:
    """Return a name that stands where the source has another one: "Joan asked" for "Lutz asked".

    The first word of a sentence counts as a name if the passage has it with a capital alone.
    """
    mine, theirs = case.claim.words, case.words
    same = SequenceMatcher(
        None, [word.text for word in mine], [word.text for word in theirs], autojunk=False
    )
    for kind, start, end, first, last in same.get_opcodes():
        if kind != "replace":
            continue
        new = [one for one in mine[start:end] if _can_be_name(one, case)]
        old = [one for one in theirs[first:last] if _can_be_name(one, case)]
        is_pair = len(new) == len(old) == 1 and not _is_acronym(new[0], theirs)
        if is_pair and not found_in(new[0], theirs) and not found_in(old[0], mine):
            return new[0]
    return None


def _can_be_name(word: Word, case: Case) -> bool:
    if word.is_function or not word.raw[:1].isupper() or word.concepts:
        return False
    if word.is_name:
        return True
    small = re.compile(rf"(?<!\w){re.escape(word.text)}(?!\w)")
    passage = f"{case.place.elsewhere} {' '.join(one.text for one in case.place.blocks)}"
    return word.raw in passage and not small.search(passage) and word.language != "de"


def _is_acronym(word: Word, known: tuple[Word, ...]) -> bool:
    """Whether HR stands for Human Resources, or the other way round."""
    initials = "".join(one.text[:1] for one in known)
    if word.raw.isupper() and 1 < len(word.raw) <= 5:
        return word.text in initials
    return any(
        one.raw.isupper() and 1 < len(one.raw) <= 5 and word.text[:1] in one.text for one in known
    )


def check_coverage(case: Case) -> Verdict | None:
    """Return a word of the claim that nothing covers."""
    if case.is_translated:
        return check_translation(case)
    known = (*case.words, *case.around)
    missing = [word for word in case.claim.content if not _is_covered(word, known)]
    heavy = [word for word in missing if word.text not in LIGHT]
    added = [word for word in heavy if not _is_alike(word, case)]
    if joined := _joined_piece(case, added):
        return Verdict(Reason.ADDED, joined.raw)
    if not added or (len(added) == 1 and _is_other_word(added[0], case, known)):
        return None
    return Verdict(Reason.ADDED, added[0].raw)


def _joined_piece(case: Case, added: list[Word]) -> Word | None:
    """Return a word of "… and uses less memory", of which the source says nothing at all."""
    for piece in case.claim.pieces[1:]:
        own = [word for word in piece.content if word not in added]
        new = [word for word in piece.content if word in added]
        if new and not own and not piece.figures and piece.words[0].text in _ADDING:
            return new[0]
    return None


def is_sure(case: Case) -> bool:
    """Whether each word is covered by the rules alone, in one language."""
    known = (*case.words, *case.around)
    return not case.is_translated and all(
        _is_covered(word, known) or word.text in LIGHT for word in case.claim.content
    )


def _is_other_word(word: Word, case: Case, known: tuple[Word, ...]) -> bool:
    """Whether one unknown word can be another word for what the source says, and no addition.

    It must not be a name, a further member of a list, or who does it; and enough else is covered.
    """
    if word.is_name or _is_joined(word, case):
        return False
    if _is_other_subject(word, case) or _is_elsewhere(word, case):
        return False
    covered = [one for one in case.claim.content if one is not word and _is_covered(one, known)]
    return len(covered) + len(case.claim.figures) >= _ENOUGH_ELSE


def _is_elsewhere(word: Word, case: Case) -> bool:
    """Whether the very word is of another sentence of the passage; in German only a noun."""
    is_thing = word.language != "de" or word.raw[:1].isupper()
    return is_thing and is_said(word, case.elsewhere)


def _is_joined(word: Word, case: Case) -> bool:
    """Whether a word is a further member of a list, or who does it."""
    ahead = [one.text for one in case.claim.words[: word.at] if one.text not in _ARTICLES]
    return bool(ahead) and ahead[-1] in _ADDING | case.claim.lexicon.agent


def _is_covered(word: Word, known: tuple[Word, ...]) -> bool:
    if word.text in bound_words() or unit_of(word.text):
        return True  # compared with the figures
    return bool(found_in(word, known)) or any(opposes(word, other) for other in known)


def _is_alike(word: Word, case: Case) -> bool:
    """Whether the embedder finds a word like one of the source, and it is no rival of it."""
    if case.similarity is None or word.is_name or _is_joined(word, case):
        return False
    alike = [
        other
        for other in (*case.words, *case.around)
        if not other.is_function
        and not other.is_name
        and case.similarity(word.text, other.text) >= _CLOSE
    ]
    if _is_elsewhere(word, case):  # another thing of the passage, such as tenant for landlord
        return bool(alike) and not any(other in case.words for other in alike)
    return bool(alike)


def _is_other_subject(word: Word, case: Case) -> bool:
    """Whether a word stands before the verb where the source names somebody or something else."""
    lexicon = case.claim.lexicon
    verbs = lexicon.be | lexicon.may | lexicon.must | lexicon.should
    first = next((one.at for one in case.claim.words if one.at and one.text in verbs), 0)
    if word.at >= first or case.home is None:
        return False
    subject = []
    for one in case.home.words:
        if one.text in verbs:
            break
        subject.append(one)
    return any(
        not one.is_function and not found_in(one, case.claim.words) for one in subject
    ) and len(subject) < len(case.home.words)


def check_translation(case: Case) -> Verdict | None:
    """Return that a sentence in another language is not near enough to its source in meaning."""
    if case.similarity is None:
        return Verdict(Reason.UNDECIDED, case.claim.language)
    source = " ".join(one.text for one in case.sources)
    if case.is_table or case.place.blocks[0].kind == "item":
        source = f"{case.context.text} {source}"
    alike = case.similarity(case.claim.text, source)
    if alike >= _TRANSLATED:
        return None
    return Verdict(Reason.ADDED, "translation")
