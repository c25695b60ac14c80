"""Opens the tokens of installations and refreshes them, one process at a time."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPException

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from workers.database.sessions import Database
from workers.errors import SlackBusy, SlackRefused, SlackUnavailable
from workers.settings import Role, Settings
from workers.slack.encryption import unseal
from workers.slack.installations import (
    COLUMNS,
    Installed,
    Tokens,
    find,
    installed,
    may_install,
    named,
    sealed,
)

log = structlog.get_logger()

REFRESH_BEFORE = timedelta(hours=2)
"""The sweeper refreshes a token this long before it expires; tokens last 12 hours."""
MINIMUM_LIFETIME = timedelta(minutes=5)
"""A caller that needs a token refreshes it if it has less time left than this and the sweeper has
not refreshed it."""
_TIMEOUT_S = 5
_DEAD = frozenset({"invalid_refresh_token", "token_revoked", "token_expired"})
"""Answers after which a refresh token is useless."""


@dataclass(frozen=True, slots=True)
class BotToken:
    secret: str = field(repr=False)
    org_wide: bool
    """Whether it is for all workspaces of a Grid organisation, so that each call has to
    name one."""


def token_of(
    database: Database,
    role: Role,
    *,
    team_id: str,
    enterprise_id: str | None = None,
    minimum_lifetime: timedelta = REFRESH_BEFORE,
) -> BotToken:
    """Return the bot's token in a workspace; refresh it if it expires within `minimum_lifetime`.

    `enterprise_id`: the Grid organisation, "" for none, None if it is not known. Raises
    SlackRefused if Ken is not installed or the token is useless, and SlackUnavailable if it has
    expired and Slack does not give another.
    """
    now = datetime.now(UTC)
    with database.session(role) as session:
        found = find(session, database.settings, team_id=team_id, enterprise_id=enterprise_id)
    if found is None:
        raise SlackRefused("not_installed")
    if found.lasts(minimum_lifetime, now=now) or (
        found.sealed_refresh is None and _lives(found, now)
    ):
        return _opened(database.settings, found)
    try:
        return _refresh(database, role, found, minimum_lifetime=minimum_lifetime)
    except SlackUnavailable:
        with database.session(role) as session:
            found = find(session, database.settings, team_id=team_id, enterprise_id=enterprise_id)
        if found is not None and _lives(found, now):
            return _opened(database.settings, found)
        raise


def refresh_due(database: Database, role: Role) -> int:
    """Refresh every token that expires soon; return how many. For the sweeper: failures do not stop
    it.
    """
    now, refreshed = datetime.now(UTC), 0
    for found in installed(database, role):
        if found.sealed_refresh is None or found.lasts(REFRESH_BEFORE, now=now):
            continue
        if not may_install(database.settings, **named(found)):
            continue
        try:
            _refresh(database, role, found, minimum_lifetime=REFRESH_BEFORE)
            refreshed += 1
        except (SlackUnavailable, SQLAlchemyError) as error:
            log.warning("token_not_refreshed", **named(found), error=type(error).__name__)
    return refreshed


def _lives(found: Installed, now: datetime) -> bool:
    return found.lasts(timedelta(0), now=now)


def _refresh(
    database: Database, role: Role, found: Installed, *, minimum_lifetime: timedelta
) -> BotToken:
    """Refresh a token. A refresh token works once: one process asks Slack, the others read the
    result.

    While the old token is valid, nobody waits for that process. Raises SlackUnavailable,
    SlackRefused.
    """
    settings, now = database.settings, datetime.now(UTC)
    key = {"enterprise": found.enterprise_id, "team": found.team_id}
    with database.session(role) as session:
        if _lives(found, now):
            if not session.execute(_TRY_LOCK, key).scalar_one():
                return _opened(settings, found)
        else:
            session.execute(_LOCK, key)
        row = session.execute(_READ_INSTALLATION, key).mappings().one()
        current = Installed(**row)
        if current.sealed is None:
            raise SlackRefused("not_installed")
        if current.lasts(minimum_lifetime, now=now):
            return _opened(settings, current)
        if current.sealed_refresh is None:
            raise SlackRefused("token_expired")
        try:
            fresh = _asked_of_slack(settings, unseal(settings, current.sealed_refresh))
        except SlackRefused as error:
            refused = error
            if str(error) in _DEAD:
                session.execute(_DROP_REFRESH_TOKEN, {**key, "used": current.sealed_refresh})
        else:
            changed = session.execute(
                _STORE_REFRESHED,
                {**key, **sealed(settings, fresh), "used": current.sealed_refresh},
            )
            if changed.scalar_one_or_none() is None:  # wiped, or installed again meanwhile
                raise SlackUnavailable("installation_changed")
            log.info("token_refreshed", **named(current))
            return BotToken(fresh.bot, org_wide=current.is_org_wide)
    log.error("token_not_refreshed", **named(found), error=str(refused))
    raise refused


def _asked_of_slack(settings: Settings, refresh_token: str) -> Tokens:
    """https://docs.slack.dev/authentication/using-token-rotation/"""
    client = WebClient(
        base_url=settings.slack_api_url,
        timeout=_TIMEOUT_S,
        retry_handlers=[],
        logger=_quiet_logger(),
    )
    try:
        given = client.oauth_v2_access(
            client_id=settings.slack_client_id,
            client_secret=settings.slack_client_secret.get_secret_value(),
            grant_type="refresh_token",
            refresh_token=refresh_token,
        )
        return Tokens(
            bot=str(given["access_token"]),
            refresh=str(given["refresh_token"]),
            expires_at=datetime.now(UTC) + timedelta(seconds=int(given["expires_in"])),
        )
    except SlackApiError as error:
        if error.response.status_code == 429:
            raise SlackBusy("ratelimited", retry_after_s=30.0) from None
        code = error.response.get("error")
        if error.response.status_code == 200 and code:
            raise SlackRefused(str(code)) from None
        raise SlackUnavailable("unreadable") from None
    except (SlackClientError, HTTPException, OSError, KeyError, TypeError, ValueError) as error:
        raise SlackUnavailable(type(error).__name__) from None


def _quiet_logger() -> logging.Logger:
    """At lower levels the SDK logs whole requests and answers, and these are tokens."""
    logger = logging.getLogger("ken.slack.tokens")
    logger.setLevel(logging.CRITICAL)
    return logger


def _opened(settings: Settings, found: Installed) -> BotToken:
    return BotToken(unseal(settings, found.sealed), org_wide=found.is_org_wide)


# Returns one installation.
_READ_INSTALLATION = text(f"""
    SELECT {COLUMNS} FROM installation WHERE enterprise_id = :enterprise AND team_id = :team
""")  # noqa: S608
_KEY = "hashtext('ken installation'), hashtext(:enterprise || '/' || :team)"
_LOCK = text(f"SELECT pg_advisory_xact_lock({_KEY})")
_TRY_LOCK = text(f"SELECT pg_try_advisory_xact_lock({_KEY})")
# Stores new tokens unless another process has stored some; returns a row if it did.
_STORE_REFRESHED = text("""
    UPDATE installation
       SET bot_token = :sealed, refresh_token = :sealed_refresh, expires_at = :expires_at
     WHERE enterprise_id = :enterprise AND team_id = :team AND refresh_token = :used
    RETURNING 1
""")
# Deletes a refresh token that Slack no longer accepts.
_DROP_REFRESH_TOKEN = text("""
    UPDATE installation SET refresh_token = NULL
     WHERE enterprise_id = :enterprise AND team_id = :team AND refresh_token = :used
""")
