"""Messages to post: written down first, posted once, and found again if Slack's response was lost.

Slack cannot post "only if it is not there yet". So an attempt is recorded before it is made. After
an attempt with an unknown end, the conversation is read back before the next one. While a message
is on its way, nobody else may post (`leases.posting_lock`). A worker that finds that a message of
its kind was posted before deletes its own.
"""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import Row, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from policies.tables.questions import OutboxState
from workers.errors import SlackRefused
from workers.intake.leases import (
    Leased,
    is_posting,
    posting_lock,
    question_session,
    require_lease,
    stored_question,
)
from workers.intake.messages import Question
from workers.observe import tracing
from workers.observe.crashpoints import crashpoint
from workers.replies.rendering import Buttons, Reply
from workers.services import Services
from workers.slack.messenger import Message, Messenger, Opened, Posted, Task

log = structlog.get_logger()


class Kind(StrEnum):
    """Where a reply goes. A question has at most one of each."""

    CHANNEL = "channel"
    DIRECT = "direct"

    def part(self, number: int) -> str:
        """Return the outbox's name for this part of a long reply, counted from 1."""
        return str(self) if number == 1 else f"{self}/{number}"


class Existing(StrEnum):
    """What has already been posted for a question in one place."""

    NOTHING = "nothing"
    NOTICE = "notice"
    """A fixed text, not an answer."""
    ANSWER = "answer"
    ASKED_BACK = "asked_back"


def kinds_of(question: Question) -> tuple[Kind, ...]:
    """Return where its reply may go, in this order; a question for the asker alone has
    one place.
    """
    is_private = not question.channel_id or question.in_direct_message
    if is_private or question.is_for_the_asker:
        return (Kind.DIRECT,)
    return (Kind.CHANNEL, Kind.DIRECT)


def put(
    services: Services,
    leased: Leased,
    kind: Kind,
    reply: Reply,
    buttons: Buttons | None = None,
    *,
    part: int = 1,
) -> None:
    """Write the reply down, replacing one that was not posted. Raises LeaseLost."""
    with question_session(services.database, leased.id) as session:
        require_lease(session, leased)
        session.execute(_WRITE_REPLY, _written(leased, kind.part(part), reply, buttons))
    crashpoint("written_down")


def _written(
    leased: Leased, name: str, reply: Reply, buttons: Buttons | None
) -> dict[str, int | str]:
    return {"id": leased.id, "kind": name, "payload": json.dumps(reply.payload(buttons))}


def put_and_deliver(
    services: Services, leased: Leased, kind: Kind, reply: Reply, buttons: Buttons | None = None
) -> None:
    """Do `put` and `deliver`: write it down and count the attempt in one transaction.

    Raises LeaseLost, SlackUnavailable.
    """
    name = kind.part(1)
    with question_session(services.database, leased.id) as session:
        require_lease(session, leased)
        given = _written(leased, name, reply, buttons)
        attempt = session.execute(_WRITE_REPLY_AND_COUNT_ATTEMPT, given).one_or_none()
    crashpoint("written_down")
    crashpoint("attempt_counted")
    _deliver(services, leased, kind, 1, attempt)


def deliver(services: Services, leased: Leased, kind: Kind, *, part: int = 1) -> None:
    """Post what was written down, unless it was posted before. Raises LeaseLost, SlackUnavailable.

    The attempt is counted and committed before the post: after a crash, the next worker reads the
    conversation back first (`existing_reply`).
    """
    with question_session(services.database, leased.id) as session:
        require_lease(session, leased)
        given = {"id": leased.id, "kind": kind.part(part)}
        attempt = session.execute(_COUNT_ATTEMPT, given).one_or_none()
    crashpoint("attempt_counted")
    _deliver(services, leased, kind, part, attempt)


def _deliver(
    services: Services, leased: Leased, kind: Kind, part: int, attempt: Row[Any] | None
) -> None:
    """Post it; mark it in the transaction that holds the posting lock, or right after it."""
    if attempt is None:
        return
    if part == 1 and attempt.attempts > 1 and attempt.opened_ts is None:
        # Slack may have opened one without telling us.
        delete_orphaned_openings(services, leased.question, kind)
    name, posted, counts = kind.part(part), None, None
    try:
        with posting_lock(services.database, leased) as session:
            crashpoint("sending")
            with tracing.span("post", question_id=leased.id, kind=name):
                posted = _post(services, leased.question, name, attempt.payload, _opened(attempt))
            crashpoint("accepted")
            counts = _mark(session, leased.id, name, posted)
    except SQLAlchemyError:  # we slept for more than a minute: PostgreSQL ended the transaction
        if posted is None:
            raise
        _mark_posted(services, leased.id, name, posted)
    else:
        _take_away_unless(services, leased.id, posted, counts)
    crashpoint("marked")


def open_progress_message(
    services: Services, leased: Leased, kind: Kind, tasks: Sequence[Task]
) -> Opened | None:
    """Open the message that will become the reply; None if there was an attempt before.

    It counts as an attempt: after a crash, the next worker deletes an opening that is not recorded.
    Raises LeaseLost, SlackUnavailable.
    """
    question = leased.question
    with question_session(services.database, leased.id) as session:
        require_lease(session, leased)
        first = session.execute(
            _COUNT_OPENING, {"id": leased.id, "kind": kind}
        ).scalar_one_or_none()
    if first is None:
        return None
    messenger, mark = services.messenger_of(question.team_id), mark_of(question, kind)
    where = (question.channel_id, question.thread_ts, question.user_id)
    opened = None
    try:
        with posting_lock(services.database, leased) as session:
            opened = messenger.open(*where, tasks, mark)
            crashpoint("opened")
            session.execute(_RECORD_OPENING, _opening(leased.id, kind, opened))
    except SQLAlchemyError:  # we slept for more than a minute: no record of what we opened
        if opened is not None:
            messenger.delete(opened.posted)
        raise
    return opened


def _opening(question_id: int, kind: Kind, opened: Opened) -> dict[str, Any]:
    return {
        "id": question_id,
        "kind": kind,
        "channel": opened.posted.channel_id,
        "ts": opened.posted.message_ts,
        "stream": opened.stream,
    }


def existing_reply(services: Services, leased: Leased, kind: Kind) -> Existing:
    """Return what a worker before us has posted, by our records or Slack's.

    A message found in Slack is marked as posted. Raises SlackUnavailable.
    """
    with question_session(services.database, leased.id) as session:
        row = session.execute(_READ_REPLY, {"id": leased.id, "kind": kind}).one_or_none()
    if row is None:
        return Existing.NOTHING
    if row.state != OutboxState.POSTED:
        found = find(services, leased.question, kind) if row.attempts else []
        if not found:
            if row.attempts and _opened(row) is None:
                delete_orphaned_openings(services, leased.question, kind)
            return Existing.NOTHING
        _mark_posted(services, leased.id, kind, found[0])
    return Existing(row.posted)


def missing_parts(services: Services, leased: Leased, kind: Kind) -> list[int]:
    """Return the parts of a long reply that are written down and, by our records, not posted."""
    with question_session(services.database, leased.id) as session:
        names = session.scalars(_UNSENT_PARTS, {"id": leased.id, "kind": f"{kind}/%"}).all()
    return sorted(int(name.rpartition("/")[2]) for name in names)


def deliver_if_missing(services: Services, leased: Leased, kind: Kind, part: int) -> None:
    """Post a stored part, unless Slack has it already. Raises LeaseLost, SlackUnavailable."""
    found = find(services, leased.question, kind.part(part))
    if found:
        _mark_posted(services, leased.id, kind.part(part), found[0])
    else:
        deliver(services, leased, kind, part=part)


def delete_orphaned_openings(services: Services, question: Question, kind: Kind) -> bool:
    """Delete openings in this thread, since the question, that no row records.

    A stream carries no mark, so it may belong to any question in the thread. What is opened is on
    record before its worker releases the posting lock (`open_progress_message`): so we look into
    Slack first, and then at each question of the thread while nobody posts for it. Returns False if
    somebody is posting, since the message may be theirs; try again later. Raises SlackUnavailable.
    """
    if question.surface.is_outside_slack or not in_place(question, kind):
        return True
    messenger = services.messenger_of(question.team_id)
    where = (question.channel_id, question.thread_ts, mark_of(question, kind))
    seen = messenger.find_open(*where, since=question.message_ts)
    known = _known(services, question) if seen else frozenset()
    if known is None:
        return False
    for posted in seen:
        if posted.message_ts not in known:
            messenger.delete(posted)
    return True


def _known(services: Services, question: Question) -> frozenset[str] | None:
    """Return every recorded message of this thread's questions; None if one may be missing."""
    where = {"channel": question.channel_id, "thread": question.thread_ts}
    with services.database.session("ingress") as session:
        ids = session.scalars(_QUESTIONS_OF_THREAD, where).all()
    known: set[str] = set()
    for question_id in ids:
        with question_session(services.database, question_id) as session:
            if is_posting(session, question_id):
                return None
            known.update(session.scalars(_MESSAGES_OF_QUESTION, {"id": question_id}))
    return frozenset(known)


def drop_unsent(session: Session, question_id: int) -> None:
    """Drop what a question that ends has not posted, and have its opened message deleted.

    An attempt may have left something in Slack. The outbox says `deleted` until Slack has confirmed
    that it is gone.
    """
    given = {"id": question_id, "empty": json.dumps(Reply("").payload())}
    session.execute(_DROP_UNSENT, given)


def _opened(row: Row[Any]) -> Opened | None:
    if row.opened_ts is None:
        return None
    return Opened(Posted(row.opened_channel, row.opened_ts), stream=row.opened_stream)


def remove_late_duplicates(services: Services, question_id: int, kind: str) -> None:
    """Delete what Slack showed late, after we had read back and posted once more.

    If Slack no longer shows us the conversation, there is nothing to delete. While somebody posts
    in the thread, it is left for later. Raises SlackUnavailable.
    """
    with question_session(services.database, question_id) as session:
        row = session.execute(_READ_POSTED, {"id": question_id, "kind": kind}).one()
        question = stored_question(session, question_id)
    if question is None:
        return
    try:
        for posted in find(services, question, kind):
            if posted.message_ts != row.message_ts:
                _take_away(services, posted, question_id)
        if (
            row.opened_ts is None
            and "/" not in kind
            and not delete_orphaned_openings(services, question, Kind(kind))
        ):
            return
    except SlackRefused as refused:
        log.warning("not_looked_again", question_id=question_id, error=type(refused).__name__)
    with question_session(services.database, question_id) as session:
        session.execute(_MARK_LOOKED, {"id": question_id, "kind": kind})


def _post(
    services: Services,
    question: Question,
    kind: str,
    payload: dict[str, Any],
    opened: Opened | None,
) -> Posted:
    if question.surface.is_outside_slack:
        return Posted(question.channel_id, question.message_ts)
    messenger = services.messenger_of(question.team_id)
    message = Message(payload["text"], payload["blocks"], mark_of(question, kind))
    if opened is not None:
        return _close(messenger, opened, message, question)
    if in_place(question, kind):
        return messenger.post(question.channel_id, question.thread_ts, message)
    return messenger.post_direct(question.user_id, message)


def _close(messenger: Messenger, opened: Opened, message: Message, question: Question) -> Posted:
    """Turn the opening into the reply. If it was deleted, or Slack refuses the change, delete it
    first and post the reply: so a crash leaves one message at most.
    """
    try:
        return messenger.close(opened, message)
    except SlackRefused as refused:
        log.warning("opening_not_changed", error=str(refused))
    messenger.delete(opened.posted)
    return messenger.post(question.channel_id, question.thread_ts, message)


def find(services: Services, question: Question, kind: str) -> list[Posted]:
    """Return our messages for this reply that Slack has, oldest first."""
    if question.surface.is_outside_slack:
        return []
    messenger = services.messenger_of(question.team_id)
    since, mark = question.message_ts, mark_of(question, kind)
    if in_place(question, kind):
        return messenger.find(question.channel_id, question.thread_ts, mark, since=since)
    return messenger.find_direct(question.user_id, mark, since=since)


def in_place(question: Question, kind: str) -> bool:
    """Whether this reply goes where the question was asked."""
    if kind.startswith(Kind.CHANNEL):
        return True
    return question.in_direct_message and not question.is_for_the_asker


def mark_of(question: Question, kind: str) -> str:
    return f"{question.event_id}/{kind}"


def _mark_posted(services: Services, question_id: int, kind: str, posted: Posted) -> None:
    """Record that it was posted, even if the lease is lost; the first record counts."""
    with question_session(services.database, question_id) as session:
        counts = _mark(session, question_id, kind, posted)
    _take_away_unless(services, question_id, posted, counts)


def _mark(session: Session, question_id: int, kind: str, posted: Posted) -> str:
    """Return the message that is on record now: this one, or one from before."""
    given = {"id": question_id, "kind": kind}
    where = {"channel": posted.channel_id, "ts": posted.message_ts}
    marked = session.execute(_MARK_POSTED, {**given, **where}).scalar_one_or_none()
    return str(marked or session.execute(_READ_POSTED_TS, given).scalar_one())


def _take_away_unless(
    services: Services, question_id: int, posted: Posted, counts: str | None
) -> None:
    if counts != posted.message_ts:
        _take_away(services, posted, question_id)


def _take_away(services: Services, posted: Posted, question_id: int) -> None:
    log.warning("second_message_deleted", question_id=question_id)
    with question_session(services.database, question_id) as session:
        team_id = session.execute(_TEAM_OF_QUESTION, {"id": question_id}).scalar_one()
    services.messenger_of(team_id).delete(posted)


# Writes a reply down, replacing one that was not posted.
_WRITE_REPLY = text("""
    INSERT INTO outbox (question_id, kind, payload) VALUES (:id, :kind, CAST(:payload AS jsonb))
    ON CONFLICT (question_id, kind) DO UPDATE SET payload = excluded.payload
    WHERE outbox.state = 'ready'
""")

# Writes a reply down and counts an attempt; returns what to post, or nothing if a reply was posted.
_WRITE_REPLY_AND_COUNT_ATTEMPT = text("""
    INSERT INTO outbox (question_id, kind, payload, attempts)
    VALUES (:id, :kind, CAST(:payload AS jsonb), 1)
    ON CONFLICT (question_id, kind) DO UPDATE
    SET payload = excluded.payload, attempts = outbox.attempts + 1
    WHERE outbox.state = 'ready'
    RETURNING payload, attempts, opened_channel, opened_ts, opened_stream
""")

_COUNT_ATTEMPT = text("""
    UPDATE outbox SET attempts = attempts + 1
    WHERE question_id = :id AND kind = :kind AND state = 'ready'
    RETURNING payload, attempts, opened_channel, opened_ts, opened_stream
""")

# Counts an attempt to open a message; returns nothing if there was an attempt before.
_COUNT_OPENING = text("""
    INSERT INTO outbox (question_id, kind, payload, attempts) VALUES (:id, :kind, '{}', 1)
    ON CONFLICT DO NOTHING
    RETURNING id
""")

# Records which message was opened.
_RECORD_OPENING = text("""
    UPDATE outbox SET opened_channel = :channel, opened_ts = :ts, opened_stream = :stream
    WHERE question_id = :id AND kind = :kind
""")

# Returns the parts of a reply that are written down and not posted.
_UNSENT_PARTS = text("""
    SELECT kind FROM outbox
    WHERE question_id = :id AND kind LIKE :kind AND state = 'ready' AND revision IS NULL
""")

# Returns the questions asked in one thread, oldest first.
_QUESTIONS_OF_THREAD = text("""
    SELECT id FROM question WHERE channel_id = :channel AND thread_ts = :thread ORDER BY id
""")

# Returns each recorded message of ours for a question.
_MESSAGES_OF_QUESTION = text("""
    SELECT ts FROM outbox, unnest(ARRAY[opened_ts, message_ts]) AS ts
    WHERE question_id = :id AND ts IS NOT NULL
""")

# Drops what was not posted; whatever is in Slack all the same is to be deleted there.
_DROP_UNSENT = text("""
    UPDATE outbox SET revision = 'deleted', revised_at = NULL, mend_at = '-infinity',
                      payload = CAST(:empty AS jsonb), state = 'dropped'
    WHERE question_id = :id AND state = 'ready'
""")

# Returns the workspace that a question came from.
_TEAM_OF_QUESTION = text("SELECT team_id FROM question WHERE id = :id")

# Returns what is written down of one reply, and how far it has come.
_READ_REPLY = text("""
    SELECT state, attempts, opened_channel, opened_ts, opened_stream,
           CASE WHEN jsonb_array_length(payload -> 'lines') > 0 THEN 'answer'
                WHEN jsonb_array_length(coalesce(payload -> 'pages', '[]')) > 1 THEN 'asked_back'
                ELSE 'notice' END AS posted
    FROM outbox WHERE question_id = :id AND kind = :kind
""")

# Marks a reply as posted, unless it is marked already; returns its message if it was not. Not
# `now()`: the transaction began before the post.
_MARK_POSTED = text("""
    UPDATE outbox SET state = 'posted', posted_at = clock_timestamp(), channel_id = :channel,
                      message_ts = :ts
    WHERE question_id = :id AND kind = :kind AND state = 'ready'
    RETURNING message_ts
""")

# Returns which message counts as the reply.
_READ_POSTED_TS = text("SELECT message_ts FROM outbox WHERE question_id = :id AND kind = :kind")

# Returns the message that counts, and the one that was opened.
_READ_POSTED = text("""
    SELECT message_ts, opened_ts FROM outbox WHERE question_id = :id AND kind = :kind
""")

# Records that duplicates were looked for.
_MARK_LOOKED = text("UPDATE outbox SET looked_at = now() WHERE question_id = :id AND kind = :kind")
