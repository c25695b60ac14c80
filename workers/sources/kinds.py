"""The kinds of connectors: from what is stored of one to the connector itself."""

from functools import partial

from workers.database.sessions import Database
from workers.errors import InputInvalid, SlackRefused
from workers.slack.calling import call
from workers.slack.client import SlackMessenger
from workers.slack.installations import installed
from workers.slack.workspaces import workspaces
from workers.sources.base import Connector, SourceRefused
from workers.sources.slack import channels
from workers.sources.slack.channels import Options, SlackChannels
from workers.sources.store import Stored, secret_of

KINDS = (channels.KIND,)


def connect(database: Database, stored: Stored) -> Connector:
    """Return the connector of what is stored; no call is made yet.

    Raises SourceRefused if its secret cannot be opened, InputInvalid if Slack is not set up.
    """
    try:
        token = secret_of(database, stored)
    except SlackRefused:
        raise SourceRefused(
            f"The secret of source {stored.source!r} cannot be opened.",
            remedy="KEN_TOKEN_KEY does not hold the key that it was sealed with: set it, or give "
            "the secret again with `ken source add`.",
        ) from None
    return slack_channels(database, Options.read(stored.options), token, stored.source)


def slack_channels(
    database: Database, options: Options, token: str = "", source: str = ""
) -> SlackChannels:
    """Return the channels of the workspace of this token, or of Ken's own. Raises InputInvalid."""
    if token:
        messenger = SlackMessenger.connect(database.settings, token=token)
        return SlackChannels(messenger, options, partial(bots_of_ken, database))
    found = workspaces(database.settings, database, "ingress")
    team = source.removeprefix(f"{channels.KIND}:")
    own = found.get(team) or (next(iter(found.values())) if len(found) == 1 else None)
    if not isinstance(own, SlackMessenger):
        raise InputInvalid(
            "Ken is in several workspaces.",
            remedy=f"Name the one to list: --workspace {' or '.join(found)}.",
        )
    return SlackChannels(own, options)


def bots_of_ken(database: Database) -> frozenset[str]:
    """Return the users that Ken posts as in Slack, anywhere. Raises SlackUnavailable."""
    settings = database.settings
    if settings.has_oauth:
        return frozenset(one.bot_user_id for one in installed(database, "ingress"))
    if not settings.has_slack:
        return frozenset()
    own = SlackMessenger.connect(settings).posting
    return frozenset({str(call(own.auth_test)["user_id"])})
