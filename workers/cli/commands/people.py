"""Commands that load documents and link accounts to people."""

from pathlib import Path
from typing import Annotated

import typer

from workers.cli.data_dir import command_settings
from workers.cli.output import counted, err, out, plain, print_json


def load(
    folder: Annotated[Path, typer.Argument(help="Documents, or a folder with documents.jsonl.")],
    source: Annotated[
        str | None, typer.Option(help="The source's name. Default: source.json's, or the folder's.")
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PRINCIPAL",
            help="Who may read a folder that has no permissions.jsonl: class:members, group:ID, "
            "user:ID. Repeat the option to add more.",
        ),
    ] = None,
    remove_missing: Annotated[
        bool,
        typer.Option(
            "--remove-missing", help="Continue even if many loaded documents are missing now."
        ),
    ] = False,
    shows_all: Annotated[
        bool,
        typer.Option(
            "--report", help="List every file that was left out or read in part, and why."
        ),
    ] = False,
    watches: Annotated[
        bool,
        typer.Option("--watch", help="Load it again after each change in it, until Ctrl-C."),
    ] = False,
    every: Annotated[
        str | None,
        typer.Option(
            metavar="PERIOD",
            help="Have the jobs worker load it again and again: 30s, 5m, 8h or 1d. "
            "`ken jobs schedules` lists what is set.",
        ),
    ] = None,
    quiet: Annotated[
        str | None,
        typer.Option(metavar="HOURS", help="With --every: not in these hours, UTC: 22:00-06:00."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Load people, permissions and documents from a folder. docs/loading.md describes the format.

    Nothing is changed unless the whole folder can be read. Each document is loaded completely or
    not at all. If a load is interrupted, run it again to continue. Exit code 5: some documents
    were left out. Example: `ken load examples/company`.
    """
    from dataclasses import asdict

    from workers.cli.loading import load_folder, schedule_folder, watch_folder

    settings, allowed = command_settings(), tuple(allow or ())
    if quiet is not None and every is None:
        raise typer.BadParameter("--quiet belongs to --every.")
    if every is not None:
        words = schedule_folder(
            settings, folder, source=source, allow=allowed, every=every, quiet=quiet
        )
        out.print(plain(f"{words}. The first load begins now, in the jobs worker of `ken up`."))
        out.print("`ken jobs list` shows its loads, `ken jobs unschedule load NAME` ends it.")
        return
    if watches:
        watch_folder(settings, folder, source=source, allow=allowed, console=out)
        return
    report = load_folder(
        settings,
        folder,
        source=source,
        allow=allowed,
        remove_missing=remove_missing,
        console=None if as_json else out,
        shows_all=shows_all,
    )
    if as_json:
        print_json(asdict(report))
    raise typer.Exit(5 if report.left_out else 0)


def forget(
    person: Annotated[str, typer.Argument(help="The person's id, SOURCE:ID or e-mail address.")],
    really: Annotated[
        bool, typer.Option("--yes", help="Forget. Without it, only show how much it would be.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Forget what a person asked, was told in private, commented and had Ken remember.

    It clears these in all their accounts, ends their tokens for programs, and takes their name off
    costs. The audit keeps how much it was, not what. Messages in Slack, and the person in the
    directory, are not touched: delete them there.
    """
    from dataclasses import asdict

    from workers.cli.linking import forget as run

    name, found = run(command_settings(), person, only_look=not really)
    if as_json:
        print_json({"person": name, "forgotten": really, **asdict(found)})
        return
    out.print(f"{plain(name)} is forgotten:" if really else f"Of {plain(name)}, there would go:")
    for what, number in asdict(found).items():
        out.print(f"  {what.replace('_', ' ')}: {number}")
    if not really:
        out.print("Nothing was changed. To forget them: add [bold]--yes[/].")


link_app = typer.Typer(
    help="Link accounts to people: docs/identities.md.\n\n"
    "Start with `ken link list`, which shows the accounts without a link.",
    no_args_is_help=True,
)


LinkSource = Annotated[
    str | None, typer.Option("--source", help="Only accounts of this source, such as slack:T0ACME.")
]


LinkAccount = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="SOURCE:ID, such as slack:T0ACME:U0ANA.")
]


@link_app.command("list")
def list_links(
    source: LinkSource = None,
    linked: Annotated[
        bool,
        typer.Option(
            "--linked/--unlinked", help="Show accounts that have a link, or those without one."
        ),
    ] = False,
    everybody: Annotated[
        bool, typer.Option("--all", help="Also show bots and people of other companies.")
    ] = False,
    external: Annotated[
        bool, typer.Option("--external", help="Show accounts marked as external instead.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List accounts without a link, with the people they may belong to and what contradicts it."""
    from dataclasses import asdict

    from workers.cli import linking

    if linked:
        owned = list(linking.with_link(command_settings(), source))
        print_json([asdict(one) for one in owned]) if as_json else linking.print_linked(owned, out)
        return
    found = list(
        linking.without_link(command_settings(), source, everybody=everybody, external=external)
    )
    if as_json:
        print_json([asdict(one) for one in found])
    elif found:
        linking.print_unmatched(found, out)
    elif external:
        out.print("No account is marked as external.")
    else:
        out.print(
            "Every known account has a link. `ken link scan` looks for new accounts in Slack."
        )


@link_app.command("scan")
def scan_accounts() -> None:
    """Read the list of members from Slack. This links nobody."""
    from workers.cli.linking import scan

    scan(command_settings(), out)


@link_app.command("set")
def set_link(
    account: LinkAccount,
    person: Annotated[str, typer.Argument(help="A user's id or e-mail address.")],
) -> None:
    """Link an account to a person. It counts from the next question on.

    Example: `ken link set slack:T0ACME:U0ANA ana@acme.example`.
    """
    from workers.cli import linking

    out.print(plain(linking.set_link(command_settings(), account, person)))


@link_app.command("remove")
def remove_link(account: LinkAccount) -> None:
    """Remove the link of an account. It counts from the next question on."""
    from workers.cli import linking

    out.print(plain(linking.remove_link(command_settings(), account)))


@link_app.command("external")
def mark_external(
    account: LinkAccount,
    off: Annotated[bool, typer.Option("--off", help="Remove the mark.")] = False,
) -> None:
    """Mark an account as external: it belongs to none of your people, such as a partner's.

    A deny that names the account then keeps out nobody in your company.
    """
    from workers.cli import linking

    out.print(plain(linking.set_external(command_settings(), account, external=not off)))


@link_app.command("code")
def link_code(
    person: Annotated[str, typer.Argument(help="A user's id or e-mail address.")],
    expires: Annotated[
        str, typer.Option(metavar="PERIOD", help="How long the code is valid: 30m, 8h or 2d.")
    ] = "1h",
) -> None:
    """Print a one-time code that links a Slack account to a person.

    The person sends `link CODE` to Ken in a direct message. Give them the code in a way that
    nobody else can see. A new code replaces their earlier one.
    """
    from workers.cli.linking import make_code

    code, name = make_code(command_settings(), person, expires)
    print(code)  # noqa: T201
    err.print(
        f"Give this code to {plain(name)} only. It works once, for {expires}, and cannot be shown "
        "again."
    )


@link_app.command("accept")
def accept_links(
    source: LinkSource = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be linked, and change nothing.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Link without asking for confirmation.")
    ] = False,
) -> None:
    """Link all accounts whose e-mail address is exactly that of one user, and always was."""
    from workers.cli import linking

    chosen = linking.acceptable(command_settings(), source)
    if not chosen:
        out.print("No account can be linked this way. `ken link list` shows the reason for each.")
        return
    linking.print_unmatched(chosen, out)
    if dry_run:
        return
    if not yes:
        typer.confirm(f"Link {counted(len(chosen), 'account')}?", abort=True)
    done = linking.accept(command_settings(), chosen)
    out.print(f"Linked {done} of {counted(len(chosen), 'account')}.")
