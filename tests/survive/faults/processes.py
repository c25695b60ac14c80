"""Processes end, or sleep, or have a clock that jumps.

A fault is a generator: see `scene.Fault`.
"""

import resource
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil

from tests.survive.cell import LEASE_S, Cell
from tests.survive.process import Process, wait_until
from tests.survive.scene import Scene


def killed_at(point: str, scene: Scene) -> Iterator[None]:
    cell = scene.cell
    lives = _lives(cell)
    cell.arm(point, "kill")
    yield
    if not scene.reached(point):
        return
    wait_until(lambda: _lives(cell) > lives, 10, 0.01)


def frozen_at(point: str, scene: Scene, *, beyond_s: float = 2.0) -> Iterator[None]:
    cell = scene.cell
    cell.arm(point, "freeze")
    yield
    if not scene.reached(point):
        return
    wait_until(lambda: any(worker.frozen for worker in cell.workers), 2, 0.01)
    time.sleep(LEASE_S + beyond_s)
    wake(cell)
    scene.ended_at = time.time()
    time.sleep(1)  # who woke up may be about to speak, and is to be heard before we judge


def wake_soon(cell: Cell) -> None:
    wait_until(lambda: any(worker.frozen for worker in cell.workers), 2, 0.01)
    wake(cell)


def wake(cell: Cell) -> None:
    for worker in cell.workers:
        if worker.frozen:
            worker.signal(signal.SIGCONT)


def _lives(cell: Cell) -> int:
    return sum(len(one.ended_at) for one in cell.supervisor.processes.values())


def _some(cell: Cell, processes: list[Process]) -> Process:
    return cell.chance.choice(processes)


def signalled(number: int, who: str, scene: Scene) -> Iterator[None]:
    """At any moment; a SIGTERM is a deploy: what it has begun it may end."""
    cell = scene.cell
    victim = _some(cell, cell.workers if who == "worker" else cell.bots)
    yield
    scene.hold(0, 0.4)
    lives = len(victim.ended_at)
    victim.signal(number)
    wait_until(lambda: len(victim.ended_at) > lives, 30, 0.01)


def all_killed(scene: Scene) -> Iterator[None]:
    """The power is cut: every process of Ken at once."""
    cell = scene.cell
    yield
    scene.hold(0, 0.4)
    lives, count = _lives(cell), len(cell.supervisor.processes)
    for process in list(cell.supervisor.processes.values()):
        process.signal(signal.SIGKILL)
    wait_until(lambda: _lives(cell) >= lives + count, 10, 0.01)
    cell.wait_until_ready()


def deployed(scene: Scene) -> Iterator[None]:
    """One process after the other, each once the one before is back."""
    cell = scene.cell
    yield
    for process in [*cell.workers, *cell.bots]:
        lives = len(process.ended_at)
        process.signal(signal.SIGTERM)
        wait_until(lambda one=process, n=lives: len(one.ended_at) > n, 30, 0.01)  # type: ignore[misc]
        cell.wait_until_ready()


def asleep(scene: Scene) -> Iterator[None]:
    """A worker at any moment, beyond its lease."""
    cell = scene.cell
    victim = _some(cell, cell.workers)
    scene.hold(0, 0.2)
    victim.signal(signal.SIGSTOP)
    yield
    time.sleep(LEASE_S + 2)
    victim.signal(signal.SIGCONT)


def starved(limit: int, scene: Scene) -> Iterator[None]:
    """A worker gets no more memory, or opens no more files, for a while."""
    victim = psutil.Process(_some(scene.cell, scene.cell.workers).pid)
    before = victim.rlimit(limit)
    held = victim.memory_info().vms if limit == resource.RLIMIT_AS else victim.num_fds()
    victim.rlimit(limit, (held + 1, before[1]))
    yield
    scene.hold(1, 3)
    with suppress(psutil.NoSuchProcess):  # it may have ended of it, and been started again
        victim.rlimit(limit, before)


def clock_jumped(shift_s: float, scene: Scene) -> Iterator[None]:
    cell = scene.cell
    cell.clock.write_text(str(shift_s))
    yield
    scene.hold(1, 3)
    cell.clock.unlink()


def poison(scene: Scene) -> Iterator[None]:
    """Every worker that takes this question dies of it; nobody works on another meanwhile."""
    cell = scene.cell
    cell.wait_for_ends(scene.asked)
    cell.arm("passages_read", "kill all")
    poisoned = [scene.ask()]
    cell.wait_for_ends(poisoned)
    cell.disarm("passages_read")
    if [one.state for one in cell.kept(poisoned)] != ["failed"]:
        scene.findings.append("a question that ends every worker did not end as failed")
    cell.wait_until_ready()
    yield
