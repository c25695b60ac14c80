"""Asks the servers of this container whether they are healthy: `python -m workers.ops.probe`.

For a container's health check: it asks each port that its settings name, and exits with 1 unless
all are healthy. A container whose process has no port has nothing to ask.
"""

import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException

from workers.errors import SettingsInvalid
from workers.settings import Settings, load_settings

_PATIENCE_S = 4.0


def ports(settings: Settings) -> Iterator[int]:
    """Yield the ports at which a process with these settings says how it is."""
    yield from filter(
        None,
        (
            settings.worker_ops_port,
            settings.jobs_ops_port,
            settings.bot_ops_port,
            settings.admin_port,
            settings.doors_port,
        ),
    )


def is_healthy(port: int) -> bool:
    """Return whether what listens there says that it is healthy."""
    calling = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    try:
        calling.request("GET", "/healthz")
        return calling.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        calling.close()


def main() -> int:
    """Return the exit code."""
    try:
        return 0 if all(map(is_healthy, ports(load_settings()))) else 1
    except SettingsInvalid:
        return 1


if __name__ == "__main__":
    sys.exit(main())
