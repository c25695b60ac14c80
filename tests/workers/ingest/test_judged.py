"""The company's own questions decide, too, whether a new version of the index is switched to."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.workers.ingest.indexed import BEFORE, Indexed, Other
from workers.errors import InputInvalid
from workers.index import gate, versions
from workers.index.gate import Checked
from workers.ingest import beginning
from workers.ingest.judged import read_judged
from workers.jobs import rows
from workers.jobs.rows import Shown


def write(folder: Path, *questions: Mapping[str, object]) -> Path:
    lines = "".join(json.dumps(one) + "\n" for one in questions)
    (folder / "questions.jsonl").write_text(lines)
    return folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A question for each of the six pages, one that no page answers, and one that is refused."""
    asked = [
        {"text": f"Is part {number} large?", "expected": "answer", "docs": [f"page {number}"]}
        for number in range(6)
    ]
    nowhere = {"text": "Who?", "expected": "answer", "expected_doc_ids": []}
    return write(tmp_path, *asked, nowhere, {"text": "What?", "expected": "abstain", "docs": []})


def begin(indexed: Indexed, folder: Path, sample: int | None = None) -> int:
    other = [("other", 384)]
    return beginning.begin(
        indexed.database, other, actor="test", before=BEFORE, judged_by=(folder, sample)
    )


def test_a_version_that_finds_the_documents_as_the_old_one_does_is_switched_to(
    indexed: Indexed, own: Path
) -> None:
    assert indexed.run(begin(indexed, own, sample=4)) is Shown.DONE
    with indexed.database.session("indexer") as session:
        newest, *_ = versions.all_versions(session)
    assert [newest.gate[one] for one in ("judged", "found_before", "found")] == [4, 4, 4]


def test_a_version_that_finds_fewer_is_not_and_without_the_questions_it_would_be(
    indexed: Indexed, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its model passes our own test questions, and knows nothing of the company's words."""
    monkeypatch.setattr("workers.ingest.judged.NEAREST", 1)
    ours = np.eye(384, dtype=np.float32)[0]

    def blind(texts: Sequence[str]) -> NDArray[np.float32]:
        made = Other().embed(texts)
        made[["part" in one for one in texts]] = ours
        return made

    monkeypatch.setattr(indexed.other, "embed", blind)
    monkeypatch.setattr(indexed.other, "embed_one", lambda one: blind([one])[0])
    job_id = begin(indexed, own)
    assert indexed.run(job_id) is Shown.FAILED
    reason = rows.job(indexed.database, job_id).reason
    assert "of 6 of your questions it finds the documents of 1" in reason
    assert indexed.active() == "words"
    assert indexed.run(indexed.begin()) is Shown.DONE


def test_a_few_fewer_are_no_reason() -> None:
    for found, is_fine in ((97, True), (96, False)):
        checked = Checked(9, 0, 0, 1.0, 1.0, judged=100, found_before=100, found=found)
        assert (not checked.objections()) == is_fine, gate.MARGIN


@pytest.mark.parametrize("words", ["", "no json", "[1]", '{"expected": "abstain", "text": "x"}'])
def test_questions_that_are_none_are_refused(tmp_path: Path, words: str) -> None:
    (tmp_path / "questions.jsonl").write_text(words)
    with pytest.raises(InputInvalid, match="question"):
        read_judged(tmp_path)
    with pytest.raises(InputInvalid, match="questions"):
        read_judged(tmp_path / "nowhere")


def test_a_sample_is_the_same_each_time(own: Path) -> None:
    assert len(read_judged(own)) == 6
    assert read_judged(own, sample=3) == read_judged(own, sample=3)
