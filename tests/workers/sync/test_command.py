"""`ken sync` and `ken source` as people meet them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from policies.tables.sources import RunState
from tests.workers.cli import conftest as command_line
from tests.workers.cli.terminal import REPOSITORY, Ken
from tests.workers.sync.conftest import SOURCE, Drive, Line, folder, group, page
from workers.sync import runs

ken = command_line.ken
EXAMPLE = REPOSITORY / "examples" / "sync"

CHANGED: list[Line] = [
    group("staff", "user:cy", "group:ghost"),
    folder("plans", "group:staff"),
    page("may", parent="plans"),
    page("june", parent="plans"),
]


def written(file: Path, lines: Iterable[Any]) -> str:
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return str(file)


def test_a_dry_run_changes_nothing_and_ends_as_the_push_would(
    ken: Ken, small: Drive, tmp_path: Path
) -> None:
    file = written(tmp_path / "drive.jsonl", CHANGED)
    before = small.everything()
    dry = ken("sync", "push", file, "--source", SOURCE, "--dry-run")
    assert (dry.code, small.everything()) == (5, before)
    assert "nothing was changed; this complete push would be applied" in dry.out


def test_a_push_shows_who_gains_and_who_loses_and_ends_with_5_for_names_of_nobody(
    ken: Ken, small: Drive, tmp_path: Path
) -> None:
    file = written(tmp_path / "drive.jsonl", CHANGED)
    done = ken("sync", "push", file, "--source", SOURCE)
    assert done.code == 5
    assert "(complete) is applied, epoch" in done.out
    rows = [line.split() for line in done.out.splitlines()]
    assert ["gain", "1", "2", "2"] in rows
    assert ["lose", "3", "3", "5"] in rows
    assert "  Cy gains 2 documents" in done.out
    assert "  Ana loses 2 documents" in done.out
    assert "dropped group:ghost: group staff" in done.out
    assert small.readers() == {"may": ["cy"], "june": ["cy"], "diary": []}


@pytest.fixture
def waiting(ken: Ken, small: Drive, tmp_path: Path) -> str:
    """A run that was pushed from a folder of files, and waits for a word."""
    place = tmp_path / "drive"
    place.mkdir()
    written(place / "1.jsonl", CHANGED[:2])
    written(place / "2.jsonl", CHANGED[2:])
    ken.extra = {"KEN_WIDENING_LIMIT": "1", "KEN_WIDENING_PERCENT": "1"}
    pushed = ken("sync", "push", str(place), "--source", SOURCE, "--json")
    body = pushed.json()
    assert (pushed.code, body["state"], body["difference"]["pairs_gained"]) == (6, "waiting", 2)
    return str(body["id"])


def test_a_run_that_waits_says_what_for_and_is_confirmed(
    ken: Ken, small: Drive, waiting: str
) -> None:
    shown = ken("sync", "show", waiting)
    assert f"ken sync confirm {waiting}" in shown.out
    assert "waits: 1 person gains 2 readings" in shown.out
    assert small.readers()["may"] == []
    assert "is applied" in ken("sync", "confirm", waiting).out
    assert small.readers()["may"] == ["cy"]


def test_a_run_is_undone_and_then_waits_no_more(ken: Ken, small: Drive, waiting: str) -> None:
    ken("sync", "confirm", waiting)
    listed = ken("sync", "runs", SOURCE)
    assert [line.split()[0] for line in listed.out.splitlines()] == ["run", waiting, "1"]
    assert "is undone" in ken("sync", "undo", waiting).out
    assert small.readers() == {"diary": ["cy"], "june": ["ana", "bob"], "may": ["ana", "bob"]}
    assert "is undone, not waiting" in ken.refused("sync", "confirm", waiting, code=2)
    (newest, _) = runs.runs(small.database, source=SOURCE, limit=5)
    assert newest.state is RunState.UNDONE


def test_what_waits_can_be_dropped_or_pushed_with_yes(
    ken: Ken, small: Drive, tmp_path: Path
) -> None:
    ken.extra = {"KEN_WIDENING_LIMIT": "0", "KEN_WIDENING_PERCENT": "0"}
    file = written(tmp_path / "drive.jsonl", [page("may", "user:cy")])
    arguments = ("sync", "push", file, "--source", SOURCE, "--delta")
    assert ken(*arguments).code == 6
    assert small.readers()["may"] == []
    assert ken("sync", "drop", "2").out == "Run 2 is dropped.\n"
    assert small.readers()["may"] == []
    assert ken(*arguments, "--yes").code == 0
    assert small.readers()["may"] == ["cy"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"type": "node", "id": "a", "kind": "document"}', "2.jsonl:3: nothing says who may"),
        (
            b'{"type": "node", "id": "a", "allow": [], "allow": []}',
            "2.jsonl:3: allow: the field occurs",
        ),
        (b"{", "2.jsonl:3: the line is not a JSON object"),
        (b"\xff", "2.jsonl:3: the line is not a JSON object"),
        (b"[" * 100_000, "2.jsonl:3: the line is not a JSON object"),
        (b'{"type": "group", "id": "\\ud800", "members": []}', "2.jsonl:3: id: Input should be"),
    ],
)
def test_a_bad_line_is_named_by_file_and_number_and_nothing_changes(
    ken: Ken, small: Drive, tmp_path: Path, line: bytes, expected: str
) -> None:
    before = small.everything()
    written(tmp_path / "1.jsonl", [page("may", "user:cy")])
    (tmp_path / "2.jsonl").write_bytes(json.dumps(page("x")).encode() + b"\n\n" + line + b"\n")
    error = _refused(ken, tmp_path)
    assert expected in error
    assert "Nothing was changed" in error
    assert small.everything() == before


def test_a_place_without_files_is_refused(ken: Ken, small: Drive, tmp_path: Path) -> None:
    assert "has no file *.jsonl" in _refused(ken, tmp_path)
    assert "cannot be read: No such file" in _refused(ken, tmp_path / "nowhere")


def test_sources_are_listed_paused_and_given_an_age(ken: Ken, small: Drive) -> None:
    assert ken("source", "set", SOURCE, "--max-staleness", "24h", "--pause").code == 0
    (source,) = ken("source", "list", "--json").json()
    assert (source["paused"], source["usable"], source["max_staleness"]) == (
        True,
        False,
        86400.0,
    )
    assert ken("source", "set", SOURCE, "--max-staleness", "none", "--resume").code == 0
    (source,) = ken("source", "list", "--json").json()
    assert (source["usable"], source["max_staleness"]) == (True, None)
    assert "no limit" in ken("source", "list").out
    assert "is not a period" in ken.refused(
        "source", "set", SOURCE, "--max-staleness", "1x", code=2
    )
    assert "there is no source 'no'" in ken.refused("source", "set", "no", "--pause", code=2)


def test_the_example_is_understood(drive: Drive) -> None:
    """The lines of examples/sync and of docs/sync.md, line by line."""
    lines = [json.loads(line) for line in (EXAMPLE / "drive.jsonl").read_text().splitlines()]
    run = drive.push(*lines, confirmed=True)
    assert run.left_out == ()
    shown = (REPOSITORY / "docs" / "sync.md").read_text().split("```json")[1].split("```")[0]
    drive.push(*map(json.loads, shown.strip().splitlines()), confirmed=True)


@pytest.mark.parametrize(
    ("command", "taught"),
    [
        ("sync", ["docs/sync.md", "--dry-run", "push", "runs", "show", "confirm", "drop", "undo"]),
        ("sync push", ["applied at once, or nothing", "6: waits", "--delta", "--yes", "*.jsonl"]),
        ("sync undo", ["latest run of a source", "load it again"]),
        ("source set", ["--max-staleness", "--pause", "next question"]),
    ],
)
def test_help_says_what_each_command_is_for(command: str, taught: list[str]) -> None:
    done = Ken(Path("nowhere"))(*command.split(), "--help")
    assert done.code == 0
    assert [words for words in taught if words not in done.out] == []


def _refused(ken: Ken, place: Path) -> str:
    """The last lines: before them stands what the progress bar left."""
    done = ken("sync", "push", str(place), "--source", SOURCE)
    assert (done.code, done.out) == (2, "")
    return done.err
