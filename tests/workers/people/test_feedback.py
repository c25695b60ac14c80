"""What people think of an answer: stored, and sent to administrators."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from policies import Class
from policies.tables.people import UserStatus
from tests.workers.people.verdicts import (
    PRESSED,
    asked,
    call,
    leaves_of,
    only,
    said,
    settled,
    take,
    told,
)
from tests.workers.pressed import all_text, answered, pressed
from tests.workers.replies.test_rendering import PAYLOADS
from tests.workers.slack_company import Company, kept
from workers.errors import LayersDisagree, SlackUnavailable
from workers.intake.messages import Surface, storable
from workers.people import feedback, reading

# What is kept


def test_the_last_word_counts(company: Company) -> None:
    question_id = asked(company)
    take(company, question_id, verdict="good")
    assert said(company, question_id) == [("UALICE", "good", "", "", False)]
    take(company, question_id, verdict="bad", reason="unclear", comment="Which year?")
    assert said(company, question_id) == [("UALICE", "bad", "unclear", "Which year?", False)]
    assert told(company, "alice") == []


def test_an_older_word_that_is_said_again_changes_nothing(company: Company) -> None:
    """An errand may be done twice, and after a later one."""
    question_id = asked(company)
    first = pressed("feedback", question_id=question_id, verdict="bad")
    take(company, question_id, verdict="good")
    feedback.store_feedback(company.services, replace(first, attempts=2))
    assert said(company, question_id) == [("UALICE", "good", "", "", False)]


def test_everybody_in_the_channel_has_a_word(company: Company) -> None:
    question_id = asked(company, "CALL")
    take(company, question_id, verdict="good")
    take(company, question_id, "bob", verdict="not_asked")
    assert [row[:2] for row in said(company, question_id)] == [
        ("UALICE", "good"),
        ("UBOB", "not_asked"),
    ]


def test_of_a_private_answer_only_the_asker_has_a_word(company: Company) -> None:
    """Knowing the number of somebody's question does not mean having seen its answer."""
    settled(company, admins=("UCARL",))
    question_id = asked(company, words="canary")
    take(company, question_id, "bob", **PRESSED)
    feedback.store_feedback(
        company.services, pressed("feedback", team="T2", question_id=question_id, **PRESSED)
    )
    assert said(company, question_id) == []
    assert told(company, "carl") == []

    take(company, question_id, **PRESSED)
    assert len(said(company, question_id)) == 1
    assert len(told(company, "carl")) == 1


def test_a_notice_where_it_was_asked_in_private_is_private(company: Company) -> None:
    """The outbox calls it `channel`, as it goes where the question was asked."""
    settled(company, people_channel="CBOARD")
    question_id = kept(channel_id="DUALICE", words="canary")
    answered(company, question_id, kind="channel", channel="DUALICE")
    take(company, question_id, "bob", verdict="good")
    call(company, question_id, "bob")
    assert said(company, question_id) == []
    assert "canary" not in company.emitted()


@pytest.mark.parametrize(
    "details",
    [
        {"verdict": "canary"},
        {"verdict": ["good"]},
        {"verdict": None},
        {},
        {"verdict": "bad", "reason": "Canary, and more"},
        {"verdict": "bad", "reason": 1},
        {"verdict": "bad", "comment": {"canary": 1}},
        {"verdict": "good", "question_id": "1"},
        {"verdict": "good", "question_id": True},
        {"verdict": "good", "question_id": 2**63},
        {"verdict": "good", "question_id": -1},
        {"verdict": "good", "question_id": 987654321},
        {"verdict": "good", "question_id": None},
    ],
)
def test_what_makes_no_sense_is_not_kept(company: Company, details: dict[str, Any]) -> None:
    question_id = asked(company)
    errand = pressed("feedback", **{"question_id": question_id, **details})
    with capture_logs() as logs:
        feedback.store_feedback(company.services, errand)
    assert said(company, question_id) == []
    assert [one["event"] for one in logs] == ["feedback_refused"]
    assert "anary" not in json.dumps(logs)


def test_a_question_of_the_terminal_is_nobodys_in_slack(company: Company) -> None:
    question_id = kept(surface=Surface.TERMINAL)
    answered(company, question_id)
    take(company, question_id, verdict="good")
    assert said(company, question_id) == []


def test_a_long_comment_is_cut(company: Company) -> None:
    question_id = asked(company)
    take(company, question_id, verdict="bad", comment="x" * 40_000)
    assert len(said(company, question_id)[0][3]) == feedback._LONGEST_COMMENT


# What administrators hear


def test_without_administrators_it_is_only_kept(company: Company) -> None:
    question_id = asked(company, words="canary question")
    with capture_logs() as logs:
        take(company, question_id, **PRESSED)
    assert said(company, question_id) == [
        ("UALICE", "wrong", "outdated", "It is eleven now.", False)
    ]
    assert [one["event"] for one in logs] == ["feedback_kept"]
    assert "eleven" not in json.dumps(logs)
    assert "canary" not in json.dumps(logs)
    assert company.slack.calls("chat.postMessage") == []


@pytest.mark.parametrize(
    ("verdict", "reason", "hears"),
    [
        ("wrong", "", True),
        ("bad", "wrong", True),
        ("bad", "outdated", True),
        ("bad", "unclear", False),
        ("not_asked", "", False),
        ("good", "", False),
    ],
)
def test_an_administrator_hears_of_what_is_wrong(
    company: Company, verdict: str, reason: str, hears: bool
) -> None:
    settled(company, admins=("UCARL",))
    question_id = asked(company)
    take(company, question_id, verdict=verdict, reason=reason)
    assert len(told(company, "carl")) == hears
    assert said(company, question_id)[0][4] is hears


def test_a_report_says_what_was_said_and_of_what(company: Company) -> None:
    settled(company, admins=("UCARL", "UBOB"))
    question_id = asked(company, "CALL", words="What is the budget?")
    take(company, question_id, **PRESSED)

    for person in ("carl", "bob"):
        (report,) = told(company, person)
        words = all_text(report.blocks)
        assert f"(question {question_id})" in words
        assert "From: alice" in words
        assert "Reason: outdated" in words
        assert "Comment: It is eleven now." in words
        assert "Question: What is the budget?" in words
        links = [leaf["url"] for leaf in leaves_of(report.blocks) if leaf.get("type") == "link"]
        assert len(links) == 1
        assert "/archives/CALL/p" in links[0]


def test_an_administrator_hears_only_of_documents_that_they_may_read(company: Company) -> None:
    """Threat 1: being an administrator lets nobody read."""
    settled(company, admins=("UBOB", "UCARL", "UGUEST"))
    alice, bob = company.person("alice"), company.person("bob")
    company.person("carl")
    hers = company.library.document("hers", "t", only(alice), title="Canary of Alice")
    ours = company.library.document("ours", "t", only(alice, bob), title="Ours")
    free = company.library.document("free", "t", only(Class.INTERNET), title="Free")
    company.library.document("other", "t", only(bob), title="Not cited")
    question_id = asked(company, cited=[hers, ours, free])
    take(company, question_id, **PRESSED)

    reports = {who: told(company, who)[0] for who in ("bob", "carl", "guest")}
    titles = {
        who: all_text(report.blocks).partition("you may read: ")[2]
        for who, report in reports.items()
    }
    assert titles == {"bob": "Free; Ours\n", "carl": "Free\n", "guest": "Free\n"}
    assert "Canary" not in company.emitted()


def test_nothing_cited_and_nothing_that_they_may_read_are_the_same_bytes(
    company: Company,
) -> None:
    """Threat 16."""
    settled(company, admins=("UBOB",))
    alice = company.person("alice")
    company.person("bob")
    hers = company.library.document("hers", "t", only(alice), title="Canary")
    for cited in ([], [hers]):
        take(company, asked(company, cited=cited), **PRESSED)
    first, second = (
        all_text(report.blocks).partition("(question ")[2].partition(")")[2]
        for report in told(company, "bob")
    )
    assert first == second


@pytest.mark.parametrize("status", [UserStatus.SUSPENDED, UserStatus.DELETED])
def test_an_administrator_who_is_inactive_hears_nothing(
    company: Company, status: UserStatus
) -> None:
    """Threat 9."""
    settled(company, admins=("UBOB", "UCARL"))
    company.person("bob", status=status)
    take(company, asked(company), **PRESSED)
    assert told(company, "bob") == []
    assert len(told(company, "carl")) == 1


@pytest.mark.parametrize(("channel", "sees"), [("CBOARD", "bob"), ("CALL", "carl")])
def test_who_can_open_the_channel_gets_a_link(company: Company, channel: str, sees: str) -> None:
    settled(company, admins=("UBOB", "UCARL"))
    take(company, asked(company, channel), **PRESSED)
    links = {
        who: [leaf for leaf in leaves_of(told(company, who)[0].blocks) if "url" in leaf]
        for who in ("bob", "carl")
    }
    assert links[sees]
    assert bool(links["carl"]) is (channel == "CALL")


def test_a_private_conversation_is_linked_to_nobody(company: Company) -> None:
    settled(company, admins=("UCARL",))
    take(company, asked(company), **PRESSED)
    assert company.slack.calls("chat.getPermalink") == []


def test_who_passes_on_a_question_of_a_private_channel_passes_on_their_own(
    company: Company,
) -> None:
    """The question is its asker's words, and the administrators are not all in that channel."""
    settled(company, admins=("UCARL",))
    question_id = asked(company, "CBOARD", words="canary")
    take(company, question_id, "bob", **PRESSED)
    assert "canary" not in all_text(told(company, "carl")[0].blocks)
    take(company, question_id, **PRESSED)
    assert "Question: canary" in all_text(told(company, "carl")[1].blocks)


def test_members_that_cannot_be_read_make_no_channel_public(company: Company) -> None:
    """Slack does not answer: a private channel looks as if everybody could be there."""
    settled(company, admins=("UCARL",))
    question_id = asked(company, "CBOARD", words="canary")
    company.slack.fault("error", method="conversations.members", error="internal_error", times=9)
    take(company, question_id, "bob", **PRESSED)
    (report,) = told(company, "carl")
    assert "canary" not in all_text(report.blocks)
    assert [leaf for leaf in leaves_of(report.blocks) if "url" in leaf] == []


def test_a_second_comment_changes_the_report(company: Company) -> None:
    settled(company, admins=("UCARL",))
    question_id = asked(company)
    take(company, question_id, verdict="wrong")
    take(company, question_id, verdict="wrong", comment="It is eleven now.")
    (report,) = told(company, "carl")
    assert "It is eleven now." in all_text(report.blocks)


def test_an_administrator_hears_of_it_once(company: Company) -> None:
    """Slack took the message, and the answer was lost."""
    settled(company, admins=("UBOB", "UCARL"))
    question_id = asked(company)
    errand = pressed("feedback", question_id=question_id, **PRESSED)
    company.slack.fault("drop_after", method="chat.postMessage")
    with pytest.raises(SlackUnavailable):
        feedback.store_feedback(company.services, errand)
    assert said(company, question_id)[0][4] is False

    feedback.store_feedback(company.services, replace(errand, attempts=2))

    assert [len(told(company, person)) for person in ("bob", "carl")] == [1, 1]
    assert said(company, question_id)[0][4] is True


def test_an_administrator_whom_slack_refuses_keeps_it_from_no_other(company: Company) -> None:
    settled(company, admins=("UNOBODY", "UCARL"))
    question_id = asked(company)
    take(company, question_id, **PRESSED)
    assert len(told(company, "carl")) == 1
    assert said(company, question_id)[0][4] is True

    settled(company, admins=("UNOBODY",))
    another = asked(company)
    take(company, another, **PRESSED)
    assert said(company, another)[0][4] is False


def test_when_two_checks_differ_nothing_is_answered(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(company, admins=("UCARL",))
    page = company.library.document("page", "t", only(Class.INTERNET), title="Canary")
    monkeypatch.setattr(reading, "unreadable", lambda session, audience, ids: set(ids))
    with pytest.raises(LayersDisagree):
        take(company, asked(company, cited=[page]), **PRESSED)
    assert "Canary" not in company.emitted()


def test_nothing_in_a_report_or_a_call_is_active(company: Company) -> None:
    """Threats 20 to 22: comments, questions and titles; nothing is unfurled."""
    settled(company, admins=("UCARL",), people_channel="CALL")
    page = company.library.document("page", "t", only(Class.INTERNET))
    for payload in map(storable, PAYLOADS):
        with company.library.database.session("indexer") as session:
            hostile = {"id": page, "title": payload}
            session.execute(text("UPDATE document SET title = :title WHERE id = :id"), hostile)
        question_id = asked(company, words=payload, cited=[page])
        take(company, question_id, **{**PRESSED, "comment": payload})
        call(company, question_id)

    sent = [one.arguments for one in company.slack.calls("chat.postMessage")]
    assert len(sent) == 3 * len(PAYLOADS)
    for arguments in sent:
        assert "<" not in arguments["text"]
        assert not arguments["unfurl_links"]
        assert not arguments["unfurl_media"]
        leaves = [*leaves_of(arguments["blocks"])]
        kinds = {leaf.get("type") for leaf in leaves}
        assert not kinds & {"mrkdwn", "broadcast", "emoji", "usergroup", "link"}
        mentioned = {leaf["user_id"] for leaf in leaves if leaf.get("type") == "user"}
        assert mentioned <= {"UALICE"}
