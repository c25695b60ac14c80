"""Commands for tokens: of the admin API, and of people for other programs."""

from typing import Annotated

import typer

from workers.cli.data_dir import command_settings
from workers.cli.output import err, out, plain, print_json, table_of

token_app = typer.Typer(
    help="Tokens for the admin API. Example: `ken token create okta --scope identity`.",
    no_args_is_help=True,
)


@token_app.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="What will use the token: `okta`, `wiki-sync`.")],
    scope: Annotated[
        list[str],
        typer.Option(
            help="identity, index, audit, push:SOURCE, sync:SOURCE or sync:*. Repeat the option "
            "to add more."
        ),
    ],
    expires: Annotated[
        str | None,
        typer.Option(metavar="PERIOD", help="12h, 90d or 52w. Default: valid until revoked."),
    ] = None,
) -> None:
    """Create a token and print it. It is shown only once; Ken stores a hash of it.

    Its scopes say which calls it may make. No token gives access to the text of documents.
    """
    from workers.cli.admin import make_token

    print(make_token(command_settings(), name, scope, expires))  # noqa: T201
    err.print("Copy the token now: it cannot be shown again.")


@token_app.command("list")
def list_tokens(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List all tokens: their scopes, when they were last used, and which are valid."""
    from dataclasses import asdict

    from workers.cli import admin

    found = admin.list_tokens(command_settings())
    if as_json:
        print_json([asdict(one) for one in found])
        return
    table = table_of("id", "name", "scopes", "created", "expires", "last used", "state")
    for one in found:
        scopes = plain(", ".join(one.scopes))
        dates = (f"{at:%Y-%m-%d}" if at else "never" for at in (one.made, one.expires, one.used))
        table.add_row(str(one.id), plain(one.name), scopes, *dates, one.state)
    out.print(table)


@token_app.command("revoke")
def revoke_token(token_id: Annotated[int, typer.Argument(metavar="ID", min=1)]) -> None:
    """Revoke a token: the next request with it is refused."""
    from workers.cli import admin

    admin.revoke_token(command_settings(), token_id)
    out.print(f"Token {token_id} is revoked.")


person_token_app = typer.Typer(
    help="Tokens with which other programs ask as a person. Example: `ken person-token create ana "
    "laptop`.",
    no_args_is_help=True,
)


@person_token_app.command("create")
def create_person_token(
    person: Annotated[str, typer.Argument(help="The person's id, SOURCE:ID or e-mail address.")],
    name: Annotated[str, typer.Argument(help="What will use the token: `laptop`, `ci`.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="search or ask. Repeat the option for both, which is the default."),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            help="Read only this source. Repeat the option to add more. Default: everything that "
            "the person may read."
        ),
    ] = None,
    expires: Annotated[
        str, typer.Option(metavar="PERIOD", help="12h, 90d or 52w; at most a year.")
    ] = "90d",
) -> None:
    """Create a token and print it. It is shown only once; Ken stores a hash of it.

    A program with this token reads what the person may read at that moment, and never more. It
    ends with its time, when it is revoked, or when the person is suspended or deleted.
    """
    from workers.cli.doors import make_token

    settings = command_settings()
    print(make_token(settings, person, name, scope, source, expires))  # noqa: T201
    err.print("Copy the token now: it cannot be shown again.")


@person_token_app.command("list")
def list_person_tokens(
    person: Annotated[
        str | None, typer.Option(help="Only of this person: id, SOURCE:ID or e-mail address.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List all tokens of people: how far they reach, when they were last used, which are valid."""
    from dataclasses import asdict

    from workers.cli import doors

    found = doors.list_tokens(command_settings(), person)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    table = table_of("id", "person", "name", "scopes", "sources", "expires", "last used", "state")
    for one in found:
        reach = "all" if one.sources is None else ", ".join(one.sources)
        dates = (f"{at:%Y-%m-%d}" if at else "never" for at in (one.expires, one.used))
        words = map(plain, (one.person, one.name, ", ".join(one.scopes), reach))
        table.add_row(str(one.id), *words, *dates, one.state)
    out.print(table)


@person_token_app.command("revoke")
def revoke_person_token(token_id: Annotated[int, typer.Argument(metavar="ID", min=1)]) -> None:
    """Revoke a token: the next request with it is refused."""
    from workers.cli import doors

    doors.revoke_token(command_settings(), token_id)
    out.print(f"Token {token_id} is revoked.")


def admin_link(
    name: Annotated[str, typer.Argument(help="Who signs in: a name for the audit.")],
    role: Annotated[
        str,
        typer.Option(
            help="viewer sees how Ken is doing; content also works with sources and jobs; security "
            "also sees who may read what, and decides about pushes, links and tokens."
        ),
    ] = "viewer",
) -> None:
    """Make a link that signs an administrator in to the admin page, once, within ten minutes.

    No role gives access to the text of documents.
    """
    from workers.cli.admin import make_link

    print(make_link(command_settings(), name, role))  # noqa: T201
    err.print("The link works once, within ten minutes. Whoever opens it first is signed in.")
