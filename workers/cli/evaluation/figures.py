"""Counts what the grades come to: by kind, by language, and against the share that is refused."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from workers.cli.evaluation.asking import Asked
from workers.cli.evaluation.channels import WorkspaceFile
from workers.cli.evaluation.grading import Grade, Graded
from workers.cli.evaluation.sets import Directory
from workers.models.quotes import words
from workers.replies.outbox import Kind
from workers.slack.messenger import PlaceKind

_MOST_POINTS = 50

Pair = tuple[Asked, Graded]


def figures(pairs: Sequence[Pair], leaked: Sequence[bool]) -> dict[str, Any]:
    """Return the figures of a run; they name rows by their ids and hold no text."""
    verbatim = [pair for pair in pairs if not pair[0].paraphrased]
    due = [pair for pair in verbatim if pair[0].row.expected == "answer"]
    abstain = [pair for pair in verbatim if pair[0].row.expected == "abstain"]
    again = [one for one, _ in pairs if one.paraphrased and one.row.expected == "answer"]
    seconds = sorted(one.seconds for one, _ in pairs)
    by_facts = any(one.row.facts is not None for one, _ in pairs)
    return {
        "leaks": sum(leaked),
        "graded_by": "facts" if by_facts else "documents",
        "rows": {
            expected: count
            for expected in ("answer", "abstain", "chat", "ask_back")
            if (count := sum(one.row.expected == expected for one, _ in verbatim))
            or expected in ("answer", "abstain")
        },
        "answer_due": _tally(due),
        "total": _tally(verbatim),
        "by_kind": _by(verbatim, lambda one: one.row.kind),
        "by_language": _by(verbatim, lambda one: one.row.language),
        "verbatim": _retrieval([one for one, _ in due]),
        "paraphrase": _retrieval(again),
        "citations": {
            "precision": _share([name in one.row.docs for one, _ in due for name in one.cited]),
            "answered": sum(one.answers for one, _ in due),
        },
        "abstention": {
            "right": sum(not one.answers for one, _ in abstain),
            "wrong": sum(one.answers for one, _ in abstain),
        },
        "unanswered_on_topic": _tally([p for p in verbatim if p[0].row.is_unanswered_on_topic]),
        "abstention_curve": abstention_curve(verbatim),
        "seconds": {
            "p50": round(_percentile(seconds, 0.50), 4),
            "p95": round(_percentile(seconds, 0.95), 4),
        },
        "questions": [
            _question(one, graded, leak) for (one, graded), leak in zip(pairs, leaked, strict=True)
        ],
    }


def _question(one: Asked, graded: Graded, leak: bool) -> dict[str, Any]:
    return {
        "id": one.row.id,
        "paraphrased": one.paraphrased,
        "kind": one.row.kind,
        "language": one.row.language,
        "expected": one.row.expected,
        "grade": str(graded.grade),
        "leaked": leak,
        "rank": one.rank,
        "score": None if one.score is None else round(one.score, 4),
        "seconds": round(one.seconds, 4),
    }


def _by(pairs: Sequence[Pair], key: Callable[[Asked], str]) -> dict[str, dict[str, Any]]:
    names = dict.fromkeys(key(one) for one, _ in pairs)
    return {name: _tally([p for p in pairs if key(p[0]) == name]) for name in names if name}


def _tally(pairs: Sequence[Pair]) -> dict[str, Any]:
    count = Counter(graded.grade for _, graded in pairs)
    good = count[Grade.RIGHT] + count[Grade.CHAT_OK]
    return {
        "questions": len(pairs),
        **{str(one): count[one] for one in Grade},
        "good": round(good / len(pairs), 4) if pairs else None,
    }


# -- refusing more, or less ----------------------------------------------------------------------


def abstention_curve(pairs: Sequence[Pair]) -> list[dict[str, float]]:
    """Return what would become of the answers if those with a score below a threshold were refused.

    It begins with the run as it was. Shares of the rows where an answer is due (`right`, `wrong`,
    `refused`) and of those where none is (`rightly_refused`).
    """
    due = [pair for pair in pairs if pair[0].row.expected == "answer"]
    none_due = [one for one, _ in pairs if one.row.expected == "abstain"]
    scores = sorted({one.score for one, _ in pairs if one.answers and one.score is not None})
    if not due or not scores:
        return []
    step = max(1, math.ceil(len(scores) / _MOST_POINTS))
    return [
        {"threshold": round(at, 4), **_at(due, none_due, at)}
        for at in [*scores[::step], math.nextafter(scores[-1], math.inf)]
    ]


def _at(due: Sequence[Pair], none_due: Sequence[Asked], threshold: float) -> dict[str, float]:
    def speaks(one: Asked) -> bool:
        return one.answers and (one.score is None or one.score >= threshold)

    spoken = [graded.grade for one, graded in due if speaks(one)]
    refused = [not speaks(one) for one in none_due]
    return {
        "right": round(spoken.count(Grade.RIGHT) / len(due), 4),
        "wrong": round(sum(one in (Grade.WRONG, Grade.LEAK) for one in spoken) / len(due), 4),
        "refused": round(1 - len(spoken) / len(due), 4),
        "rightly_refused": _share(refused) or 0.0,
    }


# -- leaks ---------------------------------------------------------------------------------------


def leaks(one: Asked, graded: Graded, directory: Directory, workspace: WorkspaceFile) -> bool:
    """Return whether a reader was given, or an answerer shown, what that reader may not read."""
    row = one.row
    if graded.grade is Grade.LEAK or one.shown & row.forbidden_docs:
        return True
    if directory.forbidden(row.asker, one.shown):
        return True
    for reply in one.replies:
        used = {passage.document for passage in reply.composed.passages}
        used |= {citation.document for citation in reply.composed.reply.citations}
        if "" in used and reply.kind is Kind.CHANNEL:  # from the asker's own profile
            return True
        for reader in _readers(one, reply.kind, directory, workspace):
            if directory.forbidden(reader, used - {""}):
                return True
    return row.expected == "abstain" and _shows_a_mark(one)


def _readers(
    one: Asked, kind: Kind, directory: Directory, workspace: WorkspaceFile
) -> Iterable[str]:
    if kind is not Kind.CHANNEL or not one.row.channel:
        return ()
    place = workspace.place(workspace.find_channel(one.row.channel))
    named = (f"{account.source}:{account.native_id}" for account in place.members)
    there = {directory.accounts[name] for name in named if name in directory.accounts}
    return there | (directory.members if place.kind is PlaceKind.PUBLIC else set())


def _shows_a_mark(one: Asked) -> bool:
    """Whether a reply has words that stand in one forbidden document only."""
    parts: list[str] = []
    for reply in (one.composed.reply for one in one.replies):
        parts += [reply.lead, *(line.text for line in reply.lines)]
        parts += [part for c in reply.citations for part in (c.title, c.heading, c.quote)]
    shown = [f" {' '.join(words(part))} " for part in parts]
    marks = [f" {' '.join(words(mark))} " for mark in one.row.leak_markers]
    return any(mark in part for mark in marks for part in shown)


# -- arithmetic ----------------------------------------------------------------------------------


def _retrieval(rows: Sequence[Asked]) -> dict[str, float | None]:
    ranks = [one.rank for one in rows if one.row.docs]
    return {
        "hit_at_1": _share([rank == 1 for rank in ranks]),
        "hit_at_10": _share([rank is not None for rank in ranks]),
        "mrr": _share([1 / rank if rank else 0.0 for rank in ranks]),
    }


def _share(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _percentile(ordered: Sequence[float], part: float) -> float:
    """Return a percentile by nearest rank; 0 of nothing."""
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]
