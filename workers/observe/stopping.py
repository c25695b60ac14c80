"""How this process ends: on request it finishes its work; without memory it ends at once."""

import os
import sys
import threading
import time
from functools import partial
from typing import Any

_requested = threading.Event()
_ends_without_memory = threading.Event()
_BEGIN_S = 10.0
"""A thread that has not started within this time never will."""
_end = partial(os._exit, 70)
"""End like a killed process: its leases expire, and its supervisor starts it again."""


def request() -> None:
    _requested.set()


def is_requested() -> bool:
    return _requested.is_set()


def exit_on_memory_error() -> None:
    """End this process on the first MemoryError from now on.

    A thread that finds no memory to start leaves `Thread.start` waiting for ever. That hangs the
    thread that takes questions from the queue, or one that holds a lease. Often Python has no
    memory left to raise either, so a watching thread is started in time.
    """
    _ends_without_memory.set()
    threading.Thread(target=_watch, name="beginnings", daemon=True).start()
    sys.unraisablehook = partial(_exit_if_memory_error, sys.unraisablehook)
    threading.excepthook = partial(_exit_if_memory_error, threading.excepthook)


def _watch() -> None:
    try:
        waiting: list[threading.Thread] = []
        while True:
            time.sleep(_BEGIN_S)
            new = [one for one in threading.enumerate() if not one.is_alive()]  # not begun yet
            if any(one in waiting for one in new):
                _end()
            waiting = new
    except MemoryError:
        _end()


def exit_if_out_of_memory(error: BaseException) -> None:
    """Call this wherever every exception is caught: it ends the process if it is out of memory."""
    if isinstance(error, MemoryError) and _ends_without_memory.is_set():
        _end()


def _exit_if_memory_error(otherwise: Any, failed: Any) -> None:
    if issubclass(failed.exc_type, MemoryError):
        _end()
    otherwise(failed)
