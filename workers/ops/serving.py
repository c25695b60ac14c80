"""The health and metrics listeners of a worker, of the jobs worker and of the bot."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from workers.database.sessions import Database
from workers.intake.doorbell import JOBS_QUEUE, QUEUE
from workers.observe import metrics
from workers.ops import facts, health
from workers.ops.health import Patient, Report, Store
from workers.ops.listener import Listener
from workers.settings import Settings

if TYPE_CHECKING:
    from workers.ops.consumer import Consumer

SWEEPER_S = 30.0
"""A sweeper that has not finished a round for this many seconds hangs."""


def worker_listener(settings: Settings, consumer: "Consumer") -> Listener | None:
    """Return a worker's listener, not started, or None if KEN_WORKER_OPS_PORT is 0.

    Raises ServerUnavailable.
    """
    if not settings.worker_ops_port:
        return None
    database = Database(settings)  # a pool of its own: it must not wait for a connection
    return _listener(
        settings,
        settings.worker_ops_port,
        consumer,
        QUEUE,
        sweeper="sweeper",
        postgresql=health.store(database, "answerer"),
        exposition=facts.exposition(settings, database),
    )


def jobs_listener(settings: Settings, consumer: "Consumer", *, sweeper: str) -> Listener | None:
    """Return the jobs worker's listener, not started, or None if KEN_JOBS_OPS_PORT is 0.

    Raises ServerUnavailable.
    """
    if not settings.jobs_ops_port:
        return None
    return _listener(
        settings,
        settings.jobs_ops_port,
        consumer,
        JOBS_QUEUE,
        sweeper=sweeper,
        postgresql=health.store(Database(settings), "indexer"),
        exposition=metrics.exposition,
    )


def _listener(
    settings: Settings,
    port: int,
    consumer: "Consumer",
    queue_name: str,
    *,
    sweeper: str,
    postgresql: Callable[[], Store],
    exposition: Callable[[], bytes],
) -> Listener:
    """`sweeper`: the part of the process that looks for what nobody works on."""
    queue = Patient(lambda: facts.queue_length(settings, queue=queue_name), None)

    def works() -> Report:
        return Report(
            {
                "sweeper": health.has_turned(sweeper, within_s=SWEEPER_S),
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

    return Listener(settings.ops_host, port, health=works, ready=ready, exposition=exposition)


def bot_readiness(settings: Settings) -> Callable[[], Report]:
    """Return an optional check: without Redis, questions are stored and answered later."""
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
    """Return the bot's listener, not started, or None if KEN_BOT_OPS_PORT is 0.

    Raises ServerUnavailable.
    """
    if not settings.bot_ops_port:
        return None
    return Listener(settings.ops_host, settings.bot_ops_port, health=works, ready=ready)
