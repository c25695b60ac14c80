"""Ken's home tab in Slack: who Ken thinks somebody is, what they may read, what they want.

It is composed for one account, under row-level security as that account, and published at once.
What people or documents wrote stands in text that Slack shows as it is, never in a mark.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from policies import Audience, readable_documents
from policies.freshness import any_source_out_of_date
from policies.source import PROVIDER
from policies.tables.content import Document
from policies.tables.people import UserStatus
from policies.tables.permissions import Policy
from policies.tables.questions import QuestionState
from policies.tables.sources import Source
from workers.database.statements import statement
from workers.errors import AssistantError, SlackRefused
from workers.intake.messages import QUESTION_COLUMNS, question_of
from workers.people import preferences
from workers.people.linking import ADDRESS, CODE, code_in
from workers.people.preferences import CHOICES, LENGTHS
from workers.people.reading import reading_as, require_agreement
from workers.replies.blocks import Json, header, plain, rich_text, section, span
from workers.replies.inert import elements, inert, inert_excerpt
from workers.services import Services
from workers.slack.marks import own_words
from workers.slack.messenger import Names, Profile, source_of_team

log = structlog.get_logger()

_UNLINKED = (
    "I do not know which person of your company this Slack account is. So I answer you only from "
    "what anybody on the internet may read. Ask your administrator for a code, and write it to me "
    "in a direct message: link, and the code."
)
_INACTIVE = (
    "That user is not active any more, so I can read nothing for you. "
    "Please ask your administrator."
)
_GROUPS = (
    "What you may read, and which groups you are in, comes from your company's systems. I cannot "
    "change it; your administrator can look it up."
)
_LINKED_BY = {
    CODE: "You linked it with a code.",
    ADDRESS: "It was linked by your confirmed e-mail address.",
    PROVIDER: "Your company's identity provider linked it.",
}
_LINKED_BY_ADMIN = "An administrator linked it."
_TOLD = {
    "title": "title",
    "team": "team",
    "location": "location",
    "country": "country",
    "locale": "language",
    "timezone": "time zone",
    "manager": "manager",
}
"""What the identity provider may say of somebody, and how we call it."""
_NAMELESS = "(no name)"
_NO_SOURCE = "I know of no document that you may read."
_OUT_OF_DATE = (
    "A source is out of date. I leave it out until its permissions are synced again, whoever asks."
)
"""Never which one: the same words for everybody."""
_MORE_SOURCES = "And more."
_NO_QUESTION = "You have not asked me anything yet."
_FORGOTTEN, _NO_WORDS, _CODE = "(forgotten)", "(no words)", "(a link code)"
_NOT_OWN = "(about a message)"
"""Whose writer may have meant it for the place where it stands."""
_STATES = {
    QuestionState.KEPT: "I am working on it",
    QuestionState.ANSWERED: "answered",
    QuestionState.ABSTAINED: "not answered",
    QuestionState.FAILED: "failed",
}
_REMEMBERED = (
    "I keep your questions, a record of each answer (which documents it used, and for whom), what "
    "you said of answers, and your choices on this page. “Forget” clears the words of your "
    "questions that have ended, of my private answers in my own records, and of your comments. "
    "The record of which documents were used stays, and so does what stands in Slack."
)
_FORGET_TITLE, _FORGET = "Forget my questions?", "Forget"
_FORGET_WORDS = "I clear the words of your questions. This cannot be undone."
_KEEP = "Keep them"
_MUTED = "I speak to you only where you ask me."
_SPEAKS = "I also answer in threads that I am part of, without a mention."

_MOST_QUESTIONS, _MOST_SOURCES = 5, 30
_LONGEST_QUESTION, _LONGEST_NAME, _LONGEST_TITLE = 100, 100, 60


@dataclass(frozen=True, slots=True)
class _Link:
    name: str
    active: bool
    by: str
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Asked:
    text: str
    state: QuestionState
    at: datetime
    forgotten: bool
    is_own: bool
    """In their own words."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the home tab of one account shows."""

    profile: Profile | None
    link: _Link | None
    sources: tuple[tuple[str, datetime | None], ...]
    out_of_date: bool
    questions: tuple[_Asked, ...]
    language: str
    length: str
    muted: bool
    admin_url: str


def publish(services: Services, team_id: str, user_id: str) -> None:
    """Show the home tab as everything is now. Raises SlackUnavailable, LayersDisagree.

    One at a time for an account: whoever changes something and publishes then is the last.
    """
    messenger = services.messenger_of(team_id)
    profile = _profile(messenger, user_id)
    with services.database.session("answerer") as session:
        session.execute(_MARK_SHOWN, {"team": team_id, "user": user_id})
        seen = _look(services, team_id, user_id, profile)
        messenger.publish_home(user_id, _view(seen))


def is_shown(services: Services, team_id: str, user_id: str) -> bool:
    """Whether they have ever looked at their home tab."""
    with services.database.session("answerer") as session:
        return bool(session.scalar(_IS_SHOWN, {"team": team_id, "user": user_id}))


def publish_if_shown(services: Services, team_id: str, user_id: str) -> None:
    """Once more, if they have ever looked at it. What fails is logged: the next look mends it."""
    try:
        if is_shown(services, team_id, user_id):
            publish(services, team_id, user_id)
    except (AssistantError, SQLAlchemyError) as error:
        log.warning("home_not_published", error=type(error).__name__)


# -- what it shows ------------------------------------------------------------------------------


def _profile(messenger: Names, user_id: str) -> Profile | None:
    try:
        return messenger.profile(user_id)
    except SlackRefused:  # Slack does not show them to us
        return None


def _look(services: Services, team_id: str, user_id: str, profile: Profile | None) -> _Seen:
    own = {"team": team_id, "user": user_id}
    is_admin = user_id in services.settings.admins
    with reading_as(services, team_id, user_id) as (session, audience):
        preferences.act_as_asker(session, team_id, user_id)
        link = _link(session, team_id, user_id)
        chosen = preferences.stored(session, team_id, user_id)
        asked = session.execute(_LAST_QUESTIONS, {**own, "most": _MOST_QUESTIONS}).mappings().all()
        return _Seen(
            profile=profile,
            link=link,
            sources=_sources(session, audience),
            out_of_date=any_source_out_of_date(session),
            questions=tuple(
                _Asked(
                    words := own_words(row["text"]),
                    QuestionState(row["state"]),
                    row["asked_at"],
                    row["forgotten"],
                    is_own=question_of(row).is_in_own_words and bool(words or not row["text"]),
                )
                for row in asked
            ),
            language=chosen.language or "asked",
            length=chosen.length,
            muted=chosen.muted,
            admin_url=services.settings.admin_page_url if is_admin else "",
        )


def _link(session: Session, team_id: str, user_id: str) -> _Link | None:
    given = {"source": source_of_team(team_id), "user": user_id}
    row = session.execute(_READ_LINK, given).one_or_none()
    if row is None:
        return None
    return _Link(row.name, row.status == UserStatus.ACTIVE, row.by, row.told)


def _sources(session: Session, audience: Audience) -> tuple[tuple[str, datetime | None], ...]:
    """Those with a document that they may read, and when their permissions were synced."""
    readable = (
        readable_documents(audience)
        .join(Policy, Policy.id == Document.policy_id)
        .with_only_columns(Policy.source_id, func.min(Document.id).label("document_id"))
        .group_by(Policy.source_id)
        .subquery()
    )
    rows = session.execute(
        select(Source.name, Source.synced_at, readable.c.document_id)
        .join(readable, readable.c.source_id == Source.id)
        .order_by(Source.name)
        .limit(_MOST_SOURCES + 1)
    ).all()
    require_agreement(session, audience, [row.document_id for row in rows])
    return tuple((row.name, row.synced_at) for row in rows)


# -- how it looks -------------------------------------------------------------------------------


def _view(seen: _Seen) -> Json:
    return {
        "type": "home",
        "blocks": [
            header("Who you are"),
            _listed(*_who(seen)),
            header("What you can ask me about"),
            _listed(*_what(seen)),
            header("Your last questions"),
            _listed(
                *(map(_question, seen.questions) if seen.questions else [[span(_NO_QUESTION)]])
            ),
            header("What I remember"),
            _listed([span(_REMEMBERED)]),
            {"type": "actions", "elements": [_forget()]},
            header("How I answer you"),
            _choice("Language of my answers", "ken_language", CHOICES, seen.language),
            _choice("Length of my answers", "ken_length", LENGTHS, seen.length),
            _mute(muted=seen.muted),
            *_administration(seen.admin_url),
        ],
    }


def _who(seen: _Seen) -> Iterator[list[Json]]:
    if seen.profile:
        name, title = (
            inert_excerpt(one, _LONGEST_NAME) for one in (seen.profile.name, seen.profile.title)
        )
        mailbox = (seen.profile.email or "")[:_LONGEST_NAME]
        shown = ", ".join(one for one in (name, inert(mailbox, passage=mailbox), title) if one)
        yield [span("In Slack you are "), *elements(shown or _NAMELESS), span(".")]
    if not seen.link:
        yield [span(_UNLINKED)]
        return
    name = inert_excerpt(seen.link.name, _LONGEST_NAME) or _NAMELESS
    yield [span("This account belongs to "), span(name, bold=True), span(" in your company. ")]
    yield [span(_LINKED_BY.get(seen.link.by, _LINKED_BY_ADMIN))]
    if not seen.link.active:
        yield [span(_INACTIVE)]
    told = {key: inert_excerpt(str(seen.link.told.get(key) or ""), _LONGEST_NAME) for key in _TOLD}
    told_of = [f"{words} {told[key]}" for key, words in _TOLD.items() if told[key]]
    if told_of:
        yield [span("Your company's directory says of you: "), span(", ".join(told_of))]
    yield [span(_GROUPS)]


def _what(seen: _Seen) -> Iterator[list[Json]]:
    if not seen.sources:
        yield [span(_NO_SOURCE)]
    for name, synced_at in seen.sources[:_MOST_SOURCES]:
        synced = [span(": permissions synced "), _date(synced_at)] if synced_at else []
        yield [
            span("• "),
            span(inert_excerpt(name, _LONGEST_NAME) or _NAMELESS, bold=True),
            *synced,
        ]
    if len(seen.sources) > _MOST_SOURCES:
        yield [span(_MORE_SOURCES)]
    if seen.out_of_date:
        yield [span(_OUT_OF_DATE)]


def _question(asked: _Asked) -> list[Json]:
    words = inert_excerpt(asked.text, _LONGEST_QUESTION, hosts=True) or (
        _FORGOTTEN if asked.forgotten else _NO_WORDS
    )
    shown = _CODE if code_in(asked.text) else words if asked.is_own else _NOT_OWN
    return [
        span("• "),
        *elements(shown),
        span(f" ({_STATES[asked.state]}, "),
        _date(asked.at),
        span(")"),
    ]


def _forget() -> Json:
    return {
        "type": "button",
        "action_id": "ken_forget",
        "text": plain(_FORGET),
        "style": "danger",
        "value": "forget",
        "confirm": {
            "title": plain(_FORGET_TITLE),
            "text": plain(_FORGET_WORDS),
            "confirm": plain(_FORGET),
            "deny": plain(_KEEP),
        },
    }


def _choice(words: str, action_id: str, choices: Mapping[Any, str], chosen: str) -> Json:
    options = {key: {"text": plain(name), "value": key} for key, name in choices.items()}
    return {
        "type": "section",
        "text": plain(words),
        "accessory": {
            "type": "static_select",
            "action_id": action_id,
            "options": list(options.values()),
            "initial_option": options[chosen],
        },
    }


def _mute(*, muted: bool) -> Json:
    """The button's value is what they want."""
    return {
        "type": "section",
        "text": plain(_MUTED if muted else _SPEAKS),
        "accessory": {
            "type": "button",
            "action_id": "ken_mute",
            "text": plain("Unmute" if muted else "Mute"),
            "value": "false" if muted else "true",
        },
    }


def _administration(url: str) -> list[Json]:
    if not url:
        return []
    button = {"type": "button", "action_id": "ken_admin", "text": plain("Admin page"), "url": url}
    return [header("For administrators"), {"type": "actions", "elements": [button]}]


def _listed(*lines: Sequence[Json]) -> Json:
    return rich_text([section(elements) for elements in lines])


def _date(at: datetime) -> Json:
    """Slack shows it in the reader's own time zone."""
    return {
        "type": "date",
        "timestamp": int(at.timestamp()),
        "format": "{date_short_pretty}, {time}",
        "fallback": f"{at:%Y-%m-%d %H:%M %Z}",
    }


# The row is locked until it is published; where that fails it was not shown.
# Says that the home tab is shown to this account.
_MARK_SHOWN = text("""
    INSERT INTO preference (team_id, user_id, home_at) VALUES (:team, :user, now())
    ON CONFLICT (team_id, user_id) DO UPDATE SET home_at = coalesce(preference.home_at, now())
""")

# Whether the home tab was ever shown to this account.
_IS_SHOWN = text("""
    SELECT home_at IS NOT NULL FROM preference WHERE team_id = :team AND user_id = :user
""")

# The person whom an account is linked to.
_READ_LINK = text("""
    SELECT user_account.name, status, linked_by AS by, profile AS told
    FROM identity JOIN source ON source.id = source_id
    JOIN user_account ON user_account.id = user_id
    WHERE source.name = :source AND native_id = :user
""")

# Row-level security shows this account's alone.
# The account's last questions, newest first.
_LAST_QUESTIONS = statement(
    """
    SELECT {columns}, state, asked_at,
           coalesce(asked_at <= (SELECT forgotten_at FROM preference
                                 WHERE team_id = :team AND user_id = :user), false) AS forgotten
    FROM question WHERE team_id = :team AND user_id = :user
    ORDER BY asked_at DESC, id DESC LIMIT :most
    """,
    columns=", ".join(QUESTION_COLUMNS),
)
