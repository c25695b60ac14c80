"""A watched folder is loaded again after each change, and a scheduled one by a job."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.workers.ingest.folder import FakeEmbedder, Folder, Shelf, user
from workers.errors import InputInvalid, ServerUnavailable
from workers.ingest import scheduled
from workers.ingest.bundle import Bundle, read_bundle
from workers.ingest.looks import EQUAL_LOOKS, Looks, look, settle
from workers.ingest.pipeline import Loading, Report
from workers.ingest.watching import Watch
from workers.jobs import rows
from workers.jobs.leases import work
from workers.jobs.rows import Shown

_LOOKS = EQUAL_LOOKS + 1
STAFF = {"path": "", "allow": ["user:ana"]}


@dataclass
class Watched:
    """A folder that is watched while a test does one thing to it after each look."""

    folder: Folder
    shelf: Shelf
    loads: list[Report] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)

    def run(self, *deeds: Callable[[], object]) -> None:
        """Let time pass, and do these one after the other; some looks go by after each."""
        left: list[Callable[[], object]] = [_nothing] * _LOOKS
        for deed in deeds:
            left += [deed, *([_nothing] * _LOOKS)]
        self.pass_time(left)

    def pass_time(self, left: list[Callable[[], object]]) -> None:
        """Do one of these in each second, until none is left."""
        slept = [0.0]

        def sleep(seconds: float) -> None:
            slept[0] += seconds
            if left:
                left.pop(0)()

        Watch(
            self.folder.root,
            self.load,
            lambda error: self.refused.append(str(error)),
            is_enough=lambda: not left,
            sleep=sleep,
            clock=lambda: slept[0],
        ).run()

    def load(self, same: Collection[str], settled: Looks) -> None:
        if self.fails:
            raise self.fails.pop()
        self.loads.append(
            Loading(
                self.shelf.database,
                self.shelf.embedder,
                read_bundle(self.folder.root, settled=settled),
                tell=lambda _: None,
                limit_bytes=1_000_000,
                same=same,
            ).run()
        )

    @property
    def counts(self) -> list[tuple[int, int, int, int]]:
        return [(one.new, one.changed, one.unchanged, one.removed) for one in self.loads]


def _nothing() -> None:
    pass


@pytest.fixture
def watched(folder: Folder, shelf: Shelf) -> Watched:
    folder.principals(user("ana"), user("bo"))
    folder.permissions(STAFF)
    folder.file("plan.md", "# Plan\n\nAll is planned.")
    folder.file("menu.md", "# Menu\n\nSoup on Monday.")
    return Watched(folder, shelf)


def test_each_change_is_loaded_and_nothing_else_is(watched: Watched) -> None:
    root = watched.folder.root
    watched.run(
        _nothing,
        lambda: watched.folder.file("plan.md", "# Plan\n\nAll is planned anew."),
        lambda: watched.folder.file("new/one.md", "# One\n\nThis is new."),
        (root / "menu.md").unlink,
        lambda: watched.folder.permissions({"path": "", "allow": ["user:bo"]}),
    )
    assert watched.counts == [(2, 0, 0, 0), (0, 1, 1, 0), (1, 0, 2, 0), (0, 0, 2, 1), (0, 0, 2, 0)]
    assert watched.shelf.readable_by("ana") == set()
    assert watched.shelf.readable_by("bo") == {"plan.md", "new/one.md"}
    assert watched.shelf.texts()["plan.md"] == "All is planned anew."


def test_a_file_that_is_renamed_or_moved_embeds_nothing(watched: Watched) -> None:
    root = watched.folder.root
    watched.run(
        lambda: (root / "plan.md").rename(root / "scheme.md"),
        lambda: (root / "below").mkdir(),
        lambda: (root / "menu.md").rename(root / "below" / "menu.md"),
    )
    assert watched.shelf.embedder.calls == 2
    assert watched.shelf.readable_by("ana") == {"scheme.md", "below/menu.md"}


def test_a_file_that_is_still_being_written_is_not_read_before_its_end(watched: Watched) -> None:
    """It grows from one look to the next."""
    parts = [f"# Long\n\n{'A sentence. ' * number}" for number in range(1, 5)]

    def written(part: str) -> Callable[[], object]:
        return lambda: watched.folder.file("long.md", part)

    still = [_nothing] * _LOOKS
    watched.pass_time([*still, *map(written, parts), *still])
    assert watched.counts == [(2, 0, 0, 0), (1, 0, 2, 0)]
    assert watched.shelf.texts()["long.md"].count("A sentence.") == 4


def test_what_did_not_change_is_not_read_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    shipped = Loading._read

    def reads(self: Loading, listed: Any, parser: Any) -> Any:
        read.append(listed.native_id)
        return shipped(self, listed, parser)

    monkeypatch.setattr(Loading, "_read", reads)
    watched.run(lambda: watched.folder.file("plan.md", "# Plan\n\nAnother."))
    assert read == ["menu.md", "plan.md", "plan.md"]


def test_a_folder_that_cannot_be_loaded_is_told_once_and_watched_on(watched: Watched) -> None:
    root = watched.folder.root
    away = root.with_name("away")

    def gone() -> None:
        root.rename(away)

    def back() -> None:
        away.rename(root)

    watched.run(
        lambda: watched.folder.permissions({"path": "no such", "allow": ["user:ana"]}),
        _nothing,
        lambda: watched.folder.permissions(STAFF),
        gone,
        back,
    )
    assert len(watched.refused) == 2
    assert "there is no 'no such'" in watched.refused[0]
    assert "is not there" in watched.refused[1]
    assert watched.shelf.readable_by("ana") == {"plan.md", "menu.md"}


def test_many_files_that_vanish_at_once_stay_until_somebody_says_so(watched: Watched) -> None:
    """As for any load: a mount that is empty must not take everything away."""
    for number in range(30):
        watched.folder.file(f"page {number}.md", f"# Page\n\nNumber {number}.")

    def empty() -> None:
        for file in watched.folder.root.glob("page *.md"):
            file.unlink()

    watched.run(empty)
    assert len(watched.shelf.readable_by("ana")) == 32
    assert "30 documents" in watched.refused[0]


def test_permissions_that_are_written_half_let_nobody_read(watched: Watched) -> None:
    """The line that opens all is there two seconds before the one that closes a folder."""
    watched.folder.file("hr/pay.md", "# Pay\n\nAll is paid.")
    everybody = {"path": "", "allow": ["class:members"]}
    closed = {"path": "hr", "allow": ["user:bo"], "inherit": False}
    watched.folder.permissions(everybody, closed)
    watched.pass_time(
        [
            *[_nothing] * _LOOKS,
            lambda: watched.folder.permissions(everybody),
            _nothing,
            _nothing,
            lambda: watched.folder.permissions(everybody, closed),
            *[_nothing] * _LOOKS,
        ]
    )
    assert len(watched.loads) == 2, "before, and with both lines"
    assert watched.shelf.readable_by("ana") == {"plan.md", "menu.md"}


def test_a_permission_that_is_taken_away_waits_for_no_other_file(watched: Watched) -> None:
    """One of them changes every second, for ever."""

    def grow() -> None:
        with (watched.folder.root / "journal.txt").open("a") as journal:
            journal.write("Another line.\n")

    def revoke() -> None:
        grow()
        watched.folder.permissions({"path": "", "allow": ["user:bo"]})

    watched.pass_time([*[grow] * 8, revoke, *[grow] * 6])
    assert watched.shelf.readable_by("ana") == set()


def test_a_file_that_is_moved_where_fewer_may_read_waits_no_more_than_half_a_minute(
    watched: Watched,
) -> None:
    root = watched.folder.root
    watched.folder.file("hr/pay.md", "# Pay\n\nAll is paid.")
    watched.folder.permissions(STAFF, {"path": "hr", "allow": ["user:bo"], "inherit": False})

    def grow() -> None:
        with (root / "journal.txt").open("a") as journal:
            journal.write("Another line.\n")

    def move() -> None:
        (root / "plan.md").rename(root / "hr" / "plan.md")

    watched.pass_time([*[grow] * 8, move, *[grow] * 62])
    assert "plan.md" not in watched.shelf.readable_by("ana")
    assert "hr/plan.md" in watched.shelf.readable_by("bo")
    assert len(watched.loads) < 5


def test_permissions_that_are_written_for_a_minute_are_said_and_loaded_when_whole(
    watched: Watched,
) -> None:
    def write(number: int) -> Callable[[], object]:
        return lambda: watched.folder.permissions(*([STAFF] if number % 2 else [STAFF, ""]))

    watched.pass_time([write(number) for number in range(70)])
    assert "is still being written" in watched.refused[0]
    assert (len(watched.refused), len(watched.loads)) == (1, 1)


def test_documents_behind_a_link_are_watched(watched: Watched) -> None:
    root = watched.folder.root
    elsewhere = root.with_name("elsewhere")
    elsewhere.mkdir()
    (elsewhere / "plan.md").write_text("# Plan\n\nElsewhere.")
    (root / "documents").symlink_to(elsewhere)
    assert "documents/plan.md" in look(root)
    watched.run(
        lambda: (elsewhere / "plan.md").write_text("# Plan\n\nElsewhere, and anew."),
        lambda: (elsewhere / "plan.md").rename(elsewhere / "scheme.md"),
    )
    assert watched.shelf.texts() == {"scheme.md": "Elsewhere, and anew."}


def test_a_disk_that_fails_is_tried_again(watched: Watched) -> None:
    watched.fails = [OSError(5, "Input/output error")]
    watched.run(_nothing)
    assert watched.counts == [(2, 0, 0, 0)]
    assert len(watched.refused) == 1


def test_a_server_that_is_away_is_tried_again(watched: Watched) -> None:
    watched.fails = [ServerUnavailable("PostgreSQL does not answer.")]
    watched.run(_nothing)
    assert watched.counts == [(2, 0, 0, 0)]
    assert watched.refused == ["PostgreSQL does not answer."]


# -- the job ---------------------------------------------------------------------------------------


@pytest.fixture
def embedders(monkeypatch: pytest.MonkeyPatch) -> Sequence[FakeEmbedder]:
    both = (FakeEmbedder(), FakeEmbedder(name="second"))
    monkeypatch.setattr(scheduled, "shipped_embedders", lambda: both)
    monkeypatch.setattr("workers.ingest.looks.EVERY_S", 0.0)
    return both


def load_job(shelf: Shelf, root: Path, *allow: str) -> rows.JobFacts:
    with shelf.database.session("indexer") as session:
        details = {"folder": str(root), "allow": [*allow]}
        job_id = rows.submit(session, "load", subject="wiki", actor="test", details=details)
    work(shelf.database, job_id, {scheduled.KIND: scheduled.load})
    return rows.job(shelf.database, job_id)


def test_a_scheduled_load_counts_what_it_did_and_what_it_left_out(
    watched: Watched, embedders: Sequence[FakeEmbedder]
) -> None:
    watched.folder.file("broken.pdf", "no PDF")
    found = load_job(watched.shelf, watched.folder.root)
    assert found.state is Shown.DONE
    assert (found.counts["new"], found.counts["left_out"]) == (2, 1)
    assert found.counts["why"] == ["broken.pdf: damaged PDF"]


def test_one_that_finds_the_folder_as_it_was_says_only_that_it_is_fresh(
    watched: Watched, embedders: Sequence[FakeEmbedder], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_job(watched.shelf, watched.folder.root)
    with monkeypatch.context() as unread:
        unread.setattr(scheduled, "_load", None)
        for _time in range(3):
            again = load_job(watched.shelf, watched.folder.root)
            assert again.counts["unchanged"] == 2
    kept = [one.id for one in rows.jobs(watched.shelf.database)]
    assert kept == [again.id, first.id], "loads that changed nothing do not fill the history"
    watched.folder.file("plan.md", "# Plan\n\nAnother.")
    assert load_job(watched.shelf, watched.folder.root).counts["changed"] == 1


def test_one_that_is_set_for_fewer_readers_loads_files_that_are_as_they_were(
    watched: Watched, embedders: Sequence[FakeEmbedder]
) -> None:
    root = watched.folder.root
    (root / "permissions.jsonl").unlink()
    load_job(watched.shelf, root, "user:ana", "user:bo")
    assert watched.shelf.readable_by("bo") == {"plan.md", "menu.md"}
    load_job(watched.shelf, root, "user:ana")
    assert watched.shelf.readable_by("bo") == set()
    assert watched.shelf.readable_by("ana") == {"plan.md", "menu.md"}


@pytest.fixture
def overtaken(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """These are done once, right after a job has read what there is."""
    deeds: list[Callable[[], object]] = []

    def reads(*given: Any, **more: Any) -> Bundle:
        bundle = read_bundle(*given, **more)
        while deeds:
            deeds.pop()()
        return bundle

    monkeypatch.setattr(scheduled, "read_bundle", reads)
    return deeds


def test_a_file_that_is_moved_while_one_begins_is_seen_by_the_next(
    watched: Watched, embedders: Sequence[FakeEmbedder], overtaken: list[Callable[[], object]]
) -> None:
    root = watched.folder.root
    watched.folder.file("hr/pay.md", "# Pay\n\nAll is paid.")
    watched.folder.permissions(STAFF, {"path": "hr", "allow": ["user:bo"], "inherit": False})
    load_job(watched.shelf, root)
    watched.folder.file("menu.md", "# Menu\n\nAnother soup.")
    overtaken.append(lambda: (root / "plan.md").rename(root / "hr" / "plan.md"))
    load_job(watched.shelf, root)
    load_job(watched.shelf, root)
    assert watched.shelf.readable_by("ana") == {"menu.md"}
    assert watched.shelf.readable_by("bo") == {"hr/pay.md", "hr/plan.md"}


def test_a_permission_that_is_taken_away_while_one_begins_makes_it_begin_again(
    watched: Watched, embedders: Sequence[FakeEmbedder], overtaken: list[Callable[[], object]]
) -> None:
    overtaken.append(lambda: watched.folder.permissions({"path": "", "allow": ["user:bo"]}))
    found = load_job(watched.shelf, watched.folder.root)
    assert (found.state, watched.shelf.texts()) == (Shown.WAITING, {})
    assert "was changed while it was loaded" in found.reason


def test_one_after_a_load_by_hand_does_not_take_the_folder_for_known(
    watched: Watched, embedders: Sequence[FakeEmbedder]
) -> None:
    """The files look as at the last scheduled load; what is stored is something else."""
    shown = watched.folder.root / "permissions.jsonl"
    load_job(watched.shelf, watched.folder.root)
    shown.rename(aside := shown.with_name(".aside"))
    watched.folder.permissions({"path": "", "allow": ["class:members"]})
    watched.shelf.load(watched.folder)
    assert watched.shelf.readable_by("bo") != set()
    aside.rename(shown)
    load_job(watched.shelf, watched.folder.root)
    assert watched.shelf.readable_by("bo") == set()


def test_one_does_not_read_permissions_that_are_written_half(
    watched: Watched, embedders: Sequence[FakeEmbedder], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {"path": "menu.md", "allow": ["user:bo"], "inherit": False}
    left: list[Callable[[], object]] = [
        _nothing,
        _nothing,
        lambda: watched.folder.permissions(STAFF, whole),
    ]

    def sleep(_seconds: float) -> None:
        if left:
            left.pop(0)()

    monkeypatch.setattr(scheduled, "settle", lambda root: settle(root, sleep=sleep))
    load_job(watched.shelf, watched.folder.root)
    assert watched.shelf.readable_by("ana") == {"plan.md"}


def test_one_whose_folder_is_gone_fails_and_says_why(
    watched: Watched, embedders: Sequence[FakeEmbedder]
) -> None:
    load_job(watched.shelf, watched.folder.root)
    watched.folder.root.rename(watched.folder.root.with_name("away"))
    found = load_job(watched.shelf, watched.folder.root)
    assert found.state is Shown.FAILED
    assert "is not there" in found.reason
    assert watched.shelf.readable_by("ana") == {"plan.md", "menu.md"}


def test_one_that_is_cancelled_leaves_whole_documents(
    watched: Watched, embedders: Sequence[FakeEmbedder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduled, "_TELL_S", 0.0)
    with watched.shelf.database.session("indexer") as session:
        details = {"folder": str(watched.folder.root), "allow": []}
        job_id = rows.submit(session, "load", subject="wiki", actor="test", details=details)
    shipped = Loading._store

    def cancels(self: Loading, one: Any) -> None:
        shipped(self, one)
        rows.cancel(watched.shelf.database, job_id, actor="test")

    monkeypatch.setattr(Loading, "_store", cancels)
    work(watched.shelf.database, job_id, {scheduled.KIND: scheduled.load})
    assert rows.job(watched.shelf.database, job_id).state is Shown.CANCELLED
    assert watched.shelf.is_whole()


def test_a_folder_is_checked_before_it_is_scheduled(watched: Watched) -> None:
    assert scheduled.source_of(watched.folder.root, None, ()) == "wiki"
    with pytest.raises(InputInvalid, match="not a folder"):
        scheduled.source_of(watched.folder.root / "plan.md", None, ())
