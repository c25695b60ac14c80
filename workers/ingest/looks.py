"""What a folder looks like: names, sizes and times, without reading a file."""

import os
from collections.abc import Mapping
from pathlib import Path

PRINCIPALS, PERMISSIONS, DOCUMENTS = "principals.jsonl", "permissions.jsonl", "documents.jsonl"
SOURCE = "source.json"
DOCUMENTS_FOLDER = "documents"
"""Where it is there, all documents are in it; else they lie beside the control files."""
CONTROL_FILES = (PRINCIPALS, PERMISSIONS, DOCUMENTS, SOURCE)
"""They say who is who, who may read what, and what there is."""

Looks = Mapping[str, tuple[int, int, int]]
"""Each file's time of change, size and inode, by its path from the folder."""


def look(root: Path) -> Looks:
    """Look at the files of a folder, without those in hidden folders. One that cannot be looked at
    is as if it were not there.
    """
    found: dict[str, tuple[int, int, int]] = {}
    for folder, below, files in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(files):
            if name.startswith("."):
                continue
            place = os.path.join(folder, name)  # noqa: PTH118 - a path's object for each is slow
            if (seen := _seen(place)) is not None:
                found[os.path.relpath(place, root)] = seen
    return found


def look_at_control_files(root: Path) -> Looks:
    """Look only at the files that say who may read."""
    looks = {name: _seen(root / name) for name in CONTROL_FILES}
    return {name: seen for name, seen in looks.items() if seen is not None}


def same(before: Looks, now: Looks) -> frozenset[str]:
    """Return the paths of the files that are as they were."""
    return frozenset(path for path, seen in now.items() if before.get(path) == seen)


def _seen(place: str | Path) -> tuple[int, int, int] | None:
    try:
        known = os.stat(place)  # noqa: PTH116
    except OSError:
        return None
    return known.st_mtime_ns, known.st_size, known.st_ino
