"""Commands that show long work, and pause, resume or end it."""

from typing import Annotated

import typer

from workers.cli.data_dir import command_settings
from workers.cli.output import out, print_json

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
