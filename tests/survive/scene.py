"""One injection as it happens: the cell, the questions around the fault, and what was found."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.survive.cell import Cell
from tests.survive.checker import Asked

_TRIES = 3


@dataclass
class Scene:
    """One injection: the cell, and the questions that were asked around the fault so far."""

    cell: Cell
    asked: list[Asked]
    missed: bool = False
    """Nobody came by where the fault was waiting."""
    ended_at: float = 0.0
    """Where the fault's end is known better than by when it was over for us."""
    findings: list[str] = field(default_factory=list)
    """What this kind alone found wrong."""
    late: list[str] = field(default_factory=list)
    """What it found too slow."""

    def hold(self, least_s: float, most_s: float) -> None:
        time.sleep(self.cell.chance.uniform(least_s, most_s))

    def reached(self, point: str) -> bool:
        """Whether somebody came to the armed point. Not every question gets there: some are asked
        by people who may read nothing."""
        for _ in range(_TRIES):
            if self.cell.wait_until_hit(point):
                return True
            self.ask()
        self.missed = not self.cell.wait_until_hit(point) and not self.cell.disarm(point)
        return not self.missed

    def ask(self, **where: str) -> Asked:
        asked = self.cell.ask(**where)
        self.asked.append(asked)
        return asked


Fault = Callable[[Scene], Iterator[None]]


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    row: str
    """Of faults.md, in short."""
    fault: Fault
    weight: int = 1
    untold: bool = False
    """While it lasts no reply can be posted: a question may end as failed, with a reason."""
    doubles: bool = False
    """A second message may stand for a moment, until Ken deletes it."""
