"""A question that is edited, deleted or stopped, in whatever order Slack tells of it."""

from itertools import permutations

import pytest
from sqlalchemy import text

from policies import Class
from tests.workers.answering.asking import QUESTION, _numbers, errand, only
from tests.workers.slack_company import TEAM, Company, kept
from workers import interface
from workers.intake.messages import Question, Surface
from workers.models.base import Draft, Passage
from workers.replies import rendering as say


def test_an_edited_question_is_answered_again_and_its_old_answer_is_gone(
    company: Company, alice: int
) -> None:
    first = company.asked("DUALICE", "alice", "What is the plan?")
    with company.services.database.session("ingress") as session:
        ts = session.scalar(text("SELECT message_ts FROM question WHERE id = :id"), {"id": first})
    (old,) = company.posts("DUALICE")

    edited = interface.store_question(
        Question("Ev-edit", TEAM, "DUALICE", str(ts), str(ts), "UALICE", QUESTION, revision="9.9")
    )
    assert edited is not None
    company.work(edited)

    (new,) = company.posts("DUALICE")
    assert new.ts != old.ts
    assert "canary" in new.text


def test_the_answer_to_a_deleted_question_is_deleted(company: Company, alice: int) -> None:
    question_id = company.asked("CBOARD", "alice", QUESTION)
    ts = company.posts("CBOARD")[0].thread_ts
    assert company.posts("DUALICE")

    errand(company, "deleted", "", "CBOARD", ts=ts)

    assert company.posts("CBOARD") == []
    assert company.posts("DUALICE") == []
    assert company.state(question_id)[0] == "answered"


def version(
    company: Company,
    channel: str,
    ts: str,
    *,
    revision: str = "",
    words: str = QUESTION,
    surface: Surface = Surface.SLACK,
) -> int:
    """What Slack tells of a message at one time, and a worker takes up."""
    question = Question(
        f"EvV{next(_numbers)}",
        TEAM,
        channel,
        ts,
        ts,
        "UALICE",
        words,
        surface=surface,
        revision=revision,
    )
    question_id = interface.store_question(question)
    assert question_id is not None
    company.work(question_id)
    return question_id


NEWEST = "What is the budget, please?"


@pytest.mark.parametrize("channel", ["DUALICE", "CBOARD"])
@pytest.mark.parametrize("order", list(permutations(["", "9.1", "9.2"])))
def test_in_whatever_order_slack_tells_of_edits_the_newest_is_answered_once(
    company: Company, alice: int, channel: str, order: tuple[str, ...]
) -> None:
    ts = company.slack.say(channel, "UALICE", "what was said").ts
    ids = {
        revision: version(
            company,
            channel,
            ts,
            revision=revision,
            words=NEWEST if revision == "9.2" else f"What is the budget of {revision or 'old'}?",
        )
        for revision in order
    }

    assert len(company.posts("DUALICE")) == 1
    assert len(company.posts(channel)) == 1
    assert company.state(ids["9.2"])[0] == "answered"
    late = order[order.index("9.2") + 1 :]
    assert all(company.state(ids[one]) == ("abstained", "asked_anew") for one in late)
    asked = [question for question, _ in company.model.shown]
    assert asked[-1] == NEWEST


@pytest.mark.parametrize("surface", [Surface.SLACK, Surface.FOLLOW_UP])
def test_what_was_deleted_before_it_came_is_not_answered(
    company: Company, alice: int, surface: Surface
) -> None:
    """Nor is an edit of it; and another message is."""
    ts = company.slack.say("CBOARD", "UALICE", QUESTION).ts
    errand(company, "deleted", "UALICE", "CBOARD", ts=ts)
    first = version(company, "CBOARD", ts, surface=surface)
    edited = version(company, "CBOARD", ts, surface=surface, revision="9.1")
    assert company.state(first) == ("abstained", "asked_anew")
    assert company.state(edited) == ("abstained", "asked_anew")
    assert company.posts("CBOARD") == company.posts("DUALICE") == []
    assert company.model.shown == []
    company.asked("CBOARD", "alice", QUESTION)
    assert company.posts("CBOARD") != []


def test_an_edit_that_takes_the_question_back_before_it_came_and_one_that_asks_again(
    company: Company, alice: int
) -> None:
    ts = company.slack.say("CBOARD", "UALICE", "never mind").ts
    errand(company, "deleted", "UALICE", "CBOARD", ts=ts, revision="9.1")
    assert company.state(version(company, "CBOARD", ts))[0] == "abstained"
    assert company.posts("CBOARD") == []
    again = version(company, "CBOARD", ts, revision="9.2")
    assert company.state(again)[0] == "answered"
    errand(company, "deleted", "UALICE", "CBOARD", ts=ts, revision="9.1")
    assert len(company.posts("CBOARD")) == 1


def test_a_deletion_that_is_reported_twice_is_stored_once_and_is_in_nobodys_home(
    company: Company, alice: int
) -> None:
    ts = company.slack.say("CBOARD", "UALICE", QUESTION).ts
    for _ in range(2):
        errand(company, "deleted", "UALICE", "CBOARD", ts=ts)
    with company.library.database.session("ingress") as session:
        rows = session.execute(text("SELECT user_id, state, reason FROM question")).all()
    assert [tuple(row) for row in rows] == [("", "abstained", "deleted")]


def test_an_edited_question_that_nobody_put_to_ken_is_answered_once(
    company: Company,
) -> None:
    """Where Ken answers by itself, too, the answer to the older words goes."""
    company.person("alice")
    company.library.document("ours", "The budget is canary.", only(int(Class.MEMBERS)))
    with company.library.database.session("syncer") as session:
        session.execute(
            text("INSERT INTO channel_setting VALUES (:team, 'CALL', true, 20)"), {"team": TEAM}
        )
    ts = company.slack.say("CALL", "UALICE", QUESTION).ts
    version(company, "CALL", ts, surface=Surface.AUTOMATIC)
    version(company, "CALL", ts, surface=Surface.AUTOMATIC, revision="9.1", words=NEWEST)
    assert len(company.posts("CALL")) == 1


def test_a_question_that_is_deleted_while_the_model_writes_is_not_answered(
    company: Company, alice: int
) -> None:
    said = company.slack.dm("alice", QUESTION)
    question_id = kept(channel_id="DUALICE", ts=said.ts)

    def meanwhile(question: str, passages: tuple[Passage, ...]) -> Draft:
        errand(company, "deleted", "", "DUALICE", ts=said.ts)
        return honest(question, passages)

    honest = company.model.write_next
    company.model.write_next = meanwhile
    company.work(question_id)

    assert company.posts("DUALICE") == []
    assert company.state(question_id) == ("abstained", "deleted")


def test_ken_stops_on_request(company: Company, alice: int) -> None:
    said = company.slack.dm("alice", QUESTION)
    question_id = kept(channel_id="DUALICE", ts=said.ts)

    errand(company, "stopped", "UALICE", "DUALICE", thread_ts=said.ts)
    company.work(question_id)

    assert company.state(question_id) == ("abstained", "stopped")
    assert [post.text for post in company.posts("DUALICE")] == [say.STOPPED]


@pytest.mark.parametrize("surface", [Surface.SLACK, Surface.SHORTCUT])
def test_a_person_stops_their_own_questions_and_nobody_elses(
    company: Company, alice: int, surface: Surface
) -> None:
    """Threat 14: Bob presses in a thread in which Alice waits, for an answer to all or to her."""
    said = company.slack.say("CBOARD", "UBOB", "hello")
    hers = kept(channel_id="CBOARD", ts=said.ts, words=QUESTION, surface=surface)
    his = interface.store_question(
        Question(
            "EvBob", TEAM, "CBOARD", "1.1", said.ts, "UBOB", QUESTION, surface=Surface.FOLLOW_UP
        )
    )
    assert his is not None

    errand(company, "stopped", "UBOB", "CBOARD", thread_ts=said.ts)
    company.work(hers)

    assert company.state(his) == ("abstained", "stopped")
    assert company.state(hers)[0] == "answered"
    assert "canary" in company.posts("DUALICE")[-1].text


def test_stopping_beside_somebody_elses_question_changes_nothing(
    company: Company, alice: int
) -> None:
    """Not even a word, or the status of somebody else's question."""
    said = company.slack.say("CBOARD", "UALICE", QUESTION)
    hers = kept(channel_id="CBOARD", ts=said.ts)
    errand(company, "stopped", "UBOB", "CBOARD", thread_ts=said.ts)
    assert company.state(hers) == ("kept", None)
    assert company.posts("CBOARD") == []
    assert company.slack.calls("agents.sessions.setStatus") == []


def test_what_was_asked_for_oneself_is_stopped_without_a_word_in_the_channel(
    company: Company, alice: int
) -> None:
    """Threat 11: that there was a question is nobody else's business."""
    said = company.slack.say("CBOARD", "UBOB", "hello")
    hers = kept(channel_id="CBOARD", ts=said.ts, surface=Surface.SHORTCUT)
    errand(company, "stopped", "UALICE", "CBOARD", thread_ts=said.ts)
    assert company.state(hers) == ("abstained", "stopped")
    assert company.posts("CBOARD") == []
    assert [post.text for post in company.posts("DUALICE")] == [say.STOPPED]
