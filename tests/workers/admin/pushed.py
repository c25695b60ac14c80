"""What is pushed by the admin API, and what it changes."""

from typing import Any

from sqlalchemy import text

from tests.workers.admin.calls import Api
from workers.database.sessions import Database

PUSH = "/v1/sources/wiki/documents"

STAFF = {"type": "group", "id": "staff", "members": ["user:ana", "user:ben"]}

HR = {"type": "node", "id": "hr", "kind": "container", "allow": ["group:staff"]}

LEAVE = {"type": "node", "id": "leave", "kind": "document", "parent": "hr"}

PAGE = {"id": "page", "title": "Page", "text": "All about it.", "permissions": {"allow": []}}


def everything(database: Database) -> dict[str, int]:
    """How many rows each table has that a call could change."""
    tables = (
        "source", "sync_run", "sync_page", "node", "entry", "user_group", "membership", "identity",
        "link_code", "past", "push_request", "document", "chunk", "embedding",
    )  # fmt: skip
    with database.session("owner") as session:
        return {
            table: int(session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)  # noqa: S608
            for table in tables
        }


def page(name: str = "page", words: str | None = "", /, **more: Any) -> dict[str, Any]:
    """A document that Ana may read, unless `permissions` says otherwise."""
    given: dict[str, Any] = {"id": name, "permissions": {"allow": ["user:ana"]}}
    if words is not None:
        given |= {"title": name.title(), "text": words or f"All about {name}."}
    return given | more


def put(api: Api, token: dict[str, str], *documents: Any, **headers: str) -> Any:
    return api.call("POST", PUSH, headers=token | headers, json={"documents": [*documents]})


def results(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["result"] for one in answer.json()["results"]]


def mistakes(answer: Any) -> list[tuple[str, str]]:
    found = [fault for one in answer.json()["results"] for fault in one["errors"]]
    return [(fault["place"], fault["message"]) for fault in found]


def sync(api: Api, *lines: dict[str, Any]) -> None:
    """Push permissions of the same source as a delta, beside its documents."""
    token = api.token("sync:wiki")
    run = api.call("POST", "/v1/sources/wiki/runs", headers=token, json={"kind": "delta"}).json()
    place = f"/v1/runs/{run['id']}"
    api.call("PUT", f"{place}/pages/1", headers=token, json={"lines": [*lines]})
    wanted = {"pages": 1, "confirm": True}
    answer = api.call("POST", f"{place}/finish", headers=token, json=wanted)
    assert answer.json()["state"] == "applied", answer.text
