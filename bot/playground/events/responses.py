"""`response_url`: an app's replies to an interaction, up to five times in thirty minutes.

https://docs.slack.dev/interactivity/handling-user-interaction/#message_responses
"""

import time

from aiohttp import web

from bot.playground.blocks.content import check_content, with_ids
from bot.playground.double import Double, Response
from bot.playground.events.kinds import message_changed, message_deleted, message_posted
from bot.playground.events.shapes import message_object
from bot.playground.web_api import Refused
from bot.playground.workspace import BOT_ID, BOT_USER, Json, Message

_MOST_USES = 5
_ABOUT_THE_MESSAGE = {"response_type", "replace_original", "delete_original", "thread_ts"}


def open_response(double: Double, user_id: str, channel_id: str, *, original: str = "") -> str:
    """Create a response_url and return its address."""
    key = double.workspace.next_id("response-")
    expires_at = time.monotonic() + double.access.response_life_s
    double.responses[key] = Response(user_id, channel_id, original, expires_at)
    return f"{double.address}/response/{key}"


def add_responses(app: web.Application, double: Double) -> None:
    async def respond(request: web.Request) -> web.Response:
        response = double.responses.get(request.match_info["key"])
        if response is None:
            return web.json_response({"ok": False, "error": "no_such_url"}, status=404)
        if time.monotonic() >= response.expires_at:
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        if response.uses >= _MOST_USES:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        response.uses += 1
        try:
            take(double, response, await request.json())
        except (Refused, ValueError) as error:
            return web.json_response({"ok": False, "error": str(error)}, status=400)
        double.changed()
        return web.Response(text="ok")

    app.router.add_post("/response/{key}", respond)


def take(double: Double, response: Response, reply: Json) -> None:
    """Replace or delete the original message, or post a new one. Raises Refused."""
    original = _original(double, response)
    if reply.get("delete_original"):
        if original is None:
            raise Refused("message_not_found")
        _delete(double, original)
    elif reply.get("replace_original"):
        if original is None:
            raise Refused("message_not_found")
        _replace(double, original, reply)
    else:
        show(double, response.user, response.channel, reply)


def show(double: Double, user_id: str, channel_id: str, reply: Json) -> None:
    """Post Ken's reply to this person only, or to all with `in_channel`. Raises Refused."""
    workspace = double.workspace
    content = {key: value for key, value in reply.items() if key not in _ABOUT_THE_MESSAGE}
    check_content(content)
    message = Message(
        channel=channel_id,
        ts=workspace.next_ts(),
        user=BOT_USER,
        bot_id=BOT_ID,
        text=str(content.get("text") or ""),
        blocks=with_ids(workspace, content.get("blocks") or []),
        attachments=content.get("attachments") or [],
        thread_ts=str(reply.get("thread_ts") or ""),
    )
    if reply.get("response_type") == "in_channel":
        workspace.messages.append(message)
        double.announce(message_posted(workspace, message))
    else:
        message.ephemeral_to = user_id
        workspace.messages.append(message)


def _original(double: Double, response: Response) -> Message | None:
    for message in double.workspace.messages:
        if (message.channel, message.ts) == (response.channel, response.original):
            return message
    return None


def _delete(double: Double, message: Message) -> None:
    if message.ephemeral_to:
        double.workspace.messages.remove(message)
        return
    double.announce(message_deleted(double.workspace, message))
    double.workspace.remove(message)


def _replace(double: Double, message: Message, reply: Json) -> None:
    check_content(reply)
    before = message_object(double.workspace, message)
    message.text = str(reply.get("text") or "")
    message.blocks = with_ids(double.workspace, reply.get("blocks") or [])
    message.edited_ts = double.workspace.next_ts()
    if not message.ephemeral_to:
        double.announce(message_changed(double.workspace, message, before))
