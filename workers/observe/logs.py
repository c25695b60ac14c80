"""Logs are events: a constant name, then identifiers. Never a question, a text or a token."""

import json
import logging
import sys
from datetime import UTC, datetime

import structlog
from structlog.typing import EventDict

from workers.observe import tracing


def configure(process: str = "ken") -> None:
    """Write JSON lines to standard error; from libraries only warnings, and the kind of
    an error.
    """
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(_NoContent(process))
    logging.basicConfig(level=logging.WARNING, handlers=[lines], force=True)
    logging.captureWarnings(capture=True)  # else they go to standard error as they are

    def place(_: object, __: str, event: EventDict) -> EventDict:
        event.update(_place(process))
        return event

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            place,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _place(process: str) -> dict[str, str]:
    """Add the name of the process and the trace."""
    trace = tracing.trace_id()
    return {"process": process} | ({"trace": trace} if trace else {})


class _NoContent(logging.Formatter):
    """Drop a library's message, arguments and tracebacks, which may quote what it was given."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[0] if record.exc_info else None
        at = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        return json.dumps(
            {
                "event": "library",
                "logger": record.name,
                "line": record.lineno,
                "level": record.levelname.lower(),
                "error": error.__name__ if error else None,
                "timestamp": at,
                **_place(self._process),
            }
        )
