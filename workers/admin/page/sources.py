"""Sources: how fresh their content and their permissions are; pausing and resuming them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from starlette.responses import Response

from workers.admin.page.rendering import back_to, render
from workers.admin.page.visits import NOTHING, PAGE_SIZE, Visit
from workers.admin.problems import NotFound
from workers.admin.routes_index import unreadable
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.sync.sources import all_sources, set_source


def show_all(visit: Visit) -> Response:
    """Show every source; there are few."""
    content, runs = _content(visit.database), _last_runs(visit.database)
    found = [
        {"facts": one, "content": content.get(one.name), "run": runs.get(one.name)}
        for one in all_sources(visit.database)
    ]
    return render(visit, "sources.html", sources=found)


def show_unreadable(visit: Visit) -> Response:
    """Show the folders and documents of a source that nobody may read, and why."""
    source = visit.asked("source")
    with visit.database.session("syncer") as session:
        found = unreadable(session, source, after=visit.after, limit=PAGE_SIZE + 1)
    more = found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None
    return render(visit, "unreadable.html", source=source, nodes=found[:PAGE_SIZE], more=more)


def pause(visit: Visit) -> Response:
    return _set(visit, paused=True)


def resume(visit: Visit) -> Response:
    return _set(visit, paused=False)


def _set(visit: Visit, *, paused: bool) -> Response:
    try:
        set_source(visit.database, visit.sent("source"), actor=visit.admin.actor, paused=paused)
    except InputInvalid:
        raise NotFound(NOTHING) from None
    return back_to("/sources", done="paused" if paused else "resumed")


def _content(database: Database) -> Mapping[str, Any]:
    """Return when each source was last read; those that other programs push are not here."""
    with database.session("indexer") as session:
        return {row.name: row for row in session.execute(_READ_CONTENT)}


def _last_runs(database: Database) -> Mapping[str, Any]:
    with database.session("syncer") as session:
        return {row.name: row for row in session.execute(_READ_LAST_RUNS)}


# Reads when Ken has last read each source, and the last job that did or tried.
_READ_CONTENT = text("""
    SELECT source.name, connector.passed_at, jsonb_array_length(connector.problems) AS problems,
           last.id AS job_id, last.state AS job_state, last.ended_at AS job_ended_at
    FROM source
    LEFT JOIN connector ON connector.source_id = source.id
    LEFT JOIN LATERAL (
        SELECT id, state, ended_at FROM job
        WHERE subject = source.name AND kind IN ('load', 'crawl', 'permissions')
        ORDER BY id DESC LIMIT 1) AS last ON true
    WHERE connector.source_id IS NOT NULL OR last.id IS NOT NULL
""")

# Reads the last push of permissions of each source.
_READ_LAST_RUNS = text("""
    SELECT source.name, last.id, last.state, last.started_at
    FROM source JOIN LATERAL (
        SELECT id, state, started_at FROM sync_run
        WHERE source_id = source.id ORDER BY id DESC LIMIT 1) AS last ON true
""")
