"""Turns feedback into rows of a question set, for a person to complete.

Only what administrators have been sent already: the asker's own words, with the asker's own verdict
that the answer is wrong or out of date (decision 34). Any other rating stays where it is.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from workers.cli.loading import progress_bar
from workers.database.sessions import Database
from workers.intake.leases import show_question
from workers.intake.messages import OWN_WORDS


@dataclass(frozen=True, slots=True)
class Exported:
    rows: int
    left_out: int
    """Ratings whose askers were not told that anybody reads their words."""


def export_feedback(database: Database, file: Path) -> Exported:
    """Write the rows to a file that only its owner can read. Overwrites it."""
    rows, left_out = [], 0
    with progress_bar() as bar:
        ids = _question_ids(database)
        with database.session("answerer") as session:
            for question_id in bar.track(ids, description="Questions"):
                for rating in _ratings(session, question_id):
                    if rating["shareable"]:
                        rows.append(_row(question_id, rating))
                    else:
                        left_out += 1
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return Exported(len(rows), left_out)


def _question_ids(database: Database) -> list[int]:
    with database.session("ingress") as session:
        return list(session.scalars(_IDS_OF_QUESTIONS))


def _ratings(session: Session, question_id: int) -> Iterator[dict[str, Any]]:
    show_question(session, question_id)  # row-level security shows one question at a time
    for row in session.execute(
        _READ_RATINGS, {"id": question_id, "own_words": OWN_WORDS}
    ).mappings():
        yield dict(row)


def _row(question_id: int, rating: dict[str, Any]) -> dict[str, Any]:
    reason, comment = rating["reason"] or rating["verdict"], rating["comment"]
    return {
        "id": f"feedback-{question_id}",
        "asker": f"{rating['source']}:{rating['user_id']}",
        "channel": None,
        "thread": [],
        "text": rating["text"],
        "language": "",
        "kind": "feedback",
        "expected": "answer",
        "facts": [],
        "wrong": [],
        "docs": [],
        "answer": "",
        "why": f"{reason.replace('_', ' ')}: {comment}" if comment else reason.replace("_", " "),
    }


# Returns the ids of all questions, oldest first. This role may not read their text.
_IDS_OF_QUESTIONS = text("SELECT id FROM question ORDER BY id")

# Returns the ratings of one question, and whether its asker knows that administrators read them:
# their own rating of their own words, which administrators have a message about. Words that were
# forgotten, and askers who are not linked to a person, are left out.
_READ_RATINGS = text("""
    SELECT question.text, question.user_id, source.name AS source,
           feedback.verdict, feedback.reason, feedback.comment,
           feedback.told_at IS NOT NULL
           AND (feedback.verdict = 'wrong' OR feedback.reason IN ('wrong', 'outdated'))
           AND (feedback.team_id, feedback.user_id) = (question.team_id, question.user_id)
           AND NOT question.borrowed AND question.surface = ANY(:own_words)
           AND question.text <> '' AND identity.user_id IS NOT NULL AS shareable
    FROM feedback
    JOIN question ON question.id = feedback.question_id
    LEFT JOIN source ON source.name = 'slack:' || question.team_id
    LEFT JOIN identity ON identity.source_id = source.id AND identity.native_id = question.user_id
    WHERE feedback.question_id = :id
    ORDER BY feedback.user_id
""")
