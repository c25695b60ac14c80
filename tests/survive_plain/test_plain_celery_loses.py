"""Why Ken keeps questions in PostgreSQL: four faults, done to Celery as people use it and to Ken.

What is counted is what stands in Slack in the end. No step waits for a time: each waits for what
must have come about, a message in the queue or a request to the model.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bot.slack_world import until
from tests.survive_plain import designs
from tests.survive_plain.designs import Design, connected
from tests.survive_plain.model import HeldModel, held_model

QUESTION = "How many days of vacation does everybody have?"
LAST = "And how many days of vacation has everybody, once more?"
ANSWER_S = 120


@pytest.fixture(scope="module")
def model() -> Iterator[HeldModel]:
    with held_model() as made:
        yield made


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    with designs.folder() as place:
        yield place / "home"


@pytest.fixture(scope="module")
def ken(data_dir: Path, model: HeldModel) -> Iterator[Design]:
    with designs.ken(data_dir, model) as made:
        yield made


@pytest.fixture
def design(request: pytest.FixtureRequest, model: HeldModel) -> Iterator[Design]:
    if request.param == "Ken":
        yield request.getfixturevalue("ken")
    else:
        with (
            designs.folder() as place,
            designs.plain_celery(request.param, place / "home", model) as made,
        ):
            yield made
    model.release()  # also after a test that failed


def the_worker_is_killed_in_the_middle(design: Design, question: str) -> str:
    design.model.hold()
    design.start_worker()
    asked = design.slack.dm("alice", question)
    design.model.wait_until_asked(question)
    design.kill_worker()
    design.model.release()
    design.start_worker()
    return asked.ts


def redis_loses_what_it_holds(design: Design, question: str) -> str:
    """Between two workers, as while one is replaced."""
    design.kill_worker()
    asked = design.slack.dm("alice", question)
    until(lambda: connected(design.broker).llen(design.queue) == 1)
    connected(design.broker).flushall()
    design.start_worker()
    return asked.ts


def the_task_takes_longer_than_redis_waits(design: Design, question: str) -> str:
    """For an acknowledgement; then it delivers the message to another."""
    design.model.hold()
    design.start_worker()
    asked = design.slack.dm("alice", question)
    design.model.wait_until_asked(question)
    design.deliver_again(question)
    design.model.release()
    return asked.ts


def redis_is_down_when_the_event_arrives(design: Design, question: str) -> str:
    design.broker.stop()
    asked = design.slack.dm("alice", question)
    design.slack.wait_until_delivered()
    assert {attempt.failed for attempt in design.slack.attempts()} == {""}, "acknowledged"
    design.take_in()
    design.broker.start()
    design.start_worker()
    return asked.ts


Fault = Callable[[Design, str], str]
KILLED, EMPTIED = the_worker_is_killed_in_the_middle, redis_loses_what_it_holds
LONG, DOWN = the_task_takes_longer_than_redis_waits, redis_is_down_when_the_event_arrives
ANSWERS: list[tuple[str, Fault, int]] = [
    ("plain", KILLED, 0),
    ("plain", EMPTIED, 0),
    ("plain", DOWN, 0),
    ("late", KILLED, 1),
    ("late", EMPTIED, 0),
    ("late", LONG, 2),
    ("late", DOWN, 0),
    ("Ken", KILLED, 1),
    ("Ken", EMPTIED, 1),
    ("Ken", LONG, 1),
    ("Ken", DOWN, 1),
]
"""How often a question is answered to which this happened; 2: twice or oftener."""


@pytest.mark.parametrize(
    ("design", "fault", "answers"),
    ANSWERS,
    ids=[f"{design}: {fault.__name__}" for design, fault, _ in ANSWERS],
    indirect=["design"],
)
def test_a_question_is_answered_so_often(design: Design, fault: Fault, answers: int) -> None:
    """Faults: kill -9 worker; FLUSHALL; visibility timeout shorter than task; Redis down."""
    asked = fault(design, f"{QUESTION} ({fault.__name__})")
    last = design.slack.dm("alice", f"{LAST} ({fault.__name__})")
    design.slack.wait_for_reply("DUALICE", last.ts, ANSWER_S)
    design.finish()

    said = [seen for seen in design.slack.messages("DUALICE") if seen.user == "UKEN"]
    assert all("thirty days" in seen.text.lower() for seen in said)
    assert [seen.thread_ts for seen in said].count(last.ts) == 1
    assert min([seen.thread_ts for seen in said].count(asked), 2) == answers
