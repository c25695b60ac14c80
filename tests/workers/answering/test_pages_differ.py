"""A conflict between two pages is said only to those who may read both, for as long as they may."""

from dataclasses import replace

import pytest

from policies.described import Permissions
from tests.workers.answering import passages as given
from tests.workers.answering.asking import only
from tests.workers.answering.thinking import everything_posted, texts
from tests.workers.slack_company import Company
from workers.answering.verify import verify
from workers.models.base import Draft, Passage, Sentence, Support
from workers.replies.rendering import WITHDRAWN, compose
from workers.upkeep import review

_RECORD_ONE = "UPDATE answer SET used = '{%d}', cited = '{%d}' RETURNING question_id"
QUESTION = "How many days of vacation?"
POLICY, FAQ = "The vacation is 30 days a year.", "The vacation is 25 days a year."
DIFFER = "Two pages differ: 30 days (Policy, no date) and 25 days (Faq, no date)."


def name_both(question: str, passages: tuple[Passage, ...]) -> Draft:
    """Name the conflict if both pages are there, else quote the one that is."""
    numbers = {passage.text: number for number, passage in enumerate(passages, start=1)}
    if POLICY not in numbers or FAQ not in numbers:
        return Draft((Sentence(passages[0].text, 1, passages[0].text),))
    first, other = numbers[POLICY], Support(numbers[FAQ], FAQ)
    return Draft(
        (Sentence(POLICY, first, POLICY), Sentence(DIFFER, first, POLICY, beside=(other,))),
        is_quoted=True,  # as our own answerer says it; a model's sentence rests on one passage
    )


@pytest.fixture
def pages(company: Company) -> dict[str, int]:
    alice, bob = company.person("alice"), company.person("bob")
    company.model.write_next = name_both
    return {
        "policy": company.library.document("policy", POLICY, only(alice, bob)),
        "faq": company.library.document("faq", FAQ, only(alice)),
    }


def test_both_pages_are_cited_where_everybody_may_read_both(
    company: Company, pages: dict[str, int]
) -> None:
    question_id = company.asked("DUALICE", "alice", QUESTION)
    (told,) = texts(company, "DUALICE")
    assert f"{DIFFER} [1][2]" in told
    shown = str(company.posts("DUALICE")[0].blocks)
    assert FAQ in shown  # the older quote is there to see under its source
    ((cited,),) = company.look(question_id, "SELECT cited FROM answer")
    assert set(cited) == set(pages.values())


def test_where_somebody_may_not_read_one_of_them_nothing_differs(
    company: Company, pages: dict[str, int]
) -> None:
    company.asked("CBOARD", "alice", QUESTION)
    (told,) = texts(company, "CBOARD")
    assert POLICY in told
    assert "differ" not in everything_posted(company)
    assert "25 days" not in everything_posted(company)


@pytest.mark.parametrize("lost", ["policy", "faq"])
@pytest.mark.parametrize("is_protected", [False, True])
def test_the_answer_is_withdrawn_when_either_page_is_revoked(
    company: Company, pages: dict[str, int], lost: str, is_protected: bool
) -> None:
    """Without the record of all that was used, what was revoked stays in the channel's history."""
    question_id = company.asked("DUALICE", "alice", QUESTION)
    if not is_protected:
        kept = next(number for name, number in pages.items() if name != lost)
        company.look(question_id, _RECORD_ONE % (kept, kept))
    with company.library.change() as change:
        change.set_permissions(pages[lost], Permissions())
    review.review_all(company.services)
    (told,) = texts(company, "DUALICE")
    assert (told == WITHDRAWN) == is_protected
    assert ("30 days" in told and "25 days" in told) != is_protected


@pytest.mark.parametrize(
    "other", [Support(2, "The vacation is 20 days"), Support(3, FAQ), Support(0, FAQ)]
)
def test_a_conflict_needs_the_words_of_both_pages(other: Support) -> None:
    found = (given.passage(POLICY), given.passage(FAQ, document="faq", number=2))
    forged = Sentence(DIFFER, 1, POLICY, beside=(other,))
    honest = Sentence(DIFFER, 1, POLICY, beside=(Support(2, FAQ),))
    assert verify(Draft((honest,), is_quoted=True), found).sentences == (honest,)
    assert verify(Draft((forged,), is_quoted=True), found).sentences == ()


def test_each_source_has_its_own_quote() -> None:
    found = (given.passage(POLICY), given.passage(FAQ, document="faq", number=2))
    reply = compose([Sentence(DIFFER, 1, POLICY, beside=(Support(2, FAQ),))], found)
    assert [citation.quote for citation in reply.citations] == [POLICY, FAQ]
    assert reply.lines[0].citations == (1, 2)


@pytest.mark.parametrize(
    ("source", "is_kept"),
    [
        ("(Handbook, 2026-05-04)", True),
        ("(Handbook, 2024-06-01)", False),
        ("(Travel policy, 2026-05-04)", False),
        ("(Handbook, no date)", False),
    ],
)
def test_a_model_may_name_a_passages_own_title_and_date_and_no_other(
    source: str, is_kept: bool
) -> None:
    page = given.passage(POLICY)
    said = Sentence(f"The vacation is 30 days a year {source}.", 1, POLICY)
    (shown,) = verify(Draft((said,)), (page,)).sentences
    assert (shown.text == said.text) == is_kept
    assert is_kept or source not in shown.text


def test_a_passage_without_a_date_has_none_and_a_false_value_is_not_hidden_by_a_true_date() -> None:
    page = replace(given.passage(POLICY), updated_at=None)
    undated = Sentence("The vacation is 30 days a year (Handbook, no date).", 1, POLICY)
    assert verify(Draft((undated,)), (page,)).sentences == (undated,)
    false = Sentence("The vacation is 25 days a year (Handbook, no date).", 1, POLICY)
    assert verify(Draft((false,)), (page,)).sentences != (false,)
