"""The model misbehaves, or takes its time.

A fault is a generator: see `scene.Fault`.
"""

import time
from collections.abc import Iterator

from tests.survive.cell import LEASE_S, MODEL_TIMEOUT_S
from tests.survive.faults.redis import ring
from tests.survive.model import Mode
from tests.survive.scene import Scene


def misbehaves(mode: Mode, scene: Scene) -> Iterator[None]:
    cell = scene.cell
    cell.background.call(lambda: cell.model.misbehave(mode))
    yield
    scene.hold(0.5, 4)
    cell.background.call(cell.model.mend)


def times_out(scene: Scene) -> Iterator[None]:
    cell = scene.cell
    cell.background.call(lambda: cell.model.misbehave("stall"))
    yield
    time.sleep(MODEL_TIMEOUT_S + 1)
    cell.background.call(cell.model.mend)


def beyond_visibility(scene: Scene) -> Iterator[None]:
    """The model thinks for longer than the broker waits: it rings the same bell again."""
    cell = scene.cell
    cell.model.slow_s = 2.0 * LEASE_S
    yield
    for _ in range(3):
        time.sleep(cell.model.slow_s / 3)
        for one in cell.kept(scene.asked):
            ring(cell, one.id)
    cell.model.slow_s = 0.0
