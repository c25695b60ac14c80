"""Re-indexing: built beside, checked, switched in one step, gone back to; interrupted anywhere."""

import os
import random
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text

from policies.tables.index import VersionState
from tests.workers.answering.asking import only
from tests.workers.ingest.indexed import BEFORE, Indexed, Other
from workers.database.sessions import Database
from workers.errors import InputInvalid, ServerUnavailable
from workers.index import copy, versions
from workers.index.copy import Index
from workers.ingest import beginning, reindexing
from workers.jobs import leases, rows, schedules
from workers.jobs.rows import OpenAlready, Shown


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
    job_id, version = beginning.begin_roll_back(indexed.database, actor="test")
    assert version.names == "words"
    assert indexed.run(job_id) is Shown.DONE
    assert indexed.states() == ["other retired", "words active"]
    assert rows.job(indexed.database, job_id).counts["embedded"] == 0


def test_without_an_earlier_version_there_is_nothing_to_go_back_to(indexed: Indexed) -> None:
    with pytest.raises(InputInvalid, match="no earlier version"):
        beginning.begin_roll_back(indexed.database, actor="test")
    assert rows.jobs(indexed.database) == []


def test_two_re_indexes_at_once_are_refused_and_nothing_is_changed(indexed: Indexed) -> None:
    job_id = indexed.begin()
    with pytest.raises(OpenAlready, match=f"Job {job_id} "):
        indexed.begin()
    with pytest.raises(OpenAlready):
        beginning.begin_roll_back(indexed.database, actor="test")
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
    indexed.other.at_call[3] = lambda: rows.cancel(indexed.database, job_id, actor="test")
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
    indexed.other.at_call[3] = lambda: rows.pause(indexed.database, job_id, actor="test")
    assert indexed.run(job_id) is Shown.PAUSED
    rows.resume(indexed.database, job_id, actor="test")
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
        rows.resume(indexed.database, job_id, actor="test")
    indexed.sql("DELETE FROM embedding WHERE model_id <> 1")
    indexed.other.made = lambda vectors: vectors
    assert indexed.run(job_id) is Shown.DONE
    assert indexed.active() == "other"


def test_one_that_is_cancelled_while_nobody_works_on_it_is_given_up(indexed: Indexed) -> None:
    job_id = indexed.begin()
    reindexing.tidy(indexed.database)
    assert indexed.states()[0] == "other building"
    rows.cancel(indexed.database, job_id, actor="test")
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
    indexed.run(beginning.begin_roll_back(indexed.database, actor="test")[0])
    indexed.other.made = lambda vectors: np.roll(vectors, 7)
    job_id, _version = beginning.begin_roll_back(indexed.database, actor="test")
    assert indexed.run(job_id) is Shown.FAILED
    assert "Another model answers under the name" in rows.job(indexed.database, job_id).reason
    assert indexed.active() == "words"


def test_vectors_that_another_model_left_behind_do_not_pass_the_check(indexed: Indexed) -> None:
    """Fault: the model behind a name changed since an earlier re-index by it was given up."""
    job_id = indexed.begin()
    indexed.other.at_call[3] = lambda: rows.cancel(indexed.database, job_id, actor="test")
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
                rows.pause(indexed.database, job_id, actor="test")

    monkeypatch.setattr(reindexing, "crashpoint", meanwhile)
    if paused:
        assert indexed.run(job_id) is Shown.PAUSED
        rows.resume(indexed.database, job_id, actor="test")
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

    indexed.run(beginning.begin_roll_back(indexed.database, actor="test")[0])
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
    indexed.run(beginning.begin_roll_back(indexed.database, actor="test")[0])
    indexed.run(beginning.begin_roll_back(indexed.database, actor="test")[0])
    assert indexed.states() == ["other active", "words retired"]

    assert indexed.run(old.id) is Shown.DONE
    assert indexed.vectors("words") == 6
    reindexing.tidy(indexed.database)
    open_jobs = {job.subject: job for job in rows.jobs(indexed.database, open_only=True)}
    assert open_jobs[old.subject].due_at > open_jobs[old.subject].created_at
    _job, version = beginning.begin_roll_back(indexed.database, actor="test")
    assert version.names == "words"


def test_filling_adds_what_the_active_version_lacks(indexed: Indexed) -> None:
    indexed.run(indexed.begin())
    indexed.sql("DELETE FROM embedding WHERE chunk_id = (SELECT min(id) FROM chunk)")
    assert indexed.run(beginning.begin_filling(indexed.database, actor="test")) is Shown.DONE
    assert indexed.vectors("other") == 6


def test_chunks_without_a_vector_get_a_job_by_themselves(indexed: Indexed) -> None:
    """Fault: a load was killed while the model's server was away: its chunks have no vector, and
    nobody has made a job for them."""
    indexed.run(indexed.begin())
    beginning.fill_what_is_missing(indexed.database)
    assert not open_reindex(indexed), "nothing is missing"
    indexed.sql("DELETE FROM embedding WHERE chunk_id = (SELECT min(id) FROM chunk)")

    beginning.fill_what_is_missing(indexed.database)
    beginning.fill_what_is_missing(indexed.database)

    (job_id,) = open_reindex(indexed)
    assert indexed.run(job_id) is Shown.DONE
    assert indexed.vectors("other") == 6


def test_after_an_upgrade_with_another_embedded_model_its_vectors_are_made_by_themselves(
    indexed: Indexed,
) -> None:
    """Fault: an older Ken, which had another embedded model, stored every vector."""
    beginning.fill_what_is_missing(indexed.database, BEFORE)
    assert not open_reindex(indexed), "the same model"
    beginning.fill_what_is_missing(indexed.database, [("other", 384)])
    (job_id,) = open_reindex(indexed)
    assert indexed.run(job_id) is Shown.DONE
    assert (indexed.active(), indexed.vectors("other")) == ("other", 6)


def test_a_job_that_makes_itself_rests_after_a_failure_and_ends_when_somebody_cancels_it(
    indexed: Indexed,
) -> None:
    indexed.run(indexed.begin())
    indexed.sql("DELETE FROM embedding WHERE chunk_id = (SELECT min(id) FROM chunk)")
    beginning.fill_what_is_missing(indexed.database)
    (job_id,) = open_reindex(indexed)
    indexed.sql("UPDATE job SET state = 'failed', ended_at = now() WHERE id = :id", id=job_id)
    beginning.fill_what_is_missing(indexed.database)
    assert not open_reindex(indexed)
    indexed.sql("UPDATE job SET ended_at = now() - interval '2 hours' WHERE id = :id", id=job_id)
    beginning.fill_what_is_missing(indexed.database)
    (job_id,) = open_reindex(indexed)
    rows.cancel(indexed.database, job_id, actor="test")
    indexed.sql("UPDATE job SET ended_at = now() - interval '2 days' WHERE id = :id", id=job_id)
    beginning.fill_what_is_missing(indexed.database)
    assert not open_reindex(indexed)


def open_reindex(indexed: Indexed) -> list[int]:
    found = rows.jobs(indexed.database, open_only=True)
    return [job.id for job in found if job.kind == beginning.KIND]


def test_before_a_roll_back_workers_can_read_the_codes_so_that_no_question_waits_for_it(
    indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed.run(indexed.begin())
    index, settled, whole = Index(), [], []
    index.warm(indexed.database, "other")
    monkeypatch.setattr(reindexing, "_MANY", 1)

    def settle(seconds: float) -> None:
        """What each worker does every few seconds (`sweeper.hold_codes`)."""
        settled.append((seconds, indexed.active()))
        with indexed.database.session("answerer") as session:
            live = versions.live(session)
        index.hold(indexed.database, {one.model.name for one in live})

    read = copy._read
    monkeypatch.setattr(reindexing, "time", SimpleNamespace(sleep=settle))
    assert indexed.run(beginning.begin_roll_back(indexed.database, actor="test")[0]) is Shown.DONE
    assert settled == [(reindexing._SETTLE_S, "other")]

    def counted(session: Any, model: str, documents: list[int] | None) -> Any:
        whole.append(documents is None)
        return read(session, model, documents)

    monkeypatch.setattr(copy, "_read", counted)
    index.warm(indexed.database, "words")
    assert True not in whole, "the codes are there, and at most changes are read"


def test_on_a_schedule_a_version_is_built_once_and_then_only_what_is_missing_is_added(
    indexed: Indexed,
) -> None:
    indexed.run(indexed.begin())
    indexed.sql("DELETE FROM embedding WHERE model_id = 1")
    day = timedelta(days=1)
    beginning.schedule(indexed.database, [("words", 384)], every=day, actor="test")
    (job_id,) = schedules.make_due(indexed.database)
    assert indexed.run(job_id) is Shown.DONE
    assert (indexed.active(), indexed.states()[0]) == ("words", "words active")
    assert rows.job(indexed.database, job_id).expected["chunks"] == 6

    indexed.sql("UPDATE schedule SET due_at = now()")
    indexed.sql("DELETE FROM embedding WHERE chunk_id = (SELECT min(id) FROM chunk)")
    (job_id,) = schedules.make_due(indexed.database)
    assert indexed.run(job_id) is Shown.DONE
    assert rows.job(indexed.database, job_id).counts["embedded"] == 1
    assert (indexed.active(), len(indexed.states())) == ("words", 3)


def test_a_re_index_rests_in_its_quiet_hours_and_goes_on_after_them(indexed: Indexed) -> None:
    quiet = ["00:00", "23:59:59.999999"]
    job_id = beginning.begin(
        indexed.database, [("other", 384)], actor="test", before=BEFORE, quiet=quiet
    )
    for _time in range(10):  # more often than a job may be begun without getting further
        assert indexed.run(job_id) is Shown.WAITING
    job = rows.job(indexed.database, job_id)
    assert "It rests until 23:59:59.999999 UTC" in job.reason
    assert job.due_at > job.created_at
    assert (indexed.active(), len(indexed.other.embedded)) == ("words", 0)
    details = {**job.details, "quiet": None}
    with indexed.database.session("indexer") as session:
        rows.put_details(session, job_id, details)
    assert indexed.run(job_id) is Shown.DONE
    assert indexed.active() == "other"


def test_what_would_be_embedded_is_told_before(indexed: Indexed) -> None:
    before = beginning.estimate(indexed.database, ["other"])
    indexed.run(indexed.begin())
    after = beginning.estimate(indexed.database, ["other"])
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
