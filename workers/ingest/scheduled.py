"""The job that loads a folder: now, or again and again on a schedule (`ken load --every`)."""

import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from policies.change import Change
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.ingest.bundle import Bundle, read_bundle
from workers.ingest.looks import Looks, look, settle
from workers.ingest.pipeline import Loading, Progress, Report
from workers.ingest.store import READER_VERSION
from workers.jobs.leases import Running
from workers.models.shipped import shipped_embedders

KIND = "load"
_TELL_S = 1.0
_LISTED = 50
"""At most so many files that were left out are named in the history; all are counted."""


def load(database: Database, running: Running) -> Mapping[str, Any]:
    """Load the folder of the job. If nothing that it depends on is other than at the last whole
    load, less than an hour ago, only its freshness is recorded.
    """
    root = Path(running.details["folder"])
    state = _state_of(running, look(root))  # first: what changes from here on differs
    is_known, settled = _is_known(database, running, state), None
    if not is_known:
        settled = settle(root)
        state = _state_of(running, look(root))
    allow = tuple(running.details["allow"])
    bundle = read_bundle(root, name=running.subject, allow=allow, settled=settled)
    if is_known:
        with database.session("indexer") as session:
            _mark_synced(session, running)
            session.execute(_FORGET_UNCHANGED, {"subject": running.subject, "state": state})
        return {"unchanged": bundle.total, "state": state}
    report = _load(database, running, bundle)
    return {**_counts(report), "state": "" if report.by_words_alone else state}


def _load(database: Database, running: Running, bundle: Bundle) -> Report:
    told = [0.0]

    def tell(step: Progress) -> None:
        if time.monotonic() - told[0] >= _TELL_S:
            told[0] = time.monotonic()
            running.step(step.step, step.done, step.total)

    english, multilingual = shipped_embedders()
    return Loading(
        database,
        english,
        bundle,
        tell=tell,
        limit_bytes=int(database.settings.document_limit_mb * 1e6),
        remove_missing=bool(running.details.get("remove_missing")),
        multilingual=multilingual,
    ).run()


def _counts(report: Report) -> dict[str, Any]:
    """Return what the history shows of a load."""
    return {
        "new": report.new,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "chunks": report.chunks,
        "embedded": report.embedded,
        "left_out": len(report.left_out),
        "why": [f"{one.place}: {one.reason}" for one in report.left_out[:_LISTED]],
    }


def _state_of(running: Running, looks: Looks) -> str:
    """Return one word for all that a load depends on: who may read, and how its files look."""
    whole = (READER_VERSION, sorted(running.details.items()), sorted(looks.items()))
    return sha256(repr(whole).encode()).hexdigest()[:32]


def _is_known(database: Database, running: Running, state: str) -> bool:
    with database.session("indexer") as session:
        before: str | None = session.scalar(_READ_LAST_STATE, {"subject": running.subject})
    return before == state


def _mark_synced(session: Session, running: Running) -> None:
    change = Change(session, actor=running.actor)
    change.mark_synced(change.put_source(running.subject))


def source_of(folder: Path, name: str | None, allow: tuple[str, ...]) -> str:
    """Return the name of a folder's source, once all of its structure is checked. Raises
    InputInvalid.
    """
    if not folder.is_dir():
        raise InputInvalid(f"{folder} is not a folder. Nothing was changed.")
    return read_bundle(folder, name=name, allow=allow).source


# Returns what the last whole load of a source depended on, if that is not long ago and nothing else
# has loaded the source since.
_READ_LAST_STATE = text("""
    SELECT counts ->> 'state' FROM job
    WHERE kind = 'load' AND subject = :subject AND state = 'done' AND counts ? 'new'
        AND ended_at > now() - interval '1 hour'
    ORDER BY id DESC LIMIT 1
""")

# Forgets earlier loads of a source that changed nothing, so that its history shows the others.
_FORGET_UNCHANGED = text("""
    DELETE FROM job WHERE kind = 'load' AND subject = :subject AND state = 'done'
        AND counts ->> 'state' = :state AND NOT counts ? 'new'
""")
