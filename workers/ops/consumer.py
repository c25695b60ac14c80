"""Checks that Celery's consumer in this worker is alive: its loop runs, and it gets messages.

While Redis is down, the consumer is not at fault. A consumer that has reconnected but gets no
messages, a bug that Celery has had more than once, shows as waiting messages with free threads.
"""

import time
from typing import Any

from celery.bootsteps import StartStopStep
from celery.signals import task_received, task_rejected, task_unknown
from celery.worker import state

SILENT_S = 45.0
"""Celery waits up to 30 seconds between two attempts to connect."""

_BEAT_S = 1.0


class Consumer:
    """The state of a consumer; `alive` is called now and then with the queue's length."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._asked = self._beat = self._heard = self._redis_since = time.monotonic()
        self._waiting_since: float | None = None

    def beat(self) -> None:
        self._beat = time.monotonic()

    def on_message(self, **_: object) -> None:
        self._heard = time.monotonic()

    def alive(self, queue_length: int | None) -> bool:
        """Return whether the consumer is alive. `queue_length` is None if Redis does not answer."""
        now = time.monotonic()
        long_ago, self._asked = now - self._asked > SILENT_S, now
        if queue_length is None or long_ago:  # what happened in between is not known
            self._redis_since, self._waiting_since = now, None
            return True
        if now - max(self._beat, self._redis_since) > SILENT_S:
            return False
        if queue_length == 0 or len(state.reserved_requests) >= self._threads:
            self._waiting_since = None
            return True
        self._waiting_since = self._waiting_since or now
        return now - max(self._waiting_since, self._heard) <= SILENT_S


def watched(app: Any, threads: int) -> Consumer:
    """Return the consumer that a worker of this app will have."""
    consumer = Consumer(threads)

    class Beat(StartStopStep):  # type: ignore[misc]
        """Restarts its timer, because Celery removes all timers when the connection is lost."""

        def register_with_event_loop(self, _parent: Any, hub: Any) -> None:
            hub.call_repeatedly(_BEAT_S, consumer.beat)

    app.steps["consumer"].add(Beat)
    for signal in (task_received, task_unknown, task_rejected):
        signal.connect(consumer.on_message, weak=False)
    return consumer
