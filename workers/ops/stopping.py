"""Whether this process has been told to end: it takes nothing new, and finishes what it has."""

import threading

_told = threading.Event()


def begin() -> None:
    _told.set()


def begun() -> bool:
    return _told.is_set()
