"""`ken` as people run it: a process in a home of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[3]
COMMAND = (sys.executable, "-m", "workers.cli.main")
PATIENCE_S = 60


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
    command: tuple[str, ...] = COMMAND

    def __call__(self, *arguments: str, **extra: str) -> Done:
        return self.result(self.start(*arguments, **extra))

    def start(self, *arguments: str, **extra: str) -> subprocess.Popen[str]:
        passed = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        return subprocess.Popen(
            [*self.command, *arguments],
            cwd=REPOSITORY,
            env={**passed, "KEN_HOME": str(self.data_dir), "COLUMNS": "400", **self.extra, **extra},
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
        assert done.err.startswith("error: "), done.err
        assert done.err.count("error: ") == 1
        return done.err
