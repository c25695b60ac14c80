"""Payloads of interactions: buttons, modals, shortcuts and commands.

https://docs.slack.dev/reference/interaction-payloads/
"""

from bot.playground.events.shapes import message_object
from bot.playground.workspace import APP_ID, Channel, Json, Message, Workspace

COMMAND = "/ken"


def on_message(
    workspace: Workspace, user_id: str, message: Message, *, trigger_id: str, response_url: str
) -> Json:
    """Build a `block_actions` payload without actions; it omits an ephemeral message."""
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": bool(message.ephemeral_to),
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    payload = _common_fields(workspace, "block_actions", user_id, trigger_id) | {
        "container": container,
        "channel": _channel(workspace.channels[message.channel]),
        "state": {"values": {}},
        "response_url": response_url,
    }
    if not message.ephemeral_to:
        payload["message"] = message_object(workspace, message, with_metadata=True)
    return payload


def on_view(workspace: Workspace, user_id: str, view: Json, *, trigger_id: str) -> Json:
    """Build a `block_actions` payload without actions."""
    return _common_fields(workspace, "block_actions", user_id, trigger_id) | {
        "container": {"type": "view", "view_id": view["id"]},
        "view": view,
    }


def view_submission(workspace: Workspace, user_id: str, view: Json, *, trigger_id: str) -> Json:
    return _common_fields(workspace, "view_submission", user_id, trigger_id) | {"view": view}


def view_closed(workspace: Workspace, user_id: str, view: Json, *, is_cleared: bool) -> Json:
    payload = _common_fields(workspace, "view_closed", user_id, "")
    del payload["trigger_id"]
    return payload | {"view": view, "is_cleared": is_cleared}


def message_action(
    workspace: Workspace,
    user_id: str,
    message: Message,
    *,
    callback_id: str,
    trigger_id: str,
    response_url: str,
) -> Json:
    """Build the payload of a message shortcut."""
    payload = _common_fields(workspace, "message_action", user_id, trigger_id) | {
        "callback_id": callback_id,
        "response_url": response_url,
        "message_ts": message.ts,
        "message": message_object(workspace, message, with_metadata=True),
        "channel": _channel(workspace.channels[message.channel]),
        "action_ts": workspace.next_ts(),
    }
    del payload["api_app_id"], payload["user"]["username"]
    return payload


def slash_command(
    workspace: Workspace,
    user_id: str,
    channel: Channel,
    *,
    command: str,
    text: str,
    trigger_id: str,
    response_url: str,
) -> Json:
    return {
        "token": "unused",
        "team_id": workspace.team.id,
        "team_domain": workspace.team.domain,
        "channel_id": channel.id,
        "channel_name": _channel(channel)["name"],
        "user_id": user_id,
        "user_name": workspace.users[user_id].name,
        "command": command,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id,
    }


def _common_fields(workspace: Workspace, kind: str, user_id: str, trigger_id: str) -> Json:
    user = workspace.users[user_id]
    return {
        "type": kind,
        "team": {"id": workspace.team.id, "domain": workspace.team.domain},
        "enterprise": None,
        "is_enterprise_install": False,
        "user": {
            "id": user.id,
            "username": user.name,
            "name": user.name,
            "team_id": user.team_id,
        },
        "api_app_id": APP_ID,
        "token": "unused",
        "trigger_id": trigger_id,
    }


def _channel(channel: Channel) -> Json:
    if channel.is_im:
        return {"id": channel.id, "name": "directmessage"}
    if channel.is_private:
        return {"id": channel.id, "name": "privategroup"}
    return {"id": channel.id, "name": channel.name}
