"""Orders for interactions: buttons, modals, shortcuts and slash commands.

The app has three seconds to answer, and gets each interaction once: Slack does not repeat them.
https://docs.slack.dev/interactivity/handling-user-interaction/
"""

import copy
from collections.abc import Iterator
from typing import Any

from bot.playground import views
from bot.playground.control.order import (
    InvalidOrder,
    channel_of,
    message_seen_by,
    user_of,
)
from bot.playground.double import Double
from bot.playground.events import payloads
from bot.playground.events.responses import open_response, show
from bot.playground.web_api import Refused
from bot.playground.workspace import Json

_WITH_OPTIONS = ("overflow", "static_select", "radio_buttons")
_WITH_SEVERAL = ("checkboxes", "multi_static_select")
_WITH_VALUE = {
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
}
"""Elements whose choice is a date, a time or an id instead of one of the app's options."""


async def press(double: Double, order: Json) -> Json:
    """{user, channel, ts, action_id, value? | selected?}: uses an element of a message.

    With `view_id` or `home: true` in place of `channel` and `ts`: of a modal or the Home tab.
    `selected` is the value of an option, a date or an id, or a list of them. If the element has a
    `confirm`, the person has already agreed: Slack asks before it sends.
    """
    workspace, user = double.workspace, user_of(double, order)
    if "channel" in order:
        trigger_id = double.new_trigger(user)
        message = message_seen_by(double, user, order)
        response_url = open_response(double, user, message.channel, original=message.ts)
        payload = payloads.on_message(
            workspace, user, message, trigger_id=trigger_id, response_url=response_url
        )
        action = _action(double, message.blocks, order)
    else:
        view = _view(double, user, order)
        action = _action(double, view["blocks"], order)
        views.keep_state(view, action)
        trigger_id = double.new_trigger(user, view)
        payload = payloads.on_view(workspace, user, view, trigger_id=trigger_id)
    answer = await double.delivery.interact("interactive", {**payload, "actions": [action]})
    return {"trigger_id": trigger_id, "failed": answer.failed}


async def submit(double: Double, order: Json) -> Json:
    """{user, view_id, values: {block_id: {action_id: ...}}} -> {closed, errors, view, failed}

    `view` is the modal shown afterwards. Nothing is sent while a required input is empty.
    """
    user = user_of(double, order)
    stack, view = _modal(double, user, order)
    missing = views.fill(view, order.get("values") or {})
    if missing:
        return _submitted(stack, errors=missing)
    payload = payloads.view_submission(
        double.workspace, user, copy.deepcopy(view), trigger_id=double.new_trigger(user, view)
    )
    answer = await double.delivery.interact("interactive", payload)
    if answer.failed:
        return _submitted(stack, failed=answer.failed)
    try:
        errors = views.respond(double.workspace, stack, view, answer.payload)
    except Refused as refusal:
        return _submitted(stack, failed=f"{refusal.error} {' '.join(refusal.details)}".strip())
    return _submitted(stack, errors=errors, closed=view not in stack and not errors)


async def close_view(double: Double, order: Json) -> Json:
    """{user, view_id, all?}: the app is notified if it asked for that."""
    user = user_of(double, order)
    stack, view = _modal(double, user, order)
    is_cleared = bool(order.get("all"))
    closed = list(reversed(stack)) if is_cleared else [view]
    for one in closed:
        stack.remove(one)
    for one in closed:
        if one.get("notify_on_close"):
            payload = payloads.view_closed(double.workspace, user, one, is_cleared=is_cleared)
            await double.delivery.interact("interactive", payload)
    return {}


async def command(double: Double, order: Json) -> Json:
    """{user, channel, text, command?}: only this person sees the answer, unless `in_channel`."""
    user, channel = user_of(double, order), channel_of(double, order)
    if user not in channel.members:
        raise InvalidOrder(f"{user} is not in {channel.id}")
    trigger_id = double.new_trigger(user)
    payload = payloads.slash_command(
        double.workspace,
        user,
        channel,
        command=str(order.get("command") or payloads.COMMAND),
        text=str(order.get("text", "")),
        trigger_id=trigger_id,
        response_url=open_response(double, user, channel.id),
    )
    answer = await double.delivery.interact("slash_commands", payload)
    failed = answer.failed
    if answer.payload and not failed:
        try:
            show(double, user, channel.id, answer.payload)
        except Refused as refusal:
            failed = refusal.error
    return {"trigger_id": trigger_id, "failed": failed}


async def shortcut(double: Double, order: Json) -> Json:
    """{user, channel, ts, callback_id}: uses a message shortcut."""
    user = user_of(double, order)
    message = message_seen_by(double, user, order)
    trigger_id = double.new_trigger(user)
    payload = payloads.message_action(
        double.workspace,
        user,
        message,
        callback_id=str(order["callback_id"]),
        trigger_id=trigger_id,
        response_url=open_response(double, user, message.channel),
    )
    answer = await double.delivery.interact("interactive", payload)
    return {"trigger_id": trigger_id, "failed": answer.failed}


def trigger(double: Double, order: Json) -> Json:
    """{user}: a trigger as after a click; it opens one view."""
    return {"trigger_id": double.new_trigger(user_of(double, order))}


def _submitted(
    stack: list[Json],
    *,
    errors: dict[str, str] | None = None,
    failed: str = "",
    closed: bool = False,
) -> Json:
    shown = stack[-1] if stack else None
    return {"closed": closed, "errors": errors or {}, "view": shown, "failed": failed}


def _view(double: Double, user: str, order: Json) -> Json:
    """Return the person's Home tab or one of their modals."""
    if order.get("home"):
        if user not in double.workspace.homes:
            raise InvalidOrder(f"Ken has not published a Home tab for {user}")
        return double.workspace.homes[user]
    home = double.workspace.homes.get(user)
    if home and home["id"] == order.get("view_id"):
        return home
    return _modal(double, user, order)[1]


def _modal(double: Double, user: str, order: Json) -> tuple[list[Json], Json]:
    stack = double.workspace.modals.get(user, [])
    for view in stack:
        if view["id"] == order.get("view_id"):
            return stack, view
    raise InvalidOrder(f"{user} has no open view {order.get('view_id')!r}")


def _action(double: Double, blocks: list[Json], order: Json) -> Json:
    """Build one entry of `actions`. Raises InvalidOrder if there is no such element."""
    wanted = order.get("action_id")
    for block, element in views.elements(blocks):
        if element.get("action_id") == wanted:
            done = next(_done(element, order), None)
            if done is not None:
                place = {"block_id": block["block_id"], "action_id": wanted}
                stamp = {"action_ts": double.workspace.next_ts()}
                return {"type": element["type"], **place, **done, **stamp}
    given = order.get("value", order.get("selected"))
    raise InvalidOrder(f"there is no element {wanted!r} that takes {given!r}")


def _done(element: Json, order: Json) -> Iterator[Json]:
    """Yield the action's values, if the element can be used like that."""
    kind, value, selected = element["type"], order.get("value"), order.get("selected")
    if kind == "feedback_buttons":
        for name in ("positive_button", "negative_button"):
            if element[name]["value"] == value:
                yield {"text": element[name]["text"], "value": value}
    elif kind in _WITH_OPTIONS:
        yield from _chosen(element, selected if selected is not None else value)
    elif kind in _WITH_SEVERAL:
        wanted = selected if isinstance(selected, list) else [selected]
        yield {"selected_options": [o for o in views.options(element) if o["value"] in wanted]}
    elif kind in _WITH_VALUE and selected not in (None, ""):
        yield {_WITH_VALUE[kind]: selected}
    elif kind in ("button", "icon_button") and value in (None, element.get("value")):
        names = ("text", "value", "url", "style", "confirm")
        yield {name: element[name] for name in names if name in element}


def _chosen(element: Json, wanted: Any) -> Iterator[Json]:
    for option in views.options(element):
        if option.get("value") == wanted:
            done: Json = {"selected_option": option}
            if "placeholder" in element:
                done["placeholder"] = element["placeholder"]
            yield done
