"""A long answer comes in parts, which are checked and posted as one."""

from dataclasses import replace

import pytest

from policies.described import Permissions
from tests.workers.answering.asking import QUESTION, only
from tests.workers.slack_company import Company
from workers.answering import answer as answering
from workers.errors import SlackBusy
from workers.models.base import Draft
from workers.replies import outbox
from workers.replies import rendering as say
from workers.upkeep import review


def test_a_long_answer_comes_in_parts_with_buttons_below_the_last(company: Company) -> None:
    alice = company.person("alice")
    for number in range(8):
        company.library.document(f"d{number}", f"The budget {number}. " + "x " * 250, only(alice))
    company.model.write_next = lambda question, passages: Draft(
        tuple(
            replace(sentence, text=f"{sentence.text[:600]} {turn}")
            for turn in range(4)
            for sentence in honest(question, passages).sentences
        ),
        is_quoted=True,
    )
    honest = type(company.model)().write_next

    company.asked("DUALICE", "alice", QUESTION)

    parts = company.posts("DUALICE")
    assert len(parts) > 1
    kinds = [[block["type"] for block in part.blocks] for part in parts]
    assert all(set(kind) == {"rich_text"} for kind in kinds[:-1])
    assert [kind for kind in kinds[-1] if kind != "rich_text"][:2] == ["context_actions", "actions"]


def test_a_long_answer_that_is_out_in_part_is_not_mixed_with_another(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 7: Slack asks for a moment after the first part, and Alice loses the document; what
    is out stays on record with what it rests on, so that it is withdrawn."""
    alice = company.person("alice")
    document = company.library.document("hers", "The budget is canary. " + "x " * 280, only(alice))
    company.library.document("other", "The budget is another. " + "x " * 280, only(alice))
    honest = type(company.model)().write_next
    company.model.write_next = lambda question, passages: Draft(
        tuple(
            replace(honest(question, passages).sentences[0], text=f"{turn} " + "y " * 300)
            for turn in range(30)
        ),
        is_quoted=True,
    )
    deliver = outbox.deliver

    def busy(*args: object, part: int = 1) -> None:
        if part == 2:
            with company.library.change() as change:
                change.set_permissions(document, Permissions())
            raise SlackBusy("ratelimited", retry_after_s=0.0)
        deliver(*args, part=part)  # type: ignore[arg-type]

    monkeypatch.setattr(answering, "deliver", busy)
    question_id = company.asked("DUALICE", "alice", QUESTION)
    assert len(company.posts("DUALICE")) == 1

    review.review_all(company.services)

    (posted,) = company.posts("DUALICE")
    assert posted.text == say.WITHDRAWN
    assert company.state(question_id) == ("failed", "AnswerWithdrawn")


def test_the_rest_of_a_long_answer_is_checked_again_after_a_crash(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 7: the first part is out, its worker dies, and Alice loses the document."""
    alice = company.person("alice")
    document = company.library.document("hers", "The budget is canary. " + "x " * 280, only(alice))
    honest = type(company.model)().write_next
    company.model.write_next = lambda question, passages: Draft(
        tuple(
            replace(honest(question, passages).sentences[0], text=f"{turn} " + "y " * 300)
            for turn in range(30)
        ),
        is_quoted=True,
    )
    deliver = outbox.deliver

    def dying(*args: object, part: int) -> None:
        raise RuntimeError

    monkeypatch.setattr(answering, "deliver", dying)  # of every part but the first
    question_id = company.asked("DUALICE", "alice", QUESTION)
    assert len(company.posts("DUALICE")) == 1
    monkeypatch.setattr(answering, "deliver", deliver)
    with company.library.change() as change:
        change.set_permissions(document, Permissions())
    company.rest_is_over(question_id)
    company.work(question_id)

    review.review_all(company.services)
    (left,) = company.posts("DUALICE")
    assert left.text == say.WITHDRAWN
