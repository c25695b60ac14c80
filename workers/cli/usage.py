"""`ken usage`: what the language models were used for, and what it cost."""

from typing import TYPE_CHECKING

from workers.cli.output import plain, table_of
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.models.used import BY, Line, usage
from workers.settings import Settings

if TYPE_CHECKING:
    from rich.table import Table


def read_usage(settings: Settings, *, by: str, days: int) -> list[Line]:
    """Return `usage` of the last days. Raises InputInvalid, ServerUnavailable."""
    if by not in BY:
        raise InputInvalid(
            f"--by {by[:40]}: there is no such list.", remedy=f"Choose {', '.join(BY)}."
        )
    database = Database(settings)
    try:
        with database.session("ingress") as session:
            return usage(session, by=by, days=days)
    finally:
        database.close()


def shown(lines: list[Line], by: str) -> "Table":
    """Return a table with a sum below it."""
    table = table_of(by, "questions", "calls", "failed", "tokens in", "tokens out", "cost")
    for line in lines:
        table.add_row(
            plain(line.name),
            *(str(n) for n in (line.questions, line.calls, line.failed)),
            *(f"{n:,}" for n in (line.input_tokens, line.output_tokens)),
            _money(line),
        )
    total = sum(line.cost for line in lines)
    tokens = [sum(one.input_tokens for one in lines), sum(one.output_tokens for one in lines)]
    table.add_row("in all", "", "", "", *(f"{n:,}" for n in tokens), f"{total:.4f}")
    return table


def _money(line: Line) -> str:
    if line.without_price and not line.cost:
        return "no price"
    return f"{line.cost:.4f}" + (" and more" if line.without_price else "")
