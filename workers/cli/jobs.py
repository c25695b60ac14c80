"""`ken jobs`: shows long work, and pauses, resumes or ends it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from typing import Any

from rich.console import Console
from rich.markup import escape

from workers.cli.linking import actor
from workers.cli.output import counted, table_of
from workers.database.schema import check
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.jobs import rows, schedules
from workers.jobs.rows import JobFacts, Shown
from workers.jobs.schedules import Scheduled
from workers.settings import Settings


def listed(settings: Settings, *, limit: int, open_only: bool) -> list[JobFacts]:
    return rows.jobs(_database(settings), limit=limit, open_only=open_only)


def one(settings: Settings, job_id: int) -> JobFacts:
    return rows.job(_database(settings), job_id)


def pause(settings: Settings, job_id: int) -> JobFacts:
    return rows.pause(_database(settings), job_id, actor=actor())


def resume(settings: Settings, job_id: int) -> JobFacts:
    database = _database(settings)
    found = rows.resume(database, job_id, actor=actor())
    ring(database)
    return found


def cancel(settings: Settings, job_id: int) -> JobFacts:
    return rows.cancel(_database(settings), job_id, actor=actor())


def ring(database: Database) -> None:
    """Wake the jobs worker; it looks by itself, too, every few seconds."""
    try:
        schedules.ring_due(database)
    except (OSError, ValueError):
        return


def show_all(found: Sequence[JobFacts], console: Console) -> None:
    if not found:
        console.print("There are no jobs. `ken reindex` makes one.")
        return
    table = table_of("job", "what", "state", "done", "took", "by", "why")
    for job in found:
        table.add_row(
            str(job.id),
            escape(job.words),
            job.state,
            progress(job),
            took(job.worked_s) if job.started_at else "",
            escape(job.actor),
            escape(job.reason),
        )
    console.print(table)


def show(job: JobFacts, console: Console) -> None:
    console.print(f"Job {job.id}: [bold]{escape(job.words)}[/], {job.state}{_wish(job)}")
    if job.reason:
        console.print(f"  [yellow]why:[/] {escape(job.reason)}", soft_wrap=True)
    if job.started_at:
        console.print(f"  {escape(job.step)}: {progress(job)}, after {took(job.worked_s)}")
    if expected := job.details.get("expected"):
        console.print(f"  {_expected(expected, job.details)}", soft_wrap=True)
    for name, value in job.counts.items():
        many = value if isinstance(value, list) else [value]
        console.print(
            f"  {escape(name.replace('_', ' '))}: {escape('; '.join(map(str, many)))}",
            soft_wrap=True,
        )
    if job.state in (Shown.PAUSED, Shown.FAILED):
        console.print(f"  What is done stays. `ken jobs resume {job.id}` goes on from there.")


def _expected(expected: Mapping[str, Any], details: Mapping[str, Any]) -> str:
    """Write what a re-index was expected to embed and to cost when it was begun."""
    words = f"expected: {counted(expected['chunks'], 'chunk')}, at most about "
    words += f"{expected['tokens']:,} tokens"
    if expected["cost"] is not None:
        words += f", cost {expected['cost']:g} at {details['price']:g} a million"
    if details.get("budget") is not None:
        words += f"; its budget is {details['budget']:g}"
    return words


def _wish(job: JobFacts) -> str:
    return f" (will {job.wish} after its step)" if job.wish else ""


def progress(job: JobFacts) -> str:
    """Write how far a job is, and while it runs how long the rest will take."""
    if not job.total:
        return "" if job.state.is_open else "-"
    words = f"{job.done:,} of {job.total:,}"
    if job.state is Shown.RUNNING and job.done and job.left:
        rate = job.done / max(job.worked_s, 0.001)
        words += f", {rate:,.1f}/s, about {took(job.left / rate)} left"
    return words


def took(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def schedules_of(settings: Settings) -> list[Scheduled]:
    return schedules.schedules(_database(settings))


def unschedule(settings: Settings, kind: str, subject: str) -> None:
    """Raises InputInvalid if nothing like that is scheduled."""
    if not schedules.remove(_database(settings), kind, subject):
        raise InputInvalid(
            f"{kind} {subject} is not scheduled.", remedy="`ken jobs schedules` lists what is."
        )


def show_schedules(found: Sequence[Scheduled], console: Console) -> None:
    if not found:
        console.print("Nothing is scheduled. `ken load FOLDER --every 5m` schedules a folder.")
        return
    table = table_of("what", "every", "next (UTC)", "not from", "of")
    for one in found:
        hours = f"{one.quiet_from:%H:%M}-{one.quiet_to:%H:%M}" if one.quiet_from else ""
        table.add_row(
            escape(f"{one.kind} {one.subject}"),
            str(one.every),
            one.due_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
            hours,
            escape(str(one.details.get("folder", ""))),
        )
    console.print(table)


def _database(settings: Settings) -> Database:
    database = Database(settings)
    check(database, "indexer")
    return database
