"""Checks the double and Ken against Slack's own published schemas and samples."""

import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bot.playground.client import Call
from bot.playground.web_api import COMMON_ERRORS

Json = dict[str, Any]

SHARED = Path(__file__).parents[3] / "shared" / "slack"

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(),
    reason="Slack's published schemas and samples are not beside the repository",
)

UNLISTED = {("chat.postMessage", "msg_too_long")}
"""Slack returns it, though its page does not list it: https://github.com/metabase/metabase/pull/79908"""


OPTIONAL = {("chat.appendStream", "markdown_text")}
"""Listed as required, but the SDK (3.47, `ChatStream`) sends chunks alone, and the page's own
examples do: https://docs.slack.dev/reference/methods/chat.appendStream"""


def required(method: str) -> set[str]:
    """Return the arguments without the token, which may also come in the header."""
    listed = set(schema(method)["args"].get("required", [])) - {"token"}
    return {name for name in listed if (method, name) not in OPTIONAL}


@cache
def schema(method: str) -> Json:
    loaded: Json = json.loads((SHARED / "methods" / f"{method}.json").read_text(encoding="utf-8"))
    return loaded


def sample(name: str) -> Json:
    loaded: Json = json.loads((SHARED / "samples" / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def check_calls(calls: Iterable[Call]) -> None:
    """Check that Slack would accept each accepted request, and give each of the errors."""
    if not SHARED.is_dir():
        return
    for call in calls:
        if call.response is None or call.response.get("error") == "unknown_method":
            continue
        if call.response["ok"]:
            _check_arguments(call)
        elif call.method != "api.test":
            check_error(call.method, call.response["error"])


def check_error(method: str, error: str) -> None:
    listed = schema(method).get("errors", {})
    known = error in listed or error in COMMON_ERRORS or (method, error) in UNLISTED
    assert known, f"{method} never answers {error}"


def unknown_keys(value: Any, example: Any, place: str = "") -> list[str]:
    """Return keys of `value` that Slack's sample lacks; blocks and files are of many kinds.

    An empty object in a sample says nothing; of views the samples leave the blocks out.
    """
    if isinstance(value, list) and isinstance(example, list) and example:
        return [key for item in value for key in unknown_keys(item, example[0], f"{place}[]")]
    if not (isinstance(value, dict) and isinstance(example, dict) and example):
        return []
    unknown = [f"{place}.{key}" for key in value if key not in {*example, "blocks"}]
    for key in value.keys() & example.keys() - {"blocks"}:
        unknown += unknown_keys(value[key], example[key], f"{place}.{key}")
    return unknown


def _check_arguments(call: Call) -> None:
    properties = schema(call.method)["args"]["properties"]
    for name in required(call.method):
        assert name in call.arguments, f"{call.method}: no {name}"
    for name, value in call.arguments.items():
        if name == "team_id":  # Bolt's clients put it into every call
            continue
        assert name in properties, f"{call.method}: Slack knows no {name}"
        assert _fits(value, properties[name]), f"{call.method}: {name} is a {type(value).__name__}"


def _fits(value: Any, wanted: Json) -> bool:
    """Forms carry everything as text; where Slack says string it also takes JSON."""
    if "anyOf" in wanted:
        return any(_fits(value, one) for one in wanted["anyOf"])
    checks: dict[str, Callable[[], bool]] = {
        "string": lambda: isinstance(value, str | list | dict),
        "boolean": lambda: str(value).lower() in ("0", "1", "true", "false"),
        "number": lambda: str(value).isdigit(),
        "integer": lambda: str(value).isdigit(),
        "array": lambda: isinstance(value, str | list),
        "null": lambda: value is None,
    }
    return checks.get(wanted.get("type", ""), lambda: True)()
