"""Redis is killed, emptied, slow; and messages on it that are not ours.

A fault is a generator: see `scene.Fault`.
"""

import pickle
import time
from collections.abc import Iterator

from tests.survive.cell import Cell
from tests.survive.process import STILL_S, wait_until
from tests.survive.scene import Scene
from workers.intake import doorbell
from workers.intake.doorbell import QUEUE, TASK


def killed(scene: Scene) -> Iterator[None]:
    scene.cell.kill_redis()
    yield
    scene.hold(0.2, 2)
    scene.cell.redis.start()


def flushed(scene: Scene) -> Iterator[None]:
    yield
    scene.hold(0, 0.2)
    scene.cell.redis_client().flushall()


def empty(scene: Scene) -> Iterator[None]:
    """Killed, and it comes back knowing nothing."""
    scene.cell.kill_redis()
    yield
    scene.hold(0.2, 1)
    scene.cell.redis.start()
    scene.cell.redis_client().flushall()


def old(scene: Scene) -> Iterator[None]:
    """It comes back with what it knew a while ago."""
    cell = scene.cell
    cell.snapshot_redis()
    yield
    scene.hold(0.2, 1)
    cell.kill_redis()
    cell.restore_redis()
    cell.redis.start()


def reset(scene: Scene) -> Iterator[None]:
    yield
    for _ in range(20):
        scene.cell.background.call(scene.cell.proxies["redis"].reset)
        time.sleep(0.05)


def stalled(scene: Scene) -> Iterator[None]:
    """Slack hears within 3 s that the question is kept, all the same."""
    cell = scene.cell
    before = len(cell.slack.attempts())
    proxy = cell.proxies["redis"]
    cell.background.call(proxy.stall)
    yield
    if not wait_until(lambda: not cell.slack.pending(), STILL_S):
        scene.findings.append("Redis was stalled, and an event was never acknowledged")
    failed = [one.failed for one in cell.slack.attempts()[before:] if one.failed]
    if failed:
        scene.late.append(f"Redis was stalled, and an event was sent again: {failed[0]}")
    cell.background.call(proxy.mend)


def rung_often(scene: Scene) -> Iterator[None]:
    """The same bell, for both workers, again and again."""
    cell = scene.cell
    yield
    wait_until(lambda: len(cell.kept(scene.asked)) == len(scene.asked), 5, 0.01)
    for one in cell.kept(scene.asked) * 4:
        ring(cell, one.id)


def forged(scene: Scene) -> Iterator[None]:
    """Messages on the broker that are none of ours, and rings for what does not exist."""
    cell, client = scene.cell, scene.cell.redis_client()
    yield
    for number in range(200):
        ring(cell, 10**12 + number)
    ring(cell, "1; DROP TABLE question")
    ring(cell, 1, 2, 3)
    ring(cell, "x" * 2_000_000)
    doorbell.send(cell.settings, "os.system", "true")
    for raw in (b"\x80\x04not json", pickle.dumps({"task": TASK}), b"{}", b"[" * 100_000, b""):
        client.lpush(QUEUE, raw)


def ring(cell: Cell, *arguments: object) -> None:
    doorbell.send(cell.settings, TASK, *arguments)
