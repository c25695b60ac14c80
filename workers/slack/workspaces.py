"""The Slack workspaces that Ken can post in, from the settings or from its installations."""

from contextlib import suppress
from functools import cache, lru_cache

from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.settings import Role, Settings
from workers.slack.bot_tokens import BotToken, token_of
from workers.slack.installations import installed, may_install, named
from workers.slack.messenger import Conversations, Messenger


@cache
def workspace(settings: Settings) -> Messenger:
    """Return the Slack workspace of these settings; no call is made yet. Raises InputInvalid."""
    if settings.has_oauth:
        raise InputInvalid(
            "This needs the token of one workspace, but Ken is installed by OAuth.",
            remedy="Set KEN_SLACK_BOT_TOKEN instead of KEN_SLACK_CLIENT_ID (docs/install.md).",
        )
    if not settings.has_slack:
        raise InputInvalid(
            "No Slack workspace is connected to this home.",
            remedy="Set KEN_SLACK_BOT_TOKEN, or try `make demo`, which starts a local workspace.",
        )
    from workers.slack.client import SlackMessenger  # noqa: PLC0415 - only a call loads Slack's SDK

    return SlackMessenger.connect(settings)


def workspaces(
    settings: Settings, database: Database, role: Role = "answerer"
) -> dict[str, Messenger]:
    """Return every workspace that Ken can post in, by id (empty for the one of the token). Of an
    organisation, only those that KEN_SLACK_WORKSPACES names. `role` reads the installations.

    Raises InputInvalid if there is none, SlackUnavailable.
    """
    if not settings.has_oauth:
        return {"": workspace(settings)}
    live = [
        one
        for one in installed(database, role)
        if one.sealed is not None and may_install(settings, **named(one))
    ]
    teams = {one.team_id for one in live if not one.is_org_wide}
    if any(one.is_org_wide for one in live):
        teams |= {one for one in settings.slack_workspaces if one.startswith("T")}
    if not teams:
        raise InputInvalid(
            "Ken is not installed in any workspace listed in KEN_SLACK_WORKSPACES.",
            remedy=f"Install it at {settings.public_url}/slack/install. "
            "`ken installations list` shows where it is installed.",
        )
    found = {team: token_of(database, role, team_id=team) for team in sorted(teams)}
    return {team: installed_workspace(settings, team, token) for team, token in found.items()}


def find_channel(settings: Settings, database: Database, name: str) -> tuple[Conversations, str]:
    """Return the workspace that a channel is in, and its id. Raises InputInvalid,
    SlackUnavailable.
    """
    *others, last = workspaces(settings, database).values()
    for messenger in others:
        with suppress(InputInvalid):
            return messenger, messenger.find_channel(name)
    return last, last.find_channel(name)


@lru_cache(maxsize=64)
def installed_workspace(settings: Settings, team_id: str, token: BotToken) -> Messenger:
    """Return the workspace of an installation; it is made again after its token has changed."""
    from workers.slack.client import SlackMessenger  # noqa: PLC0415 - only a call loads Slack's SDK

    return SlackMessenger.connect(
        settings, token=token.secret, team_of_org=team_id if token.org_wide else ""
    )
