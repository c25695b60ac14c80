"""What changes while the model thinks is seen before the answer is posted."""

import pytest
from sqlalchemy.exc import OperationalError

from policies.described import Permissions
from policies.tables.people import UserStatus
from tests.workers.answering.asking import QUESTION, only
from tests.workers.answering.thinking import during, everything_posted, texts
from tests.workers.slack_company import Company
from workers import tasks
from workers.errors import AnswerWithdrawn
from workers.intake import leases
from workers.models.base import Draft, Passage, Sentence
from workers.replies.rendering import ANSWERED_PRIVATELY, NOTHING_FOUND, WITHDRAWN
from workers.upkeep import review


def test_what_is_revoked_while_the_model_thinks_is_not_posted(company: Company) -> None:
    """Threat 7: composed again, once, from what may still be read."""
    alice = company.person("alice")
    lost = company.library.document("lost", "The budget is canary.", only(alice))
    company.library.document("kept", "The budget is ten million.", only(alice))

    def revoke() -> None:
        with company.library.change() as change:
            change.set_permissions(lost, Permissions())

    company.model.write_next = during(revoke)
    question_id = company.asked("DUALICE", "alice", QUESTION)

    assert len(company.model.shown) == 2
    (told,) = texts(company, "DUALICE")
    assert "ten million" in told
    assert "canary" not in everything_posted(company)
    ((used,),) = company.look(question_id, "SELECT used FROM answer")
    assert lost not in used


def test_a_revoked_document_that_was_only_shown_withdraws_the_answer_too(
    company: Company,
) -> None:
    """Threat 7: the model saw it, so the answer may be derived from it, cited or not."""
    alice = company.person("alice")
    lost = company.library.document("lost", "The budget is canary.", only(alice))
    company.library.document("kept", "The budget is ten million.", only(alice))

    def revoke() -> None:
        with company.library.change() as change:
            change.set_permissions(lost, Permissions())

    def cite_the_other(question: str, passages: tuple[Passage, ...]) -> Draft:
        (number,) = (n for n, p in enumerate(passages, start=1) if p.document == "kept")
        said = "It is canary" if len(passages) > 1 else "It is ten million"
        return Draft((Sentence(said, number, "budget is ten million"),))

    company.model.write_next = during(revoke, write=cite_the_other)
    company.asked("DUALICE", "alice", QUESTION)

    assert "It is ten million" in texts(company, "DUALICE")[0]
    assert "canary" not in everything_posted(company)


def test_what_is_revoked_twice_ends_in_a_constant_notice(company: Company) -> None:
    """Threat 7."""
    alice = company.person("alice")
    pages = [
        company.library.document(f"page {number}", "The budget is canary.", only(alice))
        for number in range(3)
    ]

    def revoke() -> None:
        with company.library.change() as change:
            change.set_permissions(pages.pop(), Permissions())

    company.model.write_next = during(revoke, times=2)
    question_id = company.asked("DUALICE", "alice", QUESTION)

    assert len(company.model.shown) == 2
    assert texts(company, "DUALICE") == [f"{AnswerWithdrawn.reply} (question {question_id})"]
    assert "canary" not in everything_posted(company)
    assert company.state(question_id) == ("failed", "AnswerWithdrawn")


@pytest.mark.parametrize("status", [UserStatus.SUSPENDED, UserStatus.DELETED])
def test_an_asker_suspended_while_the_model_thinks_gets_nothing(
    company: Company, status: UserStatus
) -> None:
    """Threat 9."""
    alice = company.person("alice")
    company.library.document("hers", "The budget is canary.", only(alice))

    def suspend() -> None:
        with company.library.change() as change:
            change.set_status(alice, status)

    company.model.write_next = during(suspend)
    company.asked("DUALICE", "alice", QUESTION)

    assert texts(company, "DUALICE") == [NOTHING_FOUND]


def test_a_member_who_leaves_a_group_while_the_model_thinks_gets_nothing(
    company: Company,
) -> None:
    """Threat 6."""
    alice = company.person("alice")
    group = company.library.group("finance", [alice])
    company.library.document("theirs", "The budget is canary.", only(group))

    def leave() -> None:
        with company.library.change() as change:
            change.set_members(group, [])

    company.model.write_next = during(leave)
    company.asked("DUALICE", "alice", QUESTION)

    assert texts(company, "DUALICE") == [NOTHING_FOUND]


def test_somebody_who_joins_while_the_model_thinks_reads_along(company: Company) -> None:
    """Threat 12."""
    alice, bob = company.person("alice"), company.person("bob")
    company.person("carl")
    company.library.document("ours", "The budget is ten million.", only(alice, bob))

    company.model.write_next = during(lambda: company.slack.join("CBOARD", "UCARL"))
    company.asked("CBOARD", "alice", QUESTION)

    assert texts(company, "CBOARD") == [ANSWERED_PRIVATELY]
    assert "ten million" in texts(company, "DUALICE")[0]
    company.slack.leave("CBOARD", "UCARL")
    company.asked("CBOARD", "alice", QUESTION)
    assert "ten million" in texts(company, "CBOARD")[1]


def test_an_account_unlinked_while_the_model_thinks_is_a_stranger(company: Company) -> None:
    """Threat 8."""
    alice = company.person("alice")
    company.library.document("hers", "The budget is canary.", only(alice))

    def unlink() -> None:
        with company.library.change() as change:
            change.unlink(change.put_source("slack:T1"), "UALICE")

    company.model.write_next = during(unlink)
    company.asked("DUALICE", "alice", QUESTION)

    assert texts(company, "DUALICE") == [NOTHING_FOUND]


def test_an_answer_withdrawn_before_its_question_ended_is_given_again_in_private(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 7: PostgreSQL is away as the question ends; meanwhile Bob may no longer read it."""
    alice, bob = company.person("alice"), company.person("bob")
    document = company.library.document("plan", "The budget is canary.", only(alice, bob))

    def away(*_: object, **__: object) -> bool:
        raise OperationalError("the connection is gone", None, Exception())

    monkeypatch.setattr(tasks, "finish", away)
    question_id = company.asked("CBOARD", "alice", QUESTION)
    (posted,) = company.posts("CBOARD")
    assert "canary" in posted.text

    with company.library.change() as change:
        change.set_permissions(document, only(alice))
    review.review_all(company.services)
    monkeypatch.setattr(tasks, "finish", leases.finish)
    company.rest_is_over(question_id)
    company.work(question_id)

    assert texts(company, "CBOARD") == [WITHDRAWN]
    (private,) = texts(company, "DUALICE")
    assert "canary" in private
    assert company.state(question_id)[0] == "answered"
