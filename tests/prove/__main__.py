"""`make prove`: every proof in turn, and its figures in `build/figures/prove.json`.

python -m tests.prove                        all of them, in full; SMALL=1: the short form
python -m tests.prove decisions              one of them
python -m tests.prove decisions --seed 42    one world of it, to see a failure again
"""

import json
import os
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests import servers
from tests.prove.protections import MUTANTS
from tests.prove.run import run_part, tell_through

REPORT = Path(__file__).parent.parent.parent / "build" / "figures" / "prove.json"
PROCESSES = 2
APART = 500_004
"""Between the first seeds of the processes; they begin with worlds of other shapes."""
FIGURES = (
    "decisions leaks wrong_denials mutants mutants_killed "
    "interleavings late_posts paired_worlds differing_bytes"
).split()
ZERO = ("leaks", "wrong_denials", "late_posts", "differing_bytes")


@dataclass(frozen=True, slots=True)
class Part:
    """`tests/prove/NAME.py` has `run(database, *, count, seed, tell)`, which gives its figures."""

    name: str
    full: int
    small: int
    processes: int = PROCESSES


PARTS = (
    Part("decisions", full=1_000_000, small=20_000),
    Part("interleavings", full=10_000, small=250),
    Part("pairs", full=10_000, small=100),
    Part("mutants", full=len(MUTANTS), small=len(MUTANTS), processes=1),
)


def main(arguments: Sequence[str]) -> int:
    """0: everything holds."""
    wanted = _arguments(arguments)
    asked = [part for part in PARTS if part.name in (wanted.parts or [one.name for one in PARTS])]
    small, started = bool(os.environ.get("SMALL")), time.monotonic()
    console = Console()
    figures: Counter[str] = Counter()
    failed: list[str] = []
    with servers.home_in_use(), _Proving(console) as proving:
        for part in asked:
            count = 1 if wanted.seed is not None else part.small if small else part.full
            found, bad_seeds = proving.prove(part, count, wanted.seed)
            figures.update(found)
            failed += [
                f"PYTHONHASHSEED=0 python -m tests.prove {part.name} --seed {seed}"
                for seed in bad_seeds
            ]
    told: dict[str, object] = {
        **{name: figures[name] for name in FIGURES if name in figures},
        "seconds": round(time.monotonic() - started, 1),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    console.print_json(data=told)
    if wanted.seed is None:
        _write(told, alone=bool(wanted.parts))
    if _holds(figures):
        return 0
    console.print("[bold red]It does not hold.[/] Nothing was changed but test databases.")
    for command in failed:
        console.print(f"See it again: {command}")
    return 1


def _write(told: Mapping[str, object], *, alone: bool) -> None:
    """A part that is proved alone leaves the figures of the others as they were."""
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    before = json.loads(REPORT.read_text()) if alone and REPORT.exists() else {}
    REPORT.write_text(json.dumps({**before, **told}, indent=2) + "\n")


class _Proving:
    """Two processes, each with a database of its own, and a bar for each part."""

    def __init__(self, console: Console) -> None:
        context = get_context("spawn")
        self.told: Queue[int] = context.Queue()
        self.pool = ProcessPoolExecutor(
            PROCESSES, mp_context=context, initializer=tell_through, initargs=(self.told,)
        )
        self.bars = Progress(
            TextColumn("{task.description:13}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )

    def __enter__(self) -> "_Proving":
        self.bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bars.stop()
        self.pool.shutdown(cancel_futures=True)

    def prove(self, part: Part, count: int, seed: int | None) -> tuple[Counter[str], list[int]]:
        """The figures of one part, and the seeds of what did not hold."""
        shares = 1 if seed is not None else part.processes
        bar = self.bars.add_task(part.name, total=count if count > 1 else None)
        running = [
            self.pool.submit(run_part, part.name, -(-count // shares), (seed or 0) + APART * share)
            for share in range(shares)
        ]
        while not self._done(running):
            while not self.told.empty():
                self.bars.advance(bar, self.told.get())
        figures: Counter[str] = Counter()
        bad_seeds = []
        for share in running:
            found = share.result()
            if "failed_seed" in found:
                bad_seeds.append(found["failed_seed"])
            figures.update({name: found[name] for name in FIGURES if name in found})
            for name in sorted(found.keys() - {*FIGURES, "failed_seed"}):
                self.bars.console.print(f"{part.name}: {name} {found[name]}")
        self.bars.update(bar, total=1, completed=1) if count == 1 else None
        return figures, bad_seeds

    def _done(self, running: Sequence[Future[dict[str, Any]]]) -> bool:
        return not wait(running, timeout=0.2).not_done and self.told.empty()


def _holds(figures: Counter[str]) -> bool:
    survivors = figures["mutants"] - figures["mutants_killed"]
    return not survivors and not any(figures[name] for name in ZERO)


@dataclass(frozen=True, slots=True)
class _Wanted:
    parts: list[str]
    seed: int | None


def _arguments(arguments: Sequence[str]) -> _Wanted:
    parser = ArgumentParser(prog="python -m tests.prove", description=__doc__)
    names = [part.name for part in PARTS]
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(names))
    parser.add_argument("--seed", type=int, help="one world only, the one of this seed")
    told = parser.parse_args(arguments)
    if unknown := [name for name in told.parts if name not in names]:
        parser.error(f"there is no part {unknown[0]!r}: {', '.join(names)}")
    return _Wanted(told.parts, told.seed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
