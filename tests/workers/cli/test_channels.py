"""`ken channels`, as an administrator uses it: where Ken answers unasked."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from bot.playground.client import Playground
from bot.playground.server import running
from bot.playground.workspace import read_workspace
from policies.described import Permissions
from tests.bot.slack_schemas import check_calls
from tests.workers.slack_company import TEAM, WORKSPACE, Company, kept
from workers.cli import channels, main, output
from workers.cli.commands import slack
from workers.errors import InputInvalid, ServerUnavailable
from workers.intake.messages import Surface
from workers.interface import auto_answer_enabled
from workers.slack.client import SlackMessenger

QUESTION = "What is the budget?"

Ken = Callable[..., Result]


@pytest.fixture
def ken(company: Company, monkeypatch: pytest.MonkeyPatch) -> Ken:
    """The command in this process; what it raises is raised here."""
    monkeypatch.setattr(slack, "command_settings", lambda: company.services.settings)
    monkeypatch.setattr(output.out, "_width", 300)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main.app, ("channels", *arguments), catch_exceptions=False)

    return run


def listed(ken: Ken, *more: str) -> dict[str, dict[str, Any]]:
    return {one["channel_id"]: one for one in json.loads(ken("list", "--json", *more).stdout)}


def recorded(company: Company) -> list[tuple[str, dict[str, Any]]]:
    with company.library.database.session("syncer") as session:
        rows = session.execute(
            text(
                "SELECT action, details, actor FROM audit WHERE action LIKE 'channel%' ORDER BY id"
            )
        ).all()
    assert all(row.actor.startswith("terminal") for row in rows)
    return [(row.action, row.details) for row in rows]


def test_each_channel_that_ken_is_in_with_who_reads_there(ken: Ken) -> None:
    found = listed(ken)
    rules = {channel_id: one["rule"] for channel_id, one in found.items()}
    assert rules == {
        "CALL": "public",
        "CGUEST": "public",
        "CBOARD": "private",
        "CSHARED": "shared",
        "CJOINT": "shared",
    }
    assert "Ken does not answer there" in found["CSHARED"]["readers"]
    assert not any(one["automatic"] for one in found.values())
    assert listed(ken, "--automatic") == {}
    assert "in no channel" in ken("list", "--automatic").stdout


def test_a_channel_that_ken_is_not_in_is_not_listed(ken: Ken, company: Company) -> None:
    company.slack.leave("CALL", "UKEN")
    company.slack.archive("CBOARD")
    assert {"CALL", "CBOARD"}.isdisjoint(listed(ken))
    assert "CGUEST" in listed(ken)


@pytest.mark.parametrize("wanted", ["board", "#board", "CBOARD"])
def test_auto_and_quiet_count_for_the_next_question(
    ken: Ken, company: Company, wanted: str
) -> None:
    output = ken("auto", wanted, "--per-hour", "3").stdout
    assert "#board of T1, at most 3 times" in output
    assert "it is private: its members" in output
    assert auto_answer_enabled("CBOARD")
    assert not auto_answer_enabled("CALL")
    (one,) = listed(ken, "--automatic").values()
    assert (one["team_id"], one["name"], one["per_hour"]) == (TEAM, "board", 3)

    assert "only if it is asked" in ken("quiet", wanted).stdout
    assert not auto_answer_enabled("CBOARD")
    assert listed(ken, "--automatic") == {}
    place = {"team_id": TEAM, "channel_id": "CBOARD"}
    assert recorded(company) == [
        ("channel_auto", {**place, "per_hour": 3}),
        ("channel_quiet", place),
    ]


def test_the_limit_is_20_is_changed_by_saying_it_again_and_what_is_so_is_not_recorded(
    ken: Ken, company: Company
) -> None:
    ken("auto", "board")
    ken("auto", "board")
    assert listed(ken)["CBOARD"]["per_hour"] == 20
    ken("auto", "board", "--per-hour", "5")
    assert listed(ken)["CBOARD"]["per_hour"] == 5
    assert "Nothing was changed" in ken("quiet", "all").stdout
    assert [details.get("per_hour") for _, details in recorded(company)] == [20, 5]


def test_the_list_counts_what_ken_said_unasked(ken: Ken, company: Company) -> None:
    readers = frozenset({company.person("alice"), company.person("bob")})
    company.library.document("ours", "The budget is ten million.", Permissions(readers))
    ken("auto", "board", "--per-hour", "1")
    states = []
    for surface in (Surface.SLACK, Surface.AUTOMATIC, Surface.AUTOMATIC):
        ts = company.slack.say("board", "alice", QUESTION).ts
        question_id = kept(channel_id="CBOARD", ts=ts, words=QUESTION, surface=surface)
        company.work(question_id)
        states.append(company.state(question_id)[0])
    assert states == ["answered", "answered", "abstained"]
    assert listed(ken)["CBOARD"]["answers_last_hour"] == 1
    assert listed(ken)["CALL"]["answers_last_hour"] == 0


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("nowhere", "no channel"),
        ("UALICE", "no channel"),
        ("", "no channel"),
        ("DUALICE", "a direct message"),
        ("trio", "group direct message"),
        ("GTRIO", "group direct message"),
        ("shared", "shared with another company"),
        ("CJOINT", "shared with another company"),
    ],
)
def test_where_ken_could_never_answer_unasked_it_is_refused(
    ken: Ken, company: Company, wanted: str, why: str
) -> None:
    with pytest.raises(InputInvalid, match=f"{why}.*Nothing was changed"):
        ken("auto", wanted)
    assert listed(ken, "--automatic") == {}
    assert recorded(company) == []


def test_a_channel_that_ken_is_not_in_is_refused_and_the_remedy_is_to_invite_it(
    ken: Ken, company: Company
) -> None:
    company.slack.leave("CALL", "UKEN")
    with pytest.raises(InputInvalid, match="Ken is not in #all") as refused:
        ken("auto", "all")
    assert "/invite" in refused.value.remedy
    company.slack.join("CALL", "UKEN")
    assert ken("auto", "all").exit_code == 0


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "many"])
def test_a_limit_that_is_none_is_refused(ken: Ken, company: Company, limit: str) -> None:
    assert ken("auto", "board", "--per-hour", limit).exit_code == 2
    assert recorded(company) == []


def test_a_channel_that_slack_lists_no_more_is_shown_and_can_be_made_quiet(
    ken: Ken, company: Company
) -> None:
    ken("auto", "board")
    company.slack.archive("CBOARD")
    one = listed(ken, "--automatic")["CBOARD"]
    assert (one["rule"], one["name"]) == ("gone", "")
    assert "archived" in one["readers"]

    company.slack.fault("http", method="conversations.list", status=503, times=9)
    ken("quiet", "CBOARD")
    company.slack.calm()
    assert listed(ken, "--automatic") == {}


def test_the_table_has_no_more_than_words(ken: Ken, company: Company) -> None:
    ken("auto", "guests")
    with output.out.capture() as captured:
        ken("list")
    shown = {line.split()[0]: line for line in captured.get().splitlines()}
    assert "yes" in shown["#guests"].split()
    assert "no" in shown["#board"].split()
    assert "it is private: its members" in shown["#board"]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"kind": "error", "error": "missing_scope"}, "refused .missing_scope"),
        ({"kind": "http", "status": 503}, "did not answer"),
    ],
)
def test_without_slack_nothing_is_changed_and_it_is_said(
    ken: Ken, company: Company, fault: dict[str, Any], why: str
) -> None:
    company.slack.fault(method="conversations.list", times=9, **fault)
    for order in (("list",), ("auto", "board"), ("quiet", "board")):
        with pytest.raises(ServerUnavailable, match=why):
            ken(*order)
    company.slack.calm()
    assert listed(ken, "--automatic") == {}


def test_of_several_workspaces_each_is_named_and_a_name_that_both_have_is_refused(
    ken: Ken, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {
        "team": {"id": "T2", "name": "Beta", "domain": "beta"},
        "users": [{"id": "UZOE", "name": "zoe"}],
        "channels": [
            {"id": "CALL2", "name": "all", "members": ["UZOE", "UKEN"]},
            {"id": "CLAB", "name": "lab", "members": ["UZOE", "UKEN"]},
        ],
    }
    assert other["team"] != WORKSPACE["team"]
    with running(read_workspace(other)) as url:
        second = Playground(url)
        settings = company.services.settings.model_copy(update={"slack_api_url": second.api_url})
        both = {TEAM: company.services.messenger, "T2": SlackMessenger.connect(settings)}
        monkeypatch.setattr(channels, "workspaces", lambda settings, database: both)

        assert {one["team_id"] for one in listed(ken).values()} == {TEAM, "T2"}
        assert "T2:CLAB" in ken("list").stdout
        with pytest.raises(InputInvalid, match="CALL of T1, CALL2 of T2"):
            ken("auto", "all")
        assert "#lab of T2" in ken("auto", "lab").stdout
        ken("auto", "CALL2")
        assert set(listed(ken, "--automatic")) == {"CALL2", "CLAB"}
        ken("quiet", "CALL2")
        assert set(listed(ken, "--automatic")) == {"CLAB"}
        check_calls(second.calls())
