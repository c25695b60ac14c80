"""Commands that build the index again, and that show long work, pause, resume or end it."""

from pathlib import Path
from typing import Annotated

import typer

from workers.cli.data_dir import command_settings
from workers.cli.output import out, plain, print_json


def reindex(
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The model of the new vectors: a model of the server in KEN_EMBEDDING_BASE_URL, "
            "or built-in. Default: the active one, to add vectors that are missing.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Instead: read and split this source's documents again, by the model in use.",
        ),
    ] = None,
    dimensions: Annotated[
        int | None,
        typer.Option(min=1, max=16_000, help="Shorten the vectors to this length, if it can."),
    ] = None,
    roll_back: Annotated[
        bool, typer.Option("--roll-back", help="Go back to the version before the last switch.")
    ] = False,
    list_versions: Annotated[
        bool, typer.Option("--versions", help="List the versions of the index, and do nothing.")
    ] = False,
    eval_folder: Annotated[
        Path | None,
        typer.Option(
            "--eval",
            metavar="FOLDER",
            help="Ask your own questions before the switch (questions.jsonl, docs/evaluate.md): "
            "the new version must find their documents nearly as often.",
        ),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="With --eval: ask at most this many of them.")
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(min=0, help="Pause when it has cost this much (KEN_EMBEDDING_PRICE)."),
    ] = None,
    in_background: Annotated[
        bool, typer.Option("--background", help="Leave it to the jobs worker of `ken up`.")
    ] = False,
    every: Annotated[
        str | None,
        typer.Option(
            metavar="PERIOD",
            help="Have the jobs worker do it again and again: 8h, 1d or 30d. "
            "`ken jobs schedules` lists what is set.",
        ),
    ] = None,
    quiet: Annotated[
        str | None,
        typer.Option(metavar="HOURS", help="Rest in these hours, UTC: 07:00-18:00."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Begin without asking, also where it costs something.")
    ] = False,
) -> None:
    """Build the vectors of all documents again, by another model, while questions go on.

    The new version is built beside the active one and checked. Then every question uses it, from
    one moment to the next, and none ever half of each. If it is interrupted, is cancelled or does
    not pass its check, nothing is switched. No document is read again, but with --source.
    docs/reindex.md has more.

    Example: `ken reindex --model text-embedding-3-small`. Exit code 1: it did not end.
    """
    from workers.cli import reindexing

    database = reindexing.opened(command_settings())
    if list_versions:
        reindexing.show_versions(reindexing.listed(database), out)
        return
    if source is not None and (model or dimensions or budget or roll_back):
        raise typer.BadParameter("--source reads one source again, by the model in use.")
    if every is not None:
        words = reindexing.schedule(
            database, model, dimensions, source, every=every, quiet=quiet, budget=budget
        )
        out.print(plain(f"{words}. The first time begins now, in the jobs worker of `ken up`."))
        return
    if source is not None:
        job = reindexing.follow(database, reindexing.begin_reread(database, source))
        raise typer.Exit(reindexing.show_reread(job, out))
    if roll_back:
        job_id: int | None = reindexing.begin_roll_back(database)
    else:
        job_id = reindexing.begin(
            database,
            model,
            dimensions,
            budget=budget,
            yes=yes,
            console=out,
            quiet=quiet,
            judged_by=(eval_folder, sample) if eval_folder else None,
        )
    if job_id is None:
        return
    if in_background or quiet is not None:
        reindexing.leave(database, job_id, out)
        return
    job = reindexing.follow(database, job_id)
    raise typer.Exit(reindexing.show_result(database, job, out))


jobs_app = typer.Typer(
    help="Show long work, such as a re-index or a scheduled load, and pause, resume or end it: "
    "docs/reindex.md.\n\nStart with `ken jobs list`.",
    no_args_is_help=True,
)

JobId = Annotated[
    int, typer.Argument(metavar="JOB", min=1, help="A job's number, from `ken jobs list`.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@jobs_app.command("list")
def list_jobs(
    open_only: Annotated[
        bool, typer.Option("--open", help="Only jobs that have not ended.")
    ] = False,
    limit: Annotated[
        int, typer.Option(min=1, max=1000, help="Show at most this many, the newest first.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs: what they are about, how far they are, who began them, and how they ended."""
    from dataclasses import asdict

    from workers.cli import jobs

    found = jobs.listed(command_settings(), limit=limit, open_only=open_only)
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        jobs.show_all(found, out)


@jobs_app.command("show")
def show_job(job_id: JobId, as_json: AsJson = False) -> None:
    """Show one job: its progress, what is left, what it counted, and why it stopped."""
    from dataclasses import asdict

    from workers.cli import jobs

    found = jobs.one(command_settings(), job_id)
    print_json(asdict(found)) if as_json else jobs.show(found, out)


@jobs_app.command("pause")
def pause_job(job_id: JobId) -> None:
    """Stop a job after its current step. What it has done stays; `ken jobs resume` goes on."""
    from workers.cli import jobs

    jobs.show(jobs.pause(command_settings(), job_id), out)


@jobs_app.command("resume")
def resume_job(job_id: JobId) -> None:
    """Let a paused or failed job go on from where it stopped, in the jobs worker of `ken up`."""
    from workers.cli import jobs

    jobs.show(jobs.resume(command_settings(), job_id), out)


@jobs_app.command("cancel")
def cancel_job(job_id: JobId) -> None:
    """End a job after its current step. A re-index that is cancelled has changed no answer."""
    from workers.cli import jobs

    jobs.show(jobs.cancel(command_settings(), job_id), out)


@jobs_app.command("schedules")
def list_schedules(as_json: AsJson = False) -> None:
    """List what is done again and again, when it is next due, and the hours in which it is not."""
    from dataclasses import asdict

    from workers.cli import jobs

    found = jobs.schedules_of(command_settings())
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        jobs.show_schedules(found, out)


@jobs_app.command("unschedule")
def remove_schedule(
    kind: Annotated[str, typer.Argument(help="What is done, such as load.")],
    subject: Annotated[str, typer.Argument(help="What it is done to, such as a source's name.")],
) -> None:
    """End a schedule. What it has loaded stays, and a job of it that runs goes on."""
    from workers.cli import jobs

    jobs.unschedule(command_settings(), kind, subject)
    out.print(plain(f"{kind} {subject} is not scheduled any more."))
