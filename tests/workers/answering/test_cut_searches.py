"""A search of which a statement takes too long is made again by meaning alone."""

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from policies import Audience
from tests.workers.answering.asking import only
from tests.workers.library import Library, direction
from tests.workers.slack_company import FakeAnswerer
from workers.answering import retrieval, searching
from workers.index.matching import matching
from workers.observe import metrics
from workers.services import Services
from workers.settings import Settings

QUESTION = "What is the budget?"
Search = Callable[..., list[int]]


@pytest.fixture
def services(library: Library, settings: Settings) -> Services:
    """Alice's page is near the question, and Bob's as near; only Alice may read hers."""
    library.embedder.vectors[QUESTION] = direction(1.0)
    for name in ("alice", "bob"):
        reader = only(library.person(name))
        library.document(f"{name}'s", "The budget is canary.", reader, vectors=[direction(1.0)])
    return Services(settings, library.database, library.embedder, FakeAnswerer())


def found(services: Services, library: Library) -> list[str]:
    audience = Audience.of([library.ids["alice"]])
    return [one.document for one in searching.find(services, QUESTION, audience, limit=5).passages]


def how_often_cut() -> float:
    return metrics.REGISTRY.get_sample_value("ken_searches_cut_total") or 0.0


def endless(session: Session, *_: object, **__: object) -> list[int]:
    """A search by words that ends only when PostgreSQL ends it."""
    while True:
        session.execute(text("SELECT pg_sleep(60)"))


def test_a_statement_of_a_search_may_take_ten_seconds_and_of_other_work_a_minute(
    services: Services, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[str] = []

    def limited(search: Search) -> Search:
        def searched(session: Session, *given: object, **named: object) -> list[int]:
            limits.append(session.scalar(text("SELECT current_setting('statement_timeout')")) or "")
            return search(session, *given, **named)

        return searched

    monkeypatch.setattr(retrieval, "matching", limited(matching))
    assert found(services, library) == ["alice's"]
    with library.database.reading_for(Audience.of([library.ids["alice"]])) as session:
        limits.append(session.scalar(text("SELECT current_setting('statement_timeout')")) or "")
    assert limits == ["10s", "1min"]


def test_words_that_take_too_long_are_left_out_and_meaning_finds_the_same_for_the_same_reader(
    services: Services, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    audience = Audience.of([library.ids["alice"]])
    with (
        pytest.raises(OperationalError, match="statement timeout"),
        library.database.reading_for(audience, patience_s=1) as session,
    ):
        endless(session)  # so it would end the question
    before = how_often_cut()
    monkeypatch.setattr(retrieval, "matching", endless)
    monkeypatch.setattr(searching, "PATIENCE_S", 1)
    assert found(services, library) == ["alice's"]
    assert how_often_cut() == before + 1


def test_another_failure_of_the_database_is_not_taken_for_it(
    services: Services, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(session: Session, *_: object, **__: object) -> list[int]:
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return []

    before = how_often_cut()
    monkeypatch.setattr(retrieval, "matching", gone)
    with pytest.raises(OperationalError):
        found(services, library)
    assert how_often_cut() == before
