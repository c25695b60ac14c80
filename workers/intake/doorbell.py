"""Sends rings: a ring is a message in Redis that carries a row's id.

A ring is written as Celery's workers read it: a task's message of protocol 2, in kombu's envelope
(https://docs.celeryq.dev/en/stable/internals/protocol.html). `queue.py` accepts nothing else.
Sending one needs neither Celery nor redis-py, whose import takes longer than an answer: it is one
command over its own connection, without state that a fork, a thread or a restart of Redis could
break.
"""

import base64
import json
import socket
import ssl
from collections.abc import Mapping
from typing import BinaryIO, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from uuid import uuid4

from workers.errors import SettingsInvalid
from workers.settings import Settings

QUEUE = "ken"
TASK = "answer_question"
ERRAND = "run_errand"
JOBS_QUEUE = "ken-jobs"
"""The queue of jobs alone, so that a question never waits behind one."""
JOB = "run_job"
_SCHEMES = ("redis", "rediss", "redis+socket", "unix")
_PATIENCE_S = 0.5
_LONGEST_REPLY = 1000


def send(settings: Settings, task: str, *arguments: object, queue: str = QUEUE) -> None:
    """Send one ring. Raises OSError, ValueError or SettingsInvalid; then perhaps no worker was
    woken.
    """
    _call(settings, "LPUSH", queue, message(task, *arguments, queue=queue))


def waiting(settings: Settings, *, queue: str = QUEUE) -> int:
    """Return the number of rings that no worker has taken. Raises OSError, ValueError,
    SettingsInvalid.
    """
    return int(_call(settings, "LLEN", queue))


def message(task: str, *arguments: object, queue: str = QUEUE) -> str:
    """Return a ring as it is stored in the queue."""
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
                "delivery_info": {"exchange": "", "routing_key": queue},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
        }
    )


def address(settings: Settings) -> str:
    """Return the address of Redis. Raises SettingsInvalid if none is set."""
    found = settings.redis_url.get_secret_value()
    if not found:
        raise SettingsInvalid(
            "KEN_REDIS_URL is not set.",
            remedy="Run `ken up` to start the embedded Redis, or set the address of yours.",
        )
    return found


def _call(settings: Settings, *command: str) -> str:
    """Return Redis's one-line reply. Raises OSError, ValueError, SettingsInvalid."""
    where = urlsplit(address(settings))
    if where.scheme not in _SCHEMES:
        raise ValueError("KEN_REDIS_URL is not the address of a Redis server")
    options = dict(parse_qsl(where.query))
    commands = [*_greetings(where, options), command]
    with _connected(where, options) as connection:
        connection.sendall(b"".join(map(_encoded, commands)))
        with connection.makefile("rb") as replies:
            return [_reply(cast(BinaryIO, replies)) for _ in commands][-1]


def _greetings(where: SplitResult, options: Mapping[str, str]) -> list[tuple[str, ...]]:
    """The commands that log in and select the database."""
    greetings: list[tuple[str, ...]] = []
    if where.password:
        names = [unquote(where.username)] if where.username else []
        greetings.append(("AUTH", *names, unquote(where.password)))
    number = options.get("db") or ("" if _is_socket(where) else where.path.strip("/"))
    if number:
        greetings.append(("SELECT", number))
    return greetings


def _connected(where: SplitResult, options: Mapping[str, str]) -> socket.socket:
    if _is_socket(where):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_PATIENCE_S)
        try:
            connection.connect(unquote(where.path))
        except OSError:
            connection.close()
            raise
        return connection
    host = where.hostname or "127.0.0.1"
    connection = socket.create_connection((host, where.port or 6379), timeout=_PATIENCE_S)
    if where.scheme != "rediss":
        return connection
    try:
        return _tls(options).wrap_socket(connection, server_hostname=host)
    except OSError:
        connection.close()
        raise


def _tls(options: Mapping[str, str]) -> ssl.SSLContext:
    """Read redis-py's option names. The server's certificate is checked unless they turn it off."""
    context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
    if options.get("ssl_cert_reqs", "required").lower().removeprefix("cert_") == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if "ssl_certfile" in options:
        context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"))
    return context


def _is_socket(where: SplitResult) -> bool:
    return where.scheme in ("redis+socket", "unix")


def _encoded(command: tuple[str, ...]) -> bytes:
    """https://redis.io/docs/latest/develop/reference/protocol-spec/"""
    words = [word.encode() for word in command]
    return b"*%d\r\n" % len(words) + b"".join(
        b"$%d\r\n%s\r\n" % (len(word), word) for word in words
    )


def _reply(replies: BinaryIO) -> str:
    """Return OK or a number; for an error only its kind is reported."""
    line = replies.readline(_LONGEST_REPLY).decode(errors="replace").strip()
    if not line.startswith(("+", ":")):
        raise ConnectionError(f"Redis refused: {line.partition(' ')[0] or 'no reply'}")
    return line[1:]
