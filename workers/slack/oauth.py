"""What Bolt's OAuth stores, in PostgreSQL: installations, and the states of those in progress."""

import logging
import secrets
from datetime import UTC, datetime
from typing import Any

import structlog
from slack_sdk.oauth import InstallationStore, OAuthStateStore
from slack_sdk.oauth.installation_store import Bot, Installation
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from workers.database.sessions import Database
from workers.errors import ServerUnavailable, SlackRefused
from workers.slack import installations
from workers.slack.bot_tokens import token_of

log = structlog.get_logger()

STATE_S = 600
"""How long somebody may take to install Ken."""


class Installations(InstallationStore):
    """For bots only: Ken asks for no person's token and stores none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def logger(self) -> logging.Logger:
        return logging.getLogger("ken.slack.install")

    def save(self, installation: Installation) -> None:
        """Raises ServerUnavailable."""
        self.save_bot(installation.to_bot(), installed_by=installation.user_id or "")

    def save_bot(self, bot: Bot, installed_by: str = "") -> None:
        installations.keep(self._database, bot, installed_by=installed_by)

    def find_bot(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        is_enterprise_install: bool | None = False,
    ) -> Bot | None:
        """Return a token that lasts: it is refreshed here, so Bolt has none to refresh."""
        try:
            token = token_of(
                self._database,
                "ingress",
                team_id="" if is_enterprise_install else team_id or "",
                enterprise_id=enterprise_id or "",
            )
        except SlackRefused:
            return None
        return Bot(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_token=token.secret,
            bot_id="",
            bot_user_id="",
            is_enterprise_install=token.org_wide,
            installed_at=datetime.now(UTC),
        )

    def delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        """Wipe the tokens; that Ken was installed stays on record."""
        installations.forget(
            self._database, "ingress", enterprise_id=enterprise_id, team_id=team_id or ""
        )

    def delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """Does nothing: no person's token is stored."""


class States(OAuthStateStore):
    """Each state works once, for ten minutes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def logger(self) -> logging.Logger:
        return logging.getLogger("ken.slack.install")

    def issue(self, *_args: Any, **_kwargs: Any) -> str:
        """Raises ServerUnavailable."""
        state = secrets.token_urlsafe(32)
        self._run(_ISSUE_STATE, {"state": state, "seconds": STATE_S})
        return state

    def consume(self, state: str) -> bool:
        """Raises ServerUnavailable."""
        return bool(self._run(_CONSUME_STATE, {"state": state.replace("\0", "")}))

    def _run(self, statement: Any, given: dict[str, Any]) -> list[Any]:
        try:
            with self._database.session("ingress") as session:
                return list(session.execute(statement, given).all())
        except SQLAlchemyError as error:
            log.error("install_state_not_kept", error=type(error).__name__)
            raise ServerUnavailable("PostgreSQL does not answer.") from None


# Stores a state for one installation, and deletes those that have expired.
_ISSUE_STATE = text("""
    WITH old AS (DELETE FROM oauth_state WHERE expires_at < now())
    INSERT INTO oauth_state (state, expires_at)
    VALUES (:state, now() + make_interval(secs => :seconds))
    RETURNING 1
""")
# Deletes a state; returns a row if it was valid.
_CONSUME_STATE = text("""
    DELETE FROM oauth_state WHERE state = :state AND expires_at > now() RETURNING 1
""")
