"""What the grades come to, what leaks, what changed between two runs, and how it is drawn."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from tests.workers.cli.evaluation.spoken import answered, asked, refused
from workers.cli.evaluation.asking import Asked
from workers.cli.evaluation.channels import WorkspaceFile, read_workspace
from workers.cli.evaluation.comparing import compare
from workers.cli.evaluation.figures import figures, leaks
from workers.cli.evaluation.grading import grade
from workers.cli.evaluation.page import write_page
from workers.cli.evaluation.plots import write_plots
from workers.cli.evaluation.printing import print_comparison, print_figures
from workers.cli.evaluation.sets import Directory
from workers.errors import InputInvalid
from workers.replies.outbox import Kind

RIGHT, WRONG = answered("30 days."), answered("Ask the *cat*.", cited=("pets",))
READABLE = [{"allow": ["class:members"]}]
OPEN = Directory({"leave": READABLE, "pets": READABLE}, {}, frozenset(), frozenset(), {})
NOBODY_THERE = WorkspaceFile("", {}, {})


def found(*run: Asked, leaked: bool = False) -> dict[str, Any]:
    return figures([(one, grade(one)) for one in run], [leaked] * len(run))


RUN = (
    asked(RIGHT, id="1", score=0.9),
    asked(WRONG, id="2", score=0.4, kind="self"),
    asked(refused(), id="3", score=0.1, kind="self", language="de"),
    asked(refused(), id="4", expected="abstain", facts=[], docs=[], kind="absent"),
    asked(WRONG, id="5", score=0.3, expected="abstain", facts=[], docs=[], kind="absent"),
)


def test_grades_are_counted_by_kind_and_by_language() -> None:
    got = found(*RUN)

    assert got["by_kind"]["self"]["wrong"] == got["by_kind"]["self"]["refused"] == 1
    assert got["by_language"]["de"]["questions"] == 1
    assert (got["answer_due"]["right"], got["answer_due"]["questions"]) == (1, 3)
    assert got["citations"] == {"precision": 0.5, "answered": 2}
    assert got["abstention"] == {"right": 1, "wrong": 1}
    assert got["unanswered_on_topic"]["right"] == 1
    assert "Ask the" not in json.dumps(got)


def test_refusing_more_costs_right_answers_and_saves_wrong_ones() -> None:
    curve = found(*RUN)["abstention_curve"]

    assert [point["threshold"] for point in curve] == [0.3, 0.4, 0.9, 0.9]
    assert [point["right"] for point in curve] == [0.3333, 0.3333, 0.3333, 0.0]
    assert [point["wrong"] for point in curve] == [0.3333, 0.3333, 0.0, 0.0]
    assert [point["rightly_refused"] for point in curve] == [0.5, 1.0, 1.0, 1.0]
    assert found(asked(refused()))["abstention_curve"] == []


def company(tmp_path: Path) -> tuple[Directory, WorkspaceFile]:
    written = {
        "team": {"id": "T1"},
        "users": [
            {"id": "UANA"},
            {"id": "UBO"},
            {"id": "UFAR", "is_stranger": True},
            {"id": "UGIL", "is_restricted": True},
        ],
        "channels": [
            {"id": "C1", "name": "general", "members": ["UANA", "UKEN"]},
            {"id": "C2", "name": "two", "is_private": True, "members": ["UANA", "UBO"]},
            {"id": "C3", "name": "alone", "is_private": True, "members": ["UANA"]},
        ],
    }
    (tmp_path / "workspace.json").write_text(json.dumps(written))
    people = frozenset({"ana", "bo"})
    accounts = {"slack:T1:UANA": "ana", "slack:T1:UBO": "bo"}
    chains = {"leave": [{"allow": ["user:ana"]}]}
    return Directory(chains, {}, frozenset(), people, accounts), read_workspace(tmp_path)


@pytest.mark.parametrize(
    ("channel", "leak"), [("general", True), ("two", True), ("alone", False), (None, False)]
)
def test_an_answer_leaks_if_one_reader_of_its_channel_may_not_read_it(
    tmp_path: Path, channel: str | None, leak: bool
) -> None:
    directory, workspace = company(tmp_path)
    kind = Kind.CHANNEL if channel else Kind.DIRECT
    one = asked(answered("30 days.", kind=kind), channel=channel, where="channel")

    assert leaks(one, grade(one), directory, workspace) is leak


def test_ones_own_profile_is_no_leak_unless_others_read_it(tmp_path: Path) -> None:
    directory, workspace = company(tmp_path)
    mine = asked(answered("Your manager is Bo.", cited=("",)))
    to_all = asked(answered("Your manager is Bo.", cited=("",), kind=Kind.CHANNEL), channel="alone")

    assert not leaks(mine, grade(mine), directory, workspace)
    assert leaks(to_all, grade(to_all), directory, workspace)


def test_what_the_answerer_was_shown_is_a_leak_although_it_said_nothing(tmp_path: Path) -> None:
    directory, workspace = company(tmp_path)
    mine = asked(refused(), prompted=frozenset({"leave"}))
    other = asked(refused(), prompted=frozenset({"leave"}), asker="bo")

    assert not leaks(mine, grade(mine), directory, workspace)
    assert leaks(other, grade(other), directory, workspace)


def test_a_channel_that_the_set_does_not_have_is_named() -> None:
    with pytest.raises(InputInvalid, match="no channel 'general'"):
        NOBODY_THERE.find_channel("general")


# -- two runs ------------------------------------------------------------------------------------


def report(tmp_path: Path, name: str, *run: Asked) -> Path:
    file = tmp_path / name
    file.write_text(json.dumps(found(*run)))
    return file


def test_two_runs_are_compared_question_by_question(tmp_path: Path) -> None:
    before = report(tmp_path, "a", *[asked(WRONG, id=str(one)) for one in range(20)])
    after = report(
        tmp_path,
        "b",
        *[asked(RIGHT if one < 10 else WRONG, id=str(one)) for one in range(20)],
        asked(RIGHT, id="new"),
    )
    got = compare(before, after)

    low, high = got["shares"]["good, all"]["interval"]
    assert got["shares"]["good, all"]["difference"] == 0.5
    assert 0.2 < low < 0.5 < high < 0.8
    assert [row["id"] for row in got["changed"]] == [str(one) for one in range(10)]
    assert got["only_in_one"] == 1
    assert compare(before, after) == got, "the seed is fixed"
    assert compare(after, after)["shares"]["good, all"]["interval"] == (0.0, 0.0)


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    whole = report(tmp_path, "a", *RUN)
    other = report(tmp_path, "b", asked(RIGHT, id="another"))
    broken = tmp_path / "c"
    for written in ("{", "[]", '{"questions": 3}', '{"questions": [{"id": 1}]}'):
        broken.write_text(written)
        with pytest.raises(InputInvalid, match="not a report"):
            compare(whole, broken)
    with pytest.raises(InputInvalid, match="does not exist"):
        compare(tmp_path / "missing", whole)
    with pytest.raises(InputInvalid, match="no question in common"):
        compare(whole, other)


# -- for people ----------------------------------------------------------------------------------


def test_plots_are_well_formed_and_hold_no_text_of_documents(tmp_path: Path) -> None:
    hostile = asked(RIGHT, kind="<script>&", score=0.5)
    written = write_plots(tmp_path / "eval.json", found(*RUN, hostile))

    assert [one.name for one in written] == ["eval-kinds.svg", "eval-abstention.svg"]
    for file in written:
        ElementTree.fromstring(file.read_text())
        assert "Ask the" not in file.read_text()
    assert write_plots(tmp_path / "none.json", found()) == []


def test_the_page_shows_what_is_not_right_and_nothing_in_it_is_active(tmp_path: Path) -> None:
    hostile = asked(answered("<script>alert(1)</script>"), id="6", text="<img src=x>")
    pairs = [(one, grade(one)) for one in (*RUN, hostile)]
    file = tmp_path / "pages" / "eval.html"
    write_page(file, found(*RUN, hostile), pairs)
    page = file.read_text()

    assert "Ask the cat" in page
    assert "<script>" not in page
    assert "<img" not in page
    assert "default-src 'none'" in page
    assert file.stat().st_mode & 0o077 == 0


def test_figures_and_comparisons_are_printed(tmp_path: Path) -> None:
    console = Console(width=120, record=True, quiet=True)
    console.quiet = False
    with console.capture() as captured:
        print_figures(found(*RUN, leaked=True), "fake", console)
        one = report(tmp_path, "a", *RUN)
        print_comparison(compare(one, one), console)
    printed = captured.get()

    assert "leaks: 5" in printed
    assert "absent" in printed
    assert "+0.0 to +0.0" in printed
