"""`/query` in the shape of the ChatGPT Retrieval Plugin: who finds what, and how it refuses."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.workers.doors.programs import Programs


@pytest.fixture
def token(programs: Programs) -> str:
    """Alice's, who may read the budget; Bob's salary is his own."""
    alice, bob = programs.person("alice"), programs.person("bob")
    programs.document("budget", "The budget is ten million.", alice, anchor="sum", heading="Money")
    programs.document("salary", "The budget of the salary is canary.", bob)
    return programs.token(alice)


def test_a_person_finds_what_they_may_read_and_nothing_else(programs: Programs, token: str) -> None:
    """Threat 1, at the second door."""
    response = programs.query(token, "budget")
    assert response.json() == {
        "results": [
            {
                "query": "budget",
                "results": [
                    {
                        "id": "world:budget#0",
                        "text": "The budget is ten million.",
                        "metadata": {
                            "source": "file",
                            "source_id": "budget",
                            "url": "https://wiki.acme.example/budget#sum",
                            "created_at": None,
                            "author": None,
                            "document_id": "world:budget",
                        },
                        "score": 1.0,
                    }
                ],
            }
        ]
    }
    assert response.headers["cache-control"] == "no-store"
    assert programs.found(programs.token(programs.library.ids["bob"]), "budget") == ["salary"]


def test_several_queries_are_answered_in_their_order(programs: Programs, token: str) -> None:
    found = programs.query(token, "budget", "salary canary", path="/sub/query").json()["results"]
    assert [one["query"] for one in found] == ["budget", "salary canary"]
    assert "canary" not in str(found[1]["results"])


def test_top_k_is_the_number_of_passages_and_three_if_none_is_said(
    programs: Programs, token: str
) -> None:
    alice = programs.library.ids["alice"]
    for number in range(4):
        programs.document(f"budget {number}", f"The budget {number} is ten million.", alice)
    assert len(programs.found(token, "budget")) == 3
    assert len(programs.found(token, {"query": "budget", "top_k": None})) == 3
    assert len(programs.found(token, {"query": "budget", "top_k": 1})) == 1
    assert len(programs.found(token, {"query": "budget", "top_k": 1_000_000})) == 5


@pytest.mark.parametrize(
    ("limited", "found"),
    [
        ({"document_id": "world:budget"}, ["budget"]),
        ({"document_id": "world:salary"}, []),
        ({"document_id": "world:nothing"}, []),
        ({"document_id": "budget"}, ["budget"]),
        ({"document_id": "salary"}, []),
        ({"source_id": "budget"}, ["budget"]),
        ({"source_id": "salary"}, []),
        ({"source": "file"}, ["budget"]),
        ({"source": "chat"}, []),
        ({"source": "email"}, []),
        ({"author": "Ana"}, []),
        ({"start_date": "2020-01-01", "end_date": "2030-01-01T00:00:00Z"}, ["budget"]),
        ({"start_date": "2030-01-01"}, []),
        ({"end_date": "2020-01-01"}, []),
        ({"unknown": "ignored"}, ["budget"]),
        ({}, ["budget"]),
        (None, ["budget"]),
    ],
)
def test_a_filter_only_narrows(
    programs: Programs, token: str, limited: Any, found: list[str]
) -> None:
    with programs.database.session("indexer") as session:
        session.execute(text("UPDATE document SET updated_at = '2025-06-01T00:00:00Z'"))
    assert programs.found(token, {"query": "budget", "filter": limited}) == found


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        b'{"queries": [{}]}',
        b'{"queries": [{"query": 7}]}',
        b'{"queries": [{"query": "canary\\u0000"}]}',
        b'{"queries": [{"query": "canary\\ud800"}]}',
        b'{"queries": [{"query": "canary", "top_k": 0}]}',
        b'{"queries": [{"query": "canary", "top_k": "many"}]}',
        b'{"queries": [{"query": "canary", "filter": {"source": "canary"}}]}',
        b'{"queries": [{"query": "canary", "filter": {"start_date": "canary"}}]}',
        b'{"queries": [{"query": "canary", "filter": {"start_date": 7}}]}',
        b'{"queries": [{"query": "' + b"canary" * 4000 + b'"}]}',
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(
    programs: Programs, token: str, body: bytes
) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    response = programs.http.post("/query", content=body, headers=headers)
    assert response.status_code == 422
    assert all({"loc", "msg", "type"} == one.keys() for one in response.json()["detail"])
    assert "canary" not in response.text


def test_a_failure_of_ours_is_a_constant_sentence(
    programs: Programs, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 27."""

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr("workers.doors.reading.find", fails)
    response = programs.query(token, "budget")
    assert (response.status_code, response.json()) == (500, {"detail": "Internal Service Error"})


def test_more_searches_than_a_person_may_make_in_a_minute_are_told_to_wait(
    programs: Programs, token: str
) -> None:
    """Threat 40: counted for the person, whichever program or token it is, and for nobody else."""
    programs.services.settings.__dict__["searches_per_minute"] = 2
    alice, bob = (programs.library.ids[name] for name in ("alice", "bob"))
    other = programs.token(alice)
    assert [programs.query(one, "budget").status_code for one in (token, other)] == [200, 200]
    refused = programs.query(token, "budget")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert programs.query(programs.token(bob), "budget").status_code == 200


def test_health_needs_no_token_and_says_nothing_else(programs: Programs) -> None:
    assert programs.http.get("/healthz").json() == {"status": "up"}
    ready = programs.http.get("/readyz")
    assert (ready.status_code, ready.json()) == (
        200,
        {"ok": True, "postgresql": True, "schema": True},
    )
