"""Checks rich text.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block/
"""

import re

from bot.playground.blocks.block_parts import (
    BlocksInvalid,
    as_list,
    as_object,
    check_flag,
    check_names,
    check_number,
    check_one_of,
    check_string,
    check_url,
)
from bot.playground.workspace import Json

_PARTS = {
    "rich_text_section": set[str](),
    "rich_text_list": {"style", "indent", "offset", "border"},
    "rich_text_quote": {"border"},
    "rich_text_preformatted": {"border", "language"},
}
_NUMBERS = {"indent": 8, "offset": 10_000, "border": 1}
"""The largest value of each field."""

_LEAVES: dict[str, tuple[set[str], set[str]]] = {
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
"""Required and optional fields besides `type` and `style`."""

_STYLES = {
    "bold",
    "italic",
    "strike",
    "code",
    "underline",
    "highlight",
    "client_highlight",
    "unlink",
}
_SHAPES = {
    "user_id": r"[UW][A-Z0-9]+",
    "usergroup_id": r"S[A-Z0-9]+",
    "channel_id": r"[CDG][A-Z0-9]+",
    "range": r"here|channel|everyone",
    "name": r"[a-z0-9_+'-]+",
}


def check_rich_text(block: Json, place: str) -> None:
    for item, at in as_list(block["elements"], f"{place}/elements"):
        _check_part(item, at)


def _check_part(part: object, place: str) -> None:
    part = as_object(part, place)
    kind = part.get("type")
    if kind not in _PARTS:
        raise BlocksInvalid(f"unsupported type: {kind}", f"{place}/type")
    check_names(part, {"type", "elements"}, _PARTS[kind], place)
    for item, at in as_list(part["elements"], f"{place}/elements", fewest=0):
        if kind != "rich_text_list":
            _check_leaf(item, at, only_text=kind == "rich_text_preformatted")
        elif as_object(item, at).get("type") == "rich_text_section":
            _check_part(item, at)
        else:
            raise BlocksInvalid("a list has sections only", f"{at}/type")
    if kind == "rich_text_list":
        check_one_of(part.get("style"), ("bullet", "ordered"), f"{place}/style")
    for name in _NUMBERS.keys() & part.keys():
        check_number(part[name], f"{place}/{name}", fewest=0, most=_NUMBERS[name])


def _check_leaf(leaf: object, place: str, *, only_text: bool) -> None:
    leaf = as_object(leaf, place)
    kind = leaf.get("type")
    if kind not in _LEAVES or (only_text and kind not in ("text", "link")):
        raise BlocksInvalid(f"unsupported type: {kind}", f"{place}/type")
    required, optional = _LEAVES[kind]
    check_names(leaf, {"type", *required}, {"style", *optional}, place)
    for name in (required | {"text"}) & leaf.keys() - {"timestamp"}:
        check_string(leaf[name], f"{place}/{name}")
    for name in _SHAPES.keys() & leaf.keys():
        if not re.fullmatch(_SHAPES[name], leaf[name]):
            raise BlocksInvalid(f"must match {_SHAPES[name]}", f"{place}/{name}")
    if "url" in leaf:
        check_url(leaf["url"], f"{place}/url")
    style = as_object(leaf.get("style", {}), f"{place}/style")
    check_names(style, set(), _STYLES, f"{place}/style")
    for name, value in style.items():
        check_flag(value, f"{place}/style/{name}")
