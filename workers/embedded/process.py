"""Detached processes of a data folder: started once, and found again by name."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from workers.embedded.data_dir import SystemUser, locked, prepare_data_dir, write_private
from workers.errors import InputInvalid, ServerUnavailable

LARGEST_LOG = 10_000_000
POLL_S = 0.02

_spawned: list[subprocess.Popen[bytes]] = []
"""Our processes until they end; Python warns about those that are never waited for."""


class Child:
    """A detached process of a data folder: it outlives the process that started it."""

    def __init__(self, data_dir: Path, name: str) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            raise ValueError(f"not a valid name of a process: {name!r}")
        self.data_dir = data_dir.expanduser().resolve()
        self.name = name
        self._record = self.data_dir / "run" / f"{name}.json"

    def start(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        system_user: SystemUser | None = None,
        read: Mapping[str, str] | None = None,
    ) -> None:
        """Start it unless it runs. `env` is its whole environment; default user: the present one.

        `read` are fingerprints of what it reads at its start; `outdated` compares them.
        """
        prepare_data_dir(self.data_dir)
        system_user = system_user or SystemUser(os.geteuid(), os.getegid())
        with locked(self.data_dir, self.name), open_log(self.data_dir, self.name) as log:
            if self.running():
                return
            try:
                child = subprocess.Popen(
                    system_user.command(*argv),
                    env=dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    **system_user.popen_arguments(),
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise ServerUnavailable(
                    f"{self.name} cannot be started: {error}",
                    remedy="Check the installation: `make .venv`.",
                ) from error
            _spawned.append(child)
            created = psutil.Process(child.pid).create_time()
            record = {"pid": child.pid, "created": created, "read": dict(read or {})}
            write_private(self._record, json.dumps(record))

    def outdated(self, read: Mapping[str, str]) -> tuple[str, ...]:
        """Return the settings that have changed since its start; empty if it does not run."""
        if not self.running():
            return ()
        started_with = json.loads(self._record.read_bytes()).get("read", {})
        return tuple(
            name
            for name in sorted({*read, *started_with})
            if started_with.get(name) != read.get(name)
        )

    @property
    def was_started(self) -> bool:
        """Whether it was ever started in this data folder; it may have ended since."""
        return self._record.exists()

    def running(self) -> bool:
        """Return whether it runs; a zombie, or another process with its number, does not count."""
        return self._process() is not None

    @property
    def pid(self) -> int | None:
        process = self._process()
        return None if process is None else process.pid

    def stop(self, timeout_s: float = 30) -> bool:
        """Ask it to end, and kill it after `timeout_s`. Returns whether it was running."""
        process = self._process()
        if process is None:
            return False
        try:
            family = [process, *process.children(recursive=True)]
            os.killpg(process.pid, signal.SIGTERM)  # it leads a session, so a group of that number
        except (psutil.NoSuchProcess, ProcessLookupError):
            return True
        if not wait_until(lambda: not any(map(is_alive, family)), timeout_s):
            for survivor in family:
                with suppress(psutil.NoSuchProcess):
                    survivor.kill()  # psutil looks at the create time once more
            wait_until(lambda: not any(map(is_alive, family)), timeout_s)
        return True

    def tail(self, lines: int) -> str:
        """Return the last lines of its log, for the person who runs Ken."""
        return log_tail(self.data_dir, self.name, lines)

    def _process(self) -> psutil.Process | None:
        _spawned[:] = [child for child in _spawned if child.poll() is None]
        try:
            record = json.loads(self._record.read_bytes())
            pid, created = int(record["pid"]), float(record["created"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise InputInvalid(
                f"{self._record} is damaged",
                remedy=f"Stop the process {self.name} if it still runs, and remove the file.",
            ) from error
        try:
            process = psutil.Process(pid)
            # The clock's last digits may move; within seconds a number is not given out again.
            ours = abs(process.create_time() - created) < 2
        except (psutil.NoSuchProcess, ValueError):
            return None
        return process if ours and is_alive(process) else None


def is_alive(process: psutil.Process) -> bool:
    """A zombie is not: nobody may ever collect it, as in a container without an init."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Whether `condition` came true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def open_log(data_dir: Path, name: str) -> IO[bytes]:
    """Open `logs/NAME.log` to append to it. A large file is renamed to `.log.1` first."""
    path = data_dir / "logs" / f"{name}.log"
    if path.exists() and path.stat().st_size > LARGEST_LOG:
        path.replace(path.with_suffix(".log.1"))
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


def log_tail(data_dir: Path, name: str, lines: int) -> str:
    try:
        with (data_dir / "logs" / f"{name}.log").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 65_536))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def bare_environment() -> dict[str, str]:
    """Return the environment for a server, without any secret of ours."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
