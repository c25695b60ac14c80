"""A load stores the vectors that questions compare, whichever version is active, and notices a
switch."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text

from policies.change import Change
from policies.tables.index import VersionState
from tests.workers.ingest.folder import FakeEmbedder, Folder, Shelf, document, user
from workers.errors import InputInvalid, ServerUnavailable
from workers.index import versions
from workers.ingest import beginning, reindexing
from workers.ingest import vectors as vectors_of_loads
from workers.jobs import rows
from workers.jobs.leases import work
from workers.jobs.rows import Shown
from workers.models import pairs


class Server(FakeEmbedder):
    """A model of a server: many texts in one call. It can be away."""

    def __init__(self) -> None:
        super().__init__(name="server")
        self.calls_of: list[int] = []
        self.is_away = False
        self.refuses = False
        self.made: Callable[[NDArray[np.float32]], NDArray[np.float32]] = lambda vectors: vectors

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.is_away:
            self.calls_of.append(0)
            raise ServerUnavailable("The server does not answer.")
        self.calls_of.append(len(texts))
        if self.refuses:
            raise InputInvalid("The server does not accept the key.")
        return self.made(np.stack([self.embed_one(one) for one in texts]))

    def take_tokens(self) -> int:
        return 0

    def within(self, seconds: float) -> "Server":
        return self


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    one = Server()
    defaults = (lambda _settings, _name: one,)
    monkeypatch.setattr(vectors_of_loads.Models.__init__, "__defaults__", defaults)
    return one


@pytest.fixture
def folder(folder: Folder) -> Folder:
    folder.principals(user("ana"))
    return folder


def make(shelf: Shelf, *, probe: Sequence[float] | None = None) -> int:
    """A version by the server's model, ready to be switched to."""
    with shelf.database.session("indexer") as session:
        first = [versions.model_row(session, "fake", 384)]
        versions.put_first(session, first, actor="test", reader_version=1)
        wanted = [versions.model_row(session, "server", 384)]
        made = versions.begin(session, wanted, actor="test", reader_version=1)
        versions.set_state(session, made, VersionState.READY)
        if probe is not None:
            versions.put_probe(session, made, probe)
    return made


def switch(shelf: Shelf, made: int) -> None:
    with shelf.database.session("indexer") as session:
        session.execute(text("DELETE FROM embedding"))
        session.execute(text("DELETE FROM chunk"))
        versions.switch(Change(session, actor="test"), made)


def filled(shelf: Shelf, server: Server) -> rows.JobFacts:
    """The open re-index, after a worker took it."""
    (job,) = rows.jobs(shelf.database, open_only=True)
    kinds: dict[str, Any] = {
        beginning.KIND: lambda database, running: reindexing.reindex(
            database, running, lambda _settings, _name: server
        )
    }
    work(shelf.database, job.id, kinds)
    return rows.job(shelf.database, job.id)


def by_model(shelf: Shelf) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, model in shelf.rows("""
        SELECT native_id, embedding_model.name FROM document
        JOIN embedding ON embedding.document_id = document.id
        JOIN embedding_model ON embedding_model.id = model_id
    """):
        found.setdefault(name, set()).add(model)
    return found


def test_a_load_embeds_by_the_active_version_in_one_call_a_document(
    folder: Folder, shelf: Shelf, server: Server
) -> None:
    switch(shelf, make(shelf))
    long = "\n\n".join(f"# Part {number}\n\n{'Many words. ' * 60}" for number in range(3))
    folder.documents(document("book", "user:ana", text=long))
    shelf.load(folder)
    assert by_model(shelf) == {"book": {"server"}}
    assert server.calls_of == [3]
    assert shelf.embedder.calls == 0


def test_a_version_that_is_switched_to_in_the_middle_of_a_load(
    folder: Folder, shelf: Shelf, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault: the embedding model changes in the middle of a load."""
    names = [f"page {number}" for number in range(12)]
    folder.documents(*(document(name, "user:ana") for name in names))
    made = make(shelf)
    stored: list[str] = []

    def point(here: str) -> None:
        stored.append(here)
        if stored.count("document_committed") == 2 and here == "document_committed":
            switch(shelf, made)

    monkeypatch.setattr("workers.ingest.pipeline.crashpoint", point)
    report = shelf.load(folder)

    assert report.new == 12
    found = by_model(shelf)
    assert {name: found[name] for name in names[2:]} == {name: {"server"} for name in names[2:]}


def test_without_the_look_a_load_would_store_vectors_that_no_question_compares(
    folder: Folder, shelf: Shelf, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same with the protection switched off."""
    folder.documents(*(document(f"page {number}", "user:ana") for number in range(4)))
    made = make(shelf)
    stored: list[str] = []

    def point(here: str) -> None:
        stored.append(here)
        if stored == ["document_written", "document_committed"]:
            switch(shelf, made)

    monkeypatch.setattr("workers.ingest.pipeline.crashpoint", point)
    monkeypatch.setattr(vectors_of_loads.Models, "require", lambda *_: None)
    shelf.load(folder)
    assert set().union(*by_model(shelf).values()) == {"fake"}


def test_while_the_server_is_away_documents_are_stored_and_a_job_adds_their_vectors(
    folder: Folder, shelf: Shelf, server: Server
) -> None:
    switch(shelf, make(shelf))
    server.is_away = True
    folder.documents(document("plan", "user:ana"), document("other", "user:ana"))

    report = shelf.load(folder)

    assert (report.new, report.by_words_alone) == (2, 2)
    assert not by_model(shelf)
    assert set(shelf.texts()) == {"plan", "other"}
    (job,) = rows.jobs(shelf.database, open_only=True)
    assert job.kind == beginning.KIND
    shelf.load(folder)
    assert len(rows.jobs(shelf.database)) == 1

    server.is_away = False
    assert filled(shelf, server).id == job.id
    assert by_model(shelf) == {"plan": {"server"}, "other": {"server"}}


def test_a_model_that_no_setting_reaches_stops_a_load_before_it_changes_anything(
    folder: Folder, shelf: Shelf
) -> None:
    switch(shelf, make(shelf))
    before = shelf.dump()
    folder.documents(document("plan", "user:ana"))
    with pytest.raises(InputInvalid, match="no server for others is set"):
        shelf.load(folder)
    assert shelf.dump() == before


def test_another_model_behind_the_same_name_gives_no_vectors_to_a_load(
    folder: Folder, shelf: Shelf, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault: the model behind a server's name changes in the middle of a load. Documents are stored
    and found by their words, and the job that would add the vectors says what is wrong."""
    switch(shelf, make(shelf, probe=server.embed_one(pairs.PAIRS[0][1]).tolist()))
    folder.documents(document("before", "user:ana"))
    shelf.load(folder)
    server.made = lambda vectors: np.roll(vectors, 7)
    folder.documents(*(document(name, "user:ana") for name in ("before", "plan", "other")))

    report = shelf.load(folder)

    assert (report.new, report.by_words_alone) == (2, 2)
    assert by_model(shelf) == {"before": {"server"}}
    assert filled(shelf, server).state is Shown.FAILED
    assert "Another model answers under the name" in rows.jobs(shelf.database)[0].reason

    monkeypatch.setattr(pairs, "is_same_model", lambda *_: True)
    folder.documents(*(document(name, "user:ana") for name in ("before", "plan", "other", "mixed")))
    shelf.load(folder)
    assert "mixed" in by_model(shelf), "so it is with the protection switched off"


def test_vectors_of_another_length_are_stored_by_no_load(
    folder: Folder, shelf: Shelf, server: Server
) -> None:
    """Also for a version of which no vector is known to tell its model by."""
    switch(shelf, make(shelf))
    server.made = lambda vectors: vectors[:, :100]
    folder.documents(document("plan", "user:ana"))
    assert shelf.load(folder).by_words_alone == 1
    assert not by_model(shelf)


def test_a_server_that_is_away_is_waited_for_once_and_then_rests(
    folder: Folder, shelf: Shelf, server: Server
) -> None:
    """Fault: the embeddings server is away. A load of many documents waits for it once."""
    switch(shelf, make(shelf))
    server.is_away = True
    names = [f"page {number}" for number in range(40)]
    folder.documents(*(document(name, "user:ana") for name in names))
    report = shelf.load(folder)
    assert (report.new, report.by_words_alone) == (40, 40)
    assert 1 <= len(server.calls_of) <= 10, "those that were under way already"


def test_a_server_that_refuses_stops_no_load_and_no_change_of_readers(
    folder: Folder, shelf: Shelf, server: Server
) -> None:
    """Fault: the server takes the key no more. What a load hid because its readers changed is
    readable again at its end."""
    switch(shelf, make(shelf))
    folder.documents(document("plan", "user:ana"))
    shelf.load(folder)
    server.refuses = True
    folder.principals(user("ana"), user("bo"))
    folder.documents(document("new", "user:ana"), document("plan", "user:bo"))

    report = shelf.load(folder)

    assert (report.new, report.by_words_alone) == (1, 1)
    assert (shelf.readable_by("ana"), shelf.readable_by("bo")) == ({"new"}, {"plan"})
