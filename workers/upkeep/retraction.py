"""Removes answers whose question was deleted, edited or stopped.

Slack may report a message's versions in any order. The newest counts: it ends the others, and an
older one that comes later finds it here.
"""

from sqlalchemy import text

from workers.answering.progress import resting
from workers.intake.leases import Leased, cancel, question_session, stored_question
from workers.intake.messages import (
    ADDRESSED,
    ALOUD,
    FOR_THE_ASKER,
    MESSAGES,
    Question,
    StoredErrand,
)
from workers.intake.store import store_question, submit_errand
from workers.people import language
from workers.replies import revisions
from workers.replies.outbox import Kind
from workers.replies.rendering import STOPPED, notice
from workers.services import Services
from workers.slack.messenger import Message, Posts
from workers.wording.text import speaking

_FOR_EVER = "9999999999.999999"
"""The version of a deleted message: none is newer."""


def retract(services: Services, errand: StoredErrand) -> None:
    """End the versions of a message that was deleted or edited into something else; delete the
    answers.

    This is stored as a version without text and author, for older versions that are still on their
    way. What another person asked again privately stays. Raises Busy, SlackUnavailable.
    """
    gone = Question(
        event_id=f"errand:{errand.id}",
        team_id=errand.team_id,
        channel_id=errand.channel_id,
        message_ts=str(errand.details["ts"]),
        thread_ts=str(errand.details["ts"]),
        user_id="",
        text="",
        revision=str(errand.details.get("revision") or _FOR_EVER),
    )
    store_question(services.database, gone)
    given = {"channel": gone.channel_id, "ts": gone.message_ts, "revision": gone.revision}
    with services.database.session("ingress") as session:
        asked = session.scalars(_VERSIONS_UP_TO, given).all()
        open_questions = session.execute(_OPEN_QUESTIONS, {"ids": asked}).all()
    for row in open_questions:
        submit_errand(services.database, resting(row))
    for question_id in asked:
        _end(services, question_id, "deleted")


def supersede(services: Services, leased: Leased) -> bool:
    """End the older versions of this question and delete their answers.

    Returns True if it is an older version itself and is not to be answered. Raises Busy,
    SlackUnavailable.
    """
    question = leased.question
    with services.database.session("ingress") as session:
        if question.is_a_message and session.scalar(_HAS_NEWER_VERSION, {"id": leased.id}):
            return True
        asked = (
            session.scalars(_OLDER_VERSIONS, {"id": leased.id}).all() if question.revision else []
        )
    if question.surface.is_message:
        for question_id in asked:
            _end(services, question_id, "asked_anew")
    return False


def _end(services: Services, question_id: int, reason: str) -> None:
    cancel(services.database, question_id, reason)
    revisions.remove(services, question_id)


def stop(services: Services, errand: StoredErrand) -> None:
    """End this person's unanswered questions in this thread, and confirm that where they asked.

    It does not stop other people's questions. Raises Busy, SlackUnavailable.
    """
    thread_ts = str(errand.details["thread_ts"])
    given = {
        "channel": errand.channel_id,
        "ts": thread_ts,
        "team": errand.team_id,
        "user": errand.user_id,
        "again": errand.attempts > 1,
    }
    with services.database.session("ingress") as session:
        own = session.execute(_OWN_OPEN_QUESTIONS, given).all()
        others_wait = session.scalar(_DO_OTHERS_WAIT, given)
    for row in own:
        _end(services, row.id, "stopped")
    messenger = services.messenger_of(errand.team_id)
    if own:
        aloud = any(row.aloud for row in own)
        with speaking(_language(services, own[0].id, Kind.CHANNEL if aloud else Kind.DIRECT)):
            _say_stopped(messenger, errand, thread_ts, aloud=aloud)
    if not others_wait:
        messenger.set_working(errand.channel_id, thread_ts, errand.user_id, "", working=False)


def _language(services: Services, question_id: int, kind: Kind) -> str:
    with question_session(services.database, question_id) as session:
        question = stored_question(session, question_id)
    if question is None:
        return ""
    return language.of_reply(question, kind, language.wishes_of(services, question))


def _say_stopped(messenger: Posts, errand: StoredErrand, thread_ts: str, *, aloud: bool) -> None:
    """Confirm it in the thread; in private if only private questions were stopped."""
    mark, where, user_id = f"errand:{errand.id}", (errand.channel_id, thread_ts), errand.user_id
    payload = notice(STOPPED).payload()
    message = Message(payload["text"], payload["blocks"], mark)
    again = errand.attempts > 1
    if aloud and not (again and messenger.find(*where, mark, since=thread_ts)):
        messenger.post(*where, message)
    if not aloud and not (again and messenger.find_direct(user_id, mark, since=thread_ts)):
        messenger.post_direct(user_id, message)


# A message's questions up to this version, and those asked again from it. Versions are ordered by
# Slack's ts of the edit; the first one's is empty. A question that a button asked again is not a
# version; it ends with the versions that were there when it was asked.
_VERSIONS_UP_TO = text("""
    SELECT id FROM question
    WHERE channel_id = :channel AND message_ts = :ts
      AND surface = ANY(:aloud)
      AND (about IS NOT NULL OR revision COLLATE "C" <= :revision)
    ORDER BY id
""").bindparams(aloud=ALOUD)

# Those of these questions that a worker may be on and has shown as being worked on. That worker is
# fenced off or dead, and will not clear the status.
_OPEN_QUESTIONS = text("""
    SELECT event_id, team_id, channel_id, thread_ts, user_id FROM question
    WHERE id = ANY(:ids) AND state = 'kept' AND surface = ANY(:addressed)
""").bindparams(addressed=ADDRESSED)

# Returns the questions that this one is a newer version of.
_OLDER_VERSIONS = text("""
    SELECT older.id FROM question AS this JOIN question AS older USING (channel_id, message_ts)
    WHERE this.id = :id AND older.id <> this.id AND older.user_id = this.user_id
      AND older.surface = ANY(:aloud)
      AND CASE WHEN this.about IS NULL AND older.about IS NULL
          THEN older.revision COLLATE "C" < this.revision ELSE older.id < this.id END
    ORDER BY older.id
""").bindparams(aloud=ALOUD)

# Returns whether the message was edited after this version.
_HAS_NEWER_VERSION = text("""
    SELECT EXISTS (
        SELECT FROM question AS this JOIN question AS newer USING (channel_id, message_ts)
        WHERE this.id = :id AND newer.about IS NULL
          AND newer.surface = ANY(:messages)
          AND newer.revision COLLATE "C" > this.revision)
""").bindparams(messages=MESSAGES)

# Returns a person's unanswered questions in a thread; at another try, also those that the first one
# ended.
_OWN_OPEN_QUESTIONS = text("""
    SELECT id, surface <> ALL(:for_the_asker) AS aloud FROM question
    WHERE channel_id = :channel AND thread_ts = :ts AND team_id = :team AND user_id = :user
      AND (state = 'kept' OR :again AND reason = 'stopped')
    ORDER BY id
""").bindparams(for_the_asker=FOR_THE_ASKER)

# Returns whether somebody else waits for an answer in the thread.
_DO_OTHERS_WAIT = text("""
    SELECT EXISTS (
        SELECT FROM question
        WHERE channel_id = :channel AND thread_ts = :ts AND state = 'kept'
          AND (team_id, user_id) <> (:team, :user))
""")
