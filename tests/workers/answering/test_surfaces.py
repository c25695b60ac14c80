"""How a question comes decides where it is answered, and who reads along."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from policies import Class
from tests.workers.answering.asking import QUESTION, _numbers, ask, errand, newest, only
from tests.workers.slack_company import TEAM, Company, kept, quote_all
from workers import interface
from workers.answering.talk import reply_to_request, reply_to_talk
from workers.errands import run_errand
from workers.intake.messages import Errand, ErrandKind, Surface
from workers.models.base import Draft
from workers.replies import rendering as say


@pytest.mark.parametrize("surface", [Surface.COMMAND, Surface.SHORTCUT, Surface.PRIVATE])
def test_what_is_asked_for_oneself_is_answered_to_oneself(
    company: Company, alice: int, surface: Surface
) -> None:
    """Threat 11: the channel learns neither the answer nor that there was a question."""
    said = company.slack.say("all", "alice", "hello")
    question_id = ask(company, surface, channel="CALL", ts=said.ts, thread=said.ts)

    assert company.state(question_id)[0] == "answered"
    assert company.posts("CALL") == []
    (told,) = company.posts("DUALICE")
    assert "canary" in told.text


def test_a_share_is_asked_again_for_the_channel_and_copies_nothing(
    company: Company, alice: int
) -> None:
    """Threat 14: what Alice alone may read does not come into the channel, by no button."""
    question_id = company.asked("CBOARD", "alice", QUESTION)
    assert "canary" in company.posts("DUALICE")[0].text

    errand(company, "share", "UALICE", "DUALICE", question_id=question_id)

    assert [post.text for post in company.posts("CBOARD")] == [say.ANSWERED_PRIVATELY]
    assert company.posts("DUALICE")[-1].text == say.CANNOT_SHARE


def test_a_share_answers_the_channel_from_what_all_of_it_may_read(company: Company) -> None:
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("hers", "The budget is canary.", only(alice))
    question_id = company.asked("CBOARD", "alice", QUESTION)
    company.library.document("ours", "The budget is ten million.", only(alice, bob))

    errand(company, "share", "UALICE", "DUALICE", question_id=question_id)

    shared = company.posts("CBOARD")[-1]
    assert "ten million" in shared.text
    assert "canary" not in "\n".join(repr(post) for post in company.posts("CBOARD"))


@pytest.mark.parametrize(
    ("user", "channel"), [("UBOB", "CBOARD"), ("UBOB", "DUBOB"), ("UCARL", "CBOARD")]
)
def test_only_who_asked_shares(company: Company, alice: int, user: str, channel: str) -> None:
    """Threat 14: a forged press of somebody else's button does nothing."""
    question_id = company.asked("CBOARD", "alice", QUESTION)
    before = newest(company)

    errand(company, "share", user, channel, question_id=question_id)

    assert newest(company) == before


@pytest.mark.parametrize("value", ["1", 2.5, True, None, -1, 10**30, [1]])
def test_a_forged_number_of_a_question_does_nothing(
    company: Company, alice: int, value: object
) -> None:
    company.asked("CBOARD", "alice", QUESTION)
    before = newest(company)
    errand(company, "private", "UBOB", "CBOARD", question_id=value)
    assert newest(company) == before


def test_asking_privately_answers_each_asker_by_their_own_rights(
    company: Company, alice: int
) -> None:
    """Threats 11 and 14: Bob presses, and gets what Bob may read."""
    question_id = company.asked("CBOARD", "alice", QUESTION)

    errand(company, "private", "UBOB", "CBOARD", question_id=question_id)

    (told,) = company.posts("DUBOB")
    assert told.text == say.NOTHING_FOUND


def test_what_was_asked_for_oneself_in_a_channel_is_nobody_elses_to_ask_again(
    company: Company, alice: int
) -> None:
    """Threat 14: nobody there has seen what Alice asked with /ken."""
    question_id = ask(company, Surface.COMMAND, channel="CBOARD", ts="1.000001")
    before = newest(company)
    for kind in ("private", "again"):
        errand(company, kind, "UBOB", "CBOARD", question_id=question_id)
    assert newest(company) == before


def test_a_private_question_is_nobody_elses_to_ask_again(company: Company, alice: int) -> None:
    question_id = company.asked("DUALICE", "alice", QUESTION)
    before = newest(company)
    errand(company, "private", "UBOB", "DUALICE", question_id=question_id)
    assert newest(company) == before


@pytest.mark.parametrize("kind", ["share", "private", "again"])
def test_a_press_in_another_workspace_is_no_press_of_ours(
    company: Company, alice: int, kind: ErrandKind
) -> None:
    """Threat 10: the same ids of a person and a channel, under another team; and under ours."""
    question_id = company.asked("CBOARD", "alice", QUESTION)
    before = newest(company)
    for team, user in (("T2", "UALICE"), ("T2", "UBOB"), (TEAM, "UALICE")):
        pressed = Errand(
            f"Er{next(_numbers)}", kind, team, user, "CBOARD", {"question_id": question_id}
        )
        errand_id = interface.submit_errand(pressed)
        assert errand_id is not None
        run_errand(company.services, errand_id)
        assert (newest(company) > before) is (team == TEAM)


@pytest.mark.parametrize("surface", [Surface.COMMAND, Surface.SHORTCUT, Surface.PRIVATE])
def test_what_was_asked_for_oneself_is_asked_again_for_oneself(
    company: Company, alice: int, surface: Surface
) -> None:
    """Threat 11: "Ask again" below a private answer leaves no trace in the channel."""
    question_id = ask(company, surface, channel="CALL", ts="1.000001")
    errand(company, "again", "UALICE", "DUALICE", question_id=question_id)
    assert company.posts("CALL") == []
    assert len(company.posts("DUALICE")) == 2


def test_asking_again_takes_nothing_from_the_person_who_asked_first(
    company: Company, alice: int
) -> None:
    question_id = company.asked("CBOARD", "alice", QUESTION)
    errand(company, "again", "UBOB", "CBOARD", question_id=question_id)
    assert "canary" in company.posts("DUALICE")[0].text
    assert [post.text for post in company.posts("DUBOB")] == [say.NOTHING_FOUND]

    errand(company, "again", "UALICE", "CBOARD", question_id=question_id)
    assert len(company.posts("DUALICE")) == 1


@pytest.mark.parametrize("kind", ["share", "private", "again"])
def test_a_question_that_was_forgotten_is_not_asked_again(
    company: Company, alice: int, kind: ErrandKind
) -> None:
    question_id = company.asked("CBOARD", "alice", QUESTION)
    errand(company, "forget", "UALICE")
    before = newest(company)

    errand(company, kind, "UALICE", "CBOARD", question_id=question_id)

    assert newest(company) == before
    assert company.posts("DUALICE")[-1].text == say.FORGOTTEN


def test_unasked_it_speaks_only_where_that_is_wanted_and_only_with_an_answer(
    company: Company,
) -> None:
    everybody = company.person("alice"), company.person("bob")
    said = company.slack.say("board", "alice", QUESTION)
    first = ask(company, Surface.AUTOMATIC, channel="CBOARD", ts=said.ts, thread=said.ts)
    assert company.state(first) == ("abstained", "limited")

    wanted(company, "CBOARD", per_hour=1)
    said = company.slack.say("board", "alice", QUESTION)
    second = ask(company, Surface.AUTOMATIC, channel="CBOARD", ts=said.ts, thread=said.ts)
    assert company.state(second) == ("abstained", None)
    assert company.posts("CBOARD") == []
    assert company.posts("DUALICE") == []

    company.library.document("ours", "The budget is ten million.", only(*everybody))
    for expected in ("answered", "abstained"):  # one an hour
        said = company.slack.say("board", "alice", QUESTION)
        question_id = ask(company, Surface.AUTOMATIC, channel="CBOARD", ts=said.ts, thread=said.ts)
        assert company.state(question_id)[0] == expected
    assert len(company.posts("CBOARD")) == 1


def wanted(company: Company, channel: str, *, per_hour: int) -> None:
    with company.library.database.session("syncer") as session:
        session.execute(
            text("INSERT INTO channel_setting VALUES (:team, :channel, true, :per_hour)"),
            {"team": TEAM, "channel": channel, "per_hour": per_hour},
        )


def test_a_flood_gets_one_polite_word_and_costs_no_search(company: Company, alice: int) -> None:
    """Threat 40: what one person sends does not become work, and others are answered."""
    company.services = replace(
        company.services,
        settings=company.services.settings.model_copy(update={"questions_per_minute": 3}),
    )
    asked = [company.asked("DUALICE", "alice", f"{QUESTION} {number}") for number in range(8)]

    assert len(company.model.shown) == 3
    assert [company.state(one) for one in asked[3:]] == [("abstained", "limited")] * 5
    assert [post.text for post in company.posts("DUALICE")[3:]] == [say.LIMITED]
    company.asked("DUBOB", "bob", QUESTION)
    assert company.posts("DUBOB")[0].text == say.NOTHING_FOUND


@pytest.mark.parametrize("words", ["help", "", "?"])
def test_a_person_who_does_not_know_what_to_ask_sees_how(
    company: Company, alice: int, words: str
) -> None:
    company.asked("DUALICE", "alice", words)
    (told,) = company.posts("DUALICE")
    assert told.text == say.escaped(say.HELP)
    assert company.model.shown == []


@pytest.mark.parametrize(
    "words", ["hi", "thanks!", "book me a day off", "you're useless", ":wave:"]
)
@pytest.mark.parametrize("channel", ["CBOARD", "CALL", "DUALICE"])
def test_talk_gets_a_sentence_where_it_stands_and_nowhere_else(
    company: Company, alice: int, channel: str, words: str
) -> None:
    """Never the refusal, nothing searched, and in a channel no direct message."""
    number = company.asked(channel, "alice", words)
    (told,) = company.posts(channel)
    assert told.text == say.escaped(reply_to_talk(words, number) or "")
    assert told.text not in (say.NOTHING_FOUND, say.ANSWERED_PRIVATELY)
    assert channel == "DUALICE" or company.posts("DUALICE") == []
    assert company.model.shown == []


@pytest.mark.parametrize("channel", ["CBOARD", "CALL", "DUALICE"])
def test_a_request_is_looked_up_and_is_never_refused_nor_answered_elsewhere(
    company: Company, alice: int, channel: str
) -> None:
    """“Reset my password”: a page may say how; if none does, Ken says that it cannot do it."""
    company.model.write_next = lambda question, passages: Draft(())
    question_id = company.asked(channel, "alice", "Reset my password")
    (posted,) = company.posts(channel)
    assert posted.text == say.escaped(reply_to_request("Reset my password") or "")
    assert channel == "DUALICE" or company.posts("DUALICE") == []
    assert company.state(question_id)[0] == "abstained"

    company.model.write_next = quote_all
    company.library.document("public", "To reset my password I press F1.", only(int(Class.MEMBERS)))
    company.asked(channel, "alice", "Reset my password")
    assert "press F1" in company.posts(channel)[-1].text


def test_talk_that_nobody_had_with_ken_gets_nothing(company: Company, alice: int) -> None:
    said = company.slack.say("all", "alice", "how are you?").ts
    company.work(kept(channel_id="CALL", ts=said, words="how are you?", surface=Surface.AUTOMATIC))
    assert company.posts("CALL") == []


def test_an_app_that_only_slack_knows_for_one_is_not_answered(company: Company, alice: int) -> None:
    """Nothing in the event says so: its account does."""
    said = company.slack.say("all", "alice", QUESTION).ts
    question_id = kept(channel_id="CALL", user_id="UROBOT", ts=said)
    company.work(question_id)
    assert company.state(question_id) == ("abstained", "asked_by_app")
    assert company.posts("CALL") == []
    assert company.model.shown == []


@pytest.mark.parametrize("channel", ["CBOARD", "DUALICE"])
def test_a_question_about_nothing_is_asked_back_where_it_stands(
    company: Company, alice: int, channel: str
) -> None:
    company.asked(channel, "alice", "until when?")
    (told,) = company.posts(channel)
    assert told.text == say.escaped(say.UNCLEAR)
    assert channel == "DUALICE" or company.posts("DUALICE") == []
    assert company.model.shown == []
