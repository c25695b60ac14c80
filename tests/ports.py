"""A port for a process that is started a moment later."""

import random
import socket
from contextlib import suppress

_CHOICE = range(10_000, 30_000)
"""Below those that the system gives out by itself: nobody gets it by chance meanwhile."""
_chance = random.SystemRandom()


def free_port() -> int:
    while True:
        port = _chance.choice(_CHOICE)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
