"""Where Ken is installed: the rows, which of them is used for a workspace, and their end."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from slack_sdk.oauth.installation_store import Bot
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from workers.database.sessions import Database
from workers.errors import ServerUnavailable
from workers.settings import Role, Settings
from workers.slack.encryption import seal

if TYPE_CHECKING:  # it reads tokens
    pass

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Installed:
    """One row. `team_id` is empty if a whole Grid organisation installed Ken."""

    enterprise_id: str
    team_id: str
    app_id: str
    bot_user_id: str
    bot_id: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    installed_by: str
    installed_at: datetime
    wiped_at: datetime | None
    sealed: bytes | None = field(repr=False)
    """The bot's token, encrypted."""
    sealed_refresh: bytes | None = field(repr=False)

    @property
    def is_org_wide(self) -> bool:
        return not self.team_id

    def lasts(self, rest: timedelta, *, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now + rest


@dataclass(frozen=True, slots=True)
class Tokens:
    """Not encrypted, and only in memory."""

    bot: str = field(repr=False)
    refresh: str | None = field(repr=False)
    expires_at: datetime | None


def installed(database: Database, role: Role) -> list[Installed]:
    """Return every installation, the wiped ones too."""
    with database.session(role) as session:
        return [Installed(**row) for row in session.execute(_READ_INSTALLATIONS).mappings()]


def find(
    session: Session, settings: Settings, *, team_id: str, enterprise_id: str | None
) -> Installed | None:
    found = [
        Installed(**row)
        for row in session.execute(_INSTALLATIONS_FOR_TEAM, {"team": team_id}).mappings()
    ]
    return chosen(
        [one for one in found if may_install(settings, **named(one))],
        team_id=team_id,
        enterprise_id=enterprise_id,
    )


def chosen(rows: list[Installed], *, team_id: str, enterprise_id: str | None) -> Installed | None:
    """Return the installation to use in a workspace: its own, else its organisation's.

    If the organisation is not known, it is the one of the workspace's former installation, or the
    only one that installed Ken.
    """
    known = None if enterprise_id is None else {enterprise_id, ""}
    own = [row for row in rows if row.team_id == team_id]
    own = [row for row in own if known is None or row.enterprise_id in known]
    live = [row for row in own if row.sealed is not None]
    if live:
        return max(live, key=lambda row: row.installed_at)
    wide = [row for row in rows if row.is_org_wide and row.sealed is not None]
    if known is None and own:
        known = {row.enterprise_id for row in own}
    if known is not None:
        wide = [row for row in wide if row.enterprise_id in known]
    return wide[0] if len(wide) == 1 else None


def may_install(settings: Settings, *, enterprise_id: str, team_id: str) -> bool:
    """Whether it is the company's: one deployment serves only its own workspaces and
    organisations.
    """
    return bool({enterprise_id, team_id} - {""} & set(settings.slack_workspaces))


# -- keeping and wiping ---------------------------------------------------------------------------


def keep(database: Database, bot: Bot, *, installed_by: str) -> None:
    """Store an installation over an older one: Ken was installed again. Raises
    ServerUnavailable.
    """
    ends = bot.bot_token_expires_at
    expires_at = None if ends is None else datetime.fromtimestamp(ends, UTC)
    place = {
        "enterprise": bot.enterprise_id or "",
        "team": "" if bot.is_enterprise_install else bot.team_id or "",
    }
    row = {
        **place,
        **sealed(database.settings, Tokens(bot.bot_token, bot.bot_refresh_token, expires_at)),
        "app_id": bot.app_id or "",
        "bot_user_id": bot.bot_user_id or "",
        "bot_id": bot.bot_id or "",
        "scopes": list(bot.bot_scopes),
        "installed_by": installed_by,
    }
    try:
        with database.session("ingress") as session:
            session.execute(_STORE_INSTALLATION, row)
    except SQLAlchemyError as error:
        log.error("installation_not_kept", error=type(error).__name__)
        raise ServerUnavailable("PostgreSQL did not store the installation.") from None
    log.info("installation_kept", enterprise_id=place["enterprise"], team_id=place["team"])


def forget(
    database: Database,
    role: Role,
    *,
    team_id: str,
    enterprise_id: str | None = None,
    before: datetime | None = None,
) -> int:
    """Wipe the tokens of one workspace, or of one organisation with an empty `team_id`; return how
    many rows. `enterprise_id` None stands for whatever organisation the workspace is in.
    """
    if not team_id and not enterprise_id:
        return 0
    with database.session(role) as session:
        given = {"team": team_id, "enterprise": enterprise_id, "before": before}
        return len(session.execute(_WIPE_INSTALLATION, given).all())


def sealed(settings: Settings, tokens: Tokens) -> dict[str, Any]:
    return {
        "sealed": seal(settings, tokens.bot),
        "sealed_refresh": seal(settings, tokens.refresh) if tokens.refresh else None,
        "expires_at": tokens.expires_at,
    }


def named(found: Installed) -> dict[str, str]:
    return {"enterprise_id": found.enterprise_id, "team_id": found.team_id}


COLUMNS = """enterprise_id, team_id, app_id, bot_user_id, bot_id, scopes, expires_at,
    installed_by, installed_at, wiped_at, bot_token AS sealed, refresh_token AS sealed_refresh"""
# Returns all installations, the wiped ones, too.
_READ_INSTALLATIONS = text(f"SELECT {COLUMNS} FROM installation ORDER BY enterprise_id, team_id")  # noqa: S608
# Returns a workspace's own installation, and those of whole organisations.
_INSTALLATIONS_FOR_TEAM = text(f"SELECT {COLUMNS} FROM installation WHERE team_id IN (:team, '')")  # noqa: S608
# Stores an installation, replacing an older one of the same workspace.
_STORE_INSTALLATION = text("""
    INSERT INTO installation
        (enterprise_id, team_id, app_id, bot_user_id, bot_id, scopes, bot_token, refresh_token,
         expires_at, installed_by)
    VALUES
        (:enterprise, :team, :app_id, :bot_user_id, :bot_id, :scopes, :sealed, :sealed_refresh,
         :expires_at, :installed_by)
    ON CONFLICT (enterprise_id, team_id) DO UPDATE SET
        app_id = excluded.app_id, bot_user_id = excluded.bot_user_id, bot_id = excluded.bot_id,
        scopes = excluded.scopes, bot_token = excluded.bot_token,
        refresh_token = excluded.refresh_token, expires_at = excluded.expires_at,
        installed_by = excluded.installed_by, installed_at = now(), wiped_at = NULL
""")
# Deletes the tokens of a workspace; returns a row for each installation that had some.
_WIPE_INSTALLATION = text("""
    UPDATE installation
       SET bot_token = NULL, refresh_token = NULL, expires_at = NULL, wiped_at = now()
     WHERE team_id = :team AND wiped_at IS NULL
       AND (CAST(:enterprise AS text) IS NULL OR enterprise_id = :enterprise)
       AND (CAST(:before AS timestamptz) IS NULL OR installed_at <= :before)
    RETURNING 1
""")
