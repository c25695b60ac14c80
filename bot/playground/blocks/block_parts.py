"""Checks shared by all blocks: strings, lists, texts, URLs and field names."""

import re
from collections.abc import Iterator

from bot.playground.workspace import Json


class BlocksInvalid(Exception):
    """A block is invalid; the message says what and where, as `response_metadata.messages` does."""

    def __init__(self, message: str, pointer: str) -> None:
        super().__init__(f"[ERROR] {message} [json-pointer:{pointer}]")


def check_text(
    text: object, place: str, *, most: int, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")
) -> None:
    text = as_object(text, place)
    check_one_of(text.get("type"), kinds, f"{place}/type")
    flag = "verbatim" if text["type"] == "mrkdwn" else "emoji"
    check_names(text, {"type", "text"}, {flag}, place)
    check_string(text["text"], f"{place}/text", most=most)
    check_flag(text.get(flag, True), f"{place}/{flag}")


def check_plain(text: object, place: str, *, most: int) -> None:
    check_text(text, place, most=most, kinds=("plain_text",))


def check_string(value: object, place: str, *, most: int = 40_000) -> None:
    if not isinstance(value, str):
        raise BlocksInvalid("must be a string", place)
    if not value:
        raise BlocksInvalid("must be more than 0 characters", place)
    if len(value) > most:
        raise BlocksInvalid(f"must be less than {most + 1} characters", place)


def check_url(value: object, place: str) -> None:
    check_string(value, place, most=3000)
    if not re.fullmatch(r"https?://[^\s/]\S*|mailto:\S+", str(value)):
        raise BlocksInvalid("must be a valid URL", place)


def check_number(value: object, place: str, *, fewest: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not fewest <= value <= most:
        raise BlocksInvalid(f"must be from {fewest} to {most}", place)


def check_flag(value: object, place: str) -> None:
    if not isinstance(value, bool):
        raise BlocksInvalid("must be a boolean", place)


def check_one_of(value: object, known: tuple[str, ...], place: str) -> None:
    if value not in known:
        raise BlocksInvalid(f"must be one of: {', '.join(known)}", place)


def check_names(value: Json, required: set[str], optional: set[str], place: str) -> None:
    for name in sorted(required - value.keys()):
        raise BlocksInvalid(f"missing required field: {name}", place)
    for name in sorted(value.keys() - required - optional):
        raise BlocksInvalid(f"invalid additional property: {name}", place)


def check_unique(names: list[str], what: str, place: str) -> None:
    if len(names) != len(set(names)):
        raise BlocksInvalid(f"{what} must be unique", place)


def as_object(value: object, place: str) -> Json:
    if not isinstance(value, dict):
        raise BlocksInvalid("should be an object", place)
    return value


def as_list(
    value: object, place: str, *, fewest: int = 1, most: int = 10_000
) -> Iterator[tuple[Json, str]]:
    if not isinstance(value, list):
        raise BlocksInvalid("must provide an array", place)
    if not fewest <= len(value) <= most:
        raise BlocksInvalid(f"from {fewest} to {most} items allowed", place)
    for number, item in enumerate(value):
        yield item, f"{place}/{number}"
