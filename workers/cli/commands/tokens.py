"""Commands for the tokens of the admin API."""

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
            help="identity, index, audit, sync:SOURCE or sync:*. Repeat the option to add more."
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
