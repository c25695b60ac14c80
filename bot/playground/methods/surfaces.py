"""assistant.threads.* and views.*: what people see beside messages."""

import json

from bot.playground.block_kit import MOST_IN_VIEW, BlocksInvalid, check_blocks
from bot.playground.web_api import Refused, Slack, check_ts, method
from bot.playground.workspace import APP_ID, BOT_ID, Json

_LARGEST_VIEW = 250_000


@method(
    "assistant.threads.setStatus",
    channel_id="str!",
    thread_ts="str!",
    status="str!",
    loading_messages="json",
    icon_emoji="str",
    icon_url="str",
    username="str",
)
def set_status(slack: Slack, arguments: Json) -> Json:
    """Gone with the next message in the thread, or when it is set to nothing."""
    messages = arguments.get("loading_messages", ["..."])
    if not (isinstance(messages, list) and 1 <= len(messages) <= 10):
        raise Refused("invalid_arguments", "[ERROR] 1 to 10 [json-pointer:/loading_messages]")
    if not all(isinstance(text, str) and 1 <= len(text) <= 50 for text in messages):
        raise Refused("invalid_arguments", "[ERROR] too long [json-pointer:/loading_messages]")
    place = _thread(slack, arguments)
    slack.workspace.statuses[place] = arguments["status"]
    if not arguments["status"]:
        del slack.workspace.statuses[place]
    return {}


@method("assistant.threads.setTitle", channel_id="str!", thread_ts="str!", title="str!")
def set_title(slack: Slack, arguments: Json) -> Json:
    slack.workspace.titles[_thread(slack, arguments)] = arguments["title"]
    return {}


@method(
    "assistant.threads.setSuggestedPrompts",
    channel_id="str!",
    prompts="json!",
    thread_ts="str",
    title="str",
)
def set_prompts(slack: Slack, arguments: Json) -> Json:
    """Without a thread, for the messages tab as a whole."""
    prompts = arguments["prompts"]
    if not (isinstance(prompts, list) and 1 <= len(prompts) <= 4):
        raise Refused("invalid_arguments", "[ERROR] 1 to 4 prompts [json-pointer:/prompts]")
    for prompt in prompts:
        if not isinstance(prompt, dict) or prompt.keys() != {"title", "message"}:
            raise Refused("invalid_arguments", "[ERROR] title, message [json-pointer:/prompts]")
    if "thread_ts" in arguments:
        place = _thread(slack, arguments)
    else:
        place = slack.joined(arguments["channel_id"], otherwise="channel_not_found").id
    slack.workspace.prompts[place] = prompts
    return {}


@method("views.publish", user_id="str!", view="json!", hash="str", interactivity_pointer="str")
def publish(slack: Slack, arguments: Json) -> Json:
    user_id = arguments["user_id"]
    if user_id not in slack.workspace.users:
        raise Refused("invalid_arguments", "invalid `user_id`")
    shown = slack.workspace.homes.get(user_id)
    if "hash" in arguments and shown and arguments["hash"] != shown["hash"]:
        raise Refused("hash_conflict")
    view = _view(slack, arguments["view"], kind="home")
    if shown:
        view["id"] = view["root_view_id"] = shown["id"]
    slack.workspace.homes[user_id] = view
    return {"view": view}


@method("views.open", view="json!", trigger_id="str", interactivity_pointer="str")
def open_view(slack: Slack, arguments: Json) -> Json:
    """A trigger comes from an interaction and serves once."""
    trigger_id = arguments.get("trigger_id", "")
    if trigger_id not in slack.workspace.triggers:
        raise Refused("invalid_trigger_id")
    if slack.workspace.triggers[trigger_id]:
        raise Refused("exchanged_trigger_id")
    view = _view(slack, arguments["view"], kind="modal")
    slack.workspace.triggers[trigger_id] = view["id"]
    return {"view": view}


@method("apps.connections.open", token="app")
def open_connection(slack: Slack, arguments: Json) -> Json:
    """The server, which knows its own address, puts the URL in."""
    return {"url": slack.workspace.next_id("ticket-")}


def _thread(slack: Slack, arguments: Json) -> str:
    channel = slack.joined(arguments["channel_id"], otherwise="channel_not_found")
    check_ts(arguments["thread_ts"], otherwise="invalid_thread_ts")
    slack.message(channel, arguments["thread_ts"], otherwise="invalid_thread_ts")
    return f"{channel.id}/{arguments['thread_ts']}"


def _view(slack: Slack, view: object, *, kind: str) -> Json:
    if not isinstance(view, dict) or view.get("type") != kind:
        raise Refused("invalid_arguments", f"[ERROR] must be a {kind} [json-pointer:/view/type]")
    if kind == "modal" and not isinstance(view.get("title"), dict):
        raise Refused("invalid_arguments", "[ERROR] missing required field: title")
    try:
        check_blocks(view.get("blocks"), most=MOST_IN_VIEW)
    except BlocksInvalid as error:
        raise Refused("invalid_arguments", str(error)) from None
    if len(json.dumps(view)) > _LARGEST_VIEW:
        raise Refused("view_too_large")
    view_id = slack.workspace.next_id("V")
    return {
        "id": view_id,
        "root_view_id": view_id,
        "previous_view_id": None,
        "team_id": slack.workspace.team.id,
        "app_id": APP_ID,
        "bot_id": BOT_ID,
        "hash": slack.workspace.next_ts(),
        "state": {"values": {}},
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        **view,
    }
