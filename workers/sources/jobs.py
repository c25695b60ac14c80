"""Passes as jobs: `crawl` brings permissions and documents, `permissions` permissions alone."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from workers.database.sessions import Database
from workers.errors import OperatorError
from workers.ingest.parse import Limits, Parser
from workers.ingest.push import Embedders, Pushing
from workers.jobs.leases import Running
from workers.models.base import Embedder
from workers.settings import Settings
from workers.sources.base import Connector
from workers.sources.crawl import Wanted, crawl
from workers.sources.kinds import connect
from workers.sources.store import Stored, read

CRAWL, PERMISSIONS = "crawl", "permissions"
"""Kinds of jobs; the subject is the source."""


def run_pass(
    database: Database,
    running: Running,
    *,
    connecting: Callable[[Database, Stored], Connector] = connect,
    embedders: Embedders | None = None,
) -> Mapping[str, Any]:
    """Make the pass of a job; called again, it goes on. Raises OperatorError."""
    require_syncer(database.settings)
    connector = connecting(database, read(database, running.subject))
    wanted = Wanted(
        full=bool(running.details.get("full")),
        permissions_only=running.kind == PERMISSIONS,
        confirmed=bool(running.details.get("confirmed")),
    )
    with pushing(database, embedders or _shipped) as pushes:
        done = crawl(
            database, connector, pushes, wanted=wanted, actor=running.actor, tell=running.step
        )
    return done.as_counts()


def require_syncer(settings: Settings) -> None:
    """Raise OperatorError if this process cannot push permissions."""
    if not settings.has_syncer:
        raise OperatorError(
            "KEN_SYNCER_PASSWORD is not set: permissions cannot be pushed.",
            remedy="Set it for the jobs worker and for commands (docs/deploy.md).",
        )


@contextmanager
def pushing(database: Database, embedders: Embedders) -> Iterator[Pushing]:
    limit_bytes = int(database.settings.document_limit_mb * 1e6)
    found = Pushing(database, Parser(Limits(file_bytes=limit_bytes)), embedders)
    try:
        yield found
    finally:
        found.close()


def _shipped() -> tuple[Embedder, Embedder]:
    from workers.models.shipped import shipped_embedders  # noqa: PLC0415 - with the first document

    return shipped_embedders()
