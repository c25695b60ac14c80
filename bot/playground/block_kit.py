"""Which blocks Slack takes, as strict as Slack and a little stricter.

Limits: https://docs.slack.dev/reference/block-kit/blocks/ . The total text of a message's blocks is
not documented; 13,200 characters were measured (https://github.com/slackapi/bolt-js/issues/2509).
"""

from collections.abc import Callable, Iterator

from bot.playground.workspace import Json

LARGEST_TEXT = 13_200
MOST_IN_MESSAGE = 50
MOST_IN_VIEW = 100


class BlocksInvalid(Exception):
    """Says what is wrong and where, as `response_metadata.messages` does."""

    def __init__(self, message: str, pointer: str) -> None:
        super().__init__(f"[ERROR] {message} [json-pointer:{pointer}]")


def check_blocks(blocks: object, *, most: int = MOST_IN_MESSAGE) -> None:
    """Raises BlocksInvalid."""
    if not isinstance(blocks, list):
        raise BlocksInvalid("must provide an array", "/blocks")
    if len(blocks) > most:
        raise BlocksInvalid(f"no more than {most} items allowed", "/blocks")
    for number, block in enumerate(blocks):
        _check_block(block, f"/blocks/{number}")
    named = [block["block_id"] for block in blocks if "block_id" in block]
    if len(named) != len(set(named)):
        raise BlocksInvalid("block_id must be unique", "/blocks")


def text_length(blocks: list[Json]) -> int:
    return sum(len(text) for text in _texts(blocks))


def _check_block(block: object, place: str) -> None:
    block = _object(block, place)
    kind = block.get("type")
    if kind not in _BLOCKS:
        raise BlocksInvalid(f"unsupported type: {kind}", f"{place}/type")
    required, optional, check = _BLOCKS[kind]
    _check_names(block, {"type", *required}, {"block_id", *optional}, place)
    if "block_id" in block:
        _string(block["block_id"], f"{place}/block_id", most=255)
    check(block, place)


def _section(block: Json, place: str) -> None:
    if "text" not in block and "fields" not in block:
        raise BlocksInvalid("missing required field: text or fields", place)
    if "text" in block:
        _text(block["text"], f"{place}/text", most=3000)
    if "fields" in block:
        for item, at in _list(block["fields"], f"{place}/fields", most=10):
            _text(item, at, most=2000)
    if "accessory" in block:
        _element(block["accessory"], f"{place}/accessory")


def _header(block: Json, place: str) -> None:
    _text(block["text"], f"{place}/text", most=150, kinds=("plain_text",))


def _context(block: Json, place: str) -> None:
    for item, at in _list(block["elements"], f"{place}/elements", most=10):
        if _object(item, at).get("type") == "image":
            _element(item, at)
        else:
            _text(item, at, most=3000)


def _actions(block: Json, place: str) -> None:
    action_ids = []
    for item, at in _list(block["elements"], f"{place}/elements", most=25):
        _element(item, at)
        action_ids += [item["action_id"]] if "action_id" in item else []
    if len(action_ids) != len(set(action_ids)):
        raise BlocksInvalid("action_id must be unique in a block", f"{place}/elements")


def _context_actions(block: Json, place: str) -> None:
    for item, at in _list(block["elements"], f"{place}/elements", most=5):
        _element(item, at, kinds=("feedback_buttons", "icon_button"))


def _image(block: Json, place: str) -> None:
    _check_image(block, place)
    if "title" in block:
        _text(block["title"], f"{place}/title", most=2000, kinds=("plain_text",))


def _input(block: Json, place: str) -> None:
    _text(block["label"], f"{place}/label", most=2000, kinds=("plain_text",))
    _element(block["element"], f"{place}/element")


def _markdown(block: Json, place: str) -> None:
    _string(block["text"], f"{place}/text", most=12_000)


def _rich_text(block: Json, place: str) -> None:
    for item, at in _list(block["elements"], f"{place}/elements"):
        _rich_text_part(item, at)


def _rich_text_part(part: object, place: str) -> None:
    part = _object(part, place)
    kind = part.get("type")
    if kind not in _RICH_PARTS:
        raise BlocksInvalid(f"unsupported type: {kind}", f"{place}/type")
    _check_names(part, {"type", "elements"}, _RICH_PARTS[kind], place)
    for item, at in _list(part["elements"], f"{place}/elements", fewest=0):
        if kind != "rich_text_list":
            _rich_text_leaf(item, at)
        elif _object(item, at).get("type") == "rich_text_section":
            _rich_text_part(item, at)
        else:
            raise BlocksInvalid("a list has sections only", f"{at}/type")
    if kind == "rich_text_list" and part.get("style") not in ("bullet", "ordered"):
        raise BlocksInvalid("must be one of: bullet, ordered", f"{place}/style")


def _rich_text_leaf(leaf: object, place: str) -> None:
    leaf = _object(leaf, place)
    kind = leaf.get("type")
    if kind not in _RICH_LEAVES:
        raise BlocksInvalid(f"unsupported type: {kind}", f"{place}/type")
    required, optional = _RICH_LEAVES[kind]
    _check_names(leaf, {"type", *required}, {"style", *optional}, place)
    for name in required:
        if name != "timestamp":
            _string(leaf[name], f"{place}/{name}")
    style = _object(leaf.get("style", {}), f"{place}/style")
    if not all(value in (True, False) for value in style.values()):
        raise BlocksInvalid("must be a boolean", f"{place}/style")


def _unchecked(block: Json, place: str) -> None:
    """Only the names are checked; Ken does not send these yet."""


def _element(element: object, place: str, kinds: tuple[str, ...] = ()) -> None:
    element = _object(element, place)
    kind = element.get("type")
    if kind not in (kinds or _ELEMENTS):
        raise BlocksInvalid(f"unsupported type: {kind}", f"{place}/type")
    if "action_id" in element:
        _string(element["action_id"], f"{place}/action_id", most=255)
    if kind == "image":
        _check_image(element, place)
    if kind == "button":
        _button(element, place)
    if kind == "feedback_buttons":
        for name in ("positive_button", "negative_button"):
            button = _object(element.get(name), f"{place}/{name}")
            _text(button.get("text"), f"{place}/{name}/text", most=75, kinds=("plain_text",))
            _string(button.get("value"), f"{place}/{name}/value", most=2000)


def _button(button: Json, place: str) -> None:
    _text(button.get("text"), f"{place}/text", most=75, kinds=("plain_text",))
    for name, most in (("value", 2000), ("url", 3000)):
        if name in button:
            _string(button[name], f"{place}/{name}", most=most)
    if button.get("style", "primary") not in ("primary", "danger"):
        raise BlocksInvalid("must be one of: primary, danger", f"{place}/style")


def _check_image(image: Json, place: str) -> None:
    _string(image.get("alt_text"), f"{place}/alt_text", most=2000)
    if "slack_file" not in image:
        _string(image.get("image_url"), f"{place}/image_url", most=3000)


def _text(
    text: object, place: str, *, most: int, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")
) -> None:
    text = _object(text, place)
    if text.get("type") not in kinds:
        raise BlocksInvalid(f"must be one of: {', '.join(kinds)}", f"{place}/type")
    flag = "verbatim" if text["type"] == "mrkdwn" else "emoji"
    _check_names(text, {"type", "text"}, {flag}, place)
    _string(text["text"], f"{place}/text", most=most)


def _string(value: object, place: str, *, most: int = 40_000) -> None:
    if not isinstance(value, str):
        raise BlocksInvalid("must be a string", place)
    if not value:
        raise BlocksInvalid("must be more than 0 characters", place)
    if len(value) > most:
        raise BlocksInvalid(f"must be less than {most + 1} characters", place)


def _object(value: object, place: str) -> Json:
    if not isinstance(value, dict):
        raise BlocksInvalid("should be an object", place)
    return value


def _list(
    value: object, place: str, *, fewest: int = 1, most: int = 10_000
) -> Iterator[tuple[Json, str]]:
    if not isinstance(value, list):
        raise BlocksInvalid("must provide an array", place)
    if not fewest <= len(value) <= most:
        raise BlocksInvalid(f"from {fewest} to {most} items allowed", place)
    for number, item in enumerate(value):
        yield item, f"{place}/{number}"


def _check_names(value: Json, required: set[str], optional: set[str], place: str) -> None:
    for name in sorted(required - value.keys()):
        raise BlocksInvalid(f"missing required field: {name}", place)
    for name in sorted(value.keys() - required - optional):
        raise BlocksInvalid(f"invalid additional property: {name}", place)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "text" and isinstance(item, str):
                yield item
            else:
                yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


_BLOCKS: dict[str, tuple[set[str], set[str], Callable[[Json, str], None]]] = {
    "section": (set(), {"text", "fields", "accessory", "expand"}, _section),
    "header": ({"text"}, set(), _header),
    "divider": (set(), set(), _unchecked),
    "image": ({"alt_text"}, {"image_url", "slack_file", "title"}, _image),
    "context": ({"elements"}, set(), _context),
    "actions": ({"elements"}, set(), _actions),
    "context_actions": ({"elements"}, set(), _context_actions),
    "input": ({"label", "element"}, {"dispatch_action", "hint", "optional"}, _input),
    "markdown": ({"text"}, set(), _markdown),
    "rich_text": ({"elements"}, set(), _rich_text),
    "table": ({"rows"}, {"column_settings"}, _unchecked),
    "task_card": ({"task_id", "title"}, {"status", "details", "output", "sources"}, _unchecked),
    "plan": ({"title"}, {"tasks"}, _unchecked),
    "alert": ({"text"}, {"level"}, _unchecked),
}
"""The fields that must and may be there beside `type` and `block_id`, and the rest of the check."""

_ELEMENTS = (
    "button",
    "checkboxes",
    "datepicker",
    "datetimepicker",
    "email_text_input",
    "image",
    "number_input",
    "overflow",
    "plain_text_input",
    "radio_buttons",
    "rich_text_input",
    "timepicker",
    "url_text_input",
    *(
        f"{multi}{of}_select"
        for multi in ("", "multi_")
        for of in ("static", "external", "users", "conversations", "channels")
    ),
)

_RICH_PARTS = {
    "rich_text_section": set[str](),
    "rich_text_list": {"style", "indent", "offset", "border"},
    "rich_text_quote": {"border"},
    "rich_text_preformatted": {"border", "language"},
}

_RICH_LEAVES: dict[str, tuple[set[str], set[str]]] = {
    "text": ({"text"}, set()),
    "link": ({"url"}, {"text", "unsafe"}),
    "emoji": ({"name"}, {"unicode", "skin_tone"}),
    "user": ({"user_id"}, set()),
    "usergroup": ({"usergroup_id"}, set()),
    "channel": ({"channel_id"}, set()),
    "team": ({"team_id"}, set()),
    "broadcast": ({"range"}, set()),
    "date": ({"timestamp", "format"}, {"url", "fallback"}),
    "color": ({"value"}, set()),
}
