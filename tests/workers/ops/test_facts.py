"""What /metrics says of the database and the queue: right, and of nobody."""

from datetime import time, timedelta
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import text

from policies.described import Permissions
from tests.servers import opened
from tests.workers.library import Library
from tests.workers.slack_company import kept
from workers.database.sessions import Database, connect
from workers.embedded.servers import EmbeddedRedis
from workers.intake import doorbell
from workers.intake.leases import lease, question_session
from workers.jobs import rows, schedules
from workers.ops import facts
from workers.settings import Settings

Samples = dict[tuple[str, str], float]


def scraped(settings: Settings, database: Database) -> Samples:
    """Value by name and source."""
    exposition = facts.exposition(settings, database)().decode()
    return {
        (sample.name, sample.labels.get("source", "")): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def test_an_empty_company_has_nothing_waiting(settings: Settings, database: Database) -> None:
    found = scraped(settings, database)
    assert found["ken_postgresql_up", ""] == found["ken_redis_up", ""] == 1
    for name in ("questions_waiting", "oldest_question_seconds", "outbox_waiting", "epoch"):
        assert found[f"ken_{name}", ""] == 0
    assert ("ken_epoch_age_seconds", "") not in found


def test_questions_leases_and_messages_are_counted_with_the_age_of_the_oldest(
    settings: Settings, library: Library, door: None
) -> None:
    database = library.database
    ids = [kept(channel_id=f"D{number}") for number in range(3)]
    _asked_ago(settings, ids[0], 90)
    _asked_ago(settings, ids[1], 40)
    with lease(database, ids[1], worker_id="one", lease_s=60):
        with question_session(database, ids[1]) as session:
            session.execute(
                text(
                    "INSERT INTO outbox (question_id, kind, payload) VALUES (:id, 'direct', '{}')"
                ),
                {"id": ids[1]},
            )
        found = scraped(settings, database)
    assert found["ken_questions_waiting", ""] == 3
    assert 90 <= found["ken_oldest_question_seconds", ""] < 900
    assert found["ken_leases_alive", ""] == 1
    assert found["ken_outbox_waiting", ""] == 1
    assert 40 <= found["ken_oldest_outbox_seconds", ""] < 900


def test_sources_say_how_old_they_are_and_what_nobody_may_read(
    settings: Settings, library: Library
) -> None:
    library.page("known", Permissions())
    library.page("lost", Permissions(known=False))
    library.folder("closed", Permissions(known=False))
    with library.change() as change:
        change.put_source("quiet")
    with library.database.session("syncer") as session:
        session.execute(
            text(
                "UPDATE source SET synced_at = now() - interval '2 hours', "
                "max_staleness = interval '1 hour' WHERE name = 'world'"
            )
        )
        session.execute(text("UPDATE source SET paused = true WHERE name = 'quiet'"))
    found = scraped(settings, library.database)
    assert 7200 <= found["ken_source_sync_age_seconds", "world"] < 8000
    assert found["ken_source_max_staleness_seconds", "world"] == 3600
    assert found["ken_source_out_of_date", "world"] == 1
    assert found["ken_source_out_of_date", "quiet"] == 0
    assert found["ken_source_paused", "quiet"] == 1
    assert ("ken_source_sync_age_seconds", "quiet") not in found
    assert found["ken_nodes_unknown", "world"] == 2
    assert found["ken_documents_unknown", "world"] == 1
    assert found["ken_epoch", ""] > 0
    assert 0 <= found["ken_epoch_age_seconds", ""] < 900


def test_the_queue_is_as_long_as_rings_that_nobody_heard(
    settings: Settings, database: Database, tmp_path: Any
) -> None:
    queue = EmbeddedRedis(tmp_path / "home")
    queue.start()
    try:
        ours = settings.model_copy(update={"redis_url": SecretStr(queue.url)})
        for number in range(3):
            doorbell.send(ours, "answer_question", number)
        assert scraped(ours, database)["ken_queue_length", ""] == 3
    finally:
        queue.stop()


def test_what_does_not_answer_is_named_and_the_rest_is_reported(
    settings: Settings, tmp_path: Any
) -> None:
    gone = settings.model_copy(
        update={
            "redis_url": SecretStr("redis://127.0.0.1:9"),
            "database_url": SecretStr(f"postgresql:///ken?host={tmp_path}&port=1"),
        }
    )
    database = opened(gone)
    found = scraped(gone, database)
    assert found["ken_postgresql_up", ""] == found["ken_redis_up", ""] == 0
    assert ("ken_queue_length", "") not in found
    assert ("ken_questions_waiting", "") not in found
    assert ("ken_leases_lost_total", "") in found


def test_no_label_and_no_name_is_of_a_person_a_channel_or_a_document(
    settings: Settings, library: Library, door: None
) -> None:
    """Threat 12: names and ids are content."""
    person = library.person("canary-person")
    library.page("canary-page", Permissions(allow=frozenset({person})))
    kept(channel_id="CCANARY", user_id="UCANARY", words="canary question")
    exposition = facts.exposition(settings, library.database)().decode()
    assert "canary" not in exposition.lower()
    labels = {
        name
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        for name in sample.labels
    }
    assert labels <= {
        *("source", "state", "reason", "outcome", "verdict", "layer", "error", "method"),
        *("le", "generation", "kind", "revision", "model", "direction"),
    }


def _asked_ago(settings: Settings, question_id: int, seconds: int) -> None:
    owner = connect(settings, "owner")
    with owner.begin() as connection:
        connection.execute(text("ALTER TABLE question NO FORCE ROW LEVEL SECURITY"))
        connection.execute(
            text("UPDATE question SET asked_at = now() - :ago WHERE id = :id"),
            {"ago": timedelta(seconds=seconds), "id": question_id},
        )
        connection.execute(text("ALTER TABLE question FORCE ROW LEVEL SECURITY"))
    owner.dispose()


def test_jobs_are_counted_with_how_long_one_waits_for_a_worker(
    settings: Settings, database: Database
) -> None:
    with database.session("indexer") as session:
        due = rows.submit(session, "load", subject="wiki", actor="test")
        rows.submit(session, "load", subject="drive", actor="test", after_s=600)
        rows.submit(session, "reindex", actor="test", after_s=600)
        given = {"id": due}
        session.execute(
            text("UPDATE job SET due_at = now() - interval '90 seconds' WHERE id = :id"), given
        )
    found = by_kind(settings, database)
    assert (found["ken_jobs_open", "load"], found["ken_jobs_open", "reindex"]) == (2, 1)
    assert 90 <= found["ken_job_overdue_seconds", "load"] < 900
    assert found["ken_job_overdue_seconds", "reindex"] == 0


def by_kind(settings: Settings, database: Database) -> dict[tuple[str, str], float]:
    exposition = facts.exposition(settings, database)().decode()
    return {
        (sample.name, sample.labels["kind"]): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if "kind" in sample.labels
    }


def test_a_schedule_is_overdue_if_its_job_is_not_made_but_for_its_quiet_hours(
    settings: Settings, database: Database
) -> None:
    for name in ("wiki", "drive"):
        schedules.put(database, "load", name, every=timedelta(hours=1), actor="test")
    day = (time(0), time(23, 59, 59, 999_999))
    schedules.put(database, "crawl", "C", every=timedelta(hours=1), actor="test", quiet=day)
    with database.session("indexer") as session:
        session.execute(text("UPDATE schedule SET due_at = now() - interval '90 seconds'"))
    found = by_kind(settings, database)
    assert 90 <= found["ken_schedule_overdue_seconds", "load"] < 900
    assert found["ken_schedule_overdue_seconds", "crawl"] == 0

    schedules.make_due(database)

    assert by_kind(settings, database)["ken_schedule_overdue_seconds", "load"] == 0
