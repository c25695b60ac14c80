"""A person who may not read a document gets the same bytes, whether or not it exists."""

import pytest

from tests.prove import pairs
from tests.prove.pairs import (
    Tally,
    limit_before_filter,
    mann_whitney,
    play,
    rarity_of_all_documents,
)
from workers.answering import retrieval
from workers.database.sessions import Database


def test_invisible_documents_change_no_byte(database: Database) -> None:
    """Threats 16 to 18: a slice of what `make prove` runs."""
    tally = played(database, worlds=3)
    assert tally.differing_bytes == 0, tally.wrong
    assert tally.answered > 10


def test_a_ranking_that_looks_at_all_documents_is_seen(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threats 16 and 18: what this file claims can fail, in the same worlds."""
    monkeypatch.setattr(retrieval, "DEPTH", 10)
    monkeypatch.setattr(pairs, "VISIBLE", 25)
    monkeypatch.setattr(pairs, "PLACES", pairs.PLACES[2:7])
    for leak in (rarity_of_all_documents, limit_before_filter):
        with leak(database):
            seen = (played(database, worlds=2, seed=seed).differing_bytes for seed in range(1, 9))
            assert any(seen)
    assert played(database, worlds=2).differing_bytes == 0


def played(database: Database, *, worlds: int, seed: int = 1) -> Tally:
    tally = Tally()
    play(database, seed, tally, worlds=worlds, questions=2)
    assert tally.paired_worlds > 5
    return tally


def test_times_of_one_distribution_look_alike() -> None:
    one = [float(n) for n in range(100)]
    assert mann_whitney(one, [n + 0.5 for n in one]) > 0.9
    assert mann_whitney(one, [n + 40.0 for n in one]) < 0.001
