"""A question's life: kept once, worked on by one, ended once (design, section 6)."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import ClassVar

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from policies.tables.questions import QuestionState
from tests.bot.slack_world import until
from tests.workers.library import WordEmbedder
from tests.workers.slack_company import FakeAnswerer, kept
from workers import sweeper
from workers.database.sessions import Database
from workers.errors import ServerUnavailable
from workers.intake import doorbell, leases
from workers.intake.leases import (
    MAX_ATTEMPTS,
    Leased,
    LeaseLost,
    finish,
    give_back,
    lease,
    posting_lock,
    put_back,
    question_session,
    require_lease,
    worker_id,
)
from workers.intake.messages import Question
from workers.interface import store_question
from workers.services import Services
from workers.settings import Settings
from workers.sweeper import ring_again

pytestmark = pytest.mark.usefixtures("door")

QUESTION = Question(
    event_id="Ev1",
    team_id="T1",
    channel_id="C1",
    message_ts="1.000001",
    thread_ts="1.000001",
    user_id="UALICE",
    text="What is the budget?",
)


@pytest.fixture
def held(database: Database) -> Iterator[Callable[..., Leased | None]]:
    """Takes leases that last until the test ends."""
    with ExitStack() as stack:

        def take(question_id: int, *, worker_id: str = "one", lease_s: int = 60) -> Leased | None:
            return stack.enter_context(
                lease(database, question_id, worker_id=worker_id, lease_s=lease_s)
            )

        yield take


def row(database: Database, question_id: int, columns: str) -> tuple[object, ...]:
    with question_session(database, question_id) as session:
        found = session.execute(
            text(f"SELECT {columns} FROM question LEFT JOIN lease ON question_id = id")  # noqa: S608
        ).one()
        return tuple(found)


def expire(database: Database, question_id: int) -> None:
    """As if its holder had slept through it."""
    with question_session(database, question_id) as session:
        session.execute(
            text(
                "UPDATE lease SET expires_at = now() - interval '1 second' WHERE question_id = :id"
            ),
            {"id": question_id},
        )


def is_mine(database: Database, leased: Leased) -> bool:
    try:
        with question_session(database, leased.id) as session:
            require_lease(session, leased)
    except LeaseLost:
        return False
    return True


# Kept once


@pytest.mark.parametrize(
    "again",
    [
        QUESTION,
        replace(QUESTION, channel_id="C2", message_ts="2.000001"),
        replace(QUESTION, event_id="Ev2", text="said twice: a mention and a message"),
    ],
    ids=["the same", "the same event", "the same message"],
)
def test_a_question_is_kept_once(again: Question) -> None:
    """Faults: Slack retries; one message through two event types."""
    assert store_question(QUESTION) is not None
    assert store_question(again) is None
    assert store_question(replace(QUESTION, event_id="Ev3", message_ts="3.000001")) is not None


def test_the_same_question_from_many_sides_at_once_is_kept_once() -> None:
    """Fault: Slack retries, concurrent."""
    barrier = threading.Barrier(8)

    def knock(number: int) -> int | None:
        barrier.wait()
        event = QUESTION.event_id if number % 2 else f"Ev{number}"
        return store_question(replace(QUESTION, event_id=event))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(knock, range(8)))
    assert sum(one is not None for one in found) == 1


def test_a_question_that_cannot_be_kept_is_refused_without_its_text(
    settings_of_nowhere: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault: PostgreSQL down at the door; Slack must hear it, and retry."""
    monkeypatch.setattr("workers.interface._door", lambda: settings_of_nowhere)
    with pytest.raises(ServerUnavailable) as caught:
        store_question(replace(QUESTION, text="canary"))
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.fixture
def settings_of_nowhere(database: Database) -> Iterator[Database]:
    nowhere = SecretStr("postgresql://127.0.0.1:1/ken")
    made = Database(database.settings.model_copy(update={"database_url": nowhere}))
    yield made
    made.close()


# Worked on by one


def test_one_worker_holds_a_question_and_another_gets_nothing(
    database: Database, held: Callable[..., Leased | None]
) -> None:
    question_id = kept()
    first = held(question_id)
    assert first is not None
    assert (first.token, first.attempts, first.question.text) == (1, 1, "What is the budget?")
    assert held(question_id, worker_id="two") is None
    assert held(question_id + 1000) is None
    assert row(database, question_id, "holder, attempts") == ("one", 1)


def test_of_many_workers_at_once_one_gets_the_question(database: Database) -> None:
    question_id = kept()
    start, done = threading.Barrier(6), threading.Barrier(6)

    def take(number: int) -> bool:
        start.wait()
        with lease(database, question_id, worker_id=str(number), lease_s=60) as leased:
            done.wait()
            return leased is not None

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(take, range(6))) == 1


def test_an_expired_lease_is_taken_over_and_its_holder_is_fenced_off(
    database: Database, held: Callable[..., Leased | None]
) -> None:
    """Fault: a worker stopped beyond its lease that comes back (zombie)."""
    question_id = kept()
    zombie = held(question_id, worker_id="zombie")
    assert zombie
    assert is_mine(database, zombie)
    expire(database, question_id)
    assert not is_mine(database, zombie)

    heir = held(question_id, worker_id="heir")
    assert heir
    assert (heir.token, heir.attempts) == (zombie.token + 1, 2)
    assert is_mine(database, heir)
    assert not is_mine(database, zombie)
    with pytest.raises(LeaseLost), question_session(database, question_id) as session:
        finish(session, zombie, QuestionState.ANSWERED)
    assert row(database, question_id, "state, ended_at") == ("kept", None)


def test_a_zombies_end_does_not_release_the_heirs_lease(database: Database) -> None:
    question_id = kept()
    with ExitStack() as heirs:
        with lease(database, question_id, worker_id="zombie", lease_s=60):
            expire(database, question_id)
            heir = heirs.enter_context(lease(database, question_id, worker_id="heir", lease_s=60))
        assert heir
        assert is_mine(database, heir)


def test_a_lease_is_renewed_as_long_as_its_holder_works(database: Database) -> None:
    question_id = kept()
    with lease(database, question_id, worker_id="one", lease_s=1) as leased:
        assert leased
        (before,) = row(database, question_id, "expires_at")
        until(lambda: row(database, question_id, "expires_at") > (before,))
        assert is_mine(database, leased)


def test_a_lease_that_ran_out_is_not_renewed(database: Database) -> None:
    """Renewing it would bring a zombie back between two checks."""
    question_id = kept()
    with lease(database, question_id, worker_id="one", lease_s=1) as leased:
        assert leased
        expire(database, question_id)
        (before,) = row(database, question_id, "expires_at")
        other = kept()
        with lease(database, other, worker_id="one", lease_s=1):  # as long as two of its beats
            (start,) = row(database, other, "expires_at")
            until(lambda: row(database, other, "expires_at") > (start,))
        assert row(database, question_id, "expires_at") == (before,)
        assert not is_mine(database, leased)


def test_tries_are_counted_and_rest_longer_each_time(database: Database) -> None:
    question_id = kept()
    rests = []
    for attempt in (1, 2, 3):
        with lease(database, question_id, worker_id="one", lease_s=60) as leased:
            assert leased
            assert leased.attempts == attempt
        assert row(database, question_id, "attempts") == (attempt,)
        ((rest,),) = [row(database, question_id, "extract(epoch FROM expires_at - now())")]
        rests.append(rest)
        with lease(database, question_id, worker_id="two", lease_s=60) as too_early:
            assert too_early is None
        expire(database, question_id)
    assert rests == sorted(rests)  # type: ignore[type-var]
    assert 0 < float(str(rests[0])) <= 2


# Ended once


@pytest.mark.parametrize("state", [QuestionState.ANSWERED, QuestionState.FAILED])
def test_a_question_that_has_ended_is_never_worked_on_again(
    database: Database, held: Callable[..., Leased | None], state: QuestionState
) -> None:
    question_id = kept()
    leased = held(question_id)
    assert leased
    with question_session(database, question_id) as session:
        finish(session, leased, state, reason="Because")
    assert row(database, question_id, "state, reason, ended_at IS NULL") == (
        state,
        "Because",
        False,
    )
    expire(database, question_id)
    assert held(question_id) is None


def test_a_worker_at_one_question_sees_no_other(database: Database) -> None:
    """Row-level security: threat 32."""
    mine, other = kept(), kept()
    with question_session(database, mine) as session:
        assert session.scalars(text("SELECT id FROM question")).all() == [mine]
    with question_session(database, other) as session:
        assert session.scalars(text("SELECT id FROM question")).all() == [other]
    with database.session("answerer") as session:
        assert session.scalars(text("SELECT id FROM question")).all() == []


# Found again


@dataclass
class Bell:
    """A queue that holds this many rings."""

    TASK: ClassVar = doorbell.TASK
    held: int = 0
    rung: list[int] = field(default_factory=list)

    def waiting(self, settings: Settings) -> int:
        return self.held

    def send(self, settings: Settings, task: str, question_id: int) -> None:
        assert task == self.TASK
        self.rung.append(question_id)


def test_the_sweeper_rings_for_what_nobody_works_on(
    database: Database, held: Callable[..., Leased | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault: Redis lost a task, or was down. As many rings as it holds are not rung again."""
    forgotten, busy, lost, ended = (kept_long_ago(database, number) for number in range(4))
    fresh = kept()
    held(busy)
    held(lost)
    expire(database, lost)
    leased = held(ended)
    assert leased
    with question_session(database, ended) as session:
        finish(session, leased, QuestionState.ANSWERED)
    expire(database, ended)
    services = Services(database.settings, database, WordEmbedder(), FakeAnswerer())

    for holds, rung in ((0, [forgotten, lost]), (1, [forgotten, lost]), (2, [])):
        bell = Bell(holds)
        monkeypatch.setattr(sweeper, "doorbell", bell)
        ring_again(services)
        assert sorted(bell.rung) == rung
        assert fresh not in bell.rung


# Said by one


def test_while_a_worker_speaks_nobody_takes_its_question(database: Database) -> None:
    """Fault: a worker that stops on its way to Slack, beyond its lease. Without the lock: two."""
    question_id = kept()
    with lease(database, question_id, worker_id="frozen", lease_s=60) as frozen:
        assert frozen
        with posting_lock(database, frozen):
            expire(database, question_id)
            with lease(database, question_id, worker_id="heir", lease_s=60) as heir:
                assert heir is None
        with lease(database, question_id, worker_id="heir", lease_s=60) as heir:
            assert heir is not None
            with pytest.raises(LeaseLost), posting_lock(database, frozen):
                raise AssertionError("a zombie spoke")


def test_speaking_for_one_question_keeps_nobody_from_another(database: Database) -> None:
    mine, other = kept(), kept()
    with lease(database, mine, worker_id="one", lease_s=60) as leased:
        assert leased
        with (
            posting_lock(database, leased),
            lease(database, other, worker_id="two", lease_s=60) as second,
        ):
            assert second is not None


def test_what_was_not_the_questions_fault_is_not_counted_against_it(database: Database) -> None:
    question_id = kept()
    for _ in range(MAX_ATTEMPTS + 2):
        with lease(database, question_id, worker_id="one", lease_s=60) as leased:
            assert leased
            assert leased.attempts == 1
            put_back(database, leased)
        expire(database, question_id)


def test_a_process_that_ends_gives_back_what_it_holds_and_nothing_else(
    database: Database, held: Callable[..., Leased | None]
) -> None:
    """Fault: deploy, warm stop."""
    mine, others = kept(), kept()
    held(mine, worker_id=worker_id())
    theirs = held(others, worker_id="another")
    assert give_back(database) == 1
    assert held(mine, worker_id="heir") is not None
    assert theirs
    assert is_mine(database, theirs)


def kept_long_ago(database: Database, number: int) -> int:
    with database.session("ingress") as session:
        question_id: int = session.execute(
            text("""
                INSERT INTO question (event_id, surface, team_id, channel_id, message_ts, thread_ts,
                                      user_id, text, asked_at)
                VALUES (:name, 'slack', 'T1', 'C1', :name, :name, 'UALICE', 'Hello?',
                        now() - interval '1 minute')
                RETURNING id
            """),
            {"name": f"old {number}"},
        ).scalar_one()
        return question_id


def test_a_worker_that_hangs_over_a_question_does_not_keep_it_for_ever(
    database: Database, door: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease is renewed for a while and no longer, though its process lives."""
    monkeypatch.setattr("workers.intake.leases.LONGEST_WORK_S", 0.0)
    question_id = kept()
    with lease(database, question_id, worker_id="hangs", lease_s=60) as leased:
        assert leased
        leases._renew(database, leased, 0, threading.Event())  # returns
