"""What happens on the way to a server, the same for each.

A fault is a generator: see `scene.Fault`.
"""

import time
from collections.abc import Iterator

from tests.survive.scene import Scene


def stalled(name: str, scene: Scene) -> Iterator[None]:
    proxy = scene.cell.proxies[name]
    scene.cell.background.call(proxy.stall)
    yield
    scene.hold(0.5, 4)
    scene.cell.background.call(proxy.mend)


def half_open(name: str, scene: Scene) -> Iterator[None]:
    proxy = scene.cell.proxies[name]
    proxy.half_open = True
    yield
    scene.hold(0.5, 4)
    scene.cell.background.call(proxy.mend)


def refused(name: str, scene: Scene) -> Iterator[None]:
    proxy = scene.cell.proxies[name]
    proxy.refusing = True
    scene.cell.background.call(proxy.reset)
    yield
    scene.hold(0.5, 3)
    scene.cell.background.call(proxy.mend)


def reset(name: str, scene: Scene) -> Iterator[None]:
    proxy = scene.cell.proxies[name]
    yield
    for _ in range(20):
        scene.cell.background.call(proxy.reset)
        time.sleep(0.05)


def slow(name: str, scene: Scene) -> Iterator[None]:
    proxy = scene.cell.proxies[name]
    proxy.latency_s = scene.cell.chance.uniform(0.05, 0.4)
    yield
    scene.hold(0.5, 3)
    scene.cell.background.call(proxy.mend)


def cut(name: str, scene: Scene) -> Iterator[None]:
    """In the middle of an answer, again and again."""
    proxy = scene.cell.proxies[name]
    proxy.cut_after = scene.cell.chance.randint(1, 2000)
    yield
    for _ in range(scene.cell.chance.randint(0, 3)):
        proxy.cut_after = scene.cell.chance.randint(1, 2000)
        scene.hold(0.1, 0.5)
    scene.cell.background.call(proxy.mend)
