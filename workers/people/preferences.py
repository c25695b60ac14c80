"""Preferences of a Slack account: language, length, muted; and the request to be forgotten."""

import json
import re
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from workers.intake.leases import show_question
from workers.intake.messages import StoredErrand
from workers.models.wishes import LANGUAGES, Length
from workers.people.attributes import ATTRIBUTES
from workers.replies.rendering import notice
from workers.services import Services
from workers.wording.mark import N_

log = structlog.get_logger()

CHOICES = {
    "asked": N_("The language I ask in"),
    **{code: one.own_name for code, one in LANGUAGES.items()},
}
"""The possible choices; `asked` stands for no choice yet."""
LENGTHS = {Length.NORMAL: N_("Normal"), Length.SHORT: N_("Short")}

FORGOTTEN = N_("I cleared the text of this answer, as you asked.")
"""Stored in place of the text."""
_TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class Preferences:
    language: str = ""
    """`en`, `de`, `fr`, `es`; empty for the language of the question."""
    length: Length = Length.NORMAL
    muted: bool = False
    """Ken replies only when they ask it."""


def stored(session: Session, team_id: str, user_id: str) -> Preferences:
    """Return what this account has chosen."""
    row = session.execute(_READ_PREFERENCES, {"team": team_id, "user": user_id}).one_or_none()
    if row is None:
        return Preferences()
    return Preferences(
        language=row.language if row.language in LANGUAGES else "",
        length=Length.SHORT if row.length == Length.SHORT else Length.NORMAL,
        muted=row.muted,
    )


def act_as_asker(session: Session, team_id: str, user_id: str) -> None:
    """Let row-level security show what this account has asked, for this transaction."""
    session.execute(_ACT_AS_ASKER, {"asker": f"{team_id}/{user_id}"})


def change(services: Services, errand: StoredErrand) -> bool:
    """Do what a button or a command asked for; True if it was done.

    An invalid request is logged and changes nothing.
    """
    with services.database.session("answerer") as session:
        done = _CHANGES[errand.kind](session, errand)
    if not done:
        log.warning("preference_refused", errand_id=errand.id, kind=errand.kind)
    return done


def _prefer(session: Session, errand: StoredErrand) -> bool:
    """Set language, length or both; if one is unknown, neither is set. Or switch an attribute."""
    if "attribute" in errand.details:
        return _switch(session, errand)
    chosen: dict[str, Any] = {
        name: errand.details[name] for name in ("language", "length") if name in errand.details
    }
    offered: dict[str, Any] = {"language": {"", *CHOICES}, "length": LENGTHS}
    if not chosen:
        return False
    for name, value in chosen.items():
        if not isinstance(value, str) or value not in offered[name]:
            return False
    if chosen.get("language") == "asked":
        chosen["language"] = ""
    session.execute(
        _STORE_PREFERENCES, {"language": None, "length": None, **chosen, **_whose(errand)}
    )
    return True


def _switch(session: Session, errand: StoredErrand) -> bool:
    """Switch an attribute of the person on or off for all answers."""
    name, is_used = errand.details.get("attribute"), errand.details.get("used")
    if name not in ATTRIBUTES or not isinstance(is_used, bool):
        return False
    session.execute(_SHOW if is_used else _HIDE, {"name": name, **_whose(errand)})
    return True


def _mute(session: Session, errand: StoredErrand) -> bool:
    muted = errand.details.get("muted")
    if not isinstance(muted, bool):
        return False
    session.execute(_STORE_MUTED, {"muted": muted, **_whose(errand)})
    return True


def _mute_thread(session: Session, errand: StoredErrand) -> bool:
    thread_ts, muted = errand.details.get("thread_ts"), errand.details.get("muted")
    if not isinstance(thread_ts, str) or not _TS.fullmatch(thread_ts):
        return False
    if not isinstance(muted, bool) or not errand.channel_id:
        return False
    where = {"channel": errand.channel_id, "ts": thread_ts}
    session.execute(_MUTE_THREAD if muted else _UNMUTE_THREAD, where)
    return True


def _forget(session: Session, errand: StoredErrand) -> bool:
    clear_words(session, errand.team_id, errand.user_id)
    session.execute(_MARK_FORGOTTEN, _whose(errand))
    return True


@dataclass(frozen=True, slots=True)
class Cleared:
    """How much of an account's words was cleared."""

    questions: int
    private_answers: int
    comments: int
    remembered: int
    still_open: int
    """Questions that a worker is on; they stay as they are."""


def clear_words(session: Session, team_id: str, user_id: str) -> Cleared:
    """Clear texts of an account. That something was asked, and which documents were used, stays for
    the audit. The session then acts as this account.
    """
    whose = {"team": team_id, "user": user_id}
    forgotten = json.dumps(notice(FORGOTTEN).payload())
    act_as_asker(session, team_id, user_id)
    still_open = session.scalar(_COUNT_OPEN, whose) or 0
    questions = answers = 0
    for question_id in session.scalars(_ENDED_QUESTIONS, whose).all():
        show_question(session, question_id)
        questions += len(session.execute(_FORGET_WORDS, {"id": question_id}).all())
        given = {"id": question_id, "payload": forgotten}
        answers += len(session.execute(_FORGET_ANSWERS, given).all())
    return Cleared(
        questions=questions,
        private_answers=answers,
        comments=len(session.execute(_FORGET_COMMENTS, whose).all()),
        remembered=len(session.execute(_FORGET_MEMORY, whose).all()),
        still_open=still_open,
    )


def _whose(errand: StoredErrand) -> dict[str, str]:
    return {"team": errand.team_id, "user": errand.user_id}


_CHANGES = {
    "preferences": _prefer,
    "mute": _mute,
    "mute_thread": _mute_thread,
    "forget": _forget,
}

# Returns what an account has chosen.
_READ_PREFERENCES = text("""
    SELECT language, length, muted FROM preference WHERE team_id = :team AND user_id = :user
""")

# Stores a choice of language or length; null leaves the stored one.
_STORE_PREFERENCES = text("""
    INSERT INTO preference (team_id, user_id, language, length)
    VALUES (:team, :user, CAST(:language AS text), CAST(:length AS text))
    ON CONFLICT (team_id, user_id) DO UPDATE
    SET language = coalesce(excluded.language, preference.language),
        length = coalesce(excluded.length, preference.length)
""")

# Stores whether Ken replies to an account only when asked.
_STORE_MUTED = text("""
    INSERT INTO preference (team_id, user_id, muted) VALUES (:team, :user, :muted)
    ON CONFLICT (team_id, user_id) DO UPDATE SET muted = excluded.muted
""")

# Mutes a thread.
_MUTE_THREAD = text("""
    INSERT INTO muted_thread (channel_id, thread_ts) VALUES (:channel, :ts) ON CONFLICT DO NOTHING
""")

# Unmutes a thread.
_UNMUTE_THREAD = text("DELETE FROM muted_thread WHERE channel_id = :channel AND thread_ts = :ts")

_ACT_AS_ASKER = text("SELECT set_config('ken.asker', :asker, true)")

# Returns the account's ended questions. Row-level security shows only its own.
_ENDED_QUESTIONS = text("""
    SELECT id FROM question WHERE team_id = :team AND user_id = :user AND state <> 'kept'
""")

# Counts the account's open questions.
_COUNT_OPEN = text("""
    SELECT count(*) FROM question WHERE team_id = :team AND user_id = :user AND state = 'kept'
""")

# Deletes a question's text, and what was said before it.
_FORGET_WORDS = text("""
    UPDATE question SET text = '', earlier = '{}'
    WHERE id = :id AND (text <> '' OR earlier <> '{}')
    RETURNING id
""")

# Deletes the text of private answers. Answers in a channel stay: others can read them there, and
# they may have to be withdrawn.
_FORGET_ANSWERS = text("""
    UPDATE outbox SET payload = CAST(:payload AS jsonb)
    WHERE question_id = :id AND (kind = 'direct' OR kind LIKE 'direct/%')
      AND payload <> CAST(:payload AS jsonb)
    RETURNING id
""")

# Deletes the account's comments on answers.
_FORGET_COMMENTS = text("""
    UPDATE feedback SET comment = '' WHERE team_id = :team AND user_id = :user AND comment <> ''
    RETURNING question_id
""")

# Deletes what the account asked Ken to remember.
_FORGET_MEMORY = text("""
    DELETE FROM memory WHERE team_id = :team AND user_id = :user RETURNING id
""")

# Stores whether answers may use an attribute of this person.
_HIDE = text("""
    INSERT INTO preference (team_id, user_id, hidden) VALUES (:team, :user, ARRAY[:name])
    ON CONFLICT (team_id, user_id) DO UPDATE
    SET hidden = array_append(array_remove(preference.hidden, :name), :name)
""")
_SHOW = text("""
    UPDATE preference SET hidden = array_remove(hidden, :name)
    WHERE team_id = :team AND user_id = :user
""")

# Records when the account asked to be forgotten.
_MARK_FORGOTTEN = text("""
    INSERT INTO preference (team_id, user_id, forgotten_at) VALUES (:team, :user, now())
    ON CONFLICT (team_id, user_id) DO UPDATE SET forgotten_at = now()
""")
