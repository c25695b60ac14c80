"""PostgreSQL stops, ends connections, takes nothing, or is migrated.

A fault is a generator: see `scene.Fault`.
"""

import resource
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import psutil
import psycopg
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.survive.cell import Cell
from tests.survive.process import wait_until
from tests.survive.scene import Scene
from workers.database.sessions import connect
from workers.embedded.data_dir import system_user_for
from workers.embedded.postgres import postgres_binaries
from workers.embedded.process import is_alive


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
    with scene.cell.superuser() as admin, ExitStack() as until_released:
        while True:
            try:
                until_released.enter_context(_holding(admin))
                break
            except psycopg.errors.DeadlockDetected:
                """Of the two that wait for each other PostgreSQL ends one; it was we."""
        yield
        scene.hold(0.5, 4)


@contextmanager
def _holding(admin: psycopg.Connection[Any]) -> Iterator[None]:
    with admin.transaction():
        admin.execute("LOCK TABLE question, lease, outbox IN ACCESS EXCLUSIVE MODE")
        yield


_ROOM = 128 * 1024
"""Bytes of the log that can be written on a disk which has no room for another row."""


def disk_full(scene: Scene) -> Iterator[None]:
    """No file of PostgreSQL grows: rows are refused, and at once or later the log.

    Of that it ends, and it cannot come back before there is room. No disk is filled for it: a
    file's size is limited.
    """
    cell = scene.cell
    room = cell.chance.choice((0, _ROOM))
    if room:
        room = _fill_up(cell, room)
    postmaster = cell.postmaster()
    try:
        _limit_files(cell, postmaster, str(room))
        _write_in_vain(scene, room)
        yield
        scene.hold(0.5, 3)
    finally:
        _limit_files(cell, postmaster, str(resource.getrlimit(resource.RLIMIT_FSIZE)[0]))
    wait_until(lambda: cell.postgres.running() or not is_alive(postmaster), 20)
    if not cell.postgres.running():
        cell.start_postgres()


def _fill_up(cell: Cell, room: int) -> int:
    """The size of a table without room for a row; the log is at the start of a file."""
    with suppress(psycopg.errors.RaiseException):
        cell.sql(_GROW.format(size=room))
    cell.sql("SELECT pg_switch_wal()")
    cell.sql("SELECT pg_logical_emit_message(true, 'survive', '')")  # the file is there now
    return _size(cell)


def _limit_files(cell: Cell, postmaster: psutil.Process, soft: str) -> None:
    """Of the postmaster first: every process that it starts from then on has the limit too."""
    with suppress(psutil.NoSuchProcess):
        _limit(cell, [postmaster], soft)
        _limit(cell, postmaster.children(recursive=True), soft)


def _limit(cell: Cell, processes: Sequence[psutil.Process], soft: str) -> None:
    """As who they are: in a container root may not do it. One that has ended meanwhile is none."""
    system_user = system_user_for(cell.data_dir, postgres_binaries() / "postgres")
    for process in processes:
        if process.is_running():
            subprocess.run(
                ["prlimit", f"--pid={process.pid}", f"--fsize={soft}:"],
                cwd="/",
                stderr=subprocess.DEVNULL,
                check=False,
                **system_user.popen_arguments(),
            )


def _write_in_vain(scene: Scene, room: int) -> None:
    """The fault bites: a row of ours is refused, or PostgreSQL has ended of one of Ken's.

    Rows are written until the table is larger than its file may be: autovacuum may have cut off the
    end that was filled.
    """
    cell = scene.cell
    try:
        cell.sql(_GROW.format(size=max(_size(cell), room) + 1))
    except psycopg.OperationalError:
        return
    except psycopg.errors.RaiseException:
        scene.findings.append("the disk was full, and PostgreSQL wrote all the same")
    except psycopg.Error as error:
        if "File too large" not in str(error):
            raise


def _size(cell: Cell) -> int:
    return int(cell.sql("SELECT pg_relation_size('question')")[0][0])


_GROW = """
    DO $$ BEGIN
        WHILE pg_relation_size('question') < {size} LOOP
            INSERT INTO question (event_id, surface, team_id, channel_id, message_ts, thread_ts,
                                  user_id, text)
            SELECT gen_random_uuid(), '', '', '', gen_random_uuid(), '', '', ''
            FROM generate_series(1, 20);
        END LOOP;
        RAISE EXCEPTION 'undone: the file stays as large';
    END $$
"""


def migrated_meanwhile(scene: Scene) -> Iterator[None]:
    """A migration, and the way back, while people ask."""
    yield
    _migrate_and_ask(scene, _MIGRATION)
    _migrate_and_ask(scene, _WAY_BACK)


def _migrate_and_ask(scene: Scene, statements: Sequence[str]) -> None:
    cell = scene.cell
    held_s = cell.chance.uniform(0.5, 2)
    with ThreadPoolExecutor(1) as pool:
        migrating = pool.submit(_migrate, cell, statements, held_s)
        while not migrating.done():
            scene.ask()
            scene.hold(0.2, 0.8)
    if not migrating.result():
        scene.findings.append("a migration did not get its locks")


def _migrate(cell: Cell, statements: Sequence[str], held_s: float) -> bool:
    """As the owner, in one transaction; one that waits too long for a lock is tried again."""
    engine = connect(cell.settings, "owner")
    try:
        for _ in range(5):
            with suppress(OperationalError), engine.begin() as connection:
                for statement in ("SET LOCAL lock_timeout = '5s'", *statements):
                    connection.execute(text(statement))
                time.sleep(held_s)
                return True
        return False
    finally:
        engine.dispose()


_MIGRATION = (
    "ALTER TABLE question ADD COLUMN IF NOT EXISTS survive text",
    "ALTER TABLE outbox ADD COLUMN IF NOT EXISTS survive text",
    "CREATE INDEX IF NOT EXISTS question_survive ON question (survive, asked_at)",
)
_WAY_BACK = (
    "DROP INDEX IF EXISTS question_survive",
    "ALTER TABLE outbox DROP COLUMN IF EXISTS survive",
    "ALTER TABLE question DROP COLUMN IF EXISTS survive",
)
