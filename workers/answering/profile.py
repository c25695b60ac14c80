"""The profile that an answer is made for: the asker's in private, elsewhere what all readers share.

A profile changes the order and the words of an answer, never what may be read.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.orm import Session

from policies import Audience
from policies.audience import STRANGER, Class
from workers.answering.audience import is_private
from workers.database.sessions import Database
from workers.errors import InputInvalid, SlackRefused, SlackUnavailable
from workers.intake.messages import Question
from workers.models.base import NOBODY, Profile
from workers.people import memory
from workers.people.attributes import company_sites, known_people
from workers.replies.inert import inert_excerpt
from workers.replies.outbox import Kind
from workers.services import Services

log = structlog.get_logger()

_MOST_READERS = 500
"""With more, nothing is compared: a channel of that size has little in common."""
_LONGEST = 100
_AGAIN_AFTER_S, _MOST_KEPT = 3600.0, 10_000
"""For this long Slack is not asked again about an account; and of how many that is remembered."""
_CLASSES = frozenset(int(one) for one in Class)


def profile_for(services: Services, question: Question, kind: Kind, audience: Audience) -> Profile:
    """Return the profile for a reply of this kind that this audience reads."""
    asker = f"{question.team_id}/{question.user_id}"
    with services.database.session("answerer", asker=asker) as session:
        sites = company_sites(services.database, session)
        if not _is_alone(question, kind, audience):
            return replace(_in_common(session, audience), sites=sites)
        people = known_people(session, audience.ids[:1])
        remembered = memory.remembered(session, question.team_id, question.user_id)
    profile = people[0].used if people else NOBODY
    hidden = people[0].hidden if people else frozenset()
    profile = _with_slacks(services, question, profile, hidden)
    return replace(profile, sites=sites, remembered=remembered, today=today_in(profile.timezone))


def _is_alone(question: Question, kind: Kind, audience: Audience) -> bool:
    """Whether the asker alone reads the reply."""
    return len(audience.ids) == 1 and (kind is Kind.DIRECT or is_private(question))


def today_in(timezone: str, now: datetime | None = None) -> date:
    """Return the date there; UTC's if there is no such time zone."""
    return (now or datetime.now(UTC)).astimezone(_zone(timezone)).date()


def _in_common(session: Session, audience: Audience) -> Profile:
    """Return what all of these have in common; nothing if anybody may be among them, or a guest.

    A title, a manager or a group is nobody else's business, and never shared.
    """
    if len(audience.ids) > _MOST_READERS or not _CLASSES.isdisjoint(audience.ids):
        return NOBODY
    if STRANGER in audience.ids:
        return NOBODY
    people = known_people(session, audience.ids)
    if len(people) < len(audience.ids) or not all(one.is_member for one in people):
        return NOBODY
    profiles = [one.used for one in people]
    timezone = _only(one.timezone for one in profiles)
    return Profile(
        team=_only(one.team for one in profiles),
        location=_only(one.location for one in profiles),
        country=_only(one.country for one in profiles),
        locale=_only(one.locale for one in profiles),
        timezone=timezone,
        today=today_in(timezone) if timezone else None,
    )


def _only(values: Iterable[str]) -> str:
    found = set(values)
    return found.pop() if len(found) == 1 else ""


def _with_slacks(
    services: Services, question: Question, profile: Profile, hidden: frozenset[str]
) -> Profile:
    """Take time zone and locale from Slack where the directory has none."""
    lacks_timezone = not profile.timezone and "timezone" not in hidden
    lacks_locale = not profile.locale and "locale" not in hidden
    if question.surface.is_outside_slack or not (lacks_timezone or lacks_locale):
        return profile
    known = _slacks(services, question)
    if lacks_timezone:
        profile = replace(profile, timezone=known.timezone)
    return replace(profile, locale=known.locale) if lacks_locale else profile


@dataclass(frozen=True, slots=True)
class _InSlack:
    """What Slack says of an account, and when it was asked."""

    timezone: str = ""
    locale: str = ""
    at: float = 0.0


_asked: WeakKeyDictionary[Database, dict[tuple[str, str], _InSlack]] = WeakKeyDictionary()


def _slacks(services: Services, question: Question) -> _InSlack:
    """Return what Slack says of the asker, at most an hour old; nothing if it says nothing."""
    kept = _asked.setdefault(services.database, {})
    account = question.team_id, question.user_id
    if account in kept and time.monotonic() - kept[account].at < _AGAIN_AFTER_S:
        return kept[account]
    try:
        known = services.messenger_of(question.team_id).profile(question.user_id)
    except (SlackRefused, SlackUnavailable, InputInvalid) as error:
        log.info("profile_not_read", error=type(error).__name__)
        return _InSlack()
    if len(kept) >= _MOST_KEPT:
        kept.clear()
    timezone, locale = (inert_excerpt(one, _LONGEST) for one in (known.timezone, known.locale))
    kept[account] = _InSlack(timezone, locale, time.monotonic())
    return kept[account]


def _zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone or "UTC")
    except (
        KeyError,
        OSError,
        ValueError,
    ):  # none of that name; or a name that leads out of the folder
        return ZoneInfo("UTC")
