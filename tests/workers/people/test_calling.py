"""A person who can help is called, where the company says, and sees what they may."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.workers.people.verdicts import PRESSED, asked, call, leaves_of, said, settled, take, told
from tests.workers.pressed import all_text, pressed
from tests.workers.slack_company import TEAM, Company, kept
from workers import interface
from workers.errands import run_errand
from workers.errors import SlackUnavailable
from workers.intake.messages import Errand, ErrandKind, Surface
from workers.people import feedback, home_tab


@pytest.fixture
def helped(company: Company) -> int:
    """A question for which Alice called a person."""
    settled(company, people_channel="board", people_group="S0ONCALL")
    question_id = asked(company, "CALL", words="Who can help me?")
    call(company, question_id)
    return question_id


def test_a_person_is_called_where_the_company_says(company: Company, helped: int) -> None:
    (posted,) = company.posts("CBOARD")
    leaves = list(leaves_of(posted.blocks))
    assert [leaf["user_id"] for leaf in leaves if leaf.get("type") == "user"] == ["UALICE"]
    groups = [leaf["usergroup_id"] for leaf in leaves if leaf.get("type") == "usergroup"]
    assert groups == ["S0ONCALL"]


def test_the_person_called_sees_the_question_and_no_answer(company: Company, helped: int) -> None:
    (posted,) = company.posts("CBOARD")
    assert "Who can help me?" in all_text(posted.blocks)
    assert "ten million" not in json.dumps(posted.blocks) + posted.text
    (link,) = (leaf["url"] for leaf in leaves_of(posted.blocks) if leaf.get("type") == "link")
    assert "/archives/CALL/p" in link


def test_who_called_a_person_hears_where(company: Company, helped: int) -> None:
    (answer,) = told(company, "alice")
    assert answer.text == f"{feedback.CALLED} (question {helped})"
    channels = [leaf["channel_id"] for leaf in leaves_of(answer.blocks) if "channel_id" in leaf]
    assert channels == ["CBOARD"]


def test_a_forwarded_message_is_not_passed_on(company: Company) -> None:
    """It was written by somebody else, for the readers of another place."""
    settled(company, admins=("UCARL",), people_channel="CBOARD")
    question_id = asked(company, words="Is this right?\n> canary of another place\nFile: a.pdf")
    call(company, question_id)
    take(company, question_id, verdict="wrong")
    emitted = [*company.posts("CBOARD"), *told(company, "carl")]
    assert len(emitted) == 2
    assert all("Is this right?" in all_text(post.blocks) for post in emitted)
    assert "canary" not in repr(emitted)


def test_calling_a_person_again_calls_only_once(company: Company) -> None:
    settled(company, people_channel="CBOARD")
    question_id = asked(company)
    for _ in range(3):
        call(company, question_id)
    assert len(company.posts("CBOARD")) == 1


def test_a_call_from_a_private_conversation_has_no_link(company: Company) -> None:
    settled(company, people_channel="CBOARD")
    call(company, asked(company))
    (posted,) = company.posts("CBOARD")
    assert [leaf for leaf in leaves_of(posted.blocks) if "url" in leaf] == []
    assert "usergroup" not in json.dumps(posted.blocks)


@pytest.mark.parametrize(
    ("channel", "called"),
    [("DUALICE", False), ("CBOARD", False), ("GTRIO", False), ("CSHARED", False), ("CALL", True)],
)
def test_somebody_elses_question_is_passed_on_only_if_everybody_can_read_it(
    company: Company, channel: str, called: bool
) -> None:
    """Threat 14: what was asked among few is its asker's to tell."""
    settled(company, people_channel="CGUEST")
    question_id = asked(company, channel, words="canary")
    call(company, question_id, "bob")
    assert len(company.posts("CGUEST")) == called
    (heard,) = told(company, "bob")
    assert (heard.text == feedback.NOT_YOURS) is not called

    call(company, question_id)
    assert len(company.posts("CGUEST")) == called + 1


def asked_about(company: Company, way: str) -> tuple[int, str]:
    """Bob wrote it on the board; somebody makes a question of it: its number, and who."""
    said = company.slack.say("CBOARD", "UBOB", "canary")
    about_a_message = "shortcut" in way
    question_id = kept(
        channel_id="CBOARD",
        user_id="UALICE" if about_a_message else "UBOB",
        ts=said.ts,
        words="canary",
        surface=Surface.SHORTCUT if about_a_message else Surface.SLACK,
    )
    for kind in PRESSES[way]:
        question_id = pressed_again(company, kind, question_id)
    return question_id, "bob" if way == "their own" else "alice"


def pressed_again(company: Company, kind: ErrandKind, question_id: int) -> int:
    """Alice presses "Ask again" or "Ask privately" below it: the question that comes of it."""
    about = {"question_id": question_id}
    errand = Errand(f"Again{question_id}", kind, TEAM, "UALICE", "CBOARD", about)
    errand_id = interface.submit_errand(errand)
    assert errand_id is not None
    run_errand(company.services, errand_id)
    return question_id + 1


PRESSES: dict[str, tuple[ErrandKind, ...]] = {
    "shortcut": (),
    "shortcut, again": ("again",),
    "private": ("private",),
    "again": ("again",),
    "again and again": ("again", "again"),
    "again in private": ("again", "private"),
    "their own": (),
}


@pytest.mark.parametrize("way", PRESSES)
def test_what_somebody_else_wrote_in_a_place_leaves_it_by_no_button(
    company: Company, way: str
) -> None:
    """Threat 14: asked about, asked again or asked privately, it is not the presser's own text."""
    settled(company, people_channel="CGUEST", admins=("UCARL",))
    company.person("carl")
    question_id, asker = asked_about(company, way)
    call(company, question_id, asker, channel="CBOARD")
    take(company, question_id, asker, channel="CBOARD", **PRESSED)

    outside = "".join(repr(post) for place in ("CGUEST", "DUCARL") for post in company.posts(place))
    assert ("canary" in outside) is (way == "their own")
    assert told(company, "carl") != []
    home_tab.publish(company.services, TEAM, f"U{asker.upper()}")
    shown = repr(company.slack.surfaces()["homes"][f"U{asker.upper()}"])
    assert ("canary" in shown) is (way == "their own")


def test_a_press_in_another_workspace_is_kept_by_nobody(company: Company) -> None:
    """Threat 10: the same ids of person and channel under another team."""
    settled(company, people_channel="CGUEST", admins=("UCARL",))
    question_id = asked(company, "CALL")
    for person in ("alice", "bob"):
        call(company, question_id, person, team="T2")
        take(company, question_id, person, team="T2", **PRESSED)
    assert said(company, question_id) == []
    assert company.posts("CGUEST") == told(company, "carl") == []


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        ("", feedback.NOBODY_TO_CALL),
        ("nowhere", feedback.NOT_CALLED),
        ("CSHARED", feedback.NOT_CALLED),
    ],
)
def test_where_nobody_can_be_called_the_asker_hears_so(
    company: Company, channel: str, words: str
) -> None:
    """Threat 10: not in a channel that is shared with another company either."""
    settled(company, people_channel=channel)
    question_id = asked(company, words="canary")
    call(company, question_id)
    (answer,) = told(company, "alice")
    assert answer.text == f"{words} (question {question_id})"
    assert "canary" not in company.emitted()


def test_where_ken_may_not_write_the_asker_hears_so(company: Company) -> None:
    settled(company, people_channel="CBOARD")
    question_id = asked(company)
    company.slack.fault("error", method="chat.postMessage", error="is_archived")
    call(company, question_id)
    assert told(company, "alice")[0].text.startswith(feedback.NOT_CALLED)


def test_a_person_is_called_once(company: Company) -> None:
    settled(company, people_channel="CBOARD")
    errand = pressed("person", question_id=asked(company))
    for _lost in range(2):
        company.slack.fault("drop_after", method="chat.postMessage")
        with pytest.raises(SlackUnavailable):
            feedback.call_person(company.services, errand)
        errand = replace(errand, attempts=errand.attempts + 1)
    feedback.call_person(company.services, errand)
    assert len(company.posts("CBOARD")) == 1
    assert len(told(company, "alice")) == 1


@pytest.mark.parametrize("question_id", [None, "1", 0, 2**63, 987654321])
def test_nobody_is_called_about_no_question(company: Company, question_id: Any) -> None:
    settled(company, people_channel="CBOARD")
    call(company, question_id)
    assert company.slack.calls("chat.postMessage") == []


def test_a_call_of_a_question_whose_words_are_forgotten_has_none(company: Company) -> None:
    settled(company, people_channel="CBOARD")
    question_id = asked(company, words="canary")
    company.look(question_id, "UPDATE question SET text = '' RETURNING id")
    call(company, question_id)
    (posted,) = company.posts("CBOARD")
    assert "(no text)" in all_text(posted.blocks)
