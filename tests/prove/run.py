"""One share of one proof, in a process of its own (whose main module is not `__main__`)."""

import logging
from importlib import import_module
from multiprocessing.queues import Queue
from typing import Any

import structlog

from tests import servers
from workers.database.sessions import Database

_told: "Queue[int]"


def tell_through(told: "Queue[int]") -> None:
    """Where this process says how far it is."""
    global _told
    _told = told


def run_part(name: str, count: int, seed: int) -> dict[str, Any]:
    """The figures of `tests/prove/NAME.py`, on a database of this share's own."""
    part = import_module(f"tests.prove.{name}")
    if name != "pairs":  # which compares what is logged, too
        silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
        structlog.configure(wrapper_class=silent)
    with servers.own_database() as settings:
        database = Database(settings)
        try:
            found: dict[str, Any] = part.run(database, count=count, seed=seed, tell=_told.put)
        except Exception as error:
            error.add_note(
                f"See it again: PYTHONHASHSEED=0 python -m tests.prove {name} --seed {seed}"
            )
            raise
        finally:
            database.close()
    return found
