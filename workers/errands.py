"""What Slack told us to do beside answering: kept like a question, done at least once.

Each errand may be done twice without harm: by a worker that died after the deed, or by two.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from workers.answering import suggestions
from workers.database.sessions import Database
from workers.database.statements import statement
from workers.errors import AssistantError, ServerUnavailable, SlackRefused
from workers.intake.leases import at_work, stored_question
from workers.intake.messages import ERRAND_COLUMNS, Question, StoredErrand, Surface, errand_of
from workers.intake.store import keep_in, ring
from workers.observe import metrics, stopping, tracing
from workers.people import feedback, home_tab, preferences
from workers.replies.rendering import FORGOTTEN, notice
from workers.services import Services
from workers.slack.installations import forget
from workers.slack.messenger import Message
from workers.upkeep import channel_move, review
from workers.upkeep.retraction import stop, take_back

log = structlog.get_logger()

_HELD_S = 30
"""So long nobody else takes an errand that somebody is on."""
_LONGEST_REST_S = 300
_GIVE_UP_S = 24 * 3600.0
_MOST_DEATHS = 5


def run_errand(services: Services, errand_id: int) -> None:
    """Do it, if it is due and not done. What passes is tried again; the rest ends with a reason."""
    try:
        kept = _take(services.database, errand_id)
        if kept is not None:
            with tracing.span("errand", errand_id=errand_id, kind=kept.kind) as at:
                outcome = _do(services, kept)
                at.set(outcome=outcome)
    except SQLAlchemyError as error:
        log.warning("errand_put_off", errand_id=errand_id, error=type(error).__name__)


def _do(services: Services, kept: StoredErrand) -> str | None:
    outcome = None
    try:
        _DUTIES[kept.kind](services, kept)
    except Exception as error:  # a worker survives whatever one errand does to it
        stopping.survives(error)
        outcome = type(error).__name__
        log.warning("errand_failed", errand_id=kept.id, kind=kept.kind, error=outcome)
        if _may_pass(kept, error):
            _rest(services.database, kept, error)
            return outcome
    with _at(services.database, kept.id) as session:
        session.execute(_END_ERRAND, {"id": kept.id, "outcome": outcome})
    metrics.ERRANDS.labels(kept.kind, "done" if outcome is None else "failed").inc()
    return outcome


def _may_pass(kept: StoredErrand, error: Exception) -> bool:
    if isinstance(error, AssistantError):
        return error.passing and kept.age_s < _GIVE_UP_S
    return isinstance(error, SQLAlchemyError | ServerUnavailable) or kept.attempts < _MOST_DEATHS


def _rest(database: Database, kept: StoredErrand, error: Exception) -> None:
    asked = error.retry_after_s if isinstance(error, AssistantError) else None
    rest_s = max(asked or 0.0, min(0.5 * 2.0 ** min(kept.attempts, 10), _LONGEST_REST_S))
    with _at(database, kept.id) as session:
        session.execute(_REST_ERRAND, {"id": kept.id, "seconds": rest_s})


def _ask_again(services: Services, kept: StoredErrand) -> None:
    """For the channel (`share`), for whoever pressed (`private`), or once more (`again`)."""
    about = _asked_about(services, kept)
    if about is None:
        return
    if not about.text:  # whoever asked it has told Ken to forget it
        _whisper(services, kept, FORGOTTEN)
        return
    event_id = f"errand:{kept.id}"
    question_id = keep_in(
        services.database,
        Question(
            event_id=event_id,
            team_id=about.team_id,
            channel_id=about.channel_id,
            message_ts=about.message_ts,
            thread_ts=about.thread_ts,
            user_id=kept.user_id,
            text=about.text,
            surface=_surface(kept.kind, about),
            revision=event_id,
            about=kept.details["question_id"],
            borrowed=not (about.is_in_own_words and _is_asker(about, kept)),
        ),
    )
    if question_id is not None:
        ring(services.settings, question_id)


def _surface(kind: str, about: Question) -> Surface:
    """What was asked for oneself is asked again for oneself (threat 11)."""
    if kind == "share":
        return Surface.SHARE
    if kind == "private" or about.is_for_the_asker:
        return Surface.PRIVATE
    return Surface.SHARE if about.surface.is_share else Surface.SLACK


def _whisper(services: Services, kept: StoredErrand, words: str) -> None:
    """Tell whoever pressed, alone, and once."""
    messenger, mark = services.messenger_of(kept.team_id), f"errand:{kept.id}"
    since = f"{time.time() - kept.age_s:.6f}"
    if kept.attempts == 1 or not messenger.find_direct(kept.user_id, mark, since=since):
        told = notice(words).payload()
        messenger.post_direct(kept.user_id, Message(told["text"], told["blocks"], mark))


def _asked_about(services: Services, kept: StoredErrand) -> Question | None:
    """The question whose answer the button belongs to; None: it is not theirs to press.

    A private answer is the asker's; what was asked in a channel is known to whoever reads there.
    """
    question_id = kept.details.get("question_id")
    if type(question_id) is not int:
        return None
    with at_work(services.database, question_id) as session:
        question = stored_question(session, question_id)
    if question is None:
        return None
    is_private = question.in_direct_message or question.is_for_the_asker
    place = (question.team_id, question.channel_id)
    is_there = place == (kept.team_id, kept.channel_id) and not is_private
    if _is_asker(question, kept) or (is_there and kept.kind != "share"):
        return question
    log.warning("errand_refused", errand_id=kept.id, kind=kept.kind)
    return None


def _is_asker(question: Question, kept: StoredErrand) -> bool:
    return (question.team_id, question.user_id) == (kept.team_id, kept.user_id)


def _publish_home(services: Services, kept: StoredErrand) -> None:
    home_tab.publish(services, kept.team_id, kept.user_id)


def change_preferences(services: Services, kept: StoredErrand) -> None:
    """A change of preferences, shown in the home tab at once."""
    changed = preferences.change(services, kept)
    is_shown_there = kept.kind != "mute_thread"
    if changed and is_shown_there and home_tab.is_shown(services, kept.team_id, kept.user_id):
        _publish_home(services, kept)


def _suggest(services: Services, kept: StoredErrand) -> None:
    suggestions.suggest(services, kept.team_id, kept.user_id, kept.channel_id)


def _rest_from_work(services: Services, kept: StoredErrand) -> None:
    """Slack did not take it when the question ended."""
    thread_ts = str(kept.details["thread_ts"])
    with suppress(SlackRefused):  # the thread is gone, and with it what was shown there
        services.messenger_of(kept.team_id).set_working(
            kept.channel_id, thread_ts, kept.user_id, "", working=False
        )


def _look_at_channel(services: Services, kept: StoredErrand) -> None:
    review.look_at_channel(services, kept.channel_id)


def _look_at_places_of(services: Services, kept: StoredErrand) -> None:
    review.look_at_places_of(services, kept.team_id, kept.user_id)


def _look_at_team(services: Services, kept: StoredErrand) -> None:
    review.look_at_team(services, kept.team_id)


def wipe(services: Services, kept: StoredErrand) -> None:
    """The errands `uninstalled` and `tokens_revoked`: the workspace's tokens are gone.

    `details` may hold `enterprise_id` and `org_wide`, for a whole Grid organisation; `at`, the
    event's time, so that a late event does not wipe what was installed after it; and `bot`, the
    bots whose tokens were revoked: where it is empty only people's were.
    """
    if kept.kind == "tokens_revoked" and kept.details.get("bot", True) == []:
        return
    wide = bool(kept.details.get("org_wide"))
    wiped = forget(
        services.database,
        "answerer",
        enterprise_id=str(kept.details.get("enterprise_id") or "") if wide else None,
        team_id="" if wide else kept.team_id,
        before=_time(kept.details.get("at")),
    )
    log.info("installation_wiped", team_id=kept.team_id, kind=kept.kind, count=wiped)


def _time(at: object) -> datetime | None:
    """Slack's event_time: whole seconds; an event is not older than the second that it names."""
    if not isinstance(at, int | float) or isinstance(at, bool):
        return None
    return datetime.fromtimestamp(at, UTC) + timedelta(seconds=1)


_DUTIES: dict[str, Callable[[Services, StoredErrand], None]] = {
    "home": _publish_home,
    "prompts": _suggest,
    "deleted": take_back,
    "joined": _look_at_channel,
    "shared": _look_at_channel,
    "place": _look_at_channel,
    "moved": channel_move.move,
    "standing": _look_at_places_of,
    "team_access": _look_at_team,
    "rested": _rest_from_work,
    "stopped": stop,
    "share": _ask_again,
    "private": _ask_again,
    "again": _ask_again,
    "feedback": feedback.take,
    "person": feedback.call_person,
    "mute": change_preferences,
    "mute_thread": change_preferences,
    "forget": change_preferences,
    "preferences": change_preferences,
    "uninstalled": wipe,
    "tokens_revoked": wipe,
}


def _take(database: Database, errand_id: int) -> StoredErrand | None:
    with _at(database, errand_id) as session:
        row = (
            session.execute(_TAKE_ERRAND, {"id": errand_id, "held_s": _HELD_S})
            .mappings()
            .one_or_none()
        )
    return None if row is None else errand_of(row)


@contextmanager
def _at(database: Database, errand_id: int) -> Iterator[Session]:
    """A transaction in which row-level security shows this one errand."""
    with database.session("answerer") as session:
        session.execute(text("SELECT set_config('ken.errand', :id, true)"), {"id": str(errand_id)})
        yield session


# Takes an errand that is due, for a while; returns it, or nothing.
_TAKE_ERRAND = statement(
    """
    UPDATE errand SET attempts = attempts + 1, due_at = now() + make_interval(secs => :held_s)
    WHERE id = :id AND done_at IS NULL AND due_at <= now()
    RETURNING id, {columns}, attempts, extract(epoch FROM now() - at) AS age_s
    """,
    columns=", ".join(ERRAND_COLUMNS),
)

# Leaves an errand alone for a while.
_REST_ERRAND = text("""
    UPDATE errand SET due_at = now() + make_interval(secs => :seconds) WHERE id = :id
""")

# Ends an errand. What somebody wrote is kept where it belongs, and not here.
_END_ERRAND = text("""
    UPDATE errand SET done_at = now(), outcome = :outcome, details = '{}' WHERE id = :id
""")
