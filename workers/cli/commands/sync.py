"""Commands that push permissions, source by source, and set sources."""

from typing import Annotated

import typer

from workers.cli.data_dir import command_settings
from workers.cli.output import out, plain, print_json

sync_app = typer.Typer(
    help="Push the permissions of a source, and look at earlier pushes: docs/sync.md.\n\n"
    "Try `ken sync push FILE --source wiki --dry-run` first: it shows who would gain and who would "
    "lose access, and changes nothing.",
    no_args_is_help=True,
)


RunId = Annotated[
    int, typer.Argument(metavar="RUN", min=1, help="A run's number, from `ken sync runs`.")
]


AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@sync_app.command("push")
def push_permissions(
    place: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="JSON lines: a file, a folder of *.jsonl, or - for standard input."
        ),
    ],
    source: Annotated[str, typer.Option(help="The source whose permissions these are.")],
    delta: Annotated[
        bool,
        typer.Option(
            "--delta", help="The file holds only what changed. Without it: everything there is."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", help="Apply it even if people would gain much, or the list leaves most out."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Push groups, folders, documents and who may read them; show who gains and who loses access.

    Everything is applied at once, or nothing. Nobody may read what a complete push does not list.
    If people would gain much access, the run waits for `ken sync confirm`, and only what it takes
    away counts at once. If a list leaves out most of the source, that part waits, too.

    Exit code 0: applied. 2: the input is wrong, nothing was changed. 5: applied, but unknown names
    were skipped. 6: waits for confirmation.
    """
    from workers.cli import syncing

    run = syncing.push(
        command_settings(),
        place,
        source=source,
        delta=delta,
        dry_run=dry_run,
        confirmed=yes,
    )
    print_json(syncing.as_json(run)) if as_json else syncing.show(run, out)
    raise typer.Exit(syncing.exit_code(run))


@sync_app.command("runs")
def list_runs(
    source: Annotated[str | None, typer.Argument(help="Only runs of this source.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=1000, help="Show at most this many, the newest first.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """List earlier runs: what was pushed, by whom, what changed, and the result."""
    from workers.cli import syncing

    found = syncing.history(command_settings(), source, limit)
    if as_json:
        print_json([syncing.as_json(run) for run in found])
    else:
        syncing.show_runs(found, out)


@sync_app.command("show")
def show_run(run_id: RunId, as_json: AsJson = False) -> None:
    """Show one run: who gained and who lost access, what waits, and what was left out."""
    from workers.cli import syncing

    run = syncing.one(command_settings(), run_id)
    print_json(syncing.as_json(run)) if as_json else syncing.show(run, out)


@sync_app.command("confirm")
def confirm_run(run_id: RunId, as_json: AsJson = False) -> None:
    """Apply all of a waiting run. Refused if another run of the source was applied since."""
    from workers.cli import syncing

    run = syncing.confirm(command_settings(), run_id)
    print_json(syncing.as_json(run)) if as_json else syncing.show(run, out)


@sync_app.command("drop")
def drop_run(run_id: RunId) -> None:
    """Discard the waiting part of a run. What it took away stays away until the next push."""
    from workers.cli import syncing

    syncing.drop(command_settings(), run_id)
    out.print(f"Run {run_id} is dropped.")


@sync_app.command("undo")
def undo_run(run_id: RunId, as_json: AsJson = False) -> None:
    """Undo everything that the latest run of a source changed, in one step.

    Refused if somebody else has changed the same things since. A deleted document does not come
    back: load it again.
    """
    from workers.cli import syncing

    run = syncing.undo(command_settings(), run_id)
    print_json(syncing.as_json(run)) if as_json else syncing.show(run, out)


source_app = typer.Typer(
    help="Show sources, pause them, set how old their permissions may be, and add those that Ken "
    "lists by itself.",
    no_args_is_help=True,
)


@source_app.command("list")
def list_sources(as_json: AsJson = False) -> None:
    """List every source: whether it is used, when it was synced, what nobody may read."""
    from dataclasses import asdict

    from workers.cli import syncing

    found = syncing.sources(command_settings())
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        syncing.show_sources(found, out)


@source_app.command("set")
def set_source(
    name: Annotated[str, typer.Argument(help="The source's name, from `ken source list`.")],
    max_staleness: Annotated[
        str | None,
        typer.Option(
            metavar="PERIOD",
            help="30m, 24h, 7d or none. If the last complete push is older, the source is left out "
            "of every answer.",
        ),
    ] = None,
    paused: Annotated[
        bool | None,
        typer.Option(
            "--pause/--resume", help="Leave the source out of every answer, or use it again."
        ),
    ] = None,
) -> None:
    """Pause a source, or set how old its permissions may be. It counts from the next question on.

    Example: `ken source set wiki --max-staleness 24h`.
    """
    from workers.cli import syncing

    syncing.set_source(command_settings(), name, max_staleness=max_staleness, paused=paused)
    out.print(f"Source {plain(name)} is changed; `ken source list` shows it.")
