"""Reads what an account's home tab shows, under row-level security as that account."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from policies import Audience, readable_documents
from policies.freshness import any_source_out_of_date
from policies.tables.content import Document
from policies.tables.people import UserStatus
from policies.tables.permissions import Policy
from policies.tables.questions import QuestionState
from policies.tables.sources import Source
from workers.database.statements import statement
from workers.errors import SlackRefused
from workers.intake.messages import QUESTION_COLUMNS, question_of
from workers.people import memory, preferences
from workers.people.attributes import KnownPerson, known_people
from workers.people.reading import reading_as, require_agreement
from workers.services import Services
from workers.slack.marks import own_words
from workers.slack.messenger import Names, Profile, source_of_team

_MOST_QUESTIONS = 5
MOST_SOURCES = 30


@dataclass(frozen=True, slots=True)
class LinkedPerson:
    name: str
    active: bool
    by: str
    profile_fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AskedBefore:
    text: str
    state: QuestionState
    at: datetime
    forgotten: bool
    is_own: bool
    """Whether they wrote it themselves."""


@dataclass(frozen=True, slots=True)
class HomeContents:
    """Everything that one account's home tab shows."""

    profile: Profile | None
    link: LinkedPerson | None
    sources: tuple[tuple[str, datetime | None], ...]
    out_of_date: bool
    questions: tuple[AskedBefore, ...]
    language: str
    length: str
    muted: bool
    admin_url: str
    person: KnownPerson | None = None
    """What the directory knows of them."""
    remembered: tuple[str, ...] = ()


def profile_of(messenger: Names, user_id: str) -> Profile | None:
    try:
        return messenger.profile(user_id)
    except SlackRefused:  # Slack does not show them to us
        return None


def read_contents(
    services: Services, team_id: str, user_id: str, profile: Profile | None
) -> HomeContents:
    own = {"team": team_id, "user": user_id}
    is_admin = user_id in services.settings.admins
    with reading_as(services, team_id, user_id) as (session, audience):
        preferences.act_as_asker(session, team_id, user_id)
        link = _link(session, team_id, user_id)
        known = known_people(session, audience.ids if link else ())
        chosen = preferences.stored(session, team_id, user_id)
        asked = session.execute(_LAST_QUESTIONS, {**own, "most": _MOST_QUESTIONS}).mappings().all()
        return HomeContents(
            profile=profile,
            link=link,
            sources=_sources(session, audience),
            out_of_date=any_source_out_of_date(session),
            questions=tuple(
                AskedBefore(
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
            person=known[0] if known else None,
            remembered=memory.remembered(session, team_id, user_id),
        )


def _link(session: Session, team_id: str, user_id: str) -> LinkedPerson | None:
    given = {"source": source_of_team(team_id), "user": user_id}
    row = session.execute(_READ_LINK, given).one_or_none()
    if row is None:
        return None
    return LinkedPerson(row.name, row.status == UserStatus.ACTIVE, row.by, row.profile_fields)


def _sources(session: Session, audience: Audience) -> tuple[tuple[str, datetime | None], ...]:
    """Return the sources with a document that they may read, and when permissions were
    last synced.
    """
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
        .limit(MOST_SOURCES + 1)
    ).all()
    require_agreement(session, audience, [row.document_id for row in rows])
    return tuple((row.name, row.synced_at) for row in rows)


# Returns the person whom an account is linked to.
_READ_LINK = text("""
    SELECT user_account.name, status, linked_by AS by, profile AS profile_fields
    FROM identity JOIN source ON source.id = source_id
    JOIN user_account ON user_account.id = user_id
    WHERE source.name = :source AND native_id = :user
""")


# Returns the account's last questions, newest first. Row-level security shows only its own.
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
