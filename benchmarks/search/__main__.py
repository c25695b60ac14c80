"""What a search costs, for people who see little and for people who see nearly everything.

    python -m benchmarks.search HOME [FILE]     (CHUNKS=1000000; SMALL=1: 20,000)

On Ken's schema, roles and row-level security, in a database of its own on HOME's server, dropped
at the end. Milliseconds are of processor time, PostgreSQL's backend and the client together; wall
time says more about what else the machine does.
"""

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.databases import own_database
from benchmarks.search.beside import Asked, beside
from benchmarks.search.company import LEVELS, MODEL, PER_LEVEL, Asker, Company, write
from policies import Audience, visible_in
from workers.answering import retrieval
from workers.database.sessions import Database, driver_of
from workers.embedded.servers import ensure
from workers.index.copy import Index
from workers.settings import load_settings

QUESTIONS = 6
"""Of each person: half about what they may read, half about anything."""
TOP = 10
MOST_FOR_PEERS = 200_000
"""More chunks take the libraries an hour to load."""
STEPS = ("visible_in", "_all_near", "_matching", "_weigh", "_read")
Times = dict[str, list[float]]
out = Console(highlight=False)


def main(home: Path, report: Path | None) -> None:
    chunks = int(os.environ.get("CHUNKS") or (20_000 if os.environ.get("SMALL") else 200_000))
    ensure(home)
    with own_database(load_settings(home)) as settings:
        started = time.monotonic()
        company = Company(chunks)
        write(company, settings)
        out.print(
            f"{chunks:,} chunks, {company.documents:,} documents, {company.spaces:,} spaces,"
            f" written in {time.monotonic() - started:.0f} s"
        )
        database = Database(settings)
        asked: list[Asked] = []
        figures: dict[str, Any] = {"chunks": chunks, "ken": measured(company, database, asked)}
        database.close()
        if chunks <= MOST_FOR_PEERS:
            figures |= beside(company, settings, asked)
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(figures, indent=2) + "\n")


def measured(company: Company, database: Database, asked: list[Asked]) -> dict[str, Any]:
    """Return what `retrieve` costs at each level, whole and by its steps; note what was asked."""
    figures: dict[str, Any] = {}
    index = Index()
    for place, level in enumerate(LEVELS):
        times: Times = defaultdict(list)
        recalls: list[float] = []
        short = 0
        for asker in company.askers[place * PER_LEVEL : (place + 1) * PER_LEVEL]:
            for number in range(QUESTIONS):
                found, wanted = _ask(company, database, index, asker, number, times)
                exact = set(wanted.exact.tolist())
                asked.append(wanted)
                recalls.append(len(found & exact) / max(1, len(exact)))
                short += len(found) < len(exact)
        figures[f"{level:g}"] = {
            "recall": round(float(np.mean(recalls)), 4),
            "short": short,
            "cpu_ms": round(float(np.median(times["_all_near"])), 2),
            **{
                step.strip("_"): [
                    round(float(np.median(spent)), 1),
                    round(float(np.percentile(spent, 95)), 1),
                ]
                for step, spent in times.items()
            },
        }
        out.print(f"{level:7.2%}  {figures[f'{level:g}']}", soft_wrap=True)
    return figures


def _ask(
    company: Company,
    database: Database,
    index: Index,
    asker: Asker,
    number: int,
    times: Times,
) -> tuple[set[int], Asked]:
    """Return what the dense leg found first, and the question with what it should have found.

    What row-level security works out for the first statement of a snapshot is a step of its own.
    """
    vector, words = company.question(asker, own=number % 2 == 0)
    near: list[list[int]] = []
    audience = Audience.of((asker.person,))
    with (
        database.reading_for(audience) as session,
        _stepwise(session, times, near),
        _timed(session, times["whole"]),
    ):
        with _timed(session, times["row_security"]):
            session.execute(text("SELECT octet_length(readable_set())"))
        retrieval.retrieve(session, audience, words, vector, model=MODEL, limit=8, index=index)
    policies = visible_of(database, audience)
    exact = company.exact(asker, vector, TOP)
    return set(near[0][:TOP]), Asked(asker.level, vector, policies, exact)


def visible_of(database: Database, audience: Audience) -> NDArray[np.int64]:
    with database.reading_for(audience) as session:
        return visible_in(session, audience).policy_ids


@contextmanager
def _stepwise(session: Session, times: Times, near: list[list[int]]) -> Iterator[None]:
    """Measure each step of a search where it stands."""

    def measuring(step: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*given: Any, **more: Any) -> Any:
            with _timed(session, times[step]):
                found = real(*given, **more)
            if step == "_all_near":
                near.append(found)
            return found

        return measured

    with ExitStack() as patched:
        for step in STEPS:
            patched.enter_context(
                patch.object(retrieval, step, measuring(step, getattr(retrieval, step)))
            )
        yield


@contextmanager
def _timed(session: Session, times: list[float]) -> Iterator[None]:
    backend = driver_of(session).info.backend_pid
    before = _cpu_ms(backend)
    yield
    times.append(_cpu_ms(backend) - before)


def _cpu_ms(backend: int) -> float:
    """Of a PostgreSQL process and of this thread."""
    spent_ns = int(Path(f"/proc/{backend}/schedstat").read_text().split()[0])
    return spent_ns / 1e6 + time.thread_time() * 1e3


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
