"""Tokens of people: issued, listed, revoked, and never stored or logged."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.policies.world import World
from workers.cli.commands.tokens import (
    create_person_token,
    list_person_tokens,
    revoke_person_token,
)
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.people.person_tokens import (
    MOST,
    Unauthorized,
    authenticate,
    issue,
    revoke,
    tokens,
)


@pytest.fixture
def ana(database: Database) -> int:
    return World(database).person("ana")


def issued(database: Database, user_id: int, **more: Any) -> str:
    return issue(database, user_id, "laptop", by="test", **more).get_secret_value()


def test_a_token_is_random_and_only_its_hash_is_stored(database: Database, ana: int) -> None:
    one, other = issued(database, ana), issued(database, ana)
    assert one != other
    with database.session("syncer") as session:
        rows = " ".join(session.scalars(text("SELECT person_token::text FROM person_token")).all())
        rows += " ".join(session.scalars(text("SELECT audit::text FROM audit")).all())
    assert one[5:] not in rows
    assert one.encode().hex() not in rows


def test_each_issue_and_each_revocation_is_in_the_audit(database: Database, ana: int) -> None:
    issued(database, ana, scopes=["ask"], sources=["world"])
    revoke(database, 1, by="terminal:root")
    with database.session("syncer") as session:
        rows = session.execute(
            text(
                "SELECT actor, action, details FROM audit "
                "WHERE action LIKE '%person_token' ORDER BY id"
            )
        ).all()
    about = {"token_id": 1, "user_id": ana}
    assert [tuple(row) for row in rows] == [
        (
            "test",
            "issue_person_token",
            {**about, "scopes": ["ask"], "sources": ["world"], "days": 90},
        ),
        ("terminal:root", "revoke_person_token", about),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []},
        {"scopes": ["identity"]},
        {"sources": []},
        {"sources": ["nowhere"]},
        {"sources": ["world", "nowhere"]},
        {"good_for": timedelta(0)},
        {"good_for": timedelta(days=367)},
    ],
)
def test_a_token_that_would_reach_too_far_or_nowhere_is_not_issued(
    database: Database, ana: int, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InputInvalid):
        issued(database, ana, **wrong)
    assert tokens(database) == []


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
def test_a_token_needs_a_name(database: Database, ana: int, name: str) -> None:
    with pytest.raises(InputInvalid, match="name"):
        issue(database, ana, name, by="test")


def test_nobody_who_is_not_active_gets_a_token(database: Database, ana: int) -> None:
    for user_id in (ana, ana + 999):
        with World(database).change() as change:
            change.delete_user(ana)
        with pytest.raises(InputInvalid, match="not active"):
            issued(database, user_id)


def test_a_person_has_only_so_many(database: Database, ana: int) -> None:
    for _ in range(MOST):
        issued(database, ana)
    with pytest.raises(InputInvalid, match="20 valid tokens"):
        issued(database, ana)
    revoke(database, 1, by="test")
    issued(database, ana)


def test_nobody_revokes_somebody_elses(database: Database, ana: int) -> None:
    secret = issued(database, ana)
    for token_id, user_id in ((1, ana + 1), (2, ana), (2, None)):
        with pytest.raises(InputInvalid, match="no token"):
            revoke(database, token_id, by="test", user_id=user_id)
    assert authenticate(database, f"Bearer {secret}").user_id == ana
    revoke(database, 1, by="test", user_id=ana)
    with pytest.raises(Unauthorized):
        authenticate(database, f"Bearer {secret}")


def test_the_role_that_reads_text_cannot_make_a_token(database: Database, ana: int) -> None:
    with database.session("answerer") as session:
        may = [
            session.scalar(
                text("SELECT has_any_column_privilege('person_token', :right)"), {"right": right}
            )
            for right in ("SELECT", "INSERT")
        ]
        changes = session.scalars(
            text(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'person_token'::regclass "
                "AND attnum > 0 AND has_column_privilege('person_token', attname, 'UPDATE')"
            )
        ).all()
    assert may == [True, False]
    assert changes == ["used_at"]


def test_the_commands_issue_show_and_revoke(
    database: Database,
    ana: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("workers.cli.commands.tokens.command_settings", lambda: database.settings)
    create_person_token("ana", "laptop", ["search"], ["world"], "12h")
    created = capsys.readouterr()
    secret = created.out.strip()
    assert secret not in created.err
    caller = authenticate(database, f"Bearer {secret}")
    assert (caller.scopes, caller.sources) == (frozenset({"search"}), ("world",))

    list_person_tokens(None, as_json=True)
    [listed] = json.loads(capsys.readouterr().out)
    assert (listed["person"], listed["state"], listed["sources"]) == ("Ana", "valid", ["world"])
    list_person_tokens("ana", as_json=False)
    assert "laptop" in capsys.readouterr().out

    revoke_person_token(1)
    assert capsys.readouterr().out == "Token 1 is revoked.\n"
    assert [one.state for one in tokens(database, ana)] == ["revoked"]
    with pytest.raises(InputInvalid, match="There is no person"):
        create_person_token("nobody", "laptop", None, None, "90d")
