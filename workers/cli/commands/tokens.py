"""Keys to the admin API."""

from typing import Annotated

import typer

from workers.cli.data_dir import command_settings
from workers.cli.output import err, out, plain, print_json, table_of

token_app = typer.Typer(help="Keys to the admin API.", no_args_is_help=True)


@token_app.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="What will use it: `okta`, `wiki-sync`.")],
    scope: Annotated[
        list[str],
        typer.Option(help="identity, index, audit, sync:SOURCE or sync:*. Say it again for more."),
    ],
    expires: Annotated[
        str | None,
        typer.Option(metavar="PERIOD", help="12h, 90d, 52w. Default: good until revoked."),
    ] = None,
) -> None:
    """Make a token and print it. It is shown this once, and kept as a hash.

    A token opens what its scopes say and no document.
    """
    from workers.cli.admin import make_token

    print(make_token(command_settings(), name, scope, expires))  # noqa: T201
    err.print("Keep it now: nobody can show it again.")


@token_app.command("list")
def list_tokens(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """All tokens that were made: what they open, when they were used, which are good."""
    from dataclasses import asdict

    from workers.cli import admin

    found = admin.list_tokens(command_settings())
    if as_json:
        print_json([asdict(one) for one in found])
        return
    table = table_of("id", "name", "scopes", "made", "expires", "last used", "")
    for one in found:
        scopes = plain(", ".join(one.scopes))
        dates = (f"{at:%Y-%m-%d}" if at else "never" for at in (one.made, one.expires, one.used))
        table.add_row(str(one.id), plain(one.name), scopes, *dates, one.state)
    out.print(table)


@token_app.command("revoke")
def revoke_token(token_id: Annotated[int, typer.Argument(metavar="ID", min=1)]) -> None:
    """End a token, as of the next request."""
    from workers.cli import admin

    admin.revoke_token(command_settings(), token_id)
    out.print(f"Token {token_id} opens nothing any more.")
