"""Logs are events: a constant name, then identifiers. Never a question, a text or a token."""

import json
import logging
import sys

import structlog


def configure() -> None:
    """JSON lines on standard error; of libraries only who warns, and of what kind of error."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(_NoContent())
    logging.basicConfig(level=logging.WARNING, handlers=[lines], force=True)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


class _NoContent(logging.Formatter):
    """A library's message, its arguments and its tracebacks may quote what it was given."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[0] if record.exc_info else None
        return json.dumps(
            {
                "event": "library",
                "logger": record.name,
                "line": record.lineno,
                "level": record.levelname.lower(),
                "error": error.__name__ if error else None,
            }
        )
