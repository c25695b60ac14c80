"""Installations by OAuth, and their tokens."""

import time
from typing import Any

from pydantic import SecretStr
from slack_sdk.oauth.installation_store import Installation
from sqlalchemy import text

from tests.servers import opened
from workers.database.sessions import Database, connect
from workers.services import Services
from workers.slack.bot_tokens import token_of
from workers.slack.oauth import Installations

CANARY = "canary-"


def with_key(database: Database, key: str) -> Database:
    settings = database.settings.model_copy(update={"token_key": SecretStr(key)})
    return opened(settings)


def install(
    database: Database,
    *,
    team: str | None = "T1",
    enterprise: str | None = None,
    token: str = "canary-token-0",
    lasts_s: int | None = 43_200,
) -> None:
    Installations(database).save(
        Installation(
            app_id="A1",
            enterprise_id=enterprise,
            team_id=team,
            is_enterprise_install=team is None,
            bot_token=token,
            bot_id="BKEN",
            bot_user_id="UKEN",
            bot_scopes="chat:write,im:write",
            bot_refresh_token=None if lasts_s is None else "canary-refresh-0",
            bot_token_expires_at=None if lasts_s is None else int(time.time()) + lasts_s,
            user_id="UALICE",
            user_token="canary-of-a-person",
        )
    )


def held(database: Database, team_id: str = "T1", **more: Any) -> str:
    return token_of(database, "answerer", team_id=team_id, **more).secret


def everything(database: Database) -> str:
    """Every column of both tables, as the owner sees them."""
    owner = connect(database.settings, "owner")
    with owner.begin() as connection:
        rows = [
            row
            for table in ("installation", "oauth_state")
            for row in connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608
        ]
    owner.dispose()
    return "\n".join(
        bytes(cell).decode("latin-1") if isinstance(cell, bytes | memoryview) else str(cell)
        for row in rows
        for cell in row
    )


def expire(database: Database, *, rest_s: int = -1) -> None:
    with database.session("answerer") as session:
        session.execute(
            text("UPDATE installation SET expires_at = now() + make_interval(secs => :rest)"),
            {"rest": rest_s},
        )


def services_of(database: Database) -> Services:
    return Services(database.settings, database, embedder=None, answerer=None)  # type: ignore[arg-type]
