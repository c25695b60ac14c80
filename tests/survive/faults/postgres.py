"""PostgreSQL stops, ends connections, or takes nothing.

A fault is a generator: see `scene.Fault`.
"""

import signal
from collections.abc import Iterator

from tests.survive.cell import Cell
from tests.survive.scene import Scene


def stopped(number: signal.Signals, scene: Scene) -> Iterator[None]:
    scene.cell.kill_postgres(number)
    yield
    scene.hold(0.1, 2)
    scene.cell.start_postgres()


def connections_ended(scene: Scene) -> Iterator[None]:
    yield
    for _ in range(scene.cell.chance.randint(1, 5)):
        _end_connections(scene.cell)
        scene.hold(0, 0.3)


def _end_connections(cell: Cell) -> None:
    cell.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'ken\\_%'")


def no_connections(scene: Scene) -> Iterator[None]:
    """Too many connections, for every role."""
    cell = scene.cell
    _limit_connections(cell, 0)
    _end_connections(cell)
    yield
    scene.hold(0.5, 2)
    _limit_connections(cell, -1)


def _limit_connections(cell: Cell, limit: int) -> None:
    for role in ("ingress", "answerer", "syncer"):
        cell.sql(f"ALTER ROLE ken_{role} CONNECTION LIMIT {limit}")


def read_only(scene: Scene) -> Iterator[None]:
    """What a disk that is full, or a replica in the place of the server, comes to: no write."""
    cell = scene.cell
    _set_read_only(cell, "on")
    yield
    scene.hold(0.5, 2)
    _set_read_only(cell, "off")


def _set_read_only(cell: Cell, value: str) -> None:
    cell.sql(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
    cell.sql("SELECT pg_reload_conf()")


def locked(scene: Scene) -> Iterator[None]:
    """Somebody holds the tables, as a migration does."""
    cell = scene.cell
    cell.sql("BEGIN")
    cell.sql("LOCK TABLE question, lease, outbox IN ACCESS EXCLUSIVE MODE")
    yield
    scene.hold(0.5, 4)
    cell.sql("COMMIT")
