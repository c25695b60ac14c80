"""Places where the fault suite ends or freezes a process (tests/survive); elsewhere nothing.

A point is armed by a file of its name in the folder that KEN_CRASHPOINTS names, and acts once; or
on everybody who comes by, if the file says "kill all".
"""

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

_ARMED = os.environ.get("KEN_CRASHPOINTS")
_ALL = "kill all"
_ACTIONS = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}


def crashpoint(point: str) -> None:
    if _ARMED:
        _act(Path(_ARMED) / point)


def _act(armed: Path) -> None:
    """Renamed first: of two processes that come by, one acts."""
    with suppress(FileNotFoundError):
        if armed.read_text() == _ALL:
            os.kill(os.getpid(), signal.SIGKILL)
    mine = armed.with_name(f"{armed.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        armed.rename(mine)
    except FileNotFoundError:
        return
    # To this thread, not to the process: else it may run on until another has been stopped.
    signal.pthread_kill(threading.get_ident(), _ACTIONS[mine.read_text().strip()])
