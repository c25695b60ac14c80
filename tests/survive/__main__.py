"""`make survive`: real processes, broken one by one, and what was lost, said twice or leaked.

python -m tests.survive                            1,000 injections; SMALL=1: one of each kind
python -m tests.survive redis_killed worker_killed these kinds alone, each this many times: --count
python -m tests.survive poison --seed 42           the same draws again
python -m tests.survive --list                     the kinds, and what each is for
"""

import json
import os
import random
import signal
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.survive.kinds import KINDS
from tests.survive.play import AT_REST, Played, run_cell, summary

REPORT = Path(__file__).parent.parent.parent / "build" / "figures" / "survive.json"
FULL, SMALL = 1_000, len(KINDS)
CELLS = 4
"""Side by side: recovering is mostly waiting."""
ALONE = 10
"""Times, for kinds that are named."""


def main(arguments: Sequence[str]) -> int:
    """0: nothing was lost, said twice or leaked; and, in full, it recovered in time."""
    wanted = _arguments(arguments)
    if wanted.list:
        for kind in KINDS:
            sys.stdout.write(f"{kind.name:32} {kind.row}\n")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console, started = Console(), time.monotonic()
    drawn = _drawn(wanted)
    played = _play(drawn, wanted, console)
    told = {
        "kinds": len({one.kind for one in played} - {AT_REST}),
        **summary(played),
        "seconds": round(time.monotonic() - started, 1),
        "seed": wanted.seed,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "by_kind": _by_kind(played),
    }
    _write(told, alone=bool(wanted.kinds))
    console.print_json(data={name: value for name, value in told.items() if name != "by_kind"})
    for words in (words for one in played for words in one.words):
        console.print(words, style="red", markup=False)
    for words in _late(told, played):
        console.print(words, style="yellow", markup=False)
    missing = len(drawn) - int(told["injections"])
    if missing:
        console.print(f"[red]{missing} injections did not take place.[/]")
    in_full = not wanted.kinds and len(drawn) >= FULL
    return 0 if _holds(told, played, in_full=in_full) and not missing else 1


def _drawn(wanted: Namespace) -> list[str]:
    """The kinds in the order in which they are played: every kind comes early, by its weight."""
    chance = random.Random(wanted.seed)
    if wanted.kinds:
        return [name for _ in range(wanted.count or ALONE) for name in wanted.kinds]
    count = wanted.count or (SMALL if os.environ.get("SMALL") else FULL)
    drawn: list[str] = []
    while len(drawn) < count:
        once = [kind.name for kind in KINDS]
        more = [kind.name for kind in KINDS for _ in range(kind.weight - 1)]
        chance.shuffle(once)
        chance.shuffle(more)
        drawn += once + more
    return drawn[:count]


def _play(drawn: Sequence[str], wanted: Namespace, console: Console) -> list[Played]:
    """Dealt to the cells, which run side by side, each in a process of its own."""
    cells = min(wanted.cells, len(drawn))
    context = get_context("spawn")
    told: Queue[Played] = context.Queue()
    played: list[Played] = []
    bars = Progress(
        TextColumn("{task.description:32}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
    running = [
        context.Process(target=run_cell, args=(told, number, wanted.seed, drawn[number::cells]))
        for number in range(cells)
    ]
    try:
        for cell in running:
            cell.start()
        with bars:
            bar = bars.add_task("survive", total=len(drawn))
            for one in _told(told, running):
                played.append(one)
                if wanted.tell:
                    bars.console.print(_line(one), markup=False)
                for words in one.words:
                    bars.console.print(words, style="red", markup=False)
                if one.missed:
                    bars.console.print(f"{one.kind}: nobody came by", style="yellow")
                bars.update(bar, advance=one.kind != AT_REST, description=one.kind)
    finally:
        for cell in running:
            cell.terminate()  # it stops everything of its own
        for cell in running:
            cell.join()
    return played


def _told(told: "Queue[Played]", running: Sequence[SpawnProcess]) -> Iterator[Played]:
    """Until all cells have ended, and everything was read."""
    over = False
    while True:
        try:
            yield told.get(timeout=0.5)
        except Empty:
            if over:
                return
            over = not any(cell.is_alive() for cell in running)


def _line(one: Played) -> str:
    return f"{one.kind:32} {one.questions} asked, the last answer {one.recovery_s:.2f} s later"


def _by_kind(played: Sequence[Played]) -> dict[str, dict[str, Any]]:
    grouped: dict[str, list[Played]] = defaultdict(list)
    for one in played:
        grouped[one.kind].append(one)
    return {
        name: {**summary(ones), "recovery_max_s": max(one.recovery_s for one in ones)}
        for name, ones in sorted(grouped.items())
        if name != AT_REST
    }


def _write(told: dict[str, Any], *, alone: bool) -> None:
    """Kinds that are played alone leave the figures of the others as they were."""
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    if alone:
        before = json.loads(REPORT.read_text()) if REPORT.exists() else {}
        by_kind = {**before.get("by_kind", {}), **told["by_kind"]}
        told = {**(before or told), "by_kind": by_kind}
    REPORT.write_text(json.dumps(told, indent=2) + "\n")


def _holds(told: dict[str, Any], played: Sequence[Played], *, in_full: bool) -> bool:
    """Time decides the full run alone: often enough for a percentile, beside the run's own pace."""
    wrong = [words for one in played for words in one.words]
    return not wrong and not (in_full and _late(told, played))


def _late(told: dict[str, Any], played: Sequence[Played]) -> list[str]:
    words = [words for one in played for words in one.late]
    if told["recovery_p99_s"] > told["most_recovery_s"]:
        words.append(f"The last answer of 1 % came later than {told['most_recovery_s']} s.")
    return words


def _arguments(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.survive", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="these alone; see --list")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=0, help="injections; of kinds: each so often")
    parser.add_argument("--cells", type=int, default=CELLS, help="whole deployments side by side")
    parser.add_argument("--tell", action="store_true", help="a line for each injection")
    parser.add_argument("--list", action="store_true", help="the kinds, and what each is for")
    told = parser.parse_args(arguments)
    names = {kind.name for kind in KINDS}
    if unknown := [name for name in told.kinds if name not in names]:
        parser.error(f"there is no kind {unknown[0]!r}; --list names them")
    return told


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
