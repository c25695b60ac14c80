"""Who reads there, where Slack tells it in parts or by halves. Each rule is taken out once, and the
secret comes into the channel; with it, it does not.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from pydantic import SecretStr

from bot.playground.client import Playground
from bot.playground.server import running
from bot.playground.workspace import read_workspace
from policies import Class
from policies.audience import Account, Readers
from policies.described import Permissions
from tests.bot.slack_schemas import check_calls
from tests.workers.library import Library
from tests.workers.slack_company import WORKSPACE, Company, FakeAnswerer
from workers.answering import audience
from workers.errors import InputInvalid, SlackUnavailable
from workers.services import Services
from workers.settings import Settings
from workers.slack import client as slack_client
from workers.slack.calling import pages
from workers.slack.client import SlackMessenger
from workers.slack.messenger import Place

CROWD = [f"UA{number:04}" for number in range(205)]
"""Before UZOE by their ids: Slack gives 200 members on a page."""
UNLINKED = [f"UB{number:04}" for number in range(60)]


@pytest.fixture
def crowded(library: Library, door: None, settings: Settings) -> Iterator[Company]:
    """Channels with more people in them than a page of Slack's holds."""
    people = [{"id": one, "name": one.lower()} for one in (*CROWD, *UNLINKED, "UZOE")]
    channels = [
        {
            "id": "CHALL",
            "name": "hall",
            "is_private": True,
            "members": [*CROWD, "UALICE", "UZOE", "UKEN"],
        },
        {"id": "CPLAZA", "name": "plaza", "members": [*UNLINKED, "UALICE", "UGUEST", "UKEN"]},
        {"id": "CATTIC", "name": "people", "is_archived": True, "members": ["UALICE", "UKEN"]},
        {"id": "CPEOPLE", "name": "people", "members": ["UALICE", "UKEN"]},
    ]
    world = {
        **WORKSPACE,
        "users": [*WORKSPACE["users"], *people],
        "channels": [*WORKSPACE["channels"], *channels],
    }
    with running(read_workspace(copy.deepcopy(world))) as url:
        slack, model = Playground(url), FakeAnswerer()
        connected = settings.model_copy(
            update={"slack_api_url": slack.api_url, "slack_bot_token": SecretStr("xoxb-playground")}
        )
        services = Services(connected, library.database, library.embedder, model)
        yield Company(library, slack, services, model)
        check_calls(slack.calls())


def secret_for(company: Company, channel: str, *readers: int) -> bool:
    """Alice asks for what these may read: whether it stands in the channel."""
    company.library.document("secret", "The budget is canary.", Permissions(frozenset(readers)))
    company.asked(channel, "alice", "What is the budget?")
    return any("canary" in repr(post) for post in company.posts(channel))


def everybody(company: Company, *names: str) -> list[int]:
    """They are linked at once."""
    ids = [company.library.person(name) for name in names]
    with company.library.change() as change:
        source = change.put_source("slack:T1")
        for name, user_id in zip(names, ids, strict=True):
            change.link(user_id, source, f"U{name.upper()}", by="admin")
    return ids


# -- a slip, and what it lets through --------------------------------------------------------------

Slip = Callable[[pytest.MonkeyPatch], None]


def first_page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack_client, "pages", lambda *a, **k: iter([next(pages(*a, **k))]))


def those_read_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the limit what was read is taken for all."""
    members = SlackMessenger._members

    def cut(self: SlackMessenger, channel_id: str) -> Any:
        found, unanswered = members(self, channel_id)
        if found is None and not unanswered:
            page = self.client.conversations_members(channel=channel_id, limit=200)
            return frozenset(Account("slack:T1", one) for one in page["members"]), False
        return found, unanswered

    monkeypatch.setattr(SlackMessenger, "_members", cut)


def members_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too many are not linked, the guests among them are forgotten."""
    anybody = Readers(classes=frozenset({Class.MEMBERS}))
    monkeypatch.setattr(audience, "_ANYBODY", anybody)


def flags_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    place = SlackMessenger.place

    def blind(self: SlackMessenger, channel_id: str) -> Place:
        found = place(self, channel_id)
        return Place(found.kind, found.members, found.complete, found.unanswered, external=False)

    monkeypatch.setattr(SlackMessenger, "place", blind)


@pytest.mark.parametrize("slip", [first_page_alone, None])
def test_everybody_counts_on_whatever_page_slack_lists_them(
    crowded: Company, monkeypatch: pytest.MonkeyPatch, slip: Slip | None
) -> None:
    """Zoe is on the second page, and may not read it."""
    names = [one.removeprefix("U").lower() for one in CROWD]
    readers = everybody(crowded, *names, "alice")
    everybody(crowded, "zoe")
    if slip:
        slip(monkeypatch)
    assert secret_for(crowded, "CHALL", *readers) is bool(slip)


@pytest.mark.parametrize("code", ["internal_error", "invalid_cursor"])
@pytest.mark.parametrize("forgiving", [True, False])
def test_a_list_that_breaks_off_is_no_list(
    crowded: Company, monkeypatch: pytest.MonkeyPatch, code: str, *, forgiving: bool
) -> None:
    """Slack gives the first page and refuses the second, on which Zoe is."""
    names = [one.removeprefix("U").lower() for one in CROWD]
    readers = everybody(crowded, *names, "alice")
    everybody(crowded, "zoe")

    def broken_off(method: Any, **arguments: Any) -> Iterator[Any]:
        listed = pages(method, **arguments)
        yield next(listed)
        crowded.slack.fault("error", method="conversations.members", error=code)
        with suppress(SlackUnavailable) if forgiving else nullcontext():
            yield from listed

    monkeypatch.setattr(slack_client, "pages", broken_off)
    assert secret_for(crowded, "CHALL", *readers) is forgiving


@pytest.mark.parametrize("slip", [those_read_so_far, None])
def test_more_members_than_the_limit_are_as_good_as_anybody(
    crowded: Company, monkeypatch: pytest.MonkeyPatch, slip: Slip | None
) -> None:
    names = [one.removeprefix("U").lower() for one in CROWD]
    readers = everybody(crowded, *names, "alice")
    everybody(crowded, "zoe")
    limited = crowded.services.settings.model_copy(update={"audience_limit": 150})
    crowded.services = Services(
        limited, crowded.library.database, crowded.library.embedder, crowded.model
    )
    if slip:
        slip(monkeypatch)
    assert secret_for(crowded, "CHALL", *readers) is bool(slip)


@pytest.mark.parametrize("slip", [members_alone, None])
def test_a_guest_among_many_who_are_not_linked_reads_along(
    crowded: Company, monkeypatch: pytest.MonkeyPatch, slip: Slip | None
) -> None:
    everybody(crowded, "alice")
    if slip:
        slip(monkeypatch)
    assert secret_for(crowded, "CPLAZA", int(Class.MEMBERS)) is bool(slip)


@pytest.mark.parametrize(
    "flag", ["is_ext_shared", "is_org_shared", "is_pending_ext_shared", "is_shared"]
)
@pytest.mark.parametrize("slip", [flags_ignored, None])
def test_whatever_slack_calls_shared_gets_no_answer(
    crowded: Company, monkeypatch: pytest.MonkeyPatch, slip: Slip | None, flag: str
) -> None:
    """With another company, with other workspaces, and from the invitation on."""
    readers = everybody(crowded, "alice", "bob")
    crowded.slack.change_channel("board", **{flag: True})
    if slip:
        slip(monkeypatch)
    assert secret_for(crowded, "CBOARD", *readers) is bool(slip)


def test_a_list_of_slacks_is_read_to_its_end(crowded: Company) -> None:
    """People, channels, and the channels of a person: each over two pages at least."""
    messenger = crowded.services.messenger
    people = [profile for page in messenger.profiles() for profile in page]
    assert {"UA0000", "UZOE"} <= {profile.account.native_id for profile in people}
    assert len(messenger.place("CHALL").members) == len(CROWD) + 2
    for number in range(210):
        crowded.slack.create_channel(f"a{number:03}", members=("alice", "UKEN"))
    listed = {one.channel_id for page in messenger.channels() for one in page}
    assert len(listed) > 210
    assert messenger.channels_of("UALICE") == listed | {"CATTIC"}
    assert messenger.find_channel("plaza") == "CPLAZA"


@pytest.mark.parametrize("is_archived", [True, False])
def test_of_two_channels_of_one_name_the_one_that_is_not_archived_is_meant(
    crowded: Company, is_archived: bool
) -> None:
    messenger = crowded.services.messenger
    assert messenger.find_channel("people") == "CPEOPLE"
    if is_archived:
        crowded.slack.archive("CPEOPLE")
    expected = pytest.raises(InputInvalid) if is_archived else nullcontext()
    with expected:
        assert messenger.find_channel("#people") == "CPEOPLE"
