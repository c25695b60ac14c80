"""`ken usage`: what the language models were used for, and what it cost."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from workers.cli.output import plain, table_of
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.settings import Settings

if TYPE_CHECKING:
    from rich.table import Table

_BY = {
    "person": "team_id || '/' || user_id",
    "day": "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
    "model": "model",
}
"""What a line stands for, as SQL. A person is the account that asked, as Slack names it."""


@dataclass(frozen=True, slots=True)
class Line:
    """What was used by one person, on one day (UTC), or of one model."""

    name: str
    questions: int
    calls: int
    failed: int
    input_tokens: int
    output_tokens: int
    estimated: int
    """Calls whose server did not say how many tokens they had."""
    cost: float
    without_price: int
    """Calls with tokens and no cost."""

    @property
    def data(self) -> dict[str, Any]:
        return asdict(self)


def read_usage(settings: Settings, *, by: str, days: int) -> list[Line]:
    """Return a line for each person, day or model of the last days, the most expensive first; days
    in their order. Raises InputInvalid, ServerUnavailable.
    """
    if by not in _BY:
        raise InputInvalid(
            f"--by {by[:40]}: there is no such list.", remedy=f"Choose {', '.join(_BY)}."
        )
    database = Database(settings)
    try:
        with database.session("ingress") as session:
            rows = session.execute(_STATEMENTS[by], {"days": days}).all()
    finally:
        database.close()
    lines = [Line(**row._asdict()) for row in rows]
    return sorted(lines, key=lambda one: one.name) if by == "day" else lines


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


def _statement(name: str) -> str:
    return f"""
        SELECT {name} AS name,
               count(DISTINCT question_id) AS questions,
               count(*) AS calls,
               count(*) FILTER (WHERE outcome <> '') AS failed,
               sum(input_tokens)::bigint AS input_tokens,
               sum(output_tokens)::bigint AS output_tokens,
               count(*) FILTER (WHERE estimated) AS estimated,
               coalesce(sum(cost), 0) AS cost,
               count(*) FILTER (WHERE cost IS NULL AND input_tokens + output_tokens > 0)
                   AS without_price
        FROM model_use
        WHERE at > now() - make_interval(days => :days) AND outcome <> 'trying'
        GROUP BY 1 ORDER BY cost DESC, input_tokens DESC, name
    """  # noqa: S608 - of our own three constants


_STATEMENTS = {by: text(_statement(name)) for by, name in _BY.items()}
