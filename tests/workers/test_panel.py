"""What the playground shows of permissions, read for the very people it is about."""

from pathlib import Path
from typing import Any

import pytest

from policies import Class
from policies.described import Permissions
from tests.workers.slack_company import TEAM, Company
from workers.errors import InputInvalid
from workers.panel import channel_panel, person_panel
from workers.settings import Settings


def only(*principals: int) -> Permissions:
    return Permissions(frozenset(principals))


@pytest.fixture
def home(company: Company) -> Settings:
    """Alice reads three documents, Bob two, a guest one."""
    alice, bob = company.person("alice"), company.person("bob")
    company.person("guest", guest=True)
    crew = company.library.group("crew", [alice])
    company.library.group("company", [crew])
    company.library.document("hers", "The budget is canary.", only(alice))
    company.library.document("theirs", "The budget is robin.", only(alice, bob))
    everybody = only(int(Class.MEMBERS_AND_GUESTS))
    company.library.document("open", "The office is open.", everybody)
    return company.services.settings.model_copy(update={"playground": Path("workspace.json")})


def titles(answer: dict[str, Any]) -> list[str]:
    documents = answer["documents"]
    assert documents["count"] == len(documents["titles"])
    return [one["title"] for one in documents["titles"]]


def test_a_person_has_their_own_groups_and_documents(home: Settings) -> None:
    alice = person_panel(home, TEAM, "UALICE")
    assert titles(alice) == ["Hers", "Open", "Theirs"]
    assert alice["groups"] == ["company", "crew"]
    bob = person_panel(home, TEAM, "UBOB")
    assert titles(bob) == ["Open", "Theirs"]
    assert bob["groups"] == []


def test_a_guest_is_one_and_somebody_unlinked_is_nobody(home: Settings) -> None:
    guest = person_panel(home, TEAM, "UGUEST")
    assert (guest["guest"], titles(guest)) == (True, ["Open"])
    carl = person_panel(home, TEAM, "UCARL")
    assert (carl["linked"], carl["groups"], titles(carl)) == (False, [], [])


def test_a_private_channel_shows_what_all_who_are_there_may_read(home: Settings) -> None:
    board = channel_panel(home, "CBOARD")
    assert board["rule"] == "private"
    assert titles(board) == ["Open", "Theirs"]
    counts = {one["user_id"]: one["documents"] for one in board["people"]}
    assert counts == {"UALICE": 3, "UBOB": 2}
    assert board["all_members"] is None


def test_a_public_channel_shows_what_every_member_and_each_guest_there_may_read(
    home: Settings,
) -> None:
    """Threat 11: no title that only some of the readers may see."""
    everywhere = channel_panel(home, "CALL")
    assert (everywhere["rule"], titles(everywhere)) == ("public", ["Open"])
    assert everywhere["all_members"] == 1
    guests = {one["user_id"] for one in channel_panel(home, "CGUEST")["people"] if one["guest"]}
    assert guests == {"UGUEST"}


def test_a_channel_shared_with_another_company_shows_nothing(home: Settings) -> None:
    shared = channel_panel(home, "CSHARED")
    assert (shared["rule"], shared["people"], titles(shared)) == ("shared", [], [])


@pytest.mark.parametrize("change", [{"production": True}, {"playground": None}])
def test_it_is_only_for_the_playground(home: Settings, change: dict[str, Any]) -> None:
    settings = home.model_copy(update=change)
    with pytest.raises(InputInvalid):
        person_panel(settings, TEAM, "UALICE")
    with pytest.raises(InputInvalid):
        channel_panel(settings, "CALL")
