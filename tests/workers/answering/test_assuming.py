"""An answer says for which country it was assumed to be, and offers the others."""

import pytest

from policies import Class
from tests.workers.answering.asking import only
from tests.workers.slack_company import Company
from workers.models.base import Draft, Passage, Sentence

QUESTION = "How many days of vacation?"
OFFERED = "I also have a page for the United States: ask me about it."


def quote_first(question: str, passages: tuple[Passage, ...]) -> Draft:
    return Draft((Sentence(passages[0].text, 1, passages[0].text),))


@pytest.fixture
def offices(company: Company) -> Company:
    company.model.write_next = quote_first
    for country in ("de", "us"):
        words = f"The vacation is a number of days, says {country}."
        company.library.document(f"hr/{country}/vacation", words, only(Class.MEMBERS))
    company.person("alice", profile={"country": "DE"})
    company.person("bob", profile={"country": "US"})
    return company


def told(company: Company, channel: str = "DUALICE", words: str = QUESTION) -> str:
    company.asked(channel, "alice", words)
    return company.posts(channel)[-1].text


def test_it_says_what_it_assumed_and_offers_the_other(offices: Company) -> None:
    posted = told(offices)
    assert posted.startswith("From the documents, for Germany:\n")
    assert posted.endswith(OFFERED)


def test_what_the_question_says_was_not_assumed(offices: Company) -> None:
    for words in (f"{QUESTION} In Germany", f"{QUESTION} In the US"):
        posted = told(offices, words=words)
        assert posted.startswith("From the documents:\n"), words
        assert "I also have" not in posted


def test_in_a_mixed_channel_nothing_is_assumed(offices: Company) -> None:
    posted = told(offices, "CBOARD")
    assert posted.startswith("From the documents:\n")
    assert "I also have" not in posted


def test_a_page_that_not_all_readers_may_read_is_not_offered(offices: Company) -> None:
    """Threat 16: the bytes are those of a company without it."""
    bob = offices.library.ids["bob"]
    before = told(offices)
    offices.library.document("hr/fr/vacation", "The vacation is secret.", only(bob))
    offices.library.person("fleur", profile={"country": "FR"})
    assert told(offices) == before
    assert "France" not in offices.emitted()


def test_a_page_on_another_subject_is_not_offered(offices: Company) -> None:
    words = "The vacation is a number of days, says this."
    offices.library.document("x", words, only(Class.MEMBERS), title="Travelling to France")
    posted = told(offices)
    assert posted.endswith(OFFERED)
    assert "France" not in posted.rpartition("I also have")[2]


def test_a_page_that_fits_the_question_worse_is_not_offered(offices: Company) -> None:
    assert "I also have" not in told(offices, words="vacation number days says de")
