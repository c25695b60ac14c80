"""Ken asks back which page is meant: from what all readers may read, for as long as they may."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import pytest

import workers.answering.answer as answering
from policies.described import Permissions
from tests.workers.answering.asking import ask, errand, newest, only
from tests.workers.answering.thinking import during, everything_posted, texts
from tests.workers.slack_company import Company
from workers.errors import AnswerWithdrawn
from workers.intake.messages import Surface
from workers.models.base import Draft, Passage, Sentence
from workers.replies import rendering as say
from workers.replies.pages import CHOICE_GONE, ONLY_ASKER, WHICH
from workers.upkeep import review

QUESTION = "The policy?"
TRAVEL, ACCESS = "The travel policy is canary.", "The access policy is ten million."
ASKED = f"{WHICH}\n1. Travel policy\n2. Access policy"


def ask_back(question: str, passages: tuple[Passage, ...]) -> Draft:
    """An answerer that cannot tell which of several pages is meant, and else quotes the one."""
    ordered = sorted(range(len(passages)), key=lambda at: passages[at].title, reverse=True)
    numbers = tuple(at + 1 for at in ordered)
    first = passages[ordered[0]].text
    return Draft((Sentence(first, numbers[0], first),), pages=numbers if len(numbers) > 1 else ())


@pytest.fixture
def pages(company: Company) -> dict[str, int]:
    """Everybody may read the one, and Alice alone the other."""
    alice, bob = company.person("alice"), company.person("bob")
    company.model.write_next = ask_back
    return {
        "access": company.library.document("a", ACCESS, only(alice, bob), title="Access policy"),
        "travel": company.library.document("t", TRAVEL, only(alice), title="Travel policy"),
    }


def press(
    company: Company, question_id: int, number: object, user: str = "UALICE", to: str = "DUALICE"
) -> None:
    errand(company, "choice", user, to, question_id=question_id, choice=number)


def revoke(company: Company, document_id: int) -> None:
    with company.library.change() as change:
        change.set_permissions(document_id, Permissions())


def buttons(company: Company, channel: str) -> dict[str, str]:
    """The words of each button below the last reply, by its action."""
    return {
        element["action_id"]: element["text"]["text"]
        for block in company.posts(channel)[-1].blocks
        if block["type"] == "actions"
        for element in block["elements"]
        if element["type"] == "button"
    }


@contextmanager
def without_final_check() -> Iterator[None]:
    with patch.object(answering, "_still_readable", lambda *checked: True):
        yield


def test_each_page_is_a_choice_and_nothing_of_them_is_quoted(
    company: Company, pages: dict[str, int]
) -> None:
    question_id = company.asked("DUALICE", "alice", QUESTION)
    assert texts(company, "DUALICE") == [ASKED]
    assert buttons(company, "DUALICE") == {
        "ken_choice_1": "Travel policy",
        "ken_choice_2": "Access policy",
    }
    assert "canary" not in everything_posted(company)
    assert company.state(question_id) == ("abstained", "asked_back")
    ((used, cited),) = company.look(question_id, "SELECT used, cited FROM answer")
    assert set(used) == set(cited) == set(pages.values())


def test_a_press_asks_again_about_that_page_alone(company: Company, pages: dict[str, int]) -> None:
    question_id = company.asked("DUALICE", "alice", QUESTION)
    press(company, question_id, 2)
    told = company.posts("DUALICE")[-1]
    assert "ten million" in told.text
    assert "canary" not in told.text
    assert "You asked: " in str(told.blocks)
    assert "Access policy?" in str(told.blocks)
    assert company.model.shown[-1][0] == "Access policy?"
    assert [one.title for one in company.model.shown[-1][1]] == ["Access policy"]


def test_in_a_channel_only_what_all_may_read_is_a_choice(
    company: Company, pages: dict[str, int]
) -> None:
    """Threats 11 and 16: Bob may not read the other page, so there is nothing to ask back."""
    company.asked("CBOARD", "alice", QUESTION)
    (told,) = texts(company, "CBOARD")
    assert "ten million" in told
    assert "Travel" not in everything_posted(company)


def test_what_the_audience_may_not_read_changes_no_byte(
    company: Company, pages: dict[str, int]
) -> None:
    """Threat 16."""
    alice, bob = (company.library.ids[name] for name in ("alice", "bob"))
    company.library.document("o", "The other policy.", only(alice, bob), title="Other policy")
    before = _written(company)
    assert WHICH in before
    company.library.document("b", "The board policy is canary.", only(bob), title="Board policy")
    assert _written(company) == before


def _written(company: Company) -> str:
    question_id = company.asked("CBOARD", "alice", QUESTION)
    ((payload,),) = company.look(question_id, "SELECT payload::text FROM outbox")
    return re.sub(rf'(:|"question_id": ){question_id}\b', r"\1N", payload)


@pytest.mark.parametrize("is_protected", [False, True])
def test_a_choice_that_is_revoked_meanwhile_is_not_shown(
    company: Company, pages: dict[str, int], is_protected: bool
) -> None:
    """Threat 7: without the final check, its title is posted."""
    company.model.write_next = during(lambda: revoke(company, pages["travel"]), write=ask_back)
    if is_protected:
        company.asked("DUALICE", "alice", QUESTION)
    else:
        with without_final_check():
            company.asked("DUALICE", "alice", QUESTION)
    assert ("Travel" in everything_posted(company)) != is_protected


@pytest.mark.parametrize("lost", ["travel", "access"])
@pytest.mark.parametrize("is_protected", [False, True])
def test_choices_are_withdrawn_when_one_of_them_is_revoked(
    company: Company, pages: dict[str, int], lost: str, is_protected: bool
) -> None:
    """Without the record of what was named, the titles stay in the conversation."""
    question_id = company.asked("DUALICE", "alice", QUESTION)
    if not is_protected:
        company.look(question_id, "UPDATE answer SET used = '{}', cited = '{}' RETURNING id")
    revoke(company, pages[lost])
    review.review_all(company.services)
    (shown,) = company.posts("DUALICE")
    assert (shown.text == say.WITHDRAWN) == is_protected
    assert ("Travel policy" in str(shown.blocks)) != is_protected
    press(company, question_id, 1)
    if is_protected:
        assert texts(company, "DUALICE")[-1] == CHOICE_GONE


@pytest.mark.parametrize("is_protected", [False, True])
def test_a_choice_is_read_by_the_rights_of_the_moment(
    company: Company, pages: dict[str, int], is_protected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A press between the revocation and its review: the page's title is not even named."""
    question_id = company.asked("DUALICE", "alice", QUESTION)
    revoke(company, pages["travel"])
    if not is_protected:
        monkeypatch.setattr("workers.answering.composing.title_of", lambda *asked: "Travel policy")
    before = len(company.model.shown)
    press(company, question_id, 1)
    last = company.posts("DUALICE")[-1]
    assert last.text == say.NOTHING_FOUND
    assert ("Travel policy" in str(last.blocks)) != is_protected
    assert len(company.model.shown) == before


def test_nobody_chooses_for_the_asker(company: Company, pages: dict[str, int]) -> None:
    """Threat 14: in a channel everybody sees the buttons; a press of somebody else's says why."""
    alice, bob = (company.library.ids[name] for name in ("alice", "bob"))
    company.library.document("o", "The other policy.", only(alice, bob), title="Other policy")
    question_id = company.asked("CBOARD", "alice", QUESTION)
    assert texts(company, "CBOARD") == [f"{WHICH}\n1. Other policy\n2. Access policy"]
    before = newest(company)

    press(company, question_id, 1, "UBOB", "CBOARD")
    assert texts(company, "DUBOB") == [ONLY_ASKER]
    press(company, question_id, 1, "UCARL", "CALL")
    assert company.posts("DUCARL") == []
    assert newest(company) == before

    press(company, question_id, 2, "UALICE", "CBOARD")
    assert "ten million" in texts(company, "CBOARD")[-1]


def test_a_choice_beside_a_channel_is_answered_beside_it(
    company: Company, pages: dict[str, int]
) -> None:
    """The channel is told once that the asker was answered, and nothing of the choice."""
    revoke(company, pages["access"])
    alice = company.library.ids["alice"]
    company.library.document("b", ACCESS, only(alice), title="Access policy")
    question_id = company.asked("CBOARD", "alice", QUESTION)
    assert texts(company, "DUALICE") == [ASKED]

    press(company, question_id, 1)
    assert texts(company, "CBOARD") == [say.ANSWERED_PRIVATELY]
    assert "canary" in texts(company, "DUALICE")[-1]


@pytest.mark.parametrize("number", [0, 3, -1, "1", None, True, 1.0, 10**30])
def test_a_forged_choice_asks_nothing(
    company: Company, pages: dict[str, int], number: object
) -> None:
    question_id = company.asked("DUALICE", "alice", QUESTION)
    before = newest(company)
    press(company, question_id, number)
    assert newest(company) == before
    assert texts(company, "DUALICE")[-1] == CHOICE_GONE


def test_where_nobody_was_addressed_nothing_is_asked_back(
    company: Company, pages: dict[str, int]
) -> None:
    """A share is answered with the best page, as ever."""
    alice, bob = (company.library.ids[name] for name in ("alice", "bob"))
    company.library.document("o", "The other policy.", only(alice, bob), title="Other policy")
    ask(company, Surface.SHARE, channel="CBOARD", ts="1.000001")
    (told,) = texts(company, "CBOARD")
    assert told.startswith("From the documents:\nThe other policy.")


def test_the_choices_give_way_to_the_answer(company: Company, pages: dict[str, int]) -> None:
    question_id = company.asked("DUALICE", "alice", QUESTION)
    press(company, question_id, 1)
    (told,) = texts(company, "DUALICE")
    assert "canary" in told
    press(company, question_id, 2)
    assert texts(company, "DUALICE")[-1] == CHOICE_GONE


def test_pages_of_one_name_are_told_apart_or_not_offered(company: Company) -> None:
    alice = company.person("alice")
    company.model.write_next = ask_back
    for name in ("hr/de/policy", "hr/us/policy"):
        company.library.document(name, f"The policy of {name}.", only(alice), title="Policy")
    company.library.person("ursula", profile={"country": "US", "location": "Newport"})
    company.library.person("dora", profile={"country": "DE", "location": "Kiel"})
    company.asked("DUALICE", "alice", QUESTION)
    (told,) = texts(company, "DUALICE")
    assert {"Policy (Germany)", "Policy (United States)"} <= {
        line[3:] for line in told.splitlines()
    }
    company.library.document("hr/us/more", "The policy of more.", only(alice), title="Policy")
    company.asked("DUALICE", "alice", QUESTION)
    assert WHICH not in texts(company, "DUALICE")[-1]


def test_a_worker_that_dies_after_asking_back_does_not_ask_twice(
    company: Company, pages: dict[str, int]
) -> None:
    question_id = company.said("CBOARD", "alice", QUESTION)
    alice, bob = (company.library.ids[name] for name in ("alice", "bob"))
    company.library.document("o", "The other policy.", only(alice, bob), title="Other policy")

    class Killed(BaseException):
        pass

    def killed(*given: object) -> None:
        raise Killed

    with patch("workers.tasks.rest", killed), pytest.raises(Killed):
        company.work(question_id)
    company.rest_is_over(question_id)
    company.work(question_id)
    assert len(company.posts("CBOARD")) == 1
    assert company.posts("DUALICE") == []
    assert company.state(question_id) == ("abstained", "asked_back")


# -- the page that is close ----------------------------------------------------------------------


def name_close(question: str, passages: tuple[Passage, ...]) -> Draft:
    """An answerer that finds no answer, and a page that is close."""
    return Draft((), pages=(1,))


def test_the_page_that_is_close_is_named_below_the_refusal(
    company: Company, pages: dict[str, int]
) -> None:
    company.model.write_next = name_close
    revoke(company, pages["access"])
    question_id = company.asked("DUALICE", "alice", QUESTION)
    assert texts(company, "DUALICE") == [f"{say.NOTHING_FOUND}\nThis page is close: Travel policy"]
    shown = str(company.posts("DUALICE")[0].blocks)
    assert "https://wiki.acme.example/t" in shown
    assert "canary" not in everything_posted(company)
    assert company.state(question_id)[0] == "abstained"
    ((cited,),) = company.look(question_id, "SELECT cited FROM answer")
    assert cited == [pages["travel"]]


def test_a_channel_hears_the_same_whether_or_not_a_page_is_close(
    company: Company, pages: dict[str, int]
) -> None:
    """Design, section 4: the same constant sentence; and the asker alone gets the page."""
    company.model.write_next = name_close
    company.asked("CBOARD", "alice", QUESTION)
    assert texts(company, "CBOARD") == [say.ANSWERED_PRIVATELY]
    assert "This page is close" in texts(company, "DUALICE")[0]
    company.asked("CBOARD", "bob", QUESTION)
    assert texts(company, "CBOARD")[-1] == say.ANSWERED_PRIVATELY
    assert texts(company, "DUBOB") == [f"{say.NOTHING_FOUND}\nThis page is close: Access policy"]


@pytest.mark.parametrize("is_protected", [False, True])
def test_a_close_page_is_not_named_to_who_may_no_longer_read_it(
    company: Company, pages: dict[str, int], is_protected: bool
) -> None:
    revoke(company, pages["access"])
    company.model.write_next = during(lambda: revoke(company, pages["travel"]), write=name_close)
    if is_protected:
        company.asked("DUALICE", "alice", QUESTION)
        assert texts(company, "DUALICE") == [say.NOTHING_FOUND]
    else:
        with without_final_check():
            company.asked("DUALICE", "alice", QUESTION)
        assert "Travel policy" in everything_posted(company)


def test_a_close_page_is_withdrawn_when_it_is_revoked(
    company: Company, pages: dict[str, int]
) -> None:
    company.model.write_next = name_close
    company.asked("DUALICE", "alice", QUESTION)
    for document_id in pages.values():
        revoke(company, document_id)
    review.review_all(company.services)
    (shown,) = company.posts("DUALICE")
    assert shown.text == say.WITHDRAWN
    assert "policy" not in str(shown.blocks)


def test_two_revocations_in_a_row_end_in_the_constant_notice(
    company: Company, pages: dict[str, int]
) -> None:
    alice = company.library.ids["alice"]
    more = [
        company.library.document(f"p{n}", "A policy.", only(alice), title=f"Policy {n}")
        for n in range(2)
    ]
    company.model.write_next = during(lambda: revoke(company, more.pop()), times=2, write=ask_back)
    question_id = company.asked("DUALICE", "alice", QUESTION)
    assert texts(company, "DUALICE") == [f"{AnswerWithdrawn.reply} (question {question_id})"]


def test_a_chosen_question_is_stored_with_its_page_and_without_its_title(
    company: Company, pages: dict[str, int]
) -> None:
    question_id = company.asked("DUALICE", "alice", QUESTION)
    press(company, question_id, 1)
    again = newest(company)
    ((words, chosen, about),) = company.look(again, "SELECT text, chosen, about FROM question")
    assert (words, chosen, about) == (QUESTION, pages["travel"], question_id)


def test_a_titles_marks_and_addresses_do_nothing(company: Company) -> None:
    """Threats 20 and 22."""
    alice = company.person("alice")
    company.model.write_next = ask_back
    for number, title in enumerate(("<!channel> *x* https://evil.example/a", "policy " * 40)):
        company.library.document(f"d{number}", "The policy.", only(alice), title=title)
    company.asked("DUALICE", "alice", QUESTION)
    named = buttons(company, "DUALICE")
    assert all(len(words) <= 75 for words in named.values())
    posted = everything_posted(company)
    assert "evil" not in posted
    assert "<!channel>" not in posted


def test_a_passage_that_is_not_there_is_no_page(company: Company, pages: dict[str, int]) -> None:
    company.model.write_next = lambda question, passages: replace(
        ask_back(question, passages), pages=(0, 7, 99)
    )
    company.asked("DUALICE", "alice", QUESTION)
    assert texts(company, "DUALICE")[0].startswith("From the documents:")
