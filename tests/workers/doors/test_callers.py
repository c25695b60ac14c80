"""Threats of a second entry point: whose token it is, how far it reaches, and where it came from.

Threat 44. Each refusal stands beside the same request that is allowed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import text

from policies.tables.people import UserStatus
from tests.workers.doors.programs import Programs, text_of
from workers.admin.api_keys import make
from workers.answering import searching
from workers.database.sessions import connect
from workers.doors import callers, reading
from workers.people import person_tokens
from workers.people.person_tokens import Caller, revoke

MISSING = (403, {"detail": "Not authenticated"})
INVALID = (401, {"detail": "Invalid or missing token"})


@pytest.fixture
def alice(programs: Programs) -> int:
    alice, bob = programs.person("alice"), programs.person("bob")
    programs.document("plan", "The plan is canary.", alice)
    programs.document("secret", "The plan of Bob is secret.", bob)
    return alice


def refused(response: Any) -> tuple[int, Any]:
    assert "canary" not in response.text
    return response.status_code, response.json()


def test_without_a_valid_token_nobody_is_anybody(programs: Programs, alice: int) -> None:
    token = programs.token(alice)
    assert programs.found(token, "plan") == ["plan"]
    assert refused(programs.query(None, "plan")) == MISSING
    administrators = make(programs.database, "admin", ["index", "sync:*"]).get_secret_value()
    for other in (token[:-1], token + "x", "kenp_" + "A" * 43, administrators, "", "null"):
        assert refused(programs.query(other, "plan")) == INVALID, other
    twice = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    assert programs.http.post("/query", json={"queries": []}, headers=twice).status_code == 403


def test_a_token_for_people_opens_nothing_of_the_administrators(
    programs: Programs, alice: int
) -> None:
    from fastapi.testclient import TestClient  # noqa: PLC0415 - the other server

    from workers.admin.api import make_app  # noqa: PLC0415

    app = make_app(programs.services.settings, lambda: pytest.fail("nothing is pushed"))
    headers = {"Authorization": f"Bearer {programs.token(alice)}"}
    assert TestClient(app).get("/v1/index", headers=headers).status_code == 401
    app.state.database.close()


def test_every_path_needs_a_token_even_one_that_is_not_there(
    programs: Programs, alice: int
) -> None:
    for path in ("/query", "/mcp", "/nothing", "/openapi.json", "/upsert"):
        assert programs.http.post(path).status_code in (401, 403), path
    headers = {"Authorization": f"Bearer {programs.token(alice)}"}
    assert programs.http.post("/nothing", headers=headers).status_code == 404


def test_somebody_elses_token_is_somebody_else(programs: Programs, alice: int) -> None:
    """Threat 1: no field of a request names a person, so none can name another one."""
    bob = programs.library.ids["bob"]
    asked = {"query": "plan", "filter": {"author": "alice"}, "user": alice, "person": "alice"}
    assert programs.found(programs.token(bob), {**asked, "filter": {}}) == ["secret"]
    given = {"X-User": str(alice), "X-Forwarded-User": "alice"}
    found = programs.query(programs.token(bob), "plan", **given)
    assert "canary" not in found.text


@pytest.mark.parametrize("status", [UserStatus.SUSPENDED, UserStatus.DELETED])
def test_who_is_not_active_any_more_is_refused_at_the_next_question(
    programs: Programs, alice: int, status: UserStatus
) -> None:
    """Threat 9: at both doors, and by row-level security too if the token were still taken."""
    token = programs.token(alice)
    caller = person_tokens.authenticate(programs.database, f"Bearer {token}")
    assert programs.found(token, "plan") == ["plan"]
    programs.suspend(alice, status)
    assert refused(programs.query(token, "plan")) == INVALID
    assert programs.http.post("/mcp", headers={"Authorization": token}).status_code == 401
    with taken_for(caller):
        assert programs.found(token, "plan") == []


def test_a_token_ends_when_it_is_revoked_or_its_time_is_over(
    programs: Programs, alice: int
) -> None:
    revoked, expired, good = (programs.token(alice) for _ in range(3))
    revoke(programs.database, 1, by="alice")
    owner = connect(programs.database.settings, "owner")
    with owner.begin() as connection:
        connection.execute(text("UPDATE person_token SET expires_at = now() WHERE id = 2"))
    owner.dispose()
    assert refused(programs.query(revoked, "plan")) == INVALID
    assert refused(programs.query(expired, "plan")) == INVALID
    assert programs.found(good, "plan") == ["plan"]


def test_a_token_reaches_no_further_than_its_scopes(programs: Programs, alice: int) -> None:
    searches, asks = programs.token(alice, "search"), programs.token(alice, "ask")
    assert refused(programs.query(asks, "plan")) == (
        403,
        {"detail": "The token does not allow this"},
    )
    assert (
        text_of(programs.tool(asks, "fetch", id="world:plan")) == "The token does not allow this."
    )
    assert text_of(programs.tool(searches, "ask", question="The plan?")) == (
        "The token does not allow this."
    )
    assert programs.found(searches, "plan") == ["plan"]
    assert "canary" in text_of(programs.tool(asks, "ask", question="What is the plan?"))


def test_a_token_reaches_no_further_than_its_sources(programs: Programs, alice: int) -> None:
    """By search, by fetch and by an answer, which a worker writes that never saw the token."""
    programs.source("wiki")
    programs.document("page", "The plan of the wiki is public.", alice)
    every, narrow = programs.token(alice), programs.token(alice, sources=("wiki",))
    assert sorted(programs.found(every, "plan")) == ["page", "plan"]
    assert programs.found(narrow, "plan") == ["page"]
    wider = {"query": "plan", "filter": {"document_id": "world:plan"}}
    assert programs.found(narrow, wider) == []
    assert "canary" in text_of(programs.tool(every, "fetch", id="world:plan"))
    assert programs.tool(narrow, "fetch", id="world:plan").is_error
    assert "canary" in text_of(programs.tool(every, "ask", question="What is the plan?"))
    answer = text_of(programs.tool(narrow, "ask", question="What is the plan?"))
    assert "public" in answer
    assert "canary" not in answer


def test_without_the_narrowing_the_plain_check_refuses(programs: Programs, alice: int) -> None:
    """Two layers: if the query forgets a token's sources, the passages themselves are looked at."""
    programs.source("wiki")
    narrow = programs.token(alice, sources=("wiki",))
    with patch("workers.answering.retrieval.of_sources", lambda _, visible, names: visible):
        assert programs.query(narrow, "plan").status_code == 500
        assert programs.tool(narrow, "fetch", id="world:plan").is_error
    with (
        patch("workers.answering.retrieval.of_sources", lambda _, visible, names: visible),
        patch("workers.answering.retrieval.Only.admits", lambda *_: True),
    ):
        assert programs.found(narrow, "plan") == ["plan"]  # the attack, without both


def test_what_one_may_not_see_is_not_there(programs: Programs, alice: int) -> None:
    """Threat 16: the same bytes for a document of others, for none, and for a hostile name."""
    token = programs.token(alice)
    said = {
        programs.tool(token, "fetch", id=name).model_dump_json(exclude={"meta"})
        for name in (
            "world:secret",
            "world:nothing",
            "nothing",
            "",
            "' OR 1=1 --",
            "world:%",
            "x" * 9_999,
        )
    }
    assert len(said) == 1
    assert "There is no such document, or you may not read it." in said.pop()
    assert not programs.tool(token, "fetch", id="world:plan").is_error


def test_a_token_in_an_address_is_refused(programs: Programs, alice: int) -> None:
    """Even a valid one: whoever keeps the proxy's logs would have it."""
    token = programs.token(alice)
    headers = {"Authorization": f"Bearer {token}"}
    body = {"queries": [{"query": "plan"}]}
    for place in (f"/query?token={token}", f"/query?x=%6Benp_{token[5:]}", f"/query/{token}"):
        for given in (headers, {}):
            response = programs.http.post(place, json=body, headers=given)
            assert response.status_code == 400, place
            assert "canary" not in response.text
    assert programs.http.post("/query?other=1", json=body, headers=headers).status_code == 200


def test_a_page_of_another_site_is_refused(programs: Programs, alice: int) -> None:
    """A browser that reaches Ken must not be talked into asking for a stranger's page."""
    token = programs.token(alice)
    assert programs.query(token, "plan", Origin="https://evil.example").status_code == 403
    assert programs.query(token, "plan", Origin="http://testserver").status_code == 200
    assert programs.query(token, "plan", Origin="null").status_code == 403


def test_what_changes_while_a_search_runs_is_not_returned(programs: Programs, alice: int) -> None:
    """Threat 7: access ends after the passages were found; without the second check it leaks."""
    token = programs.token(alice)
    shipped = searching.find

    def revoked_meanwhile(*asked: Any, **more: Any) -> Any:
        found = shipped(*asked, **more)
        with programs.library.change() as change:
            change.set_unknown(programs.library.ids["plan"])
        return found

    with patch.object(reading, "find", revoked_meanwhile):
        assert programs.found(token, "plan") == []
    with programs.library.change() as change:
        change.set_permissions(programs.library.ids["plan"], _only(alice))

    with (
        patch.object(reading, "find", revoked_meanwhile),
        patch.object(reading, "_check_and_record", lambda *a: a[3]),
    ):
        assert programs.found(token, "plan") == ["plan"]


def test_who_was_shown_what_is_on_record_without_the_words(programs: Programs, alice: int) -> None:
    token = programs.token(alice)
    programs.found(token, "the plan, canary words")
    programs.tool(token, "fetch", id="world:plan")
    programs.tool(token, "fetch", id="world:secret")
    with programs.database.session("syncer") as session:
        rows = session.execute(text("SELECT asker_id, audience, used FROM answer")).all()
    assert rows == [(alice, [alice], [programs.library.ids["plan"]])] * 2
    with programs.database.session("ingress") as session:
        states = session.scalars(text("SELECT state FROM question")).all()
    assert states == ["answered"] * 3


@contextmanager
def taken_for(caller: Caller) -> Iterator[None]:
    """The first layer is off: whatever token comes, it is this caller's."""
    with patch.object(callers, "authenticate", lambda *_: caller):
        yield


def _only(user_id: int) -> Any:
    from policies.described import Permissions  # noqa: PLC0415

    return Permissions(allow=frozenset({user_id}))
