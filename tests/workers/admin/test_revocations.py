"""What a push takes away is taken away at once and for good, whatever goes wrong; each attack here
succeeds with its protection off.
"""

import base64
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from policies.change import Change
from policies.source import StoredNode
from policies.tables.permissions import NodeKind
from tests.workers.admin.calls import Api
from tests.workers.admin.pushed import mistakes, page, put, results, sync
from tests.workers.ingest.folder import FakeEmbedder, Shelf
from workers.errors import InputInvalid
from workers.ingest import push
from workers.ingest.parse import Parser
from workers.ingest.push import Pushing

pytestmark = pytest.mark.usefixtures("pushing")

Off = Callable[[str], None]
Call = Callable[..., Any]

BEN = {"allow": ["user:ben"]}
NOBODY: dict[str, Any] = {"allow": []}
BROKEN = {"name": "plan.pdf", "content": base64.b64encode(b"%PDF-1.4 and no more").decode()}


@pytest.fixture
def off(monkeypatch: pytest.MonkeyPatch) -> Off:
    """Switches a protection off, by its name."""

    def switch(name: str) -> None:
        if name == "hiding":
            monkeypatch.setattr(push._Batch, "_outdated", lambda *_: [])
        elif name == "looking again":
            monkeypatch.setattr(push._Batch, "_stored", _as_it_was)
        elif name == "taking the key first":
            monkeypatch.setattr(push, "begin", lambda *_: None)

    return switch


def _as_it_was(batch: push._Batch, _session: Any, native_id: str) -> StoredNode | None:
    return batch._held.get(native_id)


@pytest.fixture
def call(api: Api, token: dict[str, str]) -> Call:
    return partial(put, api, token)


def _during(embedder: FakeEmbedder, step: Callable[[], None]) -> None:
    """Do a step once, while a text is embedded."""
    works = embedder.embed_one

    def embed_one(text: str) -> Any:
        embedder.embed_one = works  # type: ignore[method-assign]
        step()
        return works(text)

    embedder.embed_one = embed_one  # type: ignore[method-assign]


# Readers that come with a text


@pytest.mark.parametrize("protection", ["on", "hiding"])
def test_who_loses_a_document_does_not_read_it_while_its_new_text_is_embedded(
    call: Call, embedder: FakeEmbedder, shelf: Shelf, off: Off, protection: str
) -> None:
    call(page("plan"))
    off(protection)
    seen: list[set[str]] = []
    _during(embedder, lambda: seen.append(shelf.readable_by("ana") | shelf.readable_by("ben")))

    assert results(call(page("plan", "New.", permissions=BEN))) == ["updated"]

    assert seen == [set() if protection == "on" else {"plan"}]
    assert (shelf.readable_by("ana"), shelf.readable_by("ben")) == (set(), {"plan"})


@pytest.mark.parametrize("protection", ["on", "hiding"])
@pytest.mark.parametrize(
    "refused",
    [
        [{**page("plan", None), "file": BROKEN, "permissions": NOBODY}],
        [page("plan", "New.", permissions=NOBODY), page("plan", permissions=BEN)],
        [page("plan", None, permissions=NOBODY), page("plan")],
        [page("plan", None, parent="none")],
        [page("plan", "New.", parent="none")],
    ],
    ids=["damaged", "twice", "once without a text", "moved without a text", "moved"],
)
def test_a_refused_document_is_read_by_nobody_whom_it_was_to_lose(
    call: Call, shelf: Shelf, off: Off, protection: str, refused: list[Any]
) -> None:
    """Its text stays, and opens again with readers that can be stored."""
    call(page("plan"))
    off(protection)

    assert set(results(call(*refused))) == {"refused"}

    assert shelf.readable_by("ana") == (set() if protection == "on" else {"plan"})
    assert shelf.texts() == {"plan": "All about plan."}
    call(page("plan"))
    assert shelf.readable_by("ana") == {"plan"}


def test_who_reads_on_or_comes_to_read_loses_nothing_meanwhile(
    call: Call, embedder: FakeEmbedder, shelf: Shelf
) -> None:
    call(page("plan"), page("more"))
    seen: list[set[str]] = []
    _during(embedder, lambda: seen.append(shelf.readable_by("ana")))
    both = {"allow": ["user:ana", "user:ben"]}

    call(page("plan", "New."), page("more", "New.", permissions=both))

    assert seen == [{"plan", "more"}]
    assert shelf.readable_by("ben") == {"more"}


def test_when_embedding_fails_what_was_taken_away_stays_away(
    call: Call, embedder: FakeEmbedder, shelf: Shelf
) -> None:
    call(page("plan"))

    def fail() -> None:
        raise RuntimeError

    _during(embedder, fail)
    answer = call(page("plan", "New.", permissions=BEN))
    assert (answer.status_code, "may have been done in part" in answer.text) == (500, True)
    assert shelf.readable_by("ana") == shelf.readable_by("ben") == set()


# A sync beside a push


@pytest.mark.parametrize("protection", ["on", "looking again"])
@pytest.mark.parametrize("words", ["All about plan.", None], ids=["stored", "new"])
def test_what_a_sync_took_away_meanwhile_is_not_brought_back(
    api: Api,
    call: Call,
    embedder: FakeEmbedder,
    shelf: Shelf,
    off: Off,
    protection: str,
    words: str | None,
) -> None:
    if words:
        call(page("plan", words))
    off(protection)
    gone = {"type": "node", "id": "plan", "kind": "document", "allow": []}
    _during(embedder, lambda: sync(api, gone))

    answer = call(page("plan", "New."))

    if protection == "on":
        assert mistakes(answer) == [("/documents/0", push._CHANGED_MEANWHILE)]
        assert shelf.texts() == ({"plan": words} if words else {})
    assert shelf.readable_by("ana") == (set() if protection == "on" else {"plan"})


@pytest.mark.parametrize("protection", ["on", "looking again"])
def test_unchanged_means_as_it_is_and_not_as_it_was(
    api: Api,
    call: Call,
    shelf: Shelf,
    off: Off,
    protection: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A sync lets Ben read while the call reads the text: that it must not call unchanged."""
    call(page("plan"))
    off(protection)
    node = {"type": "node", "id": "plan", "kind": "document", "allow": ["user:ana", "user:ben"]}
    reads = Parser.parse_content

    def parse_content(parser: Parser, name: str, content: bytes) -> Any:
        sync(api, node)
        return reads(parser, name, content)

    monkeypatch.setattr(Parser, "parse_content", parse_content)

    assert results(call(page("plan"))) == ["refused" if protection == "on" else "unchanged"]
    assert shelf.readable_by("ben") == {"plan"}


# One document that ends the others' chances


def test_a_folder_below_the_document_refuses_that_document_alone(
    api: Api, call: Call, shelf: Shelf
) -> None:
    """Without a text, too; and what the call took away from others counts."""
    call(page("book"), page("plan"))
    with api.database.session("syncer") as session:
        (source_id,) = shelf.rows("SELECT id FROM source WHERE name = 'wiki'")[0]
        (book,) = shelf.rows("SELECT id FROM node WHERE native_id = 'book'")[0]
        change = Change(session, actor="test")
        change.put_node(source_id, "annex", kind=NodeKind.CONTAINER, parent_id=book)

    answer = call(page("book", None, parent="annex"), page("plan", None, permissions=NOBODY))

    assert results(answer) == ["refused", "permissions"]
    assert mistakes(answer) == [("/documents/0/parent", push._BELOW_ITSELF)]
    assert shelf.readable_by("ana") == set()
    assert mistakes(call(page("book", "New.", parent="annex"))) == mistakes(answer)


# Without the models


@pytest.fixture
def without_models(api: Api, parser: Parser) -> None:
    """The index is by a model whose server is not set here."""

    def refuse() -> Any:
        raise InputInvalid("No server is set.", remedy="Set it.")

    api.app.state.pushing = Pushing(api.app.state.database, parser, refuse)


def test_taking_away_needs_no_model(
    call: Call, shelf: Shelf, request: pytest.FixtureRequest
) -> None:
    call(page("a"), page("b"), page("c"))
    request.getfixturevalue("without_models")

    assert results(call(page("a", None, permissions=NOBODY))) == ["permissions"]
    assert shelf.readable_by("ana") == {"b", "c"}
    answer = call(page("c", "New.", permissions=NOBODY), page("b", None, permissions=NOBODY))

    assert (answer.status_code, "may have been done in part" in answer.text) == (503, True)
    assert shelf.readable_by("ana") == set()
    assert shelf.texts()["c"] == "All about c."


# A request that is sent again


@pytest.mark.parametrize("protection", ["on", "taking the key first"])
def test_a_push_that_was_cut_off_is_not_carried_out_when_it_is_sent_again(
    call: Call,
    shelf: Shelf,
    off: Off,
    protection: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It counts, and then its process dies before it can store its answer."""
    off(protection)
    key = {"Idempotency-Key": "one"}
    with monkeypatch.context() as dying:
        dying.setattr(push, "remember", lambda *_: 1 / 0)
        assert call(page("plan"), **key).status_code == 500
    assert shelf.readable_by("ana") == {"plan"}
    call(page("plan", permissions=NOBODY))

    again = call(page("plan"), **key)

    assert again.status_code == (409 if protection == "on" else 200)
    assert shelf.readable_by("ana") == (set() if protection == "on" else {"plan"})


@pytest.mark.parametrize("protection", ["on", "taking the key first"])
def test_a_push_that_found_no_place_is_not_carried_out_later(
    api: Api, call: Call, shelf: Shelf, off: Off, protection: str
) -> None:
    """Another one has overtaken it since; only a new key says that this is what holds now."""
    off(protection)
    key = {"Idempotency-Key": "one"}
    with api.app.state.pushing.alone("wiki"):
        assert call(page("plan"), **key).status_code == 409
    call(page("plan", permissions=NOBODY))

    again = call(page("plan"), **key)

    assert again.status_code == (409 if protection == "on" else 200)
    assert shelf.readable_by("ana") == (set() if protection == "on" else {"plan"})
    assert results(call(page("plan"), **{"Idempotency-Key": "two"})) == (
        ["permissions"] if protection == "on" else ["unchanged"]
    )
