"""chat.startStream, appendStream and stopStream, agents.sessions.*: answers in progress.

https://docs.slack.dev/reference/methods/chat.startStream
"""

import time

from bot.playground.blocks.block_kit import LONGEST_MARKDOWN, MOST_IN_MESSAGE
from bot.playground.blocks.chunks import add_chunks, as_blocks, check_chunks, text_of
from bot.playground.blocks.content import check_blocks_of, check_metadata, with_ids
from bot.playground.events.kinds import message_changed, message_posted
from bot.playground.events.shapes import message_object
from bot.playground.web_api import Refused, Slack, check_ts, method
from bot.playground.workspace import BOT_ID, BOT_USER, Channel, Json, Message, Stream

_LIFE_S = 300.0
"""Not documented; observed to be about five minutes."""
_STATUSES = ("active", "processing", "suspended", "closed")


@method(
    "chat.startStream",
    scopes=("chat:write",),
    channel="str!",
    thread_ts="str",
    markdown_text="str",
    chunks="json",
    recipient_user_id="str",
    recipient_team_id="str",
    task_display_mode="str",
    username="str",
    icon_emoji="str",
    icon_url="str",
)
def start(slack: Slack, arguments: Json) -> Json:
    """Start a stream: in a channel for one person, in direct messages as a reply."""
    channel = _channel(slack, arguments)
    if channel.is_archived:
        raise Refused("is_archived")
    _check_recipient(slack, channel, arguments)
    mode = arguments.get("task_display_mode", "timeline")
    if mode not in ("timeline", "plan"):
        raise Refused(
            "invalid_arguments", "[ERROR] timeline, plan [json-pointer:/task_display_mode]"
        )
    message = Message(
        channel=channel.id,
        ts=slack.workspace.next_ts(),
        user=BOT_USER,
        bot_id=BOT_ID,
        thread_ts=_root(slack, channel, arguments),
        streaming=True,
    )
    _append(message, arguments)
    slack.workspace.messages.append(message)
    slack.workspace.streams[f"{channel.id}/{message.ts}"] = Stream(
        ends_at=time.monotonic() + _LIFE_S, as_plan=mode == "plan"
    )
    slack.workspace.statuses.pop(f"{channel.id}/{message.thread_ts or message.ts}", None)
    slack.outgoing_events.append(message_posted(slack.workspace, message))
    return {"channel": channel.id, "ts": message.ts}


@method(
    "chat.appendStream",
    scopes=("chat:write",),
    channel="str!",
    ts="str!",
    markdown_text="str",
    chunks="json",
)
def append(slack: Slack, arguments: Json) -> Json:
    message, stream = _open_stream(slack, arguments)
    if stream.is_stopped:
        raise Refused("stopped_by_user")
    if not arguments.get("markdown_text") and not arguments.get("chunks"):
        raise Refused("no_text")
    _append(message, arguments)
    return {"channel": message.channel, "ts": message.ts}


@method(
    "chat.stopStream",
    scopes=("chat:write",),
    channel="str!",
    ts="str!",
    markdown_text="str",
    chunks="json",
    blocks="json",
    metadata="json",
)
def stop(slack: Slack, arguments: Json) -> Json:
    """Stop a stream: its chunks become blocks, with the call's blocks below them."""
    message, stream = _open_stream(slack, arguments)
    before = message_object(slack.workspace, message)
    last = arguments.get("blocks") or []
    check_blocks_of(last)
    check_metadata(arguments.get("metadata"))
    _append(message, arguments)
    blocks = [*as_blocks(message.chunks, as_plan=stream.as_plan), *last]
    if not blocks:
        raise Refused("no_text")
    if len(blocks) > MOST_IN_MESSAGE:
        raise Refused("msg_blocks_too_many")
    message.blocks, message.metadata = (
        with_ids(slack.workspace, blocks),
        arguments.get("metadata") or {},
    )
    message.streaming, message.chunks = False, []
    del slack.workspace.streams[f"{message.channel}/{message.ts}"]
    slack.outgoing_events.append(message_changed(slack.workspace, message, before))
    shape = message_object(slack.workspace, message, with_metadata=True)
    return {"channel": message.channel, "ts": message.ts, "message": shape}


@method(
    "agents.sessions.setStatus",
    scopes=("chat:write",),
    channel_id="str!",
    status="str!",
    thread_ts="str",
    title="str",
    initiator_user_id="str",
    icon_emoji="str",
    icon_url="str",
    username="str",
)
def set_session_status(slack: Slack, arguments: Json) -> Json:
    place = _session(slack, arguments)
    if arguments["status"] not in _STATUSES:
        raise Refused("invalid_status")
    user_id = arguments.get("initiator_user_id", BOT_USER)
    if user_id not in slack.workspace.channels[arguments["channel_id"]].members:
        raise Refused("user_not_found")
    session = slack.workspace.sessions.setdefault(
        place, {"status": "", "title": arguments.get("title", "")}
    )
    session["status"] = arguments["status"]
    return {**session, "agent_status": session["status"]}


@method(
    "agents.sessions.rename",
    scopes=("chat:write",),
    channel_id="str!",
    title="str!",
    thread_ts="str",
)
def rename_session(slack: Slack, arguments: Json) -> Json:
    place = _session(slack, arguments)
    if place not in slack.workspace.sessions:
        raise Refused("session_not_found")
    if not 1 <= len(arguments["title"]) <= 200:
        raise Refused("invalid_name")
    slack.workspace.sessions[place]["title"] = arguments["title"]
    return {"title": arguments["title"]}


def _channel(slack: Slack, arguments: Json) -> Channel:
    channel = slack.workspace.channels.get(arguments["channel"])
    if channel is None or not (channel.is_public or BOT_USER in channel.members):
        raise Refused("channel_not_found")
    if BOT_USER not in channel.members:
        raise Refused("not_in_channel")
    return channel


def _check_recipient(slack: Slack, channel: Channel, arguments: Json) -> None:
    if channel.is_im:
        return
    user = slack.workspace.users.get(arguments.get("recipient_user_id", ""))
    if not arguments.get("recipient_user_id"):
        raise Refused("missing_recipient_user_id")
    if not arguments.get("recipient_team_id"):
        raise Refused("missing_recipient_team_id")
    if user is None:
        raise Refused("user_not_found")
    if arguments["recipient_team_id"] != user.team_id:
        raise Refused("team_not_found")


def _root(slack: Slack, channel: Channel, arguments: Json) -> str:
    """Return the thread's root; only a channel accepts a stream outside a thread."""
    thread_ts = arguments.get("thread_ts", "")
    if not thread_ts and not channel.is_im:
        return ""
    check_ts(thread_ts)
    root = slack.message(channel, thread_ts, otherwise="messaging_processing_failed")
    return root.thread_ts or root.ts


def _open_stream(slack: Slack, arguments: Json) -> tuple[Message, Stream]:
    channel = _channel(slack, arguments)
    message = slack.message(channel, arguments["ts"], otherwise="message_not_found")
    if message.user != BOT_USER:
        raise Refused("message_not_owned_by_app")
    stream = slack.workspace.streams.get(f"{channel.id}/{message.ts}")
    if stream is None or (not stream.is_stopped and time.monotonic() >= stream.ends_at):
        message.streaming = False
        raise Refused("message_not_in_streaming_state")
    return message, stream


def _append(message: Message, arguments: Json) -> None:
    markdown = arguments.get("markdown_text", "")
    chunks = check_chunks(arguments.get("chunks"))
    if markdown:
        chunks = [{"type": "markdown_text", "text": markdown}, *chunks]
    joined = add_chunks(message.chunks, chunks)
    if len(markdown) > LONGEST_MARKDOWN:
        raise Refused("invalid_arguments", "[ERROR] too long [json-pointer:/markdown_text]")
    if len(text_of(joined)) > LONGEST_MARKDOWN:
        raise Refused("msg_blocks_too_long")
    message.chunks, message.text = joined, text_of(joined)


def _session(slack: Slack, arguments: Json) -> str:
    channel = slack.readable(arguments["channel_id"])
    if BOT_USER not in channel.members:
        raise Refused("not_authorized")
    if not arguments.get("thread_ts"):
        raise Refused("thread_ts_required")
    slack.message(channel, arguments["thread_ts"], otherwise="thread_ts_required")
    return f"{channel.id}/{arguments['thread_ts']}"
