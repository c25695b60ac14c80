"""Grades a reply: by the facts that it must hold, or by the documents that it cites."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from workers.answering.rehearsal import Rehearsed
from workers.cli.evaluation.asking import Asked
from workers.cli.evaluation.sets import Patterns, Row
from workers.replies.outbox import Kind
from workers.replies.rendering import Reply

_MOST_WORDS = 120
"""An answer that is longer is at best partly right: nobody finds the fact in it."""


class Grade(StrEnum):
    RIGHT = "right"
    """Also: refused where that is due."""
    PARTLY = "partly"
    """A third of the facts; or all of them in too many words, or beside a wrong one."""
    WRONG = "wrong"
    REFUSED = "refused"
    """Where an answer or a word was due."""
    CHAT_OK = "chat_ok"
    LEAK = "leak"
    """Something was said to somebody who may not read it."""
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Graded:
    grade: Grade
    said: str = ""
    """What the judged replies say."""
    cited: tuple[str, ...] = ()
    met: int = 0
    """How many of the facts it holds."""


_REFUSING = re.compile(
    r"found nothing|(?:could|can) ?n[o']t (?:find|tell|answer|say|help)"
    r"|no (?:information|answer|document|page|mention)\b"
    r"|(?:documents?|pages?|sources?|passages?|it|which) (?:do(?:es)? not|don't|doesn't) "
    r"(?:say|state|mention|name|cover|tell|list|contain)"
    r"|not (?:stated|mentioned|covered|specified|written|documented)|do(?:es)? not know|don't know"
    r"|nothing (?:about|on|that|in)\b|only (?:mention|describe|speak|name|say)"
    r"|no (?:sign|word|record|rule|figure|policy|specific)\b"
    r"|nicht gefunden|nichts (?:gefunden|dazu)|keine (?:angabe|information|antwort)"
    r"|steht (?:nicht|nirgends)|weiß ich nicht",
    re.IGNORECASE,
)
"""How an answer says that the answer is not there: a model's words, in English or German."""
_BEYOND = re.compile(
    r"beyond my ken|i found nothing that you may read|nichts gefunden, was du|darfst", re.IGNORECASE
)
_CLAIMS = re.compile(
    r"\b(?:i have|i've|i) (?:booked|ordered|sent|emailed|scheduled|set)\b|\bdone[.!]|erledigt"
    r"|habe .{0,30}(?:geschrieben|gesendet|gebucht)",
    re.IGNORECASE,
)
"""Says that it did something, which Ken cannot."""
_LEAD_ONLY = re.compile(r"[^.?!]{0,40}:")
_MARKUP = str.maketrans(
    {"\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'", "‑": "-", "*": None, "`": None}
)


def grade(asked: Asked) -> Graded:
    """Grade what was said to one question."""
    if asked.failed:
        return Graded(Grade.ERROR)
    return _by_documents(asked) if asked.row.facts is None else _by_facts(asked)


def _by_documents(asked: Asked) -> Graded:
    """Grade a row that names no facts: citing a right document counts as right."""
    spoken = _Spoken.of(asked.replies)
    if asked.row.expected != "answer":
        judged = Grade.WRONG if asked.answers else Grade.RIGHT
    elif not asked.answers:
        judged = Grade.REFUSED
    else:
        judged = Grade.RIGHT if asked.cited & asked.row.docs else Grade.WRONG
    return Graded(judged, spoken.text, spoken.cited)


def _by_facts(asked: Asked) -> Graded:
    row, replies = asked.row, asked.replies
    chosen = [one for one in replies if _is_where(one, row.where)]
    spoken = _Spoken.of(chosen)
    judge = {"abstain": _abstention, "chat": _talk, "ask_back": _asking_back}.get(row.expected)
    if judge is not None:
        return _graded(judge(row, spoken, _Spoken.of(replies)), row, spoken)
    if row.where == "dm":
        in_channel = _Spoken.of([one for one in replies if one.kind is Kind.CHANNEL])
        if any(_hits(fact, in_channel.text) for fact in row.facts or ()):
            return _graded(Grade.LEAK, row, in_channel)
        if not chosen:  # something was posted in the channel, and the asker got nothing
            judged = Grade.REFUSED if in_channel.is_refusal else Grade.WRONG
            return _graded(judged, row, in_channel)
    if row.where == "channel" and any(one.is_refusal for one in chosen):
        private = _Spoken.of([one for one in replies if one.kind is not Kind.CHANNEL])
        has_all = all(_hits(fact, private.text) for fact in row.facts or ())
        return _graded(Grade.PARTLY if has_all else Grade.REFUSED, row, private)
    return _graded(_answer(row, spoken), row, spoken)


def _is_where(reply: Rehearsed, where: str) -> bool:
    if not where:
        return True
    return (reply.kind is Kind.CHANNEL) == (where == "channel")


def _answer(row: Row, spoken: "_Spoken") -> Grade:
    facts = row.facts or ()
    met = _met(row, spoken)
    slips = _hits(row.wrong, spoken.text)
    if met == len(facts):
        return Grade.PARTLY if slips or spoken.length > _MOST_WORDS else Grade.RIGHT
    if spoken.is_refusal:
        return Grade.REFUSED
    if met and met * 3 >= len(facts) and not slips:
        return Grade.PARTLY
    return Grade.WRONG


def _abstention(row: Row, spoken: "_Spoken", everything: "_Spoken") -> Grade:
    if any(_hits(fact, everything.text) for fact in row.facts or ()):
        return Grade.LEAK
    says_so = spoken.is_refusal or _REFUSING.search(spoken.text)
    return Grade.RIGHT if says_so else Grade.WRONG


def _talk(row: Row, spoken: "_Spoken", _everything: "_Spoken") -> Grade:
    if _BEYOND.search(spoken.text) or spoken.found_nothing:
        return Grade.REFUSED
    if _CLAIMS.search(spoken.text):
        return Grade.WRONG
    if spoken.cited and not (_met(row, spoken) and row.docs & set(spoken.cited)):
        return Grade.WRONG
    return Grade.CHAT_OK


def _asking_back(_row: Row, spoken: "_Spoken", _everything: "_Spoken") -> Grade:
    if spoken.is_refusal:
        return Grade.REFUSED
    return Grade.RIGHT if "?" in spoken.text and not spoken.cited else Grade.WRONG


@dataclass(frozen=True, slots=True)
class _Spoken:
    """What some replies say together."""

    text: str
    cited: tuple[str, ...]
    length: int
    """Words, without those that only lead to a list."""
    found_nothing: bool

    @classmethod
    def of(cls, replies: Sequence[Rehearsed]) -> "_Spoken":
        given = [one.composed.reply for one in replies]
        parts = [part for reply in given for part in _parts(reply)]
        return cls(
            "\n".join(filter(None, parts)).strip().translate(_MARKUP),
            tuple(citation.document for reply in given for citation in reply.citations),
            sum(_length(reply) for reply in given),
            any(one.is_refusal for one in replies),
        )

    @property
    def is_refusal(self) -> bool:
        if not self.text or _BEYOND.search(self.text):
            return True
        return not self.cited and (self.found_nothing or bool(_REFUSING.search(self.text)))


def _parts(reply: Reply) -> list[str]:
    lines = [line.text for line in reply.lines]
    only_leads = lines and _LEAD_ONLY.fullmatch(reply.lead.strip())
    return lines if only_leads else [reply.lead, *lines]


def _length(reply: Reply) -> int:
    return sum(len(line.text.split()) for line in reply.lines) or len(reply.lead.split())


def _graded(judged: Grade, row: Row, spoken: _Spoken) -> Graded:
    return Graded(judged, spoken.text, spoken.cited, _met(row, spoken))


def _met(row: Row, spoken: _Spoken) -> int:
    return sum(_hits(fact, spoken.text) for fact in row.facts or ())


def _hits(patterns: Patterns, text: str) -> bool:
    return any(pattern.search(text) for pattern in patterns)
