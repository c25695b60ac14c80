"""Rows and replies as a test wants them."""

from typing import Any

from workers.answering.composing import Composed
from workers.answering.rehearsal import Rehearsed
from workers.cli.evaluation.asking import Asked
from workers.cli.evaluation.sets import Row, _row
from workers.replies import rendering as say
from workers.replies.outbox import Kind
from workers.replies.rendering import Citation, Line, Reply

NATURAL: dict[str, Any] = {
    "id": "one",
    "asker": "ana",
    "channel": None,
    "thread": [],
    "text": "how much leave?",
    "language": "en",
    "kind": "everyday",
    "expected": "answer",
    "facts": [[r"\b30 days"]],
    "wrong": [],
    "docs": ["leave"],
    "answer": "30 days.",
    "why": "",
}


def row(**changes: Any) -> Row:
    return _row({**NATURAL, **changes}, "here")


def citation(document: str, quote: str = "") -> Citation:
    return Citation(1, document, "", None, "wiki", document, quote, None)


def answered(
    *lines: str, cited: tuple[str, ...] = ("leave",), kind: Kind = Kind.DIRECT
) -> Rehearsed:
    reply = Reply(
        "This is what I found:",
        tuple(Line(one, (1,)) for one in lines),
        tuple(map(citation, cited)),
    )
    return Rehearsed(kind, Composed(reply))


def noticed(words: str, kind: Kind = Kind.DIRECT) -> Rehearsed:
    return Rehearsed(kind, Composed(say.notice(words)))


def refused(kind: Kind = Kind.DIRECT) -> Rehearsed:
    words = say.ANSWERED_PRIVATELY if kind is Kind.CHANNEL else say.NOTHING_FOUND
    return Rehearsed(kind, Composed(say.notice(words)), is_refusal=True)


def asked(*replies: Rehearsed, score: float | None = None, **changes: Any) -> Asked:
    more = {name: changes.pop(name) for name in ("ranked", "failed", "prompted") if name in changes}
    return Asked(row(**changes), replies, score=score, seconds=0.1, **more)
