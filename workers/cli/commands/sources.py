"""Commands for sources that Ken lists by itself."""

from pathlib import Path
from typing import Annotated

import typer

from workers.cli.commands.sync import AsJson, source_app
from workers.cli.data_dir import command_settings
from workers.cli.output import counted, out, plain, print_json

add_app = typer.Typer(
    help="Add a source that Ken lists by itself: docs/connectors.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="SOURCE", help="The source, from `ken source list`.")]


@add_app.command("slack")
def add_slack(
    channel: Annotated[
        list[str],
        typer.Option(
            help="A channel's name or id; repeat the option to add more. '*': every public channel "
            "that Ken is in."
        ),
    ],
    with_bots: Annotated[
        bool, typer.Option("--with-bots", help="Read what other apps post, too.")
    ] = False,
    workspace: Annotated[
        str, typer.Option(metavar="TEAM", help="Which workspace, if Ken is in several: T0ACME.")
    ] = "",
    ask_token: Annotated[
        bool, typer.Option("--ask-token", help="Ask for the bot token of an app of its own.")
    ] = False,
    from_env: Annotated[
        str, typer.Option(metavar="VARIABLE", help="Read that token from a variable.")
    ] = "",
    from_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read that token from a file.")
    ] = None,
    every: Annotated[
        str, typer.Option(metavar="PERIOD", help="How often new messages are read.")
    ] = "15m",
    permissions_every: Annotated[
        str, typer.Option(metavar="PERIOD", help="How often it is looked up who is in a channel.")
    ] = "5m",
    max_staleness: Annotated[
        str | None,
        typer.Option(
            metavar="PERIOD",
            help="If no pass has succeeded for this long, no answer uses the source. Default: 1d.",
        ),
    ] = None,
) -> None:
    """Read channels of Slack: each thread is a document, which the channel's readers may read.

    Ken must be in the channels. It looks at them at once, and says what it cannot read. Give the
    command again to change the channels.

    Example: `ken source add slack --channel help --channel handbook`.
    """
    from workers.cli import sources

    stored, parts = sources.add_slack(
        command_settings(),
        channel,
        with_bots=with_bots,
        workspace=workspace,
        secret=sources.Secret(ask_token, from_env, from_file),
        every=every,
        permissions_every=permissions_every,
        max_staleness=max_staleness,
    )
    sources.show_parts(parts, out)
    out.print(f"Added {plain(stored.source)}. The jobs worker reads it; now: `ken source sync`.")


@source_app.command("test")
def test_source(name: Name) -> None:
    """Ask a source what Ken may read there, and change nothing."""
    from workers.cli import sources

    parts = sources.look(command_settings(), name)
    sources.show_parts(parts, out)
    raise typer.Exit(5 if any(part.problem for part in parts) else 0)


@source_app.command("sync")
def sync_source(
    name: Name,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything again, whatever its age.")
    ] = False,
    permissions: Annotated[
        bool, typer.Option("--permissions", help="Only who may read what.")
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", help="Also apply what would wait: much new access, or most of it missing."
        ),
    ] = False,
) -> None:
    """Make one pass over a source now. It can be cut off: the next one goes on."""
    from workers.cli import sources

    settings = command_settings()
    job = sources.sync(settings, name, full=full, permissions_only=permissions, confirmed=yes)
    raise typer.Exit(0 if sources.show_job(settings, job, out) else 1)


@source_app.command("show")
def show_source(name: Name, as_json: AsJson = False) -> None:
    """Show a source that Ken lists: what was chosen, its last passes, what they could not do."""
    from workers.cli import sources

    stored = sources.one(command_settings(), name)
    print_json(sources.as_json(stored)) if as_json else sources.show(stored, out)


@source_app.command("remove")
def remove_source(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a source that Ken lists, with its secret and documents. Accounts and links stay."""
    from workers.cli import sources

    settings = command_settings()
    sources.one(settings, name)
    if not yes:
        typer.confirm(f"Delete what Ken has read from {name}?", abort=True)
    removed = sources.remove(settings, name)
    out.print(f"Removed {plain(name)} with {counted(removed, 'document')}.")
