"""Secrets, stored only as hashes: tokens, codes that link, and sessions of the admin page."""

from datetime import datetime

from sqlalchemy import ForeignKey, Identity, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from policies.tables.base import Base
from policies.tables.people import User


class LinkCode(Base):
    """A one-time code that links the account that sends it to this user."""

    __tablename__ = "link_code"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    hash: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    made_by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiToken(Base):
    """A token of the admin API, by its hash. It gives no access to text of documents."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    hash: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """`identity`, `index`, `audit`, `sync:SOURCE`, `push:SOURCE`."""
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class PersonToken(Base):
    """A token with which another program asks as this person, by its hash.

    It reads what the person may read, and less where `scopes` and `sources` say so.
    """

    __tablename__ = "person_token"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    name: Mapped[str]
    hash: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """`search`, `ask`."""
    sources: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    """The only sources that it reads, by name; None for all that the person may read."""
    made_by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class AdminSession(Base):
    """An administrator's way into the admin page: a link that works once, then a session.

    It gives no access to text of documents.
    """

    __tablename__ = "admin_session"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    """`viewer`, `content` or `security`."""
    link_hash: Mapped[bytes] = mapped_column(unique=True)
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    link_expires_at: Mapped[datetime]
    hash: Mapped[bytes | None] = mapped_column(unique=True)
    """None until the link is used."""
    began_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    """When somebody signed out, or ended it; also before its link was used."""
