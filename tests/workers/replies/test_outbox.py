"""A reply is posted once, whatever happens to the worker that posts it."""

from collections.abc import Iterator

import pytest

from tests.workers.answering.passages import passage
from tests.workers.slack_company import Company, kept
from workers.errors import SlackBusy, SlackRefused, SlackUnavailable
from workers.intake.leases import Leased, LeaseLost, lease, question_session
from workers.intake.messages import Surface
from workers.models.base import Sentence
from workers.replies.outbox import Existing, Kind, deliver, existing_reply, put
from workers.replies.rendering import Reply, compose, notice
from workers.sweeper import look_for_late_posts

ANSWER = compose(
    [Sentence("Ten million.", 1, "it is ten million")], [passage("It is ten million.")]
)


@pytest.fixture
def leased(company: Company) -> Iterator[Leased]:
    """A question of Alice's in a private channel, under our lease."""
    question_id = company.said("CBOARD", "alice", "What is the budget?")
    with lease(company.library.database, question_id, worker_id="test", lease_s=60) as held:
        assert held
        yield held


def post(company: Company, leased: Leased, reply: Reply, kind: Kind = Kind.CHANNEL) -> None:
    put(company.services, leased, kind, reply)
    deliver(company.services, leased, kind)


def outbox(company: Company, leased: Leased) -> list[tuple[str, str, int]]:
    rows = company.look(leased.id, "SELECT kind, state, attempts FROM outbox ORDER BY id")
    return [(kind, state, attempts) for kind, state, attempts in rows]


def test_a_reply_is_posted_in_the_thread_and_once(company: Company, leased: Leased) -> None:
    assert existing_reply(company.services, leased, Kind.CHANNEL) is Existing.NOTHING
    post(company, leased, ANSWER)
    deliver(company.services, leased, Kind.CHANNEL)
    post(company, leased, notice("Something else."))

    (posted,) = company.posts("CBOARD")
    assert posted.thread_ts == leased.question.thread_ts
    assert "Ten million." in posted.text
    assert posted.metadata["event_payload"] == {"mark": f"{leased.question.event_id}/channel"}
    assert outbox(company, leased) == [("channel", "posted", 1)]
    assert existing_reply(company.services, leased, Kind.CHANNEL) is Existing.ANSWER


def test_nothing_of_a_reply_unfurls_or_is_read_as_markup(company: Company, leased: Leased) -> None:
    """Threat 21."""
    post(company, leased, ANSWER)
    (call,) = company.slack.calls("chat.postMessage")
    for flag in ("unfurl_links", "unfurl_media", "mrkdwn", "link_names"):
        assert str(call.arguments[flag]).lower() in ("false", "0")
    assert call.arguments["parse"] == "none"


def test_a_direct_reply_goes_to_the_asker_alone(company: Company, leased: Leased) -> None:
    post(company, leased, ANSWER, Kind.DIRECT)
    post(company, leased, ANSWER, Kind.DIRECT)
    assert len(company.posts("DUALICE")) == 1
    assert company.posts("DUBOB") == company.posts("CBOARD") == []


def test_a_constant_sentence_that_is_out_is_no_answer(company: Company, leased: Leased) -> None:
    post(company, leased, notice("I have answered you in a direct message."))
    assert existing_reply(company.services, leased, Kind.CHANNEL) is Existing.NOTICE
    assert existing_reply(company.services, leased, Kind.DIRECT) is Existing.NOTHING


def test_what_is_not_posted_yet_may_be_replaced(company: Company, leased: Leased) -> None:
    put(company.services, leased, Kind.CHANNEL, ANSWER)
    post(company, leased, notice("Withdrawn."))
    assert [seen.text for seen in company.posts("CBOARD")] == ["Withdrawn."]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_post_whose_answer_was_lost_is_found_and_not_repeated(
    company: Company, leased: Leased, kind: Kind
) -> None:
    """Fault: Slack times out, or the connection is reset, after accepting."""
    company.slack.fault("drop_after", method="chat.postMessage")
    with pytest.raises(SlackUnavailable):
        post(company, leased, ANSWER, kind)
    assert outbox(company, leased) == [(kind, "ready", 1)]

    assert existing_reply(company.services, leased, kind) is Existing.ANSWER

    assert outbox(company, leased) == [(kind, "posted", 1)]
    post(company, leased, ANSWER, kind)
    assert len(company.posts("CBOARD") + company.posts("DUALICE")) == 1
    assert len(company.slack.calls("chat.postMessage")) == 1


@pytest.mark.parametrize("fault", ["drop_before", "http"])
def test_a_post_that_never_arrived_is_made_again(
    company: Company, leased: Leased, fault: str
) -> None:
    """Fault: 5xx, or reset before the body; reading back finds nothing, so it is posted."""
    company.slack.fault(fault, method="chat.postMessage")
    with pytest.raises(SlackUnavailable):
        post(company, leased, ANSWER)
    assert existing_reply(company.services, leased, Kind.CHANNEL) is Existing.NOTHING
    post(company, leased, ANSWER)
    assert len(company.posts("CBOARD")) == 1
    assert outbox(company, leased) == [("channel", "posted", 2)]


def test_reading_back_goes_through_all_of_a_long_thread(company: Company, leased: Leased) -> None:
    question = leased.question
    company.slack.fault("drop_after", method="chat.postMessage")
    with pytest.raises(SlackUnavailable):
        post(company, leased, ANSWER)
    for number in range(205):
        company.slack.say("CBOARD", "UBOB", f"{number}", thread_ts=question.thread_ts)
    assert existing_reply(company.services, leased, Kind.CHANNEL) is Existing.ANSWER


def test_another_questions_reply_in_the_thread_is_not_taken_for_this_one(
    company: Company, leased: Leased
) -> None:
    company.slack.fault("drop_before", method="chat.postMessage")
    with pytest.raises(SlackUnavailable):
        post(company, leased, ANSWER)
    other_id = company.said("CBOARD", "bob", "And the plan?")
    with lease(company.library.database, other_id, worker_id="test", lease_s=60) as other:
        assert other
        post(company, other, ANSWER)
    assert existing_reply(company.services, leased, Kind.CHANNEL) is Existing.NOTHING


def test_a_rate_limit_says_when_to_come_back(company: Company, leased: Leased) -> None:
    """Fault: Slack post 429. Nobody waits in here: what is posted later is checked again."""
    company.slack.fault("ratelimited", method="chat.postMessage", retry_after=7)
    with pytest.raises(SlackBusy) as busy:
        post(company, leased, ANSWER)
    assert busy.value.retry_after_s == 7
    assert [call.status for call in company.slack.calls("chat.postMessage")] == [429]
    post(company, leased, ANSWER)
    assert len(company.posts("CBOARD")) == 1


def test_of_two_messages_the_later_to_be_marked_is_taken_away(
    company: Company, leased: Leased, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault: a worker that slept for minutes on its way to Slack, while another posted."""
    put(company.services, leased, Kind.CHANNEL, ANSWER)

    def posted_meanwhile(point: str) -> None:
        if point == "sending":
            monkeypatch.setattr("workers.replies.outbox.crashpoint", lambda point: None)
            monkeypatch.setattr(
                "workers.replies.outbox.posting_lock",
                lambda database, leased: question_session(database, leased.id),
            )
            deliver(company.services, leased, Kind.CHANNEL)

    monkeypatch.setattr("workers.replies.outbox.crashpoint", posted_meanwhile)
    deliver(company.services, leased, Kind.CHANNEL)

    assert len(company.slack.calls("chat.postMessage")) == 2
    (stays,) = company.posts("CBOARD")
    ((on_record,),) = company.look(leased.id, "SELECT message_ts FROM outbox")
    assert stays.ts == on_record


def test_what_slack_shows_late_is_taken_away_by_the_sweeper(
    company: Company, leased: Leased, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault: Slack stores a message after we have read back, found nothing and posted again."""
    company.slack.fault("drop_after", method="chat.postMessage")
    with pytest.raises(SlackUnavailable):
        post(company, leased, ANSWER)
    post(company, leased, ANSWER)  # as if reading back had found nothing
    assert len(company.posts("CBOARD")) == 2

    monkeypatch.setattr("workers.sweeper._LATE_S", 0)
    look_for_late_posts(company.services)
    look_for_late_posts(company.services)

    (stays,) = company.posts("CBOARD")
    ((on_record, looked),) = company.look(leased.id, "SELECT message_ts, looked_at FROM outbox")
    assert stays.ts == on_record
    assert looked is not None
    assert len(company.slack.calls("chat.delete")) == 1


def test_where_slack_shows_us_nothing_any_more_it_is_not_asked_for_ever(
    company: Company, leased: Leased, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults: channel archived, bot removed: the oldest such messages would keep out all others."""
    company.slack.fault("drop_before", method="chat.postMessage")
    with pytest.raises(SlackUnavailable):
        post(company, leased, ANSWER)
    post(company, leased, ANSWER)
    monkeypatch.setattr("workers.sweeper._LATE_S", 0)

    company.slack.fault("http", method="conversations.replies")
    look_for_late_posts(company.services)
    assert company.look(leased.id, "SELECT looked_at FROM outbox") == [(None,)]

    company.slack.fault("error", method="conversations.replies", error="channel_not_found")
    look_for_late_posts(company.services)
    ((looked,),) = company.look(leased.id, "SELECT looked_at FROM outbox")
    assert looked is not None


def test_what_was_posted_at_the_first_try_is_not_looked_for_again(
    company: Company, leased: Leased, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(company, leased, ANSWER)
    monkeypatch.setattr("workers.sweeper._LATE_S", 0)
    look_for_late_posts(company.services)
    assert company.slack.calls("conversations.replies") == []


@pytest.mark.parametrize("error", ["is_archived", "token_revoked", "not_in_channel"])
def test_what_slack_refuses_for_good_is_told_apart_from_what_may_pass(
    company: Company, leased: Leased, error: str
) -> None:
    """Faults: token revoked, channel archived, bot removed."""
    company.slack.fault("error", method="chat.postMessage", error=error)
    with pytest.raises(SlackRefused):
        post(company, leased, ANSWER)
    company.slack.fault("error", method="chat.postMessage", error="internal_error")
    with pytest.raises(SlackUnavailable) as caught:
        post(company, leased, ANSWER)
    assert not isinstance(caught.value, SlackRefused)
    assert caught.value.transient


def test_a_worker_that_lost_its_lease_can_neither_put_nor_deliver(
    company: Company, leased: Leased
) -> None:
    """Fault: a zombie comes back between writing down and posting."""
    put(company.services, leased, Kind.CHANNEL, ANSWER)
    company.rest_is_over(leased.id)
    with lease(company.library.database, leased.id, worker_id="heir", lease_s=60) as heir:
        assert heir
        with pytest.raises(LeaseLost):
            put(company.services, leased, Kind.CHANNEL, notice("zombie"))
        with pytest.raises(LeaseLost):
            deliver(company.services, leased, Kind.CHANNEL)
        assert company.posts("CBOARD") == []
        post(company, heir, ANSWER)
    assert len(company.posts("CBOARD")) == 1


def test_a_question_from_the_terminal_never_calls_slack(company: Company) -> None:
    alice = company.person("alice")
    question_id = kept(user_id=str(alice), surface=Surface.TERMINAL)
    before = len(company.slack.calls())
    with lease(company.library.database, question_id, worker_id="test", lease_s=60) as held:
        assert held
        post(company, held, ANSWER, Kind.DIRECT)
        assert existing_reply(company.services, held, Kind.DIRECT) is Existing.ANSWER
    company.rest_is_over(question_id)
    company.work(question_id)
    assert company.state(question_id)[0] == "answered"
    assert len(company.slack.calls()) == before == 0
