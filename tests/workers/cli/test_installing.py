"""`ken installations`, and the commands that look at every workspace."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from typer.testing import CliRunner, Result

from policies.links import unmatched
from tests.workers.slack.installed import expire, install, with_key
from tests.workers.slack_company import TEAM, Company
from tests.workers.slack_tokens import by_oauth
from workers.cli import doctor, main, output
from workers.cli.commands import people, questions, slack
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.services import Services
from workers.slack.workspaces import workspaces

Ken = Callable[..., Result]


@pytest.fixture
def oauth(company: Company) -> Iterator[Services]:
    """The double's workspace, installed by OAuth with the token that it knows."""
    connected = by_oauth(company.services.settings)
    database = Database(connected)
    install(database, token="xoxb-playground", lasts_s=None)
    yield replace(company.services, settings=connected, database=database)
    database.close()


@pytest.fixture
def ken(oauth: Services, monkeypatch: pytest.MonkeyPatch) -> Ken:
    for commands in (people, questions, slack):
        monkeypatch.setattr(commands, "command_settings", lambda: oauth.settings)
    monkeypatch.setattr(output.out, "_width", 300)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main.app, arguments, catch_exceptions=False)

    return run


def states(ken: Ken) -> dict[tuple[str, str], str]:
    body = json.loads(ken("installations", "list", "--json").stdout)
    return {(one["enterprise_id"], one["team_id"]): one["state"] for one in body}


def test_the_list_says_where_ken_is_and_no_token(ken: Ken, oauth: Services) -> None:
    install(oauth.database, team=None, enterprise="E1")
    shown = ken("installations", "list").stdout + ken("installations", "list", "--json").stdout
    assert "T1" in shown
    assert "all of it" in shown
    assert "canary" not in shown
    assert "xoxb" not in shown
    assert states(ken) == {("", "T1"): "installed", ("E1", ""): "installed"}


def test_the_list_says_what_is_wrong(ken: Ken, oauth: Services) -> None:
    install(oauth.database, team="TFOREIGN")
    install(oauth.database, team="TKEY", enterprise="E1")
    install(oauth.database, team="TENDS", enterprise="E1", token="canary-2")
    expire(oauth.database, rest_s=-1)
    with oauth.database.session("answerer") as session:
        session.connection().exec_driver_sql(
            "UPDATE installation SET refresh_token = NULL WHERE team_id = 'TENDS'"
        )
        session.connection().exec_driver_sql(
            "UPDATE installation SET bot_token = 'nonsense' WHERE team_id = 'TKEY'"
        )
    assert ken("installations", "wipe", "T1").exit_code == 0
    assert states(ken) == {
        ("", "T1"): "uninstalled",
        ("", "TFOREIGN"): "not in KEN_SLACK_WORKSPACES",
        ("E1", "TKEY"): "not readable with KEN_TOKEN_KEY",
        ("E1", "TENDS"): "expired: install again",
    }


def test_wiping_what_is_not_there_is_an_error(ken: Ken) -> None:
    for place in ("T9", "E9"):
        with pytest.raises(InputInvalid, match="no token"):
            ken("installations", "wipe", place)
    assert states(ken) == {("", "T1"): "installed"}


def test_where_ken_is_nowhere_a_command_says_how_to_install_it(ken: Ken, oauth: Services) -> None:
    ken("installations", "wipe", "T1")
    with pytest.raises(InputInvalid, match="Ken is not installed in any workspace"):
        workspaces(oauth.settings, oauth.database)


def test_every_workspace_is_scanned_for_accounts(ken: Ken, oauth: Services) -> None:
    assert "accounts" in ken("link", "scan").stdout
    with oauth.database.session("syncer") as session:
        found = unmatched(session, f"slack:{TEAM}", limit=100, after=None)
    assert "UALICE" in {one.native_id for one in found}


def test_a_channel_is_looked_for_in_every_workspace(ken: Ken) -> None:
    audience = json.loads(ken("audience", "#board", "--json").stdout)
    assert audience["id"] == "CBOARD"


def test_the_doctor_names_the_workspaces_or_says_what_to_do(oauth: Services) -> None:
    well = doctor._slack(oauth.settings)
    assert (well.ok, well.found) == (True, "team T1 as UKEN")
    other = with_key(oauth.database, "YW5vdGhlci1rZXktdGhhdC1oYXMtdGhpcnR5LXR3by0=").settings
    ill = doctor._slack(other)
    assert not ill.ok
    assert "ken installations list" in ill.remedy


def test_of_an_organisation_those_workspaces_are_looked_at_that_are_named(
    oauth: Services,
) -> None:
    install(oauth.database, team=None, enterprise="E1")
    named = by_oauth(oauth.settings, slack_workspaces=("E1", "T1", "T2"))
    assert sorted(workspaces(named, oauth.database)) == ["T1", "T2"]
    assert sorted(workspaces(oauth.settings, oauth.database)) == ["T1"]
    assert sorted(workspaces(oauth.settings, oauth.database, "ingress")) == [
        "T1"
    ]  # the jobs worker
