"""Processes under a supervisor: one that dies is started again at once; only ours are killed."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

POLL_S = 0.02


@dataclass(eq=False)
class Process:
    """One of Ken's processes, in all its lives."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    ready: Callable[["Process"], bool]
    ended_at: list[float] = field(default_factory=list)
    """When each of its lives was seen to have ended."""
    wanted: bool = True
    _life: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._life
        return self._life.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._life = subprocess.Popen(
                self.command,
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def signal(self, number: int) -> None:
        """To the life that runs now, if any: a number is never signalled after its end."""
        if self._life and self._life.poll() is None:
            self._life.send_signal(number)

    @property
    def alive(self) -> bool:
        return self._life is not None and self._life.poll() is None

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
        try:
            self._life.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._life.kill()
            self._life.wait()


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
