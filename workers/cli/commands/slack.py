"""Slack: the workspaces that installed Ken, and the channels in which it answers unasked."""

from typing import Annotated

import typer

from workers.cli.data_dir import command_settings
from workers.cli.output import err, out, plain, print_json

installations_app = typer.Typer(
    help="Slack workspaces that installed Ken by OAuth.", no_args_is_help=True
)


@installations_app.command("list")
def list_installations(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Every installation, and whether Ken can speak there. Tokens are not shown."""
    from workers.cli import installing

    found = installing.rows(command_settings())
    if as_json:
        print_json(found)
    elif found:
        installing.print_rows(found, out)
    else:
        out.print("Nobody has installed Ken by OAuth. docs/install.md says how.")


@installations_app.command("wipe")
def wipe_installation(
    place: Annotated[str, typer.Argument(help="A workspace's id, T…, or an organisation's, E….")],
) -> None:
    """Forget the tokens of one workspace, as when Ken is uninstalled there."""
    from workers.cli import installing

    out.print(plain(installing.wipe(command_settings(), place)))


channels_app = typer.Typer(
    help="Slack channels in which Ken answers questions that nobody put to it.\n\n"
    "Elsewhere it answers whoever mentions it, or goes on in a thread that it is part of. Try it "
    "in one channel: `ken channels auto help --per-hour 5`.",
    no_args_is_help=True,
)


Channel = Annotated[
    str, typer.Argument(metavar="CHANNEL", help="Its name or its id, such as help or C0HELP.")
]


@channels_app.command("list")
def list_channels(
    automatic: Annotated[
        bool, typer.Option("--automatic", help="Only those in which Ken answers unasked.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """The channels that Ken is in: where it answers unasked, how often it did, and who reads there.

    The answers are those of the last hour that nobody asked for; the limit counts them.
    """
    from dataclasses import asdict

    from workers.cli import channels

    with err.status("Reading the channels…"):
        found = channels.listed(command_settings(), only_automatic=automatic)
    if as_json:
        print_json([asdict(one) for one in found])
    elif found:
        channels.print_channels(found, out)
    else:
        out.print(
            "Ken answers unasked nowhere. `ken channels auto CHANNEL` changes that."
            if automatic
            else "Ken is in no channel. Invite it to one: /invite @Ken."
        )


@channels_app.command("auto")
def answer_unasked(
    channel: Channel,
    per_hour: Annotated[
        int,
        typer.Option(min=1, max=1000, metavar="N", help="At most this many answers an hour."),
    ] = 20,
) -> None:
    """Ken answers questions in this channel that nobody put to it, as of the next one.

    It speaks only where it finds an answer that all who read there may read, and says nothing
    otherwise. Whoever said `/ken mute` is left alone. Say it again to change the limit.
    """
    from workers.cli import channels

    out.print(plain(channels.auto(command_settings(), channel, per_hour)), soft_wrap=True)


@channels_app.command("quiet")
def answer_when_asked(channel: Channel) -> None:
    """Ken answers in this channel only where it is asked, as of the next question."""
    from workers.cli import channels

    out.print(plain(channels.quiet(command_settings(), channel)), soft_wrap=True)
