"""`/upsert`, `/upsert-file` and `/delete`: the plugin's shape, with readers that it lacks."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from policies.change import Change
from policies.described import Permissions
from policies.tables.permissions import NodeKind
from tests.workers.admin.calls import Api
from tests.workers.ingest.folder import FakeEmbedder, Shelf
from workers.database.sessions import Database
from workers.ingest.parse import Limits, Parser
from workers.ingest.push import Pushing

ANA = {"allow": ["user:ana"]}


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    """Its child is slow to start: one serves all these tests."""
    with Parser(Limits(file_bytes=1_000_000)) as parser:
        yield parser


@pytest.fixture
def api(api: Api, parser: Parser) -> Iterator[Api]:
    state = api.app.state
    shared = state.pushing
    state.pushing = Pushing(state.database, parser, lambda: (FakeEmbedder(), None))
    yield api
    state.pushing = shared


@pytest.fixture
def shelf(database: Database, people: dict[str, int]) -> Shelf:
    return Shelf(database)


def call(api: Api, *documents: dict[str, Any], token: Any = None) -> Any:
    headers = token or api.token("push:wiki")
    return api.raw("POST", "/upsert", headers=headers, json={"documents": list(documents)})


def stored(api: Api) -> dict[str, tuple[str, str | None]]:
    with api.database.session("indexer") as session:
        rows = session.execute(text("SELECT native_id, title, url FROM document ORDER BY id"))
        return {row.native_id: (row.title, row.url) for row in rows}


def readers(api: Api, document: str) -> list[str]:
    token = api.token("audit")
    found = api.call("GET", f"/v1/who?document={document}", headers=token).json()
    return sorted(one["name"] for one in found["people"])


def test_a_document_is_stored_with_its_readers_and_replaced(
    api: Api, people: dict[str, int]
) -> None:
    sent = {
        "id": "leave",
        "text": "# Leave\n\nSixteen weeks.",
        "metadata": {"source": "file", "url": "https://wiki.acme.example/leave", "author": "x"},
        "acl": ANA,
        "embedding": [1.0],
    }
    assert call(api, sent).json() == {"ids": ["leave"]}
    assert stored(api) == {"leave": ("Leave", "https://wiki.acme.example/leave")}
    assert readers(api, "leave") == ["Ana"]
    assert call(api, {**sent, "acl": {"allow": ["user:ben"]}}).status_code == 200
    assert readers(api, "leave") == ["Ben"]


def test_an_id_is_made_where_none_is_given(api: Api, people: dict[str, int]) -> None:
    (made,) = call(api, {"text": "No id.", "acl": ANA}).json()["ids"]
    assert stored(api) == {made: ("No id.", None)}
    assert call(api).json() == {"ids": []}


@pytest.mark.parametrize("acl", [None, {}])
def test_without_readers_a_document_is_refused(api: Api, people: dict[str, int], acl: Any) -> None:
    """Closed by default; the others of the call are stored, and none of its text comes back."""
    hers, other = {"text": "canary", "acl": acl}, {"id": "b", "text": "b", "acl": ANA}
    refused = call(api, hers, other)
    assert refused.status_code == 422
    (fault,) = refused.json()["detail"]
    assert fault["loc"] == ["body", "documents", 0, "acl"]
    assert "who may read" in fault["msg"]
    assert "canary" not in refused.text
    assert stored(api).keys() == {"b"}


def test_the_folder_of_the_source_says_who_reads_what_comes_without(
    api: Api, people: dict[str, int]
) -> None:
    with api.database.session("syncer") as session:
        change = Change(session, actor="test")
        source = change.put_source("wiki")
        folder = change.put_node(source, "default", kind=NodeKind.CONTAINER, parent_id=None)
        change.set_permissions(folder, Permissions(allow=frozenset({people["ben"]})))
    assert call(api, {"id": "a", "text": "a"}).status_code == 200
    assert readers(api, "a") == ["Ben"]


def test_a_file_is_read_with_what_is_beside_it(api: Api, people: dict[str, int]) -> None:
    token = api.token("push:wiki")
    about = json.dumps({"url": "https://wiki.acme.example/f", "created_at": "2026-01-02"})
    for metadata in (about, "no json"):
        sent = api.raw(
            "POST",
            "/upsert-file",
            headers=token,
            files={"file": ("../plan.md", b"# Plan\n\nWe travel.", "text/markdown")},
            data={"metadata": metadata, "acl": json.dumps(ANA), "id": "plan"},
        )
        assert sent.json() == {"ids": ["plan"]}, metadata
    assert stored(api)["plan"][0] == "Plan"
    assert readers(api, "plan") == ["Ana"]
    for more in ({"acl": "no json"}, {"acl": '{"alow": []}'}, {}):
        files = {"file": ("a.md", b"canary")}
        refused = api.raw("POST", "/upsert-file", headers=token, files=files, data=more)
        assert refused.status_code == 422
        assert "canary" not in refused.text
    assert api.raw("POST", "/upsert-file", headers=token, data={"x": "y"}).status_code == 422


def test_documents_are_deleted_by_id_and_never_all_at_once(
    api: Api, people: dict[str, int]
) -> None:
    call(api, *({"id": one, "text": one, "acl": ANA} for one in "abc"))
    token = api.token("push:wiki")

    def delete(body: Any) -> Any:
        return api.raw("DELETE", "/delete", headers=token, json=body)

    assert delete({"ids": ["a", "nothing"]}).json() == {"success": True}
    assert delete({"ids": ["wiki:b"]}).json() == {"success": True}  # as `/query` names it
    assert stored(api).keys() == {"c"}
    nothing = delete({})
    assert (nothing.status_code, nothing.json()) == (
        400,
        {"detail": "One of ids, filter, or delete_all is required"},
    )
    for wide in ({"delete_all": True}, {"filter": {"author": "x"}}, {"filter": {"source": "file"}}):
        assert delete(wide).status_code == 403
    assert stored(api).keys() == {"c"}
    assert delete({"filter": {"document_id": "c"}}).json() == {"success": True}
    assert stored(api) == {}


def test_a_token_writes_in_its_own_source_alone(api: Api, people: dict[str, int]) -> None:
    """Threat 37: none, a wrong one, one that may not push, one for another source, one for two."""
    sent = {"id": "a", "text": "a", "acl": ANA}
    for path in ("/upsert", "/upsert-file", "/delete"):
        assert api.raw("POST", path, headers={}).status_code == 403
        wrong = api.raw("POST", path, headers={"Authorization": "Bearer ken_" + "A" * 43})
        assert (wrong.status_code, wrong.json()) == (401, {"detail": "Invalid or missing token"})
    for scopes in (("sync:wiki", "index"), ("push:wiki", "push:other")):
        refused = call(api, sent, token=api.token(*scopes))
        assert refused.status_code == 403
        assert "exactly one source" in refused.json()["detail"]
    assert stored(api) == {}
    call(api, sent)
    other = api.token("push:other")
    api.raw("DELETE", "/delete", headers=other, json={"ids": ["a", "wiki:a"]})
    assert stored(api).keys() == {"a"}


@pytest.mark.parametrize(
    "body",
    [b"no json", b"{}", b'{"documents": [{"id": "canary"}]}', b'{"documents": [{"text": 7}]}'],
)
def test_what_is_wrong_is_named_and_not_repeated(
    api: Api, people: dict[str, int], body: bytes
) -> None:
    headers = api.token("push:wiki") | {"Content-Type": "application/json"}
    refused = api.raw("POST", "/upsert", headers=headers, content=body)
    assert refused.status_code == 422
    assert "canary" not in refused.text
    assert all({"loc", "msg", "type"} == one.keys() for one in refused.json()["detail"])
