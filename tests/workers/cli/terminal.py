"""`ken` as people run it: a process in a home of its own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

REPOSITORY = Path(__file__).parents[3]
COMMAND = (sys.executable, "-m", "workers.cli.main")
LONG_RUNNING = {"admin", "worker"}
"""Always processes of their own: they fork, or last."""
PATIENCE_S = 300
_SO_FAR = re.compile(r"[^:]+: \d+( of \d+)?, after \d+ s")
"""What a load says on a machine so slow that it takes a while."""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Ken:
    """`ken` in a home of its own. Whatever it prints is searched for secrets and tracebacks."""

    data_dir: Path
    secrets: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    """Empty: a fork of a process that has loaded `ken`; else what is started."""

    def __call__(self, *arguments: str, **extra: str) -> Done:
        return self.result(self.start(*arguments, **extra))

    def start(self, *arguments: str, **extra: str) -> subprocess.Popen[str]:
        alone = COMMAND if LONG_RUNNING & {*arguments[:1]} else ()
        return subprocess.Popen(
            [*(self.command or alone or _fork()), *arguments],
            cwd=REPOSITORY,
            env={
                **_passed(),
                "KEN_HOME": str(self.data_dir),
                "COLUMNS": "400",
                **self.extra,
                **extra,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def result(self, process: subprocess.Popen[str]) -> Done:
        out, err = process.communicate(timeout=PATIENCE_S)
        for secret in self.secrets:
            assert secret not in out + err
        assert "Traceback" not in err, err
        return Done(process.returncode, out, err)

    def refused(self, *arguments: str, code: int, **extra: str) -> str:
        """The one error with its remedy, and nothing but that."""
        return self.refusal(self.start(*arguments, **extra), code=code)

    def refusal(self, process: subprocess.Popen[str], *, code: int) -> str:
        done = self.result(process)
        assert (done.code, done.out) == (code, ""), done
        progress, found, error = done.err.partition("error: ")
        assert found
        assert all(_SO_FAR.fullmatch(line) for line in progress.splitlines()), done.err
        assert "error: " not in error
        return found + error


def _passed() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}


def _fork() -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", str(Path(__file__).with_name("forked.py")), _forking())


@cache
def _forking() -> str:
    """Start the process that is forked, and return its name; it ends with this one."""
    name = f"ken-{uuid4().hex}"
    order = [sys.executable, "-m", "tests.workers.cli.forking", name]
    environment = {**_passed(), "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        order,
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    _kept.append(process)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return name


_kept: list[subprocess.Popen[str]] = []
"""Its standard input stays open for as long as this process lives."""
