"""The bot's API to the workers; the only module that `bot` may import.

The row is what counts, the queue only a doorbell: `ask` and `submit_errand` return once the row is
stored and cannot be lost.
"""

from datetime import timedelta
from functools import cache
from typing import Any

import structlog
from slack_sdk.oauth import InstallationStore, OAuthStateStore
from sqlalchemy import TextClause, text
from sqlalchemy.exc import SQLAlchemyError

from workers.answering.talk import reply_to_talk
from workers.database.sessions import Database
from workers.errors import OperatorError, ServerUnavailable, SlackUnavailable
from workers.intake import store
from workers.intake.messages import ALOUD, Errand, ErrandKind, Question, Surface
from workers.intake.store import ring
from workers.models.languages import language_of
from workers.models.wishes import Length
from workers.observe import metrics, tracing
from workers.observe.crashpoints import crashpoint
from workers.observe.logs import configure as configure_logs
from workers.ops.health import Report
from workers.ops.production import refuse_unsafe
from workers.ops.serving import bot_listener, bot_readiness
from workers.replies.pages import MOST_CHOICES
from workers.settings import Settings, load_settings
from workers.slack.bot_tokens import token_of
from workers.slack.installations import may_install
from workers.slack.marks import carried, plain, written
from workers.slack.oauth import Installations, States
from workers.wording.mark import N_
from workers.wording.text import formatted, gettext, speaking

__all__ = [
    "MOST_CHOICES",
    "N_",
    "Errand",
    "ErrandKind",
    "Length",
    "OperatorError",
    "Question",
    "Report",
    "Settings",
    "Surface",
    "ask",
    "auto_answer_enabled",
    "bot_listener",
    "bot_readiness",
    "bot_token",
    "carried",
    "chosen_language",
    "configure_logs",
    "formatted",
    "gettext",
    "installation_store",
    "is_ken_thread",
    "is_known_question",
    "is_muted",
    "language_of",
    "load_settings",
    "may_install",
    "metrics",
    "plain",
    "refuse_unsafe",
    "reply_to_talk",
    "speaking",
    "state_store",
    "submit_errand",
    "tracing",
    "written",
]

log = structlog.get_logger()


def ask(question: Question) -> int | None:
    """Store the question, then ring. Returns its id once it cannot be lost.

    Returns None if it was stored before (same event, or same channel and ts); nothing more is done
    then. Raises ServerUnavailable if PostgreSQL does not answer: respond to Slack with a non-2xx,
    and it sends the event again.
    """
    crashpoint("asked")
    question_id = store_question(question)
    crashpoint("kept")
    if question_id is not None:
        ring(_settings(), question_id)
    crashpoint("rung")
    return question_id


def store_question(question: Question) -> int | None:
    """Store the question. Returns its id, or None if it was stored before."""
    return store.store_question(_door(), question)


def submit_errand(errand: Errand) -> int | None:
    """Store the errand, then ring. Returns its id once it cannot be lost; None if it was stored
    before.

    Raises ServerUnavailable if PostgreSQL does not answer.
    """
    return store.submit_errand(_door(), errand)


def is_known_question(channel_id: str, message_ts: str) -> bool:
    """Whether this message asked a question. Raises ServerUnavailable."""
    return bool(_asked_of_postgres(_IS_MESSAGE_KNOWN, {"channel": channel_id, "ts": message_ts}))


def is_ken_thread(channel_id: str, thread_ts: str) -> bool:
    """Whether Ken takes part in this thread, and nobody muted it. Raises ServerUnavailable."""
    return bool(_asked_of_postgres(_IS_THREAD_FOLLOWED, {"channel": channel_id, "ts": thread_ts}))


def is_muted(team_id: str, user_id: str) -> bool:
    """Whether this person wants replies only when they mention Ken. Raises ServerUnavailable."""
    return bool(_asked_of_postgres(_IS_PERSON_MUTED, {"team": team_id, "user": user_id}))


def chosen_language(team_id: str, user_id: str) -> str:
    """Return the language that this person chose; empty if none, or if PostgreSQL does not answer:
    no reply has to wait for it.
    """
    try:
        return _asked_of_postgres(_CHOSEN_LANGUAGE, {"team": team_id, "user": user_id}) or ""
    except OperatorError:
        return ""


def auto_answer_enabled(channel_id: str) -> bool:
    """Whether Ken may answer in this channel unasked. Raises ServerUnavailable."""
    return bool(_asked_of_postgres(_IS_CHANNEL_AUTOMATIC, {"channel": channel_id}))


def bot_token(enterprise_id: str | None, team_id: str | None) -> str | None:
    """Return Ken's own token in a workspace; None if it is not installed there or cannot post there
    now.

    Calls Slack only if the token has expired, which the sweeper prevents. Raises ServerUnavailable.
    """
    if not _settings().has_oauth:
        return _settings().slack_bot_token.get_secret_value() or None
    place = {"team_id": team_id or "", "enterprise_id": enterprise_id or ""}
    try:
        return token_of(_door(), "ingress", **place, minimum_lifetime=timedelta(0)).secret
    except SlackUnavailable as error:
        log.warning("no_bot_token", **place, error=str(error))
        return None
    except SQLAlchemyError as error:
        log.error("door_closed", error=type(error).__name__)
        raise ServerUnavailable("PostgreSQL does not answer.") from None


def installation_store() -> InstallationStore:
    """Return the store for Bolt's OAuth. Its methods raise ServerUnavailable."""
    return Installations(_door())


def state_store() -> OAuthStateStore:
    return States(_door())


def _asked_of_postgres(statement: TextClause, given: dict[str, Any]) -> Any:
    """Return one value. Raises ServerUnavailable: Slack must get a non-2xx, so that it
    tries again.
    """
    try:
        with _door().session("ingress") as session:
            return session.execute(statement, given).scalar_one_or_none()
    except SQLAlchemyError as error:
        log.error("door_closed", error=type(error).__name__)
        raise ServerUnavailable("PostgreSQL does not answer.") from None


@cache
def _settings() -> Settings:
    return load_settings()


@cache
def _door() -> Database:
    return Database(_settings())


# Returns whether a question was asked with this message.
_IS_MESSAGE_KNOWN = text("""
    SELECT EXISTS (SELECT FROM question WHERE channel_id = :channel AND message_ts = :ts)
""")

# Returns whether Ken takes part in this thread and nobody muted it.
_IS_THREAD_FOLLOWED = text("""
    SELECT EXISTS (SELECT FROM question WHERE channel_id = :channel AND thread_ts = :ts
                   AND surface = ANY(:aloud))
       AND NOT EXISTS (SELECT FROM muted_thread WHERE channel_id = :channel AND thread_ts = :ts)
""").bindparams(aloud=ALOUD)

# Returns whether this person wants replies only when they ask.
_IS_PERSON_MUTED = text("SELECT muted FROM preference WHERE team_id = :team AND user_id = :user")

# Returns the language that this person chose.
_CHOSEN_LANGUAGE = text("SELECT language FROM preference WHERE team_id = :team AND user_id = :user")

# Returns a row if Ken may answer in this channel unasked.
_IS_CHANNEL_AUTOMATIC = text(
    "SELECT automatic FROM channel_setting WHERE channel_id = :channel AND automatic"
)
