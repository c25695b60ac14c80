"""The channels of a question set, from its `workspace.json`: no Slack is asked."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policies.audience import Account
from workers.errors import InputInvalid
from workers.slack.messenger import Listed, Place, PlaceKind, Said, source_of_team


@dataclass(frozen=True, slots=True)
class WorkspaceFile:
    """A Slack workspace as a file describes it: who is in which channel."""

    team_id: str
    users: Mapping[str, dict[str, Any]]
    by_name: Mapping[str, dict[str, Any]]

    def find_channel(self, name: str) -> str:
        channel = self.by_name.get(name.removeprefix("#"))
        if channel is None:
            raise InputInvalid(
                f"There is no channel {name!r} in the set's workspace.json.",
                remedy="Name the company that the questions are about: --company FOLDER.",
            )
        return str(channel["id"])

    def place(self, channel_id: str) -> Place:
        (channel,) = (one for one in self.by_name.values() if one["id"] == channel_id)
        members = [self.users[one] for one in channel["members"] if one in self.users]
        is_private = channel.get("is_private") or channel.get("is_mpim")
        external = channel.get("is_ext_shared") or any(one.get("is_stranger") for one in members)
        return Place(
            PlaceKind.PRIVATE if is_private else PlaceKind.PUBLIC,
            frozenset(self._account(one) for one in members if not one.get("deleted")),
            external=bool(external),
        )

    def guests(self, accounts: frozenset[Account]) -> frozenset[Account]:
        return frozenset(
            self._account(one)
            for one in self.users.values()
            if self._account(one) in accounts
            and (one.get("is_restricted") or one.get("is_ultra_restricted"))
        )

    def channels(self) -> Iterator[list[Listed]]:
        yield [
            Listed(one["id"], one["name"], True, bool(one.get("is_mpim")))
            for one in self.by_name.values()
        ]

    def channels_of(self, user_id: str) -> frozenset[str]:
        return frozenset(one["id"] for one in self.by_name.values() if user_id in one["members"])

    def said_before(self, channel_id: str, thread_ts: str, before: str) -> list[Said]:  # noqa: ARG002
        return []

    def _account(self, user: Mapping[str, Any]) -> Account:
        return Account(source_of_team(user.get("team_id") or self.team_id), user["id"])


def read_workspace(folder: Path) -> WorkspaceFile:
    """Return the workspace of a set's folder; without channels if it has none."""
    file = folder / "workspace.json"
    if not file.exists():
        return WorkspaceFile("", {}, {})
    try:
        written = json.loads(file.read_text())
        return WorkspaceFile(
            written["team"]["id"],
            {one["id"]: one for one in written["users"]},
            {one["name"]: one for one in written["channels"]},
        )
    except (KeyError, TypeError, ValueError):
        raise InputInvalid(f"{file} is not a workspace (docs/playground.md).") from None
