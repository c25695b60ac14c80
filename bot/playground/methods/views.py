"""views.*: Home tabs and modals."""

import time

from bot.playground.views import build_view, push, replace
from bot.playground.web_api import Refused, Slack, method
from bot.playground.workspace import Json, Trigger


@method("views.publish", user_id="str!", view="json!", hash="str", interactivity_pointer="str")
def publish(slack: Slack, arguments: Json) -> Json:
    user_id = arguments["user_id"]
    if user_id not in slack.workspace.users:
        raise Refused("invalid_arguments", "invalid `user_id`")
    shown = slack.workspace.homes.get(user_id)
    if "hash" in arguments and shown and arguments["hash"] != shown["hash"]:
        raise Refused("hash_conflict")
    view = build_view(slack.workspace, arguments["view"], kind="home")
    if shown:
        view["id"] = view["root_view_id"] = shown["id"]
    slack.workspace.homes[user_id] = view
    return {"view": view}


@method("views.open", view="json!", trigger_id="str", interactivity_pointer="str")
def open_view(slack: Slack, arguments: Json) -> Json:
    """Open a modal in place of any open ones; views.push adds one on top."""
    trigger = _trigger(slack, arguments)
    view = build_view(slack.workspace, arguments["view"], kind="modal")
    _check_external_id(slack, view)
    trigger.is_used = True
    slack.workspace.modals[trigger.user] = [view]
    return {"view": view}


@method("views.push", view="json!", trigger_id="str", interactivity_pointer="str")
def push_view(slack: Slack, arguments: Json) -> Json:
    """Push a modal onto the one that the trigger came from."""
    trigger = _trigger(slack, arguments)
    stack = slack.workspace.modals.get(trigger.user, [])
    if trigger.view_id not in [view["id"] for view in stack]:
        raise Refused("not_found")
    view = push(slack.workspace, stack, arguments["view"])
    trigger.is_used = True
    return {"view": view}


@method("views.update", view="json!", view_id="str", external_id="str", hash="str")
def update_view(slack: Slack, arguments: Json) -> Json:
    view = _open_view(slack, arguments)
    if "hash" in arguments and arguments["hash"] != view["hash"]:
        raise Refused("hash_conflict")
    replace(slack.workspace, view, arguments["view"])
    return {"view": view}


def _trigger(slack: Slack, arguments: Json) -> Trigger:
    """Use up the call's trigger: from an interaction, valid once and for a short time."""
    trigger = slack.workspace.triggers.get(arguments.get("trigger_id", ""))
    if trigger is None:
        raise Refused("invalid_trigger_id")
    if trigger.is_used:
        raise Refused("exchanged_trigger_id")
    if time.monotonic() >= trigger.expires_at:
        raise Refused("expired_trigger_id")
    return trigger


def _open_view(slack: Slack, arguments: Json) -> Json:
    stacks = slack.workspace.modals.values()
    for view in [*(view for stack in stacks for view in stack), *slack.workspace.homes.values()]:
        for name in ("view_id", "external_id"):
            if arguments.get(name) and arguments[name] == view[name.removeprefix("view_")]:
                found: Json = view
                return found
    raise Refused("not_found")


def _check_external_id(slack: Slack, view: Json) -> None:
    stacks = slack.workspace.modals.values()
    taken = [other["external_id"] for stack in stacks for other in stack]
    if view["external_id"] and view["external_id"] in taken:
        raise Refused("duplicate_external_id")
