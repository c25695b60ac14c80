"""One worker at a time works on a job, another goes on where it stopped, and it ends as asked."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from policies.tables.jobs import JobState
from workers.database.sessions import Database
from workers.errors import InputInvalid, ServerUnavailable
from workers.intake import doorbell
from workers.intake.doorbell import JOB, JOBS_QUEUE
from workers.jobs import rows, schedules
from workers.jobs.leases import MOST_ATTEMPTS, Asked, LeaseLost, Running, Work, work
from workers.jobs.rows import OpenAlready, Shown


def make(database: Database, kind: str = "count", **more: Any) -> int:
    with database.session("indexer") as session:
        return rows.submit(session, kind, actor="test", **more)


def kinds(work: Work) -> Mapping[str, Work]:
    return {"count": work}


def now(database: Database, words: str, **given: Any) -> None:
    with database.session("indexer") as session:
        session.execute(text(words), given)


def counting(_database: Database, running: Running) -> dict[str, int]:
    for done in range(4):
        running.step("Counting", done, 4)
    return {"counted": 4}


def test_a_job_is_done_once_and_its_history_says_what_it_counted(database: Database) -> None:
    job_id = make(database)

    assert work(database, job_id, kinds(counting))
    assert not work(database, job_id, kinds(counting))

    found = rows.job(database, job_id)
    assert (found.state, found.counts, found.actor) == (Shown.DONE, {"counted": 4}, "test")
    assert (found.step, found.done, found.left) == ("Counting", 3, 1)
    assert [one.id for one in rows.jobs(database)] == [job_id]
    assert rows.jobs(database, open_only=True) == []


def test_a_subject_has_one_open_job_of_a_kind(database: Database) -> None:
    first = make(database, subject="wiki")
    other = make(database, subject="drive")
    with pytest.raises(OpenAlready, match=f"Job {first} \\(count wiki\\) is already waiting"):
        make(database, subject="wiki")
    rows.cancel(database, first, actor="test")
    assert make(database, subject="wiki") > other


def test_while_one_works_on_it_nobody_else_does(database: Database) -> None:
    job_id = make(database)
    seen: list[bool] = []

    def meanwhile(inside: Database, running: Running) -> dict[str, int]:
        assert rows.job(inside, job_id).state is Shown.RUNNING
        seen.append(work(inside, job_id, kinds(counting)))
        return {}

    work(database, job_id, kinds(meanwhile))
    assert seen == [False]


def test_a_worker_that_slept_through_its_lease_writes_nothing_more(database: Database) -> None:
    job_id = make(database)
    lost: list[str] = []

    def sleeps(inside: Database, running: Running) -> dict[str, int]:
        now(inside, "UPDATE job SET leased_until = now() WHERE id = :id", id=job_id)
        work(inside, job_id, kinds(counting))
        with inside.session("indexer") as session:
            try:
                running.require(session)
            except LeaseLost:
                lost.append("may not switch")
        running.step("Too late", 9, 9)
        raise AssertionError("it wrote after its lease")

    work(database, job_id, kinds(sleeps))

    found = rows.job(database, job_id)
    assert lost == ["may not switch"]
    assert (found.state, found.step, found.counts) == (Shown.DONE, "Counting", {"counted": 4})


@pytest.mark.parametrize(
    ("ask", "state", "then"),
    [(rows.pause, Shown.PAUSED, Shown.DONE), (rows.cancel, Shown.CANCELLED, Shown.CANCELLED)],
)
@pytest.mark.parametrize("runs", [True, False])
def test_a_job_pauses_or_ends_after_its_step(
    database: Database, ask: Any, state: Shown, then: Shown, *, runs: bool
) -> None:
    job_id = make(database)

    def asked_meanwhile(inside: Database, running: Running) -> dict[str, int]:
        running.step("Counting", 1, 4)
        ask(inside, job_id, actor="test")
        running.step("Counting", 2, 4)
        raise AssertionError("it went on")

    if runs:
        work(database, job_id, kinds(asked_meanwhile))
        assert rows.job(database, job_id).done == 2
    else:
        ask(database, job_id, actor="test")
    assert rows.job(database, job_id).state is state
    assert not work(database, job_id, kinds(counting))
    if state is Shown.PAUSED:
        rows.resume(database, job_id, actor="test")
        work(database, job_id, kinds(counting))
    assert rows.job(database, job_id).state is then


def test_what_cannot_be_asked_of_a_job_is_refused_and_says_why(database: Database) -> None:
    job_id = make(database)
    work(database, job_id, kinds(counting))
    for ask, word in ((rows.pause, "paused"), (rows.cancel, "cancelled"), (rows.resume, "resumed")):
        with pytest.raises(InputInvalid, match=f"is done: it cannot be {word}"):
            ask(database, job_id, actor="test")
    with pytest.raises(InputInvalid, match="There is no job 99"):
        rows.pause(database, 99, actor="test")


def test_a_failure_that_may_pass_puts_it_back_and_others_end_it(database: Database) -> None:
    job_id = make(database)

    def away(_database: Database, running: Running) -> dict[str, int]:
        raise ServerUnavailable("The server does not answer.")

    for attempt in range(1, MOST_ATTEMPTS):
        work(database, job_id, kinds(away))
        found = rows.job(database, job_id)
        assert (found.state, found.attempts) == (Shown.WAITING, attempt)
        assert found.reason == "The server does not answer."
        assert found.due_at > found.created_at
        assert not work(database, job_id, kinds(counting)), "it rests"
        now(database, "UPDATE job SET due_at = now()")
    work(database, job_id, kinds(away))
    assert rows.job(database, job_id).state is Shown.FAILED
    rows.resume(database, job_id, actor="test")
    work(database, job_id, kinds(counting))
    assert rows.job(database, job_id).state is Shown.DONE


def test_a_failure_is_told_in_words_of_ours_alone(database: Database) -> None:
    def quoting(_database: Database, running: Running) -> dict[str, int]:
        raise ValueError("the secret text of a document")

    job_id = make(database)
    work(database, job_id, kinds(quoting))
    assert rows.job(database, job_id).reason == "ValueError"
    unknown = make(database, kind="unheard of")
    work(database, unknown, {})
    assert "no job of the kind" in rows.job(database, unknown).reason


def test_a_job_that_kills_its_workers_ends_and_says_so(database: Database) -> None:
    job_id = make(database)
    for _worker in range(MOST_ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            work(database, job_id, kinds(_killed))
        # a killed process gives nothing back: its lease expires
        now(database, "UPDATE job SET attempts = attempts + 1")
    work(database, job_id, kinds(counting))
    found = rows.job(database, job_id)
    assert found.state is Shown.FAILED
    assert "ended without a word" in found.reason


def test_a_job_that_dies_at_the_same_document_each_time_ends(database: Database) -> None:
    """Fault: one document kills each worker, or its transaction fails. Those before it are gone
    through again each time, which is not getting any further."""
    job_id = make(database)
    tried: list[int] = []

    def dies_at_three(_database: Database, running: Running) -> dict[str, int]:
        tried.append(running.attempts)
        running.step("People", 0, 2)
        for done in range(4):
            running.step("Documents", done, 9)
        raise ServerUnavailable("It fails at the third document.")

    while rows.job(database, job_id).state is Shown.WAITING and len(tried) < 3 * MOST_ATTEMPTS:
        now(database, "UPDATE job SET due_at = now()")
        work(database, job_id, kinds(dies_at_three))
    assert rows.job(database, job_id).state is Shown.FAILED
    assert tried == [1, *range(2, MOST_ATTEMPTS + 1)]


def _killed(_database: Database, running: Running) -> dict[str, int]:
    raise KeyboardInterrupt


def test_who_gets_further_has_its_attempts_back(database: Database) -> None:
    job_id = make(database)
    now(database, "UPDATE job SET attempts = :most", most=MOST_ATTEMPTS - 1)
    work(database, job_id, kinds(counting))
    assert rows.job(database, job_id).attempts == 1


def test_work_may_stop_itself_with_a_reason(database: Database) -> None:
    def spent(_database: Database, running: Running) -> dict[str, int]:
        raise Asked(JobState.PAUSED, "the budget is used up")

    job_id = make(database)
    work(database, job_id, kinds(spent))
    found = rows.job(database, job_id)
    assert (found.state, found.reason) == (Shown.PAUSED, "the budget is used up")


# -- schedules -------------------------------------------------------------------------------------


def test_a_schedule_makes_one_job_at_a_time_however_many_look(database: Database) -> None:
    schedules.put(database, "count", "wiki", every=timedelta(hours=1), actor="test")
    (made,) = schedules.make_due(database)
    assert schedules.make_due(database) == []
    now(database, "UPDATE schedule SET due_at = now()")
    assert schedules.make_due(database) == [], "its job is open"
    work(database, made, kinds(counting))
    now(database, "UPDATE schedule SET due_at = now()")
    (again,) = schedules.make_due(database)
    found = rows.job(database, again)
    assert (found.kind, found.subject, found.actor) == ("count", "wiki", "test")
    assert schedules.remove(database, "count", "wiki")
    assert not schedules.remove(database, "count", "wiki")


@pytest.mark.parametrize(("start", "end", "made"), [(-1, 1, 0), (1, 2, 1), (-2, -1, 1)])
def test_in_quiet_hours_no_job_is_made(database: Database, start: int, end: int, made: int) -> None:
    """Hours from now; around midnight one of these goes over it."""
    schedules.put(database, "count", "wiki", every=timedelta(hours=1), actor="test")
    now(
        database,
        """
        UPDATE schedule SET
            quiet_from = (now() AT TIME ZONE 'UTC')::time + make_interval(hours => :start),
            quiet_to = (now() AT TIME ZONE 'UTC')::time + make_interval(hours => :end)
        """,
        start=start,
        end=end,
    )
    assert len(schedules.make_due(database)) == made


def test_what_is_due_is_rung_for_on_a_queue_of_its_own(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[tuple[str, int, str]] = []
    monkeypatch.setattr(
        doorbell, "send", lambda _, task, number, queue: rung.append((task, number, queue))
    )
    monkeypatch.setattr(doorbell, "waiting", lambda _, queue: 0)
    due, later = make(database), make(database, subject="later", after_s=100)
    assert schedules.ring_due(database) == 1
    assert rung == [(JOB, due, JOBS_QUEUE)]
    assert rows.job(database, later).state is Shown.WAITING


def test_facts_of_a_job_have_a_rest_that_is_never_negative(database: Database) -> None:
    found = rows.job(database, make(database))
    assert replace(found, done=7, total=5).left == 0


@pytest.mark.parametrize("role", ["ingress", "answerer", "syncer"])
def test_nobody_but_the_indexer_makes_a_job(database: Database, role: str) -> None:
    """One that loads a folder reads files of the machine."""
    for table in ("job", "schedule"):
        with database.session(role) as session:  # type: ignore[arg-type]
            for right in ("INSERT", "UPDATE", "DELETE"):
                words = text("SELECT has_table_privilege(:table, :right)")
                assert not session.scalar(words, {"table": table, "right": right})
