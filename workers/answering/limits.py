"""Limits how much one person and one channel may ask (threat 40)."""

from enum import Enum

from sqlalchemy import text

from workers.intake.leases import Leased
from workers.intake.messages import UNLIMITED, Question, Surface
from workers.services import Services


class RateLimit(Enum):
    WITHIN = "within"
    JUST_EXCEEDED = "first over"
    """The first question over the limit; its asker gets a notice."""
    EXCEEDED = "over"


def rate_limit(services: Services, leased: Leased) -> RateLimit:
    """Return whether this question exceeds its asker's limit.

    The stored questions are counted, so a restart or another worker forgets none.
    """
    question, settings = leased.question, services.settings
    if not question.surface.is_limited:
        return RateLimit.WITHIN
    with services.database.session("ingress") as session:
        given = {"id": leased.id, "team": question.team_id, "user": question.user_id}
        row = session.execute(_COUNT_BEFORE, given).one()
    over_by = max(
        row.in_a_minute - settings.questions_per_minute, row.in_a_day - settings.questions_per_day
    )
    if over_by < 0:
        return RateLimit.WITHIN
    return RateLimit.JUST_EXCEEDED if over_by == 0 else RateLimit.EXCEEDED


def may_speak_unasked(services: Services, question: Question) -> bool:
    """Whether the channel allows unasked answers and is below its limit."""
    given = {"team": question.team_id, "channel": question.channel_id}
    with services.database.session("ingress") as session:
        return bool(session.scalar(_MAY_ANSWER_UNASKED, given))


# Counts what the same person asked in the minute and in the day before this question.
_COUNT_BEFORE = text("""
    SELECT count(*) FILTER (WHERE before.asked_at > this.asked_at - interval '1 minute')
               AS in_a_minute,
           count(*) AS in_a_day
    FROM question AS this JOIN question AS before
        ON before.team_id = :team AND before.user_id = :user
       AND before.asked_at > this.asked_at - interval '1 day'
       AND before.asked_at <= this.asked_at AND before.id < this.id
       AND before.surface <> ALL(:unlimited)
    WHERE this.id = :id
""").bindparams(unlimited=UNLIMITED)

# Returns whether the channel allows unasked answers and had fewer than its hourly limit.
_MAY_ANSWER_UNASKED = text("""
    SELECT automatic AND per_hour > (
        SELECT count(*) FROM question
        WHERE channel_id = :channel AND surface = :unasked AND state = 'answered'
          AND asked_at > now() - interval '1 hour')
    FROM channel_setting WHERE team_id = :team AND channel_id = :channel
""").bindparams(unasked=Surface.AUTOMATIC)
