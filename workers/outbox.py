"""Messages to post: written down first, posted once, found again when the answer was lost."""

import json
from enum import StrEnum

from sqlalchemy import text

from policies.models import OutboxState
from workers.answering.reply import Reply
from workers.messenger import Message, Posted
from workers.questions import Leased, at_work, still_mine
from workers.services import Services


class Kind(StrEnum):
    """Where a reply goes. One question has one of each at the most."""

    CHANNEL = "channel"
    DIRECT = "direct"


def put(services: Services, leased: Leased, kind: Kind, reply: Reply) -> None:
    """Write the reply down, in place of one that was not posted. Raises LeaseLost."""
    with at_work(services.database, leased.id) as session:
        still_mine(session, leased)
        session.execute(
            _PUT, {"id": leased.id, "kind": kind, "payload": json.dumps(reply.payload())}
        )


def deliver(services: Services, leased: Leased, kind: Kind) -> None:
    """Post what was written down, if it is not out yet. Raises LeaseLost, SlackUnavailable.

    The attempt is counted and committed before the post: whoever comes after a crash reads the
    conversation back first (`settle`).
    """
    with at_work(services.database, leased.id) as session:
        still_mine(session, leased)
        payload = session.execute(_ATTEMPT, {"id": leased.id, "kind": kind}).scalar_one_or_none()
    if payload is None:
        return
    posted = _post(services, leased, kind, payload)
    _mark_posted(services, leased, kind, posted)


def settle(services: Services, leased: Leased, kind: Kind) -> bool | None:
    """Whether a reply that is out already answers; None: none is out, by our books or Slack's."""
    with at_work(services.database, leased.id) as session:
        row = session.execute(_LOOK, {"id": leased.id, "kind": kind}).one_or_none()
    if row is None:
        return None
    if row.state != OutboxState.POSTED:
        found = _find(services, leased, kind) if row.attempts else None
        if found is None:
            return None
        _mark_posted(services, leased, kind, found)
    return bool(row.answers)


def _post(services: Services, leased: Leased, kind: Kind, payload: dict[str, object]) -> Posted:
    question = leased.question
    if question.surface == "terminal":
        return Posted(question.channel_id, question.message_ts)
    message = Message(
        text=str(payload["text"]),
        blocks=payload["blocks"],  # type: ignore[arg-type]
        mark=_mark(leased, kind),
    )
    if kind is Kind.CHANNEL or question.in_direct_message:
        return services.messenger.post(question.channel_id, question.thread_ts, message)
    return services.messenger.post_direct(question.user_id, message)


def _find(services: Services, leased: Leased, kind: Kind) -> Posted | None:
    question = leased.question
    if question.surface == "terminal":
        return None
    mark = _mark(leased, kind)
    if kind is Kind.CHANNEL or question.in_direct_message:
        return services.messenger.find_post(question.channel_id, question.thread_ts, mark)
    return services.messenger.find_direct(question.user_id, mark)


def _mark(leased: Leased, kind: Kind) -> str:
    return f"{leased.question.event_id}/{kind}"


def _mark_posted(services: Services, leased: Leased, kind: Kind, posted: Posted) -> None:
    """Even a worker that lost its lease says what it knows to be out."""
    with at_work(services.database, leased.id) as session:
        session.execute(
            _POSTED,
            {"id": leased.id, "kind": kind, "channel": posted.channel_id, "ts": posted.message_ts},
        )


_PUT = text("""
    INSERT INTO outbox (question_id, kind, payload) VALUES (:id, :kind, CAST(:payload AS jsonb))
    ON CONFLICT (question_id, kind) DO UPDATE SET payload = excluded.payload
    WHERE outbox.state = 'ready'
""")

_ATTEMPT = text("""
    UPDATE outbox SET attempts = attempts + 1
    WHERE question_id = :id AND kind = :kind AND state = 'ready'
    RETURNING payload
""")

_LOOK = text("""
    SELECT state, attempts, jsonb_array_length(payload -> 'lines') > 0 AS answers
    FROM outbox WHERE question_id = :id AND kind = :kind
""")

_POSTED = text("""
    UPDATE outbox SET state = 'posted', posted_at = now(), channel_id = :channel, message_ts = :ts
    WHERE question_id = :id AND kind = :kind AND state = 'ready'
""")
