"""Which pages a question may be about, with the real embedders and small pages."""

import pytest

from tests.workers.models.pages import MINI, MULTI, passages
from workers.models.base import Draft, Profile
from workers.models.embedded import QuotingAnswerer

SITES = (("Kiel", "DE"), ("Newport", "US"))
PAGES = {
    "sailing/de/moorings.md": (
        "# Moorings in Germany\n\n## Fees\n\nA mooring costs EUR 12 a night. Boats longer than ten"
        " metres pay EUR 20."
    ),
    "sailing/us/moorings.md": (
        "# Moorings in the United States\n\n## Fees\n\nA mooring costs USD 30 a night. Boats longer"
        " than 30 feet pay USD 45."
    ),
    "rules/radio.md": "# Radio policy\n\n## Channel\n\nSkippers call the harbour on channel 72.",
    "rules/fire.md": "# Fire policy\n\n## Stoves\n\nNo open fire on board while in the harbour.",
    "rules/speed.md": (
        "# In the harbour\n\n## Speed\n\nThe limit is 4 knots inside the harbour."
        "\n\n## Berths\n\nBerths are given by the harbour master."
    ),
    "rules/guests.md": "# Guests\n\n## How many\n\nThe limit is 6 guests on one boat.",
    "rules/laundry.md": "# Laundry\n\n## Machines\n\nA wash costs 3 tokens from the kiosk.",
}
GERMAN, AMERICAN = (Profile(country=country, location=town, sites=SITES) for town, country in SITES)
NOBODY = Profile(sites=SITES)


def drafted(question: str, profile: Profile = NOBODY) -> tuple[Draft, list[str]]:
    """What is written, and the titles of the pages that are named."""
    found = passages(question, PAGES)
    draft = QuotingAnswerer(MINI, MULTI).write(question, found, profile=profile)
    return draft, sorted(found[number - 1].title for number in draft.pages)


@pytest.mark.parametrize(
    ("question", "titles"),
    [
        ("the policy?", ["Fire policy", "Radio policy"]),
        ("and the limit?", ["Guests", "In the harbour"]),
        ("which limit?", ["Guests", "In the harbour"]),
        ("moorings?", ["Moorings in Germany", "Moorings in the United States"]),
        ("how much is a mooring?", ["Moorings in Germany", "Moorings in the United States"]),
    ],
)
def test_a_question_that_does_not_say_which_has_rivals(question: str, titles: list[str]) -> None:
    draft, found = drafted(question)
    assert found == titles
    assert draft.sentences  # for where nobody can be asked


@pytest.mark.parametrize(
    "question",
    [
        "the fire policy?",
        "the limit for guests?",
        "how much is a mooring in Germany?",
        "what is the speed limit?",
        "laundry?",
        "how much is a wash?",
        "on which channel do skippers call the harbour?",
        "the policy on radio, and the limit for guests?",
    ],
)
def test_a_question_that_says_which_has_none(question: str) -> None:
    draft, found = drafted(question)
    assert (found, bool(draft.sentences)) == ([], True)


@pytest.mark.parametrize(
    ("profile", "words"), [(GERMAN, "EUR 12 a night"), (AMERICAN, "USD 30 a night")]
)
@pytest.mark.parametrize("question", ["how much is a mooring?", "moorings?"])
def test_the_profile_decides_between_countries(question: str, profile: Profile, words: str) -> None:
    draft, found = drafted(question, profile)
    assert found == []
    assert words in draft.sentences[0].text


def test_what_nothing_answers_has_no_rivals() -> None:
    draft, found = drafted("the chess tournament?")
    assert (draft.sentences, found) == ((), [])


@pytest.mark.parametrize(
    ("question", "titles"),
    [
        ("how many guests may sleep on one boat?", ["Guests"]),
        ("on which channel do skippers call the harbour?", ["Radio policy"]),
        ("the chess tournament?", []),
        ("what was the limit of guests on one boat in 2019?", []),
        ("what is the e-mail address of the skippers on the radio channel?", []),
        ("how much is a mooring in Portugal?", []),
        ("how many guests does Velmarsh allow on one boat?", []),
    ],
)
def test_a_page_is_close_only_if_nothing_speaks_against_it(
    question: str, titles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the answerer is not sure, whatever it finds."""
    monkeypatch.setattr("workers.models.embedded.confidence", lambda weighed: -0.1)
    draft, found = drafted(question)
    assert (draft.sentences, found) == ((), titles)
