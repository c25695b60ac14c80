"""Logs are events: a constant name, then identifiers. Never a question, a text or a token."""

import logging
import sys

import structlog


def configure() -> None:
    """JSON lines on standard error. Libraries say nothing below a warning, and never an argument
    of theirs: Celery's own lines about a failed task would show what the exception held."""
    logging.basicConfig(
        level=logging.WARNING, format='{"event": "%(name)s", "level": "%(levelname)s"}'
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
