"""The doorbell: a ring is a message in Redis with a row's id. Who rings needs redis-py, no Celery.

A ring is written as Celery's workers read it: a task's message of protocol 2, in kombu's envelope
(https://docs.celeryq.dev/en/stable/internals/protocol.html). `queue.py` takes nothing else.
"""

import base64
import json
from functools import cache
from uuid import uuid4

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.errors import SettingsInvalid
from workers.settings import Settings

QUEUE = "ken"
TASK = "answer_question"
ERRAND = "run_errand"
_PATIENCE_S = 0.5


def send(settings: Settings, task: str, *arguments: object) -> None:
    """Ring once. Raises redis.RedisError, SettingsInvalid: then nobody was woken."""
    _bell(settings).lpush(QUEUE, message(task, *arguments))


def waiting(settings: Settings) -> int:
    """Rings that no worker has taken yet. Raises redis.RedisError, SettingsInvalid."""
    return int(_bell(settings).llen(QUEUE))


def message(task: str, *arguments: object) -> str:
    """A ring as it lies in the queue."""
    call = [arguments, {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    task_id = str(uuid4())
    return json.dumps(
        {
            "body": base64.b64encode(json.dumps(call).encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {"lang": "py", "task": task, "id": task_id, "root_id": task_id},
            "properties": {
                "correlation_id": task_id,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": QUEUE},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
        }
    )


def connect(settings: Settings, *, timeout_s: float) -> redis.Redis:
    """Connects when first used, and tries once: whoever waits for it has others waiting."""
    return redis.Redis.from_url(
        address(settings).replace("redis+socket://", "unix://"),
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
    )


def address(settings: Settings) -> str:
    """Raises SettingsInvalid: there is none."""
    found = settings.redis_url.get_secret_value()
    if not found:
        raise SettingsInvalid(
            "KEN_REDIS_URL is not set.", remedy="Run `ken up` for the embedded one, or set it."
        )
    return found


@cache
def _bell(settings: Settings) -> redis.Redis:
    return connect(settings, timeout_s=_PATIENCE_S)
