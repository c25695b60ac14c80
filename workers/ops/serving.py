"""The listeners of a worker and of the bot: what each needs to work, and to do its job."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from workers.database.sessions import Database
from workers.ops import facts, health
from workers.ops.health import Patient, Report
from workers.ops.listener import Listener
from workers.settings import Settings

if TYPE_CHECKING:
    from workers.ops.consumer import Consumer

SWEEPER_S = 30.0
"""A sweeper that has not come round for so long hangs."""


def worker_listener(settings: Settings, consumer: "Consumer") -> Listener | None:
    """Not answering yet; None: KEN_WORKER_OPS_PORT is 0. Raises ServerUnavailable."""
    if not settings.worker_ops_port:
        return None
    database = Database(settings)  # of its own: it must not wait for a place among the work
    postgresql = health.store(database, "answerer")
    queue = Patient(lambda: facts.queue_length(settings), None)

    def works() -> Report:
        return Report(
            {
                "sweeper": health.has_turned("sweeper", within_s=SWEEPER_S),
                "consumer": consumer.alive(queue()),
            },
            {},
        )

    def ready() -> Report:
        found = postgresql()
        return Report(
            {
                "postgresql": found.answers,
                "schema": found.current,
                "redis": queue() is not None,
            },
            {},
        )

    return Listener(
        settings.ops_host,
        settings.worker_ops_port,
        health=works,
        ready=ready,
        exposition=facts.exposition(settings, database),
    )


def bot_readiness(settings: Settings) -> Callable[[], Report]:
    """Without Redis questions are kept all the same, and answered once it is back."""
    postgresql = health.store(Database(settings), "ingress")
    queue = Patient(lambda: facts.queue_length(settings), None)

    def ready() -> Report:
        found = postgresql()
        return Report(
            {"postgresql": found.answers, "schema": found.current},
            {"redis": queue() is not None},
        )

    return ready


def bot_listener(
    settings: Settings, *, works: Callable[[], Report], ready: Callable[[], Report]
) -> Listener | None:
    """Not answering yet; None: KEN_BOT_OPS_PORT is 0. Raises ServerUnavailable."""
    if not settings.bot_ops_port:
        return None
    return Listener(settings.ops_host, settings.bot_ops_port, health=works, ready=ready)
