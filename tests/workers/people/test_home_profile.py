"""The home tab shows what is known of a person, and each attribute can be switched off."""

from typing import Any

import pytest

from bot.playground.blocks.block_kit import check_blocks
from tests.workers.pressed import all_text, pressed
from tests.workers.slack_company import TEAM, Company
from workers import errands
from workers.people import home_tab, memory, preferences
from workers.people.attributes import ATTRIBUTES

PROFILE = {
    "title": "Controller",
    "team": "Finance",
    "manager": "bob",
    "location": "Berlin",
    "country": "DE",
    "locale": "en-GB",
    "timezone": "Europe/Berlin",
}


def blocks(company: Company, person: str = "alice") -> list[dict[str, Any]]:
    user_id = f"U{person.upper()}"
    home_tab.publish(company.services, TEAM, user_id)
    found: list[dict[str, Any]] = company.slack.surfaces()["homes"][user_id]["blocks"]
    return found


def switches(company: Company, person: str = "alice") -> dict[str, str]:
    """The text of each attribute, by the value of its button."""
    return {
        block["accessory"]["value"]: block["text"]["text"]
        for block in blocks(company, person)
        if block.get("accessory", {}).get("action_id") == "ken_attribute"
    }


def test_each_attribute_is_shown_with_a_switch(company: Company) -> None:
    company.person("bob", profile={"title": "Boss"})
    alice = company.person("alice", profile=PROFILE)
    company.library.group("payroll", (alice,))

    shown = switches(company)

    assert shown == {
        "title:off": "Title: Controller",
        "team:off": "Team: Finance",
        "manager:off": "Manager: Bob",
        "location:off": "Location: Berlin",
        "country:off": "Country: DE",
        "locale:off": "Language: en-GB",
        "timezone:off": "Time zone: Europe/Berlin",
        "groups:off": "Groups: payroll",
    }
    assert [value.partition(":")[0] for value in shown] == list(ATTRIBUTES)
    assert switches(company, "bob") == {"title:off": "Title: Boss"}


def test_a_switch_works_in_both_directions_for_its_person_alone(company: Company) -> None:
    for name in ("alice", "bob"):
        company.person(name, profile=PROFILE)
    for used, value, words in (
        (False, "team:on", "Team: Finance (not used)"),
        (True, "team:off", "Team: Finance"),
    ):
        for _again in range(2):
            details: dict[str, Any] = {"attribute": "team", "used": used}
            errands.change_preferences(company.services, pressed("preferences", **details))
        assert switches(company)[value] == words
        assert switches(company, "bob")["team:off"] == "Team: Finance"


@pytest.mark.parametrize(
    "details",
    [
        {"attribute": "name", "used": False},
        {"attribute": "'; DROP TABLE preference; --", "used": False},
        {"attribute": "team", "used": "no"},
        {"attribute": ["team"], "used": False},
        {"attribute": None, "used": True},
    ],
)
def test_an_attribute_that_nobody_offers_changes_nothing(
    company: Company, details: dict[str, Any]
) -> None:
    company.person("alice", profile=PROFILE)
    assert not preferences.change(company.services, pressed("preferences", **details))
    assert all(value.endswith(":off") for value in switches(company))


def test_without_a_link_there_is_nothing_to_switch(company: Company) -> None:
    company.person("alice", linked=False, profile=PROFILE)
    assert switches(company) == {}
    assert "I know nothing about you" in all_text(blocks(company))


def test_hostile_values_make_a_home_that_slack_takes(company: Company) -> None:
    hostile = "<!channel> <@UBOB> *x* \u202e https://evil.example " * 900
    alice = company.person("alice", profile=dict.fromkeys(PROFILE, hostile))
    for number in range(40):
        company.library.group(f"{number} {hostile[:500]}", (alice,))
    for number in range(memory.MOST):
        wish = memory.wish_in(f"remember that {number} {hostile}")
        assert isinstance(wish, memory.Remember)
        memory.fulfil(company.services, TEAM, "UALICE", wish)

    shown = blocks(company)

    check_blocks([{k: v for k, v in one.items() if k != "block_id"} for one in shown], most=100)
    for sign in ("<!channel", "\u202e", "https://evil"):
        assert sign not in all_text(shown)
