"""What Slack tells apps about: the inner `event` of each, and who hears of it.

https://docs.slack.dev/reference/events/
"""

from dataclasses import dataclass
from uuid import uuid4

from bot.playground.shapes import bot_profile, message_object, written_as_blocks
from bot.playground.workspace import BOT_USER, Channel, Json, Message, Workspace

_CHANNEL_TYPES = {
    "im": "im",
    "mpim": "mpim",
    "private_channel": "group",
    "public_channel": "channel",
}


@dataclass(frozen=True, slots=True)
class Happening:
    channel: Channel
    event: Json

    @property
    def reaches_ken(self) -> bool:
        return BOT_USER in self.channel.members


def message_posted(workspace: Workspace, message: Message) -> Happening:
    """Of a person or of an app: Slack tells an app about its own messages too."""
    channel = workspace.channels[message.channel]
    event: Json = {
        "type": "message",
        "channel": channel.id,
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "event_ts": message.ts,
        "channel_type": _CHANNEL_TYPES[channel.kind],
        "blocks": message.blocks or written_as_blocks(message.text),
    }
    if message.thread_ts:
        event["thread_ts"] = message.thread_ts
    root = workspace.find(channel.id, message.thread_ts) if message.thread_ts else None
    if root and message.subtype in ("", "file_share"):
        event["parent_user_id"] = root.user
    if message.subtype == "bot_message":
        del event["user"]
    return Happening(channel, event | _by_subtype(workspace, message))


def mention(workspace: Workspace, message: Message) -> Happening:
    """The same message again, as `app_mention`: another event_id, the same ts."""
    channel = workspace.channels[message.channel]
    event: Json = {
        "type": "app_mention",
        "channel": channel.id,
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "event_ts": message.ts,
        "client_msg_id": str(uuid4()),
        "team": workspace.users[message.user].team_id,
        "blocks": message.blocks or written_as_blocks(message.text),
    }
    if message.thread_ts:
        event["thread_ts"] = message.thread_ts
    if message.subtype:
        event["subtype"] = message.subtype
    if workspace.is_foreign(message.user):
        team_id = workspace.users[message.user].team_id
        event |= {"user_team": team_id, "source_team": team_id}
    return Happening(channel, event)


def message_changed(workspace: Workspace, message: Message, before: Json) -> Happening:
    channel = workspace.channels[message.channel]
    event = _about_a_message(channel, "message_changed", message.edited_ts) | {
        "message": _plain(message_object(workspace, message)),
        "previous_message": _plain(before),
    }
    return Happening(channel, event)


def message_deleted(workspace: Workspace, message: Message) -> Happening:
    """Call it before the message goes."""
    channel = workspace.channels[message.channel]
    event = _about_a_message(channel, "message_deleted", workspace.next_ts()) | {
        "deleted_ts": message.ts,
        "previous_message": _plain(message_object(workspace, message)),
    }
    return Happening(channel, event)


def member_came(workspace: Workspace, channel: Channel, user_id: str) -> Happening:
    return _membership(workspace, channel, user_id, "member_joined_channel")


def member_left(workspace: Workspace, channel: Channel, user_id: str) -> Happening:
    return _membership(workspace, channel, user_id, "member_left_channel")


def _membership(workspace: Workspace, channel: Channel, user_id: str, kind: str) -> Happening:
    event: Json = {
        "type": kind,
        "user": user_id,
        "channel": channel.id,
        "channel_type": "C" if channel.id.startswith("C") else "G",
        "team": workspace.team.id,
        "event_ts": workspace.next_ts(),
    }
    return Happening(channel, event)


def _about_a_message(channel: Channel, subtype: str, ts: str) -> Json:
    return {
        "type": "message",
        "subtype": subtype,
        "hidden": True,
        "channel": channel.id,
        "channel_type": _CHANNEL_TYPES[channel.kind],
        "ts": ts,
        "event_ts": ts,
    }


def _by_subtype(workspace: Workspace, message: Message) -> Json:
    """Which further fields come with which kind of message."""
    if message.subtype == "bot_message":
        return {"subtype": "bot_message", "bot_id": message.bot_id, "username": message.user}
    if message.subtype == "file_share":
        return {
            "subtype": "file_share",
            "files": message.files,
            "upload": False,
            "display_as_bot": False,
        }
    extra: Json = {"client_msg_id": str(uuid4())}
    if message.subtype == "thread_broadcast":
        root = workspace.find(message.channel, message.thread_ts)
        extra["root"] = _plain(message_object(workspace, root)) if root else {}
    elif message.user in workspace.users:
        extra["team"] = workspace.users[message.user].team_id
    if message.bot_id:
        extra |= {"bot_id": message.bot_id, "bot_profile": _plain(bot_profile(workspace))}
    if message.subtype:
        extra["subtype"] = message.subtype
    return extra


def _plain(shape: Json) -> Json:
    """Without what only the Web API adds."""
    extra = ("app_id", "user_id", "reactions", "reply_users", "is_locked", "files")
    return {name: value for name, value in shape.items() if name not in extra}
