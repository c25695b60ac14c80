"""Types of the fields that callers send: only values that PostgreSQL can store."""

import re
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Path, Query
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

LARGEST = 2**63 - 1
_LONGEST_STALENESS = 3650 * 86_400
_TIME = re.compile(r"(?a)\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)")
_DURATION = re.compile(
    r"P(?=.)(?:(?P<W>\d+)W|(?:(?P<D>\d+)D)?(?:T(?=.)(?:(?P<H>\d+)H)?(?:(?P<M>\d+)M)?(?:(?P<S>\d+)S)?)?)",
    re.ASCII,
)
_SECONDS = {"W": 604_800, "D": 86_400, "H": 3_600, "M": 60, "S": 1}
_WRITTEN = 40
"""The most characters of a duration."""


def _written_as_time(value: object) -> object:
    if isinstance(value, str) and _TIME.fullmatch(value):
        return value
    raise ValueError("is not a time such as 2026-05-01T09:30:00Z")


def _within_reason(value: datetime) -> datetime:
    if not 1970 <= value.year <= 9998:
        raise ValueError("is not between the years 1970 and 9998")
    return value


def _read_duration(value: object) -> object:
    """Read RFC 3339, appendix A (weeks, days, hours, minutes, whole seconds), or a number."""
    if value is None or isinstance(value, timedelta):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        seconds = value
    elif (
        isinstance(value, str) and len(value) <= _WRITTEN and (found := _DURATION.fullmatch(value))
    ):
        parts = {name: int(number) for name, number in found.groupdict("0").items()}
        seconds = sum(number * _SECONDS[name] for name, number in parts.items())
    else:
        raise ValueError("is neither a whole number of seconds nor a duration such as PT6H or P7D")
    if not 1 <= seconds <= _LONGEST_STALENESS:
        raise ValueError("is not between a second and ten years")
    return timedelta(seconds=seconds)


def _write_duration(value: timedelta) -> str:
    """Write a duration as `_read_duration` reads it; PT1H0M5S needs its zero minutes."""
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    time = f"{hours}H" if hours else ""
    time += f"{minutes}M" if minutes or (hours and seconds) else ""
    time += f"{seconds}S" if seconds or not (value.days or time) else ""
    return "P" + (f"{value.days}D" if value.days else "") + (f"T{time}" if time else "")


Text = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\u0000]+$")]
SourceName = Annotated[Text, Path(description="The source's name.", examples=["wiki"])]
Id = Annotated[int, Field(ge=1, le=LARGEST)]
Limit = Annotated[int, Query(ge=1, le=1000, description="List at most this many.")]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_written_as_time),
    AfterValidator(_within_reason),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Staleness = Annotated[
    timedelta,
    BeforeValidator(_read_duration),
    PlainSerializer(_write_duration),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": _LONGEST_STALENESS,
                    "description": "Seconds.",
                },
                {"type": "string", "format": "duration", "description": "ISO 8601."},
            ],
            "examples": ["PT6H", 21600],
        }
    ),
]
