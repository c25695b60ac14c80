"""Messages to post: written down first, posted once, found again when the answer was lost.

Slack has no way to say "only if it is not there yet". So: an attempt is on record before it is
made; after one whose end we do not know, the conversation is read back before another; while one
is on its way nobody else tries (`questions.speaking`); and whoever finds that a message of its
kind was out already takes its own away again.
"""

import json
from enum import StrEnum

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from policies.models import OutboxState
from workers.answering.reply import Reply
from workers.crashpoints import reached
from workers.errors import SlackRefused
from workers.interface import Question
from workers.messenger import Message, Posted
from workers.ops import tracing
from workers.questions import Leased, at_work, speaking, still_mine
from workers.services import Services

log = structlog.get_logger()


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
    reached("written_down")


def deliver(services: Services, leased: Leased, kind: Kind) -> None:
    """Post what was written down, if it is not out yet. Raises LeaseLost, SlackUnavailable.

    The attempt is counted and committed before the post: whoever comes after a crash reads the
    conversation back first (`settle`).
    """
    with at_work(services.database, leased.id) as session:
        still_mine(session, leased)
        payload = session.execute(_ATTEMPT, {"id": leased.id, "kind": kind}).scalar_one_or_none()
    reached("attempt_counted")
    if payload is None:
        return
    posted = None
    try:
        with speaking(services.database, leased):
            reached("sending")
            with tracing.span("post", question_id=leased.id, kind=str(kind)):
                posted = _post(services, leased.question, kind, payload)
            reached("accepted")
    except SQLAlchemyError:  # we slept so long that PostgreSQL ended the transaction
        if posted is None:
            raise
    _mark_posted(services, leased.id, kind, posted)
    reached("marked")


def settle(services: Services, leased: Leased, kind: Kind) -> bool | None:
    """Whether a reply that is out already answers; None: none is out, by our books or Slack's."""
    with at_work(services.database, leased.id) as session:
        row = session.execute(_LOOK, {"id": leased.id, "kind": kind}).one_or_none()
    if row is None:
        return None
    if row.state != OutboxState.POSTED:
        found = _find(services, leased.question, kind) if row.attempts else []
        if not found:
            return None
        _mark_posted(services, leased.id, kind, found[0])
    return bool(row.answers)


def look_again(services: Services, question_id: int, kind: Kind) -> None:
    """Take away what Slack showed late, after we had read back and posted once more.

    Where Slack shows us nothing any more there is nothing to take away. Raises SlackUnavailable.
    """
    with at_work(services.database, question_id) as session:
        row = session.execute(_POSTED_AS, {"id": question_id, "kind": kind}).one()
    question = Question(**row.question)
    try:
        for posted in _find(services, question, kind):
            if posted.message_ts != row.message_ts:
                _take_away(services, posted, question_id)
    except SlackRefused as refused:
        log.warning("not_looked_again", question_id=question_id, error=type(refused).__name__)
    with at_work(services.database, question_id) as session:
        session.execute(_LOOKED, {"id": question_id, "kind": kind})


def _post(services: Services, question: Question, kind: Kind, payload: dict[str, object]) -> Posted:
    if question.surface == "terminal":
        return Posted(question.channel_id, question.message_ts)
    message = Message(
        text=str(payload["text"]),
        blocks=payload["blocks"],  # type: ignore[arg-type]
        mark=_mark(question, kind),
    )
    if kind is Kind.CHANNEL or question.in_direct_message:
        return services.messenger.post(question.channel_id, question.thread_ts, message)
    return services.messenger.post_direct(question.user_id, message)


def _find(services: Services, question: Question, kind: Kind) -> list[Posted]:
    """Ours that Slack has, oldest first."""
    if question.surface == "terminal":
        return []
    since, mark = question.message_ts, _mark(question, kind)
    if kind is Kind.CHANNEL or question.in_direct_message:
        return services.messenger.find(question.channel_id, question.thread_ts, mark, since=since)
    return services.messenger.find_direct(question.user_id, mark, since=since)


def _mark(question: Question, kind: Kind) -> str:
    return f"{question.event_id}/{kind}"


def _mark_posted(services: Services, question_id: int, kind: Kind, posted: Posted) -> None:
    """Even a worker that lost its lease says what it knows to be out; the first one counts."""
    with at_work(services.database, question_id) as session:
        session.execute(
            _POSTED,
            {
                "id": question_id,
                "kind": kind,
                "channel": posted.channel_id,
                "ts": posted.message_ts,
            },
        )
        counts = session.execute(_WHICH, {"id": question_id, "kind": kind}).scalar_one()
    if counts != posted.message_ts:
        _take_away(services, posted, question_id)


def _take_away(services: Services, posted: Posted, question_id: int) -> None:
    log.warning("second_message_deleted", question_id=question_id)
    services.messenger.delete(posted)


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

_WHICH = text("SELECT message_ts FROM outbox WHERE question_id = :id AND kind = :kind")

_POSTED_AS = text("""
    SELECT outbox.message_ts,
           jsonb_build_object(
               'event_id', event_id, 'team_id', team_id, 'channel_id', question.channel_id,
               'message_ts', question.message_ts, 'thread_ts', thread_ts, 'user_id', user_id,
               'text', '', 'surface', surface) AS question
    FROM outbox JOIN question ON question.id = question_id
    WHERE question_id = :id AND kind = :kind
""")

_LOOKED = text("UPDATE outbox SET looked_at = now() WHERE question_id = :id AND kind = :kind")
