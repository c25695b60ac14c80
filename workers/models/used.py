"""What the language models were used for, and what it cost: by person, by day and by model."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

BY = {
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


def usage(session: Session, *, by: str, days: int) -> list[Line]:
    """Return a line for each person, day or model of the last days, the most expensive first; days
    in their order.
    """
    rows = session.execute(_STATEMENTS[by], {"days": days})
    lines = [Line(**row._asdict()) for row in rows]
    return sorted(lines, key=lambda one: one.name) if by == "day" else lines


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


_STATEMENTS = {by: text(_statement(name)) for by, name in BY.items()}
