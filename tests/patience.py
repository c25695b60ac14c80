"""A limit for work that could grow without end: text that is made to be slow."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_S = 20.0
"""Some forty times what the tests' texts take. Only work that grows faster than its text gets
there, and that takes minutes or years."""


@contextmanager
def patience(seconds: float = LONGEST_S) -> Iterator[None]:
    """Fails what still computes after this much computing time of its own.

    Other work on the machine does not count: it makes nothing fail.
    """

    def give_up(*_: object) -> None:
        raise AssertionError(f"it still computes after {seconds} s of computing")

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
