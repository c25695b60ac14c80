"""What one person sees of the workspace, and the answers to questions that several people asked."""

import re
from collections import defaultdict

from bot.playground.control import endpoints
from bot.playground.control.order import user_named
from bot.playground.double import Double
from bot.playground.workspace import BOT_USER, Channel, Json, Message, Workspace


def seen_by(double: Double, wanted: str) -> Json:
    """Return this person's channels, messages, Home tab and open modals, and nobody else's.

    Raises InvalidOrder.
    """
    workspace, user = double.workspace, user_named(double, wanted)
    channels = [one for one in workspace.channels.values() if is_open_to(workspace, one, user)]
    places = {channel.id for channel in channels}
    people, surfaces = endpoints.people(double, {}), endpoints.surfaces(double, {})
    return {
        "you": user,
        "bot": BOT_USER,
        "team": people["team"],
        "users": people["users"],
        "channels": [one for one in people["channels"] if one["id"] in places],
        "messages": {one.id: _messages(double, one, user) for one in channels},
        "home": surfaces["homes"].get(user),
        "views": workspace.modals.get(user, []),
        "statuses": _within(surfaces["statuses"], places),
        "prompts": _within(surfaces["prompts"], places),
        "titles": _within(surfaces["titles"], places),
        "read": _within(workspace.read.get(user, {}), places),
        "has_bot": double.delivery.ready,
        "version": double.version,
    }


def is_open_to(workspace: Workspace, channel: Channel, user_id: str) -> bool:
    """Return whether the person is in the channel, or is a full member who may join it."""
    user = workspace.users[user_id]
    if user_id in channel.members:
        return True
    limited = user.is_restricted or user.is_ultra_restricted or user.is_stranger or user.deleted
    return channel.is_public and not limited


def same_questions(double: Double) -> Json:
    """Return questions that several people asked, with each person's answers.

    Only for the playground's panel: nobody in Slack sees this.
    """
    asked: dict[str, list[Json]] = defaultdict(list)
    for message in double.workspace.messages:
        if question := _question(double.workspace, message):
            asked[_normalized(question)].append(_asked(double.workspace, message, question))
    return {
        "questions": [
            {"question": entries[0]["question"], "asked": list(latest.values())}
            for entries in asked.values()
            if len(latest := {(one["user"], one["channel"]): one for one in entries}) > 1
        ]
    }


def _messages(double: Double, channel: Channel, user: str) -> list[Json]:
    messages = endpoints.messages(double, {"channel": channel.id})["messages"]
    return [one for one in messages if one["ephemeral_to"] in ("", user)]


def _within(surface: Json, places: set[str]) -> Json:
    return {key: value for key, value in surface.items() if key.partition("/")[0] in places}


def _question(workspace: Workspace, message: Message) -> str:
    """Return the question to Ken in this message; empty if there is none."""
    author = workspace.users.get(message.user)
    if author is None or author.is_bot or message.subtype or message.ephemeral_to:
        return ""
    text, channel = message.text, workspace.channels[message.channel]
    if not channel.is_im and f"<@{BOT_USER}>" not in text:
        return ""
    return " ".join(part.strip() for part in text.split(f"<@{BOT_USER}>")).strip()


def _asked(workspace: Workspace, message: Message, question: str) -> Json:
    thread, own = message.thread_ts or message.ts, f"D{message.user}"
    of_ken = [one for one in workspace.messages if one.user == BOT_USER and one.ts > message.ts]
    here = [one for one in of_ken if one.channel == message.channel and one.thread_ts == thread]
    here = [one for one in here if one.ephemeral_to in ("", message.user)]
    marks = {_mark(one) for one in here} - {""}
    direct = [one for one in of_ken if one.channel == own and _mark(one) in marks]
    return {
        "question": question,
        "user": message.user,
        "channel": message.channel,
        "answers": [
            {"channel": one.channel, "ts": one.ts, "text": one.text, "blocks": one.blocks}
            for one in {one.ts: one for one in (*here, *direct)}.values()
        ],
    }


def _mark(message: Message) -> str:
    """Return the mark that all of Ken's messages about one question share."""
    payload = message.metadata.get("event_payload") or {}
    return str(payload.get("mark", "")).partition("/")[0]


def _normalized(question: str) -> str:
    return " ".join(re.findall(r"\w+", question.casefold()))
