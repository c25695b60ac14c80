"""Points where the fault suite stops or freezes a process (tests/survive); otherwise they do
nothing.

A file named like the point, in the folder that KEN_CRASHPOINTS names, arms it once; with the
content "kill all" it stops every process that comes by.
"""

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

_ALL = "kill all"
_ACTIONS = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}


def crashpoint(point: str) -> None:
    if armed := os.environ.get("KEN_CRASHPOINTS"):
        _act(Path(armed) / point)


def _act(armed: Path) -> None:
    """Rename the file first: of two processes that come by, only one acts."""
    with suppress(FileNotFoundError):
        if armed.read_text() == _ALL:
            os.kill(os.getpid(), signal.SIGKILL)
    mine = armed.with_name(f"{armed.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        armed.rename(mine)
    except FileNotFoundError:
        return
    # To this thread, not to the process: it might run on until another thread is stopped.
    signal.pthread_kill(threading.get_ident(), _ACTIONS[mine.read_text().strip()])
