"""The queue's tasks: thin, and the only place that turns an error into a message to a person."""

from functools import cache

import structlog
from celery import shared_task
from sqlalchemy.exc import SQLAlchemyError

from policies.tables.questions import QuestionState
from workers.answering.answer import Ended, answer
from workers.answering.asked import below_question
from workers.answering.drafting import PATIENCE_S
from workers.answering.progress import rest
from workers.database.sessions import Database
from workers.errands import run_errand
from workers.errors import (
    AnswerWithdrawn,
    AssistantError,
    PoisonQuestion,
    ServerUnavailable,
    SlackRefused,
    SlackUnavailable,
)
from workers.intake.doorbell import ERRAND, JOB, TASK
from workers.intake.leases import (
    MAX_ATTEMPTS,
    Leased,
    LeaseLost,
    finish,
    lease,
    put_back,
    question_session,
    worker_id,
)
from workers.job_kinds import KINDS
from workers.jobs.leases import work
from workers.observe import metrics, stopping, tracing
from workers.observe.crashpoints import crashpoint
from workers.people import language
from workers.people.home_tab import publish_if_shown
from workers.replies.outbox import (
    Existing,
    Kind,
    drop_unsent,
    existing_reply,
    kinds_of,
    missing_parts,
    put_and_deliver,
)
from workers.replies.rendering import notice
from workers.replies.revisions import withdraw_partial_answers
from workers.services import Services, live_services
from workers.settings import load_settings
from workers.upkeep.retraction import supersede
from workers.wording.text import speaking

log = structlog.get_logger()

GIVE_UP_S = 24 * 3600.0
"""How long we try to reach a person whom we cannot reach."""
_LARGEST_ID = 2**63 - 1


@shared_task(name=TASK)
def answer_question(question_id: int) -> None:
    """Wake up for a question. A forged task can at most cause another look at an
    existing question.
    """
    if _is_id(question_id):
        work_on(live_services(), question_id)


@shared_task(name=ERRAND)
def do_errand(errand_id: int) -> None:
    """The same for an errand."""
    if _is_id(errand_id) and not stopping.is_requested():
        run_errand(live_services(), errand_id)


@shared_task(name=JOB)
def run_job(job_id: int) -> None:
    """The same for a job, in a process that takes jobs alone (`workers/cli/jobs_worker.py`)."""
    if _is_id(job_id) and not stopping.is_requested():
        try:
            work(database_of_jobs(), job_id, KINDS)
        except (SQLAlchemyError, ServerUnavailable) as error:
            log.warning("job_put_off", job_id=job_id, error=type(error).__name__)


@cache
def database_of_jobs() -> Database:
    """Return this process's database for jobs, which load no model before they need one."""
    return Database(load_settings())


def _is_id(given: object) -> bool:
    if type(given) is int and 0 < given <= _LARGEST_ID:
        return True
    log.warning("task_refused", reason="no id of ours")
    return False


def work_on(services: Services, question_id: int) -> None:
    """Answer one question to its end. Does nothing if another worker holds it or it has ended."""
    if stopping.is_requested():
        return
    try:
        with lease(
            services.database, question_id, worker_id=worker_id(), lease_s=services.settings.lease_s
        ) as leased:
            if leased is not None:
                _work_on(services, leased)
    except (SQLAlchemyError, ServerUnavailable) as error:
        log.warning("question_put_off", question_id=question_id, error=type(error).__name__)


def _work_on(services: Services, leased: Leased) -> None:
    with (
        tracing.continued(leased.trace),
        tracing.span("answer", question_id=leased.id, attempt=leased.attempts) as at,
    ):
        try:
            _answer_and_finish(services, leased)
        except LeaseLost:
            metrics.LEASES_LOST.inc()
            at.set(state="lease_lost")
            log.warning("lease_lost", question_id=leased.id)


def _answer_and_finish(services: Services, leased: Leased) -> None:
    """Answer, and end the question; after a transient failure the sweeper rings again. Raises
    LeaseLost.
    """
    try:
        ended = _attempt(services, leased)
    except LeaseLost:
        raise
    except Exception as error:  # noqa: BLE001 - a worker survives whatever one question does to it
        stopping.exit_if_out_of_memory(error)
        log.warning("question_failed", question_id=leased.id, error=type(error).__name__)
        if _put_back(services, leased, error, patience_s=PATIENCE_S):
            return
        try:
            ended = Ended(_tell(services, leased, error))
        except (SlackUnavailable, SQLAlchemyError) as second:
            log.warning("notice_failed", question_id=leased.id, error=type(second).__name__)
            if _put_back(services, leased, second, patience_s=GIVE_UP_S):
                return
            ended = Ended(QuestionState.FAILED)
        if ended.state is QuestionState.FAILED:
            ended = Ended(ended.state, type(error).__name__)
    rest(services, leased.question)
    with question_session(services.database, leased.id) as session:
        if finish(session, leased, ended.state, reason=ended.reason):
            withdrawn = ended.reason == AnswerWithdrawn.__name__
            withdraw_partial_answers(session, leased.id, withdrawn=withdrawn)
            drop_unsent(session, leased.id)
    leased.released.set()
    crashpoint("finished")
    if not leased.question.surface.is_outside_slack:
        publish_if_shown(services, leased.question.team_id, leased.question.user_id)


def _attempt(services: Services, leased: Leased) -> Ended:
    """Try to answer. Raises LeaseLost, or the error that prevents an answer."""
    if leased.attempts > MAX_ATTEMPTS:
        raise PoisonQuestion  # earlier workers ended on it, and left no reason
    if supersede(services, leased):
        return Ended(QuestionState.ABSTAINED, "asked_anew")
    return answer(services, leased)


def _put_back(services: Services, leased: Leased, error: Exception, *, patience_s: float) -> bool:
    """Put the question back if the failure is transient and there is time; return whether it was.

    An unknown error counts like a crash: it is tried again only a few times.
    """
    if isinstance(error, AssistantError):
        rest_s = max(error.retry_after_s or 0.0, leased.rest_s)
        if not error.transient or leased.age_s + rest_s > patience_s:
            return False
        put_back(services.database, leased, after_s=rest_s)
        return True
    if isinstance(error, SQLAlchemyError):
        put_back(services.database, leased)
        return True
    return leased.attempts < MAX_ATTEMPTS


def _tell(services: Services, leased: Leased, error: Exception) -> QuestionState:
    """Tell the asker, unless the final reply was posted: where they asked, or else in private.

    Raises SlackUnavailable, LeaseLost.
    """
    kinds = kinds_of(leased.question)
    out = {kind: existing_reply(services, leased, kind) for kind in kinds}
    answered = [kind for kind in kinds if out[kind] is Existing.ANSWER]
    if any(missing_parts(services, leased, kind) for kind in answered):
        return QuestionState.FAILED
    if answered:
        return QuestionState.ANSWERED
    if out[Kind.DIRECT] is Existing.NOTICE or Existing.ASKED_BACK in out.values():
        return QuestionState.ABSTAINED
    if leased.question.surface.is_unasked:  # nobody asked Ken
        return QuestionState.FAILED
    words = error.reply if isinstance(error, AssistantError) else AssistantError.reply
    wishes = language.wishes_of(services, leased.question)
    for kind in (kind for kind in kinds if out[kind] is Existing.NOTHING):
        try:
            with speaking(language.of_reply(leased.question, kind, wishes)):
                said = notice(words, question_id=leased.id)
                below = below_question(services, leased.question, kind, said)
                put_and_deliver(services, leased, kind, below)
            break
        except SlackRefused as refused:
            log.warning("notice_refused", question_id=leased.id, error=type(refused).__name__)
    return QuestionState.FAILED
