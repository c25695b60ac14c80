"""The jobs worker: takes re-indexes, loads and other long work, and no question.

A process of its own, with the lowest priority that it can give itself: where the processor is busy,
questions come first. Passes of permissions have a thread of their own, so that a revocation never
waits until a re-index or a crawl ends.
"""

import os
import threading
import time
from collections.abc import Callable

import structlog
from celery.signals import worker_ready, worker_shutting_down

from workers.cli.running import say_ready
from workers.database.schema import check
from workers.database.sessions import Database
from workers.errors import SettingsInvalid
from workers.ingest import beginning, reindexing
from workers.intake.doorbell import JOBS_QUEUE
from workers.intake.queue import consuming
from workers.job_kinds import KINDS
from workers.jobs import leases, schedules
from workers.observe import logs, stopping, tracing
from workers.ops import health
from workers.ops.consumer import watched
from workers.ops.production import refuse_unsafe
from workers.ops.serving import jobs_listener
from workers.settings import Settings
from workers.sources.jobs import PERMISSIONS
from workers.sources.store import all_connectors
from workers.tasks import database_of_jobs

log = structlog.get_logger()

_LOOK_S, _LOOK_AT_ALL_S = 2.0, 60.0
_NICEST = 19


def work_on_jobs(settings: Settings) -> None:
    """Run the jobs worker in this process until it gets a signal to stop.

    Raises SettingsInvalid, ServerUnavailable, SchemaBehind.
    """
    logs.configure("jobs")
    stopping.exit_on_memory_error()
    refuse_unsafe(settings, "worker")
    if not settings.indexer_password.get_secret_value():
        raise SettingsInvalid(
            "KEN_INDEXER_PASSWORD is not set: the jobs worker writes the index.",
            remedy="Set it, or run no jobs worker (KEN_JOB_THREADS=0).",
        )
    os.nice(_NICEST)
    app = consuming(settings)
    threads = max(settings.job_threads, 1)
    listener = jobs_listener(settings, watched(app, threads), sweeper=look_for_work.__name__)
    database = database_of_jobs()
    check(database, "indexer")
    warn_without_syncer(database)
    tracing.configure(settings, "jobs")
    if listener is not None:
        listener.start()

    @worker_ready.connect(weak=False)
    def _report_ready(**_: object) -> None:
        for work, every_s in (
            (look_for_work, _LOOK_S),
            (work_on_permissions, _LOOK_S),
            (beginning.fill_what_is_missing, _LOOK_AT_ALL_S),
        ):
            threading.Thread(target=_repeat, args=(work, every_s), name="jobs", daemon=True).start()
        say_ready(settings, "jobs")

    @worker_shutting_down.connect(weak=False)
    def _finish(**_: object) -> None:
        """Jobs stop after their step, and go on in another worker."""
        if not stopping.is_requested():
            stopping.request()
            threading.Thread(target=_end_in_time, args=(settings.finish_s,), daemon=True).start()

    try:
        app.worker_main(
            [
                "--quiet",  # no banner: lines are JSON
                "worker",
                "--pool=threads",
                f"--queues={JOBS_QUEUE}",
                f"--concurrency={threads}",
                "--loglevel=WARNING",
                "--without-gossip",
                "--without-mingle",
            ]
        )
    finally:
        tracing.close()
        log.info("jobs_worker_stopped")


def warn_without_syncer(database: Database) -> None:
    """Say which sources cannot be listed, as each of their jobs will."""
    if not database.settings.has_syncer and (listed := all_connectors(database)):
        log.error(
            "syncer_password_missing",
            not_done=[one.source for one in listed],
            remedy="Set KEN_SYNCER_PASSWORD: without it every pass over these sources fails.",
        )


def look_for_work(database: Database) -> None:
    """Make the jobs that are due by their schedules, and ring for what nobody works on."""
    schedules.make_due(database)
    reindexing.tidy(database)
    schedules.ring_due(database)


def work_on_permissions(database: Database) -> None:
    """Make the passes of permissions that are due, whatever the queue's threads work on."""
    for job_id in schedules.due_of(database, PERMISSIONS):
        if not stopping.is_requested():
            leases.work(database, job_id, KINDS)


def _repeat(work: Callable[[Database], None], every_s: float) -> None:
    while not stopping.is_requested():
        try:
            work(database_of_jobs())
        except Exception as error:  # noqa: BLE001 - neither a server that is away nor a bug ends it
            stopping.exit_if_out_of_memory(error)
            log.warning("jobs_not_looked_for", error=type(error).__name__)
        health.turned(work.__name__)
        time.sleep(every_s)


def _end_in_time(finish_s: float) -> None:
    time.sleep(finish_s)
    log.warning("jobs_left")  # their leases expire, and another worker goes on
    os._exit(0)
