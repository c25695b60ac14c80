"""Prints for commands: text for people on a terminal, JSON for machines."""

import json
from collections.abc import Iterable, Set
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from rich.table import Table

# Ids contain colons, which must not be turned into emoji.
out = Console(highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)


def table_of(*columns: str) -> "Table":
    """Return an empty table without lines, and without a header if no column has a name."""
    from rich.table import Table

    table = Table(box=None, show_header=any(columns), header_style="bold")
    for column in columns:
        table.add_column(column)
    return table


def plain(text: str) -> str:
    """Escape text for printing, so that `[…]` in it is not read as markup."""
    from rich.markup import escape

    return escape(text)


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun: `1 group`, `2 groups`, `2 people`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        out.print(f"  {plain(line)}", soft_wrap=True)


def print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False, default=_as_json))  # noqa: T201


def _as_json(value: object) -> object:
    """Write times as ISO 8601 in UTC, durations as seconds, and sets as sorted lists."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Set):
        return sorted(value)
    return str(value)
