"""A question is answered by one version of the index, whole, also while another is switched to."""

import threading
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from policies import Audience, visible_in
from policies.change import Change
from policies.tables.index import VersionState
from tests.workers.answering.asking import only
from tests.workers.ingest.indexed import Indexed, Other
from tests.workers.library import Library, WordEmbedder, direction
from tests.workers.slack_company import FakeAnswerer
from workers import sweeper
from workers.answering import by_version
from workers.answering.retrieval import retrieve
from workers.embedded.process import wait_until
from workers.errors import ServerUnavailable
from workers.index import versions
from workers.ingest import beginning
from workers.models.base import Passage
from workers.models.by_name import REST_S, QuestionEmbedders
from workers.observe import metrics
from workers.services import Services
from workers.settings import Settings

QUESTION = "zymurgy"
"""No document has its word: what is found is found by meaning alone."""
PAGES = 4
NEAR, FAR = direction(1.0), direction(0.0, 1.0)


@pytest.fixture
def services(library: Library, settings: Settings) -> Services:
    """Six pages, of which the model `words` finds the ones near that `other` finds far, and the
    other way round."""
    alice = library.person("alice")
    library.embedder.vectors[QUESTION] = NEAR
    for kind in ("words", "other"):
        for number in range(PAGES):
            near = kind == "words"
            library.document(
                f"{kind} {number}", f"Page {number}.", only(alice), vectors=[NEAR if near else FAR]
            )
    with library.database.session("indexer") as session:
        models = [versions.model_row(session, name, 384) for name in ("words", "other")]
        first = versions.put_first(session, models[:1], actor="test", reader_version=1)
        assert first == 1
        second = versions.begin(session, models[1:], actor="test", reader_version=1)
        versions.set_state(session, second, VersionState.READY)
    for kind in ("words", "other"):
        for number in range(PAGES):
            _add_vector(library, f"{kind} {number}", NEAR if kind == "other" else FAR)
    other = WordEmbedder("other", vectors={QUESTION: NEAR})
    embedders = QuestionEmbedders(lambda settings, name: other)
    return Services(
        settings,
        library.database,
        library.embedder,
        FakeAnswerer(),
        question_embedders=embedders,
    )


def _add_vector(library: Library, name: str, vector: NDArray[np.float32]) -> None:
    with library.database.session("indexer") as session:
        change = Change(session, actor="test")
        model_id = versions.model_row(change.session, "other", 384).id
        session.execute(
            text(
                "INSERT INTO embedding (chunk_id, model_id, document_id, vector)"
                " SELECT id, :model, document_id, CAST(:vector AS halfvec) FROM chunk"
                " WHERE document_id = :document"
            ),
            {
                "model": model_id,
                "vector": str([float(one) for one in vector]),
                "document": library.ids[name],
            },
        )


def switch(library: Library, version: int) -> None:
    with library.database.session("indexer") as session:
        versions.switch(Change(session, actor="test"), version)


def found(services: Services, library: Library) -> set[str]:
    """Which version each of the first passages came from."""
    audience = Audience.of([library.ids["alice"]])
    with by_version.snapshot(services, audience, [QUESTION]) as (session, (vectors,)):
        passages = search(services, session, audience, QUESTION, vectors, limit=PAGES)
    assert len(passages) == PAGES
    return {passage.document.split()[0] for passage in passages}


def test_the_next_question_after_a_switch_and_after_going_back_uses_that_version_whole(
    services: Services, library: Library
) -> None:
    assert found(services, library) == {"words"}
    switch(library, 2)
    assert found(services, library) == {"other"}
    switch(library, 1)
    assert found(services, library) == {"words"}


def test_while_versions_are_switched_no_question_fails_and_none_mixes_them(
    services: Services, library: Library
) -> None:
    """Fault: old and new index side by side. The checker knows which version each passage is of."""
    answers: list[frozenset[str]] = []
    failed: list[Exception] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            try:
                answers.append(frozenset(found(services, library)))
            except Exception as error:  # noqa: BLE001 - counted below
                failed.append(error)

    asking = [threading.Thread(target=ask) for _one in range(3)]
    for one in asking:
        one.start()
    try:
        for turn in range(8):
            wanted = len(answers) + 4
            switch(library, 2 - turn % 2)
            assert wait_until(partial(_are_many, answers, failed, wanted), 60)
    finally:
        ended.set()
        for one in asking:
            one.join()
    assert failed == []
    assert set(answers) == {frozenset({"words"}), frozenset({"other"})}


def search(
    services: Services,
    session: Session,
    audience: Audience,
    question: str,
    vectors: by_version.Vectors,
    *,
    limit: int,
) -> tuple[Passage, ...]:
    main = vectors.main
    return retrieve(
        session,
        audience,
        question,
        main.vector,
        model=main.model,
        slope=main.slope,
        offset=main.offset,
        comparison=vectors.comparison,
        limit=limit,
        index=services.index,
    )


def _are_many(answers: list[frozenset[str]], failed: list[Exception], wanted: int) -> bool:
    return len(answers) >= wanted or bool(failed)


def test_a_worker_that_did_not_look_again_would_compare_what_is_gone(
    services: Services, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the look inside the snapshot switched off, a question uses the version of before."""
    assert found(services, library) == {"words"}
    switch(library, 2)
    with monkeypatch.context() as off:
        off.setattr(versions, "active", lambda _session: services.index.version)
        assert found(services, library) == {"words"}
    assert found(services, library) == {"other"}


def test_a_vector_of_one_model_is_never_compared_with_those_of_another(
    services: Services, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A switch while the question is embedded: it is embedded again, by the new model."""
    assert found(services, library) == {"words"}
    embedded: list[str] = []
    vectors = by_version._vectors

    def meanwhile(services: Services, version: object, question: str) -> by_version.Vectors:
        made = vectors(services, version, question)  # type: ignore[arg-type]
        if not embedded:
            switch(library, 2)
        embedded.append(made.main.model)
        return made

    monkeypatch.setattr(by_version, "_vectors", meanwhile)
    assert found(services, library) == {"other"}
    assert embedded == ["words", "other"]


def test_codes_follow_vectors_that_are_added_to_the_active_version(
    services: Services, library: Library
) -> None:
    """A document that was stored without a vector gets one, and the worker's copy learns of it."""
    switch(library, 2)
    assert found(services, library) == {"other"}
    library.document("late", "Page late.", only(library.ids["alice"]), vectors=[FAR])
    indexed = Indexed(library, Other(made=lambda _vector: NEAR))
    job_id = beginning.begin_filling(library.database, actor="test")
    indexed.run(job_id)
    audience = Audience.of([library.ids["alice"]])
    with by_version.snapshot(services, audience, [QUESTION]) as (session, (vectors,)):
        passages = search(services, session, audience, QUESTION, vectors, limit=20)
        assert services.index.visible_chunks(session, visible_in(session, audience), "other") == 9
    assert "late" in [passage.document for passage in passages][: PAGES + 1]


def test_a_worker_reads_the_next_version_before_it_is_used_and_lets_go_of_the_one_before(
    services: Services, library: Library
) -> None:
    sweeper.hold_codes(services)
    assert set(services.index._copies) == {"words", "other"}
    switch(library, 2)
    sweeper.hold_codes(services)
    assert set(services.index._copies) == {"other"}
    assert found(services, library) == {"other"}


# -- a server that is away -------------------------------------------------------------------------


def test_a_model_server_that_is_away_stops_no_question_that_words_can_answer(
    services: Services, library: Library
) -> None:
    """The right page is found by its words, on the scale of relevance that answers rest on."""
    alice = library.ids["alice"]
    switch(library, 2)
    for name, words in (("right", "The zymurgy budget is large."), ("wrong", "Budgets are made.")):
        library.document(name, words, only(alice))

    def away(_settings: Settings, _name: str) -> WordEmbedder:
        raise ServerUnavailable("The server does not answer.")

    times = [0.0]
    embedders = QuestionEmbedders(away, lambda: times[0])
    broken = replace(services, question_embedders=embedders)
    before = _by_words()
    audience = Audience.of([alice])
    for question in ("What is the zymurgy budget?", "What is the zymurgy budget?"):
        with by_version.snapshot(broken, audience, [question]) as (session, (vectors,)):
            passages = search(broken, session, audience, question, vectors, limit=3)
        assert passages[0].document == "right"
        assert passages[0].relevance > 0.4
    assert _by_words() == before + 2
    assert _recorded(library) == [("other", "ServerUnavailable", True)], "once, not each time"

    bob = library.person("bob")
    with by_version.snapshot(broken, Audience.of([bob]), ["zymurgy"]) as (session, (vectors,)):
        assert not search(broken, session, Audience.of([bob]), "zymurgy", vectors, limit=3)
    times[0] += REST_S
    embedders.named = services.question_embedders.named
    with by_version.snapshot(broken, audience, [QUESTION]) as (session, (vectors,)):
        assert vectors.main.vector is not None
    assert _recorded(library)[-1] == ("other", "", False)


def _recorded(library: Library) -> list[tuple[str, str, bool]]:
    with library.database.session("ingress") as session:
        rows = session.execute(
            text("SELECT model, outcome, again_at IS NOT NULL FROM model_use ORDER BY id")
        )
        return [(model, outcome, rests) for model, outcome, rests in rows]


def _by_words() -> float:
    return metrics.REGISTRY.get_sample_value("ken_searches_by_words_total") or 0.0


def test_a_document_without_a_vector_is_found_by_its_words(
    services: Services, library: Library
) -> None:
    """Its server was away when it was loaded."""
    switch(library, 2)
    library.document("late", "All about zymurgy.", only(library.ids["alice"]), vectors=[FAR])
    audience = Audience.of([library.ids["alice"]])
    with by_version.snapshot(services, audience, [QUESTION]) as (session, (vectors,)):
        passages = search(services, session, audience, QUESTION, vectors, limit=PAGES + 1)
    assert "late" in {passage.document for passage in passages}
