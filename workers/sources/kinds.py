"""The kinds of connectors: from what is stored of one to the connector itself."""

from workers.database.sessions import Database
from workers.errors import InputInvalid, SlackRefused
from workers.slack.client import SlackMessenger
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
        return SlackChannels(SlackMessenger.connect(database.settings, token=token), options)
    found = workspaces(database.settings, database)
    team = source.removeprefix(f"{channels.KIND}:")
    messenger = found.get(team) or (next(iter(found.values())) if len(found) == 1 else None)
    if not isinstance(messenger, SlackMessenger):
        raise InputInvalid(
            "Ken is in several workspaces.",
            remedy=f"Name the one to list: --workspace {' or '.join(found)}.",
        )
    return SlackChannels(messenger, options)
