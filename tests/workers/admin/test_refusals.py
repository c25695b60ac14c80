"""How the admin API refuses, and what it says of its own faults."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from tests.workers.admin.calls import Api
from tests.workers.admin.pushed import everything
from workers.admin import routes_index
from workers.web.limits import LARGEST_BODY

REFUSED = [
    ("GET", "/v1/nowhere", b"", "", 404),
    ("GET", "/nowhere", b"", "", 404),
    ("GET", "/docs", b"", "", 404),
    ("GET", "/v1/audit/", b"", "", 404),
    ("DELETE", "/v1/index", b"", "", 405),
    ("PUT", "/v1/runs/1", b"", "", 405),
    ("DELETE", "/v1/runs/1/finish", b"", "", 405),
    ("POST", "/v1/sources/wiki/runs", b'{"kind": "delta"}', "text/plain", 415),
    ("POST", "/v1/sources/wiki/runs", b'{"kind": "delta"}', "", 415),
    ("POST", "/v1/sources/wiki/runs", b'{"kind": "delta"', "application/json", 422),
    ("POST", "/v1/sources/wiki/runs", b"\xff\xfe", "application/json", 422),
    ("POST", "/v1/sources/wiki/runs", b"", "application/json", 422),
    ("POST", "/v1/sources/wiki/runs", b'{"kind": "Sekret"}', "application/json", 422),
    ("POST", "/v1/sources/wiki/runs", b'{"kind": "\\ud800"}', "application/json", 422),
    ("POST", "/v1/sources/wiki/runs", b'{"\\ud800": 1}', "application/json", 422),
    (
        "POST",
        "/v1/sources/wiki/runs",
        b'{"kind": ' + b"9" * 5000 + b"}",
        "application/json",
        422,
    ),
    ("POST", "/v1/sources/wiki/runs", b"[" * 100_000, "application/json", 422),
    ("POST", "/v1/sources/a%00b/runs", b'{"kind": "delta"}', "application/json", 422),
    ("POST", "/v1/sources/%20a/runs", b'{"kind": "delta"}', "application/json", 422),
    ("POST", f"/v1/sources/{'x' * 201}/runs", b'{"kind": "delta"}', "application/json", 422),
    ("GET", "/v1/sources/%ed%a0%80", b"", "", 404),
    ("GET", "/v1/runs?source=a%00b", b"", "", 422),
    ("GET", "/v1/runs", b"", "", 422),
    ("GET", "/v1/runs?source=wiki&limit=0", b"", "", 422),
    ("GET", "/v1/runs?source=wiki&limit=1001", b"", "", 422),
    ("GET", "/v1/runs/0", b"", "", 422),
    ("GET", "/v1/runs/Sekret", b"", "", 422),
    ("GET", f"/v1/runs/{2**63}", b"", "", 422),
    ("GET", f"/v1/runs/{2**63 - 1}", b"", "", 404),
    ("GET", f"/v1/audit?after={2**63}", b"", "", 422),
    ("GET", f"/v1/audit?after={2**63 - 1}", b"", "", 200),
    ("PUT", "/v1/sources/wiki/accounts/a%00b/link/1", b"", "", 422),
    ("GET", "/v1/accounts?after_source=%00&after_id=x", b"", "", 422),
    ("GET", "/v1/why?person=ana", b"", "", 422),
    ("GET", "/v1/why?person=a%00&document=x", b"", "", 422),
    ("GET", "/v1/why?person=ana&document=Sekret", b"", "", 404),
    ("GET", "/v1/why?person=Sekret&document=leave", b"", "", 404),
    ("GET", "/v1/who?document=Sekret", b"", "", 404),
    ("GET", "/v1/who?document=x&at=yesterday", b"", "", 422),
    ("GET", "/v1/who?document=x&at=2026-05-01", b"", "", 422),
    ("GET", "/v1/who?document=x&at=2026-05-01T10:00:00", b"", "", 422),
    ("GET", "/v1/who?document=x&at=1700000000", b"", "", 422),
    ("GET", "/v1/who?document=x&at=1999-01-01T00:00:00Z", b"", "", 422),
    ("GET", "/v1/who?document=x&at=9998-01-01T00:00:00Z", b"", "", 422),
    ("GET", "/v1/who?document=x&at=0001-01-01T00:00:00%2B14:00", b"", "", 422),
    ("GET", "/v1/exposure?document=x&from=0001-01-01T00:00:00%2B14:00", b"", "", 422),
    ("GET", "/v1/exposure?document=x&from=9999-12-31T23:59:59-14:00", b"", "", 422),
    ("GET", "/v1/exposure?document=Sekret", b"", "", 404),
    (
        "GET",
        "/v1/exposure?document=x&from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z",
        b"",
        "",
        422,
    ),
]


def test_every_refusal_is_a_problem(api: Api, people: dict[str, int]) -> None:
    token = api.token()
    before = everything(api.database)
    for method, path, content, content_type, status in REFUSED:
        headers = token | ({"Content-Type": content_type} if content_type else {})
        response = api.call(method, path, headers=headers, content=content)
        assert response.status_code == status, (method, path, content[:20])
        assert "Sekret" not in response.text
        assert status != 405 or "allow" in response.headers
    assert everything(api.database) == before


def test_an_allow_header_names_every_method(api: Api) -> None:
    response = api.call("DELETE", "/v1/sources/wiki", headers=api.token())
    assert response.headers["allow"] == "GET, PATCH"


def test_a_body_over_the_limit_is_refused(api: Api, people: dict[str, int]) -> None:
    """Bad input: oversized."""
    token = api.token("sync:wiki") | {"Content-Type": "application/json"}
    content = b" " * (LARGEST_BODY + 1)
    response = api.call("POST", "/v1/sources/wiki/runs", headers=token, content=content)
    assert response.status_code == 413


def test_a_body_without_an_end_is_not_read_to_its_end(api: Api, people: dict[str, int]) -> None:
    """Whatever the header says of its length."""
    token = api.token("sync:wiki") | {"Content-Type": "application/json"}
    for length in ({}, {"content-length": "17"}):
        status, read = asyncio.run(_endless(api, token | length))
        assert status == 413
        assert read == LARGEST_BODY // 1_000_000 + 1


async def _endless(api: Api, headers: dict[str, str]) -> tuple[int, int]:
    """The status, and how many parts of a megabyte were read."""
    read, statuses = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b" " * 1_000_000, "more_body": read < 100}

    async def send(message: MutableMapping[str, Any]) -> None:
        statuses.append(message.get("status"))

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/sources/wiki/runs",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    await api.app(scope, receive, send)
    return statuses[0] or 0, read


def test_a_body_within_the_limit_is_read(api: Api, people: dict[str, int]) -> None:
    token = api.token("sync:wiki") | {"Content-Type": "application/json"}
    content = b'{"kind": "delta"}'.ljust(LARGEST_BODY)
    response = api.call("POST", "/v1/sources/wiki/runs", headers=token, content=content)
    assert response.status_code == 201


def test_a_fault_of_ours_tells_nothing_but_a_reference(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise RuntimeError("Sekret of a document")

    monkeypatch.setattr(routes_index, "source_id_of", broken)
    with capture_logs() as events:
        response = api.call("GET", "/v1/index/wiki/unreadable", headers=api.token())

    assert response.status_code == 500
    assert "Sekret" not in response.text
    (event,) = events
    assert event == {
        "event": "request_failed",
        "reference": response.json()["instance"].removeprefix("urn:uuid:"),
        "error": "RuntimeError",
        "log_level": "error",
    }


@pytest.mark.parametrize("where", ["workers.admin.routes_index", "workers.admin.callers"])
def test_a_database_that_does_not_answer_is_reported_as_such(
    api: Api, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def gone(*_: object) -> object:
        raise OperationalError("SELECT Sekret", {}, Exception("Sekret"))

    token = api.token()
    name = "authenticate" if where.endswith("callers") else "source_id_of"
    monkeypatch.setattr(f"{where}.{name}", gone)
    response = api.call("GET", "/v1/index/wiki/unreadable", headers=token)

    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert "Sekret" not in response.text


def test_the_health_of_the_process_needs_no_token_and_tells_nothing(api: Api) -> None:
    assert api.call("GET", "/healthz").json() == {"status": "up"}
    ready = api.call("GET", "/readyz")
    assert ready.json() == {"ok": True, "postgresql": True, "schema": True}


def test_scim_stands_beside_it_behind_the_scope_of_identity(api: Api) -> None:
    for headers, status in (
        ({}, 401),
        (api.token("sync:*", "index", "audit"), 403),
        (api.token("identity"), 200),
    ):
        response = api.raw("GET", "/scim/v2/Users", headers=headers)
        assert response.status_code == status
        assert response.headers["content-type"] == "application/scim+json"
