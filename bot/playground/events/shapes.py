"""Users, channels and messages as Slack's JSON.

https://docs.slack.dev/reference/objects/
"""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.playground.workspace import (
    APP_ID,
    BOT_ID,
    BOT_USER,
    Channel,
    Json,
    Message,
    User,
    Usergroup,
    Workspace,
)

_CREATED = 1_700_000_000


def user_object(user: User, *, include_locale: bool = False) -> Json:
    shape: Json = {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "deleted": user.deleted,
        "real_name": user.real_name or user.name,
        "profile": _profile(user),
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": _CREATED,
    }
    if user.is_stranger:
        shape["is_stranger"] = True
    if not user.deleted:
        shape |= _standing(user) | _timezone(user)
        shape["is_email_confirmed"] = user.is_email_confirmed
    if include_locale:
        shape["locale"] = user.locale
    return shape


def channel_object(workspace: Workspace, channel: Channel) -> Json:
    if channel.is_im:
        return _im_object(workspace, channel)
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.is_mpim and not channel.id.startswith("G"),
        "is_group": channel.id.startswith("G") and not channel.is_mpim,
        "is_im": False,
        "is_mpim": channel.is_mpim,
        "is_private": not channel.is_public,
        "is_archived": channel.is_archived,
        "is_general": False,
        "is_shared": channel.is_shared or channel.is_ext_shared or channel.is_org_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_org_shared": channel.is_org_shared,
        "is_pending_ext_shared": channel.is_pending_ext_shared,
        "is_member": BOT_USER in channel.members,
        "created": _CREATED,
        "creator": next((m for m in channel.members if m != BOT_USER), BOT_USER),
        "unlinked": 0,
        "context_team_id": workspace.team.id,
        "shared_team_ids": _teams(workspace, channel),
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": [],
    }


def message_object(workspace: Workspace, message: Message, *, with_metadata: bool = False) -> Json:
    """Return a message as conversations.replies does; a root has a summary of its replies."""
    shape: Json = {
        "type": "message",
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "team": workspace.users[message.user].team_id if message.user in workspace.users else "",
    }
    if message.subtype:
        shape["subtype"] = message.subtype
    for name in ("blocks", "attachments", "files"):
        if getattr(message, name):
            shape[name] = getattr(message, name)
    if message.bot_id:
        shape |= {"bot_id": message.bot_id, "bot_profile": bot_profile(workspace)}
        shape["app_id"] = APP_ID
    if message.edited_ts:
        shape["edited"] = {"user": message.user, "ts": message.edited_ts}
    if message.metadata and with_metadata:
        shape["metadata"] = message.metadata
    if message.reactions:
        shape["reactions"] = [
            {"name": name, "users": users, "count": len(users)}
            for name, users in message.reactions.items()
        ]
    return shape | _place_in_thread(workspace, message)


def usergroup_object(workspace: Workspace, group: Usergroup, *, include_users: bool) -> Json:
    shape: Json = {
        "id": group.id,
        "team_id": workspace.team.id,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group.name,
        "handle": group.name,
        "description": "",
        "is_external": False,
        "date_create": _CREATED,
        "date_update": _CREATED,
        "date_delete": _CREATED if group.deleted else 0,
        "auto_type": None,
        "created_by": BOT_USER,
        "updated_by": BOT_USER,
        "deleted_by": BOT_USER if group.deleted else None,
        "prefs": {"channels": [], "groups": []},
        "user_count": len(group.users),
    }
    return shape | ({"users": group.users} if include_users else {})


def bot_profile(workspace: Workspace) -> Json:
    """Return what Slack says about the bot in each of its messages."""
    return {
        "id": BOT_ID,
        "app_id": APP_ID,
        "name": "Ken",
        "icons": {},
        "deleted": False,
        "updated": _CREATED,
        "team_id": workspace.team.id,
    }


def written_as_blocks(text: str) -> list[Json]:
    """Return the rich text block that Slack adds to text that a person typed."""
    elements: list[Json] = []
    for part in re.split(r"(<@[A-Z0-9]+>)", text):
        if re.fullmatch(r"<@[A-Z0-9]+>", part):
            elements.append({"type": "user", "user_id": part[2:-1]})
        elif part:
            elements.append({"type": "text", "text": part})
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": "typed", "elements": [section]}]


def permalink(workspace: Workspace, message: Message) -> str:
    page = f"https://{workspace.team.domain}.slack.com/archives/{message.channel}"
    link = f"{page}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={message.channel}"
    return link


def _profile(user: User) -> Json:
    profile: Json = {
        "real_name": user.real_name or user.name,
        "real_name_normalized": user.real_name or user.name,
        "display_name": user.name,
        "display_name_normalized": user.name,
        "title": user.title,
        "status_text": "",
        "status_emoji": "",
        "avatar_hash": "g000000000000",
        "team": user.team_id,
    }
    if user.email and not user.is_stranger:
        profile["email"] = user.email
    if user.id == BOT_USER:
        profile |= {"bot_id": BOT_ID, "api_app_id": APP_ID}
    return profile


def _standing(user: User) -> Json:
    return {
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": user.is_restricted or user.is_ultra_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
    }


def _timezone(user: User) -> Json:
    try:
        offset = datetime.now(UTC).astimezone(ZoneInfo(user.tz)).utcoffset()
    except (ZoneInfoNotFoundError, ValueError):
        offset = None
    seconds = int(offset.total_seconds()) if offset else 0
    return {"tz": user.tz, "tz_label": user.tz, "tz_offset": seconds}


def _im_object(workspace: Workspace, channel: Channel) -> Json:
    other = next(member for member in channel.members if member != BOT_USER)
    return {
        "id": channel.id,
        "created": _CREATED,
        "is_im": True,
        "is_org_shared": False,
        "is_archived": channel.is_archived,
        "user": other,
        "is_user_deleted": workspace.users[other].deleted,
        "is_open": True,
        "priority": 0,
    }


def _teams(workspace: Workspace, channel: Channel) -> list[str]:
    teams = {workspace.users[member].team_id for member in channel.members}
    return sorted(teams | {workspace.team.id})


def _place_in_thread(workspace: Workspace, message: Message) -> Json:
    if message.thread_ts:
        root = workspace.find(message.channel, message.thread_ts)
        return {"thread_ts": message.thread_ts, "parent_user_id": root.user if root else ""}
    replies = workspace.replies(message)
    if not replies:
        return {}
    users = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users_count": len(users),
        "reply_users": users,
        "latest_reply": replies[-1].ts,
        "is_locked": False,
        "subscribed": False,
    }
