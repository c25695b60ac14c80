"""Processes under a supervisor: one that dies is started again at once; only ours are killed.

Each is forked from a process that has loaded Ken, which takes most of a start and is the same
each time. It is a process like any other: it has a number, and ends as it is made to.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

POLL_S = 0.02
_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.survive.loaded"])


@dataclass(eq=False)
class Process:
    """One of Ken's processes, in all its lives."""

    name: str
    command: Sequence[str]
    """The module whose `main` it runs, and the arguments that this finds."""
    env: Mapping[str, str]
    log: Path
    ready: Callable[["Process"], bool]
    ended_at: list[float] = field(default_factory=list)
    """When each of its lives was seen to have ended."""
    wanted: bool = True
    _life: ForkServerProcess | None = None

    @property
    def pid(self) -> int:
        assert self._life
        assert self._life.pid
        return self._life.pid

    def start(self) -> None:
        life = _FORKS.Process(target=_become, args=(self.command, dict(self.env), self.log))
        life.start()
        self._life = life

    def signal(self, number: int) -> None:
        """To the life that runs now, if any: a number is never signalled after its end."""
        if self.alive:
            os.kill(self.pid, number)

    @property
    def alive(self) -> bool:
        return self._life is not None and self._life.is_alive()

    @property
    def frozen(self) -> bool:
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return self.alive and state == "T"

    def stop(self, timeout_s: float = 15) -> None:
        """For good."""
        self.wanted = False
        if self._life is None:
            return
        for number in (signal.SIGCONT, signal.SIGTERM):
            self.signal(number)
        self._life.join(timeout_s)
        self._life.kill()
        self._life.join()


def run_to_end(command: Sequence[str], env: Mapping[str, str], log: Path, timeout_s: float) -> int:
    """Its exit code; a signal is a negative number. One that takes longer is killed."""
    one = _FORKS.Process(target=_become, args=(command, dict(env), log))
    one.start()
    one.join(timeout_s)
    one.kill()
    one.join()
    assert one.exitcode is not None
    return one.exitcode


def _become(command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
    """All that a process has from whoever starts it, and then what it does."""
    os.setsid()
    with Path(os.devnull).open("rb") as nothing, log.open("ab") as written:
        for number, stream in enumerate((nothing, written, written)):
            os.dup2(stream.fileno(), number)
    os.environ.clear()
    os.environ.update(env)
    module, *sys.argv[1:] = command
    sys.exit(import_module(module).main())


class Supervisor:
    """Looks after the processes from a thread of its own."""

    def __init__(self) -> None:
        self.processes: dict[str, Process] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def run(self, process: Process) -> None:
        with self._lock:
            self.processes[process.name] = process
            process.start()

    def end(self, name: str) -> None:
        """Stop one of them for good."""
        with self._lock:
            process = self.processes.pop(name)
        process.stop()

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        for process in self.processes.values():
            process.wanted = False
            process.signal(signal.SIGCONT)
            process.signal(signal.SIGTERM)
        for process in self.processes.values():
            process.stop()

    def _watch(self) -> None:
        while not self._over.wait(POLL_S):
            with self._lock:
                for process in self.processes.values():
                    if process.wanted and not process.alive:
                        process.ended_at.append(time.time())
                        process.start()


def wait_until(condition: Callable[[], bool], timeout_s: float, poll_s: float = 0.05) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(poll_s)
    return True


STILL_S, MOST_S = 120.0, 1200.0
"""Without any step for this long, nothing comes any more: only a failure waits for it."""


def wait_while_it_moves(condition: Callable[[], bool], step: Callable[[], object]) -> bool:
    """Whether it came true; given up once nothing has moved for long, on any machine."""
    started = moved_at = time.monotonic()
    before = step()
    while not condition():
        now, after = time.monotonic(), step()
        if after != before:
            before, moved_at = after, now
        if now > moved_at + STILL_S or now > started + MOST_S:
            return False
        time.sleep(0.05)
    return True


def environment(**more: str) -> dict[str, str]:
    """Nothing of what may be set for Ken in ours."""
    kept = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR"}
    return {**{k: v for k, v in os.environ.items() if k in kept}, "PYTHONUNBUFFERED": "1", **more}
