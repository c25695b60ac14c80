"""Where Ken is installed: which installation speaks, and what ends with it."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from pydantic import SecretStr
from slack_sdk.oauth.installation_store import Bot
from sqlalchemy import text

from policies.described import Permissions
from tests.servers import opened
from tests.workers.slack.installed import CANARY, expire, held, install, services_of
from tests.workers.slack_company import Company
from tests.workers.slack_tokens import by_oauth
from workers.database.sessions import Database, connect
from workers.errands import wipe
from workers.errors import ServerUnavailable, SlackRefused
from workers.intake.messages import ErrandKind, StoredErrand
from workers.services import Services
from workers.settings import Settings
from workers.slack.bot_tokens import token_of
from workers.slack.client import SlackMessenger
from workers.slack.installations import Installed, chosen, installed
from workers.slack.oauth import Installations, States

# Enterprise Grid


def test_a_workspace_of_a_grid_has_its_own_token_before_its_organisations(ours: Database) -> None:
    install(ours, team="T1", enterprise="E1", token="canary-own")
    install(ours, team=None, enterprise="E1", token="canary-org")
    assert held(ours, "T1", enterprise_id="E1") == "canary-own"
    assert held(ours, "T2", enterprise_id="E1") == "canary-org"
    with pytest.raises(SlackRefused, match="not_installed"):
        held(ours, "T2", enterprise_id="E2")
    with pytest.raises(SlackRefused, match="not_installed"):
        held(ours, "T2", enterprise_id="")
    assert token_of(ours, "answerer", team_id="T2").org_wide
    Installations(ours).delete_bot(enterprise_id="E1", team_id="T1")
    assert held(ours, "T1") == "canary-org"


def test_a_call_with_an_organisations_token_names_the_workspace(ours: Database) -> None:
    install(ours, team=None, enterprise="E1", token="canary-org")
    services = Services(ours.settings, ours, embedder=None, answerer=None)  # type: ignore[arg-type]
    there = services.messenger_of("T2")
    assert isinstance(there, SlackMessenger)
    assert there.client.default_params == {"team_id": "T2"}
    assert there.posting.default_params == {"team_id": "T2"}
    assert there.whoami() == "team T2 as UKEN"
    install(ours)
    own = services.messenger_of("T1")
    assert isinstance(own, SlackMessenger)
    assert own.client.default_params == {}


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def row(enterprise_id: str, team_id: str, *, live: bool = True, day: int = 0) -> Installed:
    return Installed(
        enterprise_id=enterprise_id,
        team_id=team_id,
        app_id="A1",
        bot_user_id="UKEN",
        bot_id="BKEN",
        scopes=(),
        expires_at=None,
        installed_by="U",
        installed_at=NOW + timedelta(days=day),
        wiped_at=None if live else NOW,
        sealed=b"sealed" if live else None,
        sealed_refresh=None,
    )


@pytest.mark.parametrize(
    ("rows", "enterprise_id", "expected"),
    [
        ([("", "T1")], None, ("", "T1")),
        ([("", "T1")], "", ("", "T1")),
        ([("", "T1")], "E1", ("", "T1")),  # the workspace moved into a Grid
        ([("E1", "T1")], "", None),
        ([("E1", "T1")], "E2", None),
        ([("E1", "")], "E1", ("E1", "")),
        ([("E1", "")], "E2", None),
        ([("E1", "")], "", None),
        ([("E1", "")], None, ("E1", "")),
        ([("E1", ""), ("E2", "")], None, None),  # whose it is nobody can know
        ([("E1", ""), ("E2", "")], "E2", ("E2", "")),
        ([], None, None),
    ],
)
def test_which_installation_speaks(
    rows: list[tuple[str, str]], enterprise_id: str | None, expected: tuple[str, str] | None
) -> None:
    found = chosen([row(*one) for one in rows], team_id="T1", enterprise_id=enterprise_id)
    assert (found and (found.enterprise_id, found.team_id)) == expected


def test_a_workspace_that_was_uninstalled_falls_back_to_its_own_organisation_alone() -> None:
    gone = row("E1", "T1", live=False)
    own, other = row("E1", ""), row("E2", "")
    assert chosen([gone, own, other], team_id="T1", enterprise_id=None) == own
    assert chosen([gone, other], team_id="T1", enterprise_id=None) is None
    alone = row("", "T1", live=False)
    assert chosen([alone, own], team_id="T1", enterprise_id=None) is None
    newer = row("E1", "T1", day=1)
    assert chosen([row("", "T1"), newer], team_id="T1", enterprise_id=None) == newer


def test_nobody_elses_workspace_has_a_token(ours: Database) -> None:
    install(ours, team="TFOREIGN")
    with pytest.raises(SlackRefused, match="not_installed"):
        held(ours, "TFOREIGN")
    listed = ours.settings.model_copy(update={"slack_workspaces": ("TFOREIGN",)})
    assert held(opened(listed), "TFOREIGN") == "canary-token-0"


# The end


def errand(kind: ErrandKind, team_id: str = "T1", **details: Any) -> StoredErrand:
    return StoredErrand(
        id=1,
        event_id="Ev1",
        kind=kind,
        team_id=team_id,
        user_id="",
        channel_id="",
        details=details,
        attempts=1,
    )


@pytest.mark.parametrize("kind", ["uninstalled", "tokens_revoked"])
def test_an_uninstalled_workspace_has_no_token_left(ours: Database, kind: ErrandKind) -> None:
    install(ours)
    install(ours, team=None, enterprise="E1")
    wipe(services_of(ours), errand(kind))
    wipe(services_of(ours), errand(kind))  # twice does no harm
    gone, own = sorted(installed(ours, "ingress"), key=lambda one: one.team_id, reverse=True)
    assert (gone.sealed, gone.sealed_refresh, gone.expires_at) == (None, None, None)
    assert gone.wiped_at is not None
    assert own.sealed is not None
    with pytest.raises(SlackRefused, match="not_installed"):
        held(ours)


def test_an_uninstalled_organisation_takes_no_workspace_with_it(ours: Database) -> None:
    install(ours, enterprise="E1")
    install(ours, team=None, enterprise="E1")
    install(ours, team=None, enterprise="E2")
    wipe(services_of(ours), errand("uninstalled", "", enterprise_id="E1", org_wide=True))
    live = {(one.enterprise_id, one.team_id) for one in installed(ours, "ingress") if one.sealed}
    assert live == {("E1", "T1"), ("E2", "")}
    wipe(services_of(ours), errand("uninstalled", "", org_wide=True))
    wipe(services_of(ours), errand("uninstalled", ""))
    assert len([one for one in installed(ours, "ingress") if one.sealed]) == 2


def test_tokens_of_people_that_are_revoked_are_none_of_ours(ours: Database) -> None:
    install(ours)
    wipe(services_of(ours), errand("tokens_revoked", bot=[]))
    assert held(ours) == "canary-token-0"
    wipe(services_of(ours), errand("tokens_revoked", bot=["UKEN"]))
    with pytest.raises(SlackRefused):
        held(ours)


def test_a_late_event_does_not_end_what_was_installed_after_it(ours: Database) -> None:
    install(ours)
    with ours.session("answerer") as session:
        session.execute(text("UPDATE installation SET installed_at = now() - interval '1 hour'"))
    install(ours)  # again
    wipe(services_of(ours), errand("uninstalled", at=int(time.time()) - 600))
    assert held(ours) == "canary-token-0"
    wipe(services_of(ours), errand("uninstalled", at=int(time.time())))
    with pytest.raises(SlackRefused):
        held(ours)


@pytest.fixture
def installed_company(company: Company, ours: Database) -> Iterator[Company]:
    """The company of the other tests, installed by OAuth."""
    connected = by_oauth(company.services.settings)
    database = opened(connected)
    install(database, token="xoxb-playground", lasts_s=None)
    company.services = replace(company.services, settings=connected, database=database)
    yield company
    database.close()


def test_after_the_end_questions_end_too_and_say_why(installed_company: Company) -> None:
    company = installed_company
    alice = company.person("alice")
    company.library.document(
        "budget", "The budget is ten million.", Permissions(allow=frozenset({alice}))
    )
    answered = company.asked("CALL", "alice", "What is the budget?")
    assert company.state(answered)[0] != "failed"
    before = len(company.posts("CALL"))

    wipe(company.services, errand("uninstalled"))
    refused = company.asked("CALL", "alice", "What is the budget, again?")
    assert company.state(refused) == ("failed", "SlackRefused")
    assert len(company.posts("CALL")) == before
    assert company.look(refused, "SELECT token FROM lease WHERE expires_at > now()") == []


def test_with_a_token_alone_there_is_one_workspace_whatever_the_team(company: Company) -> None:
    services = company.services
    assert services.messenger_of("T1") is services.messenger_of("TOTHER") is services.messenger


def test_a_messenger_is_made_again_when_the_token_has_changed(ours: Database) -> None:
    install(ours)
    services = services_of(ours)
    first = services.messenger_of("T1")
    assert services.messenger_of("T1") is first
    expire(ours)
    second = services.messenger_of("T1")
    assert second is not first
    assert isinstance(second, SlackMessenger)
    assert second.client.token == "canary-token-1"


# For Bolt


def test_bolt_finds_a_bot_and_wipes_it(ours: Database) -> None:
    store = Installations(ours)
    install(ours)
    found = store.find_bot(enterprise_id=None, team_id="T1")
    assert isinstance(found, Bot)
    assert (found.bot_token, found.bot_refresh_token) == ("canary-token-0", None)
    assert store.find_bot(enterprise_id=None, team_id="T2") is None
    store.delete_all(enterprise_id=None, team_id="T1")
    assert store.find_bot(enterprise_id=None, team_id="T1") is None


def test_a_state_serves_once_and_only_if_it_was_given_out(ours: Database) -> None:
    states = States(ours)
    one, other = states.issue(), states.issue()
    assert one != other
    assert [states.consume(one), states.consume(one)] == [True, False]
    assert not states.consume("forged")
    assert not states.consume("forged\0")
    assert states.consume(other)


def test_an_old_state_serves_no_more_and_goes(ours: Database) -> None:
    states = States(ours)
    old = states.issue()
    owner = connect(ours.settings, "owner")
    with owner.begin() as connection:
        connection.execute(text("UPDATE oauth_state SET expires_at = now() - interval '1 second'"))
    assert not states.consume(old)
    states.issue()
    with owner.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM oauth_state")).scalar_one() == 1
    owner.dispose()


def test_two_who_use_a_state_at_once_are_one(ours: Database) -> None:
    states = States(ours)
    state, together = states.issue(), Barrier(2)

    def one(_: int) -> bool:
        together.wait()
        return states.consume(state)

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(one, range(2))) == [False, True]


def test_without_postgresql_nothing_is_kept_and_the_error_says_so(settings: Settings) -> None:
    nowhere = "postgresql://127.0.0.1:1/nothing"
    away = opened(by_oauth(settings, database_url=SecretStr(nowhere)))
    with pytest.raises(ServerUnavailable):
        States(away).issue()
    with pytest.raises(ServerUnavailable) as refused:
        install(away)
    assert CANARY not in str(refused.value)
