"""The tasks: thin, and the only place that turns an error into words for a person."""

import os
import socket

import structlog
from celery import shared_task
from sqlalchemy import text

from policies.models import QuestionState
from workers.answering.answer import answer
from workers.answering.reply import notice
from workers.errors import AssistantError
from workers.interface import ring
from workers.outbox import Kind, deliver, put
from workers.questions import MAX_ATTEMPTS, Leased, LeaseLost, at_work, finish, lease
from workers.services import Services, live_services

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
            state = answer(leased, services)
            reason = None
        except LeaseLost:
            log.warning("lease_lost", question_id=question_id)
            return
        except Exception as error:  # a worker survives whatever one question does to it
            log.warning("question_failed", question_id=question_id, error=type(error).__name__)
            if _may_pass(error) and leased.attempts < MAX_ATTEMPTS:
                return  # the sweeper rings again
            state, reason = _failed(leased, services, error)
        with at_work(services.database, question_id) as session:
            finish(session, leased, state, reason=reason)


def _may_pass(error: Exception) -> bool:
    return error.passing if isinstance(error, AssistantError) else True


def _failed(
    leased: Leased, services: Services, error: Exception
) -> tuple[QuestionState, str | None]:
    """Tell the asker, unless an answer is out already; the question ends either way."""
    words = error.reply if isinstance(error, AssistantError) else AssistantError.reply
    kind = Kind.CHANNEL if leased.question.channel_id else Kind.DIRECT
    try:
        put(services, leased, kind, notice(words, question_id=leased.id))
        deliver(services, leased, kind)
    except (AssistantError, LeaseLost) as second:
        log.warning("notice_failed", question_id=leased.id, error=type(second).__name__)
    return QuestionState.FAILED, type(error).__name__


@shared_task(name="sweep")
def sweep() -> None:
    """Ring again for open questions that nobody works on."""
    with live_services().database.session("ingress") as session:
        waiting = session.scalars(_WAITING).all()
    for question_id in waiting:
        log.info("rang_again", question_id=question_id)
        ring(question_id)


_WAITING = text("""
    SELECT question.id FROM question LEFT JOIN lease ON lease.question_id = question.id
    WHERE question.state = 'kept'
      AND question.asked_at < now() - interval '3 seconds'
      AND coalesce(lease.expires_at, '-infinity') <= now()
    ORDER BY question.asked_at LIMIT 1000
""")
