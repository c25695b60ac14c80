"""Checks blocks and views as strictly as Slack, or slightly more so.

Limits: https://docs.slack.dev/reference/block-kit/blocks/ . The total text of a message's blocks is
not documented; 13,200 characters were measured (https://github.com/slackapi/bolt-js/issues/2509).
"""

from collections.abc import Callable, Iterator

from bot.playground.blocks.block_parts import (
    BlocksInvalid,
    as_list,
    as_object,
    check_flag,
    check_names,
    check_one_of,
    check_plain,
    check_string,
    check_text,
    check_unique,
    check_url,
)
from bot.playground.blocks.elements import (
    IN_ACTIONS,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    check_element,
    check_image,
)
from bot.playground.blocks.rich_text import check_rich_text
from bot.playground.workspace import Json

LARGEST_TEXT = 13_200
LONGEST_MARKDOWN = 12_000
"""Characters in all markdown blocks of one call together."""
MOST_IN_MESSAGE = 50
MOST_IN_VIEW = 100
_IN_MESSAGES_ONLY = {"context_actions", "plan", "table", "task_card"}


def check_blocks(blocks: object, *, most: int = MOST_IN_MESSAGE) -> None:
    """Check a list of blocks. Raises BlocksInvalid."""
    if not isinstance(blocks, list):
        raise BlocksInvalid("must provide an array", "/blocks")
    if len(blocks) > most:
        raise BlocksInvalid(f"no more than {most} items allowed", "/blocks")
    for number, block in enumerate(blocks):
        _check_block(block, f"/blocks/{number}")
    named = [block["block_id"] for block in blocks if "block_id" in block]
    check_unique(named, "block_id", "/blocks")
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > LONGEST_MARKDOWN:
        raise BlocksInvalid("too much markdown together", "/blocks")


def check_view(view: Json) -> None:
    """Check a Home tab or a modal with its blocks. Raises BlocksInvalid."""
    optional = {"private_metadata", "callback_id", "external_id"}
    required = {"type", "blocks"}
    if view["type"] == "modal":
        required |= {"title"}
        optional |= {"submit", "close", "clear_on_close", "notify_on_close", "submit_disabled"}
    check_names(view, required, optional, "/view")
    for name in ("title", "submit", "close"):
        if name in view:
            check_plain(view[name], f"/view/{name}", most=24)
    for name, most in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        if view.get(name):
            check_string(view[name], f"/view/{name}", most=most)
    check_blocks(view["blocks"], most=MOST_IN_VIEW)
    kinds = {block["type"] for block in view["blocks"]}
    for kind in sorted(kinds & _IN_MESSAGES_ONLY):
        raise BlocksInvalid(f"unsupported type: {kind}", "/view/blocks")
    if view["type"] == "modal" and "input" in kinds and "submit" not in view:
        raise BlocksInvalid("missing required field: submit", "/view")


def check_sources(sources: object, place: str) -> None:
    """Check a task's sources: links with a text. Raises BlocksInvalid."""
    for item, at in as_list(sources, place, fewest=0):
        source = as_object(item, at)
        check_names(source, {"type", "url", "text"}, {"icon_url"}, at)
        check_one_of(source["type"], ("url",), f"{at}/type")
        check_url(source["url"], f"{at}/url")
        check_string(source["text"], f"{at}/text")


def text_length(blocks: list[Json]) -> int:
    return sum(len(text) for text in _texts(blocks))


def _check_block(block: object, place: str) -> None:
    block = as_object(block, place)
    kind = block.get("type")
    if kind not in _BLOCKS:
        raise BlocksInvalid(f"unsupported type: {kind}", f"{place}/type")
    required, optional, check = _BLOCKS[kind]
    check_names(block, {"type", *required}, {"block_id", *optional}, place)
    if "block_id" in block:
        check_string(block["block_id"], f"{place}/block_id", most=255)
    check(block, place)


def _section(block: Json, place: str) -> None:
    if "text" not in block and "fields" not in block:
        raise BlocksInvalid("missing required field: text or fields", place)
    if "text" in block:
        check_text(block["text"], f"{place}/text", most=3000)
    if "fields" in block:
        for item, at in as_list(block["fields"], f"{place}/fields", most=10):
            check_text(item, at, most=2000)
    if "accessory" in block:
        check_element(block["accessory"], f"{place}/accessory", IN_SECTION)
    check_flag(block.get("expand", False), f"{place}/expand")


def _header(block: Json, place: str) -> None:
    check_plain(block["text"], f"{place}/text", most=150)


def _context(block: Json, place: str) -> None:
    for item, at in as_list(block["elements"], f"{place}/elements", most=10):
        if as_object(item, at).get("type") == "image":
            check_element(item, at, frozenset({"image"}))
        else:
            check_text(item, at, most=3000)


def _actions(block: Json, place: str) -> None:
    _check_elements(block, place, IN_ACTIONS, most=25)


def _context_actions(block: Json, place: str) -> None:
    _check_elements(block, place, IN_CONTEXT_ACTIONS, most=5)


def _check_elements(block: Json, place: str, kinds: frozenset[str], *, most: int) -> None:
    action_ids = []
    for item, at in as_list(block["elements"], f"{place}/elements", most=most):
        check_element(item, at, kinds)
        action_ids += [item["action_id"]] if "action_id" in item else []
    check_unique(action_ids, "action_id", f"{place}/elements")


def _image(block: Json, place: str) -> None:
    check_image(block, place)
    if "title" in block:
        check_plain(block["title"], f"{place}/title", most=2000)


def _input(block: Json, place: str) -> None:
    check_plain(block["label"], f"{place}/label", most=2000)
    if "hint" in block:
        check_plain(block["hint"], f"{place}/hint", most=2000)
    for name in ("optional", "dispatch_action"):
        check_flag(block.get(name, False), f"{place}/{name}")
    check_element(block["element"], f"{place}/element", IN_INPUT)


def _markdown(block: Json, place: str) -> None:
    check_string(block["text"], f"{place}/text", most=LONGEST_MARKDOWN)


def _task_card(block: Json, place: str) -> None:
    for name in ("task_id", "title"):
        check_string(block[name], f"{place}/{name}", most=255)
    statuses = ("pending", "in_progress", "complete", "error")
    check_one_of(block["status"], statuses, f"{place}/status")
    for name in ("details", "output"):
        if name in block:
            check_one_of(
                as_object(block[name], f"{place}/{name}").get("type"),
                ("rich_text",),
                f"{place}/{name}/type",
            )
            _check_block(block[name], f"{place}/{name}")
    check_sources(block.get("sources", []), f"{place}/sources")


def _plan(block: Json, place: str) -> None:
    check_string(block["title"], f"{place}/title", most=255)
    task_ids = []
    for item, at in as_list(block.get("tasks", []), f"{place}/tasks", fewest=0, most=50):
        check_one_of(as_object(item, at).get("type"), ("task_card",), f"{at}/type")
        _check_block(item, at)
        task_ids.append(item["task_id"])
    check_unique(task_ids, "task_id", f"{place}/tasks")


def _alert(block: Json, place: str) -> None:
    check_text(block["text"], f"{place}/text", most=3000)
    levels = ("default", "info", "warning", "error", "success")
    check_one_of(block.get("level", "default"), levels, f"{place}/level")


def _unchecked(block: Json, place: str) -> None:
    """Check nothing but the field names; Ken does not send these blocks."""


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
    "rich_text": ({"elements"}, set(), check_rich_text),
    "table": ({"rows"}, {"column_settings"}, _unchecked),
    "task_card": ({"task_id", "title", "status"}, {"details", "output", "sources"}, _task_card),
    "plan": ({"title"}, {"tasks"}, _plan),
    "alert": ({"text"}, {"level"}, _alert),
}
"""Required and optional fields besides `type` and `block_id`, and the check of their values."""
