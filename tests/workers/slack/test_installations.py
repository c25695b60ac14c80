"""Where Ken is installed: tokens that only memory holds in the clear, that last, and that end."""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from pydantic import SecretStr
from slack_sdk.oauth.installation_store import Bot, Installation
from sqlalchemy import text

from policies.described import Permissions
from tests.workers.slack_company import Company
from tests.workers.slack_tokens import KEY, OTHER_KEY, SlackTokens, by_oauth
from workers.database.sessions import Database, connect
from workers.errands import wipe
from workers.errors import ServerUnavailable, SettingsInvalid, SlackRefused, SlackUnavailable
from workers.intake.messages import ErrandKind, StoredErrand
from workers.services import Services
from workers.settings import Settings
from workers.slack import bot_tokens
from workers.slack.bot_tokens import BotToken, refresh_due, token_of
from workers.slack.client import SlackMessenger
from workers.slack.encryption import has_token_key, is_readable, seal
from workers.slack.installations import Installed, Tokens, chosen, installed
from workers.slack.oauth import Installations, States
from workers.sweeper import refresh_tokens

CANARY = "canary-"


@pytest.fixture
def slack_tokens() -> Iterator[SlackTokens]:
    with SlackTokens().open() as opened:
        yield opened


@pytest.fixture
def ours(settings: Settings, slack_tokens: SlackTokens) -> Iterator[Database]:
    made = Database(by_oauth(settings, slack_api_url=slack_tokens.url))
    yield made
    made.close()


def with_key(database: Database, key: str) -> Database:
    settings = database.settings.model_copy(update={"token_key": SecretStr(key)})
    return Database(settings)


def install(
    database: Database,
    *,
    team: str | None = "T1",
    enterprise: str | None = None,
    token: str = "canary-token-0",
    lasts_s: int | None = 43_200,
) -> None:
    Installations(database).save(
        Installation(
            app_id="A1",
            enterprise_id=enterprise,
            team_id=team,
            is_enterprise_install=team is None,
            bot_token=token,
            bot_id="BKEN",
            bot_user_id="UKEN",
            bot_scopes="chat:write,im:write",
            bot_refresh_token=None if lasts_s is None else "canary-refresh-0",
            bot_token_expires_at=None if lasts_s is None else int(time.time()) + lasts_s,
            user_id="UALICE",
            user_token="canary-of-a-person",
        )
    )


def held(database: Database, team_id: str = "T1", **more: Any) -> str:
    return token_of(database, "answerer", team_id=team_id, **more).secret


def everything(database: Database) -> str:
    """Every column of both tables, as the owner sees them."""
    owner = connect(database.settings, "owner")
    with owner.begin() as connection:
        rows = [
            row
            for table in ("installation", "oauth_state")
            for row in connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608
        ]
    owner.dispose()
    return "\n".join(
        bytes(cell).decode("latin-1") if isinstance(cell, bytes | memoryview) else str(cell)
        for row in rows
        for cell in row
    )


# -- kept -------------------------------------------------------------------------------------


def test_what_is_installed_can_be_used_by_bot_and_worker(ours: Database) -> None:
    install(ours)
    for role in ("ingress", "answerer"):
        found = token_of(ours, role, team_id="T1")
        assert found == BotToken("canary-token-0", org_wide=False)
    (row,) = installed(ours, "ingress")
    assert (row.team_id, row.app_id, row.bot_user_id, row.bot_id) == ("T1", "A1", "UKEN", "BKEN")
    assert (list(row.scopes), row.installed_by) == (["chat:write", "im:write"], "UALICE")


def test_the_database_holds_no_token_in_the_clear_and_none_of_a_person(ours: Database) -> None:
    install(ours)
    kept = everything(ours)
    assert "UALICE" in kept
    assert CANARY not in kept
    (row,) = installed(ours, "ingress")
    assert row.sealed is not None
    assert is_readable(ours.settings, row.sealed)


def test_threat_26_no_token_in_a_repr_a_log_or_an_error(
    ours: Database,
    slack_tokens: SlackTokens,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG):
        install(ours, lasts_s=-10)
        assert held(ours) == "canary-token-1"  # the calls below are not empty
        shown = [repr(installed(ours, "ingress")), repr(token_of(ours, "answerer", team_id="T1"))]
        shown += [repr(ours.settings), repr(Tokens("canary-a", "canary-b", None))]
        slack_tokens.refreshers.clear()
        expire(ours)
        with pytest.raises(SlackRefused) as refused:
            held(ours)
        with pytest.raises(SlackRefused) as unreadable:
            held(with_key(ours, OTHER_KEY))
    shown += [str(refused.value), repr(refused.value), str(unreadable.value)]
    told = capfd.readouterr()
    assert "token_refreshed" in told.out + told.err
    assert CANARY not in "\n".join([*shown, caplog.text, told.out, told.err])
    assert KEY not in "\n".join([*shown, caplog.text, told.out, told.err])


def test_with_another_key_a_token_is_refused_and_what_to_do_is_logged(
    ours: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    install(ours)
    with pytest.raises(SlackRefused, match="token_unreadable"):
        held(with_key(ours, OTHER_KEY))
    assert "KEN_TOKEN_KEY" in capsys.readouterr().out
    (row,) = installed(ours, "ingress")
    assert row.sealed is not None
    assert not is_readable(with_key(ours, OTHER_KEY).settings, row.sealed)


@pytest.mark.parametrize("key", ["", "hunter2", f"{KEY},hunter2"])
def test_without_a_key_nothing_is_kept(ours: Database, key: str) -> None:
    broken = with_key(ours, key)
    assert not has_token_key(broken.settings)
    with pytest.raises(SettingsInvalid, match="KEN_TOKEN_KEY") as refused:
        install(broken)
    assert "hunter2" not in str(refused.value) + refused.value.remedy
    assert installed(ours, "ingress") == []


def test_a_new_key_goes_in_front_and_the_old_one_goes_once_all_is_written_anew(
    ours: Database,
) -> None:
    install(ours)
    both = with_key(ours, f"{OTHER_KEY},{KEY}")
    assert held(both) == "canary-token-0"

    install(both, lasts_s=-10)
    assert held(both) == "canary-token-1"  # refreshed, so written with the new key
    assert held(with_key(ours, OTHER_KEY)) == "canary-token-1"
    with pytest.raises(SlackRefused, match="token_unreadable"):
        held(with_key(ours, KEY))


# -- refreshed --------------------------------------------------------------------------------


def expire(database: Database, *, rest_s: int = -1) -> None:
    with database.session("answerer") as session:
        session.execute(
            text("UPDATE installation SET expires_at = now() + make_interval(secs => :rest)"),
            {"rest": rest_s},
        )


def test_a_token_that_ends_soon_is_refreshed_and_one_that_lasts_is_not(
    ours: Database, slack_tokens: SlackTokens
) -> None:
    install(ours)
    assert held(ours) == "canary-token-0"
    assert slack_tokens.calls == []

    expire(ours, rest_s=3600)
    assert held(ours, early=timedelta(0)) == "canary-token-0"
    assert slack_tokens.calls == []
    assert held(ours) == "canary-token-1"
    assert held(ours) == "canary-token-1"
    assert slack_tokens.methods == ["oauth.v2.access"]
    (row,) = installed(ours, "ingress")
    assert row.expires_at is not None
    assert row.expires_at > datetime.now(UTC) + timedelta(hours=11)


def test_a_question_refreshes_a_token_only_where_the_sweeper_did_not(
    ours: Database, slack_tokens: SlackTokens
) -> None:
    install(ours)
    expire(ours, rest_s=3600)
    services_of(ours).messenger_of("T1")
    assert slack_tokens.calls == []
    expire(ours, rest_s=120)
    services_of(ours).messenger_of("T1")
    assert slack_tokens.methods == ["oauth.v2.access"]


def test_a_token_without_an_end_is_never_refreshed(
    ours: Database, slack_tokens: SlackTokens
) -> None:
    install(ours, lasts_s=None)
    assert held(ours) == "canary-token-0"
    assert refresh_due(ours, "ingress") == 0
    assert slack_tokens.calls == []


@pytest.mark.parametrize("rest_s", [-1, 600])
def test_a_refresh_token_is_used_once_however_many_want_it(
    ours: Database, slack_tokens: SlackTokens, rest_s: int
) -> None:
    install(ours)
    expire(ours, rest_s=rest_s)
    together = Barrier(4)

    def one(role: Any) -> str:
        together.wait()
        return token_of(ours, role, team_id="T1").secret

    with ThreadPoolExecutor(4) as threads:
        got = list(threads.map(one, ["ingress", "answerer", "ingress", "answerer"]))
    assert slack_tokens.methods == ["oauth.v2.access"]
    assert set(got) <= {"canary-token-1"} | ({"canary-token-0"} if rest_s > 0 else set())
    assert held(ours) == "canary-token-1"


LOCK = text("SELECT pg_advisory_xact_lock(hashtext('ken installation'), hashtext('' || '/T1'))")


def somebody_waits(database: Database) -> bool:
    with database.session("answerer") as session:
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return bool(session.execute(text(waiting)).scalar_one())


def test_who_waits_for_a_refresh_reads_what_it_brought(
    ours: Database, slack_tokens: SlackTokens
) -> None:
    install(ours)
    expire(ours)
    with ThreadPoolExecutor(1) as threads, ours.session("ingress") as other:
        other.execute(LOCK)
        waiting = threads.submit(held, ours)
        while not waiting.done() and not somebody_waits(ours):
            pass
        assert not waiting.done()
        fresh = {"token": seal(ours.settings, "canary-of-the-other")}
        other.execute(
            text(
                "UPDATE installation SET bot_token = :token, expires_at = now() + interval '12 h'"
            ),
            fresh,
        )
    assert waiting.result() == "canary-of-the-other"
    assert slack_tokens.calls == []


def test_while_the_old_token_lives_nobody_waits_for_whoever_refreshes_it(
    ours: Database, slack_tokens: SlackTokens
) -> None:
    install(ours)
    expire(ours, rest_s=600)
    with ours.session("ingress") as other:
        other.execute(LOCK)
        assert held(ours) == "canary-token-0"
    assert slack_tokens.calls == []
    assert held(ours) == "canary-token-1"


def test_where_slack_gives_no_new_token_the_old_one_serves_to_its_end(
    ours: Database, slack_tokens: SlackTokens
) -> None:
    install(ours)
    expire(ours, rest_s=600)
    slack_tokens.status = 503
    assert held(ours) == "canary-token-0"
    expire(ours)
    with pytest.raises(SlackUnavailable) as unavailable:
        held(ours)
    assert unavailable.value.passing
    slack_tokens.status = 200
    slack_tokens.refreshers.add("canary-refresh-0")
    assert held(ours).startswith("canary-token-")


def test_a_dead_refresh_token_is_not_tried_again(ours: Database, slack_tokens: SlackTokens) -> None:
    install(ours)
    expire(ours)
    slack_tokens.refreshers.clear()
    with pytest.raises(SlackRefused, match="invalid_refresh_token"):
        held(ours)
    with pytest.raises(SlackRefused, match="token_expired"):
        held(ours)
    assert len(slack_tokens.calls) == 1

    install(ours, token="canary-new")
    assert held(ours) == "canary-new"


def test_a_wrong_client_secret_costs_no_refresh_token(
    ours: Database, slack_tokens: SlackTokens
) -> None:
    install(ours)
    expire(ours)
    wrong = ours.settings.model_copy(update={"slack_client_secret": SecretStr("wrong")})
    with pytest.raises(SlackRefused, match="bad_client_secret"):
        held(Database(wrong))
    assert held(ours) == "canary-token-1"


def test_the_sweeper_refreshes_what_ends_soon_and_one_failure_stops_no_other(
    ours: Database, slack_tokens: SlackTokens
) -> None:
    install(ours)
    install(ours, team=None, enterprise="E1")
    install(ours, team="TFOREIGN")
    expire(ours, rest_s=600)
    # Both have the same refresh token, so Slack refuses whoever comes second.
    refresh_tokens(services_of(ours))
    assert slack_tokens.methods == ["oauth.v2.access", "oauth.v2.access"]
    assert slack_tokens.served == 1


def test_what_was_wiped_while_slack_was_asked_stays_wiped(
    ours: Database, slack_tokens: SlackTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(ours)
    expire(ours)
    ask = bot_tokens._asked_of_slack

    def meanwhile(settings: Settings, refresh_token: str) -> Any:
        fresh = ask(settings, refresh_token)
        Installations(ours).delete_bot(enterprise_id=None, team_id="T1")
        return fresh

    monkeypatch.setattr(bot_tokens, "_asked_of_slack", meanwhile)
    with pytest.raises(SlackUnavailable):
        held(ours)
    with pytest.raises(SlackRefused, match="not_installed"):
        held(ours)


# -- Enterprise Grid --------------------------------------------------------------------------


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
    assert held(Database(listed), "TFOREIGN") == "canary-token-0"


# -- the end ----------------------------------------------------------------------------------


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


def services_of(database: Database) -> Services:
    return Services(database.settings, database, embedder=None, answerer=None)  # type: ignore[arg-type]


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
    database = Database(connected)
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


def test_a_messenger_is_made_anew_when_the_token_has_changed(ours: Database) -> None:
    install(ours)
    services = services_of(ours)
    first = services.messenger_of("T1")
    assert services.messenger_of("T1") is first
    expire(ours)
    second = services.messenger_of("T1")
    assert second is not first
    assert isinstance(second, SlackMessenger)
    assert second.client.token == "canary-token-1"


# -- for Bolt ---------------------------------------------------------------------------------


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
    away = Database(by_oauth(settings, database_url=SecretStr(nowhere)))
    with pytest.raises(ServerUnavailable):
        States(away).issue()
    with pytest.raises(ServerUnavailable) as refused:
        install(away)
    assert CANARY not in str(refused.value)
