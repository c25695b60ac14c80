"""What a log line holds, and that what a library was given is in none."""

import io
import json
import logging
import subprocess
import sys
from typing import Any

import pytest
import structlog

from tests.workers.ops.collector import collecting
from workers.observe import logs, tracing
from workers.settings import Settings


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    logs.configure("worker")
    return written


def read(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_names_its_process_and_its_trace(lines: io.StringIO, settings: Settings) -> None:
    structlog.get_logger().info("something", question_id=7)
    with collecting() as collector:
        tracing.configure(settings.model_copy(update={"otlp_endpoint": collector.url}), "worker")
        try:
            with tracing.span("answer"):
                structlog.get_logger().info("something")
                logging.getLogger("celery").warning("of a library")
                trace = tracing.trace_id()
        finally:
            tracing.close()
    before, within, library = read(lines)
    assert (before["process"], before["question_id"]) == ("worker", 7)
    assert "trace" not in before
    assert trace
    assert within["trace"] == library["trace"] == trace
    assert library["process"] == "worker"
    assert library["timestamp"].endswith("Z")


def test_of_a_library_neither_message_nor_arguments_nor_traceback_is_logged(
    lines: io.StringIO,
) -> None:
    """Threat 12: Celery logs the whole body of a message that it does not understand."""
    try:
        int("canary in the error")
    except ValueError:
        logging.getLogger("celery.worker").exception("canary %r", {"canary": "canary"})
    (celery,) = read(lines)
    assert "canary" not in lines.getvalue()
    assert (celery["logger"], celery["level"], celery["error"]) == (
        "celery.worker",
        "error",
        "ValueError",
    )


def test_a_warning_is_a_line_like_any_other() -> None:
    begun = "from workers.observe import logs; logs.configure('bot')"
    code = f"{begun}; import warnings; warnings.warn('canary')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (line,) = done.stderr.splitlines()
    assert (json.loads(line)["logger"], json.loads(line)["process"]) == ("py.warnings", "bot")
    assert "canary" not in line
