"""The script that fits the weights of the answerer: what it learns, on figures made up here."""

import re
from dataclasses import replace

import numpy as np

from benchmarks.weights import Measured, figures, fitted, is_right, refusing, sure
from tests.workers.answering.passages import passage
from workers.cli.evaluation.sets import Row
from workers.models.weighing import NAMES

SOUGHT, COSINE = NAMES.index("sought"), NAMES.index("part_cosine")
NOTHING = np.zeros(len(NAMES))


def question(rng: np.random.Generator, *, is_answerable: bool) -> Measured:
    """Ten units: the right one alone holds what is asked for, whatever else is measured."""
    measures = rng.normal(size=(10, len(NAMES)))
    measures[:, 0] = 1.0
    measures[:, SOUGHT] = 0.0
    right = np.zeros(10)
    if is_answerable:
        right[3] = measures[3, SOUGHT] = 1.0
    return Measured(is_answerable, measures, right)


def a_set(seed: int) -> list[Measured]:
    rng = np.random.default_rng(seed)
    return [question(rng, is_answerable=number % 3 > 0) for number in range(60)]


def test_what_decides_gets_the_weight_and_a_set_that_was_left_out_is_answered() -> None:
    weights = fitted([a_set(1), a_set(2)], NOTHING, 0.003)
    assert int(np.abs(weights).argmax()) == SOUGHT
    assert figures(a_set(3), weights).startswith("40 right of 40")


def test_a_strong_pull_keeps_the_weights_of_the_code() -> None:
    prior = NOTHING.copy()
    prior[COSINE] = 2.0
    weights = fitted([a_set(1)], prior, 1_000.0)
    assert np.abs(weights - prior).max() < 0.2


def test_questions_without_an_answer_are_refused() -> None:
    weights = fitted([a_set(1), a_set(2)], NOTHING, 0.003)
    confidence = sure([a_set(1), a_set(2)], weights)
    done = refusing(a_set(3), weights, confidence)
    assert done["right"] > 0.9
    assert done["unanswerable refused"] > 0.9


def test_a_unit_is_right_by_the_facts_of_its_row_or_by_the_words_of_its_answer() -> None:
    page = passage("The budget is ten million euros.", document="plan")
    row = Row("1", "ana", "What is the budget?", "answer", "everyday")
    by_facts = replace(row, facts=((re.compile("ten million"),),), wrong=(re.compile("twelve"),))
    assert is_right(by_facts, page, "It is ten million.")
    assert not is_right(by_facts, page, "It is ten million, not twelve.")
    by_words = replace(row, answer="The budget: ten million euros", docs=frozenset({"plan"}))
    assert is_right(by_words, page, page.text)
    assert not is_right(replace(by_words, docs=frozenset({"other"})), page, page.text)
