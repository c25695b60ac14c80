"""What becomes of a posted message afterwards: written down first, then told to Slack.

It is told again at each turn of the sweep until Slack has confirmed it; twice does no harm. Of
several that would tell one does, so that the last word in Slack is the last that was written down.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

import structlog
from sqlalchemy import Row, TextClause, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from policies.tables.questions import OutboxState, PostedChange
from workers.database.sessions import Database
from workers.database.statements import statement
from workers.errors import InputInvalid, SlackRefused, SlackUnavailable
from workers.intake.leases import question_session, stored_question
from workers.intake.messages import Question
from workers.observe import metrics
from workers.replies import rendering as say
from workers.replies.outbox import Kind, delete_orphaned_openings, find, mark_of
from workers.replies.rendering import Buttons, Reply
from workers.services import Services
from workers.slack.messenger import Message, Posted, Posts

log = structlog.get_logger()

_AT_ONCE = 20
"""Messages in a turn."""
_REST_S, LONG_REST_S = 10.0, 3600.0
"""After a failure that may pass soon, and after one that somebody has to put right."""
_LATE_S = 30.0
"""Slack may show a message so long after it took it."""
_TOKEN_REST_S = 60.0
_GONE = "message_not_found"
"""There is nothing left to change. Not so `channel_not_found`: Ken may have been removed from a
private channel, whose members still read what stands there."""
_TOKEN = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"}
)
"""With these codes Slack refuses every call of the workspace until its token works again: then what
stands there has to change soon."""
UNCONFIRMED = """
    outbox.revision IS NOT NULL AND revised_at IS NULL
    AND mend_at <= now() AND (outbox.state = 'posted' OR outbox.revision = 'deleted')
    AND (posted_at IS NULL OR posted_at > now() - make_interval(secs => 86400 * :days))
"""
"""Slack has not confirmed what the outbox says, and it is time to tell it."""


@dataclass(frozen=True, slots=True)
class _PushResult:
    """What became of a message in Slack."""

    rest_s: float | None = None
    """Before it is told again; None: Slack knows."""
    slack_down: bool = False
    """Slack does not answer, or not now."""


def revise(database: Database, question_id: int, kind: str, revision: PostedChange) -> None:
    """Write down what becomes of an answer, in all its parts. Withdrawn, it leaves no word behind.

    What was withdrawn or deleted stays so. A notice is nothing that could be withdrawn.
    """
    with question_session(database, question_id) as session:
        given = {"id": question_id, "kind": kind, "parts": f"{kind}/%"}
        if revision is PostedChange.WITHDRAWN:
            given["empty"] = json.dumps(say.withdrawn().payload())
            changed = session.execute(_WITHDRAW_ANSWER, given).all()
        else:
            changed = session.execute(_MARK_OUTDATED, given).all()
    if changed:
        _count(question_id, revision)


def withdraw_partial_answers(session: Session, question_id: int, *, withdrawn: bool) -> None:
    """At a question's end: of a long answer some parts are out and others never will be. Words
    stand in their place.

    `withdrawn`: the reason is who may read it. Call it before what was not sent is dropped.
    """
    words = say.withdrawn() if withdrawn else say.withdrawn(say.CUT_SHORT)
    given = {"id": question_id, "words": json.dumps(words.payload())}
    if session.execute(_WITHDRAW_HALVES, given).all():
        _count(question_id, PostedChange.WITHDRAWN)


def remove_all(database: Database, question_id: int) -> list[str]:
    """Write down that all messages for this question go: their kinds."""
    with question_session(database, question_id) as session:
        given = {"id": question_id, "empty": json.dumps(Reply("").payload())}
        kinds = list(session.scalars(_REMOVE_MESSAGES, given))
    if kinds:
        _count(question_id, PostedChange.DELETED)
    return kinds


def push_changes(services: Services) -> None:
    """What is withdrawn first. A workspace that does not answer is left alone for this turn."""
    given = {"limit": _AT_ONCE, "days": services.settings.review_days}
    with services.database.session("ingress") as session:
        rows = session.execute(_UNCONFIRMED_MESSAGES, given).all()
    stopped: set[str] = set()
    for row in rows:
        if row.team_id not in stopped and not push_to_slack(services, row.question_id, row.kind):
            stopped.add(row.team_id)


def push_to_slack(services: Services, question_id: int, kind: str) -> bool:
    """Bring one message to what the outbox says. False: Slack does not answer."""
    result = None
    try:
        with question_session(services.database, question_id) as session:
            row = _change_to_push(session, question_id, kind, services.settings.review_days)
            if row is None:
                return True
            result = _push(services, stored_question(session, question_id), row)
            given = {"id": question_id, "kind": kind, "revision": row.revision}
            if result.rest_s is None:
                session.execute(_MARK_CONFIRMED, given)
            else:
                session.execute(REST_MESSAGE, {**given, "rest_s": result.rest_s})
    except SQLAlchemyError:
        if result:  # we slept, and may have told something older after another had told its own
            with question_session(services.database, question_id) as session:
                session.execute(_MARK_UNCONFIRMED, {"id": question_id, "kind": kind})
        raise
    return not result.slack_down


def _change_to_push(session: Session, question_id: int, kind: str, days: float) -> Row[Any] | None:
    """None: there is nothing to tell, or somebody is telling it."""
    if not session.scalar(_TRY_LOCK_CHANGES, {"id": question_id}):
        return None
    given = {"id": question_id, "kind": kind, "days": days}
    return session.execute(_READ_CHANGE, given).one_or_none()


def _push(services: Services, question: Question | None, row: Row[Any]) -> _PushResult:
    if question is None or question.surface.is_terminal:
        return _PushResult()
    try:
        messenger = services.messenger_of(question.team_id)
        if row.revision != PostedChange.DELETED:
            messenger.update(Posted(row.channel_id, row.message_ts), _message(question, row))
        elif not _delete(services, messenger, question, row):
            return _PushResult(_LATE_S)
    except SlackRefused as refused:
        log.warning("answer_not_revised", question_id=row.question_id, error=str(refused))
        if str(refused) in _TOKEN:
            return _PushResult(_TOKEN_REST_S, slack_down=True)
        return _PushResult(None if str(refused) == _GONE else LONG_REST_S)
    except (SlackUnavailable, InputInvalid) as error:
        log.warning("answer_not_revised", question_id=row.question_id, error=type(error).__name__)
        return _PushResult(rest_after(error), slack_down=True)
    return _PushResult()


def _delete(services: Services, messenger: Posts, question: Question, row: Row[Any]) -> bool:
    """Whatever of this kind is out, on record or not. False: more of it may show later."""
    found = {Posted(row.opened_channel, row.opened_ts)} if row.opened_ts else set()
    if row.state == OutboxState.POSTED:
        found.add(Posted(row.channel_id, row.message_ts))
    known = 2 if row.opened_ts else 1  # attempts whose end is on record
    unsure = row.attempts > known or (row.attempts > 0 and row.state != OutboxState.POSTED)
    if unsure:
        found.update(find(services, question, row.kind))
    for posted in sorted(found, key=lambda one: one.message_ts):
        messenger.delete(posted)
    if not unsure:
        return True
    kind = Kind(row.kind.partition("/")[0])
    swept = row.opened_ts is not None or delete_orphaned_openings(services, question, kind)
    return swept and not row.is_first


def _message(question: Question, row: Row[Any]) -> Message:
    """The last part of a long reply has the buttons."""
    again = Buttons(row.question_id, share=False, private=False, again=True)
    if row.revision == PostedChange.WITHDRAWN:
        payload = say.from_payload(row.payload).payload(again if row.is_last else None)
    else:
        stored = say.buttons_of(row.payload)
        buttons = replace(stored, again=True) if stored else again
        payload = say.outdated(row.payload).payload(buttons if row.is_last else None)
    return Message(payload["text"], payload["blocks"], mark_of(question, row.kind))


def rest_after(error: Exception) -> float:
    if isinstance(error, InputInvalid):
        return LONG_REST_S
    return max(getattr(error, "retry_after_s", None) or 0.0, _REST_S)


def _count(question_id: int, revision: PostedChange) -> None:
    metrics.ANSWERS_REVISED.labels(revision.value).inc()
    log.info("answer_revised", question_id=question_id, revision=revision.value)


def _sql(words: str) -> TextClause:
    """A statement, with the conditions that several have in common."""
    return statement(words, of_answer=_OF_ANSWER, unconfirmed=UNCONFIRMED)


# Parts that are not out yet, too: they are, once they are posted. A notice is not withdrawn.
_OF_ANSWER = """
    question_id = :id AND (kind = :kind OR kind LIKE :parts)
    AND EXISTS (SELECT FROM outbox AS first
                WHERE first.question_id = :id AND first.kind = :kind
                  AND jsonb_array_length(coalesce(first.payload -> 'lines', '[]')) > 0)
"""

# Withdraws an answer in all its parts; returns those that it changed.
_WITHDRAW_ANSWER = _sql("""
    UPDATE outbox SET revision = 'withdrawn', revised_at = NULL, mend_at = '-infinity',
                      payload = CAST(:empty AS jsonb)
    WHERE {of_answer} AND (revision IS NULL OR revision = 'outdated')
    RETURNING id
""")

# Withdraws the parts that are out of an answer whose rest never will be; returns them.
_WITHDRAW_HALVES = text("""
    UPDATE outbox SET revision = 'withdrawn', revised_at = NULL, mend_at = '-infinity',
                      payload = CAST(:words AS jsonb)
    WHERE question_id = :id AND state = 'posted' AND (revision IS NULL OR revision = 'outdated')
      AND EXISTS (SELECT FROM outbox AS rest
                  WHERE rest.question_id = :id AND rest.state = 'ready' AND rest.revision IS NULL
                    AND rest.kind LIKE split_part(outbox.kind, '/', 1) || '/%')
    RETURNING id
""")

# Marks an answer as outdated in all its parts; returns those that it changed.
_MARK_OUTDATED = _sql("""
    UPDATE outbox SET revision = 'outdated', revised_at = NULL, mend_at = '-infinity'
    WHERE {of_answer} AND revision IS NULL
    RETURNING id
""")

# Says that all messages of a question go; returns their kinds.
_REMOVE_MESSAGES = text("""
    UPDATE outbox SET revision = 'deleted', revised_at = NULL, mend_at = '-infinity',
                      payload = CAST(:empty AS jsonb),
                      state = CASE state WHEN 'ready' THEN 'dropped' ELSE state END
    WHERE question_id = :id AND revision IS DISTINCT FROM 'deleted'
    RETURNING kind
""")

# Messages that Slack has still to be told of, withdrawn ones first.
_UNCONFIRMED_MESSAGES = _sql("""
    SELECT question_id, kind, team_id
    FROM outbox JOIN question ON question.id = question_id
    WHERE {unconfirmed}
    ORDER BY outbox.revision = 'outdated', mend_at, outbox.question_id, kind LIMIT :limit
""")

# Returns whether nobody else tells Slack of this question's messages. One at a time tells Slack
# of a question's messages, so that the last word is the newest.
_TRY_LOCK_CHANGES = text("""
    SELECT pg_try_advisory_xact_lock(
        hashtext('ken mends'), (CAST(:id AS bigint) % 2147483647)::int)
""")

# One message that Slack has still to be told of, and what it becomes.
_READ_CHANGE = _sql("""
    SELECT question_id, kind, payload, outbox.state, outbox.attempts, outbox.channel_id,
           outbox.message_ts, opened_channel, opened_ts, outbox.revision,
           mend_at = '-infinity' AS is_first,
           NOT EXISTS (
               SELECT FROM outbox AS later
               WHERE later.question_id = :id AND later.state <> 'dropped'
                 AND later.kind LIKE split_part(outbox.kind, '/', 1) || '/%'
                 AND split_part(later.kind, '/', 2)::int
                     > coalesce(nullif(split_part(outbox.kind, '/', 2), ''), '1')::int
           ) AS is_last
    FROM outbox WHERE question_id = :id AND kind = :kind AND {unconfirmed}
""")

# Says that Slack shows a message as the outbox has it.
_MARK_CONFIRMED = text("""
    UPDATE outbox SET revised_at = now()
    WHERE question_id = :id AND kind = :kind AND revision = :revision
""")

# Leaves a message alone for a while.
REST_MESSAGE = text("""
    UPDATE outbox SET mend_at = now() + make_interval(secs => :rest_s)
    WHERE question_id = :id AND kind = :kind
""")

# Says that Slack may show something older.
_MARK_UNCONFIRMED = text("""
    UPDATE outbox SET revised_at = NULL
    WHERE question_id = :id AND kind = :kind AND revision IS NOT NULL
""")


def remove(services: Services, question_id: int) -> None:
    """Take all of our messages for this question away; what fails now, the sweep does later.

    Nobody may be working on it any more (`leases.cancel`).
    """
    for kind in remove_all(services.database, question_id):
        push_to_slack(services, question_id, kind)
