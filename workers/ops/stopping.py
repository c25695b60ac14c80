"""How this process ends: told to, it finishes what it has; without memory, at once."""

import os
import sys
import threading
from functools import partial
from typing import Any

_told = threading.Event()
_ends_without_memory = threading.Event()
_end = partial(os._exit, 70)
"""As if killed: its leases run out, and whoever runs it starts it again."""


def begin() -> None:
    _told.set()


def begun() -> bool:
    return _told.is_set()


def end_without_memory() -> None:
    """From now on the first MemoryError ends this process.

    A thread that finds no memory to begin with leaves `Thread.start` waiting for ever. That hangs
    whoever takes questions from the queue, or holds one under a lease that is renewed.
    """
    _ends_without_memory.set()
    sys.unraisablehook = partial(_look_at, sys.unraisablehook)
    threading.excepthook = partial(_look_at, threading.excepthook)


def survives(error: BaseException) -> None:
    """Whoever catches everything asks first whether this process may go on."""
    if isinstance(error, MemoryError) and _ends_without_memory.is_set():
        _end()


def _look_at(otherwise: Any, failed: Any) -> None:
    if issubclass(failed.exc_type, MemoryError):
        _end()
    otherwise(failed)
