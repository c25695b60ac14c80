"""The playground's panel: who reads here, and what they may read. Never in production.

Titles are content: each is read under row-level security, as the people it is shown for.
"""

from functools import cache
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from policies import Audience, Class
from policies.access import readable_documents
from policies.audience import STRANGER, Account, Readers
from policies.directory import resolve_audience
from policies.names import describe
from policies.tables.content import Document
from workers.answering.audience import Rule, channel_readers
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.settings import Settings
from workers.slack.messenger import source_of_team
from workers.slack.workspaces import workspace

_MOST_TITLES = 200
_MOST_PEOPLE = 40


def person_panel(settings: Settings, team_id: str, user_id: str) -> dict[str, Any]:
    """Return `name`, `linked`, `guest`, `groups`, and the `documents` that this person may read."""
    database = _database(_refuse_production(settings))
    readers = Readers(accounts=frozenset({Account(source_of_team(team_id), user_id)}))
    with database.session("answerer") as session:
        audience = resolve_audience(session, readers)
        person = _person(session, audience.ids[0])
    return {**person, "documents": _documents(database, audience)}


def channel_panel(settings: Settings, channel_id: str) -> dict[str, Any]:
    """Return `rule`, the `people` there with how much each may read, the `documents` that all may
    read.

    Raises SlackUnavailable and InputInvalid.
    """
    database = _database(_refuse_production(settings))
    found = channel_readers(channel_id, workspace(settings), database)
    if found.readers is None:
        return {
            "rule": found.rule.value,
            "people": [],
            "documents": _nothing(),
            "all_members": None,
        }
    with database.session("answerer") as session:
        audience = resolve_audience(session, found.readers)
        accounts = sorted(found.readers.accounts, key=lambda account: account.native_id)
        people = [
            (account.native_id, resolve_audience(session, Readers(accounts=frozenset({account}))))
            for account in accounts[:_MOST_PEOPLE]
        ]
        named = [(user_id, _person(session, of.ids[0]), of) for user_id, of in people]
    by_rule = found.rule in (Rule.PUBLIC, Rule.UNLISTED, Rule.UNLINKED)
    members = Audience.of([int(Class.MEMBERS)])
    return {
        "rule": found.rule.value,
        "people": [
            {"user_id": user_id, **person, "documents": _documents(database, of)["count"]}
            for user_id, person, of in named
        ],
        "documents": _documents(database, audience),
        "all_members": _documents(database, members)["count"] if by_rule else None,
    }


def _person(session: Session, principal_id: int) -> dict[str, Any]:
    if principal_id == STRANGER:
        return {"name": "", "linked": False, "guest": False, "groups": []}
    row = session.execute(_READ_CLASS, {"id": principal_id}).one()
    groups = session.scalars(_GROUPS_OF_USER, {"id": principal_id}).all()
    return {
        "name": describe(session, [principal_id])[principal_id],
        "linked": True,
        "guest": row.class_id != int(Class.MEMBERS),
        "groups": list(groups),
    }


def _documents(database: Database, audience: Audience) -> dict[str, Any]:
    """Count what all of the audience may read, and return the first titles."""
    readable = readable_documents(audience)
    with database.reading_for(audience) as session:
        count = session.scalar(select(func.count()).select_from(readable.subquery()))
        rows = session.execute(
            readable.with_only_columns(Document.title, Document.native_id)
            .order_by(Document.native_id)
            .limit(_MOST_TITLES)
        )
        return {
            "count": count or 0,
            "titles": [{"title": title, "path": path} for title, path in rows],
        }


def _nothing() -> dict[str, Any]:
    return {"count": 0, "titles": []}


def _refuse_production(settings: Settings) -> Settings:
    if settings.production or settings.playground is None:
        raise InputInvalid(
            "The panel is part of the playground, and this home has no playground.",
            remedy="Run `make demo` for a home with a playground.",
        )
    return settings


@cache
def _database(settings: Settings) -> Database:
    return Database(settings)


# Returns the class of a user.
_READ_CLASS = text("SELECT class_id FROM user_account WHERE id = :id")

# Returns all groups that a user is in, directly or through others.
_GROUPS_OF_USER = text("""
    WITH RECURSIVE above AS (
        SELECT group_id FROM membership WHERE member_id = :id
      UNION
        SELECT membership.group_id FROM above JOIN membership ON member_id = above.group_id
    )
    SELECT name FROM user_group WHERE id IN (SELECT group_id FROM above) ORDER BY name
""")
