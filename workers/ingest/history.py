"""When files were last changed, as Git says it; a file's own time says when it was copied here.

Git only reads: no hook, filter, pager or program of the folder's configuration is run, and nothing
is fetched. A folder that belongs to somebody else is refused by Git itself, and then has no dates.
"""

import os
import re
import subprocess
import threading
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import structlog

from workers.embedded.process import bare_environment

log = structlog.get_logger()

_LONGEST_S = 60.0
"""Longer than that nobody waits for a long history: the files not found by then have no date."""
_GIT = (
    *("git", "--no-pager", "--no-optional-locks", "-c", "core.quotePath=false"),
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"),
)
_COMMIT = re.compile(r"\x01(\d{1,12}) ([0-9a-f]{40,64})\n?\Z")


def last_changes(folder: Path, files: Collection[str]) -> Mapping[str, datetime]:
    """Return when each of these files was last changed, by its path from the folder.

    Only of files that Git knows: empty outside a work tree, or without Git.
    """
    folder = folder.resolve()
    if not any((one / ".git").exists() for one in (folder, *folder.parents)):
        return {}
    try:
        return _read(folder, set(files))
    except (OSError, subprocess.SubprocessError, UnicodeError) as error:
        log.info("history_not_read", error=type(error).__name__)
        return {}


def _read(folder: Path, wanted: set[str]) -> Mapping[str, datetime]:
    cut = _cut_at(folder)
    command = (
        *(*_GIT, "-C", str(folder), "log", "--no-show-signature", "--no-renames", "--no-ext-diff"),
        *("--no-textconv", "--name-only", "--relative", "--format=%x01%at %H", "--", "."),
    )
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        encoding="utf-8",
        errors="surrogateescape",
    ) as git:
        assert git.stdout is not None
        stopped = threading.Timer(_LONGEST_S, git.kill)
        stopped.start()
        try:
            return _first_of_each(git.stdout, wanted, cut)
        finally:
            stopped.cancel()
            git.kill()


def _first_of_each(
    lines: Iterable[str], wanted: set[str], cut: Collection[str]
) -> dict[str, datetime]:
    """Read the log, newest first, until every file has been seen."""
    found: dict[str, datetime] = {}
    unknown: set[str] = set()
    at: datetime | None = None
    for line in lines:
        if commit := _COMMIT.match(line):
            at = _time(commit[1]) if commit[2] not in cut else None
        elif (path := line.rstrip("\n")) in wanted and path not in found and path not in unknown:
            if at is None:
                unknown.add(path)
            else:
                found[path] = at
            if len(found) + len(unknown) == len(wanted):
                break
    return found


def _time(seconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _cut_at(folder: Path) -> frozenset[str]:
    """Return the commits where a shallow clone ends: there every file seems to be new."""
    asked = (*_GIT, "-C", str(folder), "rev-parse", "--path-format=absolute", "--git-path")
    answered = subprocess.run(
        (*asked, "shallow"),
        capture_output=True,
        env=_environment(),
        encoding="utf-8",
        errors="surrogateescape",
        timeout=_LONGEST_S,
        check=True,
    )
    file = Path(answered.stdout.strip())
    return frozenset(file.read_text().split()) if file.is_file() else frozenset()


def _environment() -> dict[str, str]:
    return {
        **bare_environment(),
        "HOME": os.environ.get("HOME", "/"),  # where an administrator says whose folders are safe
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "LC_ALL": "C.UTF-8",
    }
