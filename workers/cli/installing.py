"""`ken installations`: list the workspaces that installed Ken by OAuth, and delete their tokens."""

from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from workers.database.schema import check
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.settings import Settings
from workers.slack.encryption import is_readable
from workers.slack.installations import Installed, forget, installed, may_install, named


def rows(settings: Settings) -> list[dict[str, Any]]:
    """Return one row for each installation, without any token."""
    now = datetime.now(UTC)
    return [
        {
            **named(one),
            "state": state(settings, one, now=now),
            "installed_by": one.installed_by,
            "installed_at": _at(one.installed_at),
            "token_ends_at": _at(one.expires_at),
            "scopes": list(one.scopes),
        }
        for one in installed(_database(settings), "answerer")
    ]


def state(settings: Settings, one: Installed, *, now: datetime) -> str:
    """Say in a few words whether Ken can post there, and if not, why."""
    if one.sealed is None:
        return "uninstalled"
    if not may_install(settings, **named(one)):
        return "not in KEN_SLACK_WORKSPACES"
    if not is_readable(settings, one.sealed):
        return "not readable with KEN_TOKEN_KEY"
    if one.expires_at is not None and one.sealed_refresh is None:
        return "expired: install again" if one.expires_at <= now else "ends soon: install again"
    return "installed"


def print_rows(found: list[dict[str, Any]], out: Console) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("organisation", "workspace", "state", "by", "installed", "token ends"):
        table.add_column(heading)
    for one in found:
        cells = [one["enterprise_id"] or "-", one["team_id"] or "all of it", one["state"]]
        cells += [one["installed_by"], _short(one["installed_at"]), _short(one["token_ends_at"])]
        table.add_row(*map(escape, cells))
    out.print(table)


def wipe(settings: Settings, place: str) -> str:
    """Delete the tokens of a workspace (`T…`) or organisation (`E…`). Raises InputInvalid."""
    database = _database(settings)
    wide = place.startswith("E")
    team_id, enterprise_id = ("", place) if wide else (place, None)
    if not forget(database, "answerer", team_id=team_id, enterprise_id=enterprise_id):
        raise InputInvalid(
            f"Ken has no token for {place!r}. Nothing was changed.",
            remedy="`ken installations list` shows the ids.",
        )
    return (
        f"The tokens of {place} are deleted here. Remove the app in Slack as well: the tokens stay "
        "valid there until they expire."
    )


def _at(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat() if time else None


def _short(time: str | None) -> str:
    return time[:16].replace("T", " ") if time else "never"


def _database(settings: Settings) -> Database:
    database = Database(settings)
    check(database, "answerer")
    return database
