"""How a question came, and what follows from it; and the row that holds it."""

from dataclasses import asdict

import pytest

from workers.intake.messages import Question, Surface, question_of

ANSWERS = {
    "is_outside_slack": {"terminal", "program", "search"},
    "is_limited": {surface.value for surface in Surface} - {"terminal", "search"},
    "takes_wishes": {surface.value for surface in Surface} - {"program"},
    "is_addressed": {"slack", "follow_up"},
    "is_unasked": {"automatic"},
    "is_message": {"slack", "follow_up", "automatic"},
    "is_aloud": {"slack", "follow_up", "automatic", "share"},
    "is_share": {"share"},
    "is_for_the_asker": {"command", "shortcut", "private"},
    "is_about_a_message": {"shortcut"},
    "is_quiet": {"automatic", "share"},
    "reads_thread": {"slack", "follow_up", "automatic", "share", "private"},
    "takes_link_codes": {"slack"},
    "has_message": {"slack", "follow_up", "automatic", "shortcut", "share", "private"},
}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_surface_answers_every_question_about_it(name: str) -> None:
    assert {surface.value for surface in Surface if getattr(surface, name)} == ANSWERS[name]


def test_no_question_about_a_surface_is_left_out() -> None:
    asked = {name for name, value in vars(Surface).items() if isinstance(value, property)}
    assert asked == ANSWERS.keys()


def test_a_row_becomes_the_question_that_was_stored() -> None:
    question = Question("Ev1", "T1", "C1", "1.1", "1.0", "U1", "words", Surface.SHARE, about=7)
    row = {**asdict(question), "surface": "share", "state": "kept"}
    assert question_of(row) == question
    assert question_of(row).surface is Surface.SHARE


def test_a_surface_that_this_version_does_not_know_is_an_error() -> None:
    row = {**asdict(Question("Ev1", "T1", "C1", "1.1", "1.0", "U1", "words")), "surface": "fax"}
    with pytest.raises(ValueError, match="fax"):
        question_of(row)
