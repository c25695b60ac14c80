"""assistant.threads.* and apps.connections.open: status, title and prompts of a thread."""

from bot.playground.web_api import Refused, Slack, check_ts, method
from bot.playground.workspace import Json


@method(
    "assistant.threads.setStatus",
    scopes=("chat:write",),
    channel_id="str!",
    thread_ts="str!",
    status="str!",
    loading_messages="json",
    icon_emoji="str",
    icon_url="str",
    username="str",
)
def set_status(slack: Slack, arguments: Json) -> Json:
    """Set the status; the next message in the thread, or an empty status, clears it."""
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


@method(
    "assistant.threads.setTitle",
    scopes=("assistant:write",),
    channel_id="str!",
    thread_ts="str!",
    title="str!",
)
def set_title(slack: Slack, arguments: Json) -> Json:
    slack.workspace.titles[_thread(slack, arguments)] = arguments["title"]
    return {}


@method(
    "assistant.threads.setSuggestedPrompts",
    scopes=("assistant:write",),
    channel_id="str!",
    prompts="json!",
    thread_ts="str",
    title="str",
)
def set_prompts(slack: Slack, arguments: Json) -> Json:
    """Set suggested prompts; without a thread, for the whole Messages tab."""
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


@method("apps.connections.open", token="app")
def open_connection(slack: Slack, _arguments: Json) -> Json:
    """Return a ticket, which the server replaces with the URL."""
    return {"url": slack.workspace.next_id("ticket-")}


def _thread(slack: Slack, arguments: Json) -> str:
    channel = slack.joined(arguments["channel_id"], otherwise="channel_not_found")
    check_ts(arguments["thread_ts"], otherwise="invalid_thread_ts")
    slack.message(channel, arguments["thread_ts"], otherwise="invalid_thread_ts")
    return f"{channel.id}/{arguments['thread_ts']}"
