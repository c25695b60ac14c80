"""Counts what PostgreSQL and Redis hold, each time the metrics are read.

Questions and messages are read as the ingress, sources and nodes as the answerer, both of which
see states and times of these; when access last changed as the syncer, where there is one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from workers.database.sessions import Database
from workers.database.statements import statement
from workers.errors import OperatorError
from workers.intake import doorbell
from workers.jobs.schedules import IS_QUIET
from workers.observe import metrics
from workers.ops.health import Patient
from workers.settings import Settings

_WAIT_S = 4.0


@dataclass(frozen=True, slots=True)
class Source:
    name: str
    paused: bool
    out_of_date: bool
    max_staleness_s: float | None
    sync_age_s: float | None
    unknown: int
    unknown_documents: int


@dataclass(frozen=True, slots=True)
class Facts:
    """Counts and ages; ages are seconds by the database's clock."""

    waiting: int
    oldest_s: float
    leases: int
    unposted: int
    oldest_unposted_s: float
    epoch: int
    epoch_age_s: float | None
    sources: tuple[Source, ...]
    jobs: tuple[tuple[str, int, float], ...] = ()
    """Of each kind of job: how many are open, and for how long the oldest that is due and that
    nobody works on has been so, in seconds."""
    schedules: tuple[tuple[str, float], ...] = ()
    """Of each kind of scheduled job: for how long the next one is due and not made, in seconds."""
    resting: tuple[tuple[str, bool], ...] = ()
    """Each model that was called, and whether it rests after failures."""


def exposition(settings: Settings, database: Database) -> Callable[[], bytes]:
    """Return a worker's /metrics: what this process counted, and the facts."""
    registry = CollectorRegistry()
    registry.register(
        _Facts(
            Patient(lambda: read(database), None, wait_s=_WAIT_S),
            Patient(lambda: queue_length(settings), None),
        )
    )
    return lambda: metrics.exposition() + generate_latest(registry)


def read(database: Database) -> Facts | None:
    """None if PostgreSQL does not answer in time."""
    try:
        with database.session("ingress") as session:
            session.execute(_SHORT)
            held = session.execute(_COUNT_QUESTIONS).one()._asdict()
            jobs = tuple((row.kind, row.open, row.overdue_s) for row in session.execute(_JOBS))
            scheduled = session.execute(_SCHEDULES)
            schedules = tuple((row.kind, row.overdue_s) for row in scheduled)
            resting = tuple((row.model, row.rests) for row in session.execute(_RESTING))
        with database.session("answerer") as session:
            session.execute(_SHORT)
            sources = tuple(Source(**row._asdict()) for row in session.execute(_AGE_OF_SOURCES))
        epoch_age_s = _epoch_age(database) if database.settings.has_syncer else None
    except (SQLAlchemyError, OperatorError):
        return None
    return Facts(
        **held,
        epoch_age_s=epoch_age_s,
        sources=sources,
        jobs=jobs,
        schedules=schedules,
        resting=resting,
    )


def _epoch_age(database: Database) -> float | None:
    """None if nothing has changed yet."""
    with database.session("syncer") as session:
        session.execute(_SHORT)
        age_s: float | None = session.execute(_AGE_OF_LAST_CHANGE).scalar_one_or_none()
    return age_s


def queue_length(settings: Settings, *, queue: str = doorbell.QUEUE) -> int | None:
    """Messages waiting in the queue; None if Redis does not answer."""
    try:
        return doorbell.waiting(settings, queue=queue)
    except (OperatorError, OSError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class _Facts(Collector):
    look: Callable[[], Facts | None]
    queue: Callable[[], int | None]

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the registry would read all facts only to describe them."""
        return []

    def collect(self) -> Iterator[Metric]:
        length, facts = self.queue(), self.look()
        yield _one("redis_up", "Whether Redis answers", float(length is not None))
        yield _one("postgresql_up", "Whether PostgreSQL answers", float(facts is not None))
        if length is not None:
            yield _one("queue_length", "Messages in the queue that no worker has taken", length)
        if facts is not None:
            yield from _of_questions(facts)
            yield from _of_sources(facts.sources)
            yield _of_models(facts.resting)
            yield from _of_jobs(facts.jobs)
            yield _of_schedules(facts.schedules)


def _of_questions(facts: Facts) -> Iterator[Metric]:
    yield _one("questions_waiting", "Questions that have not ended", facts.waiting)
    yield _one(
        "oldest_question_seconds", "Seconds since the oldest of them was asked", facts.oldest_s
    )
    yield _one("leases_alive", "Questions that a worker is working on", facts.leases)
    yield _one("outbox_waiting", "Messages that are stored and not posted", facts.unposted)
    yield _one(
        "oldest_outbox_seconds",
        "Seconds since the question of the oldest of them was asked",
        facts.oldest_unposted_s,
    )
    yield _one("epoch", "The number of the last change of access", facts.epoch)
    if facts.epoch_age_s is not None:
        yield _one("epoch_age_seconds", "Seconds since that change", facts.epoch_age_s)


def _of_sources(sources: Sequence[Source]) -> Iterator[Metric]:
    yield _each(
        "source_sync_age_seconds",
        "Seconds since the last complete permission sync; absent if there was none",
        [(source.name, source.sync_age_s) for source in sources],
    )
    yield _each(
        "source_max_staleness_seconds",
        "How old the permissions may be, in seconds; absent if there is no limit",
        [(source.name, source.max_staleness_s) for source in sources],
    )
    yield _each(
        "source_paused",
        "1: an administrator leaves it out of every answer",
        [(source.name, float(source.paused)) for source in sources],
    )
    yield _each(
        "source_out_of_date",
        "1: left out of every answer, as its permissions are too old",
        [(source.name, float(source.out_of_date)) for source in sources],
    )
    yield _each(
        "nodes_unknown",
        "Nodes whose permissions are not known: nobody may read them or what is below",
        [(source.name, float(source.unknown)) for source in sources],
    )
    yield _each(
        "documents_unknown",
        "Those of them that are documents",
        [(source.name, float(source.unknown_documents)) for source in sources],
    )


def _of_models(resting: Sequence[tuple[str, bool]]) -> Metric:
    what = "1: not called for a while, after failures in a row"
    family = GaugeMetricFamily("ken_model_resting", what, labels=["model"])
    for model, rests in resting:
        family.add_metric([model], float(rests))
    return family


def _of_jobs(jobs: Sequence[tuple[str, int, float]]) -> Iterator[Metric]:
    opened = GaugeMetricFamily("ken_jobs_open", "Jobs that have not ended", labels=["kind"])
    overdue = GaugeMetricFamily(
        "ken_job_overdue_seconds",
        "Seconds for which a job is due that nobody works on",
        labels=["kind"],
    )
    for kind, count, overdue_s in jobs:
        opened.add_metric([kind], float(count))
        overdue.add_metric([kind], overdue_s)
    yield from (opened, overdue)


def _of_schedules(schedules: Sequence[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(
        "ken_schedule_overdue_seconds",
        "Seconds for which a scheduled job is due and not made; its quiet hours do not count",
        labels=["kind"],
    )
    for kind, overdue_s in schedules:
        family.add_metric([kind], overdue_s)
    return family


def _one(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"ken_{name}", what, value=value)


def _each(name: str, what: str, values: Iterable[tuple[str, float | None]]) -> Metric:
    family = GaugeMetricFamily(f"ken_{name}", what, labels=["source"])
    for source, value in values:
        if value is not None:
            family.add_metric([source], value)
    return family


_SHORT = text("SET LOCAL statement_timeout = '2s'")

# Counts the questions and replies that wait, and how long.
_COUNT_QUESTIONS = text("""
    WITH open AS (SELECT count(*) AS waiting, min(asked_at) AS oldest
                  FROM question WHERE state = 'kept'),
         unposted AS (SELECT count(*) AS unposted, min(question.asked_at) AS oldest
                      FROM outbox JOIN question ON question.id = outbox.question_id
                      WHERE outbox.state = 'ready')
    SELECT open.waiting,
           coalesce(extract(epoch FROM now() - open.oldest), 0)::float8 AS oldest_s,
           (SELECT count(*) FROM lease JOIN question ON question.id = lease.question_id
            WHERE question.state = 'kept' AND lease.expires_at > now()) AS leases,
           unposted.unposted,
           coalesce(extract(epoch FROM now() - unposted.oldest), 0)::float8 AS oldest_unposted_s,
           (SELECT value FROM epoch) AS epoch
    FROM open, unposted
""")

# Counts the open jobs of each kind, and how long the oldest waits for a worker.
_JOBS = text("""
    SELECT kind, count(*) AS open,
           coalesce(max(extract(epoch FROM now() - due_at)) FILTER (
               WHERE state = 'waiting' AND due_at <= now() AND leased_until <= now()), 0)::float8
               AS overdue_s
    FROM job WHERE state IN ('waiting', 'paused') GROUP BY kind ORDER BY kind
""")

# Reads for how long the schedules of each kind are due, but for those that rest now.
_SCHEDULES = statement(
    """
    SELECT kind, greatest(max(CASE WHEN paused OR {is_quiet} THEN 0
                                   ELSE extract(epoch FROM now() - due_at) END), 0)::float8
               AS overdue_s
    FROM schedule GROUP BY kind ORDER BY kind
    """,
    is_quiet=IS_QUIET,
)

# Reads which models are not called now; the last row of each model counts.
_RESTING = text("""
    SELECT DISTINCT ON (model) model, coalesce(again_at > now(), false) AS rests
    FROM model_use WHERE at > now() - interval '1 day' ORDER BY model, id DESC
""")

# Reads the seconds since access last changed.
_AGE_OF_LAST_CHANGE = text(
    "SELECT extract(epoch FROM now() - at)::float8 FROM audit ORDER BY id DESC LIMIT 1"
)

# Reads how old each source's permissions are, and counts what nobody may read.
_AGE_OF_SOURCES = text("""
    SELECT name, paused,
           NOT paused AND max_staleness IS NOT NULL
               AND coalesce(synced_at < now() - max_staleness, true) AS out_of_date,
           extract(epoch FROM max_staleness)::float8 AS max_staleness_s,
           extract(epoch FROM now() - synced_at)::float8 AS sync_age_s,
           coalesce(unknown.nodes, 0) AS unknown,
           coalesce(unknown.documents, 0) AS unknown_documents
    FROM source LEFT JOIN (
        SELECT source_id, count(*) AS nodes, count(*) FILTER (WHERE kind = 'document') AS documents
        FROM node WHERE acl_state = 'unknown' AND gone_at IS NULL GROUP BY source_id
    ) AS unknown ON unknown.source_id = source.id
    ORDER BY name
""")
