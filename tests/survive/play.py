"""One injection after the other in one cell: ask, break, ask, mend, ask, wait, judge."""

import logging
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing import parent_process
from multiprocessing.queues import Queue
from typing import Any

import structlog

from tests.survive.cell import LEASE_S, SWEEP_S, Cell, holding
from tests.survive.checker import Asked, Finding, judge, last_words
from tests.survive.kinds import KINDS
from tests.survive.process import STILL_S, wait_until
from tests.survive.scene import Kind, Scene

AT_REST = "at_rest"
"""Played last: how all of a cell was in the end."""
_BY_NAME = {kind.name: kind for kind in KINDS}
_MOST_ASKED = 4


@dataclass
class Played:
    """What one injection came to."""

    kind: str
    questions: int
    recovery_s: float = 0.0
    missed: bool = False
    taken_away: int = 0
    """Messages that were the second of their kind for a moment, and were deleted again."""
    lost: int = 0
    twice: int = 0
    leaks: int = 0
    words: list[str] = field(default_factory=list)
    """What was wrong."""
    late: list[str] = field(default_factory=list)
    """What took too long: reported, and judged in the full run alone."""
    pace_s: float = 0.0
    """At rest: how long this cell took, unbroken, to start and to answer a question."""


def run_cell(told: "Queue[Played]", number: int, seed: int, kinds: Sequence[str]) -> None:
    """The kinds in turn; every other cell hears of events over HTTP, one of four has one worker.

    If a cell breaks for a reason of its own, that is reported, and another does what is left.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process ends the cells
    signal.signal(signal.SIGTERM, _end)
    silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=silent)
    left, lives = deque(kinds), 0
    while left:
        workers = 1 if number % 4 == 2 else 2
        try:
            with Cell(number, seed + lives, http=number % 2 == 1, workers=workers) as cell:
                pace_s = cell.start_s + _answered_in(cell)
                while left:
                    told.put(_inject_next(cell, left))
                told.put(replace(finish(cell), pace_s=round(pace_s, 3)))
        except Exception as error:  # noqa: BLE001 - of the suite, or of a Ken that stays down
            name = left.popleft() if left else AT_REST
            where = traceback.extract_tb(error.__traceback__)[-1]
            words = f"{name}: the cell broke: {error!r} ({where.name}, line {where.lineno})"
            told.put(Played(name, 0, words=[words]))
        lives += 1


def _end(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it takes a moment to stop everything
    sys.exit(143)


def _answered_in(cell: Cell) -> float:
    """Seconds, with nothing broken."""
    asked = cell.ask()
    cell.wait_for_ends([asked])
    return time.time() - asked.at


def _inject_next(cell: Cell, left: deque[str]) -> Played:
    parent = parent_process()
    if parent is None or not parent.is_alive():
        sys.exit(1)  # nobody listens any more
    played = inject(cell, _BY_NAME[left[0]])
    left.popleft()
    return played


def inject(cell: Cell, kind: Kind) -> Played:
    chance = cell.chance
    before, during, after = _parts(chance.randint(1, _MOST_ASKED), cell)
    scene = Scene(cell, [])
    cell.wait_until_ready()
    taken_away = cell.slack.taken_away()
    _ask(scene, before)
    if chance.random() < 0.4:
        cell.change()
    fault = contextmanager(kind.fault)
    with holding(cell), fault(scene):
        _ask(scene, during)
    ended_at = scene.ended_at or time.time()
    if chance.random() < 0.4:
        cell.change()
    _ask(scene, after)
    asked = _excused(cell, scene.asked) if kind.untold else scene.asked
    cell.wait_for_ends(asked)
    if kind.doubles:
        time.sleep(1)  # who woke up may be about to speak
        wait_until(lambda: not _stands_twice(cell, asked), STILL_S)
    # A deletion that Slack refused with the workspace's token is tried again a minute later.
    wait_until(lambda: not (cell.deletions_wait(asked) and _stands_twice(cell, asked)), STILL_S)
    played = _judged(cell, kind, scene, asked, ended_at)
    played.taken_away = cell.slack.taken_away() - taken_away
    if played.taken_away and not kind.doubles:
        played.words.append(f"{kind.name}: {played.taken_away} messages stood twice for a moment")
    return played


def _stands_twice(cell: Cell, asked: Sequence[Asked]) -> bool:
    return any(finding.wrong == "twice" for finding in judge(cell.history(asked)))


def _judged(cell: Cell, kind: Kind, scene: Scene, asked: list[Asked], ended_at: float) -> Played:
    history = cell.history(asked)
    findings = [one for one in judge(history) if one.wrong != "unsettled"]
    kept = {(one.channel, one.ts): one for one in history.kept}
    late = [0.0]
    for one in asked:
        row = kept.get((one.channel, one.ts))
        said = last_words(row, history.posts) if row else None
        if said is not None:
            late.append(said - max(ended_at, one.at))
    played = Played(kind.name, len(asked), round(max(late), 3), scene.missed)
    for finding in findings:
        _count(cell, played, finding)
    played.words += [f"{kind.name}: {words}" for words in scene.findings]
    played.late += [f"{kind.name}: {words}" for words in scene.late]
    return played


def finish(cell: Cell) -> Played:
    """Everything at rest: all questions once more, no lease alive, the rows as they should be."""
    cell.wait_until_ready()
    wait_until(lambda: not _alive(cell), STILL_S)
    history = cell.history(cell.asked) if cell.asked else None
    played = Played(AT_REST, 0)
    for finding in judge(history) if history else []:
        _count(cell, played, finding)
    if open_ones := cell.sql("SELECT count(*) FROM question WHERE state = 'kept'")[0][0]:
        played.words.append(f"at rest: {open_ones} questions are open")
    if leases := _alive(cell):
        played.words.append(f"at rest: {leases} leases are alive")
    if cell.stored().readings() != cell.past.now.readings():
        played.words.append("at rest: the stored permissions are not those that were set")
    strangers = cell.sql(
        "SELECT count(*) FROM question WHERE message_ts <> ALL(%s)",
        [one.ts for one in cell.asked],
    )[0][0]
    if strangers:
        played.words.append(f"at rest: {strangers} questions that nobody asked")
    return played


def _alive(cell: Cell) -> int:
    return int(cell.sql("SELECT count(*) FROM lease WHERE expires_at > now()")[0][0])


def _count(cell: Cell, played: Played, finding: Finding) -> None:
    """What is found again at the end counts once."""
    if finding.number and (finding.wrong, finding.number) in cell.found:
        return
    cell.found.add((finding.wrong, finding.number))
    match finding.wrong:
        case "lost":
            played.lost += 1
        case "twice":
            played.twice += 1
        case "leak":
            played.leaks += 1
    played.words.append(f"{played.kind}: {finding.wrong}: {finding.words}")


def _parts(count: int, cell: Cell) -> tuple[int, int, int]:
    """How many questions before, during and after the fault; one at least during."""
    before = cell.chance.randint(0, count - 1)
    during = cell.chance.randint(1, count - before)
    return before, during, count - before - during


def _ask(scene: Scene, count: int) -> None:
    for _ in range(count):
        scene.ask()
        time.sleep(scene.cell.chance.uniform(0, 0.3))


def _excused(cell: Cell, asked: list[Asked]) -> list[Asked]:
    """No reply could be posted for these; the record of the whole run says so too."""
    excused = [replace(one, untold=True) for one in asked]
    for one in excused:
        cell.asked[one.number - 1] = one
    return excused


def summary(played: Sequence[Played]) -> dict[str, Any]:
    """Figures of some injections, without how they were at rest."""
    faults = [one for one in played if one.kind != AT_REST]
    late = sorted(one.recovery_s for one in faults)
    return {
        "injections": len(faults),
        "questions": sum(one.questions for one in faults),
        "lost": sum(one.lost for one in played),
        "twice": sum(one.twice for one in played),
        "leaks": sum(one.leaks for one in played),
        "recovery_p50_s": percentile(late, 0.5),
        "recovery_p99_s": percentile(late, 0.99),
        "recovery_max_s": late[-1] if late else 0.0,
        "taken_away": sum(one.taken_away for one in faults),
        "missed": sum(one.missed for one in faults),
        "late": sum(len(one.late) for one in faults),
        "most_recovery_s": most_recovery_s(played),
    }


def most_recovery_s(played: Sequence[Played]) -> float:
    """What recovering may take on this machine, as it was in this run: a lease runs out, a sweep
    comes by, and a worker starts and answers."""
    return round(LEASE_S + SWEEP_S + max((one.pace_s for one in played), default=0.0), 3)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest rank; 0 of nothing."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]
