"""Files have the date of their last commit; a date that only says when they were copied is none."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.workers.ingest.folder import STAFF, Folder, Shelf
from workers.ingest import history
from workers.ingest.history import last_changes

ANSWERED, RENAMED = datetime(2024, 3, 3, 12, tzinfo=UTC), datetime(2026, 5, 4, 12, tzinfo=UTC)


def git(folder: Path, *words: str, at: datetime | None = None) -> str:
    when = {"GIT_AUTHOR_DATE": at.isoformat(), "GIT_COMMITTER_DATE": at.isoformat()} if at else {}
    who = ("-c", "user.name=Ana", "-c", "user.email=ana@acme.example", "-c", "gc.auto=0")
    done = subprocess.run(
        ("git", *who, "-C", str(folder), *words),
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **when},
    )
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits: a page that the second leaves alone, and one that it changes."""
    root = tmp_path / "handbook"
    (root / "docs" / "Büro").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    (root / "docs" / "old.md").write_text("# Old\n\nLeave is 25 days.")
    (root / "docs" / "Büro" / "größe.md").write_text("# Size\n\nA desk is 160 cm wide.")
    git(root, "add", ".")
    git(root, "commit", "-qm", "Begin", at=ANSWERED)
    (root / "docs" / "Büro" / "größe.md").write_text("# Size\n\nA desk is 180 cm wide.")
    git(root, "commit", "-qam", "Wider", at=RENAMED)
    (root / "docs" / "new.md").write_text("# New\n\nNot committed.")
    return root


FILES = ("old.md", "Büro/größe.md", "new.md", "missing.md")


def test_each_file_has_the_day_of_its_last_commit(repository: Path) -> None:
    assert last_changes(repository / "docs", FILES) == {
        "old.md": ANSWERED,
        "Büro/größe.md": RENAMED,
    }


def test_a_folder_without_git_or_where_git_fails_has_no_dates(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert last_changes(tmp_path, ["handbook/docs/old.md"]) == {}
    (tmp_path / ".git").write_text("gitdir: /nowhere\n")
    assert last_changes(tmp_path, ["a.md"]) == {}
    monkeypatch.setenv("PATH", str(tmp_path))
    assert last_changes(repository / "docs", FILES) == {}


def test_what_a_shallow_clone_cuts_off_has_no_date(repository: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", str(copy))
    assert last_changes(copy / "docs", FILES) == {}


def test_nothing_that_a_repository_configures_is_run(repository: Path, tmp_path: Path) -> None:
    """A folder is data: its configuration may name programs."""
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    for name in ("core.fsmonitor", "gpg.program", "diff.external", "core.pager", "core.sshCommand"):
        git(repository, "config", name, str(program))
    git(repository, "config", "log.showSignature", "true")
    (repository / ".gitattributes").write_text("*.md diff=evil filter=evil\n")
    for name in ("diff.evil.textconv", "diff.evil.command", "filter.evil.smudge"):
        git(repository, "config", name, str(program))
    assert last_changes(repository / "docs", FILES)["old.md"] == ANSWERED
    assert not ran.exists()


def test_reading_stops_when_every_file_was_seen() -> None:
    commits = (f"\x01{day * 86_400} {'a' * 40}\n" for day in range(9, 0, -1))
    lines = (line for commit in commits for line in (commit, "\n", "a.md\n"))
    assert history._first_of_each(lines, {"a.md"}, ()) == {
        "a.md": datetime(1970, 1, 10, tzinfo=UTC)
    }
    assert next(lines)[0] == "\x01"  # the rest was left unread


def test_a_loaded_folder_has_gits_dates_unless_a_page_has_its_own(
    folder: Folder, shelf: Shelf
) -> None:
    folder.principals(*STAFF)
    folder.permissions({"path": "", "allow": ["user:ana"]})
    folder.file("a.md", "# A\n\nAll is well.")
    folder.file("b.md", "---\ndate: 2025-01-01\n---\n# B\n\nAll is well.")
    git(folder.root, "init", "-q")
    git(folder.root, "add", ".")
    git(folder.root, "commit", "-qm", "Begin", at=ANSWERED)
    folder.file("c.md", "# C\n\nAll is well.")
    shelf.load(folder)
    assert dict(shelf.rows("SELECT native_id, updated_at FROM document")) == {
        "a.md": ANSWERED,
        "b.md": datetime(2025, 1, 1, tzinfo=UTC),
        "c.md": None,
    }
