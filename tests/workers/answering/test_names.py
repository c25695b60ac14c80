"""Names stand for Slack's ids in what is searched, stored and taken as context."""

import pytest

from tests.workers.answering.asking import QUESTION, only
from tests.workers.slack_company import TEAM, Company, kept
from workers import interface
from workers.intake.messages import Question, Surface


def test_what_people_said_in_the_thread_is_context_and_what_ken_said_is_not(
    company: Company,
) -> None:
    """Threat 13: Bob goes on with Alice's thread, in which Ken has answered."""
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("ours", "The budget is ten million.", only(alice, bob))
    began = company.slack.say("board", "alice", f"<@UKEN> {QUESTION}").ts
    company.work(kept(channel_id="CBOARD", ts=began))
    said = company.slack.say("board", "bob", "and for Berlin?", thread_ts=began)
    question = Question(
        "Ev-follow-up", TEAM, "CBOARD", said.ts, began, "UBOB", "and for Berlin?", Surface.FOLLOW_UP
    )
    question_id = interface.store_question(question)
    assert question_id is not None
    company.work(question_id)

    asked = [question for question, _ in company.model.shown]
    assert asked == [QUESTION, "What is the budget for Berlin?"]


@pytest.mark.parametrize(
    ("words", "searched"),
    [
        ("<@UBOB> and <@U0NOBODY> share what budget?", "bob and  share what budget?"),
        ("Is the budget in <#CALL> or <#CBOARD>?", "Is the budget in all or ?"),
        ("Is the budget in https://wiki.example/x?", "Is the budget in  "),
    ],
)
def test_names_stand_for_ids_in_what_is_searched_and_stored(
    company: Company, alice: int, words: str, searched: str
) -> None:
    """A private channel's name is not resolved: not everybody who reads the question knows it."""
    question_id = company.asked("DUALICE", "alice", words)
    assert [asked for asked, _ in company.model.shown] == [searched]
    ((stored,),) = company.look(question_id, "SELECT text FROM question")
    assert "<" not in stored


def test_a_person_who_does_not_see_every_channel_gets_no_name(company: Company) -> None:
    company.person("guest", guest=True)
    question_id = company.asked("CGUEST", "guest", "What is the budget of <#CALL>?")
    ((stored,),) = company.look(question_id, "SELECT text FROM question")
    assert stored == "What is the budget of ?"


def test_where_slack_does_not_answer_the_marks_go(company: Company, alice: int) -> None:
    company.slack.fault("error", method="users.info", error="internal_error", times=9)
    company.asked("DUALICE", "alice", "What budget has <@UBOB>?")
    assert [asked for asked, _ in company.model.shown] == ["What budget has ?"]


def test_marks_in_the_thread_are_words_too(company: Company, alice: int) -> None:
    root = company.slack.say(
        "board", "bob", "<@UKEN|ken> what is the budget of <@UBOB> &amp; co?"
    ).ts
    reply = company.slack.say("board", "alice", "and for interns?", thread_ts=root).ts
    question = Question("EvT", TEAM, "CBOARD", reply, root, "UALICE", "and for interns?")
    question_id = interface.store_question(question)
    assert question_id is not None
    company.work(question_id)
    assert company.model.shown[-1][0] == "what is the budget of bob & co for interns?"
