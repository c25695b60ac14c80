"""`ken up` again: what runs with other settings starts again, and the rest stays as it is."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workers.cli import running
from workers.cli.running import PROCESSES, Process
from workers.embedded.process import Child
from workers.embedded.servers import write_env
from workers.settings import fingerprints, load_settings

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home whose processes do nothing, and start when ours would."""
    sleepers = tuple(
        Process(one.name, one.words, lambda _: SLEEPER, one.is_wanted, one.only)
        for one in PROCESSES
    )
    monkeypatch.setattr(running, "PROCESSES", sleepers)
    monkeypatch.setenv("KEN_JOB_THREADS", "0")  # one process less; a test below starts it
    monkeypatch.setattr(running, "ensure", lambda *_: None)
    monkeypatch.setattr(running, "migrate", lambda *_: None)
    monkeypatch.setattr(running, "_wait_for", lambda *_: None)
    yield tmp_path
    for process in PROCESSES:
        Child(tmp_path, process.name).stop()


def up(data_dir: Path) -> list[str]:
    return running.up(data_dir, lambda _: None)


def pids(data_dir: Path) -> dict[str, int]:
    found = {process.name: Child(data_dir, process.name).pid for process in PROCESSES}
    return {name: pid for name, pid in found.items() if pid is not None}


def test_what_runs_with_these_settings_is_left_alone(data_dir: Path) -> None:
    write_env(data_dir, {"KEN_SLACK_BOT_TOKEN": "xoxb-1", "KEN_SLACK_APP_TOKEN": "xapp-1"})
    assert up(data_dir) == []
    before = pids(data_dir)
    assert set(before) == {"worker", "bot"}
    assert up(data_dir) == []
    assert pids(data_dir) == before


def test_a_worker_that_was_started_before_the_tokens_were_written_starts_again(
    data_dir: Path,
) -> None:
    up(data_dir)
    (before,) = pids(data_dir).values()
    write_env(data_dir, {"KEN_SLACK_BOT_TOKEN": "xoxb-1", "KEN_SLACK_APP_TOKEN": "xapp-1"})
    assert running.outdated(load_settings(data_dir)) == {
        "worker": ("KEN_SLACK_APP_TOKEN", "KEN_SLACK_BOT_TOKEN")
    }
    assert up(data_dir) == [
        "Restarted the worker with the new KEN_SLACK_APP_TOKEN, KEN_SLACK_BOT_TOKEN."
    ]
    after = pids(data_dir)
    assert set(after) == {"worker", "bot"}
    assert after["worker"] != before
    assert running.outdated(load_settings(data_dir)) == {}


def test_a_setting_of_the_environment_counts_like_one_of_the_file(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    up(data_dir)
    monkeypatch.setenv("KEN_MODEL_BASE_URL", "http://127.0.0.1:9/v1")
    assert running.outdated(load_settings(data_dir)) == {"worker": ("KEN_MODEL_BASE_URL",)}
    (lines,) = up(data_dir)
    assert "KEN_MODEL_BASE_URL" in lines
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert running.outdated(load_settings(data_dir)) == {"worker": ("HTTPS_PROXY",)}


def test_what_is_not_set_up_any_more_is_stopped(data_dir: Path) -> None:
    write_env(data_dir, {"KEN_ADMIN_PORT": "3100"})
    up(data_dir)
    assert set(pids(data_dir)) == {"worker", "admin"}
    write_env(data_dir, {"KEN_ADMIN_PORT": "0"})
    lines = up(data_dir)
    assert "Stopped the admin API: it is no longer set up." in lines
    assert set(pids(data_dir)) == {"worker"}


def test_the_local_workspace_stays_when_only_others_read_what_changed(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = {
        "KEN_PLAYGROUND": str(data_dir / "workspace.json"),
        "KEN_SLACK_API_URL": "http://127.0.0.1:3999/api/",
        "KEN_SLACK_BOT_TOKEN": "xoxb-playground",
        "KEN_SLACK_APP_TOKEN": "xapp-playground",
    }
    write_env(data_dir, workspace)
    up(data_dir)
    before = pids(data_dir)
    write_env(data_dir, {"KEN_PASSAGES_PER_ANSWER": "4"})
    up(data_dir)
    after = pids(data_dir)
    assert {name for name in before if before[name] != after[name]} == {"worker", "bot"}


def test_jobs_have_a_process_of_their_own_unless_there_are_none(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEN_JOB_THREADS", "1")
    up(data_dir)
    assert set(pids(data_dir)) == {"worker", "jobs"}
    monkeypatch.setenv("KEN_JOB_THREADS", "0")
    assert "Stopped the jobs worker: it is no longer set up." in up(data_dir)
    assert set(pids(data_dir)) == {"worker"}


def test_a_record_of_a_version_that_kept_no_settings_counts_as_outdated(data_dir: Path) -> None:
    settings = load_settings(data_dir)
    Child(data_dir, "worker").start(SLEEPER, {})
    assert running.outdated(settings)["worker"] == tuple(sorted(fingerprints(settings)))
    (lines,) = up(data_dir)
    assert lines.endswith(" more.")


def test_no_value_can_be_read_from_what_is_kept(data_dir: Path) -> None:
    tokens = {"KEN_SLACK_BOT_TOKEN": "xoxb-secret", "KEN_SLACK_APP_TOKEN": "xapp-secret"}
    write_env(data_dir, {**tokens, "KEN_OWNER_PASSWORD": "owner-secret"})
    up(data_dir)
    record = data_dir / "run" / "worker.json"
    assert "secret" not in record.read_text()
    assert "KEN_OWNER_PASSWORD" not in record.read_text()
    assert record.stat().st_mode & 0o077 == 0
