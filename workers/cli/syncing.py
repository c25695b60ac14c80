"""`ken sync` and `ken source`: read and push files, and show runs and sources."""

import getpass
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from policies.tables.sources import RunKind, RunState
from workers.cli.loading import progress_bar
from workers.cli.output import counted
from workers.database.schema import check
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.observe.logs import configure
from workers.settings import Settings
from workers.sync import runs
from workers.sync import sources as synced
from workers.sync.difference import Counts, Difference
from workers.sync.lines import check_line
from workers.sync.runs import Run
from workers.sync.sources import SourceFacts

LEFT_OUT, WAITS = 5, 6
"""Exit codes."""
_LINES_A_PAGE = 5_000
_SHOWN = 20
_PERIOD = re.compile(r"(\d{1,4})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def push(
    settings: Settings,
    place: str,
    *,
    source: str,
    delta: bool,
    dry_run: bool,
    confirmed: bool,
) -> Run:
    """Read, check and push a file, a folder of files, or `-` for standard input.

    Raises InputInvalid.
    """
    kind = RunKind.DELTA if delta else RunKind.COMPLETE
    database = _database(settings)
    with progress_bar() as bar:
        reading = bar.add_task("Reading", total=None)
        lines = []
        for line in _read(place, kind):
            lines.append(line)
            bar.update(reading, completed=len(lines))
        bar.update(reading, total=len(lines))
        pages = [lines[at : at + _LINES_A_PAGE] for at in range(0, len(lines), _LINES_A_PAGE)]
        bar.add_task("Comparing", total=None)
        return runs.push(
            database,
            pages or [[]],
            source=source,
            kind=kind,
            actor=_who(),
            dry_run=dry_run,
            confirmed=confirmed,
        )


def confirm(settings: Settings, run_id: int) -> Run:
    return runs.confirm(_database(settings), run_id, actor=_who())


def drop(settings: Settings, run_id: int) -> None:
    runs.drop(_database(settings), run_id, actor=_who())


def undo(settings: Settings, run_id: int) -> Run:
    return runs.undo(_database(settings), run_id, actor=_who())


def history(settings: Settings, source: str | None, limit: int) -> list[Run]:
    return runs.runs(_database(settings), source=source, limit=limit)


def one(settings: Settings, run_id: int) -> Run:
    return runs.run(_database(settings), run_id)


def sources(settings: Settings) -> list[SourceFacts]:
    return synced.all_sources(_database(settings))


def set_source(
    settings: Settings, name: str, *, max_staleness: str | None, paused: bool | None
) -> None:
    """Raises InputInvalid."""
    age = synced.UNSET if max_staleness is None else period(max_staleness)
    synced.set_source(_database(settings), name, paused=paused, max_staleness=age, actor=_who())


def exit_code(run: Run) -> int:
    """Return 0 if applied, 5 if unknown names were skipped, 6 if it waits for confirmation."""
    if run.state is RunState.WAITING:
        return WAITS
    return LEFT_OUT if run.left_out_count else 0


def as_json(run: Run) -> dict[str, Any]:
    return asdict(run)


# -- output -----------------------------------------------------------------------------------


def show(run: Run, console: Console) -> None:
    """Print the result of a run, who gains and who loses access, and what was left out."""
    console.print(f"[bold]{escape(run.source)}[/]: {_outcome(run)}")
    for reason in run.waits_for if run.state is RunState.WAITING else ():
        console.print(f"  [yellow]waits:[/] {escape(reason)}")
    if run.refused:
        console.print(f"  [red]refused:[/] {escape(run.refused)}")
    if run.difference is not None:
        _show_difference(run.difference, console)
    if run.mass_revocation and run.dry_run:
        console.print(
            "[yellow]This would take away a large part of all access.[/] Check that it is intended."
        )
    elif run.mass_revocation:
        console.print(
            "[yellow]This took away a large part of all access.[/] If that was not intended, "
            f"`ken sync undo {run.id}` restores everything."
        )
    for left in run.left_out[:_SHOWN]:
        console.print(
            f"  [yellow]{left.effect}[/] {escape(left.name)}: {escape(left.place)}", soft_wrap=True
        )
    if run.left_out_count > _SHOWN:
        console.print(f"  … and {run.left_out_count - _SHOWN} more")


def show_runs(found: Sequence[Run], console: Console) -> None:
    table = _table(
        "run", "source", "kind", "state", "began", "took", "gained", "lost", "left out", "by"
    )
    for run in found:
        counted = run.difference or Difference()
        took = (
            ""
            if run.ended_at is None
            else f"{(run.ended_at - run.started_at).total_seconds():.1f} s"
        )
        table.add_row(
            str(run.id),
            escape(run.source),
            run.kind.value,
            run.state.value,
            f"{run.started_at:%Y-%m-%d %H:%M}",
            took,
            str(counted.pairs_gained),
            str(counted.pairs_lost),
            str(run.left_out_count),
            escape(run.actor),
        )
    console.print(table)


def show_sources(found: Sequence[SourceFacts], console: Console) -> None:
    table = _table("source", "used", "documents", "closed", "last synced", "maximum age")
    for source in found:
        used = (
            "[green]yes[/]"
            if source.usable
            else "[red]paused[/]"
            if source.paused
            else ("[red]out of date[/]")
        )
        table.add_row(
            escape(source.name),
            used,
            str(source.documents),
            str(source.closed),
            f"{source.synced_at:%Y-%m-%d %H:%M}" if source.synced_at else "never",
            str(source.max_staleness) if source.max_staleness else "no limit",
        )
    console.print(table)


def _outcome(run: Run) -> str:
    if run.dry_run:
        would = "wait for confirmation" if run.state is RunState.WAITING else "be applied"
        return f"nothing was changed; this {run.kind.value} push would {would}."
    state = f"run {run.id} ({run.kind.value}) is {run.state.value}"
    if run.state is RunState.WAITING and run.unlisted_wait:
        return (
            f"{state}. The list leaves out most of the source. What it takes away from what it "
            "lists counts already; the rest stays as it was, and the source does not count as "
            f"synced. If the list is complete: `ken sync confirm {run.id}`. If not: "
            f"`ken sync drop {run.id}`."
        )
    if run.state is RunState.WAITING:
        return (
            f"{state}. What it takes away counts already. To apply the rest: "
            f"`ken sync confirm {run.id}`. To discard it: `ken sync drop {run.id}`."
        )
    return f"{state}." if run.epoch is None else f"{state}, epoch {run.epoch}."


def _show_difference(difference: Difference, console: Console) -> None:
    table = _table("", "people", "documents", "readings")
    table.add_row(
        "[green]gain[/]",
        str(difference.people_gaining),
        str(difference.documents_gaining),
        str(difference.pairs_gained),
    )
    table.add_row(
        "[red]lose[/]",
        str(difference.people_losing),
        str(difference.documents_losing),
        str(difference.pairs_lost),
    )
    console.print(table)
    for word, people in (("gains", difference.gains), ("loses", difference.loses)):
        for person in people[:_SHOWN]:
            console.print(f"  {escape(person.name)} {word} {_documents(person.documents)}")
    for each in difference.classes:
        for word, count in (("gains", each.gained), ("loses", each.lost)):
            if count:
                console.print(f"  [bold]everyone in {each.name}[/] {word} {_documents(count)}")
    kinds = ("groups", "memberships", "nodes", "entries")
    counts = [f"{kind} {_counts(getattr(difference, kind))}" for kind in kinds]
    console.print("Written: " + "; ".join(counts) + ".", style="dim")


def _counts(counts: Counts) -> str:
    changed = f", ~{counts.changed}" if counts.changed else ""
    return f"+{counts.added}{changed}, -{counts.removed}"


def _documents(count: int) -> str:
    return counted(count, "document")


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold")
    for column in columns:
        table.add_column(column)
    return table


# -- input ------------------------------------------------------------------------------------


def _read(place: str, kind: RunKind) -> Iterator[dict[str, Any]]:
    """Yield every line of every file, checked. Raises InputInvalid with file, line and field."""
    if place == "-":
        yield from _lines(sys.stdin.buffer, "stdin", kind)
        return
    path = Path(place)
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise InputInvalid(
            f"{place} has no file *.jsonl.",
            remedy="Name a folder of JSON lines files; docs/sync.md shows the format.",
        )
    for file in files:
        try:
            opened = file.open("rb")
        except OSError as error:
            raise InputInvalid(
                f"{file} cannot be read: {error.strerror}.",
                remedy="Name a file of JSON lines, a folder of them, or - for standard input.",
            ) from None
        with opened:
            yield from _lines(opened, file.name, kind)


def _lines(file: BinaryIO, name: str, kind: RunKind) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(file, start=1):
        if line.strip():
            place = f"{name}:{number}"
            yield check_line(_object(line, place), kind, place=place)


def _object(line: bytes, place: str) -> Any:
    try:
        return json.loads(line, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        wrong = "the line is not a JSON object in UTF-8"
        wrong = str(error) if isinstance(error, _RepeatedField) else wrong
        raise InputInvalid(
            f"{place}: {wrong}.",
            remedy="Correct the line; docs/sync.md shows the format. Nothing was changed.",
        ) from None


class _RepeatedField(ValueError):
    """A field occurs twice in one object, and readers of JSON differ on which one counts."""


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(n for n in names if names.count(n) > 1)
        raise _RepeatedField(f"{repeated}: the field occurs twice")
    return found


def period(words: str, option: str = "--max-staleness") -> timedelta | None:
    """Read a period; None for `none`. Raises InputInvalid, which names the option."""
    if words == "none":
        return None
    found = _PERIOD.fullmatch(words)
    if found is None:
        raise InputInvalid(
            f"{option}: {words!r} is not a period.", remedy="Write 30m, 24h, 7d, 2w or none."
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _who() -> str:
    try:
        return f"ken sync ({getpass.getuser()})"
    except (KeyError, OSError):  # in a container, the user may have no name
        return "ken sync"


def _database(settings: Settings) -> Database:
    configure()  # sends alerts to standard error, so that they do not break a table
    database = Database(settings)
    check(database, "syncer")
    return database
