"""Parses a request's JSON, and refuses what is too large or ambiguous."""

import json
from typing import Any

from scim2_models import InvalidSyntaxException, InvalidValueException

from workers.admin.scim.dialects import in_rfc_words, without_unknown

LONGEST_TEXT = 20_000
"""Characters; a certificate has a few thousand."""
LONGEST_LIST = 100
"""The most values, or operations, in one list about a user."""
MOST_VALUES = 300
"""The most values in all lists of a request about a user: a PATCH compares each with each."""
MOST_OPERATIONS = 1_000
"""The most operations in a PATCH of a group; each may have as many members as fit."""
DEEPEST = 10


def parse(body: bytes, kind: str) -> dict[str, Any]:
    """Parse the body as an object. Raises InvalidSyntaxException, InvalidValueException."""
    try:
        payload = json.loads(body, object_pairs_hook=_object, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidSyntaxException(detail=f"The body is not JSON: {_reason(error)}") from None
    if not isinstance(payload, dict):
        raise InvalidSyntaxException(detail="The body is not a JSON object")
    payload = without_unknown(payload, kind)
    _check(payload, "", kind, depth=0)
    if kind != "Group" and _values_in(payload) > MOST_VALUES:
        raise InvalidValueException(detail=f"The lists have more than {MOST_VALUES} values")
    return in_rfc_words(payload, kind)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse names that differ only in case (RFC 7643, 2.1): the value would be ambiguous."""
    if len({name.lower() for name, _ in pairs}) < len(pairs):
        raise ValueError("a name occurs twice in one object")
    return dict(pairs)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a value")


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError | RecursionError):
        return "not UTF-8" if isinstance(error, UnicodeDecodeError) else "nested too deeply"
    return str(error) if len(str(error)) < 60 else "a number is too long"


def _check(value: Any, path: str, kind: str, *, depth: int) -> None:
    if depth > DEEPEST:
        raise InvalidSyntaxException(detail="The body is nested too deeply")
    match value:
        case str():
            if len(value) > LONGEST_TEXT:
                raise InvalidValueException(detail=f"{path}: longer than {LONGEST_TEXT} characters")
            if not _is_text(value):
                raise InvalidValueException(detail=f"{path}: has a character that is not text")
        case list():
            _check_length(value, path, kind)
            for place, one in enumerate(value):
                _check(one, f"{path}[{place}]", kind, depth=depth + 1)
        case dict():
            for name, one in value.items():
                if not _is_text(name) or len(name) > LONGEST_TEXT:
                    raise InvalidSyntaxException(detail=f"{path}: a name is not text")
                _check(one, f"{path}.{name}" if path else name, kind, depth=depth + 1)


def _check_length(values: list[Any], path: str, kind: str) -> None:
    if kind != "Group":
        most = LONGEST_LIST
    elif path.lower() == "operations":
        most = MOST_OPERATIONS
    else:
        return  # members: as many as a body has room for
    if len(values) > most:
        raise InvalidValueException(detail=f"{path}: more than {most} values")


def _values_in(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = len(value) if isinstance(value, list) else 0
    return own + sum(_values_in(one) for one in inner)


def _is_text(value: str) -> bool:
    """Return whether PostgreSQL can store it: no NUL, no half of a surrogate pair."""
    return "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)
