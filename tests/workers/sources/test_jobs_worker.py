"""The jobs worker and sources that Ken lists: revocations wait for no long job, and nothing fails
without a word.
"""

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.playground.client import Playground
from tests.servers import opened
from tests.workers.sources.channels import SOURCE, Channels
from workers.cli import jobs_worker
from workers.ingest import beginning
from workers.intake import doorbell
from workers.job_kinds import KINDS
from workers.jobs import leases, rows
from workers.jobs.rows import Shown
from workers.sources.jobs import PERMISSIONS


@pytest.fixture
def channels(channels: Channels, slack: Playground) -> Channels:
    slack.say("CBOARD", "UALICE", "The plan.")
    channels.add("CBOARD")
    channels.crawl()
    return channels


def submitted(channels: Channels, kind: str, subject: str = "") -> int:
    with channels.database.session("indexer") as session:
        return rows.submit(session, kind, actor="test", subject=subject)


def test_who_leaves_loses_access_while_long_jobs_hold_the_queue(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue's threads take nothing; without the thread of its own the pass would wait."""
    slack.leave("CBOARD", "UBOB")
    long = submitted(channels, beginning.KIND)
    quick = submitted(channels, PERMISSIONS, SOURCE)
    rung: list[object] = []
    monkeypatch.setattr(doorbell, "send", lambda *given, **_: rung.append(given))
    monkeypatch.setattr(doorbell, "waiting", lambda *_, **__: 0)

    jobs_worker.look_for_work(channels.database)
    assert len(rung) == 2
    assert channels.readable_by("UBOB"), "nobody takes what was rung for"

    jobs_worker.work_on_permissions(channels.database)
    assert rows.job(channels.database, quick).state is Shown.DONE
    assert channels.readable_by("UBOB") == set()
    assert channels.readable_by("UALICE")
    assert rows.job(channels.database, long).state is Shown.WAITING


def test_a_pass_without_the_syncers_password_has_failed_and_says_why(channels: Channels) -> None:
    job_id = submitted(channels, PERMISSIONS, SOURCE)
    changes = {"syncer_password": SecretStr("")}
    database = opened(channels.database.settings.model_copy(update=changes))
    with capture_logs() as logs:
        jobs_worker.warn_without_syncer(database)
        jobs_worker.warn_without_syncer(channels.database)
    assert [one["not_done"] for one in logs] == [[SOURCE]]

    leases.work(database, job_id, KINDS)

    found = rows.job(channels.database, job_id)
    assert found.state is Shown.FAILED
    assert "KEN_SYNCER_PASSWORD is not set" in found.reason
