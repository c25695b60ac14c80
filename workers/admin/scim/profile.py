"""Turns a SCIM user into the name, e-mail address and profile of a user."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from policies.tables.people import Provisioned, User
from workers.admin.scim.schema import EnterpriseUser


def name_of(user: Any) -> str:
    """Return the name that people use; the user name if there is no other."""
    name = user.name
    parts = [name.given_name, name.family_name] if name else []
    whole = " ".join(part.strip() for part in parts if part)
    candidates = (user.display_name, name.formatted if name else None, whole, user.user_name)
    return next(one.strip() for one in candidates if one and one.strip())


def email_of(user: Any) -> str | None:
    """Return the primary e-mail address, or else the first."""
    return _primary(user.emails, lambda email: email.value)


def profile_of(session: Session, user: Any) -> dict[str, str]:
    """Return the attributes that personal answers may use, without empty ones."""
    work = user[EnterpriseUser]
    profile = {
        "title": user.title,
        "team": work and (work.department or work.organization),
        "location": _primary(user.addresses, lambda one: one.locality or one.formatted),
        "country": _primary(user.addresses, lambda one: one.country),
        "locale": user.locale or user.preferred_language,
        "timezone": user.timezone,
        "manager": work and work.manager and _manager(session, work.manager),
    }
    return {name: value for name, value in profile.items() if value}


def _manager(session: Session, manager: Any) -> str | None:
    """Return the manager's name if the id is one of ours, as Entra sends it; else what was sent."""
    known = select(User.name).join(Provisioned, Provisioned.principal_id == User.id)
    given = str(manager.value or "")
    if given.isascii() and given.isdigit() and len(given) < 19:
        name = session.scalar(known.where(User.id == int(given)))
        if name is not None:
            return name
    sent: str | None = manager.display_name or manager.value
    return sent


def _primary(values: Any, of: Any) -> str | None:
    ordered = sorted(values or [], key=lambda one: one.primary is not True)
    return next((of(one) for one in ordered if of(one)), None)
