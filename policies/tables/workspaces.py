"""Slack workspaces that installed Ken, and preferences of their people and channels."""

from datetime import datetime

from sqlalchemy import Identity, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from policies.tables.base import Base


class Preference(Base):
    """How a Slack account wants its answers."""

    __tablename__ = "preference"

    team_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str | None]
    length: Mapped[str | None]
    muted: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Ken answers this person only if mentioned."""
    home_at: Mapped[datetime | None]
    """When their home tab was first shown; since then it is updated."""
    forgotten_at: Mapped[datetime | None]
    hidden: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    """Attributes of this person that answers do not use, such as `country`."""


class Memory(Base):
    """Something that an account asked Ken to remember; nobody else's answers use it."""

    __tablename__ = "memory"
    __table_args__ = (UniqueConstraint("team_id", "user_id", "words"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    team_id: Mapped[str]
    user_id: Mapped[str]
    words: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class MutedThread(Base):
    """A thread in which Ken answers only if it is mentioned."""

    __tablename__ = "muted_thread"

    channel_id: Mapped[str] = mapped_column(primary_key=True)
    thread_ts: Mapped[str] = mapped_column(primary_key=True)


class ChannelSetting(Base):
    """A channel in which an administrator may let Ken answer unasked."""

    __tablename__ = "channel_setting"

    team_id: Mapped[str] = mapped_column(primary_key=True)
    channel_id: Mapped[str] = mapped_column(primary_key=True)
    automatic: Mapped[bool] = mapped_column(default=False, server_default="false")
    per_hour: Mapped[int] = mapped_column(default=20, server_default="20")


class Installation(Base):
    """A workspace, or a whole organization, that installed Ken; its tokens are encrypted."""

    __tablename__ = "installation"

    enterprise_id: Mapped[str] = mapped_column(primary_key=True, default="", server_default="")
    team_id: Mapped[str] = mapped_column(primary_key=True, default="", server_default="")
    app_id: Mapped[str] = mapped_column(default="", server_default="")
    bot_user_id: Mapped[str] = mapped_column(default="", server_default="")
    bot_id: Mapped[str] = mapped_column(default="", server_default="")
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    bot_token: Mapped[bytes | None]
    refresh_token: Mapped[bytes | None]
    expires_at: Mapped[datetime | None]
    installed_by: Mapped[str] = mapped_column(default="", server_default="")
    installed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    wiped_at: Mapped[datetime | None]


class OAuthState(Base):
    """A secret value that an installation in progress must return."""

    __tablename__ = "oauth_state"

    state: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]
