"""Errands as a worker takes them up, and answers that they are about."""

import json
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from sqlalchemy import text

from tests.workers.slack_company import TEAM, Company
from workers.intake.leases import question_session
from workers.intake.messages import ErrandKind, StoredErrand
from workers.replies.rendering import Citation, Line, Reply

_numbers = count(1)


def pressed(
    kind: ErrandKind,
    person: str = "alice",
    *,
    team: str = TEAM,
    channel: str = "",
    attempts: int = 1,
    **details: Any,
) -> StoredErrand:
    """Each is another errand."""
    number = next(_numbers)
    user_id = f"U{person.upper()}"
    return StoredErrand(
        f"Er{number}", kind, team, user_id, channel, details, id=number, attempts=attempts
    )


def answered(
    company: Company,
    question_id: int,
    *,
    kind: str = "direct",
    channel: str = "DUALICE",
    ts: str = "1.000001",
    cited: Iterable[int] = (),
    words: str = "It is ten million.",
) -> None:
    """As if a worker had answered."""
    citation = Citation(1, "Budget", "", None, "world", "budget", words, None)
    reply = Reply("From the documents:", (Line(words, (1,)),), (citation,))
    given = {
        "id": question_id,
        "kind": kind,
        "payload": json.dumps(reply.payload()),
        "channel": channel,
        "ts": ts,
        "cited": list(cited),
    }
    with question_session(company.library.database, question_id) as session:
        for statement in _ANSWERED:
            session.execute(statement, given)


def texts(value: Any) -> Iterator[str]:
    """Every text in blocks or a view."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "text" and isinstance(item, str):
                yield item
            else:
                yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def all_text(value: Any) -> str:
    return "".join(texts(value))


_ANSWERED = (
    text("""
        INSERT INTO outbox (question_id, kind, payload, state, channel_id, message_ts, posted_at)
        VALUES (:id, :kind, CAST(:payload AS jsonb), 'posted', :channel, :ts, now())
    """),
    text("""
        INSERT INTO answer (question_id, kind, audience, epoch, used, cited, model,
                            prompt_version, verdicts)
        VALUES (:id, :kind, '{0}', 1, :cited, :cited, 'fake', '1', '{}')
    """),
    text("UPDATE question SET state = 'answered', ended_at = now() WHERE id = :id"),
)
