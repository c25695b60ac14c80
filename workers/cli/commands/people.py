"""Documents are loaded, and accounts are linked to people."""

from pathlib import Path
from typing import Annotated

import typer

from workers.cli.data_dir import command_settings
from workers.cli.output import err, out, plain, print_json


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
            "user:ID. Say it again for more.",
        ),
    ] = None,
    remove_missing: Annotated[
        bool,
        typer.Option(
            "--remove-missing", help="Go on even if many loaded documents are not there any more."
        ),
    ] = False,
    shows_all: Annotated[
        bool,
        typer.Option(
            "--report", help="List every file that was left out or read in part, and why."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Load people, permissions and documents from a folder. docs/loading.md says its format.

    Nothing changes unless the whole folder is understood. Each document is all or nothing, and a
    load that was cut off goes on where it stopped. Exit code 5: some documents were left out.
    """
    from dataclasses import asdict

    from workers.cli.loading import load_folder

    report = load_folder(
        command_settings(),
        folder,
        source=source,
        allow=tuple(allow or ()),
        remove_missing=remove_missing,
        console=None if as_json else out,
        shows_all=shows_all,
    )
    if as_json:
        print_json(asdict(report))
    raise typer.Exit(5 if report.left_out else 0)


link_app = typer.Typer(help="Which accounts are whose: docs/identities.md.", no_args_is_help=True)


LinkSource = Annotated[
    str | None, typer.Option("--source", help="Of this source alone, such as slack:T0ACME.")
]


LinkAccount = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="SOURCE:ID, such as slack:T0ACME:U0ANA.")
]


@link_app.command("list")
def list_links(
    source: LinkSource = None,
    linked: Annotated[
        bool, typer.Option("--linked/--unlinked", help="Accounts with a link, or without.")
    ] = False,
    everybody: Annotated[
        bool, typer.Option("--all", help="Bots and people of other companies as well.")
    ] = False,
    external: Annotated[
        bool, typer.Option("--external", help="Accounts marked as nobody's here.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Accounts that are nobody's yet, whose they may be, and what speaks against it."""
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
        out.print("Every account that Ken knows of has a link. `ken link scan` looks for more.")


@link_app.command("scan")
def scan_accounts() -> None:
    """Read who is in the Slack workspace. That links nobody."""
    from workers.cli.linking import scan

    scan(command_settings(), out)


@link_app.command("set")
def set_link(
    account: LinkAccount,
    person: Annotated[str, typer.Argument(help="A user's id or e-mail address.")],
) -> None:
    """This account is this person, as of the next question."""
    from workers.cli import linking

    out.print(plain(linking.set_link(command_settings(), account, person)))


@link_app.command("remove")
def remove_link(account: LinkAccount) -> None:
    """This account is nobody's, as of the next question."""
    from workers.cli import linking

    out.print(plain(linking.remove_link(command_settings(), account)))


@link_app.command("external")
def mark_external(
    account: LinkAccount,
    off: Annotated[bool, typer.Option("--off", help="Take it back.")] = False,
) -> None:
    """This account is nobody's here, such as a partner's: what denies it bars nobody of yours."""
    from workers.cli import linking

    out.print(plain(linking.set_external(command_settings(), account, external=not off)))


@link_app.command("code")
def link_code(
    person: Annotated[str, typer.Argument(help="A user's id or e-mail address.")],
    expires: Annotated[str, typer.Option(metavar="PERIOD", help="30m, 8h, 2d.")] = "1h",
) -> None:
    """Print a code. Whoever sends `link CODE` to Ken in a direct message is this person: once.

    Give it to them by a way that is theirs alone. An earlier code of theirs ends.
    """
    from workers.cli.linking import make_code

    code, name = make_code(command_settings(), person, expires)
    print(code)  # noqa: T201
    err.print(f"For {plain(name)} alone, once, within {expires}. Nobody can show it again.")


@link_app.command("accept")
def accept_links(
    source: LinkSource = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Link the accounts whose address is a user's, letter for letter, and was nobody else's."""
    from workers.cli import linking

    chosen = linking.acceptable(command_settings(), source)
    if not chosen:
        out.print("There is none to accept. `ken link list` shows what speaks against the others.")
        return
    linking.print_unmatched(chosen, out)
    if dry_run:
        return
    if not yes:
        typer.confirm(f"Link these {len(chosen)}?", abort=True)
    out.print(f"Linked: {linking.accept(command_settings(), chosen)} of {len(chosen)}.")
