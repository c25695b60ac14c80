"""The child of `parse.Parser`: reads what may be hostile, with little to break.

Started as `python -m workers.ingest.sandbox LIMITS` with a socket for its standard input.
"""

import json
import logging
import os
import resource
import socket
import sys
from pathlib import Path

import psutil

from workers.ingest.formats import readers  # noqa: F401 - loaded before memory is limited
from workers.ingest.formats.document import DocumentUnreadable
from workers.ingest.parse import MEMORY_EXIT, Limits, parse_file, too_much_text


def main(limits: Limits) -> None:
    logging.disable()
    confine(limits.memory_bytes)
    with socket.socket(fileno=0) as channel, channel.makefile("rb") as requests:
        channel.sendall(_framed(b"ready"))
        while len(size := requests.read(4)) == 4:
            path = requests.read(int.from_bytes(size, "big"))
            _allow_seconds(limits.seconds)
            try:
                reply = _reply(Path(os.fsdecode(path)), limits)
            except MemoryError:
                os._exit(MEMORY_EXIT)
            channel.sendall(_framed(reply))


def confine(memory_bytes: int) -> None:
    """No core dumps, which hold documents, no files written, and so much memory from here on."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    if sys.platform == "linux":  # macOS refuses this limit
        _limit(resource.RLIMIT_AS, psutil.Process().memory_info().vms + memory_bytes)


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def _allow_seconds(seconds: float) -> None:
    """For the case that nobody is left to end us; the parent's clock is the stricter one."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 2
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _reply(path: Path, limits: Limits) -> bytes:
    try:
        parsed = parse_file(path, limit_bytes=limits.file_bytes)
    except DocumentUnreadable as error:
        return json.dumps({"reason": error.reason}).encode()
    if sum(len(page.encode()) for page in parsed.pages) > limits.text_bytes:
        return json.dumps({"reason": too_much_text(limits.text_bytes)}).encode()
    updated_at = parsed.updated_at.isoformat() if parsed.updated_at else None
    reply = {"title": parsed.title, "pages": parsed.pages, "updated_at": updated_at}
    return json.dumps(reply, ensure_ascii=False).encode()


def _framed(reply: bytes) -> bytes:
    return len(reply).to_bytes(4, "big") + reply


if __name__ == "__main__":
    main(Limits(**json.loads(sys.argv[1])))
