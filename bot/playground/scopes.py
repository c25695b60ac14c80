"""Scopes that a call needs.

The kind of conversation decides which of a method's scopes is needed, such as `groups:read` for a
private channel. https://docs.slack.dev/reference/scopes/
"""

from bot.playground.workspace import BOT_USER, Json, Workspace

_FAMILIES = {
    "public_channel": "channels",
    "private_channel": "groups",
    "mpim": "mpim",
    "im": "im",
}


def needed_scopes(
    workspace: Workspace, scopes: tuple[str, ...], arguments: Json
) -> list[tuple[str, ...]]:
    """Return sets of scopes; the token needs one scope of each set."""
    if len(scopes) < 2:
        return [scopes] if scopes else []
    kinds = _kinds(workspace, arguments)
    families = [tuple(s for s in scopes if s.startswith(f"{_FAMILIES[k]}:")) for k in kinds]
    return [family for family in families if family] or [scopes]


def _kinds(workspace: Workspace, arguments: Json) -> list[str]:
    """Return the kinds of the call's conversations, without those that Ken does not see."""
    channel = workspace.channels.get(str(arguments.get("channel")))
    if channel and (channel.is_public or BOT_USER in channel.members):
        return [channel.kind]
    if arguments.get("users"):
        return ["mpim" if "," in str(arguments["users"]) else "im"]
    wanted = str(arguments.get("types") or "").replace(" ", "").split(",")
    return [kind for kind in wanted if kind in _FAMILIES]
