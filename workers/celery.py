"""The queue. Redis is a doorbell: what it loses or repeats is found again in PostgreSQL."""

from celery import Celery

from workers.errors import SettingsInvalid
from workers.settings import Settings

QUEUE = "ken"
_HOUR_S = 3600.0

app = Celery("ken", include=["workers.tasks"])
app.conf.update(
    task_default_queue=QUEUE,
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_publish_retry=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    worker_cancel_long_running_tasks_on_connection_loss=False,
)

# A dead broker must not hold up whoever rings: by default publishing blocks for over 25 s.
_RING = {
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "max_retries": 0,
    "interval_start": 0,
}


def connected(settings: Settings) -> Celery:
    """The app with its broker set, for a process that only rings."""
    app.conf.update(broker_url=_address(settings), broker_transport_options=_RING)
    return app


def consuming(settings: Settings) -> Celery:
    """The app with its broker set, for a worker: it waits for a broker that comes back."""
    app.conf.update(
        broker_url=_address(settings),
        broker_transport_options={
            "visibility_timeout": settings.lease_s * 2,
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
        },
        beat_schedule={
            "sweep": {"task": "sweep", "schedule": settings.sweep_s},
            "delete_old": {"task": "delete_old", "schedule": _HOUR_S},
        },
        beat_scheduler="celery.beat:Scheduler",  # in memory: every worker may have one
    )
    return app


def _address(settings: Settings) -> str:
    """Raises SettingsInvalid: without an address Celery would look for RabbitMQ."""
    address = settings.redis_url.get_secret_value()
    if not address:
        raise SettingsInvalid(
            "KEN_REDIS_URL is not set.", remedy="Run `ken up` for the embedded one, or set it."
        )
    return address
