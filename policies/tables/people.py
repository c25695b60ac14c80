"""Principals: users, groups, classes and accounts, with links and memberships."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Identity, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from policies.tables.base import Base, as_text
from policies.tables.sources import Source


class PrincipalKind(StrEnum):
    USER = "user"
    GROUP = "group"
    CLASS = "class"
    ACCOUNT = "account"


class UserStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"


class Principal(Base):
    """Anyone that a permission can name. Ids are never reused."""

    __tablename__ = "principal"

    id: Mapped[int] = mapped_column(Identity(start=1000), primary_key=True)
    """Below 1000: the classes, fixed (see `Class`)."""
    kind: Mapped[PrincipalKind] = mapped_column(as_text(PrincipalKind))


class ClassWithin(Base):
    """The classes that contain a class: a member also belongs to `internet`."""

    __tablename__ = "class_within"

    class_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    within_id: Mapped[int] = mapped_column(
        ForeignKey(Principal.id), primary_key=True, autoincrement=False
    )


class User(Base):
    """A person of the company. E-mail is an attribute, never a key."""

    __tablename__ = "user_account"

    id: Mapped[int] = mapped_column(ForeignKey(Principal.id), primary_key=True)
    status: Mapped[UserStatus] = mapped_column(
        as_text(UserStatus), default=UserStatus.ACTIVE, server_default="active"
    )
    class_id: Mapped[int] = mapped_column(ForeignKey(Principal.id))
    """The narrowest class: `members`, or `members_and_guests` for a guest."""
    name: Mapped[str]
    email: Mapped[str | None]
    profile: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Title, team, location, country, locale, timezone and manager of this person."""


class LinkedIdentity(Base):
    """An account in a source, by the immutable id the source gave it, compared byte for byte."""

    __tablename__ = "identity"

    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id), primary_key=True)
    native_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    linked_by: Mapped[str] = mapped_column(default="load", server_default="load")
    """Which rule made the link (design, section 4); for an admin's, the folder that says so."""


class SourceAccount(Base):
    """An account as a principal: what names one outlives links, which say whose it is when asked.

    It is there once a membership or an entry names it, linked or not.
    """

    __tablename__ = "source_account"
    __table_args__ = (UniqueConstraint("source_id", "native_id"),)

    id: Mapped[int] = mapped_column(ForeignKey(Principal.id), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id))
    native_id: Mapped[str]
    external: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Marked by an administrator as external: a deny of it keeps out nobody."""
    last_user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    """The user who had it last: a deny of it still keeps this user out."""


class Group(Base):
    __tablename__ = "user_group"
    __table_args__ = (UniqueConstraint("source_id", "native_id"),)

    id: Mapped[int] = mapped_column(ForeignKey(Principal.id), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id))
    native_id: Mapped[str]
    name: Mapped[str]


class Membership(Base):
    """One edge as the source gave it; cycles are allowed, nothing is flattened."""

    __tablename__ = "membership"

    member_id: Mapped[int] = mapped_column(ForeignKey(Principal.id), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey(Principal.id), primary_key=True, index=True)
    """A group; or an account, whose one member is the user it is linked to: a trigger on `identity`
    keeps that edge."""


class AccountKind(StrEnum):
    MEMBER = "member"
    GUEST = "guest"
    BOT = "bot"
    STRANGER = "stranger"


class Account(Base):
    """An account that a source reported, linked to a user or not."""

    __tablename__ = "account"

    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id), primary_key=True)
    native_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None]
    kind: Mapped[AccountKind] = mapped_column(as_text(AccountKind))
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Address(Base):
    """Every e-mail address that an account ever had: one that changed hands links nobody."""

    __tablename__ = "address"

    email: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id), primary_key=True)
    native_id: Mapped[str] = mapped_column(primary_key=True)
    first_seen: Mapped[datetime] = mapped_column(server_default=func.now())


class Provisioned(Base):
    """A user or group as the identity provider sent it, in SCIM (RFC 7643)."""

    __tablename__ = "provisioned"

    principal_id: Mapped[int] = mapped_column(ForeignKey(Principal.id), primary_key=True)
    kind: Mapped[str]
    """`User` or `Group`."""
    user_name: Mapped[str | None]
    """Unique without regard to case (RFC 7643, 4.1.1)."""
    external_id: Mapped[str | None]
    resource: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    modified_at: Mapped[datetime] = mapped_column(server_default=func.now())
