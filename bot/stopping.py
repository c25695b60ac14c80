"""Waiting until the process is told to stop."""

import os
import select
import signal

_TOLD = (signal.SIGTERM, signal.SIGINT)


class Stopping:
    """Set by SIGTERM or SIGINT from now on, for the rest of the process; made in the main thread.

    A pipe that the signal itself writes to. A handler in Python runs in the main thread, between
    two of its steps: one that sets an Event waits forever for the lock of that Event, if the main
    thread is just about to wait for it.
    """

    def __init__(self) -> None:
        self._told, self._tell = os.pipe()
        os.set_blocking(self._tell, False)
        signal.set_wakeup_fd(self._tell, warn_on_full_buffer=False)
        for number in _TOLD:
            signal.signal(number, lambda *_: None)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Return whether it is to stop, after at most `timeout_s`; without it, wait until it is."""
        readable, _, _ = select.select([self._told], [], [], timeout_s)
        return bool(readable)
