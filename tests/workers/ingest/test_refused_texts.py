"""A text that a model's server refuses: its chunk is listed, and everything else goes on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.workers.answering.asking import only
from tests.workers.ingest.indexed import Indexed, Other
from workers.errors import ServerUnavailable, TextRefused
from workers.index import gate, versions
from workers.ingest import beginning, reindexing
from workers.ingest.batches import Batches
from workers.jobs import rows
from workers.jobs.rows import Shown
from workers.models.pairs import PAIRS


@dataclass
class Choosy(Other):
    """A server that refuses the calls with a certain word, or any."""

    word: str = "poison"
    error: type[Exception] = TextRefused
    calls: int = 0

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls += 1
        if any(self.word in one for one in texts):
            raise self.error("The server filters what it was sent.")
        return super().embed(texts)

    def take_tokens(self) -> int:
        return 0

    def within(self, seconds: float) -> "Choosy":
        return self


@pytest.fixture
def choosy(indexed: Indexed, monkeypatch: pytest.MonkeyPatch) -> Choosy:
    monkeypatch.setattr(reindexing, "_BATCH", 64)
    indexed.library.document("bad page", "A poison, and how to handle it.", only(indexed.alice))
    indexed.other = choosy = Choosy()
    return choosy


def test_a_text_that_the_server_refuses_is_listed_and_the_version_goes_on_without_its_vector(
    indexed: Indexed, choosy: Choosy
) -> None:
    job_id = indexed.begin()
    assert indexed.run(job_id) is Shown.DONE
    assert (indexed.active(), indexed.vectors("other")) == ("other", 6)
    counts = rows.job(indexed.database, job_id).counts
    assert (counts["embedded"], counts["refused"]) == (6, 1)
    assert counts["why"] == ["bad page, part 1: The server filters what it was sent."]
    with indexed.database.session("indexer") as session:
        newest, *_ = versions.all_versions(session)
        version = versions.active(session)
        assert version is not None
        assert versions.missing(session, version.model) == 0
    assert newest.gate["refused"] == 1
    assert choosy.calls < 20


def test_without_looking_for_the_one_text_a_re_index_fails_for_ever(
    indexed: Indexed, choosy: Choosy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same with the protection switched off."""
    monkeypatch.setattr(Batches, "embed", lambda self, texts: [*self._checked(texts)])
    job_id = indexed.begin()
    for _time in range(2):
        assert indexed.run(job_id) is Shown.FAILED
        rows.resume(indexed.database, job_id, actor="test")
    assert (indexed.active(), indexed.vectors("other")) == ("words", 0)


def test_what_was_refused_is_tried_again_by_hand_and_by_no_job_that_makes_itself(
    indexed: Indexed, choosy: Choosy
) -> None:
    indexed.run(indexed.begin())
    choosy.word = "nothing"
    beginning.fill_later(indexed.database, actor="test")
    (job,) = (
        one
        for one in rows.jobs(indexed.database)
        if one.state is Shown.WAITING and one.kind == beginning.KIND
    )
    assert indexed.run(job.id) is Shown.DONE
    assert indexed.vectors("other") == 6
    assert indexed.run(beginning.begin_filling(indexed.database, actor="test")) is Shown.DONE
    assert indexed.vectors("other") == 7


def test_a_server_that_refuses_every_text_fails_the_job_and_no_text_is_listed(
    indexed: Indexed, choosy: Choosy
) -> None:
    choosy.word = ""
    job_id = indexed.begin()
    with indexed.database.session("indexer") as session:
        versions.put_probe(session, 2, choosy.embed_one(PAIRS[0][1]).tolist())
    assert indexed.run(job_id) is Shown.FAILED
    assert indexed.active() == "words"
    assert indexed.sql("SELECT * FROM refused_text") == []


def test_a_text_at_which_the_server_fails_again_and_again_is_taken_for_refused(
    indexed: Indexed, choosy: Choosy
) -> None:
    """Fault: the server sends NaN, or an internal error, whenever it gets a certain text. At first
    that looks as if it were away."""
    choosy.error = ServerUnavailable
    job_id = indexed.begin()
    runs = 1
    while indexed.run(job_id) is Shown.WAITING:
        assert indexed.vectors("other") == 0
        runs += 1
    assert runs == 5
    assert (indexed.active(), indexed.vectors("other")) == ("other", 6)
    assert rows.job(indexed.database, job_id).counts["refused"] == 1


def test_a_server_that_is_away_again_and_again_is_not_taken_for_one_that_refuses(
    indexed: Indexed, choosy: Choosy
) -> None:
    choosy.word = "poison"
    choosy.error = ServerUnavailable
    job_id = indexed.begin()
    indexed.run(job_id)
    choosy.word = ""
    while indexed.run(job_id) is Shown.WAITING:
        pass
    assert indexed.shown(job_id) is Shown.FAILED
    assert indexed.sql("SELECT * FROM refused_text") == []


def test_a_model_that_refuses_many_texts_does_not_pass_the_check(
    indexed: Indexed, choosy: Choosy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_FEW", 5)
    choosy.word = "budget"
    job_id = indexed.begin()
    assert indexed.run(job_id) is Shown.FAILED
    reason = rows.job(indexed.database, job_id).reason
    assert "refuses the text of 6 of 7 chunks" in reason
    assert indexed.active() == "words"


def test_the_list_goes_with_the_text(indexed: Indexed, choosy: Choosy) -> None:
    indexed.run(indexed.begin())
    assert len(indexed.sql("SELECT * FROM refused_text")) == 1
    indexed.library.document("bad page", "Now it is harmless.", only(indexed.alice))
    assert indexed.sql("SELECT * FROM refused_text") == []
