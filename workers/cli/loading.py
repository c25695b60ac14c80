"""`ken load`: show progress, then what was loaded and what was left out."""

import re
import resource
import time
from collections.abc import Collection
from datetime import time as dt_time
from datetime import timedelta
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
from workers.errors import InputInvalid, OperatorError
from workers.ingest import pipeline, scheduled
from workers.ingest.bundle import Bundle, FolderChanged, read_bundle
from workers.ingest.looks import Looks, settle
from workers.ingest.pipeline import LeftOut, Loading, Report
from workers.ingest.watching import Watch
from workers.jobs import schedules
from workers.models.base import Embedder
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
    embedders = shipped_embedders()
    while True:
        try:
            return _load(
                database,
                embedders,
                bundle,
                console,
                remove_missing=remove_missing,
                shows_all=shows_all,
            )
        except FolderChanged as error:
            if console is not None:
                console.print(f"{escape(str(error))} It is loaded again.", style="dim")
            settled = settle(folder)
            bundle = read_bundle(folder, name=source, allow=allow, settled=settled)


def _load(
    database: Database,
    embedders: tuple[Embedder, Embedder],
    bundle: Bundle,
    console: Console | None,
    *,
    same: Collection[str] = (),
    remove_missing: bool = False,
    shows_all: bool = False,
) -> Report:
    started = time.monotonic()
    english, multilingual = embedders
    with progress_bar() as bar:
        task = bar.add_task("Reading", total=bundle.total)

        def tell(step: pipeline.Progress) -> None:
            bar.update(task, description=step.step, completed=step.done, total=step.total)

        report = Loading(
            database,
            english,
            bundle,
            tell=tell,
            limit_bytes=int(database.settings.document_limit_mb * 1e6),
            remove_missing=remove_missing,
            multilingual=multilingual,
            same=same,
        ).run()
    if console is not None:
        shown = None if shows_all else _SHOWN
        _print(report, bundle.source, time.monotonic() - started, console, shown=shown)
    return report


def watch_folder(
    settings: Settings,
    folder: Path,
    *,
    source: str | None,
    allow: tuple[str, ...],
    console: Console,
) -> None:
    """Load a folder, and again after each change, until it is interrupted. Raises InputInvalid if
    it cannot be loaded at first.
    """
    read_bundle(folder, name=source, allow=allow)  # refused now rather than later
    database = Database(settings)
    check(database, "indexer")
    embedders = shipped_embedders()

    def load(same: Collection[str], settled: Looks) -> None:
        bundle = read_bundle(folder, name=source, allow=allow, settled=settled)
        _load(database, embedders, bundle, console, same=same)
        console.print(f"Watching {escape(str(folder))}; Ctrl-C ends it.", style="dim")

    def tell(error: Exception) -> None:
        if isinstance(error, OperatorError):
            console.print(f"[bold red]not loaded:[/] {escape(str(error))}", soft_wrap=True)
            console.print(f"[bold]what to do:[/] {escape(error.remedy)}", soft_wrap=True)
        elif isinstance(error, OSError):
            console.print("[bold red]not loaded:[/] a file cannot be read; trying again.")
        else:
            console.print("[bold red]not loaded:[/] PostgreSQL does not answer; trying again.")

    Watch(folder, load, tell).run()


def schedule_folder(
    settings: Settings,
    folder: Path,
    *,
    source: str | None,
    allow: tuple[str, ...],
    every: str,
    quiet: str | None,
) -> str:
    """Have a folder loaded again and again by the jobs worker; return what was set, in words.

    Raises InputInvalid.
    """
    period, hours = every_of(every), quiet_of(quiet)
    database = Database(settings)
    check(database, "indexer")
    name = scheduled.source_of(folder, source, allow)
    details = {"folder": str(folder.resolve()), "allow": [*allow]}
    schedules.put(
        database, scheduled.KIND, name, every=period, actor="ken load", details=details, quiet=hours
    )
    return f"{name} is loaded every {every}" + (f", but not from {quiet} (UTC)" if quiet else "")


def every_of(written: str) -> timedelta:
    """Read a period such as 30s, 5m, 8h or 1d. Raises InputInvalid."""
    found = _PERIOD.fullmatch(written)
    if found is None:
        raise InputInvalid(f"{written!r} is no period.", remedy="Write it as 30s, 5m, 8h or 1d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def quiet_of(written: str | None) -> tuple[dt_time, dt_time] | None:
    """Read hours such as 22:00-06:00. Raises InputInvalid."""
    if written is None:
        return None
    try:
        start, end = (dt_time.fromisoformat(one) for one in written.split("-"))
    except ValueError:
        raise InputInvalid(
            f"{written!r} are no hours.", remedy="Write them as 22:00-06:00, in UTC."
        ) from None
    return start, end


_PERIOD = re.compile(r"([1-9][0-9]{0,4})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


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
