"""The child of `parse.Parser`: reads what may be hostile, with little to break.

Started as `python -m workers.ingest.sandbox LIMITS` with a socket for its standard input.
"""

import json
import logging
import os
import resource
import signal
import socket
import sys
from pathlib import Path

import psutil

from workers.ingest.formats import readers  # noqa: F401 - loaded before memory is limited
from workers.ingest.formats.document import DocumentUnreadable
from workers.ingest.parse import (
    CONTENT,
    MARKDOWN,
    MEMORY_EXIT,
    Limits,
    as_json,
    parse_content,
    parse_file,
    parse_markdown,
)


def main(limits: Limits) -> None:
    logging.disable()
    confine(limits.memory_bytes)
    with socket.socket(fileno=0) as channel, channel.makefile("rb") as requests:
        channel.sendall(_framed(b"ready"))
        while len(size := requests.read(4)) == 4:
            request = requests.read(int.from_bytes(size, "big"))
            _allow_seconds(limits.seconds)
            try:
                reply = _reply(request, limits)
            except MemoryError:
                os._exit(MEMORY_EXIT)
            channel.sendall(_framed(reply))


def confine(memory_bytes: int) -> None:
    """Allow no core dumps, which hold documents, no written files, and this much memory."""
    sys.dont_write_bytecode = True  # what was loaded so far may be kept; a write would end us
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    if sys.platform == "linux":  # macOS refuses this limit
        _limit(resource.RLIMIT_AS, psutil.Process().memory_info().vms + memory_bytes)


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def _allow_seconds(seconds: float) -> None:
    """Allow this much processor time from now on; then the kernel ends this process (SIGPROF)."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _reply(request: bytes, limits: Limits) -> bytes:
    kind, given = request[:1], request[1:]
    try:
        if kind == MARKDOWN:
            return as_json(parse_markdown(given.decode(), limits))
        if kind == CONTENT:
            size = 2 + int.from_bytes(given[:2], "big")
            return as_json(parse_content(given[2:size].decode(), given[size:], limits))
        return as_json(parse_file(Path(os.fsdecode(given)), limits))
    except DocumentUnreadable as error:
        return json.dumps({"reason": error.reason}).encode()


def _framed(reply: bytes) -> bytes:
    return len(reply).to_bytes(4, "big") + reply


if __name__ == "__main__":
    main(Limits(**json.loads(sys.argv[1])))
