"""chat.* and reactions.*: posts, changes and deletes Ken's messages."""

import re

from bot.playground.blocks.content import LONGEST_UPDATE, check_content, with_ids
from bot.playground.events.kinds import message_changed, message_deleted, message_posted
from bot.playground.events.shapes import message_object, permalink
from bot.playground.web_api import Refused, Slack, check_ts, method
from bot.playground.workspace import BOT_ID, BOT_USER, Channel, Json, Message


@method(
    "chat.postMessage",
    scopes=("chat:write",),
    channel="str!",
    text="str",
    blocks="json",
    attachments="json",
    markdown_text="str",
    metadata="json",
    thread_ts="str",
    reply_broadcast="bool",
    mrkdwn="bool",
    link_names="bool",
    parse="str",
    unfurl_links="bool",
    unfurl_media="bool",
    username="str",
    icon_emoji="str",
    icon_url="str",
)
def post_message(slack: Slack, arguments: Json) -> Json:
    channel = _destination(slack, arguments["channel"])
    message = _write(slack, channel, arguments, blocks_too_long="msg_blocks_too_long")
    if arguments.get("reply_broadcast") and message.thread_ts:
        message.subtype = "thread_broadcast"
    slack.workspace.messages.append(message)
    slack.workspace.statuses.pop(f"{channel.id}/{message.thread_ts or message.ts}", None)
    slack.outgoing_events.append(message_posted(slack.workspace, message))
    shape = message_object(slack.workspace, message, with_metadata=True)
    return {"channel": channel.id, "ts": message.ts, "message": shape}


@method(
    "chat.postEphemeral",
    scopes=("chat:write",),
    channel="str!",
    user="str!",
    text="str",
    blocks="json",
    attachments="json",
    markdown_text="str",
    metadata="json",
    thread_ts="str",
    link_names="bool",
    parse="str",
    username="str",
    icon_emoji="str",
    icon_url="str",
)
def post_ephemeral(slack: Slack, arguments: Json) -> Json:
    channel = slack.joined(arguments["channel"])
    if arguments["user"] not in channel.members:
        raise Refused("user_not_in_channel")
    if not isinstance(arguments.get("metadata", {}), dict):
        raise Refused("invalid_arguments", "[ERROR] must be an object [json-pointer:/metadata]")
    message = _write(slack, channel, {**arguments, "metadata": None})
    message.ephemeral_to = arguments["user"]
    slack.workspace.messages.append(message)
    return {"message_ts": message.ts}


@method(
    "chat.update",
    scopes=("chat:write",),
    channel="str!",
    ts="str!",
    text="str",
    blocks="json",
    attachments="json",
    markdown_text="str",
    metadata="json",
    link_names="bool",
    parse="str",
    reply_broadcast="bool",
)
def update(slack: Slack, arguments: Json) -> Json:
    """Update a message. Without `blocks` the old blocks stay; an empty list removes them."""
    channel = slack.readable(arguments["channel"])
    message = slack.message(channel, arguments["ts"], otherwise="message_not_found")
    if message.user != BOT_USER:
        raise Refused("cant_update_message")
    slack.end_stream(message)
    before = message_object(slack.workspace, message)
    check_content({"blocks": message.blocks, **arguments}, longest=LONGEST_UPDATE)
    for name in ("attachments", "metadata"):
        if name in arguments:
            setattr(message, name, arguments[name])
    if "blocks" in arguments:
        message.blocks = with_ids(slack.workspace, arguments["blocks"])
    message.text = arguments.get("markdown_text") or arguments.get("text") or message.text
    message.edited_ts = slack.workspace.next_ts()
    slack.outgoing_events.append(message_changed(slack.workspace, message, before))
    shape = message_object(slack.workspace, message, with_metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": shape}


@method("chat.delete", scopes=("chat:write",), channel="str!", ts="str!")
def delete(slack: Slack, arguments: Json) -> Json:
    """Delete a message; a root with replies stays as a tombstone."""
    channel = slack.readable(arguments["channel"])
    message = slack.message(channel, arguments["ts"], otherwise="message_not_found")
    if message.user != BOT_USER:
        raise Refused("cant_delete_message")
    slack.outgoing_events.append(message_deleted(slack.workspace, message))
    slack.workspace.remove(message)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.getPermalink", channel="str!", message_ts="str!")
def get_permalink(slack: Slack, arguments: Json) -> Json:
    channel = slack.readable(arguments["channel"])
    message = slack.message(channel, arguments["message_ts"], otherwise="message_not_found")
    return {"channel": channel.id, "permalink": permalink(slack.workspace, message)}


@method("reactions.add", scopes=("reactions:write",), channel="str!", timestamp="str!", name="str!")
def add_reaction(slack: Slack, arguments: Json) -> Json:
    users = _reactions(slack, arguments).setdefault(arguments["name"], [])
    if BOT_USER in users:
        raise Refused("already_reacted")
    users.append(BOT_USER)
    return {}


@method(
    "reactions.remove", scopes=("reactions:write",), name="str!", channel="str", timestamp="str"
)
def remove_reaction(slack: Slack, arguments: Json) -> Json:
    if not {"channel", "timestamp"} <= arguments.keys():
        raise Refused("no_item_specified")
    reactions = _reactions(slack, arguments)
    if BOT_USER not in reactions.get(arguments["name"], []):
        raise Refused("no_reaction")
    reactions[arguments["name"]].remove(BOT_USER)
    if not reactions[arguments["name"]]:
        del reactions[arguments["name"]]
    return {}


def _destination(slack: Slack, name: str) -> Channel:
    """Find a channel by id or name; a person's id means their direct messages."""
    if name in slack.workspace.users:
        user = slack.workspace.users[name]
        if user.deleted or user.is_bot:
            raise Refused("channel_not_found")
        return slack.workspace.open_im(name)
    for channel in slack.workspace.channels.values():
        if channel.name and name.removeprefix("#") == channel.name:
            name = channel.id
    return slack.joined(name)


def _write(
    slack: Slack, channel: Channel, arguments: Json, *, blocks_too_long: str = "msg_too_long"
) -> Message:
    if channel.is_archived:
        raise Refused("is_archived")
    check_content(arguments, blocks_too_long=blocks_too_long)
    return Message(
        channel=channel.id,
        ts=slack.workspace.next_ts(),
        user=BOT_USER,
        bot_id=BOT_ID,
        text=arguments.get("markdown_text") or arguments.get("text") or "",
        thread_ts=_thread(slack, channel, arguments.get("thread_ts", "")),
        blocks=with_ids(slack.workspace, arguments.get("blocks") or []),
        attachments=arguments.get("attachments") or [],
        metadata=arguments.get("metadata") or {},
    )


def _thread(slack: Slack, channel: Channel, thread_ts: str) -> str:
    """Check that the ts is a thread's root; a deleted root with replies counts too."""
    if not thread_ts:
        return ""
    check_ts(thread_ts)
    root = slack.message(channel, thread_ts, otherwise="cannot_reply_to_message")
    if root.thread_ts:
        raise Refused("cannot_reply_to_message")
    return root.ts


def _reactions(slack: Slack, arguments: Json) -> dict[str, list[str]]:
    channel = slack.joined(arguments["channel"], otherwise="no_access")
    if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", arguments["name"]):
        raise Refused("invalid_name")
    ts = check_ts(arguments["timestamp"], otherwise="bad_timestamp")
    return slack.message(channel, ts, otherwise="message_not_found").reactions
