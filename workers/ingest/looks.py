"""What a folder looks like: names, sizes and times, without reading a file.

A control file that is written half may let more people read than it will in the end: the line that
restricts a folder comes after the one that opens what is above it. So it has to look the same
several times in a row, at `EVERY_S`, before anything is read.
"""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from workers.errors import ServerUnavailable

PRINCIPALS, PERMISSIONS, DOCUMENTS = "principals.jsonl", "permissions.jsonl", "documents.jsonl"
SOURCE = "source.json"
DOCUMENTS_FOLDER = "documents"
"""Where it is there, all documents are in it; else they lie beside the control files."""
CONTROL_FILES = (PRINCIPALS, PERMISSIONS, DOCUMENTS, SOURCE)
"""They say who is who, who may read what, and what there is."""

EVERY_S = 1.0
EQUAL_LOOKS = 4
"""So many looks in a row at the control files have to be equal."""
_MOST_LOOKS = 60

Looks = Mapping[str, tuple[int, int, int]]
"""Each file's time of change, size and inode, by its path from the folder."""


def look(root: Path) -> Looks:
    """Look at the files of a folder, without those in hidden folders. One that cannot be looked at
    is as if it were not there.
    """
    documents = root / DOCUMENTS_FOLDER
    found: dict[str, tuple[int, int, int]] = {}
    for top in (root, documents) if documents.is_symlink() else (root,):  # walked as it is loaded
        for folder, below, files in os.walk(top):
            below[:] = sorted(name for name in below if not name.startswith("."))
            for name in sorted(files):
                if name.startswith("."):
                    continue
                place = os.path.join(folder, name)  # noqa: PTH118 - a path's object is slow
                if (seen := _seen(place)) is not None:
                    found[os.path.relpath(place, root)] = seen
    return found


def look_at_control_files(root: Path) -> Looks:
    """Look only at the files that say who may read."""
    looks = {name: _seen(root / name) for name in CONTROL_FILES}
    return {name: seen for name, seen in looks.items() if seen is not None}


def control_files(looks: Looks) -> Looks:
    """Return of these looks those at control files."""
    return {name: looks[name] for name in CONTROL_FILES if name in looks}


def settle(root: Path, *, sleep: Callable[[float], None] = time.sleep) -> Looks:
    """Wait until nobody writes the control files of a folder; return what they look like then.

    Raises ServerUnavailable if they change again and again.
    """
    before, equal = look_at_control_files(root), 1
    for _look in range(_MOST_LOOKS):
        if equal >= EQUAL_LOOKS:
            return before
        sleep(EVERY_S)
        now = look_at_control_files(root)
        equal = equal + 1 if now == before else 1
        before = now
    raise ServerUnavailable(
        f"Who may read what in {root.name} is still being written: its files of permissions change "
        "from one look to the next.",
        remedy="Write them under other names that start with a dot, and rename them when they "
        "are whole.",
    )


def same(before: Looks, now: Looks) -> frozenset[str]:
    """Return the paths of the files that are as they were."""
    return frozenset(path for path, seen in now.items() if before.get(path) == seen)


def _seen(place: str | Path) -> tuple[int, int, int] | None:
    try:
        known = os.stat(place)  # noqa: PTH116
    except OSError:
        return None
    return known.st_mtime_ns, known.st_size, known.st_ino
