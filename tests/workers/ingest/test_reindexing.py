"""Re-indexing: built beside, checked, switched in one step, gone back to; interrupted anywhere."""

import os
import random
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text

from policies.tables.index import VersionState
from tests.workers.answering.asking import only
from tests.workers.library import Library, WordEmbedder
from workers.database.sessions import Database
from workers.errors import InputInvalid, ServerUnavailable
from workers.index import versions
from workers.ingest import reindexing
from workers.jobs import leases, rows
from workers.jobs.leases import work
from workers.jobs.rows import OpenAlready, Shown
from workers.models.base import BatchEmbedder
from workers.settings import Settings

BEFORE = [("words", 384)]


@dataclass
class Other(WordEmbedder):
    """Another model: bags of words, turned round. It can be made to fail at a call, or to lie."""

    name: str = "other"
    embedded: list[str] = field(default_factory=list)
    at_call: dict[int, Callable[[], object]] = field(default_factory=dict)
    made: Callable[[NDArray[np.float32]], NDArray[np.float32]] = lambda vectors: vectors

    def embed_one(self, text: str) -> NDArray[np.float32]:
        self.embedded.append(text)
        if (act := self.at_call.get(len(self.embedded))) is not None:
            act()
        return self.made(super().embed_one(text)[::-1].copy())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self.made(super(Other, self).embed_one(one)[::-1]) for one in texts])


@dataclass
class Indexed:
    """A library of a few documents, and a second model to index it by."""

    library: Library
    other: Other = field(default_factory=Other)
    jobs: int = 0

    @property
    def database(self) -> Any:
        return self.library.database

    def named(self, _settings: Settings, name: str) -> BatchEmbedder:
        first = Other("words", made=lambda vectors: vectors[..., ::-1].copy())
        return {"other": self.other, "words": first}[name]

    def begin(self, *models: tuple[str, int], budget: float | None = None) -> int:
        return reindexing.begin(
            self.database,
            models or [("other", 384)],
            actor="test",
            before=BEFORE,
            budget=budget,
        )

    def run(self, job_id: int) -> Shown:
        """Work on it until it rests or ends."""
        self.sql("UPDATE job SET due_at = now() WHERE id = :id", id=job_id)
        kinds = {
            reindexing.KIND: lambda database, running: reindexing.reindex(
                database, running, self.named
            ),
            reindexing.DROP: reindexing.drop_vectors,
        }
        work(self.database, job_id, kinds)
        return rows.job(self.database, job_id).state

    @property
    def alice(self) -> int:
        return self.library.ids["alice"]

    def shown(self, job_id: int) -> Shown:
        return rows.job(self.database, job_id).state

    def active(self) -> str:
        with self.database.session("answerer") as session:
            found = versions.active(session)
        return found.names if found else "none"

    def states(self) -> list[str]:
        with self.database.session("indexer") as session:
            return [f"{one.model} {one.state}" for one in versions.all_versions(session)]

    def vectors(self, model: str) -> int:
        (found,) = self.sql(
            "SELECT count(*) FROM embedding JOIN embedding_model ON embedding_model.id = model_id"
            " WHERE name = :name",
            name=model,
        )
        return int(found[0])

    def sql(self, words: str, **given: Any) -> list[Any]:
        with self.database.session("indexer") as session:
            result = session.execute(text(words), given)
            return list(result.all()) if result.returns_rows else []


@pytest.fixture
def indexed(library: Library, monkeypatch: pytest.MonkeyPatch) -> Indexed:
    monkeypatch.setattr(reindexing, "_BATCH", 2)
    alice = library.person("alice")
    for number in range(6):
        library.document(f"page {number}", f"The budget of part {number} is large.", only(alice))
    return Indexed(library)


def test_a_version_is_built_beside_the_active_one_checked_and_switched_to(
    indexed: Indexed,
) -> None:
    job_id = indexed.begin()
    assert indexed.active() == "words"
    assert indexed.states() == ["other building", "words active"]

    assert indexed.run(job_id) is Shown.DONE

    found = rows.job(indexed.database, job_id)
    assert indexed.active() == "other"
    assert indexed.states() == ["other active", "words retired"]
    assert found.counts["embedded"] == 6
    assert (indexed.vectors("words"), indexed.vectors("other")) == (6, 6)
    with indexed.database.session("indexer") as session:
        newest, _before = versions.all_versions(session)
    assert newest.gate["recall"] == 1.0
    assert newest.gate["pairs_first"] >= 0.75


def test_going_back_is_one_switch_and_embeds_nothing(indexed: Indexed) -> None:
    indexed.run(indexed.begin())
    job_id, version = reindexing.begin_roll_back(indexed.database, actor="test")
    assert version.names == "words"
    assert indexed.run(job_id) is Shown.DONE
    assert indexed.states() == ["other retired", "words active"]
    assert rows.job(indexed.database, job_id).counts["embedded"] == 0


def test_without_an_earlier_version_there_is_nothing_to_go_back_to(indexed: Indexed) -> None:
    with pytest.raises(InputInvalid, match="no earlier version"):
        reindexing.begin_roll_back(indexed.database, actor="test")
    assert rows.jobs(indexed.database) == []


def test_two_re_indexes_at_once_are_refused_and_nothing_is_changed(indexed: Indexed) -> None:
    job_id = indexed.begin()
    with pytest.raises(OpenAlready, match=f"Job {job_id} "):
        indexed.begin()
    with pytest.raises(OpenAlready):
        reindexing.begin_roll_back(indexed.database, actor="test")
    assert indexed.states() == ["other building", "words active"]
    assert indexed.run(job_id) is Shown.DONE


POINTS = (
    *("job_taken", "vectors_written", "vectors_committed", "version_ready", "switch_written"),
    *("switch_committed", "job_ended"),
)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_step_it_goes_on_and_embeds_nothing_committed_again(
    indexed: Indexed, point: str
) -> None:
    """Fault: a re-index is killed (kill -9) at each step. The old index is whole until the switch,
    the new one from then on."""
    job_id = indexed.begin()
    killed_by(indexed, job_id, lambda here: here == point)
    switched = point in ("switch_committed", "job_ended")
    assert indexed.active() == ("other" if switched else "words")
    committed = indexed.vectors("other")

    if point != "job_ended":
        assert indexed.run(job_id) is Shown.DONE

    assert indexed.active() == "other"
    assert indexed.vectors("other") == 6
    assert len(indexed.other.embedded) == 6 - committed


def test_killed_again_and_again_it_ends_and_embeds_nothing_committed_again(
    indexed: Indexed,
) -> None:
    chance = random.Random(7)
    for number in range(18):
        indexed.library.document(f"more {number}", f"Part {number}.", only(indexed.alice))
    job_id = indexed.begin()
    deaths = 0
    while indexed.shown(job_id) is not Shown.DONE:
        assert indexed.shown(job_id) is Shown.WAITING
        before, steps = indexed.vectors("other"), chance.randint(2, 9)
        assert indexed.active() == ("other" if indexed.states()[0] == "other active" else "words")
        deaths += killed_by(indexed, job_id, _Countdown(steps))
        # at most the batch that was not committed is embedded again
        assert indexed.vectors("other") >= before
    assert deaths >= 5
    assert (indexed.vectors("other"), indexed.active()) == (24, "other")
    assert rows.job(indexed.database, job_id).counts["embedded"] <= 24 + 2 * deaths


@dataclass
class _Countdown:
    """True the n-th time that it is asked."""

    left: int

    def __call__(self, _here: str) -> bool:
        self.left -= 1
        return self.left == 0


def killed_by(indexed: Indexed, job_id: int, at: Callable[[str], bool]) -> bool:
    """Work on a job in a process that is killed at a crashpoint; return whether it was."""
    child = os.fork()
    if child == 0:
        try:
            _work_until_killed(indexed, job_id, at)
        finally:
            os._exit(0)
    _pid, status = os.waitpid(child, 0)
    indexed.sql("UPDATE job SET leased_until = '-infinity'")  # time passes
    return os.WIFSIGNALED(status)


def _work_until_killed(indexed: Indexed, job_id: int, at: Callable[[str], bool]) -> None:
    def point(here: str) -> None:
        if at(here):
            os.kill(os.getpid(), signal.SIGKILL)

    for module in (reindexing, leases):
        vars(module)["crashpoint"] = point
    indexed.library.database = Database(indexed.database.settings)
    indexed.run(job_id)


def test_a_cancelled_one_changes_nothing_and_a_later_one_takes_its_vectors_over(
    indexed: Indexed,
) -> None:
    job_id = indexed.begin()
    indexed.other.at_call[3] = lambda: rows.cancel(indexed.database, job_id)
    assert indexed.run(job_id) is Shown.CANCELLED
    assert indexed.states() == ["other cancelled", "words active"]
    kept = indexed.vectors("other")
    assert kept > 0

    indexed.other.embedded.clear()
    assert indexed.run(indexed.begin()) is Shown.DONE
    assert len(indexed.other.embedded) == 6 - kept
    assert indexed.active() == "other"


def test_one_that_is_paused_goes_on_where_it_was(indexed: Indexed) -> None:
    job_id = indexed.begin()
    indexed.other.at_call[3] = lambda: rows.pause(indexed.database, job_id)
    assert indexed.run(job_id) is Shown.PAUSED
    rows.resume(indexed.database, job_id)
    assert indexed.run(job_id) is Shown.DONE
    assert len(indexed.other.embedded) == 6


def test_what_is_stored_meanwhile_has_its_vectors_before_the_switch(
    indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once before the check, once between the last vector and the switch."""
    stored: list[str] = []

    def store(here: str) -> None:
        if here in ("vectors_committed", "version_ready") and here not in stored:
            stored.append(here)
            alice = indexed.library.ids["alice"]
            indexed.library.document(here, f"New: {here}.", only(alice))

    monkeypatch.setattr(reindexing, "crashpoint", store)
    assert indexed.run(indexed.begin()) is Shown.DONE
    assert len(stored) == 2
    assert indexed.vectors("other") == 8


def test_a_switch_waits_for_the_last_vector(
    indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored in the last moment: the switch sees it, and is tried again."""
    switch, tried = versions.switch, [0]

    def late(change: Any, version_id: int) -> Any:
        tried[0] += 1
        if tried[0] == 1:
            indexed.sql("DELETE FROM embedding WHERE chunk_id = (SELECT max(id) FROM chunk)")
            change.session.execute(
                text(
                    "DELETE FROM embedding WHERE chunk_id IN (SELECT id FROM chunk LIMIT 1)"
                    " AND model_id = (SELECT id FROM embedding_model WHERE name = 'other')"
                )
            )
        return switch(change, version_id)

    monkeypatch.setattr(versions, "switch", late)
    assert indexed.run(indexed.begin()) is Shown.DONE
    assert tried[0] == 2
    assert indexed.vectors("other") == 6


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        (lambda vectors: vectors * np.nan, "NaN"),
        (lambda vectors: vectors * 0, "NaN or zero"),
        (lambda vectors: vectors[..., :100], "shape"),
    ],
    ids=["nan", "zero", "short"],
)
def test_vectors_that_are_none_are_refused_and_the_old_index_stays_whole(
    indexed: Indexed, lie: Any, why: str
) -> None:
    indexed.other.made = lie
    job_id = indexed.begin()
    assert indexed.run(job_id) is Shown.WAITING, "a server may mend that"
    assert why in rows.job(indexed.database, job_id).reason
    assert indexed.active() == "words"
    assert (indexed.vectors("words"), indexed.vectors("other")) == (6, 0)


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        (lambda vectors: np.roll(np.abs(vectors) * 0 + 1.0, 1), "does not compare meanings"),
        (lambda vectors: np.random.default_rng().normal(size=vectors.shape), "compare meanings"),
    ],
    ids=["all the same", "by chance"],
)
def test_a_model_that_compares_nothing_does_not_pass_the_check(
    indexed: Indexed, lie: Any, why: str
) -> None:
    indexed.other.made = lambda vectors: lie(vectors).astype(np.float32)
    job_id = indexed.begin()
    assert indexed.run(job_id) is Shown.FAILED
    assert why in rows.job(indexed.database, job_id).reason
    assert indexed.states() == ["other cancelled", "words active"]


def test_one_that_failed_its_check_is_checked_again_before_it_is_ever_switched_to(
    indexed: Indexed,
) -> None:
    """Resuming its job must not go past the check."""
    indexed.other.made = lambda vectors: np.ones_like(vectors) / np.sqrt(384)
    job_id = indexed.begin()
    for _time in range(2):
        assert indexed.run(job_id) is Shown.FAILED
        assert "does not compare meanings" in rows.job(indexed.database, job_id).reason
        assert indexed.active() == "words"
        rows.resume(indexed.database, job_id)
    indexed.sql("DELETE FROM embedding WHERE model_id <> 1")
    indexed.other.made = lambda vectors: vectors
    assert indexed.run(job_id) is Shown.DONE
    assert indexed.active() == "other"


def test_one_that_is_cancelled_while_nobody_works_on_it_is_given_up(indexed: Indexed) -> None:
    job_id = indexed.begin()
    reindexing.tidy(indexed.database)
    assert indexed.states()[0] == "other building"
    rows.cancel(indexed.database, job_id)
    reindexing.tidy(indexed.database)
    assert indexed.states()[0] == "other cancelled"
    assert [job.kind for job in rows.jobs(indexed.database, open_only=True)] == [reindexing.DROP]


def test_a_model_with_another_dimension_than_before_is_refused(indexed: Indexed) -> None:
    indexed.run(indexed.begin())
    with pytest.raises(InputInvalid, match="vectors of 512 numbers now; the index knows it with"):
        indexed.begin(("words", 512))
    assert indexed.states() == ["other active", "words retired"]
    indexed.other.dimension = 512
    job_id = indexed.begin(("other", 384))
    assert indexed.run(job_id) is Shown.FAILED
    assert "vectors of 512 numbers, not 384" in rows.job(indexed.database, job_id).reason


def test_a_model_that_became_another_under_its_name_is_noticed(indexed: Indexed) -> None:
    indexed.run(indexed.begin())
    indexed.run(reindexing.begin_roll_back(indexed.database, actor="test")[0])
    indexed.other.made = lambda vectors: np.roll(vectors, 7)
    job_id, _version = reindexing.begin_roll_back(indexed.database, actor="test")
    assert indexed.run(job_id) is Shown.FAILED
    assert "Another model answers under the name" in rows.job(indexed.database, job_id).reason
    assert indexed.active() == "words"


def test_vectors_that_another_model_left_behind_do_not_pass_the_check(indexed: Indexed) -> None:
    """Fault: the model behind a name changed since an earlier re-index by it was given up."""
    job_id = indexed.begin()
    indexed.other.at_call[3] = lambda: rows.cancel(indexed.database, job_id)
    assert indexed.run(job_id) is Shown.CANCELLED
    assert 0 < indexed.vectors("other") < 6
    indexed.other.made = lambda vectors: np.roll(vectors, 7)
    job_id = indexed.begin()
    assert indexed.run(job_id) is Shown.FAILED
    assert "are by another model than the one" in rows.job(indexed.database, job_id).reason
    assert indexed.states()[0] == "other cancelled"
    assert indexed.active() == "words"


@dataclass
class Served(Other):
    """The same at a server, which may change it between two calls."""

    changes_after: int = 1_000
    calls: int = 0

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls += 1
        found = super().embed(texts)
        return np.roll(found, 7, axis=1) if self.calls > self.changes_after else found

    def take_tokens(self) -> int:
        return 0


@pytest.mark.parametrize("paused", [False, True])
def test_a_model_that_changes_while_a_version_is_built_stops_it(
    indexed: Indexed, monkeypatch: pytest.MonkeyPatch, *, paused: bool
) -> None:
    """Fault: between two batches, or while it is paused. Nothing of the other model is stored."""
    indexed.other = server = Served(changes_after=1_000)
    job_id = indexed.begin()

    def meanwhile(here: str) -> None:
        if here == "vectors_committed":
            server.changes_after = server.calls
            if paused:
                rows.pause(indexed.database, job_id)

    monkeypatch.setattr(reindexing, "crashpoint", meanwhile)
    if paused:
        assert indexed.run(job_id) is Shown.PAUSED
        rows.resume(indexed.database, job_id)
    assert indexed.run(job_id) is Shown.FAILED
    assert "Another model answers under the name" in rows.job(indexed.database, job_id).reason
    assert indexed.vectors("other") == 2
    assert indexed.active() == "words"


def test_a_full_disk_puts_it_back_and_says_so(
    indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As PostgreSQL says it: class 53."""
    job_id = indexed.begin()
    full = "DO $$ BEGIN RAISE SQLSTATE '53100'; END $$"

    def fill(here: str) -> None:
        if here == "vectors_committed":
            indexed.sql(full)

    with monkeypatch.context() as broken:
        broken.setattr(reindexing, "crashpoint", fill)
        assert indexed.run(job_id) is Shown.WAITING
    assert "no room left" in rows.job(indexed.database, job_id).reason
    assert indexed.active() == "words"
    assert indexed.run(job_id) is Shown.DONE


def test_what_is_not_used_any_more_is_deleted_in_bites_and_what_is_used_again_is_not(
    indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindexing, "_BITE", 2)
    indexed.run(indexed.begin())
    (drop,) = rows.jobs(indexed.database, open_only=True)
    assert (drop.kind, drop.due_at > drop.created_at) == (reindexing.DROP, True)

    indexed.run(reindexing.begin_roll_back(indexed.database, actor="test")[0])
    assert indexed.run(drop.id) is Shown.DONE
    assert indexed.vectors("words") == 6, "it is used again"

    (drop,) = rows.jobs(indexed.database, open_only=True)
    indexed.sql("UPDATE index_version SET ended_at = ended_at - interval '7 days'")
    assert indexed.run(drop.id) is Shown.DONE
    assert rows.job(indexed.database, drop.id).counts == {"deleted": 6}
    assert (indexed.vectors("words"), indexed.vectors("other")) == (6, 0)
    assert indexed.states() == ["other dropped", "words active"]
    assert indexed.active() == "words"


def test_an_old_job_deletes_nothing_of_a_version_that_was_used_since(indexed: Indexed) -> None:
    """It was gone back to and left again: from then on it is kept as long as any other."""
    indexed.run(indexed.begin())
    (old,) = rows.jobs(indexed.database, open_only=True)
    indexed.run(reindexing.begin_roll_back(indexed.database, actor="test")[0])
    indexed.run(reindexing.begin_roll_back(indexed.database, actor="test")[0])
    assert indexed.states() == ["other active", "words retired"]

    assert indexed.run(old.id) is Shown.DONE
    assert indexed.vectors("words") == 6
    reindexing.tidy(indexed.database)
    open_jobs = {job.subject: job for job in rows.jobs(indexed.database, open_only=True)}
    assert open_jobs[old.subject].due_at > open_jobs[old.subject].created_at
    _job, version = reindexing.begin_roll_back(indexed.database, actor="test")
    assert version.names == "words"


def test_filling_adds_what_the_active_version_lacks(indexed: Indexed) -> None:
    indexed.run(indexed.begin())
    indexed.sql("DELETE FROM embedding WHERE chunk_id = (SELECT min(id) FROM chunk)")
    assert indexed.run(reindexing.begin_filling(indexed.database, actor="test")) is Shown.DONE
    assert indexed.vectors("other") == 6


def test_what_would_be_embedded_is_told_before(indexed: Indexed) -> None:
    before = reindexing.estimate(indexed.database, ["other"])
    indexed.run(indexed.begin())
    after = reindexing.estimate(indexed.database, ["other"])
    assert (before.chunks, before.known, before.tokens > 20) == (6, 0, True)
    assert (after.chunks, after.known, after.tokens) == (6, 6, 0)


def test_text_is_embedded_once_however_many_chunks_have_it(indexed: Indexed) -> None:
    alice = indexed.library.ids["alice"]
    for name in ("one", "two", "three"):
        indexed.library.document(name, "Twice told.", only(alice), title="Same")
    job_id = indexed.begin()
    assert indexed.run(job_id) is Shown.DONE
    counts = rows.job(indexed.database, job_id).counts
    assert (counts["embedded"], counts["taken_over"]) == (7, 2)


def test_a_server_that_is_away_is_waited_for(indexed: Indexed) -> None:
    def away() -> None:
        raise ServerUnavailable("The model server does not answer.")

    indexed.other.at_call[4] = away
    job_id = indexed.begin()
    assert indexed.run(job_id) is Shown.WAITING
    assert indexed.run(job_id) is Shown.DONE
    assert indexed.states()[0] == f"other {VersionState.ACTIVE}"


def test_nobody_but_the_indexer_makes_a_version(indexed: Indexed) -> None:
    for role in ("answerer", "ingress", "syncer"):
        with (
            pytest.raises(Exception, match="permission denied"),
            indexed.database.session(role) as session,
        ):
            session.execute(text("UPDATE index_version SET state = 'active'"))
