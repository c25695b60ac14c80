"""Answers to what nobody asks any more: the message was deleted, edited, or Ken was stopped."""

from sqlalchemy import text

from workers import mending
from workers.answering.reply import STOPPED, notice
from workers.kept import Kept
from workers.messenger import Message
from workers.questions import Leased, retire
from workers.services import Services


def retract(
    services: Services,
    channel_id: str,
    message_ts: str,
    *,
    reason: str,
    before: int | None = None,
) -> None:
    """End what was asked with this message and delete the answers.

    `before`: only what the same person asked before this question. What somebody else asked again
    for themselves stays theirs. Raises Busy, SlackUnavailable.
    """
    given = {"channel": channel_id, "ts": message_ts, "before": before}
    with services.database.session("ingress") as session:
        asked = session.scalars(_ASKED_WITH, given).all()
    for question_id in asked:
        retire(services.database, question_id, reason)
        mending.remove(services, question_id)


def supersede(services: Services, leased: Leased) -> None:
    """What this question is another version of is not answered, or not any more."""
    question = leased.question
    if question.revision and question.surface in ("slack", "follow_up"):
        retract(
            services,
            question.channel_id,
            question.message_ts,
            reason="asked_anew",
            before=leased.id,
        )


def stop(services: Services, kept: Kept) -> None:
    """End what is being worked on in this thread, and say so. Raises Busy, SlackUnavailable."""
    thread_ts = str(kept.details["thread_ts"])
    with services.database.session("ingress") as session:
        waiting = session.scalars(_OPEN_IN, {"channel": kept.channel_id, "ts": thread_ts}).all()
    for question_id in waiting:
        retire(services.database, question_id, "stopped")
        mending.remove(services, question_id)
    messenger, mark = services.messenger_of(kept.team_id), f"errand:{kept.id}"
    where = (kept.channel_id, thread_ts)
    if kept.attempts == 1 or not messenger.find(*where, mark, since=thread_ts):
        told = notice(STOPPED).payload()
        messenger.post(*where, Message(told["text"], told["blocks"], mark))
    messenger.set_working(*where, kept.user_id, "", working=False)


_ASKED_WITH = text("""
    SELECT id FROM question
    WHERE channel_id = :channel AND message_ts = :ts
      AND surface IN ('slack', 'follow_up', 'automatic', 'share')
      AND (CAST(:before AS bigint) IS NULL OR id < :before AND user_id = (
          SELECT user_id FROM question WHERE id = :before))
    ORDER BY id
""")

_OPEN_IN = text("""
    SELECT id FROM question
    WHERE channel_id = :channel AND thread_ts = :ts AND state = 'kept' ORDER BY id
""")
