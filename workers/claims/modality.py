"""Must, may and should, all and some: a sentence may not say more than its source."""

import re
from enum import StrEnum

from workers.claims.amounts import RATE_WORDS
from workers.claims.bounds import turned_bounds
from workers.claims.case import Case
from workers.claims.lexicon import Lexicon
from workers.claims.polarity import negations
from workers.claims.reading import Clause, Part, Reading, Word, found_in
from workers.claims.units import unit_of
from workers.claims.verdict import Reason, Verdict

_IS_TO_DO = {
    "de": re.compile(r" (?:ist|sind) (?:\w+ )*?(?:zu \w+en|(?:ab|an|auf|aus|bei|ein|her|mit|nach|um"
                     r"|vor|weg|zurück)zu\w+en) "),
    "en": re.compile(r" (?:is|are) to be "),
    "fr": re.compile(r" (?:est|sont) à \w+er "),
}  # fmt: skip
"""What obliges without a modal: "sind einzureichen", "are to be sent"."""


class Modal(StrEnum):
    NONE = "none"
    MUST = "must"
    MAY = "may"
    SHOULD = "should"
    FORBIDDEN = "forbidden"
    OPTIONAL = "optional"


_NEED = frozenset(
    "need needs needed require required requires have-to necessary mandatory obligatory compulsory"
    " erforderlich verpflichtend nötig notwendig braucht brauchen benötigt müssen muss pflicht"
    " necesario obligatorio necesita nécessaire obligatoire requis besoin".split()
)
_FOLLOWS = {
    Modal.MUST: {Modal.MUST, Modal.NONE},
    Modal.MAY: {Modal.MAY, Modal.NONE, Modal.OPTIONAL},
    Modal.SHOULD: {Modal.SHOULD},
    Modal.FORBIDDEN: {Modal.FORBIDDEN, Modal.NONE},
    Modal.OPTIONAL: {Modal.OPTIONAL, Modal.MAY},
    Modal.NONE: {Modal.NONE, Modal.MUST, Modal.MAY, Modal.FORBIDDEN, Modal.OPTIONAL},
}
"""What a claim says, and what its source may say."""
_REQUIRING = frozenset(
    "without unless only except until ohne nur erst außer sofern sin solo sólo salvo sans sauf"
    " seulement never nie nunca".split()
)
_EXPECTED = frozenset(
    "expected scheduled due planned erwartet voraussichtlich geplant esperado espera prevé previsto"
    " attendu prévu prévue".split()
)
_BEFORE = frozenset("before bevor ehe vor antes avant".split())
_EACH = frozenset("every each jeden jede jeder jedes cada chaque".split())
_SOLELY = frozenset("only nur erst solo sólo seulement uniquement solely exclusively".split())
_IN_FULL = frozenset(
    "full fully complete completely entirely total whole no none nobody never nothing voll"
    " vollständig komplett ganz gesamt kein keine niemand completo completa íntegro nadie complet"
    " complète intégralement entièrement personne".split()
)
_WHOEVER = frozenset({"anyone", "anybody", "any", "anything", "everyone", "everybody", "always"})


_PARTLY = frozenset(
    "some few sometimes occasionally partly partially seldom rarely einige einigen wenige manche"
    " manchmal teilweise algunos algunas pocos veces quelques certains certaines parfois".split()
)


def check_modality(case: Case) -> Verdict | None:
    """Return the modal of the claim that the source does not have."""
    home = case.home
    if home is None:
        return None
    mine = [sense_of(clause, case.claim.lexicon) for clause in _mains(case.claim)]
    claimed = next((one for one in mine if one[0] is not Modal.NONE), (Modal.NONE, ""))
    theirs = {
        sense_of(clause, source.lexicon)[0]
        for source in (*case.sources, *_lead(case))
        for clause in source.clauses
        if (clause in case.used or source is case.context) and clause.part is not Part.CONDITION
    } or {Modal.NONE}
    theirs = theirs - {Modal.NONE} or theirs
    is_item = any(block.kind == "item" for block in case.place.blocks)
    hopes = {word.text for word in case.words} & _EXPECTED
    if claimed[0] is Modal.SHOULD and hopes:
        return None  # "is expected in May" is "should come in May"
    if is_item and theirs == {Modal.NONE} and claimed[0] is Modal.SHOULD:
        return None  # an item that tells what to do
    if theirs & _FOLLOWS[claimed[0]] or turned_bounds(case):
        return None
    said = {word.text for word in case.words} | {word.text for word in case.claim.words}
    is_turned = Modal.FORBIDDEN in {claimed[0], *theirs} or not said.isdisjoint(_SOLELY)
    known = {Modal.MUST, Modal.FORBIDDEN, Modal.MAY, Modal.NONE}
    if is_turned and not said.isdisjoint(_REQUIRING) and {claimed[0], *theirs} <= known:
        return None
    return Verdict(Reason.MODAL, claimed[1] or claimed[0])


def _mains(reading: Reading) -> list[Clause]:
    return [one for one in reading.clauses if one.part not in (Part.CONDITION, Part.CAUSE)]


def _lead(case: Case) -> list[Reading]:
    is_item = any(block.kind == "item" for block in case.place.blocks)
    return [case.context] if is_item else []


def sense_of(clause: Clause, words: Lexicon) -> tuple[Modal, str]:
    """Return what a clause obliges to, its negation included, and the word that says so."""
    spoken = clause.spoken()
    modal, said = _plain_sense(clause, words, spoken)
    denied = any(word.text not in words.forbid for word in negations(clause, words))
    if not denied or modal is Modal.NONE:
        return modal, said
    if modal is Modal.MUST:
        return (Modal.OPTIONAL if (said in _NEED and words.language != "en") or _is_need(said)
                else Modal.FORBIDDEN), said  # fmt: skip
    flipped = {Modal.MAY: Modal.FORBIDDEN, Modal.FORBIDDEN: Modal.MAY}
    return flipped.get(modal, modal), said


def _is_need(said: str) -> bool:
    return said in _NEED or said in ("have to", "has to", "had to")


def _plain_sense(clause: Clause, words: Lexicon, spoken: str) -> tuple[Modal, str]:
    groups = (
        (Modal.FORBIDDEN, words.forbid),
        (Modal.SHOULD, words.should),
        (Modal.MUST, words.must),
        (Modal.MAY, words.may),
    )
    if _IS_TO_DO.get(words.language) and (found := _IS_TO_DO[words.language].search(spoken)):
        return Modal.MUST, found[0].split()[0]
    for modal, group in groups:
        for word in clause.words:
            if word.text in group:
                return modal, word.text
        for phrase in group:
            if " " in phrase and f" {phrase} " in spoken:
                return modal, phrase
    return Modal.NONE, ""


def check_quantity(case: Case) -> Verdict | None:
    """Return "all" where the source says less, and "most" or "only" where the claim changes it."""
    claim = case.claim
    mine = _quantities(claim)
    theirs: set[str] = set()
    for source in (*case.sources, *_lead(case)):
        theirs |= set(_quantities(source))
    spoken = {word.text for word in case.words}
    if not spoken.isdisjoint(_IN_FULL):
        theirs.add("all")
    is_every = _is_every_one(case, mine.get("all", ""), theirs)
    if "all" in mine and "all" not in theirs and mine["all"] not in _WHOEVER and not is_every:
        return Verdict(Reason.QUANTITY, mine["all"])
    if "all" in mine and theirs & {"most", "some"} and not {"most", "some"} & set(mine):
        return Verdict(Reason.QUANTITY, mine["all"])
    if "only" in theirs and "all" in mine and "only" not in mine and not _denies(claim):
        return Verdict(Reason.QUANTITY, mine["all"])
    if any(one in claim.spoken and one not in case.spoken() for one in _ANY_TIME):
        return Verdict(Reason.QUANTITY, "any time")
    if "always" in claim.spoken and "all" not in theirs:
        return Verdict(Reason.QUANTITY, "always")
    if "only" in mine and "only" not in theirs and not _limits(case, spoken):
        return Verdict(Reason.QUANTITY, mine["only"])
    return _part_of_all(case, mine)


_ANY_TIME = (" any time ", " anytime ", " jederzeit ", " cualquier momento ", " tout moment ")


def _denies(reading: Reading) -> bool:
    return any(word.text in reading.lexicon.negators for word in reading.words)


def _is_every_one(case: Case, said: str, theirs: set[str]) -> bool:
    """Whether "every complaint gets an answer" is what "complaints are answered" says of all."""
    if said not in _EACH or theirs or any(one.part in _LIMITS for one in case.clauses):
        return False
    at = next(one.at for one in case.claim.words if one.text == said)
    counted = case.claim.words[at + 1 : at + 2]
    first = [word for source in case.sources for word in source.content[:1]]
    return bool(counted) and any(found_in(counted[0], [word]) and word.at == 0 for word in first)


_LIMITS = frozenset({Part.CONDITION, Part.EXCEPTION, Part.RELATIVE})


def _part_of_all(case: Case, mine: dict[str, str]) -> Verdict | None:
    home = case.home
    if home is None:
        return None
    source = next(one for one in case.sources if home in one.clauses)
    theirs = _quantities(source, home)
    if "most" in theirs and "most" not in mine:
        return Verdict(Reason.QUANTITY, theirs["most"])
    if theirs.get("some") in _PARTLY and not {"some", "most"} & set(mine):
        return Verdict(Reason.QUANTITY, theirs["some"])
    if "some" in mine and "all" in theirs and "all" not in mine:
        return Verdict(Reason.QUANTITY, mine["some"])
    wrong = {"most"} & set(mine) - {kind for one in case.sources for kind in _quantities(one)}
    if wrong and not case.is_translated:
        return Verdict(Reason.QUANTITY, mine[wrong.pop()])
    return None


def _limits(case: Case, spoken: set[str]) -> bool:
    parts = {clause.part for clause in case.clauses}
    if parts & {Part.CONDITION, Part.EXCEPTION}:
        return True
    denied = [word for word in case.words if word.text in case.sources[0].lexicon.negators]
    if len(denied) > 1 or (denied and not spoken.isdisjoint(_BEFORE)):
        return True  # "nobody … before" and "nothing … without" are "only after" and "only with"
    must = case.sources[0].lexicon.must | case.sources[0].lexicon.forbid
    return not spoken.isdisjoint(_REQUIRING | must)


def _quantities(reading: Reading, clause: Clause | None = None) -> dict[str, str]:
    """Return the quantities of a text by kind, each with its word; rates are none."""
    lexicon = reading.lexicon
    words = clause.words if clause else reading.words
    found: dict[str, str] = {}
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else None
        if word.text in RATE_WORDS and following and unit_of(following.text):
            continue
        beside = (0 <= one.start - word.end <= 1 or 0 <= word.start - one.end <= 1
                  for one in reading.figures)  # fmt: skip
        if word.text in _EACH and any(beside):
            continue
        for kind, group in (
            ("all", lexicon.all),
            ("most", lexicon.most),
            ("some", lexicon.some),
            ("only", lexicon.only),
        ):
            if word.text in group and not _is_bound(words, at, kind):
                found.setdefault(kind, word.text)
    return found


def _is_bound(words: tuple[Word, ...], at: int, kind: str) -> bool:
    """Whether "most" belongs to "at most", or "not only" is said."""
    before = words[at - 1].text if at else ""
    if kind == "most" and words[at].text == "most":
        following = words[at + 1].text if at + 1 < len(words) else ""
        return before in ("at", "the", "s") or not following.endswith(
            ("s", "of", "people", "staff")
        )
    return kind == "only" and before in ("not", "nicht", "no", "pas")
