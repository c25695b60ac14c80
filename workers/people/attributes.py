"""Reads what the directory knows of people, and what of it they have switched off.

It changes the order and the words of answers, never what may be read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import text
from sqlalchemy.orm import Session

from policies import current_epoch
from policies.audience import Class
from policies.tables.people import UserStatus
from workers.database.sessions import Database
from workers.models.base import NOBODY, Profile, Sites
from workers.models.facets import country_code, town_of
from workers.replies.inert import inert_excerpt

ATTRIBUTES = ("title", "team", "manager", "location", "country", "locale", "timezone", "groups")
"""What is known of a person; each can be switched off."""

_LONGEST, _MOST_GROUPS, _MOST_SITES = 100, 30, 500


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """What the directory knows of a user."""

    profile: Profile
    """With all attributes: `used` leaves out what is switched off."""
    is_member: bool
    """A guest is not a member."""
    hidden: frozenset[str]
    """The attributes that they have switched off."""

    @property
    def used(self) -> Profile:
        """Return the profile that answers may use."""
        empty = {field: getattr(NOBODY, field) for field in self.hidden.intersection(ATTRIBUTES)}
        return replace(self.profile, **empty)


def known_people(session: Session, user_ids: Iterable[int]) -> list[KnownPerson]:
    """Return what is known of each active user among these; others are left out."""
    rows = session.execute(_READ_PEOPLE, {"ids": list(user_ids), "most": _MOST_GROUPS})
    return [
        KnownPerson(
            _profile(row.name, row.profile, row.manager, row.groups),
            row.class_id == Class.MEMBERS,
            frozenset(row.hidden),
        )
        for row in rows
        if row.status == UserStatus.ACTIVE
    ]


def company_sites(database: Database, session: Session) -> Sites:
    """Return where the company's people are. It is read again after any change of people."""
    epoch = current_epoch(session)
    known = _sites_at.get(database)
    if known is None or known[0] != epoch:
        found = {
            (_short(town) if town_of(town) else "", country_code(country[:_LONGEST]))
            for town, country in session.execute(_READ_SITES, {"most": _MOST_SITES})
        }
        known = (epoch, tuple(sorted(found - {("", "")})))
        _sites_at[database] = known
    return known[1]


_sites_at: WeakKeyDictionary[Database, tuple[int, Sites]] = WeakKeyDictionary()
"""The sites, and the epoch when they were read: every change of a user has a new one."""


def _profile(name: str, stored: Mapping[str, Any], manager: str, groups: Iterable[str]) -> Profile:
    """Make a profile of stored values, which may hold anything: each is one short, inert line."""
    known = {key: _short(stored.get(key)) for key in ATTRIBUTES}
    return Profile(
        name=_short(name),
        title=known["title"],
        team=known["team"],
        manager=_short(manager),
        location=known["location"],
        country=country_code(known["country"]),
        locale=known["locale"],
        timezone=known["timezone"],
        groups=tuple(filter(None, map(_short, groups))),
    )


def _short(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return " ".join(inert_excerpt(value[: 10 * _LONGEST], _LONGEST).split())


# Reads people with their direct groups, also those of their accounts, and their manager's name. The
# manager is stored as a name, or as an id of a source that the person has an account in.
_READ_PEOPLE = text("""
    SELECT person.status, person.class_id, person.name, person.profile,
           coalesce((SELECT boss.name
                     FROM identity AS own
                     JOIN identity AS theirs ON theirs.source_id = own.source_id
                          AND theirs.native_id = person.profile ->> 'manager'
                     JOIN user_account AS boss ON boss.id = theirs.user_id
                     WHERE own.user_id = person.id LIMIT 1),
                    person.profile ->> 'manager', '') AS manager,
           ARRAY(SELECT DISTINCT user_group.name
                 FROM membership AS edge
                 LEFT JOIN membership AS account ON account.member_id = edge.group_id
                      AND EXISTS (SELECT FROM source_account WHERE id = edge.group_id)
                 JOIN user_group ON user_group.id IN (edge.group_id, account.group_id)
                 WHERE edge.member_id = person.id
                 ORDER BY user_group.name LIMIT :most) AS groups,
           ARRAY(SELECT DISTINCT unnest(preference.hidden)
                 FROM identity JOIN source ON source.id = identity.source_id
                 JOIN preference ON preference.user_id = identity.native_id
                      AND source.name = 'slack:' || preference.team_id
                 WHERE identity.user_id = person.id) AS hidden
    FROM user_account AS person
    WHERE person.id = ANY (CAST(:ids AS bigint[]))
    ORDER BY person.id
""")

_READ_SITES = text("""
    SELECT DISTINCT left(coalesce(profile ->> 'location', ''), 200) AS town,
           left(coalesce(profile ->> 'country', ''), 200) AS country
    FROM user_account WHERE status = 'active' AND profile ?| ARRAY['location', 'country']
    ORDER BY 1, 2 LIMIT :most
""")
