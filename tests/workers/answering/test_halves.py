"""Of a long answer a part is out: the rest comes, for all who read there, or all of it goes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from policies import Class
from tests.workers.answering.asking import QUESTION, only
from tests.workers.slack_company import TEAM, Company, kept, quote_all
from workers.answering import answer as answering
from workers.answering.audience import audience_of
from workers.errors import SlackBusy, SlackRefused
from workers.intake.leases import MAX_ATTEMPTS
from workers.intake.messages import Surface
from workers.models.base import Draft
from workers.replies import outbox
from workers.replies import rendering as say
from workers.replies.outbox import Kind
from workers.upkeep import review


def long_answers(company: Company) -> None:
    company.model.write_next = lambda question, passages: Draft(
        tuple(
            replace(quote_all(question, passages).sentences[0], text=f"{turn} " + "y " * 300)
            for turn in range(30)
        ),
        is_quoted=True,
    )


def budget(company: Company, *readers: int) -> int:
    words = "The budget is canary. " + "x " * 280
    return company.library.document("budget", words, only(*readers))


@pytest.fixture
def second_part(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception | None], None]:
    """What becomes of every part but the first; None: it is posted."""
    trouble: list[Exception | None] = [RuntimeError()]
    deliver = outbox.deliver

    def delivered(*args: object, part: int = 1) -> None:
        if part > 1 and trouble[0] is not None:
            raise trouble[0]
        deliver(*args, part=part)  # type: ignore[arg-type]

    def becomes(error: Exception | None) -> None:
        trouble[0] = error

    monkeypatch.setattr(answering, "deliver", delivered)
    monkeypatch.setattr(outbox, "deliver", delivered)
    return becomes


def next_worker(company: Company, question_id: int) -> None:
    company.rest_is_over(question_id)
    company.work(question_id)


Trouble = Callable[[Exception | None], None]


@pytest.mark.parametrize("channel", ["DUALICE", "CBOARD"])
def test_where_the_rest_is_refused_words_stand_in_place_of_the_first_part(
    company: Company, second_part: Trouble, channel: str
) -> None:
    budget(company, company.person("alice"), company.person("bob"))
    long_answers(company)
    second_part(SlackRefused("invalid_blocks"))
    question_id = company.asked(channel, "alice", QUESTION)
    assert company.state(question_id) == ("failed", "SlackRefused")

    company.slack.fault("error", method="chat.update", error="internal_error", times=1)
    review.review_all(company.services)
    assert "y y" in company.posts(channel)[0].text
    company.look(question_id, "UPDATE outbox SET mend_at = now() RETURNING id")
    review.review_all(company.services)

    (left,) = company.posts(channel)
    assert left.text == say.CUT_SHORT
    assert "ken_again" in repr(left.blocks)
    (kept_of_it,) = company.look(question_id, "SELECT string_agg(payload::text, '') FROM outbox")
    assert "y y" not in kept_of_it[0]


def test_what_every_worker_dies_of_leaves_no_half(company: Company, second_part: Trouble) -> None:
    budget(company, company.person("alice"))
    long_answers(company)
    question_id = company.asked("DUALICE", "alice", QUESTION)
    for _ in range(MAX_ATTEMPTS):
        next_worker(company, question_id)
    assert company.state(question_id)[0] == "failed"
    review.review_all(company.services)
    assert [post.text for post in company.posts("DUALICE")] == [say.CUT_SHORT]


def test_where_the_source_gets_too_old_for_the_rest_the_first_part_goes(
    company: Company, second_part: Trouble
) -> None:
    budget(company, company.person("alice"))
    long_answers(company)
    second_part(SlackBusy("ratelimited", retry_after_s=20))
    question_id = company.asked("DUALICE", "alice", QUESTION)
    assert company.state(question_id) == ("kept", None)
    with company.library.change() as change:
        change.set_freshness(
            company.library.source_id, paused=False, max_staleness=timedelta(seconds=1)
        )
    second_part(None)
    next_worker(company, question_id)
    review.review_all(company.services)
    assert [post.text for post in company.posts("DUALICE")] == [say.WITHDRAWN]


@pytest.mark.parametrize("for_the_asker_alone", [True, False])
def test_the_rest_of_an_answer_in_a_channel_is_checked_for_all_who_read_there(
    company: Company,
    second_part: Trouble,
    monkeypatch: pytest.MonkeyPatch,
    for_the_asker_alone: bool,
) -> None:
    """Bob loses the document between the parts. Checked for Alice alone, the rest comes."""
    alice, bob = company.person("alice"), company.person("bob")
    document = budget(company, alice, bob)
    long_answers(company)
    question_id = company.asked("CBOARD", "alice", QUESTION)
    assert len(company.posts("CBOARD")) == 1
    with company.library.change() as change:
        change.set_permissions(document, only(alice))
    second_part(None)
    if for_the_asker_alone:
        monkeypatch.setattr(
            answering,
            "audience_of",
            lambda services, question, _: audience_of(services, question, Kind.DIRECT),
        )
    next_worker(company, question_id)
    assert (len(company.posts("CBOARD")) > 1) is for_the_asker_alone
    review.review_all(company.services)
    assert "y y" not in company.posts("CBOARD")[0].text


def test_somebody_who_joins_between_the_parts_counts(
    company: Company, second_part: Trouble
) -> None:
    alice, bob = company.person("alice"), company.person("bob")
    company.person("carl")
    budget(company, alice, bob)
    long_answers(company)
    question_id = company.asked("CBOARD", "alice", QUESTION)
    company.slack.join("board", "carl")
    second_part(None)
    next_worker(company, question_id)
    review.review_all(company.services)
    assert [post.text for post in company.posts("CBOARD")] == [say.WITHDRAWN]


def test_an_answer_that_nobody_asked_for_is_finished_too(
    company: Company, second_part: Trouble
) -> None:
    company.person("alice")
    budget(company, int(Class.MEMBERS))
    long_answers(company)
    with company.library.database.session("syncer") as session:
        session.execute(
            text("INSERT INTO channel_setting VALUES (:team, 'CALL', true, 20)"), {"team": TEAM}
        )
    ts = company.slack.say("CALL", "UALICE", QUESTION).ts
    question_id = kept(channel_id="CALL", ts=ts, surface=Surface.AUTOMATIC)
    company.work(question_id)
    assert len(company.posts("CALL")) == 1
    second_part(None)
    next_worker(company, question_id)
    assert len(company.posts("CALL")) > 1
    assert company.state(question_id) == ("answered", None)


def test_what_was_withdrawn_meanwhile_is_not_followed_by_its_rest(
    company: Company, second_part: Trouble
) -> None:
    """Nor if it is allowed again before the next worker comes."""
    alice = company.person("alice")
    document = budget(company, alice)
    long_answers(company)
    question_id = company.asked("DUALICE", "alice", QUESTION)
    for readers in ((), (alice,)):
        with company.library.change() as change:
            change.set_permissions(document, only(*readers))
        review.review_all(company.services)
    second_part(None)
    next_worker(company, question_id)
    review.review_all(company.services)
    assert [post.text for post in company.posts("DUALICE")] == [say.WITHDRAWN]
