"""What the answerer without a model quotes, with the real embedders and small pages."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.workers.models import pages
from tests.workers.models.pages import MINI, MULTI
from workers.models.base import NOBODY, Passage, Profile
from workers.models.embedded import QuotingAnswerer
from workers.models.embedders import Embedders
from workers.models.weighing import MOST_UNITS, understand, weigh

PAGES = {
    "sailing/de/moorings.md": (
        "# Moorings in Germany\n\nOwner: Ada Kern.\n\n## Fees\n\nA mooring in Kiel costs EUR 12 a"
        " night. Boats longer than ten metres pay EUR 20.\n\n## Leaving\n\nTell the harbour master"
        " Bo Lind two days before you leave."
    ),
    "sailing/us/moorings.md": (
        "# Moorings in the United States\n\n## Fees\n\nA mooring in Newport costs USD 30 a night."
        "\n\n## Leaving\n\nTell the dock office a week before you leave."
    ),
    "sailing/radio-v1.md": "# Radio rules v1\n\n## Channel\n\nSkippers call on channel 9.",
    "sailing/radio-v2.md": "# Radio rules v2\n\n## Channel\n\nSkippers call on channel 72.",
    "sailing/engine.md": (
        "# Engine faults\n\n## Codes\n\n| Code | Meaning |\n|---|---|\n"
        "| E14 | The cooling water is too hot |\n| E21 | The fuel filter is full of water |\n\n"
        "## Starting\n\nStart the engine like this:\n\n1. Open the fuel tap.\n"
        "2. Press the red button for two seconds.\n\nTo read the log, run:\n\n"
        "```\nboatctl log --last 5\n```\n"
    ),
}


def passages(question: str) -> tuple[Passage, ...]:
    return pages.passages(question, PAGES)


def quoted(question: str, profile: Profile = NOBODY) -> list[str]:
    draft = QuotingAnswerer(MINI, MULTI).write(question, passages(question), profile=profile)
    return [sentence.text for sentence in draft.sentences]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("how much is a mooring in Kiel", "EUR 12 a night. Boats longer"),
        ("what does code E21 mean", "E21"),
        ("how do I start the engine", "1. Open the fuel tap.\n2. Press"),
        ("which command shows the log of the engine", "boatctl log --last 5"),
        ("who do I tell before I leave the mooring in Germany", "Bo Lind"),
    ],
)
def test_the_quote_holds_what_is_asked_for_and_can_be_understood_alone(
    question: str, words: str
) -> None:
    assert words in quoted(question)[0]


@pytest.mark.parametrize(
    "question",
    [
        "what is the recipe for fish soup",
        "who won the chess tournament in 1987",
        "what does engine code E99 mean",
        "how much is a mooring in Portugal",
        "what is the phone number of Bo Lind",
        "e-mail address of the harbour master in Kiel",
    ],
)
def test_nothing_is_quoted_that_does_not_answer(question: str) -> None:
    assert quoted(question) == []


def test_a_persons_country_decides_between_two_pages() -> None:
    question = "how much does a mooring cost per night"
    assert "EUR 12" in quoted(question, Profile(country="DE"))[0]
    assert "USD 30" in quoted(question, Profile(country="US"))[0]


def test_a_profile_that_lies_shows_nothing_that_was_not_among_the_passages() -> None:
    given = " ".join(PAGES.values())
    liar = Profile(name="Bo Lind", country="FR", location="Nowhere", title="Admiral")
    for text in quoted("how much does a mooring cost per night", liar):
        assert text.split("\n")[0] in given


def test_a_comparison_quotes_both_sides() -> None:
    both = " ".join(quoted("cost of a mooring per night, Germany vs the United States"))
    assert "EUR 12" in both
    assert "USD 30" in both


@pytest.mark.parametrize(
    "question", ["summarize the engine faults", "Fass mir die Engine Faults zusammen"]
)
def test_an_overview_quotes_several_parts_of_one_page(question: str) -> None:
    given = passages(question)
    said = QuotingAnswerer(MINI, MULTI).write(question, given).sentences
    assert len(said) > 1
    assert {given[one.passage - 1].document for one in said} == {"sailing/engine.md"}


def test_an_overview_leaves_out_who_wrote_the_page() -> None:
    text = "# Rigging\n\nBy Ada Kern on 4 May 2026.\n\n## Mast\n\nThe mast is checked every May."
    draft = QuotingAnswerer(MINI, MULTI).write(
        "summarize Rigging", pages.passages("rigging", {"a.md": text})
    )
    assert [one.text for one in draft.sentences] == ["The mast is checked every May."]


def test_two_questions_get_two_answers() -> None:
    both = " ".join(
        quoted("how much is a mooring in Kiel and how do I start the engine of the boat")
    )
    assert "EUR 12" in both
    assert "Open the fuel tap" in both


def test_the_newer_version_of_a_page_is_quoted() -> None:
    assert "channel 72" in quoted("on which channel do skippers call")[0]


@pytest.mark.parametrize(
    "question",
    [
        "Was kostet ein Liegeplatz in Kiel pro Nacht?",
        "Combien coûte un amarrage à Kiel par nuit ?",
        "¿Cuánto cuesta un amarre en Kiel por noche?",
    ],
)
def test_a_question_in_another_language_finds_the_english_quote(question: str) -> None:
    assert "EUR 12" in quoted(question)[0]


def test_the_deciding_words_are_bold_and_stand_in_the_text() -> None:
    question = "how much is a mooring in Kiel"
    (first, *_) = QuotingAnswerer(MINI, MULTI).write(question, passages(question)).sentences
    assert first.bold == ("EUR 12 a",) or first.bold[0].startswith("EUR 12")
    assert all(words in first.text for words in first.bold)


def test_a_quote_names_its_own_passage_wherever_other_rows_stand() -> None:
    """Rows of a whole table, whose relevance is 0, may stand before the passages of a search."""
    question = "how much is a mooring in Kiel"
    best, *rest = passages(question)
    given = (*(replace(one, relevance=0.0) for one in rest[:3]), best)
    (first, *_) = QuotingAnswerer(MINI, MULTI).write(question, given).sentences
    assert given[first.passage - 1] is best


def test_headings_owners_and_questions_are_not_quoted() -> None:
    for question in ("Moorings in Germany", "how much is a mooring in Kiel"):
        assert not any(text.startswith(("#", "Owner:")) for text in quoted(question))


@pytest.mark.parametrize("question", ["", "?", "\x00", "a" * 40_000, "who? " * 4_000, "\ud800"])
def test_hostile_questions_are_survived(question: str) -> None:
    draft = QuotingAnswerer(MINI).write(question, passages("mooring"))
    assert len(draft.sentences) <= 12


def test_a_draft_says_how_well_it_is_supported_also_where_nothing_is_quoted() -> None:
    answerer = QuotingAnswerer(MINI, MULTI)

    def support(question: str) -> float:
        return answerer.write(question, passages(question)).support or 0.0

    assert support("how much is a mooring in Kiel") > 0
    assert support("what is the recipe for fish soup") < 0
    empty = answerer.write("how much is a mooring in Kiel", ())
    assert empty.support is not None
    assert empty.support < 0


class Counting:
    """The English embedder, with the texts that it embedded."""

    name, dimension = MINI.name, MINI.dimension

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed_one(self, text: str) -> NDArray[np.float32]:
        self.embedded.append(text)
        return MINI.embed_one(text)


FLEET = {
    f"sailing/boats/{name.lower()}.md": (
        f"# The {name}\n\n## Costs\n\nThe {name} costs EUR {number} a day. Its mooring costs EUR 9"
        " a night. Its crew is paid by the hour.\n\n## Care\n\nThe hull is painted each spring. The"
        " sails are washed after each season. The ropes are changed every second year."
    )
    for number, name in enumerate(("Avocet", "Bittern", "Curlew", "Dunlin", "Egret"), start=31)
}


def test_a_question_embeds_the_sentences_of_five_units_whatever_is_found() -> None:
    question = "how much does the Curlew cost a day"
    found = pages.passages(question, FLEET)
    counting = Counting()
    (first, *_) = QuotingAnswerer(counting).write(question, found).sentences
    assert "EUR 33 a day" in first.text
    assert len(counting.embedded) <= 1 + 5 * (3 + 1)  # its sentences, and it with its headings

    every = Counting()
    compare = Embedders(every).compare_with(question).similarity
    weigh(understand(question), found, compare, compared=MOST_UNITS)
    assert len(every.embedded) > 1 + 5 * (3 + 1)


def test_what_is_not_compared_by_meaning_is_weighed_by_its_words() -> None:
    question = "how much does the Curlew cost a day"
    found = pages.passages(question, FLEET)
    compare = Embedders(MINI).compare_with(question).similarity
    weighed = weigh(understand(question), found, compare, compared=0)
    assert "EUR 33 a day" in weighed[0].unit.text
    assert len(weighed) == len(weigh(understand(question), found, compare))
