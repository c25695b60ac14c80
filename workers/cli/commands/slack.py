"""Commands about Slack: workspaces that installed Ken, and channels where it answers unasked."""

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
    """List every installation, and whether Ken can post there. Tokens are not shown."""
    from workers.cli import installing

    found = installing.rows(command_settings())
    if as_json:
        print_json(found)
    elif found:
        installing.print_rows(found, out)
    else:
        out.print("No workspace has installed Ken by OAuth. docs/install.md explains how.")


@installations_app.command("wipe")
def wipe_installation(
    place: Annotated[str, typer.Argument(help="A workspace's id, T…, or an organisation's, E….")],
) -> None:
    """Delete the stored tokens of one workspace, as when Ken is uninstalled there."""
    from workers.cli import installing

    out.print(plain(installing.wipe(command_settings(), place)))


channels_app = typer.Typer(
    help="Slack channels in which Ken answers questions without being mentioned.\n\n"
    "Everywhere else it answers only if it is mentioned, or in a thread that it is part of. Try "
    "it in one channel: `ken channels auto help --per-hour 5`.",
    no_args_is_help=True,
)


Channel = Annotated[
    str, typer.Argument(metavar="CHANNEL", help="The channel's name or id, such as help or C0HELP.")
]


@channels_app.command("list")
def list_channels(
    automatic: Annotated[
        bool, typer.Option("--automatic", help="Only channels in which Ken answers unasked.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List the channels that Ken is in: where it answers unasked, how often, and who reads there.

    "last hour" counts the answers that nobody asked for, in the last 60 minutes.
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
            "Ken answers unasked in no channel. `ken channels auto CHANNEL` turns it on for one."
            if automatic
            else "Ken is not in any channel. Invite it to one: /invite @Ken."
        )


@channels_app.command("auto")
def answer_unasked(
    channel: Channel,
    per_hour: Annotated[
        int,
        typer.Option(min=1, max=1000, metavar="N", help="At most this many answers per hour."),
    ] = 20,
) -> None:
    """Let Ken answer questions in a channel without being mentioned, from the next one on.

    It posts only if it finds an answer that everybody in the channel may read, and is silent
    otherwise. People who used `/ken mute` get no answer. Run it again to change the limit.
    """
    from workers.cli import channels

    out.print(plain(channels.auto(command_settings(), channel, per_hour)), soft_wrap=True)


@channels_app.command("quiet")
def answer_when_asked(channel: Channel) -> None:
    """Let Ken answer in a channel only if it is asked, from the next question on."""
    from workers.cli import channels

    out.print(plain(channels.quiet(command_settings(), channel)), soft_wrap=True)
