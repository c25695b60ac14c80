"""`ken load`: show progress, then what was loaded and what was left out."""

import resource
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from workers.cli.output import counted
from workers.database.schema import check
from workers.database.sessions import Database
from workers.ingest import pipeline
from workers.ingest.bundle import read_bundle
from workers.ingest.pipeline import LeftOut, Loading, Report
from workers.models.shipped import shipped_embedders
from workers.settings import Settings

_SHOWN = 20


def load_folder(
    settings: Settings,
    folder: Path,
    *,
    source: str | None,
    allow: tuple[str, ...],
    remove_missing: bool,
    console: Console | None,
    shows_all: bool = False,
) -> Report:
    """Read, check and load a folder as the indexer, and print the result to `console`.

    Raises InputInvalid, ServerUnavailable.
    """
    bundle = read_bundle(folder, name=source, allow=allow)
    database = Database(settings)
    check(database, "indexer")
    started = time.monotonic()
    with progress_bar() as bar:
        task = bar.add_task("Reading", total=bundle.total)

        def tell(step: pipeline.Progress) -> None:
            bar.update(task, description=step.step, completed=step.done, total=step.total)

        english, multilingual = shipped_embedders()
        report = Loading(
            database,
            english,
            bundle,
            tell=tell,
            limit_bytes=int(settings.document_limit_mb * 1e6),
            remove_missing=remove_missing,
            multilingual=multilingual,
        ).run()
    if console is not None:
        shown = None if shows_all else _SHOWN
        _print(report, bundle.source, time.monotonic() - started, console, shown=shown)
    return report


def progress_bar(every_s: float = 10) -> Progress:
    """Return a progress bar on standard error, or without a terminal a line now and then."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return _Lines(console, every_s)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


class _Lines(Progress):
    """Progress for a log: one line, at most every `every_s` seconds."""

    def __init__(self, console: Console, every_s: float) -> None:
        super().__init__(console=console, disable=True, auto_refresh=False)
        self._every_s = every_s
        self._started = self._printed = time.monotonic()

    def update(self, task_id: TaskID, **changes: Any) -> None:
        super().update(task_id, **changes)
        self._print_line(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._print_line(task_id)

    def _print_line(self, task_id: TaskID) -> None:
        now = time.monotonic()
        if now - self._printed < self._every_s:
            return
        self._printed = now
        task = self._tasks[task_id]
        total = "" if task.total is None else f" of {task.total:.0f}"
        self.console.print(
            f"{task.description}: {task.completed:.0f}{total}, after {now - self._started:.0f} s",
            highlight=False,
        )


def _print(
    report: Report, source: str, seconds: float, console: Console, *, shown: int | None
) -> None:
    done = report.new + report.changed
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(
        f"[bold]{escape(source)}[/]: {report.new} new, {report.changed} changed, "
        f"{report.unchanged} unchanged, {report.removed} removed, "
        f"{len(report.left_out)} left out, {len(report.partial)} in part; "
        f"{counted(report.users, 'person', 'people')}, {counted(report.groups, 'group')}."
    )
    console.print(
        f"{counted(report.chunks, 'chunk')}, {report.embedded} of them embedded, "
        f"{report.multilingual} for other languages, in {seconds:.1f} s"
        + (f", {done / seconds:.1f} documents/s" if done else "")
        + f"; peak memory {memory:.0f} MB.",
        style="dim",
    )
    _list("left out", report.left_out, shown, console)
    _list("in part", report.partial, shown, console)


def _list(what: str, files: list[LeftOut], shown: int | None, console: Console) -> None:
    for file in files[:shown]:
        console.print(f"  [yellow]{what}[/] {escape(file.place)}: {escape(file.reason)}")
    if shown is not None and len(files) > shown:
        console.print(f"  … and {len(files) - shown} more: `ken load --report` lists them all")
