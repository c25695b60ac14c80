"""The sets of benchmarks/companies: what a question expects is there, and the asker may read it."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from workers.cli.evaluation.sets import Directory, read_directory, read_questions

COMPANIES = sorted((Path(__file__).parents[2] / "benchmarks/companies").iterdir())
_FIELDS = {
    "id", "asker", "channel", "thread", "text", "language", "kind", "expected", "facts", "wrong",
    "docs", "answer", "why",
}  # fmt: skip
_EXPECTED = {"answer", "abstain", "chat", "ask_back"}

each_company = pytest.mark.parametrize("folder", COMPANIES, ids=lambda folder: folder.name)


@cache
def _rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "questions.jsonl").read_text().splitlines()]


@cache
def _directory(folder: Path) -> Directory:
    return read_directory(folder)


@cache
def _texts(folder: Path) -> dict[str, str]:
    """The documents that are text as they stand."""
    base = folder / "documents"
    files = [path for path in base.rglob("*.*") if path.suffix != ".xlsx"]
    return {path.relative_to(base).as_posix(): path.read_text() for path in files}


def _people(folder: Path) -> dict[str, dict[str, Any]]:
    lines = map(json.loads, (folder / "principals.jsonl").read_text().splitlines())
    return {line["id"]: line for line in lines if line["type"] == "user"}


def _matches(patterns: list[str], text: str) -> bool:
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)


@each_company
def test_every_question_has_the_fields_of_the_format(folder: Path) -> None:
    people = _people(folder)
    workspace = json.loads((folder / "workspace.json").read_text())
    channels = {channel["name"] for channel in workspace["channels"]}
    rows = _rows(folder)

    assert len(read_questions(folder)) == len(rows)
    assert len({row["id"] for row in rows}) == len(rows) >= 100
    for row in rows:
        assert row.keys() - {"where"} == _FIELDS, row["id"]
        assert row["expected"] in _EXPECTED, row["id"]
        assert row["asker"] in people, row["id"]
        assert row["channel"] is None or row["channel"] in channels, row["id"]
        assert (row["channel"] is None) == ("where" not in row), row["id"]
        assert all(turn["who"] in people and turn["text"] for turn in row["thread"]), row["id"]


@each_company
def test_what_may_be_cited_is_there_and_the_asker_may_read_it(folder: Path) -> None:
    directory = _directory(folder)
    for row in _rows(folder):
        assert set(row["docs"]) <= directory.chains.keys(), row["id"]
        assert not directory.forbidden(row["asker"], set(row["docs"])), row["id"]


@each_company
def test_a_good_colleagues_answer_is_right_by_its_own_facts(folder: Path) -> None:
    for row in _rows(folder):
        if row["expected"] == "answer":
            assert row["facts"], row["id"]
            assert all(_matches(fact, row["answer"]) for fact in row["facts"]), row["id"]
            assert not _matches(row["wrong"], row["answer"]), row["id"]


@each_company
def test_what_a_refused_asker_asks_for_stands_only_where_they_may_not_read(folder: Path) -> None:
    directory, texts = _directory(folder), _texts(folder)
    refused = [row for row in _rows(folder) if row["kind"] == "forbidden"]
    assert refused
    for row in refused:
        holding = {
            name
            for name, text in texts.items()
            if any(_matches(fact, text) for fact in row["facts"])
        }
        assert holding, row["id"]
        assert directory.forbidden(row["asker"], holding) == holding, row["id"]
