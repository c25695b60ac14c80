"""The tasks: thin, and the only place that turns an error into words for a person."""

import os
import socket

import structlog
from celery import shared_task
from sqlalchemy import text

from policies.models import QuestionState
from workers.answering.answer import answer
from workers.answering.reply import notice
from workers.errors import AssistantError, PoisonQuestion, SlackRefused, SlackUnavailable
from workers.outbox import Kind, deliver, put, settle
from workers.questions import MAX_ATTEMPTS, Leased, LeaseLost, at_work, finish, lease
from workers.services import Services, live_services
from workers.sync import runs

log = structlog.get_logger()


@shared_task(name="answer_question")
def answer_question(question_id: int) -> None:
    work_on(live_services(), question_id)


def work_on(services: Services, question_id: int) -> None:
    """Answer one question to its end. Does nothing if another worker holds it, or it has ended."""
    with lease(
        services.database,
        question_id,
        holder=f"{socket.gethostname()}:{os.getpid()}",
        lease_s=services.settings.lease_s,
    ) as leased:
        if leased is None:
            return
        try:
            _answer_and_finish(services, leased)
        except LeaseLost:
            log.warning("lease_lost", question_id=question_id)


def _answer_and_finish(services: Services, leased: Leased) -> None:
    """Raises LeaseLost. Not finished after what may pass: the sweeper rings again."""
    reason = None
    try:
        if leased.attempts > MAX_ATTEMPTS:
            raise PoisonQuestion  # whoever tried before did not live to say so
        state = answer(leased, services)
    except LeaseLost:
        raise
    except Exception as error:  # a worker survives whatever one question does to it
        log.warning("question_failed", question_id=leased.id, error=type(error).__name__)
        last = leased.attempts >= MAX_ATTEMPTS
        if _may_pass(error) and not last:
            return
        try:
            state = _tell(services, leased, error)
        except SlackUnavailable as second:
            log.warning("notice_failed", question_id=leased.id, error=type(second).__name__)
            if second.passing and not last:
                return
            state = QuestionState.FAILED
        reason = type(error).__name__ if state is QuestionState.FAILED else None
    with at_work(services.database, leased.id) as session:
        finish(session, leased, state, reason=reason)


def _may_pass(error: Exception) -> bool:
    return error.passing if isinstance(error, AssistantError) else True


def _tell(services: Services, leased: Leased, error: Exception) -> QuestionState:
    """Tell the asker, unless the last word is out already: where it was asked, or else in private.

    Raises SlackUnavailable, LeaseLost.
    """
    kinds = (Kind.CHANNEL, Kind.DIRECT) if leased.question.channel_id else (Kind.DIRECT,)
    out = {kind: settle(services, leased, kind) for kind in kinds}
    if any(out.values()):
        return QuestionState.ANSWERED
    if out[Kind.DIRECT] is not None:
        return QuestionState.ABSTAINED
    words = error.reply if isinstance(error, AssistantError) else AssistantError.reply
    for kind in (kind for kind in kinds if out[kind] is None):
        try:
            put(services, leased, kind, notice(words, question_id=leased.id))
            deliver(services, leased, kind)
            break
        except SlackRefused as refused:
            log.warning("notice_refused", question_id=leased.id, error=type(refused).__name__)
    return QuestionState.FAILED


@shared_task(name="sweep")
def sweep() -> None:
    """Ring again for open questions that nobody works on."""
    with live_services().database.session("ingress") as session:
        waiting = session.scalars(_WAITING).all()
    for question_id in waiting:
        log.info("rang_again", question_id=question_id)
        _ring(question_id)


@shared_task(name="delete_old")
def delete_old() -> None:
    """Delete what its source has not listed for a while. Only where the syncer's password is."""
    database = live_services().database
    if database.settings.syncer_password.get_secret_value():
        runs.delete_old(database)


def _ring(question_id: int) -> None:
    """As a worker rings: `interface.ring` would leave its app with the door's short patience."""
    answer_question.apply_async(args=[question_id])


_WAITING = text("""
    SELECT question.id FROM question LEFT JOIN lease ON lease.question_id = question.id
    WHERE question.state = 'kept'
      AND question.asked_at < now() - interval '3 seconds'
      AND coalesce(lease.expires_at, '-infinity') <= now()
    ORDER BY question.asked_at LIMIT 1000
""")
