"""`ken source add slack`, `test`, `sync`, `show` and `remove`, and passes as jobs."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from bot.playground.client import Playground
from policies.tables.jobs import JobState
from tests.workers.sources.channels import SOURCE, Channels
from workers.cli import running
from workers.cli.commands import sources as commands
from workers.cli.main import app
from workers.database.sessions import Database
from workers.jobs import leases, rows, schedules
from workers.jobs.leases import Running
from workers.jobs.rows import Shown
from workers.sources import jobs, store
from workers.sources.store import Stored
from workers.sync.sources import all_sources

Ken = Callable[..., Result]


@pytest.fixture
def ken(channels: Channels, monkeypatch: pytest.MonkeyPatch) -> Ken:
    settings = channels.database.settings.model_copy(update={"token_key": _key()})
    monkeypatch.setattr(commands, "command_settings", lambda: settings)
    embedders = (channels.embedder, None)
    monkeypatch.setattr(jobs, "_shipped", lambda: embedders)
    monkeypatch.setenv("COLUMNS", "300")
    return lambda *words: CliRunner().invoke(app, ["source", *words])


def _key() -> SecretStr:
    return SecretStr(Fernet.generate_key().decode())


def test_from_adding_a_source_to_removing_it(
    ken: Ken, channels: Channels, slack: Playground, tmp_path: Path
) -> None:
    slack.say("CBOARD", "UALICE", "The plan.")
    token = tmp_path / "token"
    token.write_text("xoxb-playground\n")

    added = ken("add", "slack", "--channel", "board", "--from-file", str(token))
    assert added.exit_code == 0, added.output
    assert "I can read 1 channel: #board." in added.output
    found = schedules.schedules(channels.database)
    assert {one.kind: one.every.total_seconds() for one in found} == {
        "crawl": 900,
        "permissions": 300,
    }

    (source,) = [one for one in all_sources(channels.database) if one.name == SOURCE]
    assert (source.max_staleness, source.usable) == (timedelta(days=1), False)
    assert _status(channels) == {SOURCE: "not read yet"}

    synced = ken("sync", SOURCE)
    assert (synced.exit_code, "created: 1" in synced.output) == (0, True), synced.output
    assert channels.readable_by("UBOB")
    assert not channels.readable_by("UCARL")
    shown = ken("show", SOURCE, "--json")
    assert "xoxb" not in shown.output
    facts = json.loads(shown.output)
    assert (facts["has_secret"], facts["problems"], facts["goes_on"]) == (True, [], False)

    assert _status(channels)[SOURCE].startswith("read at ")
    ken("add", "slack", "--channel", "board", "--max-staleness", "none")
    (source,) = [one for one in all_sources(channels.database) if one.name == SOURCE]
    assert (source.max_staleness, source.usable) == (None, True)

    slack.remove_bot("CBOARD")
    ken("sync", SOURCE)
    assert _status(channels) == {SOURCE: f"1 could not be done: ken source show {SOURCE}"}
    tested = ken("test", SOURCE)
    assert tested.exit_code == 5
    assert "Ken is not in it" in tested.output

    removed = ken("remove", SOURCE, "--yes")
    assert "Removed slack:T1 with 1 document." in removed.output
    assert schedules.schedules(channels.database) == []
    assert not channels.readable_by("UBOB")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--channel", "nowhere"], "not in a channel 'nowhere'"),
        (["--channel", "all", "--from-env", "KEN_TEST_NONE"], "no bot token"),
        (["--channel", "all", "--from-file", "/nowhere"], "cannot be read"),
        (["--channel", "all", "--every", "soon"], "--every: 'soon' is not a period"),
        (["--channel", "all", "--every", "none"], "--every: write a period"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    ken: Ken, channels: Channels, words: list[str], reason: str
) -> None:
    refused = ken("add", "slack", *words)
    assert refused.exit_code != 0
    assert reason in str(refused.exception)
    assert store.all_connectors(channels.database) == []
    assert schedules.schedules(channels.database) == []


def test_a_job_goes_on_after_a_failure_and_names_what_is_wrong(
    channels: Channels, slack: Playground
) -> None:
    """Wrong credentials: the job has failed with a sentence of ours; old data is whole."""
    slack.say("CALL", "UALICE", "All of us.")
    channels.add("CALL")
    channels.crawl()
    slack.revoke()
    failed = _worked(channels)
    assert failed.state is Shown.FAILED
    assert failed.reason.startswith("Slack does not let Ken in: token_revoked.")
    assert channels.readable_by("UCARL")
    assert _status(channels) == {SOURCE: f"failed: ken jobs show {failed.id}"}

    slack.restore()
    assert _worked(channels).state is Shown.DONE


def test_a_pass_that_is_paused_goes_on(channels: Channels, slack: Playground) -> None:
    slack.say("CALL", "UALICE", "All of us.")
    channels.add("CALL")
    database = channels.database
    with database.session("indexer") as session:
        job_id = rows.submit(session, jobs.CRAWL, actor="test", subject=SOURCE)

    def pausing(_: Database, running: Running) -> dict[str, object]:
        rows.pause(database, job_id, actor="test")
        return dict(_run(channels, running))

    leases.work(database, job_id, {jobs.CRAWL: pausing})
    assert rows.job(database, job_id).state == JobState.PAUSED.value
    rows.resume(database, job_id, actor="test")
    leases.work(database, job_id, {jobs.CRAWL: lambda _, running: _run(channels, running)})
    assert rows.job(database, job_id).state is Shown.DONE
    assert channels.readable_by("UCARL")


def _status(channels: Channels) -> dict[str, str]:
    """What `ken status` says of the sources that Ken lists."""
    found = running._holdings(channels.database.settings)["listed_by_ken"]
    assert isinstance(found, dict)
    return found


def _worked(channels: Channels) -> rows.JobFacts:
    database = channels.database
    with database.session("indexer") as session:
        job_id = rows.submit(session, jobs.CRAWL, actor="test", subject=SOURCE)
    leases.work(database, job_id, {jobs.CRAWL: lambda _, running: _run(channels, running)})
    return rows.job(database, job_id)


def _run(channels: Channels, running: Running) -> dict[str, object]:
    def connecting(_: Database, __: Stored) -> object:
        return channels.connector()

    found = jobs.run_pass(
        channels.database,
        running,
        connecting=connecting,  # type: ignore[arg-type]
        embedders=lambda: (channels.embedder, None),
    )
    return dict(found)
