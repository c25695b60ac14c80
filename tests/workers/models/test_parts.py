"""Two questions in one message, and comparisons."""

import pytest

from workers.models.parts import MOST_PARTS, parts_of


@pytest.mark.parametrize(
    "question",
    [
        "how long is the lease and the notice period",
        "who wrote it",
        "salt and pepper",
        "how much sick pay do I get? In Kiel, I mean",
        "if I leave early, what happens to my bonus and who decides",
        "",
    ],
)
def test_one_question_stays_as_it_is(question: str) -> None:
    assert parts_of(question) == (question,)


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "when is the fair and who has the stand keys for it on that day",
            ("when is the fair", "who has the stand keys for it on that day"),
        ),
        (
            "boat shed: how long and for how many boats",
            ("boat shed: how long", "boat shed for how many boats"),
        ),
        (
            "Wann ist die Messe und wer fährt hin?",
            ("Wann ist die Messe", "Wann ist die Messe wer fährt hin"),
        ),
        ("Is it open? Where is it?", ("Is it open", "Is it open Where is it")),
    ],
)  # fmt: skip
def test_a_further_question_gets_its_topic(question: str, parts: tuple[str, ...]) -> None:
    assert parts_of(question) == parts


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("sick pay Kiel vs Brest", ("sick pay Kiel", "sick pay Brest")),
        ("sick pay germany vs us", ("sick pay germany", "sick pay US")),
        (
            "difference between tin and zinc roofs",
            ("difference tin roofs", "difference zinc roofs"),
        ),
    ],
)  # fmt: skip
def test_a_comparison_is_a_question_for_each_side(question: str, parts: tuple[str, ...]) -> None:
    assert parts_of(question) == parts


def test_a_side_that_names_nothing_is_no_side() -> None:
    assert parts_of("notice during probation vs after") == ("notice during probation vs after",)


def test_forty_questions_become_four() -> None:
    assert len(parts_of("and ".join(["where is the boat? "] * 40))) == MOST_PARTS
