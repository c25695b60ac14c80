"""conversations.* and users.conversations: channels, their members and their messages."""

import re
from typing import Any

from bot.playground.events.kinds import member_joined
from bot.playground.events.shapes import channel_object, message_object
from bot.playground.web_api import Refused, Slack, check_ts, method, page, paged
from bot.playground.workspace import BOT_USER, Channel, Json, Message

_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
_OPEN = ("channels:manage", "groups:write", "im:write", "mpim:write")

_TYPES = frozenset({"public_channel", "private_channel", "mpim", "im"})


@method(
    "conversations.info",
    scopes=_READ,
    channel="str!",
    include_locale="bool",
    include_num_members="bool",
)
def info(slack: Slack, arguments: Json) -> Json:
    channel = slack.readable(arguments["channel"])
    shape = channel_object(slack.workspace, channel)
    if arguments.get("include_locale"):
        shape["locale"] = "en-US"
    if arguments.get("include_num_members"):
        shape["num_members"] = len(channel.members)
    return {"channel": shape}


@method(
    "conversations.list",
    scopes=_READ,
    cursor="str",
    limit="int",
    types="str",
    exclude_archived="bool",
    team_id="str",
)
def list_all(slack: Slack, arguments: Json) -> Json:
    """List public channels, and other conversations with Ken in them."""
    channels = [
        channel
        for channel in slack.workspace.channels.values()
        if channel.is_public or BOT_USER in channel.members
    ]
    return _channels(slack, channels, arguments)


@method(
    "users.conversations",
    scopes=_READ,
    user="str",
    cursor="str",
    limit="int",
    types="str",
    exclude_archived="bool",
    exclude_muted="bool",
    team_id="str",
)
def of_user(slack: Slack, arguments: Json) -> Json:
    """List a person's channels; a private one only if Ken is in it too."""
    user_id = arguments.get("user", BOT_USER)
    if user_id not in slack.workspace.users:
        raise Refused("invalid_arguments", "[ERROR] no such user [json-pointer:/user]")
    channels = [
        channel
        for channel in slack.workspace.channels.values()
        if user_id in channel.members and (channel.is_public or BOT_USER in channel.members)
    ]
    return _channels(slack, channels, arguments)


@method("conversations.members", scopes=_READ, channel="str!", cursor="str", limit="int")
def members(slack: Slack, arguments: Json) -> Json:
    channel = slack.readable(arguments["channel"])
    found, following = page(sorted(channel.members), str, arguments)
    return paged({"members": found}, following)


@method(
    "conversations.history",
    scopes=_HISTORY,
    channel="str!",
    cursor="str",
    limit="int",
    oldest="str",
    latest="str",
    inclusive="bool",
    include_all_metadata="bool",
)
def history(slack: Slack, arguments: Json) -> Json:
    """List messages, newest first; of replies, only those that were broadcast."""
    channel = slack.joined(arguments["channel"])
    found = [
        message
        for message in slack.workspace.in_channel(channel.id)
        if not message.thread_ts or message.subtype == "thread_broadcast"
    ]
    found = [message for message in reversed(found) if _within(message, arguments)]
    answer = _messages(slack, found, arguments, default=100, most=999)
    return {**answer, "pin_count": 0}


@method(
    "conversations.replies",
    scopes=_HISTORY,
    channel="str!",
    ts="str!",
    cursor="str",
    limit="int",
    oldest="str",
    latest="str",
    inclusive="bool",
    include_all_metadata="bool",
)
def replies(slack: Slack, arguments: Json) -> Json:
    """List a thread, oldest first. The root comes first, even if `oldest` excludes it."""
    channel = slack.joined(arguments["channel"], otherwise="channel_not_found")
    check_ts(arguments["ts"], otherwise="thread_not_found")
    message = slack.message(channel, arguments["ts"], otherwise="thread_not_found")
    root = message
    if message.thread_ts:
        root = slack.message(channel, message.thread_ts, otherwise="thread_not_found")
    found = [reply for reply in slack.workspace.replies(root) if _within(reply, arguments)]
    return _messages(slack, [root, *found], arguments, default=1000, most=1000)


@method(
    "conversations.open",
    scopes=_OPEN,
    channel="str",
    users="str",
    return_im="bool",
    prevent_creation="bool",
)
def open_direct(slack: Slack, arguments: Json) -> Json:
    if "channel" in arguments:
        channel = slack.joined(arguments["channel"], otherwise="channel_not_found")
        if not (channel.is_im or channel.is_mpim):
            raise Refused("method_not_supported_for_channel_type")
    else:
        channel = _open_with(
            slack, [name for name in arguments.get("users", "").split(",") if name]
        )
    if not arguments.get("return_im"):
        return {"channel": {"id": channel.id}}
    return {"channel": channel_object(slack.workspace, channel)}


@method("conversations.join", scopes=("channels:join",), channel="str!")
def join(slack: Slack, arguments: Json) -> Json:
    channel = slack.readable(arguments["channel"])
    if not channel.is_public:
        raise Refused("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise Refused("is_archived")
    if BOT_USER in channel.members:
        shape = channel_object(slack.workspace, channel)
        return {"channel": shape, "warning": "already_in_channel"}
    channel.members.append(BOT_USER)
    slack.outgoing_events.append(member_joined(slack.workspace, channel, BOT_USER))
    return {"channel": channel_object(slack.workspace, channel)}


def _channels(slack: Slack, channels: list[Channel], arguments: Json) -> Json:
    wanted = set(re.split(r",\s*", arguments.get("types", "public_channel")))
    if not wanted <= _TYPES:
        raise Refused("invalid_types")
    kept = [
        channel
        for channel in sorted(channels, key=lambda channel: channel.id)
        if channel.kind in wanted
        and not (channel.is_archived and arguments.get("exclude_archived"))
    ]
    found, following = page(kept, lambda channel: str(channel.id), arguments, most=999)
    shapes = [channel_object(slack.workspace, channel) for channel in found]
    return paged({"channels": shapes}, following)


def _messages(
    slack: Slack, found: list[Message], arguments: Json, *, default: int, most: int
) -> Json:
    shown, following = page(
        found, _ts, arguments, default=default, most=most, bad_limit="invalid_arguments"
    )
    with_metadata = arguments.get("include_all_metadata", False)
    shapes = [
        message_object(slack.workspace, message, with_metadata=with_metadata) for message in shown
    ]
    answer: Json = {"messages": shapes, "has_more": bool(following)}
    return paged(answer, following) if following else answer


def _ts(message: Any) -> str:
    return str(message.ts)


def _within(message: Message, arguments: Json) -> bool:
    """Return whether the message is in the range; `inclusive` includes its two ends."""
    at = float(message.ts)
    oldest = _time(arguments, "oldest", 0.0)
    latest = _time(arguments, "latest", float("inf"))
    if arguments.get("inclusive"):
        return oldest <= at <= latest
    return oldest < at < latest


def _time(arguments: Json, name: str, default: float) -> float:
    if name not in arguments:
        return default
    try:
        return float(arguments[name])
    except ValueError:
        raise Refused(f"invalid_ts_{name}") from None


def _open_with(slack: Slack, user_ids: list[str]) -> Channel:
    if not user_ids:
        raise Refused("users_list_not_supplied")
    if len(user_ids) > 8:
        raise Refused("too_many_users")
    for user_id in user_ids:
        user = slack.user(user_id)
        if user.deleted:
            raise Refused("user_disabled")
        if user.is_bot:
            raise Refused("user_not_visible")
    if len(user_ids) == 1:
        return slack.workspace.open_im(user_ids[0])
    return slack.workspace.open_mpim(user_ids)
