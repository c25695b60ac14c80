"""Feedback becomes rows of a set only where its giver knows that administrators read it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.workers.people.verdicts import PRESSED, asked, settled, take
from tests.workers.slack_company import Company
from workers.cli.evaluation.exporting import export_feedback
from workers.cli.evaluation.run import Choice, chosen
from workers.cli.evaluation.sets import read_questions
from workers.errors import InputInvalid


@pytest.fixture(autouse=True)
def people(company: Company) -> None:
    company.person("alice")
    company.person("bob")
    company.person("carl", linked=False)
    settled(company, admins=("UBOB",))


def exported(company: Company, tmp_path: Path) -> tuple[list[dict[str, Any]], int]:
    file = tmp_path / "set" / "questions.jsonl"
    done = export_feedback(company.library.database, file)
    assert file.stat().st_mode & 0o077 == 0
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(rows) == done.rows
    return rows, done.left_out


def test_an_askers_own_word_that_administrators_were_sent_becomes_a_row(
    company: Company, tmp_path: Path
) -> None:
    question_id = asked(company, words="how much is the budget")
    take(company, question_id, **PRESSED)
    (row,), left_out = exported(company, tmp_path)

    assert row["text"] == "how much is the budget"
    assert row["asker"] == "slack:T1:UALICE"
    assert row["why"] == "outdated: It is eleven now."
    assert left_out == 0
    (read,) = read_questions(tmp_path / "set")
    with pytest.raises(InputInvalid, match="what must the answer hold"):
        chosen([read], Choice())


@pytest.mark.parametrize(
    ("channel", "asker", "giver", "given"),
    [
        ("DUALICE", "alice", "alice", {"verdict": "good"}),
        ("DUALICE", "alice", "alice", {"verdict": "bad", "reason": "unclear"}),
        ("CALL", "alice", "bob", PRESSED),
        ("DUCARL", "carl", "carl", PRESSED),
    ],
    ids=["good", "unclear", "another's words", "nobody of ours"],
)
def test_any_other_rating_stays_where_it_is(
    company: Company, tmp_path: Path, channel: str, asker: str, giver: str, given: dict[str, Any]
) -> None:
    take(company, asked(company, channel, asker, words="secret plans?"), giver, **given)
    assert exported(company, tmp_path) == ([], 1)


def test_words_that_administrators_were_not_sent_stay_where_they_are(
    company: Company, tmp_path: Path
) -> None:
    settled(company, admins=())
    take(company, asked(company), **PRESSED)
    assert exported(company, tmp_path) == ([], 1)
