"""A source that is read and split again: it stays as it is until then, and keeps its vectors."""

from datetime import timedelta

import pytest

from tests.workers.ingest.folder import Folder, Shelf, document, user
from workers.errors import InputInvalid
from workers.jobs import leases, rows, schedules
from workers.jobs.rows import Shown
from workers.sources import reread


@pytest.fixture
def loaded(folder: Folder, shelf: Shelf) -> Folder:
    folder.principals(user("ana"))
    folder.documents(*(document(name, "user:ana") for name in ("one", "two", "three")))
    shelf.load(folder)
    return folder


def run(shelf: Shelf, job_id: int) -> rows.JobFacts:
    leases.work(shelf.database, job_id, {reread.KIND: reread.reread})
    return rows.job(shelf.database, job_id)


def source_of(shelf: Shelf) -> str:
    ((name,),) = shelf.rows("SELECT name FROM source")
    return str(name)


def test_its_next_load_reads_everything_and_embeds_nothing_that_is_as_before(
    loaded: Folder, shelf: Shelf
) -> None:
    assert shelf.load(loaded).unchanged == 3
    done = run(shelf, reread.begin(shelf.database, source_of(shelf), actor="test"))
    assert done.state is Shown.DONE
    assert done.counts["documents"] == 3
    assert "load its folder again" in done.counts["then"]
    assert shelf.readable_by("ana") == {"one", "two", "three"}, "as they are"

    report = shelf.load(loaded)

    assert (report.changed, report.unchanged, report.embedded) == (3, 0, 0)
    assert shelf.load(loaded).unchanged == 3


def test_a_folder_that_is_loaded_on_a_schedule_is_loaded_at_once(
    loaded: Folder, shelf: Shelf
) -> None:
    source, details = source_of(shelf), {"folder": str(loaded.root), "allow": []}
    day = timedelta(days=1)
    schedules.put(shelf.database, "load", source, every=day, actor="test", details=details)
    done = run(shelf, reread.begin(shelf.database, source, actor="test"))
    (load,) = rows.jobs(shelf.database, open_only=True)
    assert (load.kind, load.subject, load.details) == ("load", source, details)
    assert done.counts["then"] == f"job {load.id} (load)"
    again = run(shelf, reread.begin(shelf.database, source, actor="test"))
    assert again.counts["then"] == f"load after job {load.id}, at its next time"


def test_it_goes_on_where_it_was_paused(
    loaded: Folder, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reread, "_BITE", 1)
    job_id = reread.begin(shelf.database, source_of(shelf), actor="test")
    step = leases.Running.step

    def pause(running: leases.Running, *given: object) -> None:
        if given[1] == 2:
            rows.pause(shelf.database, job_id, actor="test")
        step(running, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as paused:
        paused.setattr(leases.Running, "step", pause)
        assert run(shelf, job_id).state is Shown.PAUSED
    marked = "SELECT count(*) FROM document WHERE reader_version = 0"
    assert shelf.rows(marked) == [(2,)]
    rows.resume(shelf.database, job_id, actor="test")
    assert run(shelf, job_id).counts["documents"] == 3
    assert shelf.rows(marked) == [(3,)]


def test_a_source_that_is_none_is_refused(shelf: Shelf) -> None:
    with pytest.raises(InputInvalid, match="no source 'nowhere'"):
        reread.begin(shelf.database, "nowhere", actor="test")
    with pytest.raises(InputInvalid, match="no source 'nowhere'"):
        reread.schedule(shelf.database, "nowhere", every=timedelta(days=1), actor="test")
