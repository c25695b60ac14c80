"""Random workspaces against an oracle that was written from what Slack says, not from our code.

Every full member sees a public channel, and only its members a private one; a guest sees only the
channels that they were invited to.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from sqlalchemy import text

from bot.playground.client import Playground
from policies.audience import CLASSES
from tests.workers.sources.channels import PEOPLE, Channels

STEPS = 4


@dataclass
class Workspace:
    """What Slack knows: the oracle reads nothing else."""

    members: dict[str, set[str]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)

    def may_read(self, person: str, channel: str, guests: Mapping[str, bool]) -> bool:
        if self.private[channel] or guests[person]:
            return person in self.members[channel]
        return True


@pytest.mark.parametrize("seed", range(4))
def test_nobody_reads_what_slack_would_not_show_them(
    channels: Channels, slack: Playground, seed: int
) -> None:
    """0 leaks and 0 wrong denials, after each of some random changes and a pass of permissions."""
    chance = random.Random(seed)
    workspace = _random_workspace(chance, slack)
    channels.add(*workspace.members)
    channels.crawl(confirmed=True)
    for _ in range(STEPS):
        _check(channels, workspace)
        _change(chance, slack, workspace)
        channels.crawl(permissions_only=True, confirmed=True)
    _check(channels, workspace)


def test_an_oracle_that_is_wrong_would_be_seen(channels: Channels, slack: Playground) -> None:
    """The same comparison, with a mapping that lets everybody read private channels: leaks."""
    slack.say("CBOARD", "UALICE", "For CBOARD.")
    channels.add("CBOARD")
    channels.crawl()
    with channels.database.session("owner") as session:
        session.execute(
            text("UPDATE entry SET principal_id = :everybody"),
            {"everybody": int(CLASSES["members"])},
        )
    workspace = Workspace({"CBOARD": {"UALICE", "UBOB"}}, {"CBOARD": True})
    with pytest.raises(AssertionError):
        _check(channels, workspace)


def _check(channels: Channels, workspace: Workspace) -> None:
    for person in PEOPLE:
        read = {words.rpartition(" ")[2].rstrip(".") for words in channels.readable_by(person)}
        expected = {one for one in workspace.members if workspace.may_read(person, one, PEOPLE)}
        assert read == expected, (person, workspace)


def _random_workspace(chance: random.Random, slack: Playground) -> Workspace:
    workspace = Workspace()
    for number in range(4):
        people = {person for person in PEOPLE if chance.random() < 0.5} | {"UALICE"}
        private = chance.random() < 0.5
        members = (*sorted(people), "UKEN")
        channel = slack.create_channel(f"c{number}", is_private=private, members=members)
        slack.say(channel, "UALICE", f"For {channel}.")
        workspace.members[channel], workspace.private[channel] = people, private
    return workspace


def _change(chance: random.Random, slack: Playground, workspace: Workspace) -> None:
    channel = chance.choice(sorted(workspace.members))
    person = chance.choice(sorted(PEOPLE.keys() - {"UALICE"}))
    members = workspace.members[channel]
    if chance.random() < 0.3:
        slack.convert(channel, "UALICE")
        workspace.private[channel] = not workspace.private[channel]
    elif person in members:
        slack.leave(channel, person)
        members.discard(person)
    else:
        slack.join(channel, person)
        members.add(person)
