"""`ken reindex`: tells what it costs, builds a version of the index, or goes back to one."""

import getpass
import threading
import time
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from policies.tables.index import VersionState
from workers.cli.jobs import ring, took
from workers.cli.loading import every_of, progress_bar, quiet_of
from workers.cli.output import counted, table_of
from workers.database.schema import check
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.index import versions
from workers.index.versions import VersionFacts
from workers.ingest import beginning
from workers.ingest.beginning import Estimate
from workers.ingest.judged import read_judged
from workers.job_kinds import KINDS
from workers.jobs import rows
from workers.jobs.leases import work
from workers.jobs.rows import JobFacts, OpenAlready, Shown
from workers.models import by_name
from workers.models.by_name import models_named
from workers.settings import Settings
from workers.sources import reread

_LOOK_S = 0.3
Models = Sequence[tuple[str, int]]
_BUILT_IN: Models = by_name.EMBEDDED_MODELS


def opened(settings: Settings) -> Database:
    database = Database(settings)
    check(database, "indexer")
    return database


def listed(database: Database) -> list[VersionFacts]:
    with database.session("indexer") as session:
        return versions.all_versions(session)


def begin(
    database: Database,
    model: str | None,
    dimensions: int | None,
    *,
    budget: float | None,
    yes: bool,
    console: Console,
    quiet: str | None = None,
    judged_by: tuple[Path, int | None] | None = None,
) -> int | None:
    """Say what will be embedded, ask where it costs, and make the job. None: nothing is to be done.

    Raises InputInvalid, ServerUnavailable, OpenAlready.
    """
    settings = database.settings
    _require_price(settings, budget)
    if judged_by is not None:
        folder, sample = judged_by
        judged = counted(len(read_judged(folder, sample=sample)), "question")
        console.print(f"Before the switch, {judged} of {escape(str(folder))} will be asked.")
    hours = quiet_of(quiet)
    rests = [f"{one:%H:%M}" for one in hours] if hours else None
    with database.session("indexer") as session:
        active = versions.active(session)
        open_job = rows.open_job(session, beginning.KIND)
    if open_job is not None:
        return _gone_on_with(database, open_job, model, dimensions, budget, console)
    names = [one.name for one in active.models] if active else [name for name, _ in _BUILT_IN]
    wanted = models_named(settings, model, dimensions) if model else []
    is_same = not model or [name for name, _dimension in wanted] == names
    found = beginning.estimate(database, names if is_same else [name for name, _ in wanted])
    if is_same and found.known == found.chunks:
        console.print(
            f"The index is by {' + '.join(names)}, and every chunk has its vectors. "
            "Nothing is to be done."
        )
        return None
    is_paid = _tell(found, [name for name, _ in wanted] or names, console)
    if is_paid and not yes:
        typer.confirm("Begin?", abort=True)
    if is_same:
        return beginning.begin_filling(database, actor=_who(), budget=budget, quiet=rests)
    return beginning.begin(
        database, wanted, actor=_who(), budget=budget, quiet=rests, judged_by=judged_by
    )


def _require_price(settings: Settings, budget: float | None) -> None:
    if budget is not None and settings.embedding_price is None:
        raise InputInvalid(
            "A budget needs a price.", remedy="Set KEN_EMBEDDING_PRICE: for a million tokens."
        )


def schedule(
    database: Database,
    model: str | None,
    dimensions: int | None,
    source: str | None,
    *,
    every: str,
    quiet: str | None,
    budget: float | None,
) -> str:
    """Have it done again and again by the jobs worker; return what was set, in words.

    Raises InputInvalid, ServerUnavailable.
    """
    _require_price(database.settings, budget)
    period, hours = every_of(every), quiet_of(quiet)
    if source is not None:
        reread.schedule(database, source, every=period, quiet=hours, actor=_who())
        words = f"{source} is read again"
    else:
        models = models_named(database.settings, model, dimensions) if model else ()
        beginning.schedule(database, models, every=period, quiet=hours, budget=budget, actor=_who())
        words = "The index is built again" if model else "Missing vectors are added"
    return f"{words} every {every}" + (f", but not from {quiet} (UTC)" if quiet else "")


def begin_reread(database: Database, source: str) -> int:
    return reread.begin(database, source, actor=_who())


def show_reread(job: JobFacts, console: Console) -> int:
    """Print what becomes of the documents that are to be read again; return the exit code."""
    if job.state is not Shown.DONE:
        console.print(f"[yellow]{job.state}:[/] {escape(job.reason)}", soft_wrap=True)
        return 1
    documents = counted(job.counts["documents"], "document")
    console.print(
        f"{documents} of {escape(job.subject)} will be read and split again: "
        f"{escape(job.counts['then'])}. Until then questions use them as they are.",
        soft_wrap=True,
    )
    return 0


def _gone_on_with(
    database: Database,
    job: JobFacts,
    model: str | None,
    dimensions: int | None,
    budget: float | None,
    console: Console,
) -> int:
    """Go on with an open job that was begun by the same command; with one that is paused only if a
    budget for all of it is named. Raises OpenAlready for another.
    """
    version_id = job.details.get("version")
    names: list[str] = []
    if version_id is not None and not job.details.get("back"):
        with database.session("indexer") as session:
            version, _state = versions.version(session, version_id)
        names = [one.name for one in version.models]
    named = models_named(database.settings, model, dimensions) if model else []
    wanted = [name for name, _dimension in named]
    rests = job.state is Shown.PAUSED and budget is None
    if names != wanted or rests or job.details.get("back"):
        raise OpenAlready(job)
    if budget is not None:
        with database.session("indexer") as session:
            rows.put_details(session, job.id, {**job.details, "budget": budget})
    if job.state is Shown.PAUSED:
        rows.resume(database, job.id, actor=_who())
    console.print(f"Job {job.id}, which was begun before, goes on.")
    return job.id


def _tell(found: Estimate, names: Sequence[str], console: Console) -> bool:
    """Print what will be embedded, and return whether that costs something."""
    words = f"{counted(found.chunks, 'chunk')}, {found.new} of them to embed by "
    words += " + ".join(names)
    if not {*names} <= by_name.EMBEDDED:
        words += f": at most about {found.tokens:,} tokens"
        words += (
            "; the price is not known (KEN_EMBEDDING_PRICE)"
            if found.cost is None
            else f", {found.cost:,.2g} at {found.price:g} a million"
        )
    console.print(escape(f"{words}."), soft_wrap=True)
    return bool(found.price and found.new)


def begin_roll_back(database: Database) -> int:
    with database.session("indexer") as session:
        open_job = rows.open_job(session, beginning.KIND)
    if open_job is not None and open_job.details.get("back"):
        return open_job.id
    job_id, _version = beginning.begin_roll_back(database, actor=_who())
    return job_id


def leave(database: Database, job_id: int, console: Console) -> None:
    """Leave a job to the jobs worker."""
    ring(database)
    console.print(
        f"Job {job_id} is left to the jobs worker of `ken up`. `ken jobs show {job_id}` shows how "
        "far it is. Questions use the index as before until it has ended."
    )


def follow(database: Database, job_id: int) -> JobFacts:
    """Work on a job here, or watch it where another process does, until it rests or ends."""
    ended = threading.Event()
    with progress_bar() as bar:
        task = bar.add_task("Beginning", total=None)

        def show() -> None:
            while not ended.wait(_LOOK_S):
                job = rows.job(database, job_id)
                bar.update(
                    task,
                    description=job.step or "Beginning",
                    completed=job.done,
                    total=job.total or None,
                )

        watching = threading.Thread(target=show, daemon=True)
        watching.start()
        try:
            while (job := rows.job(database, job_id)).state in (Shown.WAITING, Shown.RUNNING):
                if job.reason:
                    bar.update(task, description="Waiting")
                    bar.console.print(f"{job.reason} It is tried again.", soft_wrap=True)
                if not work(database, job_id, KINDS):
                    time.sleep(_LOOK_S)
                    _rest_until_due(database, job_id)
        finally:
            ended.set()
            watching.join()
    return job


def _rest_until_due(database: Database, job_id: int) -> None:
    while (job := rows.job(database, job_id)).reason and job.state is Shown.WAITING:
        with database.session("indexer") as session:
            if rows.is_due(session, job_id):
                return
        time.sleep(_LOOK_S)


def show_result(database: Database, job: JobFacts, console: Console) -> int:
    """Print how a re-index ended; return the exit code."""
    with database.session("indexer") as session:
        active = versions.active(session)
    uses = f"Questions use the index by [bold]{escape(active.names)}[/]" if active else ""
    if job.state is Shown.DONE:
        counts = job.counts
        console.print(
            f"{uses}. {counts.get('embedded', 0)} texts were embedded, "
            f"{counts.get('taken_over', 0)} vectors taken over, in {took(job.worked_s)}"
            + (f", {counts['tokens']:,} tokens" if counts.get("tokens") else "")
            + (f", cost {counts['cost']:g}" if "cost" in counts else "")
            + ".",
            soft_wrap=True,
        )
        if job.details.get("version"):
            days = database.settings.keep_index_days
            console.print(
                f"`ken reindex --roll-back` goes back to the one before, for {days:g} days."
            )
        return 0
    console.print(f"[yellow]{job.state}:[/] {escape(job.reason)}", soft_wrap=True)
    console.print(f"Nothing was switched. {uses}, as before.", soft_wrap=True)
    if job.state in (Shown.PAUSED, Shown.FAILED):
        console.print(f"`ken jobs resume {job.id}` goes on from where it stopped.")
    return 1


def show_versions(found: Sequence[VersionFacts], console: Console) -> None:
    if not found:
        console.print(
            f"No version was made yet: the index is by the embedded models, "
            f"{' + '.join(name for name, _ in _BUILT_IN)}. `ken reindex --model NAME` makes one."
        )
        return
    table = table_of(
        "version", "state", "model", "vectors", "made", "by", "recall", "our questions", "yours"
    )
    for one in found:
        names = f"{one.model} + {one.multilingual}" if one.multilingual else one.model
        state = f"[bold]{one.state}[/]" if one.state is VersionState.ACTIVE else str(one.state)
        table.add_row(
            str(one.id),
            state,
            escape(names),
            f"{one.vectors:,}",
            one.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M"),
            escape(one.actor),
            f"{one.gate['recall']:.3f}" if "recall" in one.gate else "",
            f"{one.gate['pairs_first']:.0%}" if "pairs_first" in one.gate else "",
            "{found} of {judged}, before {found_before}".format(**one.gate)
            if one.gate.get("judged")
            else "",
        )
    console.print(table)


def _who() -> str:
    try:
        return f"ken reindex: {getpass.getuser()}"
    except (OSError, KeyError):
        return "ken reindex"
