"""Finds a question's context in its thread: a follow-up gets the earlier question put before it.

Only people's messages are context, never Ken's answers: each was made for its readers at that time.
Words alone decide, in English and German. A wrong guess only makes the search a little wider or
less exact; permissions are not affected.
"""

import re
from collections.abc import Sequence

from workers.replies.inert import inert
from workers.slack.messenger import Said

_MOST_BEFORE, _LONGEST_BEFORE, _LONGEST_JUDGED = 6, 500, 1000
_FEW = 2
"""Content words: with at most this many, a question that refers back is not complete."""
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")

_THANKS = frozenset(
    "thanks thank ok okay great cool perfect super nice hi hello danke dankeschön prima toll "
    "gut hallo".split()
)
_INTERROGATIVE = frozenset(
    "what which who whom whose when where why how was welche welcher welches welchen welchem wer "
    "wen wem wessen wann wo wohin woher warum wieso weshalb wie wieviel inwiefern".split()
)
_ASKING = _INTERROGATIVE | frozenset(
    "is are am were do does did can could may must should would will has have ist sind bin war "
    "waren kann können darf dürfen muss müssen soll sollen wird werden hat haben habe gibt gilt "
    "gelten tell show explain zeig zeige erklär erkläre nenne".split()
)
_JOINING = frozenset(
    "and or but also then so only even same und oder aber auch dann nur sogar genauso".split()
)
_PLACING = frozenset(
    "in on at by for from of to with without after before since until during under über bei beim "
    "für von vom zu zum zur mit ohne nach vor seit bis ab während unter aus am auf im ins".split()
)
_POINTING = frozenset(
    "it its that this those these they them their there he she dies diese dieser dieses diesem "
    "diesen es sie ihnen deren dessen dort dafür davon damit darüber dazu dabei daran danach "
    "darauf daraus".split()
)
_HOW_MUCH = _INTERROGATIVE | frozenset(
    "many much long often far not else viele viel lange oft weit nicht sonst".split()
)
_SMALL = frozenset().union(
    *(_ASKING, _JOINING, _PLACING, _POINTING, _HOW_MUCH),
    "a an the i me my we us our you your be been no yes about as if than one ones any all each "
    "exactly really more details example just please again mean too "
    "apply applies work works happen happens take takes der die das den dem des ein eine einen "
    "einem einer eines ich mich mir mein meine meinen du wir uns unser unsere er ihn ihm man "
    "kein keine ja nein noch schon als denn vielen genau wirklich mehr "
    "beispiel bitte mal sein dauert geht funktioniert".split(),
)
"""Words that say nothing about the topic of a question."""

_ABOUT = re.compile(
    r"(?:(?:and|but|so|und|aber)\s+)?(?:(?:what|how) about|what if|was ist (?:mit|bei|in)"
    r"|wie ist (?:es|das) (?:mit|bei|für|in)"
    r"|wie (?:sieht|schaut) (?:es|das) (?:denn )?(?:mit|bei|für|in)|gilt (?:das|dies))\b",
    re.IGNORECASE,
)
_POINTS_NOWHERE = re.compile(
    r"\b(?:is|are|was|were) there\b|\bthere (?:is|are)\b|\bgibt es\b|\bes gibt\b"
    r"|\b(?:this|that|diese[rsmn]?) (?:year|quarter|month|week|jahr|quartal|monat|woche)\b"
    r"|\bis it \w+ (?:to|that)\b|\bist es \w+,? (?:zu|dass)\b",
    re.IGNORECASE,
)
_DAS_ALONE = re.compile(r"\b[Dd]as(?=\s*[?!.,]|\s*$|\s+(?:auch|für|in|bei|so|noch|erlaubt)\b)")
"""Before a noun this is an article; here no noun can follow."""


def self_contained(text: str, before: Sequence[Said]) -> str:
    """Put the earlier questions that it needs in front of a question, oldest first.

    `before`: what people wrote earlier in the thread, oldest first. Goes back to the nearest
    question that is complete or, if there is none, to the thread's first message. A question that
    is complete comes back unchanged.
    """
    if not _leans_back(text):
        return text
    recent = [_cleaned(said.text) for said in before[-_MOST_BEFORE:]]
    needed: list[str] = []
    for earlier in reversed(recent):
        if _asks(earlier):
            needed.insert(0, earlier)
            if not _leans_back(earlier):
                break
    if not needed and len(recent) == len(before):
        needed = [began for began in recent[:1] if began and not _is_thanks(_words(began))]
    return "\n".join([*needed, text])


def _leans_back(text: str) -> bool:
    """Whether a question is incomplete without the one before it."""
    words = _words(text)
    about = [word for word in words if word not in _SMALL]
    if _is_thanks(words):
        return False
    if not about or _ABOUT.match(text.strip()) or _is_fragment(words):
        return True
    if len(about) > _FEW:
        return False
    return words[0] in _JOINING or _points_back(text) or (len(about) == 1 and _is_bare(words))


def _is_fragment(words: Sequence[str]) -> bool:
    """Whether it has no question word or verb: “Berlin?”, “for interns in Berlin?”, “and for
    interns?”.
    """
    if _ASKING.intersection(words):
        return False
    return len(words) <= _FEW or words[0] in _PLACING | _JOINING


def _is_bare(words: Sequence[str]) -> bool:
    """Whether no verb follows the question word: “How many in Berlin?”."""
    rest = [word for word in words if word not in _HOW_MUCH]
    return words[0] in _INTERROGATIVE and rest[0] in _PLACING


def _points_back(text: str) -> bool:
    judged = _POINTS_NOWHERE.sub(" ", text[:_LONGEST_JUDGED])
    return bool(_POINTING.intersection(_words(judged)) or _DAS_ALONE.search(judged))


def _asks(text: str) -> bool:
    words = _words(text)
    return bool(words) and not _is_thanks(words) and ("?" in text or words[0] in _ASKING)


def _is_thanks(words: Sequence[str]) -> bool:
    """Whether it is nothing but “thanks” and the like."""
    about = [word for word in words if word not in _SMALL]
    return bool(about) and _THANKS.issuperset(about)


def _words(text: str) -> list[str]:
    return _WORD.findall(text[:_LONGEST_JUDGED].casefold())


def _cleaned(text: str) -> str:
    """Make it short and inert."""
    return inert(text[: 10 * _LONGEST_BEFORE], hosts=True)[:_LONGEST_BEFORE].strip()
