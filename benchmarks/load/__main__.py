"""What Ken carries: questions a second, acknowledgements, added time, memory.

    python -m benchmarks.load HOME [FILE]        (SMALL=1: the short form)

Everything runs on this machine, the doubles of Slack and of the model too: PostgreSQL, Redis, the
bot over HTTP, one worker. HOME is a home of its own; it keeps the demo company between runs.
"""

import asyncio
import json
import os
import platform
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.load.events import Sender, Sent
from benchmarks.load.memory import Memory
from benchmarks.load.stack import Stack, started
from workers.cli.loading import progress_bar

Json = dict[str, Any]
_SMALL = bool(os.environ.get("SMALL"))
SECONDS = 10 if _SMALL else 60
QUESTIONS = 1_000 if _SMALL else 10_000
ONE_BY_ONE = 20 if _SMALL else 200
PACES = (10, 50)
MANY_THREADS = 16
MODEL_S = 0.5
"""The model's time for an answer; in the memory run none, so that it ends today."""
GOALS = {"ack_p99_ms": 300, "ack_max_ms": 1000, "added_p95_ms": 400}
out = Console(highlight=False)


def main(data_dir: Path, report: Path | None) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and the stack is stopped
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
    with started(data_dir, out) as stack:
        figures, memory = asyncio.run(_measure(stack))
    _print(figures)
    if report:
        report.write_text(json.dumps(figures, indent=2) + "\n")
        report.with_suffix(".svg").write_text(
            memory.plot("Resident memory, one worker and the bot")
        )


async def _measure(stack: Stack) -> tuple[Json, Memory]:
    memory = Memory()
    default = stack.settings.worker_threads
    figures: Json = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "goals": GOALS,
        "model_s": MODEL_S,
    }
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(
        timeout=timeout, connector=aiohttp.TCPConnector(limit=0)
    ) as session:
        sender = Sender(stack, session)
        sent = await _warm_up(stack, sender)
        for where in ("direct", "channel"):
            figures[f"added_{where}"] = await _added(stack, sender, sent, where == "channel")
        figures["ack"] = await _acks(stack, sender, sent)
        for threads in (default, MANY_THREADS):
            stack.with_threads(threads)
            figures[f"throughput_{threads}_threads"] = await _throughput(
                stack, sender, sent, threads
            )
        stack.with_threads(default)
        figures["memory"] = await _memory(stack, sender, sent, memory)
        figures["check"] = _check(stack, sent)
    return figures, memory


async def _warm_up(stack: Stack, sender: Sender) -> list[Sent]:
    """Every thread once has been used; everybody has a thread in Slack to ask in."""
    stack.pace(0)
    stack.open_threads()
    await sender.drained()
    with _bar("Warming up", 100) as tell:
        sent = await sender.in_flight(8, lambda ended: ended >= 100, tell)
    return sent


async def _added(stack: Stack, sender: Sender, sent: list[Sent], in_channel: bool) -> Json:
    """One question after the other: from the event to the posted answer, less the model's time."""
    stack.pace(MODEL_S)
    mine = []
    name = "In a channel" if in_channel else "One by one"
    with _bar(name, ONE_BY_ONE) as tell:
        for number in range(ONE_BY_ONE):
            one = await sender.send(in_channel=in_channel)
            taken_at = await _taken(stack, one)
            await sender.drained()
            mine.append((one, taken_at))
            tell(number + 1)
    sent += [one for one, _ in mine]
    served = stack.served()
    steps = [found for one, at in mine if (found := _steps(stack, one, at, served))]
    figures = {name: _spread([step[name] for step in steps]) for name in steps[0]}
    return {"questions": len(steps), **figures}


async def _taken(stack: Stack, sent: Sent) -> float | None:
    """When the worker took it: a lease that is not renewed yet ends one lease time later."""
    while True:
        row = stack.rows.execute(
            "SELECT state, extract(epoch FROM expires_at) FROM question LEFT JOIN lease"
            " ON question_id = id WHERE event_id = %s", (sent.event_id,),
        ).fetchone()  # fmt: skip
        if row is None or row[0] != "kept":
            return None
        if row[1] is not None:
            return float(row[1]) - stack.settings.lease_s
        await asyncio.sleep(0.005)


def _steps(
    stack: Stack, sent: Sent, taken_at: float | None, served: list[tuple[float, float]]
) -> dict[str, float] | None:
    """Milliseconds of each step; None if the model was not asked or nothing was posted."""
    row = stack.rows.execute(_TIMES, (sent.event_id,)).fetchone()
    mine = [(a, b) for a, b in served if row and sent.due_at <= a <= float(row[2] or 0)]
    if row is None or not mine or not taken_at or not row[1]:
        return None
    kept, checked, posted, ended = map(float, row)
    asked, answered = mine[0][0], mine[-1][1]
    model = sum(b - a for a, b in mine)
    times = {
        "added": posted - sent.due_at - model,
        "acknowledged": sent.acked_at - sent.due_at,
        "kept": kept - sent.due_at,
        "taken": taken_at - kept,
        "retrieved": asked - taken_at,
        "model": model,
        "checked": checked - answered,
        "posted": posted - checked,
        "ended": ended - posted,
    }
    return {name: 1000 * value for name, value in times.items()}


async def _acks(stack: Stack, sender: Sender, sent: list[Sent]) -> Json:
    """Slack's events at a fixed pace, the worker at work; then again without Redis."""
    figures: Json = {}
    for state in ("redis up", "redis down"):
        stack.pace(MODEL_S)
        if state == "redis down":
            stack.redis.stop()
        for pace in PACES:
            with _bar(f"{pace} events a second, {state}", pace * SECONDS) as tell:
                mine = await sender.at_pace(pace, SECONDS, tell)
            sent += mine
            refused = sum(one.status != 200 for one in mine)
            figures[f"{pace}/s, {state}"] = {
                **_spread([one.ack_ms for one in mine]),
                "events": len(mine),
                "refused": refused,
            }
        stack.redis.start()
        stack.pace(0)
        with _bar("Working off what was asked", None):
            await sender.drained()
    return figures


async def _throughput(stack: Stack, sender: Sender, sent: list[Sent], threads: int) -> Json:
    """Closed loop, twice as many questions in flight as the worker has threads."""
    stack.pace(MODEL_S)
    sent += await sender.in_flight(2 * threads, lambda ended: ended >= threads, lambda _: None)
    clock = asyncio.get_running_loop().time
    busy, end = cpu_seconds(stack), clock() + SECONDS
    done: Json = {}

    def enough(ended: int) -> bool:
        if clock() < end:
            return False
        if not done:
            now = cpu_seconds(stack)
            spent = {name: now[name] - busy[name] for name in busy}
            ended = stack.one(_ENDED_WITHIN, SECONDS)
            done.update(
                questions_per_second=round(ended / SECONDS, 2),
                in_flight=2 * threads,
                cpu_ms_per_question={
                    k: round(1000 * v / max(ended, 1), 1) for k, v in spent.items()
                },
                cpu_busy=round(sum(spent.values()) / SECONDS / (os.cpu_count() or 1), 2),
            )
        return True

    with _bar(f"{2 * threads} in flight, {threads} threads", None) as tell:
        sent += await sender.in_flight(2 * threads, enough, tell)
    return done


async def _memory(stack: Stack, sender: Sender, sent: list[Sent], memory: Memory) -> Json:
    stack.pace(0)
    with _bar("Memory", QUESTIONS) as tell:
        memory.sample(stack, 0)

        def watch(ended: int) -> None:
            tell(ended)
            if ended - memory.questions[-1] >= QUESTIONS / 200:
                memory.sample(stack, ended)

        threads = stack.settings.worker_threads
        sent += await sender.in_flight(2 * threads, lambda ended: ended >= QUESTIONS, watch)
        memory.sample(stack, QUESTIONS)
    return {"questions": QUESTIONS, **memory.figures()}


def _check(stack: Stack, sent: list[Sent]) -> Json:
    """Every event that was acknowledged has ended, and was answered in Slack exactly once."""
    rows = dict(stack.rows.execute(_ENDED).fetchall())
    taken = [one.event_id for one in sent if one.status == 200]
    return {
        "events": len(sent),
        "acknowledged": len(taken),
        "lost": sum(not rows.get(event_id) for event_id in taken),
        "twice": sum(int(rows.get(event_id) or 0) > 1 for event_id in taken),
        "states": dict(stack.rows.execute(_STATES).fetchall()),
    }


def cpu_seconds(stack: Stack) -> dict[str, float]:
    """Seconds of CPU that each has used so far."""
    return {name: sum(map(_seconds, ones)) for name, ones in stack.processes().items()}


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _spread(values: list[float]) -> Json:
    percentiles = {f"p{at}_ms": float(np.percentile(values, at)) for at in (50, 95, 99)}
    return {name: round(value, 1) for name, value in {**percentiles, "max_ms": max(values)}.items()}


@contextmanager
def _bar(name: str, total: int | None) -> Iterator[Callable[[int], None]]:
    with progress_bar() as bar:
        task = bar.add_task(name, total=total)
        yield lambda done: bar.update(task, completed=done)


def machine() -> Json:
    cpu = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    return {
        "cpu": cpu[0].partition(": ")[2] if cpu else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
    }


def _print(figures: Json) -> None:
    table = Table("", "p50", "p95", "p99", "max", title="milliseconds")
    for name, spread in figures["ack"].items():
        _row(table, f"acknowledged, {name}", spread)
    for where in ("direct", "channel"):
        for step, spread in figures[f"added_{where}"].items():
            if isinstance(spread, dict):
                _row(table, f"{where}: {step}", spread)
    out.print(table)
    for name, figure in figures.items():
        if name.startswith(("throughput", "memory", "check")):
            out.print(f"[bold]{name}[/]", figure)


def _row(table: Table, name: str, spread: Json) -> None:
    table.add_row(name, *(f"{spread[key]:g}" for key in ("p50_ms", "p95_ms", "p99_ms", "max_ms")))


_TIMES = """
    SELECT extract(epoch FROM question.asked_at), extract(epoch FROM max(answer.answered_at)),
           max(CAST(outbox.message_ts AS numeric)), extract(epoch FROM question.ended_at)
    FROM question LEFT JOIN answer ON answer.question_id = question.id
    LEFT JOIN outbox ON outbox.question_id = question.id
    WHERE event_id = %s GROUP BY question.id
"""
"""The ts of a message is the double's clock at the moment it was posted."""

_ENDED = """
    SELECT event_id, count(outbox.id) FILTER (WHERE outbox.state = 'posted')
    FROM question LEFT JOIN outbox ON outbox.question_id = question.id
    WHERE question.state <> 'kept' GROUP BY question.id
"""
_ENDED_WITHIN = (
    "SELECT count(*) FROM question WHERE ended_at > clock_timestamp() - make_interval(secs => %s)"
)
_STATES = "SELECT state, count(*) FROM question GROUP BY state"

if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
