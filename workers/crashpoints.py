"""Places where the fault suite ends or freezes a process (tests/survive); elsewhere nothing.

A point is armed by a file of its name in the folder that KEN_CRASHPOINTS names, and acts once.
"""

import os
import signal
import threading
from pathlib import Path

_ARMED = os.environ.get("KEN_CRASHPOINTS")
_ACTIONS = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}


def reached(point: str) -> None:
    if _ARMED:
        _act(Path(_ARMED) / point)


def _act(armed: Path) -> None:
    """Renamed first: of two processes that come by, one acts."""
    mine = armed.with_name(f"{armed.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        armed.rename(mine)
    except FileNotFoundError:
        return
    os.kill(os.getpid(), _ACTIONS[mine.read_text().strip()])
