"""A complete list that lacks most of its source waits with what it leaves out (threat 38)."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from policies.tables.sources import RunKind, RunState
from tests.servers import opened
from tests.workers.sync.conftest import SOURCE, Drive, Line, folder, group, page
from workers.sync import runs, sources
from workers.sync.sources import SourceFacts

ROOT = Path(__file__).parents[3]
PAGES = [f"page {number}" for number in range(20)]
STAFF = ("user:ana", "user:bob", "user:cy")
WHOLE: list[Line] = [
    group("staff", *STAFF),
    *(group(f"team {number}", "user:ana") for number in range(9)),
    folder("all", "group:staff"),
    *(page(name, parent="all") for name in PAGES),
]


@pytest.fixture
def full(drive: Drive) -> Drive:
    drive.push(*WHOLE, confirmed=True)
    return drive


def facts(drive: Drive) -> SourceFacts:
    (found,) = (one for one in sources.all_sources(drive.database) if one.name == SOURCE)
    return found


def test_a_list_of_almost_nothing_waits_and_takes_nothing_by_leaving_out(full: Drive) -> None:
    before, synced_at = full.readers(), facts(full).synced_at
    with capture_logs() as logs:
        waiting = full.push(group("staff", *STAFF), folder("all", "group:staff"))
    assert waiting.state is RunState.WAITING
    assert waiting.unlisted_wait
    assert "leaves out 20 of 21 nodes; more than 10 need" in waiting.waits_for[0]
    assert full.readers() == before
    assert waiting.difference is not None
    assert waiting.applied is not None
    assert (waiting.difference.pairs_lost, waiting.applied.pairs_lost) == (60, 0)
    assert [one["event"] for one in logs if one["log_level"] == "error"] == ["unlisted_wait"]
    assert facts(full).synced_at == synced_at  # so a limit of age closes the source in the end


def test_what_the_same_list_says_of_what_it_lists_counts_at_once(full: Drive) -> None:
    waiting = full.push(
        group("staff", *STAFF),
        folder("all", "group:staff"),
        page("page 1", parent="all", deny=["user:bob"]),
        page("page 2", inherit=False),
        page("page 3", parent="all", unknown=True),
        page("page 4", "user:ana", parent="all", inherit=False),
        page("new", "class:internet"),
    )
    assert waiting.state is RunState.WAITING
    readers = full.readers()
    assert readers["page 0"] == ["ana", "bob", "cy"]
    assert readers["page 1"] == ["ana", "cy"]
    assert readers["page 2"] == []
    assert readers["page 3"] == []
    assert "bob" not in readers["page 4"]
    assert "new" not in readers


def test_confirmed_it_takes_away_the_rest_and_the_source_was_synced_when_it_came(
    full: Drive,
) -> None:
    waiting = full.push(group("staff", *STAFF), folder("all", "group:staff"), page("page 1"))
    run = runs.confirm(full.database, waiting.id, actor="admin")
    assert run.state is RunState.APPLIED
    assert all(names == [] for names in full.readers().values())
    assert facts(full).synced_at == waiting.started_at
    undone = runs.undo(full.database, waiting.id, actor="admin")
    assert undone.state is RunState.UNDONE
    assert full.readers()["page 2"] == ["ana", "bob", "cy"]


def test_confirmed_at_once_it_counts_at_once(full: Drive) -> None:
    run = full.push(folder("all", "group:staff"), confirmed=True)
    assert run.state is RunState.APPLIED
    assert not any(full.readers().values())


def test_dropped_it_has_taken_only_what_it_said(full: Drive) -> None:
    waiting = full.push(
        group("staff", *STAFF), folder("all", "group:staff"), page("page 1", inherit=False)
    )
    runs.drop(full.database, waiting.id, actor="admin")
    readers = full.readers()
    assert readers["page 1"] == []
    assert readers["page 2"] == ["ana", "bob", "cy"]


def test_a_whole_list_after_it_takes_its_place(full: Drive) -> None:
    waiting = full.push(folder("all", "group:staff"))
    assert full.push(*WHOLE).state is RunState.APPLIED
    assert runs.run(full.database, waiting.id).state is RunState.DROPPED
    assert full.readers()["page 1"] == ["ana", "bob", "cy"]


@pytest.mark.parametrize("count", [1, 10])
def test_up_to_the_share_what_is_left_out_is_gone_at_once(full: Drive, count: int) -> None:
    run = full.push(*WHOLE[:-count])
    assert run.state is RunState.APPLIED
    assert full.readers()[PAGES[-1]] == []
    assert full.readers()[PAGES[0]] == ["ana", "bob", "cy"]


def test_one_by_one_everything_can_be_taken_away(full: Drive) -> None:
    """A delta names what it removes: it never waits."""
    removed = [{"type": "remove_node", "id": name} for name in PAGES]
    assert full.delta(*removed).state is RunState.APPLIED
    assert not any(full.readers().values())


def test_a_list_that_closes_each_document_by_name_counts_at_once(full: Drive) -> None:
    groups = [line for line in WHOLE if line["type"] == "group"]
    closed = [page(name, parent="all", inherit=False) for name in PAGES]
    run = full.push(*groups, folder("all", "group:staff"), *closed)
    assert run.state is RunState.APPLIED
    assert not any(full.readers().values())


def test_groups_without_members_wait_and_keep_them(full: Drive) -> None:
    nodes = [line for line in WHOLE if line["type"] == "node"]
    waiting = full.push(group("staff"), *(group(f"team {n}") for n in range(9)), *nodes)
    assert waiting.state is RunState.WAITING
    assert "12 of 12 memberships" in waiting.waits_for[0]
    assert full.readers()["page 1"] == ["ana", "bob", "cy"]
    left_out = full.push(*nodes)
    assert left_out.state is RunState.WAITING
    assert full.readers()["page 1"] == ["ana", "bob", "cy"]


def test_one_member_less_is_gone_at_once(full: Drive) -> None:
    run = full.push(group("staff", "user:ana"), *WHOLE[1:])
    assert run.state is RunState.APPLIED
    assert full.readers()["page 1"] == ["ana"]


def test_documents_that_a_missing_folder_would_close_wait(full: Drive) -> None:
    """Each is listed, and the folder that lets people read it is not."""
    run = full.push(*(line for line in WHOLE if line["id"] != "all"))
    assert run.state is RunState.WAITING
    assert "20 of 20 documents" in run.waits_for[0]
    assert full.readers()["page 1"] == ["ana", "bob", "cy"]


def test_a_small_source_and_other_limits(small: Drive) -> None:
    """Of six or more things the share counts; a setting moves it."""
    assert small.push(page("diary", "user:cy")).state is RunState.APPLIED
    limits = {"unlisted_limit": 0, "unlisted_percent": 10}
    strict = Drive(
        opened(small.database.settings.model_copy(update=limits)),
        small.people,
    )
    assert strict.push(page("other", "user:cy")).state is RunState.WAITING


def test_without_the_breaker_the_same_list_takes_everything(
    full: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The leak that the tests above close."""
    monkeypatch.setattr(runs, "_may_be_broken", lambda *asked: False)
    assert full.push(folder("all", "group:staff")).state is RunState.APPLIED
    assert not any(full.readers().values())


def test_a_dry_run_of_it_says_so_and_leaves_no_trace(full: Drive) -> None:
    before = full.everything("sync_run", "sync_page")
    run_id = full.stage(folder("all", "group:staff"))
    run = runs.finish(full.database, run_id, pages=1, dry_run=True)
    assert run.state is RunState.WAITING
    assert run.unlisted_wait
    assert full.everything("sync_run", "sync_page") == before


# -- what the documents say ---------------------------------------------------------------------


def examples() -> list[str]:
    found = []
    for file in [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.md")]:
        lines = file.read_text().splitlines()
        found += [line.strip() for line in lines if "ken sync push " in line and "--source" in line]
    return found


def test_no_example_pushes_into_the_demos_source() -> None:
    demo = json.loads((ROOT / "examples/company/source.json").read_text())["name"]
    assert len(examples()) >= 4
    for example in examples():
        words = example.split()
        assert words[words.index("--source") + 1] != demo, example
        if "examples/sync" in example:
            assert "--dry-run" in words, example


def test_the_example_of_the_readme_runs_and_changes_nothing(full: Drive) -> None:
    lines = (ROOT / "examples/sync/drive.jsonl").read_text().splitlines()
    before = full.everything()
    run = runs.push(
        full.database,
        [[json.loads(line) for line in lines]],
        source="example",
        kind=RunKind.COMPLETE,
        actor="test",
        dry_run=True,
    )
    assert run.dry_run
    assert full.everything() == before
    with full.database.session("syncer") as session:
        assert session.scalar(text("SELECT count(*) FROM source WHERE name = 'example'")) == 0
