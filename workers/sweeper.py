"""Background duties of every worker: ring again, review posted answers, delete what is gone.

They are threads, not tasks: they keep running when the queue is down and when every worker thread
is busy. Several workers may do them at once, since each question is worked on under its lease.
"""

import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy import text

from workers.errands import run_errand
from workers.errors import SlackUnavailable
from workers.index import versions
from workers.intake import doorbell
from workers.observe import metrics, stopping
from workers.ops import health
from workers.replies.outbox import remove_late_duplicates
from workers.services import Services
from workers.slack.bot_tokens import refresh_due
from workers.sync import runs
from workers.upkeep import retention, review

log = structlog.get_logger()

_LATE_S = 30
"""How long after a message that took several attempts we look for duplicates."""


def start(services: Services) -> None:
    """Start a thread for each duty, so that none waits for another's Slack calls or
    long deletions.
    """
    for name, duty, every_s in (
        ("sweeper", ring_again, services.settings.sweep_s),
        ("errands", do_errands, services.settings.sweep_s),
        ("posted answers", review.review_all, services.settings.sweep_s),
        ("readers", review.review_oldest, 5.0),
        ("late posts", look_for_late_posts, 10.0),
        ("index", hold_codes, 2.0),
        ("tokens", refresh_tokens, 60.0),
        ("deletion", delete_old, 3600.0),
    ):
        threading.Thread(
            target=_in_turns, args=(services, name, duty, every_s), name=name, daemon=True
        ).start()


def _in_turns(services: Services, name: str, duty: Callable[[Services], None], s: float) -> None:
    while True:
        _do(services, duty)
        health.turned(name)
        time.sleep(s)


def ring_again(services: Services) -> None:
    """Ring for open questions that nobody works on, unless the queue already holds as
    many rings.
    """
    with services.database.session("ingress") as session:
        waiting = session.scalars(_WAITING_QUESTIONS).all()
    if not waiting or doorbell.waiting(services.settings) >= len(waiting):
        return
    for question_id in waiting:
        doorbell.send(services.settings, doorbell.TASK, question_id)
    metrics.RUNG_AGAIN.inc(len(waiting))
    log.info("rang_again", questions=len(waiting), first=waiting[0])


def do_errands(services: Services) -> None:
    """Run errands that are due: their rings were lost, or it is time for another try."""
    with services.database.session("ingress") as session:
        due = session.scalars(_DUE_ERRANDS).all()
    for errand_id in due:
        run_errand(services, errand_id)


def look_for_late_posts(services: Services) -> None:
    """Look for duplicates: Slack may show a message long after it seemed lost. The recorded one
    stays.
    """
    with services.database.session("ingress") as session:
        unsure = session.execute(_UNSURE_POSTS, {"late_s": _LATE_S}).all()
    for question_id, kind in unsure:
        try:
            remove_late_duplicates(services, question_id, kind)
        except SlackUnavailable as error:
            log.warning("not_looked_again", question_id=question_id, error=type(error).__name__)


def hold_codes(services: Services) -> None:
    """Hold the codes of the active version of the index, and of one that is about to be."""
    with services.database.session("answerer") as session:
        live = versions.live(session)
    if live:
        models = {model.name for one in live for model in one.models}
        services.index.hold(services.database, models)


def refresh_tokens(services: Services) -> None:
    """Refresh the tokens that expire soon. A token from the settings never expires."""
    if services.settings.has_oauth:
        refresh_due(services.database, "answerer")


def delete_old(services: Services) -> None:
    """Delete what its source has not listed for a while, and what is too old to keep; only if the
    syncer's password is set.
    """
    if services.settings.has_syncer:
        runs.delete_old(services.database)
        retention.delete_aged(services.database)


def _do(services: Services, duty: Callable[[Services], None]) -> None:
    """Run a duty once; a failure is logged, and the duty is due again at the next turn."""
    try:
        duty(services)
    except Exception as error:  # noqa: BLE001 - neither a server that is away nor a bug ends it
        stopping.exit_if_out_of_memory(error)
        log.warning("sweep_failed", duty=duty.__name__, error=type(error).__name__)


# Returns open questions that nobody works on, oldest first.
_WAITING_QUESTIONS = text("""
    SELECT question.id FROM question LEFT JOIN lease ON lease.question_id = question.id
    WHERE question.state = 'kept'
      AND question.asked_at < now() - interval '2 seconds'
      AND coalesce(lease.expires_at, '-infinity') <= now()
    ORDER BY question.asked_at LIMIT 1000
""")

# Returns errands that are due.
_DUE_ERRANDS = text("""
    SELECT id FROM errand WHERE done_at IS NULL AND due_at < now() - interval '1 second'
    ORDER BY due_at LIMIT 100
""")

# Returns replies that took several attempts, a while ago, and were not checked since.
_UNSURE_POSTS = text("""
    SELECT question_id, kind FROM outbox
    WHERE state = 'posted' AND attempts > 1 AND looked_at IS NULL
      AND posted_at < now() - make_interval(secs => :late_s)
    ORDER BY posted_at LIMIT 100
""")
