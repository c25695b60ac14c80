"""The queue as a worker reads it. Rings that Redis loses or repeats are found in PostgreSQL."""

import base64
import json
from json import JSONDecodeError
from typing import Any

import structlog
from celery import Celery
from kombu.transport import TRANSPORT_ALIASES, redis

from workers.intake.doorbell import ERRAND, JOB, QUEUE, TASK, address
from workers.settings import Settings

log = structlog.get_logger()

_LONGEST_RING = 10_000
"""In characters. A ring only carries an id."""


class _Channel(redis.Channel):
    def _brpop_read(self, **options: Any) -> Any:
        """Drop a ring that cannot be read; it is off the queue already. Kombu would end
        the worker.
        """
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (JSONDecodeError, UnicodeDecodeError, RecursionError):
            log.warning("task_refused", reason="unreadable")
            return True


class Transport(redis.Transport):
    """Kombu's Redis transport, which drops anything that is not a ring of ours before Celery sees
    it.

    Celery logs the whole body of a task that it does not know.
    """

    Channel = _Channel

    def _deliver(self, message: Any, queue: str) -> None:
        if _is_ring(message):
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]
        else:
            log.warning("task_refused", reason="no ring of ours")


def _is_ring(message: Any) -> bool:
    match message:
        case {
            "body": str(body),
            "content-type": "application/json",
            "headers": {"task": str(task), "id": str(), "lang": str(), **more},
            "properties": {
                "delivery_tag": str(),
                "delivery_info": {"exchange": str(), "routing_key": str()},
                "body_encoding": "base64",
            },
        }:
            now = more.get("eta") is None  # what is for later would be held in the worker
            ours = task in (TASK, ERRAND, JOB)
            return ours and now and len(body) <= _LONGEST_RING and _is_call(body)
    return False


def _is_call(body: str) -> bool:
    """Whether this is a call with one argument and no task after it. Any other shape ends Celery's
    worker.
    """
    try:
        call = json.loads(base64.b64decode(body, validate=True))
    except (ValueError, RecursionError):
        return False
    match call:
        case [[_], {}, dict(after)]:
            return not any(after.values())
    return False


TRANSPORT_ALIASES["redis"] = "workers.intake.queue:Transport"
TRANSPORT_ALIASES["rediss"] = "workers.intake.queue:Transport"

app = Celery("ken", include=["workers.tasks"])
app.conf.update(
    task_default_queue=QUEUE,
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_transport_options={
        "visibility_timeout": 60,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
    },
)


def consuming(settings: Settings) -> Celery:
    """Return the app with its broker set, for a worker; it waits for a broker that comes back.

    Raises SettingsInvalid: without an address Celery would look for RabbitMQ.
    """
    app.conf.update(broker_url=address(settings))
    return app
