"""Runs errands: anything Slack asks of Ken that is not a question, at least once.

Running an errand twice is harmless: a worker may die after its work, and two may run it.
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
from workers.intake.leases import question_session, stored_question
from workers.intake.messages import (
    ERRAND_COLUMNS,
    ErrandKind,
    Question,
    StoredErrand,
    Surface,
    errand_of,
)
from workers.intake.store import ring, store_question
from workers.observe import metrics, stopping, tracing
from workers.people import feedback, home_tab, language, preferences
from workers.replies.pages import CHOICE_GONE, ONLY_ASKER
from workers.replies.rendering import FORGOTTEN, notice
from workers.services import Services
from workers.slack.installations import forget
from workers.slack.messenger import Message
from workers.upkeep import channel_move, review
from workers.upkeep.retraction import retract, stop
from workers.wording.text import speaking

log = structlog.get_logger()

_HELD_S = 30
"""How long a worker holds an errand before another may take it."""
_LONGEST_REST_S = 300
_GIVE_UP_S = 24 * 3600.0
_MOST_DEATHS = 5


def run_errand(services: Services, errand_id: int) -> None:
    """Run the errand if it is due. Transient failures are tried again; others end it
    with a reason.
    """
    try:
        errand = _take(services.database, errand_id)
        if errand is not None:
            with tracing.span("errand", errand_id=errand_id, kind=errand.kind) as at:
                outcome = _do(services, errand)
                at.set(outcome=outcome)
    except SQLAlchemyError as error:
        log.warning("errand_put_off", errand_id=errand_id, error=type(error).__name__)


def _do(services: Services, errand: StoredErrand) -> str | None:
    outcome = None
    try:
        _HANDLERS[errand.kind](services, errand)
    except Exception as error:  # noqa: BLE001 - a worker survives whatever one errand does to it
        stopping.exit_if_out_of_memory(error)
        outcome = type(error).__name__
        log.warning("errand_failed", errand_id=errand.id, kind=errand.kind, error=outcome)
        if _may_pass(errand, error):
            _rest(services.database, errand, error)
            return outcome
    with _at(services.database, errand.id) as session:
        session.execute(_END_ERRAND, {"id": errand.id, "outcome": outcome})
    metrics.ERRANDS.labels(errand.kind, "done" if outcome is None else "failed").inc()
    return outcome


def _may_pass(errand: StoredErrand, error: Exception) -> bool:
    if isinstance(error, AssistantError):
        return error.transient and errand.age_s < _GIVE_UP_S
    return isinstance(error, SQLAlchemyError | ServerUnavailable) or errand.attempts < _MOST_DEATHS


def _rest(database: Database, errand: StoredErrand, error: Exception) -> None:
    asked = error.retry_after_s if isinstance(error, AssistantError) else None
    rest_s = max(asked or 0.0, min(0.5 * 2.0 ** min(errand.attempts, 10), _LONGEST_REST_S))
    with _at(database, errand.id) as session:
        session.execute(_REST_ERRAND, {"id": errand.id, "seconds": rest_s})


def _ask_again(services: Services, errand: StoredErrand) -> None:
    """Ask a question again: for the channel (`share`), privately (`private`), or once more
    (`again`).
    """
    about = _asked_about(services, errand)
    if about is None:
        return
    if not about.text:  # its asker had Ken forget it
        _tell_privately(services, errand, FORGOTTEN)
        return
    _store_again(services, errand, about, chosen=about.chosen)


def _choose(services: Services, errand: StoredErrand) -> None:
    """Ask a question again, about the page that its asker chose; nobody can choose for them."""
    about = _asked_about(services, errand)
    if about is None:
        return
    chosen = _chosen(services, errand)
    if not _is_asker(about, errand):
        _tell_privately(services, errand, ONLY_ASKER)
    elif not about.text:
        _tell_privately(services, errand, FORGOTTEN)
    elif chosen is None:
        _tell_privately(services, errand, CHOICE_GONE)
    else:
        _store_again(services, errand, about, chosen=chosen)


def _chosen(services: Services, errand: StoredErrand) -> int | None:
    """Return the document of the choice that was pressed; None if it is no longer offered.

    Whether its readers may read it is decided when the question is answered, as ever.
    """
    number = errand.details.get("choice")
    with question_session(services.database, errand.details["question_id"]) as session:
        offered = session.scalars(_READ_CHOICES, {"id": errand.details["question_id"]}).all()
    for pages in offered:
        if type(number) is int and 1 <= number <= len(pages):
            return int(pages[number - 1]["document_id"])
    return None


def _store_again(
    services: Services, errand: StoredErrand, about: Question, *, chosen: int | None
) -> None:
    event_id = f"errand:{errand.id}"
    question_id = store_question(
        services.database,
        Question(
            event_id=event_id,
            team_id=about.team_id,
            channel_id=about.channel_id,
            message_ts=about.message_ts,
            thread_ts=about.thread_ts,
            user_id=errand.user_id,
            text=about.text,
            surface=_surface(errand, about),
            revision=event_id,
            about=errand.details["question_id"],
            borrowed=not (about.is_in_own_words and _is_asker(about, errand)),
            chosen=chosen,
        ),
    )
    if question_id is not None:
        ring(services.settings, question_id)


def _surface(errand: StoredErrand, about: Question) -> Surface:
    """A question that was asked privately is asked again privately (threat 11), and so is one whose
    choices were offered beside its channel.
    """
    if errand.kind == "share":
        return Surface.SHARE
    is_elsewhere = errand.kind == "choice" and errand.channel_id != about.channel_id
    if errand.kind == "private" or about.is_for_the_asker or is_elsewhere:
        return Surface.PRIVATE
    return Surface.SHARE if about.surface.is_share else Surface.SLACK


def _tell_privately(services: Services, errand: StoredErrand, words: str) -> None:
    """Send the person who pressed the button a direct message, once."""
    messenger, mark = services.messenger_of(errand.team_id), f"errand:{errand.id}"
    since = f"{time.time() - errand.age_s:.6f}"
    if errand.attempts == 1 or not messenger.find_direct(errand.user_id, mark, since=since):
        with speaking(language.of_account(services, errand.team_id, errand.user_id)):
            payload = notice(words).payload()
        messenger.post_direct(errand.user_id, Message(payload["text"], payload["blocks"], mark))


def _asked_about(services: Services, errand: StoredErrand) -> Question | None:
    """Return the question of the answer that the button is on; None if it is not theirs to press.

    Only the asker may use a private answer's buttons; in a channel, everybody who can read it.
    """
    question_id = errand.details.get("question_id")
    if type(question_id) is not int:
        return None
    with question_session(services.database, question_id) as session:
        question = stored_question(session, question_id)
    if question is None:
        return None
    is_private = question.in_direct_message or question.is_for_the_asker
    place = (question.team_id, question.channel_id)
    is_there = place == (errand.team_id, errand.channel_id) and not is_private
    if _is_asker(question, errand) or (is_there and errand.kind != "share"):
        return question
    log.warning("errand_refused", errand_id=errand.id, kind=errand.kind)
    return None


def _is_asker(question: Question, errand: StoredErrand) -> bool:
    return (question.team_id, question.user_id) == (errand.team_id, errand.user_id)


def _publish_home(services: Services, errand: StoredErrand) -> None:
    home_tab.publish(services, errand.team_id, errand.user_id)


def change_preferences(services: Services, errand: StoredErrand) -> None:
    """Change preferences, and show the change in the home tab at once."""
    changed = preferences.change(services, errand)
    is_shown_there = errand.kind != "mute_thread"
    if changed and is_shown_there and home_tab.is_shown(services, errand.team_id, errand.user_id):
        _publish_home(services, errand)


def _suggest(services: Services, errand: StoredErrand) -> None:
    with speaking(language.of_account(services, errand.team_id, errand.user_id)):
        suggestions.suggest(services, errand.team_id, errand.user_id, errand.channel_id)


def _rest_from_work(services: Services, errand: StoredErrand) -> None:
    """Clear the status that Slack refused to clear when the question ended."""
    thread_ts = str(errand.details["thread_ts"])
    with suppress(SlackRefused):  # the thread is gone, and with it what was shown there
        services.messenger_of(errand.team_id).set_working(
            errand.channel_id, thread_ts, errand.user_id, "", working=False
        )


def _review_channel(services: Services, errand: StoredErrand) -> None:
    review.review_channel(services, errand.channel_id)


def _review_places_of(services: Services, errand: StoredErrand) -> None:
    review.review_places_of(services, errand.team_id, errand.user_id)


def _review_team(services: Services, errand: StoredErrand) -> None:
    review.review_team(services, errand.team_id)


def wipe(services: Services, errand: StoredErrand) -> None:
    """Wipe a workspace's tokens, for the errands `uninstalled` and `tokens_revoked`.

    `details` may hold `enterprise_id` and `org_wide` for a whole Grid organisation; `at`, the
    event's time, so that a late event does not wipe a newer installation; and `bot`, the bots whose
    tokens were revoked: if it is empty, only people's tokens were.
    """
    if errand.kind == "tokens_revoked" and errand.details.get("bot", True) == []:
        return
    wide = bool(errand.details.get("org_wide"))
    wiped = forget(
        services.database,
        "answerer",
        enterprise_id=str(errand.details.get("enterprise_id") or "") if wide else None,
        team_id="" if wide else errand.team_id,
        before=_time(errand.details.get("at")),
    )
    log.info("installation_wiped", team_id=errand.team_id, kind=errand.kind, count=wiped)


def _time(at: object) -> datetime | None:
    """Read Slack's event_time: whole seconds; an event is not older than the second
    that it names.
    """
    if not isinstance(at, int | float) or isinstance(at, bool):
        return None
    return datetime.fromtimestamp(at, UTC) + timedelta(seconds=1)


_HANDLERS: dict[ErrandKind, Callable[[Services, StoredErrand], None]] = {
    "home": _publish_home,
    "prompts": _suggest,
    "deleted": retract,
    "joined": _review_channel,
    "shared": _review_channel,
    "place": _review_channel,
    "moved": channel_move.move,
    "standing": _review_places_of,
    "team_access": _review_team,
    "rested": _rest_from_work,
    "stopped": stop,
    "share": _ask_again,
    "private": _ask_again,
    "again": _ask_again,
    "choice": _choose,
    "feedback": feedback.store_feedback,
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
    """Open a transaction in which row-level security shows this one errand."""
    with database.session("answerer", errand=str(errand_id)) as session:
        yield session


# Reads the choices that replies to a question offer, where they were not withdrawn.
_READ_CHOICES = text("""
    SELECT payload -> 'pages' FROM outbox
    WHERE question_id = :id AND jsonb_array_length(coalesce(payload -> 'pages', '[]')) > 1
""")

# Takes an errand that is due, for a while; returns it, or nothing.
_TAKE_ERRAND = statement(
    """
    UPDATE errand SET attempts = attempts + 1, due_at = now() + make_interval(secs => :held_s)
    WHERE id = :id AND done_at IS NULL AND due_at <= now()
    RETURNING id, {columns}, attempts, extract(epoch FROM now() - at) AS age_s
    """,
    columns=", ".join(ERRAND_COLUMNS),
)

# Puts an errand off for a while.
_REST_ERRAND = text("""
    UPDATE errand SET due_at = now() + make_interval(secs => :seconds) WHERE id = :id
""")

# Ends an errand and empties it: what it held is stored where it belongs.
_END_ERRAND = text("""
    UPDATE errand SET done_at = now(), outcome = :outcome, details = '{}' WHERE id = :id
""")
