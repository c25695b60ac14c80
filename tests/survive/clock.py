"""What is imported before anything else has a clock that can be moved.

KEN_CLOCK names a file that says by how many seconds; while it is not there the clock is right.
"""

import os
import time
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

import datetime  # isort: skip  # whose class is replaced

_time, _time_ns = time.time, time.time_ns
_right: Any = datetime.datetime


def _shift() -> float:
    file = os.environ.get("KEN_CLOCK")
    try:
        return float(Path(file).read_text() or 0) if file else 0.0
    except (OSError, ValueError):
        return 0.0


class _Meta(type):
    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, _right)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, _right)


class _Moved(_right, metaclass=_Meta):  # type: ignore[misc]
    """What it makes are ordinary datetimes."""

    __slots__ = ()

    def __new__(cls, *given: Any, **named: Any) -> Any:
        return _right(*given, **named)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return _right.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> Any:
        return _right.fromtimestamp(time.time(), UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Any:
        return _right.fromtimestamp(time.time())


time.time = lambda: _time() + _shift()
time.time_ns = lambda: _time_ns() + int(_shift() * 1e9)
datetime.datetime = _Moved  # type: ignore[misc]
