"""Question sets in both formats, what is refused in them, and which rows are asked."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.workers.cli.evaluation.spoken import NATURAL, row
from workers.cli.evaluation.run import Choice, chosen
from workers.cli.evaluation.sets import read_directory, read_questions
from workers.errors import InputInvalid

OLDER: dict[str, Any] = {
    "id": "q1",
    "asker": "ana",
    "text": "Leave?",
    "paraphrase": "How long may I be away?",
    "expected": "answer",
    "category": "restricted",
    "expected_doc_ids": ["leave"],
    "also_acceptable_doc_ids": ["handbook"],
    "forbidden_doc_ids": ["pay"],
    "leak_markers": ["canary"],
    "thread": [{"who": "user", "text": "Hello"}, {"who": "agent", "text": "Yes?"}],
}


def write(folder: Path, name: str, *lines: dict[str, Any] | str) -> Path:
    written = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / name).write_text("\n".join(written))
    return folder


def test_rows_of_both_formats_are_read(tmp_path: Path) -> None:
    natural, older = read_questions(write(tmp_path, "questions.jsonl", NATURAL, OLDER))

    assert natural.kind == "everyday"
    assert natural.docs == {"leave"}
    assert natural.facts is not None
    assert natural.facts[0][0].search("You have 30 DAYS")
    assert older.kind == "restricted"
    assert older.facts is None
    assert older.docs == {"leave", "handbook"}
    assert older.thread == (("user", "Hello"), ("agent", "Yes?"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "not JSON"),
        ("[1]", "not an object"),
        ({**NATURAL, "expected": "perhaps"}, "expected must be one of"),
        ({**NATURAL, "facts": [["("]]}, "missing )"),
        ({**NATURAL, "facts": 3}, "not iterable"),
        ({name: value for name, value in NATURAL.items() if name != "asker"}, "asker is missing"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(
    tmp_path: Path, line: dict[str, Any] | str, words: str
) -> None:
    folder = write(tmp_path, "questions.jsonl", NATURAL, line)
    with pytest.raises(InputInvalid) as refused:
        read_questions(folder)
    assert "questions.jsonl:2" in str(refused.value)
    assert words in str(refused.value)


def test_what_an_asker_may_not_read_follows_from_the_set_alone(tmp_path: Path) -> None:
    write(
        tmp_path,
        "principals.jsonl",
        {"type": "user", "id": "ana", "identities": {"slack:T1": "UANA"}},
        {"type": "user", "id": "gil", "kind": "guest"},
        {"type": "user", "id": "eva", "status": "suspended"},
        {"type": "group", "id": "staff", "members": ["group:berlin"]},
        {"type": "group", "id": "berlin", "members": ["user:ana"]},
    )
    write(
        tmp_path,
        "documents.jsonl",
        {"id": "plan", "acl": {"allow": ["group:staff"], "deny": []}},
        {"id": "pay", "acl": {"allow": ["group:staff"], "deny": ["user:ana"]}},
        {"id": "news", "acl": {"allow": ["class:members"]}},
    )
    directory = read_directory(tmp_path)

    assert directory.forbidden("ana", {"plan", "pay", "news"}) == {"pay"}
    assert directory.forbidden("gil", {"plan", "pay", "news"}) == {"plan", "pay", "news"}
    assert directory.members == {"ana"}
    assert directory.accounts == {"slack:T1:UANA": "ana"}


def test_a_sample_is_the_same_for_the_same_seed_and_keeps_the_order() -> None:
    rows = [row(id=str(number), kind="even" if number % 2 == 0 else "odd") for number in range(40)]

    first = chosen(rows, Choice(sample=10, seed=1))
    assert first == chosen(rows, Choice(sample=10, seed=1))
    assert first != chosen(rows, Choice(sample=10, seed=2))
    assert [int(one.id) for one in first] == sorted(int(one.id) for one in first)
    assert chosen(rows, Choice(sample=100)) == rows
    assert {one.kind for one in chosen(rows, Choice(kinds=("odd",)))} == {"odd"}


def test_an_unknown_kind_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputInvalid) as refused:
        chosen([row()], Choice(kinds=("dates",)))
    assert "everyday" in (refused.value.remedy or "")


def test_a_row_that_any_answer_would_fit_is_refused() -> None:
    with pytest.raises(InputInvalid, match="what must the answer hold"):
        chosen([row(facts=[])], Choice())
    assert chosen([row(facts=[], expected="chat")], Choice())
