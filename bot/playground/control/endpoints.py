"""`/_double/`: orders that act as people and add faults, and looks at the double's state."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from inspect import isawaitable
from typing import Any

from aiohttp import web

from bot.playground.control.faults import Faults, read_fault
from bot.playground.control.order import (
    InvalidOrder,
    channel_of,
    message_of,
    message_seen_by,
    user_named,
    user_of,
)
from bot.playground.control.workspace_changes import (
    archive,
    change_channel,
    change_id,
    change_user,
    code,
    convert,
    create_channel,
    expire,
    grant,
    keep_out,
    let_in,
    look_at,
    open_home,
    remove_bot,
    rename,
    restore,
    revoke,
    share,
    stop,
    unarchive,
    uninstall,
    unshare,
)
from bot.playground.double import Double
from bot.playground.events import kinds
from bot.playground.events.interactions import close_view, command, press, shortcut, submit, trigger
from bot.playground.events.shapes import message_object
from bot.playground.workspace import BOT_USER, Channel, Json, Message

_FILE = {"name": "note.txt", "mimetype": "text/plain", "filetype": "text", "size": 4}


def add_control(app: web.Application, double: Double) -> None:
    for name, order in _ORDERS.items():
        app.router.add_post(f"/_double/{name}", _post(double, order))
    for name, look in _LOOKS.items():
        app.router.add_get(f"/_double/{name}", _get(double, look))
    app.router.add_post("/_double/faults", _faults(double))
    app.router.add_get("/_double/changes", _changes(double))


def say(double: Double, order: Json) -> Json:
    """{channel, user, text, thread_ts?, subtype?: "file_share" | "thread_broadcast"}"""
    return _write(double, channel_of(double, order), order)


def dm(double: Double, order: Json) -> Json:
    """{user, text, thread_ts?, subtype?}"""
    user = user_of(double, order)
    return _write(double, double.workspace.open_im(user), order)


def group_dm(double: Double, order: Json) -> Json:
    """{user, users, text?}: a group message with Ken, who is added."""
    user = user_of(double, order)
    others = [user_named(double, name) for name in order.get("users", [])]
    channel = double.workspace.open_mpim([user, *others])
    return _write(double, channel, order) if order.get("text") else {"channel": channel.id}


def edit(double: Double, order: Json) -> Json:
    """{channel, ts, text}: a mention that the edit adds is also sent as app_mention."""
    message, workspace = message_of(double, order), double.workspace
    before, was_mentioned = message_object(workspace, message), _mentions(message)
    message.text, message.edited_ts = str(order.get("text")), workspace.next_ts()
    double.announce(kinds.message_changed(workspace, message, before))
    if _mentions(message) and not was_mentioned:
        mention = kinds.mention(workspace, message)
        mention.event["edited"] = {"user": message.user, "ts": message.edited_ts}
        double.announce(mention)
    return {"ts": message.ts}


def delete(double: Double, order: Json) -> Json:
    """{channel, ts}"""
    message = message_of(double, order)
    double.announce(kinds.message_deleted(double.workspace, message))
    double.workspace.remove(message)
    return {}


def join(double: Double, order: Json) -> Json:
    """{channel, user}: the user may be Ken."""
    channel, user = channel_of(double, order), user_of(double, order)
    if user in channel.members:
        raise InvalidOrder(f"{user} is already in {channel.id}")
    channel.members.append(user)
    double.announce(kinds.member_joined(double.workspace, channel, user))
    text = f"<@{user}> has joined the channel"
    written = _write(double, channel, {"user": user, "text": text, "subtype": "channel_join"})
    double.workspace.mark_read(user, channel.id, written["ts"])
    return written


def leave(double: Double, order: Json) -> Json:
    """{channel, user}"""
    channel, user = channel_of(double, order), user_of(double, order)
    if user not in channel.members:
        raise InvalidOrder(f"{user} is not in {channel.id}")
    channel.members.remove(user)
    double.announce(kinds.member_left(double.workspace, channel, user))
    return {}


def mark(double: Double, order: Json) -> Json:
    """{user, channel, ts}: they have read the channel up to this message."""
    channel, user = channel_of(double, order), user_of(double, order)
    message = message_seen_by(double, user, {**order, "channel": channel.id})
    double.workspace.mark_read(user, channel.id, message.ts)
    return {}


def event(double: Double, order: Json) -> Json:
    """{event}: sent unchanged."""
    double.announce_raw(order["event"])
    return {}


def reset(double: Double, _order: Json) -> Json:
    """{}: back to the state after the start; connections stay."""
    double.reset()
    return {}


def calm(double: Double, _order: Json) -> Json:
    """{}: removes all waiting faults."""
    double.faults = Faults()
    return {}


def messages(double: Double, query: Json) -> Json:
    """Return a channel's messages, oldest first, ephemeral ones with `ephemeral_to`."""
    channel = channel_of(double, query)
    found = [
        asdict(message) for message in double.workspace.messages if message.channel == channel.id
    ]
    return {"messages": found, "version": double.version}


def calls(double: Double, _query: Json) -> Json:
    return {"calls": list(double.calls), "version": double.version}


def attempts(double: Double, _query: Json) -> Json:
    return {"attempts": double.delivery.attempts, "version": double.version}


def surfaces(double: Double, _query: Json) -> Json:
    """Return homes, statuses, titles, suggested prompts and agent sessions."""
    workspace = double.workspace
    return {
        "homes": workspace.homes,
        "statuses": workspace.statuses,
        "titles": workspace.titles,
        "prompts": workspace.prompts,
        "sessions": workspace.sessions,
        "version": double.version,
    }


def views(double: Double, query: Json) -> Json:
    """Return a person's open modals, the top one last."""
    open_ones = double.workspace.modals.get(user_of(double, query), [])
    return {"views": open_ones, "version": double.version}


def people(double: Double, _query: Json) -> Json:
    """Return the team, users, user groups and channels."""
    workspace = double.workspace
    return {
        "team": asdict(workspace.team),
        "usergroups": [asdict(group) for group in workspace.usergroups.values()],
        "users": [asdict(user) for user in workspace.users.values()],
        "channels": [asdict(channel) for channel in workspace.channels.values()],
        "version": double.version,
    }


def ready(double: Double, _query: Json) -> Json:
    return {
        "ready": double.delivery.ready,
        "sockets": len(double.delivery.sockets),
        "pending": double.pending,
        "bot_user": BOT_USER,
        "version": double.version,
    }


Answer = Callable[[Double, Json], Json]
Order = Callable[[Double, Json], Json | Awaitable[Json]]

_ORDERS: dict[str, Order] = {
    function.__name__: function
    for function in (
        *(say, dm, group_dm, edit, delete, join, leave, mark, event, calm, reset),
        *(press, submit, close_view, command, shortcut, trigger),
        *(open_home, archive, unarchive, create_channel, share, unshare, change_user),
        *(convert, rename, change_id, change_channel, remove_bot, keep_out, let_in),
        *(revoke, restore, uninstall, expire, code, grant, stop, look_at),
    )
}
_LOOKS: dict[str, Answer] = {
    function.__name__: function
    for function in (messages, calls, attempts, surfaces, views, people, ready)
}


def _write(double: Double, channel: Channel, order: Json) -> Json:
    workspace, user = double.workspace, user_of(double, order)
    if user not in channel.members:
        raise InvalidOrder(f"{user} is not in {channel.id}")
    message = Message(
        channel=channel.id,
        ts=workspace.next_ts(),
        user=user,
        text=str(order.get("text", "")),
        thread_ts=str(order.get("thread_ts") or ""),
        subtype=str(order.get("subtype") or ""),
    )
    if message.thread_ts and workspace.find(channel.id, message.thread_ts) is None:
        raise InvalidOrder(f"there is no message {message.thread_ts} in {channel.id}")
    if message.subtype == "file_share":
        message.files = [{"id": workspace.next_id("F"), "user": user, **_FILE}]
    if workspace.users[user].is_bot:
        message.subtype, message.bot_id = message.subtype or "bot_message", f"B{user}"
    workspace.messages.append(message)
    double.announce(kinds.message_posted(workspace, message))
    if _mentions(message) and not channel.is_im:
        double.announce(kinds.mention(workspace, message))
    return {"channel": channel.id, "ts": message.ts}


def _mentions(message: Message) -> bool:
    return f"<@{BOT_USER}>" in message.text and message.subtype != "channel_join"


def _post(double: Double, order: Order) -> Any:
    async def respond(request: web.Request) -> web.Response:
        double.address = f"http://{request.host}"
        try:
            answer = order(double, await _body(request))
            if isawaitable(answer):
                answer = await answer
        except (InvalidOrder, KeyError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        double.changed()
        return web.json_response(answer)

    return respond


def _get(double: Double, look: Answer) -> Any:
    async def respond(request: web.Request) -> web.Response:
        try:
            return web.json_response(look(double, dict(request.query)))
        except InvalidOrder as error:
            return web.json_response({"error": str(error)}, status=400)

    return respond


def _faults(double: Double) -> Any:
    async def respond(request: web.Request) -> web.Response:
        try:
            fault = read_fault(await _body(request))
        except (InvalidOrder, ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        if fault.kind in ("disconnect", "cut"):
            await double.delivery.retire_sockets(politely=fault.kind == "disconnect")
        else:
            double.faults.add(fault)
        return web.json_response({})

    return respond


def _changes(double: Double) -> Any:
    async def respond(request: web.Request) -> web.Response:
        after = int(request.query.get("after", "0"))
        timeout_s = min(float(request.query.get("timeout_s", "1")), 60.0)
        return web.json_response({"version": await double.changes(after, timeout_s)})

    return respond


async def _body(request: web.Request) -> Json:
    raw = await request.text()
    body = json.loads(raw) if raw else {}
    if not isinstance(body, dict):
        raise InvalidOrder("the body must be a JSON object")
    return body
