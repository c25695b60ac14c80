"""Watches a folder, and loads it again when something in it has changed and is written to its end.

It looks at names, sizes and times every second, which works on every file system, network mounts
among them. A folder that changed between two looks is still being written; it is loaded once two
looks are equal, or after a while as it is. A change of the control files waits for no other file.
Files that are as they were when they were loaded are not read again.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from workers.errors import InputInvalid, ServerUnavailable
from workers.ingest.looks import (
    EVERY_S,
    Looks,
    control_files,
    look,
    same,
    settle,
)

_SHARE = 0.05
"""Of the time, at most so much is spent on looking: a large folder is looked at less often."""
_WHOLE_EVERY_S = 3_600.0
"""So often all files are read again, whatever they look like."""
_RETRY_S = 5.0
_LONGEST_S = 30.0
"""After so long a folder in which something always moves is loaded as it is."""


@dataclass(slots=True)
class Watch:
    """One folder that is watched until somebody says that it is enough."""

    root: Path
    load: Callable[[Collection[str], Looks], object]
    """Loads the folder; is given the paths that are as they were when it was loaded last, and what
    the control files have to look like."""
    tell: Callable[[Exception], None]
    """Is given why a load was refused; the folder is watched on."""
    is_enough: Callable[[], bool] = lambda: False
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def run(self) -> None:
        """Load the folder, and again after each change."""
        loaded: Looks = {}
        tried: Looks | None = None
        before: Looks = {}
        whole_at = since = self.clock()
        while not self.is_enough():
            began = self.clock()
            now = look(self.root)
            rest_s = max(EVERY_S, (self.clock() - began) / _SHARE)
            if self.clock() >= whole_at:
                loaded, tried, whole_at = {}, None, self.clock() + _WHOLE_EVERY_S
            if now == tried:
                since = self.clock()
            is_late = self.clock() - since >= _LONGEST_S
            has_rules = control_files(now) != control_files(tried or {})
            if now != tried and (now == before or is_late or has_rules):
                since = self.clock()
                try:
                    loaded = now = self._load(loaded, now)
                except InputInvalid as error:  # until somebody has changed something
                    self.tell(error)
                except (ServerUnavailable, SQLAlchemyError, OSError) as error:
                    self.tell(error)
                    self.sleep(_RETRY_S)
                    continue
                tried = now
            before = now
            self.sleep(rest_s)

    def _load(self, loaded: Looks, now: Looks) -> Looks:
        """Load the folder once nobody writes its control files; return what it looked like then."""
        settled = control_files(now)
        if settled != control_files(loaded):
            settled = settle(self.root, sleep=self.sleep)
            now = look(self.root)
        self.load(same(loaded, now), settled)
        return now
