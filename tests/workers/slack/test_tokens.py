"""Tokens that only memory holds in the clear, refreshed before they end."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from tests.servers import opened
from tests.workers.slack.installed import (
    CANARY,
    everything,
    expire,
    held,
    install,
    services_of,
    with_key,
)
from tests.workers.slack_tokens import KEY, OTHER_KEY, SlackTokens
from workers.database.sessions import Database
from workers.errors import SettingsInvalid, SlackRefused, SlackUnavailable
from workers.settings import Settings
from workers.slack import bot_tokens
from workers.slack.bot_tokens import BotToken, refresh_due, token_of
from workers.slack.encryption import has_token_key, is_readable, seal
from workers.slack.installations import Tokens, installed
from workers.slack.oauth import Installations
from workers.sweeper import refresh_tokens

# Kept


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
    captured = capfd.readouterr()
    assert "token_refreshed" in captured.out + captured.err
    assert CANARY not in "\n".join([*shown, caplog.text, captured.out, captured.err])
    assert KEY not in "\n".join([*shown, caplog.text, captured.out, captured.err])


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


def test_a_new_key_goes_in_front_and_the_old_one_goes_once_all_is_written_again(
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


# Refreshed


def test_a_token_that_ends_soon_is_refreshed_and_one_that_lasts_is_not(
    ours: Database, slack_tokens: SlackTokens
) -> None:
    install(ours)
    assert held(ours) == "canary-token-0"
    assert slack_tokens.calls == []

    expire(ours, rest_s=3600)
    assert held(ours, minimum_lifetime=timedelta(0)) == "canary-token-0"
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


def test_while_the_old_token_lives_nobody_waits_for_its_refresh(
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
    assert unavailable.value.transient
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
        held(opened(wrong))
    assert held(ours) == "canary-token-1"


def test_the_sweeper_refreshes_what_ends_soon_and_one_failure_stops_no_other(
    ours: Database, slack_tokens: SlackTokens
) -> None:
    install(ours)
    install(ours, team=None, enterprise="E1")
    install(ours, team="TFOREIGN")
    expire(ours, rest_s=600)
    # Both have the same refresh token, so Slack refuses the second.
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
