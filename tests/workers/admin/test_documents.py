"""Documents that are pushed: with their readers, whole or not at all, and found or gone at once."""

import base64
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import docx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from tests.workers.admin.calls import Api
from tests.workers.admin.pushed import PUSH, STAFF, everything, mistakes, page, put, results
from tests.workers.ingest.files import word
from tests.workers.ingest.folder import FakeEmbedder, Shelf
from workers.admin.api import make_app
from workers.admin.api_keys import Caller
from workers.ingest.parse import Parser
from workers.ingest.push import Pushing
from workers.settings import Settings

pytestmark = pytest.mark.usefixtures("pushing")


@pytest.fixture(scope="module")
def other(own_database: Settings) -> Iterator[Api]:
    """An API with a smaller limit, that has no right to write documents."""
    changes = {"document_limit_mb": 1, "indexer_password": SecretStr("")}
    app = make_app(own_database.model_copy(update=changes), lambda: (FakeEmbedder(), None))
    yield Api(app, app.state.database)
    app.state.database.close()


# What a push does


def test_a_document_is_read_by_whom_it_names_and_by_nobody_else(
    api: Api, token: dict[str, str], shelf: Shelf
) -> None:
    answer = put(api, token, page("plan", url="https://wiki.acme.example/plan"))

    assert results(answer) == ["created"]
    assert shelf.readable_by("ana") == {"plan"}
    assert shelf.readable_by("ben") == set()
    assert shelf.is_whole()
    assert shelf.rows("SELECT title, url FROM document") == [
        ("Plan", "https://wiki.acme.example/plan")
    ]


def test_the_readers_are_the_entries_of_the_design(
    api: Api, token: dict[str, str], shelf: Shelf
) -> None:
    """Allow, deny, gates and inheritance, each with one who is let in and one who is not."""
    sync = api.token("sync:wiki")
    run = api.call("POST", "/v1/sources/wiki/runs", headers=sync, json={"kind": "delta"}).json()[
        "id"
    ]
    folder = {"type": "node", "id": "hr", "kind": "container", "allow": ["group:staff"]}
    lines = {"lines": [STAFF, folder]}
    api.call("PUT", f"/v1/runs/{run}/pages/1", headers=sync, json=lines)
    wanted = {"pages": 1, "confirm": True}
    api.call("POST", f"/v1/runs/{run}/finish", headers=sync, json=wanted)

    answer = put(
        api,
        token,
        page("inherits", permissions={}, parent="hr"),
        page("denies", permissions={"deny": ["user:ben"]}, parent="hr"),
        page("gated", permissions={"gates": [["user:ben"]]}, parent="hr"),
        page("apart", permissions={"allow": ["user:ben"], "inherit": False}, parent="hr"),
        page("unknown", permissions={"allow": ["group:staff"], "unknown": True}),
    )

    assert set(results(answer)) == {"created"}
    assert shelf.readable_by("ana") == {"inherits", "denies"}
    assert shelf.readable_by("ben") == {"inherits", "gated", "apart"}


def test_a_name_that_nobody_has_never_widens(api: Api, token: dict[str, str], shelf: Shelf) -> None:
    """In an allow it is dropped, in a deny or a gate it closes the document; both are named."""
    answer = put(
        api,
        token,
        page("a", permissions={"allow": ["user:ana", "group:gone"]}),
        page("b", permissions={"allow": ["user:ana"], "deny": ["group:gone"]}),
        page("c", permissions={"allow": ["user:ana"], "gates": [["group:gone"]]}),
    )

    left_out = [one["left_out"] for one in answer.json()["results"]]
    assert left_out == [
        [{"name": "group:gone", "effect": effect}] for effect in ("dropped", "closed", "closed")
    ]
    assert shelf.readable_by("ana") == {"a"}
    closed = {one["id"]: one["closed"] for one in _listed(api, token)}
    assert closed == {"a": False, "b": True, "c": True}


def test_text_markdown_and_a_file_are_read_as_what_they_are(
    api: Api, token: dict[str, str], shelf: Shelf
) -> None:
    written = docx.Document()
    written.add_paragraph("Bring the key back by noon.")
    in_base64 = base64.b64encode(word(written)).decode()
    answer = put(
        api,
        token,
        page("plain", "# No heading\n\nA paragraph."),
        {**page("marked", None), "title": "Marked", "markdown": "# Keys\n\nBring them back."},
        {**page("file", None), "file": {"name": "keys.docx", "content": in_base64}},
    )

    assert results(answer) == ["created"] * 3
    texts = shelf.texts()
    assert "# No heading" in texts["plain"]
    assert texts["marked"] == "# Keys\n\nBring them back."
    assert texts["file"] == "Bring the key back by noon."


def test_a_document_without_permissions_is_refused(
    api: Api, token: dict[str, str], shelf: Shelf
) -> None:
    """Closed by default: nothing that is left out is taken for everybody, or for nobody."""
    without = {name: value for name, value in page("a").items() if name != "permissions"}
    answer = put(
        api,
        token,
        without,
        page("b", permissions={}),
        page("c", permissions=None),
        page("d", permissions={"alow": ["user:ana"]}),
        page("e", permissions={"allow": ["class:everybody"]}),
        page("f", permissions={"allow": []}),
    )

    assert results(answer) == ["refused"] * 5 + ["created"]
    assert [place for place, _ in mistakes(answer)] == [
        "/documents/0/permissions",
        "/documents/1",
        "/documents/2/permissions",
        "/documents/3/permissions/alow",
        "/documents/4/permissions/allow/0",
    ]
    assert set(shelf.texts()) == {"f"}
    assert shelf.readable_by("ana") == set()


def test_a_mistake_is_named_by_its_field_and_repeats_nothing(
    api: Api, token: dict[str, str], shelf: Shelf
) -> None:
    """Bad input, beside a document that is right: that one is stored."""
    bad: list[tuple[dict[str, Any], str]] = [
        ({**page("a"), "id": ""}, "/id"),
        ({**page("b"), "id": "x" * 501}, "/id"),
        ({**page("c"), "id": "a\0Sekret"}, "/id"),
        ({**page("d"), "url": "javascript:Sekret"}, "/url"),
        ({**page("e"), "url": "https://acme.example/ Sekret"}, "/url"),
        ({**page("f"), "updated_at": "Sekret"}, "/updated_at"),
        ({**page("g"), "file": {"name": "a.txt", "content": "!Sekret!"}}, "/file/content"),
        ({**page("h", None), "file": {"name": "../Sekret", "content": ""}}, "/file/name"),
        ({**page("i"), "markdown": "Sekret"}, ""),
        ({**page("j"), "title": None}, ""),
        ({**page("k", None), "title": "Sekret"}, ""),
        ({**page("l"), "sekret": 1}, "/sekret"),
        ({**page("m"), "parent": "Sekret"}, "/parent"),
        ({**page("n", None)}, ""),
        ({**page("o"), "permissions": {"gates": [["user:ana"]] * 101}}, "/permissions/gates"),
        ({**page("p", None), "file": {"name": "a.xyz", "content": "eA=="}}, "/file"),
        ({**page("q", None), "title": "Q", "markdown": " "}, "/markdown"),
        ({**page("r", "x" * 1_000_001)}, "/text"),
    ]

    answer = put(api, token, *(one for one, _ in bad), page("good"))

    assert results(answer) == ["refused"] * len(bad) + ["created"]
    assert [place for place, _ in mistakes(answer)] == [
        f"/documents/{at}{place}" for at, (_, place) in enumerate(bad)
    ]
    assert "Sekret" not in str(mistakes(answer))
    assert set(shelf.texts()) == {"good"}


@pytest.mark.parametrize(
    "body",
    [{}, {"documents": []}, {"documents": [page()] * 101}, {"documents": [page()], "more": 1}],
)
def test_a_call_of_another_form_is_refused_whole(
    api: Api, token: dict[str, str], people: dict[str, int], body: Any
) -> None:
    before = everything(api.database)
    assert api.call("POST", PUSH, headers=token, json=body).status_code == 422
    assert everything(api.database) == before


def test_an_id_that_occurs_twice_is_refused_twice(
    api: Api, token: dict[str, str], shelf: Shelf
) -> None:
    """Which of the two was meant nobody can say."""
    answer = put(api, token, page("a"), page("b"), page("a", permissions={"allow": []}))
    assert results(answer) == ["refused", "created", "refused"]
    assert shelf.readable_by("ana") == {"b"}


# What a push leaves alone


def test_of_a_changed_document_only_the_passages_that_changed_are_embedded(
    api: Api, token: dict[str, str], embedder: FakeEmbedder, shelf: Shelf
) -> None:
    parts = [f"# Part {number}\n\n{f'Words of part {number}. ' * 40}" for number in range(5)]
    given = {**page("book", None), "title": "Book"}
    put(api, token, {**given, "markdown": "\n\n".join(parts)})
    first = embedder.calls

    parts[3] = "# Part 3\n\nAnother text."
    answer = put(api, token, {**given, "markdown": "\n\n".join(parts)})

    (result,) = answer.json()["results"]
    assert (result["result"], result["embedded"], embedder.calls) == ("updated", 1, first + 1)
    assert result["chunks"] == first - 1
    assert "Another text." in shelf.texts()["book"]
    assert shelf.is_whole()


def test_other_readers_touch_no_text_and_no_vector(
    api: Api, token: dict[str, str], embedder: FakeEmbedder, shelf: Shelf
) -> None:
    """With the same text sent again, and without any."""
    put(api, token, page("plan"))
    before = _versions(shelf)
    for readers, given in (("ben", ("plan",)), ("ana", ("plan", None))):
        answer = put(api, token, page(*given, permissions={"allow": [f"user:{readers}"]}))
        assert results(answer) == ["permissions"]
        assert [name for name in ("ana", "ben") if shelf.readable_by(name)] == [readers]
    assert (_versions(shelf), embedder.calls) == (before, 1)


def test_what_is_sent_again_changes_nothing(api: Api, token: dict[str, str], shelf: Shelf) -> None:
    put(api, token, page("plan"))
    before = shelf.dump()
    assert results(put(api, token, page("plan"))) == ["unchanged"]
    assert shelf.dump() == before


def test_a_document_that_cannot_be_read_keeps_its_text(
    api: Api, token: dict[str, str], shelf: Shelf
) -> None:
    """All or nothing for each document; and with the same readers, they go on reading it."""
    put(api, token, page("plan"))
    before = shelf.texts()
    broken = {"name": "plan.pdf", "content": base64.b64encode(b"%PDF-1.4 and no more").decode()}
    answer = put(
        api,
        token,
        {**page("plan", None), "file": broken},
        page("other"),
    )
    assert results(answer) == ["refused", "created"]
    assert mistakes(answer) == [("/documents/0/file", "damaged PDF")]
    assert shelf.texts() == {**before, "other": "All about other."}
    assert shelf.readable_by("ana") == {"plan", "other"}
    assert shelf.readable_by("ben") == set()


def test_a_document_whose_embedding_fails_is_stored_by_the_next_call(
    api: Api, token: dict[str, str], embedder: FakeEmbedder, shelf: Shelf
) -> None:
    """Cut off in the middle: it is as it was, those before it are whole, and nothing is stuck."""

    def fail(text: str) -> Any:
        raise RuntimeError

    put(api, token, page("a"))
    works, embedder.embed_one = embedder.embed_one, fail  # type: ignore[method-assign]
    answer = put(api, token, page("b", None), page("c"))
    assert answer.status_code == 500
    assert set(shelf.texts()) == {"a"}
    embedder.embed_one = works  # type: ignore[method-assign]
    assert results(put(api, token, page("c"))) == ["created"]
    assert shelf.is_whole()


# Deleting


def test_a_deleted_document_is_gone_with_its_text_and_vectors(
    api: Api, token: dict[str, str], shelf: Shelf
) -> None:
    """Threat 39."""
    put(api, token, page("a"), page("b"))
    answer = api.call("POST", f"{PUSH}/delete", headers=token, json={"ids": ["a", "x", "a"]})

    assert results(answer) == ["deleted", "absent"]
    assert shelf.readable_by("ana") == {"b"}
    counts = "SELECT (SELECT count(*) FROM chunk), (SELECT count(*) FROM embedding)"
    assert shelf.rows(counts) == [(1, 1)]
    assert [one["id"] for one in _listed(api, token)] == ["b"]


def test_a_folder_is_no_document_and_what_has_documents_below_it_is_kept(
    api: Api, token: dict[str, str], shelf: Shelf
) -> None:
    sync = api.token("sync:wiki")
    run = api.call("POST", "/v1/sources/wiki/runs", headers=sync, json={"kind": "delta"}).json()[
        "id"
    ]
    lines = [
        {"type": "node", "id": "hr", "kind": "container"},
        {"type": "node", "id": "book", "kind": "document", "parent": "hr"},
        {"type": "node", "id": "page", "kind": "document", "parent": "book"},
    ]
    api.call("PUT", f"/v1/runs/{run}/pages/1", headers=sync, json={"lines": lines})
    api.call("POST", f"/v1/runs/{run}/finish", headers=sync, json={"pages": 1})

    assert mistakes(put(api, token, page("hr"))) == [("/documents/0/id", "this id is a folder's")]
    for ids, expected in (
        (["hr", "book"], ["absent", "refused"]),
        (["book", "page"], ["deleted", "deleted"]),
    ):
        answer = api.call("POST", f"{PUSH}/delete", headers=token, json={"ids": ids})
        assert results(answer) == expected


# Sent twice, at once, and with another's token


def test_a_request_that_is_sent_again_with_its_key_changes_nothing(
    api: Api, token: dict[str, str], shelf: Shelf
) -> None:
    """An older request that arrives again does not bring back the readers that it named."""
    key = {"Idempotency-Key": "one"}
    first = put(api, token, page("plan"), **key)
    put(api, token, page("plan", permissions={"allow": ["user:ben"]}))

    again = put(api, token, page("plan"), **key)

    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert shelf.readable_by("ana") == set()
    # without the key, the older request wins
    put(api, token, page("plan"))
    assert shelf.readable_by("ana") == {"plan"}


def test_a_key_is_of_one_request_in_one_source_for_one_day(
    api: Api, token: dict[str, str], shelf: Shelf
) -> None:
    key = {"Idempotency-Key": "one"}
    put(api, token, page("plan"), **key)
    before = shelf.dump()
    for answer in (
        put(api, token, page("other"), **key),
        api.call("POST", f"{PUSH}/delete", headers=token | key, json={"ids": ["plan"]}),
    ):
        assert answer.status_code == 409
    assert shelf.dump() == before
    elsewhere = api.token("push:hr") | key
    body = {"documents": [page("plan")]}
    assert results(api.call("POST", "/v1/sources/hr/documents", headers=elsewhere, json=body))
    with api.database.session("owner") as session:
        session.execute(text("UPDATE push_request SET at = at - interval '1 day'"))
    assert results(put(api, token, page("other"), **key)) == ["created"]


def test_while_a_push_of_a_source_runs_another_one_is_told_to_wait(
    api: Api, token: dict[str, str], shelf: Shelf
) -> None:
    """So what was sent first never overwrites what was sent later."""
    pushing: Pushing = api.app.state.pushing
    with pushing.alone("wiki"):
        answer = put(api, token, page())
        assert (answer.status_code, answer.headers["retry-after"]) == (409, "1")
        elsewhere = api.call(
            "POST",
            "/v1/sources/hr/documents",
            headers=api.token("push:hr"),
            json={"documents": [page("elsewhere")]},
        )
        assert results(elsewhere) == ["created"]
    assert results(put(api, token, page())) == ["created"]


def test_another_sources_token_neither_writes_reads_nor_deletes(
    api: Api, token: dict[str, str], shelf: Shelf
) -> None:
    """Threat 37: each token is one source's; the answer is the same whether or not it exists."""
    put(api, token, page("plan"))
    before = everything(api.database)
    others = api.token("push:hr", "sync:*", "identity", "index", "audit", name="other")
    for method, place, body in (
        ("POST", "", {"documents": [page("plan", "Forged.")]}),
        ("GET", "", None),
        ("POST", "/delete", {"ids": ["plan"]}),
    ):
        there, absent = (
            api.call(method, f"/v1/sources/{name}/documents{place}", headers=others, json=body)
            for name in ("wiki", "nowhere")
        )
        assert (there.status_code, absent.status_code) == (403, 403)
        assert there.json()["detail"] == absent.json()["detail"]
    assert everything(api.database) == before
    assert shelf.texts() == {"plan": "All about plan."}


def test_without_that_check_another_sources_token_writes(
    api: Api, token: dict[str, str], shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 37, with the protection off."""
    monkeypatch.setattr(Caller, "may_push", lambda *_: True)
    assert results(put(api, api.token("push:hr"), page("plan", "Forged."))) == ["created"]


def test_the_identity_providers_source_takes_no_documents(api: Api, people: dict[str, int]) -> None:
    answer = api.call(
        "POST",
        "/v1/sources/scim/documents",
        headers=api.token("push:scim"),
        json={"documents": [page()]},
    )
    assert answer.status_code == 422


def test_a_file_that_breaks_its_reader_hurts_no_other_document(
    api: Api,
    token: dict[str, str],
    shelf: Shelf,
    parser: Parser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Threat 36: a pushed file is read by the same child process as a load, within its limits."""
    broken = "import socket, sys; s = socket.socket(fileno=0); s.sendall(b'\\0\\0\\0\\5ready')"
    monkeypatch.setattr(Parser, "command", [sys.executable, "-c", broken])
    parser.close()
    answer = put(api, token, page("a"))
    assert mistakes(answer) == [("/documents/0/text", "the parser stopped")]
    monkeypatch.undo()
    parser.close()
    assert results(put(api, token, page("a"))) == ["created"]


def test_a_larger_body_is_allowed_for_documents_alone(
    api: Api, other: Api, token: dict[str, str]
) -> None:
    """A file of the largest size fits in base64; nothing that is larger is read to its end."""
    content = b" " * 12_000_000
    headers = token | {"Content-Type": "application/json"}
    for place, status in (("", 422), ("/delete", 413)):
        answer = api.call("POST", PUSH + place, headers=headers, content=content)
        assert answer.status_code == status
    assert other.call("POST", PUSH, headers=headers, content=content).status_code == 413


def test_without_the_indexers_password_nothing_is_pushed_and_the_rest_works(
    other: Api, token: dict[str, str]
) -> None:
    assert put(other, token, page()).status_code == 503
    index = other.call("GET", "/v1/index", headers=other.token("index"))
    assert index.status_code == 200


def test_what_is_listed_goes_on_after_the_last_of_a_page(
    api: Api, token: dict[str, str], shelf: Shelf
) -> None:
    put(api, token, *(page(name) for name in ("c", "a", "b")), page("d", updated_at=_WHEN))
    first = api.call("GET", f"{PUSH}?limit=3", headers=token).json()
    assert ([one["id"] for one in first["documents"]], first["next"]) == (["a", "b", "c"], "c")
    rest = api.call("GET", f"{PUSH}?limit=3&after=c", headers=token).json()
    assert ([one["id"] for one in rest["documents"]], rest["next"]) == (["d"], None)
    assert rest["documents"][0]["updated_at"] == _WHEN
    assert datetime.fromisoformat(rest["documents"][0]["loaded_at"]) <= datetime.now(UTC)
    nowhere = api.call("GET", "/v1/sources/no/documents", headers=api.token("push:no"))
    assert nowhere.status_code == 404


_WHEN = "2026-05-01T09:30:00Z"


def _listed(api: Api, token: dict[str, str]) -> list[Any]:
    found: list[Any] = api.call("GET", PUSH, headers=token).json()["documents"]
    return found


def _versions(shelf: Shelf) -> list[tuple[Any, ...]]:
    """Each chunk and vector, with the version of its row."""
    return shelf.rows(
        "SELECT 'chunk', id, xmin::text, ctid::text FROM chunk UNION ALL "
        "SELECT 'vector', chunk_id, xmin::text, ctid::text FROM embedding ORDER BY 1, 2"
    )
