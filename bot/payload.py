"""Reads what Slack sent. Input that Slack would never send is `Malformed`, not a crash."""

import json
from typing import Any
from urllib.parse import parse_qsl

from workers.interface import written

Json = dict[str, Any]

_LONGEST_ID = 255
_LARGEST_ROW = 2**63 - 1
_FORM = "application/x-www-form-urlencoded"
_TEXTS = (
    "type callback_id command response_url trigger_id event_id team_id enterprise_id user_id"
    " channel_id ssl_check"
).split()


class Malformed(ValueError):
    """Slack would never send this, and a repeat would be the same."""


def read_body(raw: str, content_type: str) -> Json:
    """Parse a request's body. Raises Malformed.

    Bolt's own parser loses a command whose text contains the word `payload`.
    """
    if content_type.partition(";")[0].strip().lower() == _FORM:
        form: Json = dict(parse_qsl(raw, keep_blank_values=True))
        return _parsed(form["payload"]) if "payload" in form else form
    return _parsed(raw)


def check(body: Any) -> None:
    """Check the fields that Bolt reads to find a listener. Raises Malformed."""
    _must(isinstance(body, dict))
    kind = body.get("type")
    if kind == "event_callback" or "event" in body:
        _must(isinstance(body.get("event"), dict))
    if kind == "event_callback":
        _must(isinstance(body["event"].get("type"), str))
    elif kind == "block_actions":
        actions = body.get("actions")
        _must(isinstance(actions, list) and bool(actions) and isinstance(actions[0], dict))
        _must(isinstance(actions[0].get("action_id"), str))
    elif kind in ("view_submission", "view_closed"):
        _must(isinstance(body.get("view"), dict))
    for name in _TEXTS:
        text(body, name)


def text(where: Json, name: str) -> str:
    """Return a text, empty if it is missing or null. Raises Malformed."""
    found = where.get(name)
    if found is None:
        return ""
    _must(isinstance(found, str))
    return str(found)


def identifier(where: Json, *names: str) -> str:
    """Return the first id or ts among these names. Raises Malformed if there is none."""
    for name in names:
        found = text(where, name)
        if found:
            _must(len(found) <= _LONGEST_ID and found.isascii() and found.isprintable())
            return found
    raise Malformed


def part(where: Json, name: str) -> Json:
    """Return an object, empty if it is missing or null. Raises Malformed."""
    found = where.get(name)
    if found is None:
        return {}
    _must(isinstance(found, dict))
    return dict(found)


def message_text(message: Json) -> str:
    """Return the text that the author of a message wrote, as Slack sends it. Raises Malformed."""
    text(message, "text")
    return written(message)


def row_id(value: str) -> int:
    """Parse the id of one of our rows, as we put it into a button. Raises Malformed."""
    _must(
        value.isascii()
        and value.isdecimal()
        and len(value) <= 19
        and 0 < int(value) <= _LARGEST_ROW
    )
    return int(value)


def _parsed(raw: str) -> Json:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise Malformed from None
    _must(isinstance(found, dict))
    return dict(found)


def _must(holds: bool) -> None:
    if not holds:
        raise Malformed
