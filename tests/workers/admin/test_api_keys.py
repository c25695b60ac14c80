"""Tokens: shown once, kept as a hash, found in no log, no error and no `repr`."""

import json
import logging
import re
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import text
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from tests.workers.admin.calls import Api
from workers.admin import api_keys
from workers.admin.api_keys import Caller, Forbidden, Unauthorized, authenticate, make, revoke
from workers.cli.commands import tokens
from workers.cli.main import app
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.settings import Settings


def header(secret: str) -> str:
    return f"Bearer {secret}"


def test_a_token_is_random(database: Database) -> None:
    first, second = (make(database, "wiki", ["audit"]).get_secret_value() for _ in range(2))
    assert re.fullmatch(r"ken_[A-Za-z0-9_-]{43}", first)
    assert first != second


def test_a_token_opens_what_its_scopes_say(database: Database) -> None:
    secret = make(database, "wiki", ["sync:wiki", "audit", "audit"]).get_secret_value()
    caller = authenticate(database, header(secret))
    assert (caller.name, caller.actor) == ("wiki", "token:wiki")
    assert caller.scopes == {"sync:wiki", "audit"}
    caller.require("audit")
    caller.require("sync:wiki")
    for scope in ("sync:hr", "sync:*", "sync:wiki2", "identity", "index"):
        with pytest.raises(Forbidden):
            caller.require(scope)
    assert caller.may_sync("wiki")
    assert not caller.may_sync("hr")


def test_the_scope_of_all_sources_opens_sources_and_nothing_else() -> None:
    caller = Caller(1, "all", frozenset({"sync:*"}))

    caller.require("sync:wiki")
    assert caller.may_sync("hr")
    for scope in ("identity", "index", "audit"):
        with pytest.raises(Forbidden):
            caller.require(scope)


def test_a_caller_without_a_good_token_is_nobody(database: Database) -> None:
    secret = make(database, "good", ["audit"]).get_secret_value()
    other = "ken_" + "A" * 43
    expired = make(database, "old", ["audit"], timedelta(days=1)).get_secret_value()
    revoked = make(database, "revoked", ["audit"]).get_secret_value()
    authenticate(database, header(expired))
    authenticate(database, header(revoked))
    with database.session("syncer") as session:
        session.execute(text("UPDATE api_token SET expires_at = now() WHERE name = 'old'"))
    revoke(database, _id(database, "revoked"))
    refused = [
        None, "", "Bearer", "Bearer ", secret, f"Basic {secret}", f"Bearer {secret} x",
        header(other), header(secret[:-1]), header(secret + "A"), header(secret.swapcase()),
        header(expired), header(revoked), f"Bearer {secret}\n", "Bearer ken_\u00e9" + "A" * 42,
        "Bearer " + "A" * 100_000,
    ]  # fmt: skip

    for given in refused:
        with pytest.raises(Unauthorized) as error:
            authenticate(database, given)
        assert str(error.value) == ""
    assert authenticate(database, f"bearer  {secret}").name == "good"


def test_the_secret_is_in_no_row_and_no_repr(database: Database) -> None:
    made = make(database, "wiki", ["sync:wiki"])
    secret = made.get_secret_value()
    caller = authenticate(database, header(secret))
    with database.session("syncer") as session:
        rows = session.scalars(text("SELECT api_token::text FROM api_token")).all()
        audit = session.scalars(text("SELECT audit::text FROM audit")).all()

    texts = [repr(made), str(made), repr(caller), repr(api_keys.tokens(database)), *rows, *audit]
    assert len(rows) == 1
    assert len(audit) == 1
    assert not any(_contains(one, secret) for one in texts)


def test_the_secret_is_in_no_log_and_no_response(
    database: Database, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.DEBUG)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    secret = make(database, "wiki", ["sync:wiki"]).get_secret_value()
    sent = {"Authorization": header(secret)}
    wrong = {"Authorization": header(secret[:-1] + "!")}

    try:
        with capture_logs() as events:
            responses = [
                api.call("GET", "/v1/runs?source=wiki", headers=sent).text,
                api.call("GET", "/v1/audit", headers=sent).text,
                api.call("GET", "/v1/audit", headers=wrong).text,
                api.call("GET", f"/v1/runs?source={secret}", headers=sent).text,
                api.call("PATCH", "/v1/sources/wiki", headers=sent, json={secret: secret}).text,
            ]
    finally:
        logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)

    # The test's own client tells what it asks for.
    logged = [one.getMessage() for one in caplog.records if not one.name.startswith("httpx")]
    assert any("api_token" in one for one in logged)  # the logs were on
    assert not any(_contains(one, secret) for one in (*responses, *logged, repr(events)))


def test_use_is_noted_once_a_day(database: Database) -> None:
    secret = make(database, "wiki", ["audit"]).get_secret_value()
    assert api_keys.tokens(database)[0].used is None
    authenticate(database, header(secret))
    first = _version(database)
    authenticate(database, header(secret))
    assert _version(database) == first
    with database.session("syncer") as session:
        session.execute(text("UPDATE api_token SET used_at = now() - interval '25 hours'"))
    aged = _version(database)
    authenticate(database, header(secret))

    assert _version(database) != aged
    assert api_keys.tokens(database)[0].used is not None


def test_the_list_tells_which_tokens_are_good(database: Database) -> None:
    make(database, "good", ["index"], timedelta(days=90))
    make(database, "old", ["identity"], timedelta(days=1))
    make(database, "ended", ["sync:a b"])
    with database.session("syncer") as session:
        session.execute(text("UPDATE api_token SET expires_at = now() WHERE name = 'old'"))
    revoke(database, _id(database, "ended"))
    revoke(database, _id(database, "ended"))

    found = {one.name: (one.scopes, one.state) for one in api_keys.tokens(database)}
    assert found == {
        "good": (("index",), "valid"),
        "old": (("identity",), "expired"),
        "ended": (("sync:a b",), "revoked"),
    }


@pytest.mark.parametrize(
    "scope",
    ["", "admin", "sync", "sync:", "sync: ", "sync:\n", "sync:a\0", "Index", "index ", "audit:x",
     "sync:" + "x" * 201, "*", "sync:\ud800"],
)  # fmt: skip
def test_there_are_no_other_scopes(database: Database, scope: str) -> None:
    with pytest.raises(InputInvalid):
        make(database, "x", ["index", scope])
    assert api_keys.tokens(database) == []


@pytest.mark.parametrize(
    ("name", "scopes", "expires"),
    [
        ("", ["index"], None),
        ("  ", ["index"], None),
        ("a\0", ["index"], None),
        ("x", [], None),
        ("x", ["index"], timedelta(0)),
        ("x", ["index"], timedelta(days=4000)),
    ],
)
def test_a_token_needs_a_name_a_scope_and_some_time(
    database: Database, name: str, scopes: list[str], expires: timedelta | None
) -> None:
    with pytest.raises(InputInvalid):
        make(database, name, scopes, expires)
    assert api_keys.tokens(database) == []


def test_only_a_token_that_is_there_can_be_revoked(database: Database) -> None:
    with pytest.raises(InputInvalid, match="no token 7"):
        revoke(database, 7)


def _contains(words: str, secret: str) -> bool:
    """The secret, or enough of it that the rest could be guessed."""
    return secret[4:36] in words


def _id(database: Database, name: str) -> int:
    return next(one.id for one in api_keys.tokens(database) if one.name == name)


def _version(database: Database) -> str:
    with database.session("syncer") as session:
        return str(session.scalar(text("SELECT xmin::text FROM api_token")))


# -- the command ------------------------------------------------------------------------------


def ken(*words: str) -> Result:
    return CliRunner().invoke(app, ["token", *words])


def test_the_command_prints_the_secret_once(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "command_settings", lambda: settings)

    secret = ken("create", "wiki", "--scope", "sync:wiki", "--scope", "audit", "--expires", "2w")
    listed = ken("list")

    assert authenticate(database, header(secret.stdout.strip())).scopes == {"sync:wiki", "audit"}
    (key,) = json.loads(ken("list", "--json").stdout)
    assert (key["name"], key["scopes"], key["state"]) == (
        "wiki",
        ["audit", "sync:wiki"],
        "valid",
    )
    assert key["expires"] > key["made"]
    assert "wiki" in listed.stdout
    assert not _contains(listed.output, secret.stdout.strip())
    assert ken("revoke", str(key["id"])).exit_code == 0
    with pytest.raises(Unauthorized):
        authenticate(database, header(secret.stdout.strip()))


@pytest.mark.parametrize("period", ["", "90", "d", "-1d", "0d", "1y", "9999w", "1d1h"])
def test_the_command_refuses_what_is_no_period(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch, period: str
) -> None:
    monkeypatch.setattr(tokens, "command_settings", lambda: settings)

    refused = ken("create", "wiki", "--scope", "audit", f"--expires={period}")

    assert isinstance(refused.exception, InputInvalid)
    assert api_keys.tokens(database) == []
