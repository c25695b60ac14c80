"""Checks buttons, menus and inputs, and where each may be used.

https://docs.slack.dev/reference/block-kit/block-elements/
"""

from collections.abc import Callable

from bot.playground.blocks.block_parts import (
    BlocksInvalid,
    as_list,
    as_object,
    check_flag,
    check_names,
    check_number,
    check_one_of,
    check_plain,
    check_string,
    check_text,
    check_unique,
    check_url,
)
from bot.playground.workspace import Json


def check_element(element: object, place: str, kinds: frozenset[str]) -> None:
    """Check an element, which must be of one of these kinds. Raises BlocksInvalid."""
    element = as_object(element, place)
    kind = element.get("type")
    if kind not in kinds:
        raise BlocksInvalid(f"unsupported type: {kind}", f"{place}/type")
    if "action_id" in element:
        check_string(element["action_id"], f"{place}/action_id", most=255)
    if "placeholder" in element:
        check_plain(element["placeholder"], f"{place}/placeholder", most=150)
    if "confirm" in element:
        _check_confirm(element["confirm"], f"{place}/confirm")
    if "focus_on_load" in element:
        check_flag(element["focus_on_load"], f"{place}/focus_on_load")
    if kind in _ELEMENTS:
        required, optional, check = _ELEMENTS[kind]
        check_names(element, {"type", *required}, {"action_id", *optional}, place)
        check(element, place)


def check_image(image: Json, place: str) -> None:
    check_string(image.get("alt_text"), f"{place}/alt_text", most=2000)
    if "slack_file" not in image:
        check_url(image.get("image_url"), f"{place}/image_url")


def _button(button: Json, place: str) -> None:
    check_plain(button["text"], f"{place}/text", most=75)
    _check_value(button, place)
    if "url" in button:
        check_url(button["url"], f"{place}/url")
    check_one_of(button.get("style", "primary"), ("primary", "danger"), f"{place}/style")


def _feedback_buttons(element: Json, place: str) -> None:
    for name in ("positive_button", "negative_button"):
        at = f"{place}/{name}"
        button = as_object(element[name], at)
        check_names(button, {"text", "value"}, {"accessibility_label"}, at)
        check_plain(button["text"], f"{at}/text", most=75)
        _check_value(button, at)


def _icon_button(button: Json, place: str) -> None:
    check_one_of(button["icon"], ("trash",), f"{place}/icon")
    check_plain(button["text"], f"{place}/text", most=75)
    _check_value(button, place)


def _overflow(menu: Json, place: str) -> None:
    _check_options(menu["options"], f"{place}/options", most=5, extra={"url"})


def _static_select(menu: Json, place: str) -> None:
    if ("options" in menu) == ("option_groups" in menu):
        raise BlocksInvalid("either options or option_groups", place)
    values = []
    if "options" in menu:
        values = _check_options(menu["options"], f"{place}/options", most=100)
    for group, at in as_list(menu.get("option_groups", []), f"{place}/option_groups", fewest=0):
        check_names(as_object(group, at), {"label", "options"}, set(), at)
        check_plain(group["label"], f"{at}/label", most=75)
        values += _check_options(group["options"], f"{at}/options", most=100)
    _check_initial(menu, values, place)


def _choice(element: Json, place: str) -> None:
    """Check checkboxes or radio buttons."""
    kinds = ("mrkdwn", "plain_text")
    values = _check_options(element["options"], f"{place}/options", most=10, kinds=kinds)
    _check_initial(element, values, place)


def _plain_text_input(element: Json, place: str) -> None:
    for name, fewest in (("min_length", 0), ("max_length", 1)):
        if name in element:
            check_number(element[name], f"{place}/{name}", fewest=fewest, most=3000)
    if element.get("min_length", 0) > element.get("max_length", 3000):
        raise BlocksInvalid("must not be more than max_length", f"{place}/min_length")
    if element.get("initial_value"):
        most = element.get("max_length", 3000)
        check_string(element["initial_value"], f"{place}/initial_value", most=most)
    check_flag(element.get("multiline", False), f"{place}/multiline")


def _check_options(
    options: object,
    place: str,
    *,
    most: int,
    kinds: tuple[str, ...] = ("plain_text",),
    extra: frozenset[str] | set[str] = frozenset(),
) -> list[str]:
    """Check options, and return their values."""
    values = []
    for option, at in as_list(options, place, most=most):
        check_names(as_object(option, at), {"text", "value"}, {"description", *extra}, at)
        check_text(option["text"], f"{at}/text", most=75, kinds=kinds)
        check_string(option["value"], f"{at}/value", most=150)
        if "description" in option:
            check_text(option["description"], f"{at}/description", most=75, kinds=kinds)
        if "url" in option:
            check_url(option["url"], f"{at}/url")
        values.append(option["value"])
    check_unique(values, "value", place)
    return values


def _check_initial(element: Json, values: list[str], place: str) -> None:
    chosen = list(element.get("initial_options", []))
    chosen += [element["initial_option"]] if "initial_option" in element else []
    for option in chosen:
        if as_object(option, f"{place}/initial_option").get("value") not in values:
            raise BlocksInvalid("must be one of the options", f"{place}/initial_option")


def _check_value(button: Json, place: str) -> None:
    for name, most in (("value", 2000), ("accessibility_label", 75)):
        if name in button:
            check_string(button[name], f"{place}/{name}", most=most)


def _check_confirm(confirm: object, place: str) -> None:
    confirm = as_object(confirm, place)
    check_names(confirm, {"title", "text", "confirm", "deny"}, {"style"}, place)
    for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        kinds = ("mrkdwn", "plain_text") if name == "text" else ("plain_text",)
        check_text(confirm[name], f"{place}/{name}", most=most, kinds=kinds)
    check_one_of(confirm.get("style", "primary"), ("primary", "danger"), f"{place}/style")


_FOCUS = {"confirm", "focus_on_load"}
_OF_MENU = {"options", "option_groups", "placeholder", *_FOCUS}

_ELEMENTS: dict[str, tuple[set[str], set[str], Callable[[Json, str], None]]] = {
    "button": ({"text"}, {"value", "url", "style", "confirm", "accessibility_label"}, _button),
    "feedback_buttons": ({"positive_button", "negative_button"}, set(), _feedback_buttons),
    "icon_button": (
        {"icon", "text"},
        {"value", "confirm", "accessibility_label", "visible_to_user_ids"},
        _icon_button,
    ),
    "overflow": ({"options"}, {"confirm"}, _overflow),
    "static_select": (set(), {"initial_option", *_OF_MENU}, _static_select),
    "multi_static_select": (
        set(),
        {"initial_options", "max_selected_items", *_OF_MENU},
        _static_select,
    ),
    "radio_buttons": ({"options"}, {"initial_option", *_FOCUS}, _choice),
    "checkboxes": ({"options"}, {"initial_options", *_FOCUS}, _choice),
    "plain_text_input": (
        set(),
        {
            *("initial_value", "multiline", "min_length", "max_length", "placeholder"),
            *("focus_on_load", "dispatch_action_config"),
        },
        _plain_text_input,
    ),
    "image": ({"alt_text"}, {"image_url", "slack_file"}, check_image),
}
"""Required and optional fields besides `type` and `action_id`, and the check of their values."""

_CHOSEN_FROM = frozenset(
    {
        *("checkboxes", "datepicker", "datetimepicker", "radio_buttons", "timepicker"),
        *(
            f"{multi}{of}_select"
            for multi in ("", "multi_")
            for of in ("static", "external", "users", "conversations", "channels")
        ),
    }
)
"""Elements that are not in _ELEMENTS are only known by name; Ken does not send them."""

IN_ACTIONS = _CHOSEN_FROM | {"button", "overflow"}
IN_CONTEXT_ACTIONS = frozenset({"feedback_buttons", "icon_button"})
IN_SECTION = IN_ACTIONS | {"image"}
IN_INPUT = _CHOSEN_FROM | {
    *("email_text_input", "number_input", "plain_text_input", "rich_text_input"),
    *("url_text_input", "file_input"),
}
