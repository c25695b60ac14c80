"""Changes of posted messages: written down first, then pushed to Slack.

A change is pushed again at each turn of the sweep until Slack has confirmed it; doing it twice is
harmless. Only one worker at a time pushes for a question, so the last push is the newest change.
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
from workers.wording.text import speaking

log = structlog.get_logger()

_AT_ONCE = 20
"""Messages in one turn."""
_REST_S, LONG_REST_S = 10.0, 3600.0
"""Pauses after a failure that may be over soon, and after one that a person has to fix."""
_LATE_S = 30.0
"""How long after a post Slack may still show it for the first time."""
_TOKEN_REST_S = 60.0
_GONE = "message_not_found"
"""There is nothing left to change. `channel_not_found` is different: Ken may have been removed from
a private channel, whose members still read what is posted there."""
_TOKEN = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"}
)
"""With these codes Slack refuses every call for the workspace until its token works again; the
change is then due soon."""
UNCONFIRMED = """
    outbox.revision IS NOT NULL AND revised_at IS NULL
    AND mend_at <= now() AND (outbox.state = 'posted' OR outbox.revision = 'deleted')
    AND (posted_at IS NULL OR posted_at > now() - make_interval(secs => 86400 * :days))
"""
"""The outbox has a change that Slack has not confirmed, and it is time to push it."""


@dataclass(frozen=True, slots=True)
class _PushResult:
    """Result of pushing one change to Slack."""

    rest_s: float | None = None
    """The pause before the next push; None if Slack has confirmed."""
    slack_down: bool = False
    """Slack does not answer, or not now."""


def revise(database: Database, question_id: int, kind: str, revision: PostedChange) -> None:
    """Write down that an answer changes, in all its parts. A withdrawn answer loses all its text.

    A withdrawn or deleted answer stays so. A notice cannot be withdrawn, unless it names a page.
    """
    with question_session(database, question_id) as session:
        given = {"id": question_id, "kind": kind, "parts": f"{kind}/%"}
        if revision is PostedChange.WITHDRAWN:
            given["empty"] = json.dumps(say.Reply(say.WITHDRAWN).payload())
            changed = session.execute(_WITHDRAW_ANSWER, given).all()
        else:
            changed = session.execute(_MARK_OUTDATED, given).all()
    if changed:
        _count(question_id, revision)


def withdraw_partial_answers(session: Session, question_id: int, *, withdrawn: bool) -> None:
    """Replace the posted parts of a long answer that will never be complete by a fixed text.

    `withdrawn`: the reason is who may read it. Call this before `drop_unsent`.
    """
    words = say.Reply(say.WITHDRAWN if withdrawn else say.CUT_SHORT)
    given = {"id": question_id, "words": json.dumps(words.payload())}
    if session.execute(_WITHDRAW_HALVES, given).all():
        _count(question_id, PostedChange.WITHDRAWN)


def remove_all(database: Database, question_id: int) -> list[str]:
    """Write down that all messages for this question are to be deleted; return their kinds."""
    with question_session(database, question_id) as session:
        given = {"id": question_id, "empty": json.dumps(Reply("").payload())}
        kinds = list(session.scalars(_REMOVE_MESSAGES, given))
    if kinds:
        _count(question_id, PostedChange.DELETED)
    return kinds


def push_changes(services: Services) -> None:
    """Push what is due, withdrawals first. A workspace that does not answer is skipped for this
    turn.
    """
    given = {"limit": _AT_ONCE, "days": services.settings.review_days}
    with services.database.session("ingress") as session:
        rows = session.execute(_UNCONFIRMED_MESSAGES, given).all()
    stopped: set[str] = set()
    for row in rows:
        if row.team_id not in stopped and not push_to_slack(services, row.question_id, row.kind):
            stopped.add(row.team_id)


def push_to_slack(services: Services, question_id: int, kind: str) -> bool:
    """Bring one message in Slack to what the outbox says. Returns False if Slack does
    not answer.
    """
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
        if result:  # we slept, and may have pushed an older change after a newer one
            with question_session(services.database, question_id) as session:
                session.execute(_MARK_UNCONFIRMED, {"id": question_id, "kind": kind})
        raise
    return not result.slack_down


def _change_to_push(session: Session, question_id: int, kind: str, days: float) -> Row[Any] | None:
    """Return the change to push; None if there is none, or somebody else is pushing it."""
    if not session.scalar(_TRY_LOCK_CHANGES, {"id": question_id}):
        return None
    given = {"id": question_id, "kind": kind, "days": days}
    return session.execute(_READ_CHANGE, given).one_or_none()


def _push(services: Services, question: Question | None, row: Row[Any]) -> _PushResult:
    if question is None or question.surface.is_outside_slack:
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
    """Delete every message of this kind, recorded or not. Returns False if more may
    show up later.
    """
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
    """Build the changed message, in its language; the last part of a long reply has the buttons."""
    with speaking(say.language_of(row.payload)):
        payload = _changed(row)
    return Message(payload["text"], payload["blocks"], mark_of(question, row.kind))


def _changed(row: Row[Any]) -> dict[str, Any]:
    again = Buttons(row.question_id, share=False, private=False, again=True)
    if row.revision == PostedChange.WITHDRAWN:
        words = say.withdrawn(row.payload["lead"])
        return words.payload(again if row.is_last else None)
    stored = say.buttons_of(row.payload)
    buttons = replace(stored, again=True) if stored else again
    return say.outdated(row.payload).payload(buttons if row.is_last else None)


def rest_after(error: Exception) -> float:
    if isinstance(error, InputInvalid):
        return LONG_REST_S
    return max(getattr(error, "retry_after_s", None) or 0.0, _REST_S)


def _count(question_id: int, revision: PostedChange) -> None:
    metrics.ANSWERS_REVISED.labels(revision.value).inc()
    log.info("answer_revised", question_id=question_id, revision=revision.value)


def _sql(words: str) -> TextClause:
    """Make a statement, filling in the conditions that several share."""
    return statement(words, of_answer=_OF_ANSWER, unconfirmed=UNCONFIRMED, language=_LANGUAGE)


# A fixed text is stored in English; it is pushed in the language of the message that it replaces.
_LANGUAGE = "jsonb_build_object('language', outbox.payload -> 'language')"

# Also parts that are not posted yet: the change applies once they are. A notice is not withdrawn.
_OF_ANSWER = """
    question_id = :id AND (kind = :kind OR kind LIKE :parts)
    AND EXISTS (SELECT FROM outbox AS first
                WHERE first.question_id = :id AND first.kind = :kind
                  AND (jsonb_array_length(coalesce(first.payload -> 'lines', '[]')) > 0
                       OR jsonb_array_length(coalesce(first.payload -> 'pages', '[]')) > 0))
"""

# Withdraws an answer in all its parts; returns those that it changed.
_WITHDRAW_ANSWER = _sql("""
    UPDATE outbox SET revision = 'withdrawn', revised_at = NULL, mend_at = '-infinity',
                      payload = CAST(:empty AS jsonb) || {language}
    WHERE {of_answer} AND (revision IS NULL OR revision = 'outdated')
    RETURNING id
""")

# Withdraws the posted parts of an answer that will never be complete; returns them.
_WITHDRAW_HALVES = _sql("""
    UPDATE outbox SET revision = 'withdrawn', revised_at = NULL, mend_at = '-infinity',
                      payload = CAST(:words AS jsonb) || {language}
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

# Marks all messages of a question as deleted; returns their kinds.
_REMOVE_MESSAGES = text("""
    UPDATE outbox SET revision = 'deleted', revised_at = NULL, mend_at = '-infinity',
                      payload = CAST(:empty AS jsonb),
                      state = CASE state WHEN 'ready' THEN 'dropped' ELSE state END
    WHERE question_id = :id AND revision IS DISTINCT FROM 'deleted'
    RETURNING kind
""")

# Returns changes that Slack has not confirmed, withdrawals first.
_UNCONFIRMED_MESSAGES = _sql("""
    SELECT question_id, kind, team_id
    FROM outbox JOIN question ON question.id = question_id
    WHERE {unconfirmed}
    ORDER BY outbox.revision = 'outdated', mend_at, outbox.question_id, kind LIMIT :limit
""")

# Returns whether nobody else is pushing changes for this question. One at a time does, so that the
# last push is the newest change.
_TRY_LOCK_CHANGES = text("""
    SELECT pg_try_advisory_xact_lock(
        hashtext('ken mends'), (CAST(:id AS bigint) % 2147483647)::int)
""")

# Returns one change that Slack has not confirmed.
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

# Records that Slack shows a message as the outbox has it.
_MARK_CONFIRMED = text("""
    UPDATE outbox SET revised_at = now()
    WHERE question_id = :id AND kind = :kind AND revision = :revision
""")

# Puts off a message's next push.
REST_MESSAGE = text("""
    UPDATE outbox SET mend_at = now() + make_interval(secs => :rest_s)
    WHERE question_id = :id AND kind = :kind
""")

# Records that Slack may show something older.
_MARK_UNCONFIRMED = text("""
    UPDATE outbox SET revised_at = NULL
    WHERE question_id = :id AND kind = :kind AND revision IS NOT NULL
""")


def remove(services: Services, question_id: int) -> None:
    """Delete all our messages for this question; the sweep repeats what fails now.

    Call `leases.cancel` first, so that nobody is working on it.
    """
    for kind in remove_all(services.database, question_id):
        push_to_slack(services, question_id, kind)
