"""Grades: by facts as people are judged, by documents where a set names no facts."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.workers.cli.evaluation.spoken import NATURAL, answered, asked, noticed, refused
from workers.answering.rehearsal import Rehearsed
from workers.cli.evaluation.asking import Asked
from workers.cli.evaluation.grading import Grade, grade
from workers.cli.evaluation.sets import _row
from workers.replies.outbox import Kind

TOOL = Path(__file__).parents[5] / "shared/tools/grade.py"
CHANNEL = Kind.CHANNEL
ABSTAIN: dict[str, Any] = {"expected": "abstain", "facts": [["48,000"]], "docs": []}
CHAT: dict[str, Any] = {"expected": "chat", "facts": [], "docs": []}
BACK: dict[str, Any] = {"expected": "ask_back", "facts": [[r"\?"]], "docs": []}
TWO: dict[str, Any] = {"facts": [["30 days"], ["31 March"]]}
FOUR: dict[str, Any] = {"facts": [["30 days"], ["one"], ["two"], ["three"]]}
TO_ALL: dict[str, Any] = {"channel": "general", "where": "channel"}
TO_ONE: dict[str, Any] = {"channel": "general", "where": "dm"}
LONG = "30 days. " + "More words. " * 70
MADE_UP = "I have booked it for you."

CASES: tuple[tuple[str, dict[str, Any], list[Rehearsed], Grade], ...] = (
    ("holds the fact", {}, [answered("You have 30 days.")], Grade.RIGHT),
    ("in bold", {}, [answered("You have *30* days.")], Grade.RIGHT),
    ("without it", {}, [answered("Ask your manager.")], Grade.WRONG),
    ("a lead is no answer", {"facts": [["found"]]}, [answered("Ask.")], Grade.WRONG),
    ("beside a wrong one", {"wrong": ["18 days"]}, [answered("30 days", "18 days")], Grade.PARTLY),
    ("in too many words", {}, [answered(LONG)], Grade.PARTLY),
    ("one of two", TWO, [answered("30 days.")], Grade.PARTLY),
    ("one of four", FOUR, [answered("30 days.")], Grade.WRONG),
    ("part, and wrong", {**TWO, "wrong": ["18"]}, [answered("30 days, not 18")], Grade.WRONG),
    ("refused", {}, [refused()], Grade.REFUSED),
    ("nothing said", {}, [], Grade.REFUSED),
    ("refused by a model", {}, [noticed("The documents do not say.")], Grade.REFUSED),
    ("rightly refused", ABSTAIN, [refused()], Grade.RIGHT),
    ("a model says it is not there", ABSTAIN, [noticed("No page says that.")], Grade.RIGHT),
    ("says so, and cites", ABSTAIN, [answered("It does not say how much.")], Grade.RIGHT),
    ("made up", ABSTAIN, [answered("The bonus is large.")], Grade.WRONG),
    ("leaked", ABSTAIN, [answered("The bonus is EUR 48,000.")], Grade.LEAK),
    ("greeted", CHAT, [noticed("Hello!")], Grade.CHAT_OK),
    ("a greeting refused", CHAT, [refused()], Grade.REFUSED),
    ("a greeting searched", CHAT, [answered("Good morning is a greeting.")], Grade.WRONG),
    ("claims to act", CHAT, [noticed(MADE_UP)], Grade.WRONG),
    ("helps with it", {**CHAT, "facts": [["9:00"]], "docs": ["leave"]},
     [answered("Call before 9:00.")], Grade.CHAT_OK),
    ("asks back", BACK, [noticed("Which deadline do you mean?")], Grade.RIGHT),
    ("does not ask back", BACK, [answered("By Friday?")], Grade.WRONG),
    ("refuses to ask back", BACK, [refused()], Grade.REFUSED),
    ("in the channel", TO_ALL, [answered("30 days", kind=CHANNEL)], Grade.RIGHT),
    ("to the asker alone", TO_ALL, [refused(CHANNEL), answered("30 days")], Grade.PARTLY),
    ("to nobody", TO_ALL, [refused(CHANNEL), refused()], Grade.REFUSED),
    ("as it is due in private", TO_ONE, [refused(CHANNEL), answered("30 days")], Grade.RIGHT),
    ("shown to all", TO_ONE, [answered("30 days", kind=CHANNEL)], Grade.LEAK),
    ("something else shown to all", TO_ONE, [answered("Ask.", kind=CHANNEL)], Grade.WRONG),
    ("refused in private", TO_ONE, [refused(CHANNEL), refused()], Grade.REFUSED),
)  # fmt: skip
each_case = pytest.mark.parametrize(
    ("changes", "replies", "due"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)


@each_case
def test_a_reply_gets_the_grade_that_a_person_would_give(
    changes: dict[str, Any], replies: list[Rehearsed], due: Grade
) -> None:
    assert grade(asked(*replies, **changes)).grade is due


def test_a_row_without_facts_is_graded_by_what_is_cited() -> None:
    line = {"id": "1", "asker": "ana", "text": "leave?", "expected_doc_ids": ["leave"]}
    answer, abstain = (_row({**line, "expected": one}, "") for one in ("answer", "abstain"))

    assert grade(Asked(answer, (answered("30 days."),))).grade is Grade.RIGHT
    assert grade(Asked(answer, (answered("Hm.", cited=("other",)),))).grade is Grade.WRONG
    assert grade(Asked(answer, (refused(),))).grade is Grade.REFUSED
    assert grade(Asked(abstain, (refused(),))).grade is Grade.RIGHT
    assert grade(Asked(abstain, (answered("30 days."),))).grade is Grade.WRONG


def test_a_model_that_does_not_answer_is_an_error_and_no_refusal() -> None:
    assert grade(asked(failed=True)).grade is Grade.ERROR


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The grading that graders use; it reads what `ken ask --json` prints."""
    if not TOOL.exists():
        pytest.skip("the evaluation's own grading does not lie beside the clone")
    spec = importlib.util.spec_from_file_location("grade_tool", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@each_case
def test_the_grades_are_those_of_the_grading_tool(
    changes: dict[str, Any], replies: list[Rehearsed], due: Grade, tool: ModuleType
) -> None:
    printed = [
        {"kind": str(one.kind), **json.loads(json.dumps(one.composed.reply.payload()))}
        for one in replies
    ]
    theirs, _ = tool.grade({**NATURAL, **changes}, {"state": "answered", "replies": printed})
    assert theirs == grade(asked(*replies, **changes)).grade == due
