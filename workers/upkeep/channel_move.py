"""Follows a channel to its new id, which Slack gives it for example when a private one
is shared.
"""

import re

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from workers.intake.leases import cancel, question_session
from workers.intake.messages import StoredErrand
from workers.replies import revisions
from workers.services import Services
from workers.upkeep import review

_CHANNEL = re.compile(r"[CDG][A-Z0-9]{1,20}")


def move(services: Services, errand: StoredErrand) -> None:
    """Move questions, answers and settings to the new id, then review the answers for its readers.

    Raises SlackUnavailable, Busy.
    """
    old, new = str(errand.details.get("old")), errand.channel_id
    if not _CHANNEL.fullmatch(old) or not _CHANNEL.fullmatch(new):
        return
    ids = {"old": old, "new": new}
    with services.database.session("ingress") as session:
        asked = session.scalars(_QUESTIONS_OF_CHANNEL, ids).all()
    for question_id in asked:
        if not _move_question(services, question_id, ids):
            cancel(services.database, question_id, "asked_anew")
            revisions.remove(services, question_id)
    with services.database.session("answerer") as session:
        for statement in _OF_CHANNEL:
            session.execute(statement, ids)
    review.review_channel(services, new)


def _move_question(services: Services, question_id: int, ids: dict[str, str]) -> bool:
    """Returns False if Slack has sent the same message under the new id, too; the reply
    is there.
    """
    given = {**ids, "id": question_id}
    with question_session(services.database, question_id) as session:
        for statement in _OF_QUESTION:
            session.execute(statement, given)
        try:
            with session.begin_nested():
                session.execute(_MOVE_QUESTION, given)
        except IntegrityError:
            return False
    return True


# Returns the questions asked in a channel.
_QUESTIONS_OF_CHANNEL = text("SELECT id FROM question WHERE channel_id = :old ORDER BY id")

_MOVE_QUESTION = text("UPDATE question SET channel_id = :new WHERE id = :id")

_OF_QUESTION = (
    text("UPDATE outbox SET channel_id = :new WHERE question_id = :id AND channel_id = :old"),
    text("""
        UPDATE outbox SET opened_channel = :new WHERE question_id = :id AND opened_channel = :old
    """),
)

_OF_CHANNEL = (
    text("""
        INSERT INTO muted_thread (channel_id, thread_ts)
        SELECT :new, thread_ts FROM muted_thread WHERE channel_id = :old ON CONFLICT DO NOTHING
    """),
    text("DELETE FROM muted_thread WHERE channel_id = :old"),
    text("""
        UPDATE channel_setting SET channel_id = :new
        WHERE channel_id = :old AND NOT EXISTS (
            SELECT FROM channel_setting AS known
            WHERE known.team_id = channel_setting.team_id AND known.channel_id = :new)
    """),
)
