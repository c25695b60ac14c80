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
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home whose processes do nothing, and start when ours would."""
    sleepers = tuple(
        Process(one.name, one.words, lambda _: SLEEPER, one.is_wanted, one.only)
        for one in PROCESSES
    )
    monkeypatch.setattr(running, "PROCESSES", sleepers)
    monkeypatch.setattr(running, "ensure", lambda *_: None)
    monkeypatch.setattr(running, "migrate", lambda *_: None)
    monkeypatch.setattr(running, "_wait_for", lambda *_: None)
    yield tmp_path
    for process in PROCESSES:
        Child(tmp_path, process.name).stop()


def up(home: Path) -> list[str]:
    return running.up(home, lambda _: None)


def pids(home: Path) -> dict[str, int]:
    found = {process.name: Child(home, process.name).pid for process in PROCESSES}
    return {name: pid for name, pid in found.items() if pid is not None}


def test_what_runs_with_these_settings_is_left_alone(home: Path) -> None:
    write_env(home, {"KEN_SLACK_BOT_TOKEN": "xoxb-1", "KEN_SLACK_APP_TOKEN": "xapp-1"})
    assert up(home) == []
    before = pids(home)
    assert set(before) == {"worker", "bot"}
    assert up(home) == []
    assert pids(home) == before


def test_a_worker_that_was_started_before_the_tokens_were_written_starts_again(home: Path) -> None:
    up(home)
    (before,) = pids(home).values()
    write_env(home, {"KEN_SLACK_BOT_TOKEN": "xoxb-1", "KEN_SLACK_APP_TOKEN": "xapp-1"})
    assert running.outdated(load_settings(home)) == {
        "worker": ("KEN_SLACK_APP_TOKEN", "KEN_SLACK_BOT_TOKEN")
    }
    assert up(home) == [
        "Started the worker again, with KEN_SLACK_APP_TOKEN, KEN_SLACK_BOT_TOKEN as now set."
    ]
    after = pids(home)
    assert set(after) == {"worker", "bot"}
    assert after["worker"] != before
    assert running.outdated(load_settings(home)) == {}


def test_a_setting_of_the_environment_counts_like_one_of_the_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    up(home)
    monkeypatch.setenv("KEN_MODEL_BASE_URL", "http://127.0.0.1:9/v1")
    assert running.outdated(load_settings(home)) == {"worker": ("KEN_MODEL_BASE_URL",)}
    (told,) = up(home)
    assert "KEN_MODEL_BASE_URL" in told
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert running.outdated(load_settings(home)) == {"worker": ("HTTPS_PROXY",)}


def test_what_is_not_set_up_any_more_is_stopped(home: Path) -> None:
    write_env(home, {"KEN_ADMIN_PORT": "3100"})
    up(home)
    assert set(pids(home)) == {"worker", "admin"}
    write_env(home, {"KEN_ADMIN_PORT": "0"})
    told = up(home)
    assert "Stopped the admin API: it is not set up any more." in told
    assert set(pids(home)) == {"worker"}


def test_the_local_workspace_stays_when_only_others_read_what_changed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = {
        "KEN_PLAYGROUND": str(home / "workspace.json"),
        "KEN_SLACK_API_URL": "http://127.0.0.1:3999/api/",
        "KEN_SLACK_BOT_TOKEN": "xoxb-playground",
        "KEN_SLACK_APP_TOKEN": "xapp-playground",
    }
    write_env(home, workspace)
    up(home)
    before = pids(home)
    write_env(home, {"KEN_PASSAGES_PER_ANSWER": "4"})
    up(home)
    after = pids(home)
    assert {name for name in before if before[name] != after[name]} == {"worker", "bot"}


def test_a_record_of_a_version_that_kept_no_settings_counts_as_outdated(home: Path) -> None:
    settings = load_settings(home)
    Child(home, "worker").start(SLEEPER, {})
    assert running.outdated(settings)["worker"] == tuple(sorted(fingerprints(settings)))
    (told,) = up(home)
    assert told.endswith(" more as now set.")


def test_no_value_can_be_read_from_what_is_kept(home: Path) -> None:
    tokens = {"KEN_SLACK_BOT_TOKEN": "xoxb-secret", "KEN_SLACK_APP_TOKEN": "xapp-secret"}
    write_env(home, {**tokens, "KEN_OWNER_PASSWORD": "owner-secret"})
    up(home)
    record = home / "run" / "worker.json"
    assert "secret" not in record.read_text()
    assert "KEN_OWNER_PASSWORD" not in record.read_text()
    assert record.stat().st_mode & 0o077 == 0
