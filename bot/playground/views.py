"""Modals and Home tabs: built as Slack builds them, filled in, and changed by the app's answers.

https://docs.slack.dev/surfaces/modals/
"""

import json
from collections.abc import Iterator

from bot.playground.blocks.block_kit import check_view
from bot.playground.blocks.block_parts import BlocksInvalid
from bot.playground.blocks.content import with_ids
from bot.playground.web_api import Refused
from bot.playground.workspace import APP_ID, BOT_ID, Json, Workspace

MOST_ON_TOP = 3
_LARGEST_VIEW = 250_000
_EMPTY: tuple[object, ...] = (None, "", [], {})


def build_view(workspace: Workspace, view: object, *, kind: str) -> Json:
    """Return the app's view with the fields that Slack adds. Raises Refused."""
    if not isinstance(view, dict) or view.get("type") != kind:
        raise Refused("invalid_arguments", f"[ERROR] must be a {kind} [json-pointer:/view/type]")
    try:
        check_view(view)
    except BlocksInvalid as error:
        raise Refused("invalid_arguments", str(error)) from None
    if len(json.dumps(view)) > _LARGEST_VIEW:
        raise Refused("view_too_large")
    view_id = workspace.next_id("V")
    built = {
        "id": view_id,
        "root_view_id": view_id,
        "previous_view_id": None,
        "team_id": workspace.team.id,
        "app_id": APP_ID,
        "app_installed_team_id": workspace.team.id,
        "bot_id": BOT_ID,
        "hash": workspace.next_ts(),
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "title": None,
        "submit": None,
        "close": None,
        "clear_on_close": False,
        "notify_on_close": False,
        **view,
        "blocks": with_ids(workspace, view["blocks"]),
    }
    return {**built, "state": {"values": _initial(built["blocks"])}}


def replace(workspace: Workspace, old: Json, new: object) -> None:
    """Replace a view's content; its id and its place in the stack stay. Raises Refused."""
    built = build_view(workspace, new, kind=old["type"])
    kept = {name: old[name] for name in ("id", "root_view_id", "previous_view_id")}
    old.clear()
    old.update(built | kept)


def push(workspace: Workspace, stack: list[Json], new: object) -> Json:
    """Put a modal on top of the stack. Raises Refused."""
    if len(stack) >= MOST_ON_TOP:
        raise Refused("push_limit_reached")
    view = build_view(workspace, new, kind="modal")
    if stack:
        view |= {"root_view_id": stack[0]["id"], "previous_view_id": stack[-1]["id"]}
    stack.append(view)
    return view


def fill(view: Json, values: Json) -> dict[str, str]:
    """Fill in the view's inputs; return Slack's own errors for required inputs left empty.

    Raises ValueError if the view has no such input.
    """
    missing, known = {}, set()
    for block in view["blocks"]:
        if block["type"] != "input":
            continue
        element, block_id = block["element"], block["block_id"]
        action_id = element.get("action_id", "")
        known.add((block_id, action_id))
        state = (
            view["state"]["values"]
            .setdefault(block_id, {})
            .setdefault(action_id, {"type": element["type"]})
        )
        state.update(values.get(block_id, {}).get(action_id, {}))
        is_empty = all(given in _EMPTY for name, given in state.items() if name != "type")
        if is_empty and not block.get("optional"):
            missing[block_id] = "Please complete this required field."
    given = {(block_id, action_id) for block_id, inputs in values.items() for action_id in inputs}
    if given - known:
        raise ValueError(f"the view has no input {sorted(given - known)[0]}")
    return missing


def respond(workspace: Workspace, stack: list[Json], view: Json, answer: Json) -> dict[str, str]:
    """Apply the app's answer to a submission; return the errors to show, if any.

    Raises Refused if the answer is not valid.
    """
    match answer.get("response_action"):
        case None:
            stack.remove(view)
        case "clear":
            stack.clear()
        case "errors":
            return _errors(view, answer.get("errors"))
        case "update":
            replace(workspace, view, answer.get("view"))
        case "push":
            push(workspace, stack, answer.get("view"))
        case other:
            raise Refused("invalid_arguments", f"unknown response_action: {other}")
    return {}


def keep_state(view: Json, action: Json) -> None:
    """Store a choice in the view's state, until the view changes."""
    names = [name for name in action if name.startswith("selected_")]
    if names:
        place = view["state"]["values"].setdefault(action["block_id"], {})
        kept = {name: action[name] for name in names}
        place[action["action_id"]] = {"type": action["type"], **kept}


def elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Yield each interactive element, with its block."""
    for block in blocks:
        if block["type"] in ("actions", "context_actions"):
            for element in block["elements"]:
                yield block, element
        for name in ("accessory", "element"):
            if isinstance(block.get(name), dict):
                yield block, block[name]


def options(element: Json) -> Iterator[Json]:
    yield from element.get("options", [])
    for group in element.get("option_groups", []):
        yield from group["options"]


def _errors(view: Json, errors: object) -> dict[str, str]:
    inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
    if not (isinstance(errors, dict) and errors and errors.keys() <= inputs):
        raise Refused("invalid_arguments", "errors must name input blocks of the view")
    return errors


def _initial(blocks: list[Json]) -> Json:
    """Return the initial `state.values`."""
    values: Json = {}
    for block, element in elements(blocks):
        kept = {
            name.removeprefix("initial_"): element[name]
            for name in element
            if name.startswith("initial_")
        }
        state = {key if key == "value" else f"selected_{key}": item for key, item in kept.items()}
        if state and "action_id" in element:
            place = values.setdefault(block["block_id"], {})
            place[element["action_id"]] = {"type": element["type"], **state}
    return values
