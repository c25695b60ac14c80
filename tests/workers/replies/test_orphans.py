"""Every message of ours in Slack has a row, even if a worker died on the way (docs/faults.md)."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.playground.client import Seen
from policies.described import Permissions
from tests.workers.pressed import pressed
from tests.workers.slack_company import TEAM, Company, kept, quote_all
from workers.answering.progress import SEARCHING
from workers.errands import run_errand
from workers.intake.leases import MAX_ATTEMPTS, Leased, lease, posting_lock
from workers.intake.messages import Surface
from workers.models.base import Draft, Passage
from workers.replies import outbox
from workers.replies.outbox import Kind, delete_orphaned_openings
from workers.replies.rendering import NOTHING_FOUND
from workers.replies.revisions import push_changes
from workers.slack.client import TokenBucket
from workers.slack.messenger import Opened
from workers.upkeep.retraction import retract

QUESTION = "What is the budget?"
PLACES = ["CBOARD", "DUALICE"]


class Died(BaseException):
    """What nobody catches, as nobody catches a kill -9."""


@pytest.fixture(autouse=True)
def cards(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alice and Bob may read the one document, and cards open at once."""
    monkeypatch.setattr(TokenBucket, "take", lambda allowance: True)
    both = Permissions(frozenset({company.person("alice"), company.person("bob")}))
    company.library.document("plan", "The budget is ten million, says the plan.", both)
    settings = company.services.settings.model_copy(update={"cards_after_s": 0.0})
    company.services = replace(company.services, settings=settings)


@pytest.fixture(params=[True, False], ids=["on_record", "not_on_record"])
def on_record(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the worker lived to write down what it opened."""
    if not request.param:
        monkeypatch.setattr(outbox, "_RECORD_OPENING", outbox._TEAM_OF_QUESTION)
    return bool(request.param)


@pytest.fixture(params=[True, False], ids=["stream", "message"])
def by_stream(company: Company, request: pytest.FixtureRequest) -> bool:
    if not request.param:
        company.slack.fault("ratelimited", method="chat.startStream", times=99)
    return bool(request.param)


def ours(company: Company) -> list[Seen]:
    return [post for place in PLACES for post in company.posts(place)]


def dies_with_its_card_open(company: Company, question_id: int, *, times: int = 1) -> None:
    """The first worker opens it; each that comes after it dies, too."""
    dies(company, question_id, with_card=True)
    for _ in range(times - 1):
        dies(company, question_id, with_card=False)


def dies(company: Company, question_id: int, *, with_card: bool) -> None:
    def dying(question: str, passages: tuple[Passage, ...]) -> Draft:
        if with_card:
            company.slack.wait_for(lambda: ours(company))
        raise Died

    company.model.write_next = dying
    company.rest_is_over(question_id)
    with pytest.raises(Died):
        company.work(question_id)
    company.model.write_next = quote_all


def asked_in(company: Company, place: str, surface: Surface = Surface.SLACK) -> int:
    ts = company.slack.say(place, "UALICE", QUESTION).ts
    return kept(channel_id=place, ts=ts, surface=surface)


def as_if_half_a_minute_later(company: Company, question_id: int) -> None:
    company.look(question_id, "UPDATE outbox SET mend_at = now() RETURNING id")
    push_changes(company.services)


@pytest.mark.parametrize("place", PLACES)
def test_a_question_that_ends_all_its_workers_leaves_its_notice_and_nothing_else(
    company: Company, on_record: bool, by_stream: bool, place: str
) -> None:
    question_id = asked_in(company, place)
    dies_with_its_card_open(company, question_id, times=MAX_ATTEMPTS)

    company.rest_is_over(question_id)
    company.work(question_id)
    push_changes(company.services)

    assert company.state(question_id) == ("failed", "PoisonQuestion")
    (notice,) = ours(company)
    assert (notice.channel, notice.streaming) == (place, False)
    assert f"question {question_id}" in repr(notice.blocks)


@pytest.mark.parametrize("place", PLACES)
def test_a_question_that_is_taken_back_leaves_nothing(
    company: Company, on_record: bool, by_stream: bool, place: str
) -> None:
    question_id = asked_in(company, place)
    dies_with_its_card_open(company, question_id)
    ((ts,),) = company.look(question_id, "SELECT message_ts FROM question")

    retract(company.services, pressed("deleted", channel=place, ts=ts))

    assert ours(company) == []


def test_what_slack_shows_late_of_a_question_that_was_taken_back_goes_too(
    company: Company,
) -> None:
    question_id = asked_in(company, "CBOARD")
    dies_with_its_card_open(company, question_id)
    company.look(question_id, "UPDATE outbox SET opened_ts = NULL RETURNING id")
    ((ts,),) = company.look(question_id, "SELECT message_ts FROM question")
    retract(company.services, pressed("deleted", channel="CBOARD", ts=ts))

    opened_in(company, "CBOARD", ts)
    as_if_half_a_minute_later(company, question_id)

    assert ours(company) == []


def test_a_card_whose_question_ends_without_a_word_there_is_taken_away(
    company: Company, on_record: bool
) -> None:
    """The channel takes no notice, so the asker gets it alone."""
    question_id = asked_in(company, "CBOARD")
    dies_with_its_card_open(company, question_id, times=MAX_ATTEMPTS)
    for method in ("chat.stopStream", "chat.postMessage") if on_record else ("chat.postMessage",):
        company.slack.fault("error", method=method, error="is_archived")

    company.rest_is_over(question_id)
    company.work(question_id)
    push_changes(company.services)

    assert company.state(question_id)[0] == "failed"
    assert [post.channel for post in ours(company)] == ["DUALICE"]


def test_a_failure_is_reported_where_its_answer_would_have_been(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for oneself: never in the channel. Where nobody asked Ken: nowhere."""

    def failing(question: str, passages: tuple[Passage, ...]) -> Draft:
        raise ValueError

    monkeypatch.setattr("workers.tasks.MAX_ATTEMPTS", 0)
    company.model.write_next = failing
    surfaces: dict[Surface, list[str]] = {
        Surface.SLACK: ["CBOARD"],
        Surface.COMMAND: ["DUALICE"],
        Surface.PRIVATE: ["DUALICE"],
        Surface.AUTOMATIC: [],
    }
    for surface, places in surfaces.items():
        before = {post.ts for post in ours(company)}
        question_id = asked_in(company, "CBOARD", surface)
        company.work(question_id)
        assert company.state(question_id)[0] == "failed"
        assert [post.channel for post in ours(company) if post.ts not in before] == places


def statuses(company: Company) -> list[str]:
    """What stands beside a thread: of a session, what it does."""
    return [str(one["status"]) for one in company.slack.surfaces()["sessions"].values()]


@pytest.mark.parametrize("place", PLACES)
def test_ken_is_at_work_nowhere_once_a_question_has_ended_all_its_workers(
    company: Company, place: str
) -> None:
    question_id = asked_in(company, place)
    dies_with_its_card_open(company, question_id, times=MAX_ATTEMPTS)
    assert statuses(company) == ["processing"]
    company.rest_is_over(question_id)
    company.work(question_id)
    assert statuses(company) == ["active"]


def test_what_stands_while_the_token_is_revoked_goes_soon_after_it_works_again(
    company: Company, on_record: bool, by_stream: bool
) -> None:
    question_id = asked_in(company, "CBOARD")
    dies_with_its_card_open(company, question_id, times=MAX_ATTEMPTS)
    company.slack.fault("error", error="token_revoked", times=10_000)
    company.rest_is_over(question_id)
    company.work(question_id)
    push_changes(company.services)
    assert company.state(question_id)[0] == "failed"

    rests = "SELECT 1 FROM outbox HAVING max(mend_at) <= now() + interval '60 seconds'"
    assert company.look(question_id, rests)

    company.slack.calm()
    assert ours(company) or not on_record, "the card stands"
    for _ in range(3):
        as_if_half_a_minute_later(company, question_id)
    assert [post for post in ours(company) if post.streaming] == []
    assert len(ours(company)) <= 1


def test_that_ken_rests_is_said_until_slack_hears_it(company: Company) -> None:
    question_id = asked_in(company, "CBOARD")
    dies_with_its_card_open(company, question_id)
    company.slack.fault("http", method="agents.sessions.setStatus", times=2)
    company.rest_is_over(question_id)
    company.work(question_id)
    assert company.state(question_id)[0] == "answered"
    assert statuses(company) == ["processing"]

    run_errand(company.services, 1)

    assert statuses(company) == ["active"]


def test_a_question_that_is_taken_back_is_not_worked_on(company: Company) -> None:
    """Its worker is dead, or fenced off, and says nothing more."""
    question_id = asked_in(company, "CBOARD")
    dies_with_its_card_open(company, question_id)

    ((ts,),) = company.look(question_id, "SELECT message_ts FROM question")
    retract(company.services, pressed("deleted", channel="CBOARD", ts=ts))
    run_errand(company.services, 1)

    assert statuses(company) == ["active"]


@pytest.fixture
def two(company: Company) -> Iterator[tuple[Leased, Leased]]:
    """Questions of Alice's and Bob's in one thread, each under its own worker's lease."""
    root = company.slack.say("CBOARD", "UALICE", QUESTION).ts
    ids = []
    for person in ("UALICE", "UBOB"):
        ts = company.slack.say("CBOARD", person, QUESTION, thread_ts=root).ts
        ids.append(kept(channel_id="CBOARD", user_id=person, ts=ts, thread_ts=root))
    database = company.library.database
    with (
        lease(database, ids[0], worker_id="one", lease_s=60) as one,
        lease(database, ids[1], worker_id="other", lease_s=60) as other,
    ):
        assert one
        assert other
        yield one, other


def opened_in(company: Company, channel_id: str, thread_ts: str) -> Opened:
    messenger = company.services.messenger_of(TEAM)
    return messenger.open(channel_id, thread_ts, "UALICE", [SEARCHING], "another's mark")


def test_what_another_question_of_the_thread_opened_just_now_is_left_alone(
    company: Company, two: tuple[Leased, Leased]
) -> None:
    """Seen before it is on record, and its worker lives: nothing is deleted, and we look again."""
    alices, bobs = two
    with posting_lock(company.library.database, bobs):
        opened_in(company, "CBOARD", bobs.question.thread_ts)
        assert not delete_orphaned_openings(company.services, alices.question, Kind.CHANNEL)
        assert len(ours(company)) == 1
    assert delete_orphaned_openings(company.services, alices.question, Kind.CHANNEL)
    assert ours(company) == []  # its worker speaks no more, and has written nothing down


def test_what_another_question_of_the_thread_has_on_record_is_left_alone(
    company: Company, two: tuple[Leased, Leased]
) -> None:
    alices, bobs = two
    assert outbox.open_progress_message(company.services, bobs, Kind.CHANNEL, [SEARCHING])
    assert delete_orphaned_openings(company.services, alices.question, Kind.CHANNEL)
    assert len(ours(company)) == 1


def test_a_worker_that_slept_until_nobody_knew_of_its_card_takes_it_away_itself(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL ends the transaction in which the card was to be written down."""
    question_id = asked_in(company, "CBOARD")

    def ended(point: str) -> None:
        if point == "opened":
            company.look(question_id, _END_OTHERS)

    monkeypatch.setattr("workers.replies.outbox.crashpoint", ended)
    company.model.write_next = lambda question, passages: Draft(())
    company.work(question_id)
    push_changes(company.services)

    assert len(company.slack.calls("chat.startStream")) == 1
    assert len(company.slack.calls("chat.delete")) == 1
    assert NOTHING_FOUND in repr(company.posts("DUALICE"))


_END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_locks
    WHERE locktype = 'advisory' AND pid <> pg_backend_pid()
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
