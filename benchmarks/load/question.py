"""What one question costs in CPU: of the worker and of PostgreSQL, in private and in a channel.

    python -m benchmarks.load.question HOME [FILE]        (SMALL=1: the short form)

One question after the other, the model without a wait; the first look at each reply is included.
What the same processes use when nobody asks is measured before, and taken off.
"""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp

from benchmarks.load.__main__ import cpu_seconds, machine, out
from benchmarks.load.events import Sender
from benchmarks.load.stack import Stack, started

_SMALL = bool(os.environ.get("SMALL"))
WARM = 40
QUESTIONS = 40 if _SMALL else 200
IDLE_S = 10.0
MEASURED = ("worker", "postgresql")


async def measure(stack: Stack) -> dict[str, Any]:
    """Milliseconds of CPU a question, by place and process."""
    figures: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "questions": QUESTIONS,
    }
    stack.pace(0)
    stack.open_threads()
    async with aiohttp.ClientSession() as session:
        sender = Sender(stack, session)
        for in_channel in (False, True):
            await _ask(stack, sender, WARM, in_channel=in_channel)
        idle = await _idle(stack)
        figures["idle_ms_per_second"] = {one: round(1000 * idle[one], 1) for one in MEASURED}
        for in_channel in (False, True):
            before, began = cpu_seconds(stack), monotonic()
            await _ask(stack, sender, QUESTIONS, in_channel=in_channel)
            spent, took = cpu_seconds(stack), monotonic() - began
            figures["channel" if in_channel else "direct"] = {
                one: round(1000 * (spent[one] - before[one] - took * idle[one]) / QUESTIONS, 1)
                for one in MEASURED
            }
    return figures


async def _ask(stack: Stack, sender: Sender, number: int, *, in_channel: bool) -> None:
    """Until each has been answered, and each reply has been looked at once."""
    for _ in range(number):
        await sender.send(in_channel=in_channel)
        await sender.drained()
    while stack.one("SELECT count(*) FROM outbox WHERE state = 'posted' AND reviewed_at IS NULL"):
        await asyncio.sleep(0.1)


async def _idle(stack: Stack) -> dict[str, float]:
    """Seconds of CPU in a second."""
    before, began = cpu_seconds(stack), monotonic()
    await asyncio.sleep(IDLE_S)
    after, took = cpu_seconds(stack), monotonic() - began
    return {one: (after[one] - before[one]) / took for one in MEASURED}


def main(data_dir: Path, report: Path | None) -> None:
    with started(data_dir, out) as stack:
        figures = asyncio.run(measure(stack))
    out.print(figures)
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
