"""Events that Slack sends to apps: the inner `event` of each, and whether Ken gets it.

https://docs.slack.dev/reference/events/
"""

from dataclasses import dataclass
from uuid import uuid4

from bot.playground.events.shapes import bot_profile, message_object, user_object, written_as_blocks
from bot.playground.workspace import BOT_USER, Channel, Json, Message, User, Workspace

_CHANNEL_TYPES = {
    "im": "im",
    "mpim": "mpim",
    "private_channel": "group",
    "public_channel": "channel",
}
_PUBLIC_NEWS = frozenset({"channel_archive", "channel_rename", "channel_unarchive"})


@dataclass(frozen=True, slots=True)
class OutgoingEvent:
    channel: Channel
    event: Json

    @property
    def reaches_ken(self) -> bool:
        """Whether Ken gets it, as a member or because it is public news of a public channel."""
        is_public_news = self.channel.is_public and self.event["type"] in _PUBLIC_NEWS
        return is_public_news or BOT_USER in self.channel.members


def message_posted(workspace: Workspace, message: Message) -> OutgoingEvent:
    """A new message, of a person or an app; an app also gets its own messages."""
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
    return OutgoingEvent(channel, event | _by_subtype(workspace, message))


def mention(workspace: Workspace, message: Message) -> OutgoingEvent:
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
    return OutgoingEvent(channel, event)


def message_changed(workspace: Workspace, message: Message, before: Json) -> OutgoingEvent:
    channel = workspace.channels[message.channel]
    event = _about_a_message(channel, "message_changed", message.edited_ts) | {
        "message": _plain(message_object(workspace, message)),
        "previous_message": _plain(before),
    }
    return OutgoingEvent(channel, event)


def message_deleted(workspace: Workspace, message: Message) -> OutgoingEvent:
    """A deletion; to be called before the message is removed."""
    channel = workspace.channels[message.channel]
    event = _about_a_message(channel, "message_deleted", workspace.next_ts()) | {
        "deleted_ts": message.ts,
        "previous_message": _plain(message_object(workspace, message)),
    }
    return OutgoingEvent(channel, event)


def member_joined(workspace: Workspace, channel: Channel, user_id: str) -> OutgoingEvent:
    return _membership(workspace, channel, user_id, "member_joined_channel")


def member_left(workspace: Workspace, channel: Channel, user_id: str) -> OutgoingEvent:
    return _membership(workspace, channel, user_id, "member_left_channel")


def app_home_opened(
    workspace: Workspace, channel: Channel, user_id: str, tab: str
) -> OutgoingEvent:
    """The view is included if the Home tab is opened and has been published."""
    event: Json = {
        "type": "app_home_opened",
        "user": user_id,
        "channel": channel.id,
        "tab": tab,
        "event_ts": workspace.next_ts(),
    }
    if tab == "home" and user_id in workspace.homes:
        event["view"] = workspace.homes[user_id]
    return OutgoingEvent(channel, event)


def channel_archived(workspace: Workspace, channel: Channel, user_id: str) -> OutgoingEvent:
    """Archived or unarchived, as the channel is now; private channels have their own types."""
    place = "channel" if channel.is_public else "group"
    event: Json = {
        "type": f"{place}_{'archive' if channel.is_archived else 'unarchive'}",
        "channel": channel.id,
        "user": user_id or next(iter(channel.members), BOT_USER),
        "event_ts": workspace.next_ts(),
    }
    if channel.is_archived:
        event["is_moved"] = 0
    return OutgoingEvent(channel, event)


def channel_renamed(workspace: Workspace, channel: Channel) -> OutgoingEvent:
    """Renamed to the channel's present name."""
    renamed = {
        "id": channel.id,
        "is_channel": channel.is_public,
        "is_mpim": channel.is_mpim,
        "name": channel.name,
        "name_normalized": channel.name,
        "created": 1_700_000_000,
    }
    event: Json = {
        "type": f"{'channel' if channel.is_public else 'group'}_rename",
        "channel": renamed,
        "event_ts": workspace.next_ts(),
    }
    return OutgoingEvent(channel, event)


def channel_id_changed(workspace: Workspace, channel: Channel, old_id: str) -> OutgoingEvent:
    """https://docs.slack.dev/reference/events/channel_id_changed"""
    event: Json = {
        "type": "channel_id_changed",
        "old_channel_id": old_id,
        "new_channel_id": channel.id,
        "event_ts": workspace.next_ts(),
    }
    return OutgoingEvent(channel, event)


def bot_removed(workspace: Workspace, channel: Channel) -> Json:
    """Sent to the removed bot, which is no longer a member."""
    return {
        "type": f"{'channel' if channel.is_public else 'group'}_left",
        "channel": channel.id,
        "event_ts": workspace.next_ts(),
    }


def team_access(workspace: Workspace, *, is_granted: bool) -> Json:
    return {
        "type": f"team_access_{'granted' if is_granted else 'revoked'}",
        "team_ids": [workspace.team.id],
        "event_ts": workspace.next_ts(),
    }


def channel_shared(workspace: Workspace, channel: Channel, team_id: str) -> OutgoingEvent:
    event: Json = {
        "type": "channel_shared",
        "connected_team_id": team_id,
        "channel": channel.id,
        "event_ts": workspace.next_ts(),
    }
    return OutgoingEvent(channel, event)


def channel_unshared(workspace: Workspace, channel: Channel, team_id: str) -> OutgoingEvent:
    event: Json = {
        "type": "channel_unshared",
        "previously_connected_team_id": team_id,
        "channel": channel.id,
        "is_ext_shared": channel.is_ext_shared,
        "event_ts": workspace.next_ts(),
    }
    return OutgoingEvent(channel, event)


def session_stopped(
    workspace: Workspace, channel: Channel, user_id: str, thread_ts: str, streams: list[str]
) -> OutgoingEvent:
    """https://docs.slack.dev/reference/events/agent_session_stopped"""
    event: Json = {
        "type": "agent_session_stopped",
        "user": user_id,
        "channel": channel.id,
        "thread_ts": thread_ts,
        "streaming_message_ts": streams,
        "event_ts": workspace.next_ts(),
    }
    return OutgoingEvent(channel, event)


def context_changed(workspace: Workspace, seen: Channel, user_id: str) -> Json:
    """https://docs.slack.dev/reference/events/app_context_changed

    Its page shows the context alone, the Node SDK's types have the rest.
    """
    entity = {
        "type": "slack#/types/channel_id",
        "value": seen.id,
        "team_id": workspace.team.id,
    }
    return {
        "type": "app_context_changed",
        "user": user_id,
        "channel": workspace.open_im(user_id).id,
        "context": {"entities": [entity]},
        "event_ts": workspace.next_ts(),
    }


def user_changed(workspace: Workspace, user: User, kind: str = "user_change") -> Json:
    return {
        "type": kind,
        "user": user_object(user, include_locale=True),
        "cache_ts": int(float(workspace.next_ts())),
    }


def _membership(workspace: Workspace, channel: Channel, user_id: str, kind: str) -> OutgoingEvent:
    event: Json = {
        "type": kind,
        "user": user_id,
        "channel": channel.id,
        "channel_type": "C" if channel.id.startswith("C") else "G",
        "team": workspace.team.id,
        "event_ts": workspace.next_ts(),
    }
    return OutgoingEvent(channel, event)


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
    """Return the extra fields for the message's subtype."""
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
    """Remove the fields that only the Web API adds."""
    extra = ("app_id", "user_id", "reactions", "reply_users", "is_locked", "files")
    return {name: value for name, value in shape.items() if name not in extra}
