"""The door to the workers, and the only file of the house that `bot` imports.

The row is the truth, the queue a doorbell: `ask` and `hand_over` return once it cannot be lost.
"""

import json
import re
import time
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any, Literal

import structlog
from slack_sdk.oauth import InstallationStore, OAuthStateStore
from sqlalchemy import TextClause, text
from sqlalchemy.exc import SQLAlchemyError

from workers.answering.talk import reply_to_talk
from workers.database.sessions import Database
from workers.errors import OperatorError, ServerUnavailable, SlackUnavailable
from workers.intake.queue import ERRAND, TASK, doorbell
from workers.observe import metrics, tracing
from workers.observe.crashpoints import reached
from workers.observe.logs import configure as configure_logs
from workers.ops.health import Report
from workers.ops.production import refuse_unsafe
from workers.ops.serving import bot_listener, bot_readiness
from workers.settings import Settings, load_settings
from workers.slack.bot_tokens import token_of
from workers.slack.installations import may_install
from workers.slack.marks import carried, plain, written
from workers.slack.oauth import Installations, States

__all__ = [
    "Errand",
    "ErrandKind",
    "OperatorError",
    "Question",
    "Report",
    "Settings",
    "Surface",
    "answers_by_itself",
    "ask",
    "bot_listener",
    "bot_readiness",
    "bot_token",
    "carried",
    "configure_logs",
    "follows",
    "hand_over",
    "installation_store",
    "is_muted",
    "knows",
    "load_settings",
    "may_install",
    "metrics",
    "person_panel",
    "plain",
    "refuse_unsafe",
    "reply_to_talk",
    "state_store",
    "tracing",
    "written",
]

log = structlog.get_logger()

_SILENCE_S = 2.0
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""As JSON writes it; not where somebody typed a backslash before `u0000`."""

Surface = Literal[
    "slack",
    "follow_up",
    "automatic",
    "command",
    "shortcut",
    "share",
    "private",
    "terminal",
]
"""How a question came: a mention or a direct message; in a thread without a mention; asked of
nobody, where Ken may answer unasked; `/ken`; about a message; asked again for the channel, or by
somebody for themselves; at the terminal."""

ErrandKind = Literal[
    "home",
    "prompts",
    "deleted",
    "joined",
    "shared",
    "place",
    "moved",
    "standing",
    "team_access",
    "rested",
    "stopped",
    "share",
    "private",
    "again",
    "feedback",
    "person",
    "mute",
    "mute_thread",
    "forget",
    "preferences",
    "uninstalled",
    "tokens_revoked",
]


@dataclass(frozen=True, slots=True)
class Question:
    """What one person asked, and where the reply goes."""

    event_id: str
    """Unique; Slack repeats events."""
    team_id: str
    channel_id: str
    """Empty: asked at the terminal, for nobody else to read."""
    message_ts: str
    thread_ts: str
    """The thread to answer in: the message's own `ts` where it starts one."""
    user_id: str
    """A Slack id, or at the terminal the principal id of a user."""
    text: str
    surface: Surface = "slack"
    revision: str = ""
    """When the message was edited, as Slack's ts. What is no message has its event's id here."""
    about: int | None = None
    """The question that is asked again, for other readers."""
    borrowed: bool = False
    """Somebody else wrote these words, or some of them."""

    @property
    def in_direct_message(self) -> bool:
        """Slack's ids of direct messages begin with D."""
        return self.channel_id.startswith("D")

    @property
    def is_for_the_asker(self) -> bool:
        """Asked somewhere, and answered to the asker alone."""
        return self.surface in ("command", "shortcut", "private")

    @property
    def is_in_own_words(self) -> bool:
        """Whether the asker wrote this, as far as we know: a message of which they asked may be
        anybody's, and only its readers may read it.
        """
        return not self.borrowed and self.surface != "shortcut"

    @property
    def is_a_message(self) -> bool:
        """Whether a message asks it, which may be edited and deleted."""
        return self.about is None and self.surface in ("slack", "follow_up", "automatic")


@dataclass(frozen=True, slots=True)
class Errand:
    """What Slack told us to do that is no question. Done at least once; twice does no harm."""

    event_id: str
    """Unique; Slack repeats itself."""
    kind: ErrandKind
    team_id: str
    user_id: str = ""
    channel_id: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    """Small, and JSON."""


def ask(question: Question) -> int | None:
    """Keep the question, then ring. Returns once it cannot be lost: its id, or None.

    None: we hold it already (same event, or same channel and ts), and nothing more is done.
    Raises ServerUnavailable if PostgreSQL does not answer: Slack must hear a non-2xx and retry.
    """
    reached("asked")
    question_id = keep(question)
    reached("kept")
    if question_id is not None:
        ring(question_id)
    reached("rung")
    return question_id


def keep(question: Question) -> int | None:
    """The id under which the question is kept; None if it was kept before."""
    return keep_in(_door(), question)


def keep_in(database: Database, question: Question) -> int | None:
    """The same, for a process that has the database open already. Raises ServerUnavailable."""
    try:
        with (
            tracing.span("keep", event_id=question.event_id) as at,
            database.session("ingress") as session,
        ):
            row = {**asdict(question), "text": storable(question.text), "trace": tracing.current()}
            question_id = session.execute(_KEEP, row).scalar_one_or_none()
            at.set(question_id=question_id, known=question_id is None)
    except SQLAlchemyError as error:
        metrics.QUESTIONS_KEPT.labels("failed").inc()
        log.error("question_not_kept", error=type(error).__name__)
        raise ServerUnavailable("PostgreSQL did not keep the question.") from None
    metrics.QUESTIONS_KEPT.labels("known" if question_id is None else "kept").inc()
    return question_id


def hand_over(errand: Errand) -> int | None:
    """Keep the errand, then ring. Returns once it cannot be lost: its id; None: we hold it already.

    Raises ServerUnavailable if PostgreSQL does not answer.
    """
    return hand_over_in(_door(), errand)


def hand_over_in(database: Database, errand: Errand) -> int | None:
    """The same, for a process that has the database open already. Raises ServerUnavailable."""
    written = _NUL.sub(r"\1", json.dumps(errand.details, ensure_ascii=False))
    row = {**asdict(errand), "details": storable(written)}
    errand_id: int | None = _asked_of_postgres(_HAND_OVER, row, database)
    if errand_id is not None:
        ring(errand_id, task=ERRAND)
    return errand_id


def knows(channel_id: str, message_ts: str) -> bool:
    """Whether a question was asked with this message. Raises ServerUnavailable."""
    return bool(_asked_of_postgres(_KNOWS, {"channel": channel_id, "ts": message_ts}))


def follows(channel_id: str, thread_ts: str) -> bool:
    """Whether Ken takes part in this thread, and nobody muted it. Raises ServerUnavailable."""
    return bool(_asked_of_postgres(_FOLLOWS, {"channel": channel_id, "ts": thread_ts}))


def is_muted(team_id: str, user_id: str) -> bool:
    """Whether this person wants to be spoken to only where they mention Ken.

    Raises ServerUnavailable.
    """
    return bool(_asked_of_postgres(_IS_MUTED, {"team": team_id, "user": user_id}))


def answers_by_itself(channel_id: str) -> bool:
    """Whether Ken may answer in this channel unasked. Raises ServerUnavailable."""
    return bool(_asked_of_postgres(_BY_ITSELF, {"channel": channel_id}))


def bot_token(enterprise_id: str | None, team_id: str | None) -> str | None:
    """Ken's own token in a workspace; None: it is not installed there, or cannot speak there now.

    Slack is asked only if the token has run out, which the sweeper does not let happen. Raises
    ServerUnavailable.
    """
    if not _settings().has_oauth:
        return _settings().slack_bot_token.get_secret_value() or None
    place = {"team_id": team_id or "", "enterprise_id": enterprise_id or ""}
    try:
        return token_of(_door(), "ingress", **place, early=timedelta(0)).secret
    except SlackUnavailable as error:
        log.warning("no_bot_token", **place, error=str(error))
        return None
    except SQLAlchemyError as error:
        log.error("door_closed", error=type(error).__name__)
        raise ServerUnavailable("PostgreSQL does not answer.") from None


def installation_store() -> InstallationStore:
    """For Bolt's OAuth. Its methods raise ServerUnavailable."""
    return Installations(_door())


def state_store() -> OAuthStateStore:
    return States(_door())


def person_panel(settings: Settings, team_id: str, user_id: str) -> dict[str, Any]:
    """For the playground's page: see `workers/panel.py`."""
    from workers import panel  # it needs what stands here

    return panel.person_panel(settings, team_id, user_id)


def channel_panel(settings: Settings, channel_id: str) -> dict[str, Any]:
    """For the playground's page: see `workers/panel.py`."""
    from workers import panel

    return panel.channel_panel(settings, channel_id)


def _asked_of_postgres(
    statement: TextClause, given: dict[str, Any], database: Database | None = None
) -> Any:
    """One value. Raises ServerUnavailable: Slack must hear a non-2xx, and ask again."""
    try:
        with (database or _door()).session("ingress") as session:
            return session.execute(statement, given).scalar_one_or_none()
    except SQLAlchemyError as error:
        log.error("door_closed", error=type(error).__name__)
        raise ServerUnavailable("PostgreSQL does not answer.") from None


def ring(wanted: int, *, task: str = TASK) -> None:
    """Wake a worker. If the queue is down the sweeper finds the row, so this never fails.

    After a failure the bell is left alone for a moment: Slack is waiting for its answer.
    """
    if time.monotonic() < _bell.silent_until:
        return
    with tracing.span("ring", task=task, id=wanted):
        try:
            doorbell(_settings()).send_task(task, args=[wanted])
        except Exception as error:  # whatever the broker's library raises: the row is the truth
            _bell.silent_until = time.monotonic() + _SILENCE_S
            metrics.RINGS_FAILED.inc()
            log.warning("ring_failed", task=task, id=wanted, error=type(error).__name__)


def storable(text: str) -> str:
    """Without what PostgreSQL refuses, NUL and halves of characters: else nothing is kept."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


@dataclass(slots=True)
class _Bell:
    silent_until: float = 0.0


_bell = _Bell()


@cache
def _settings() -> Settings:
    return load_settings()


@cache
def _door() -> Database:
    return Database(_settings())


_KEEP = text("""
    INSERT INTO question
        (event_id, team_id, channel_id, message_ts, thread_ts, user_id, text, surface, revision,
         about, borrowed, trace)
    VALUES
        (:event_id, :team_id, :channel_id, :message_ts, :thread_ts, :user_id, :text, :surface,
         :revision, :about, :borrowed, :trace)
    ON CONFLICT DO NOTHING
    RETURNING id
""")

_HAND_OVER = text("""
    INSERT INTO errand (event_id, kind, team_id, user_id, channel_id, details)
    VALUES (:event_id, :kind, :team_id, :user_id, :channel_id, CAST(:details AS jsonb))
    ON CONFLICT DO NOTHING
    RETURNING id
""")

_KNOWS = text("""
    SELECT EXISTS (SELECT FROM question WHERE channel_id = :channel AND message_ts = :ts)
""")

_FOLLOWS = text("""
    SELECT EXISTS (SELECT FROM question WHERE channel_id = :channel AND thread_ts = :ts
                   AND surface IN ('slack', 'follow_up', 'automatic', 'share'))
       AND NOT EXISTS (SELECT FROM muted_thread WHERE channel_id = :channel AND thread_ts = :ts)
""")

_IS_MUTED = text("SELECT muted FROM preference WHERE team_id = :team AND user_id = :user")

_BY_ITSELF = text("SELECT automatic FROM channel_setting WHERE channel_id = :channel AND automatic")
