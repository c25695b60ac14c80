"""Runs: an administrator pushes the permissions of a source; they are compared, then applied.

A run makes all its changes in one transaction under one epoch, or none. Runs wait in one queue
with all other changes of access; a run that another one has overtaken is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from policies.change import Change
from policies.readers import source_readers
from policies.source import PROVIDER
from policies.tables.history import Past
from policies.tables.permissions import Node
from policies.tables.sources import RunKind, RunState, Source, SyncPage, SyncRun
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.observe.crashpoints import crashpoint
from workers.settings import Settings
from workers.sync.breaker import (
    is_mass_revocation,
    lacks_members,
    narrowed,
    reasons_to_wait,
    reasons_unlisted,
    with_members,
)
from workers.sync.difference import Difference, measure
from workers.sync.lines import LINES_A_PAGE, Line, check_page, read_line
from workers.sync.past import rewind
from workers.sync.snapshot import (
    LeftOut,
    Pushed,
    Rows,
    State,
    apply,
    named_in,
    put_accounts,
    read_push,
    stored_rows,
)
from workers.sync.sources import check_source_name, source_id_of

log = structlog.get_logger()

PAGES: Final = 100_000
"""The most pages of one run."""
_LISTED = 200
"""At most this many left-out names are stored; all are counted."""
_NAMED = 10
"""At most this many things are named in one message."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as the history shows it."""

    id: int
    source: str
    kind: RunKind
    state: RunState
    actor: str
    started_at: datetime
    ended_at: datetime | None
    epoch: int | None
    """The epoch of its last change; None if it changed nothing."""
    difference: Difference | None = None
    """All that it asks for; after `undo`, what that changed. None if it was never compared."""
    applied: Difference | None = None
    """The part that counts already; while it waits, only what it takes away."""
    waits_for: tuple[str, ...] = ()
    """Why it needs confirmation."""
    mass_revocation: bool = False
    unlisted_wait: bool = False
    """It leaves out most of the source, which stays as it was until the run is confirmed."""
    refused: str = ""
    """Why it was refused."""
    left_out: tuple[LeftOut, ...] = ()
    left_out_count: int = 0
    dry_run: bool = False
    """Nothing was changed; `state` is what it would have become."""
    ended_by: str = ""
    """Who confirmed, dropped or undid it; empty if nobody did."""


Outcome = Run
Rest = Callable[[Session], Sequence[Mapping[str, Any]]]
"""Reads further lines of a list from what is stored, when nobody can change it any more."""


# -- one run, step by step --------------------------------------------------------------------


def clock(database: Database) -> datetime:
    """Return the database's time. Whoever lists a source takes it before the list begins."""
    with database.session("syncer") as session:
        return _clock(session)


def begin(
    database: Database,
    *,
    source: str,
    kind: RunKind,
    actor: str,
    listed_at: datetime | None = None,
) -> int:
    """Begin a run and return its id; a new source is created. Raises InputInvalid.

    `listed_at`: when its list began, by `clock`, if that was before now. A run that was applied
    after that overtakes this one.
    """
    check_source_name(source)
    with database.session("syncer") as session:
        return _begin(session, source, kind, actor, listed_at)


def put_page(
    database: Database, run_id: int, number: int, lines: Sequence[Mapping[str, Any]]
) -> None:
    """Store one page; pages are numbered from 1, and the same number replaces an earlier page.

    Raises InputInvalid with page, line and field, or WrongState; then the page is not stored.
    """
    if not 1 <= number <= PAGES:
        raise InputInvalid(
            f"page: {number} is not a page number from 1 to {PAGES}.",
            remedy="Number the pages 1, 2, 3 …",
        )
    with database.session("syncer") as session:
        run = _locked(session, run_id, RunState.STAGING)
        _put_page(session, run, number, lines)


def finish(
    database: Database,
    run_id: int,
    *,
    pages: int,
    dry_run: bool = False,
    confirmed: bool = False,
    rest: Rest | None = None,
) -> Outcome:
    """Compare and apply what was pushed in pages 1 to `pages`: everything, or nothing.

    A run that gives people much more access waits unless it is confirmed; what it takes away
    counts at once. A complete list that leaves out most of its source waits, too: what it says
    about listed nodes counts, what it leaves out stays, and the source does not count as synced.
    Raises InputInvalid: if pages are missing, the run stays open, otherwise it is refused. Raises
    WrongState if the run was finished meanwhile, or overtaken by another.
    """
    run(database, run_id)  # one that does not exist cannot be marked as refused
    crashpoint("sync_staged")
    try:
        with database.session("syncer") as session, session.begin_nested() as trial:
            result = _finish(
                session, run_id, pages, database.settings, confirmed=confirmed, rest=rest
            )
            if dry_run:
                trial.rollback()
            crashpoint("sync_applied")
        crashpoint("sync_committed")
    except PagesMissing:
        raise
    except InputInvalid as error:
        if not dry_run:
            _refuse(database, run_id, str(error))
        raise
    _alert(result, dry_run=dry_run)
    return replace(result, dry_run=dry_run)


def push(
    database: Database,
    pages: Sequence[Sequence[Mapping[str, Any]]],
    *,
    source: str,
    kind: RunKind,
    actor: str,
    dry_run: bool = False,
    confirmed: bool = False,
    listed_at: datetime | None = None,
    rest: Rest | None = None,
) -> Outcome:
    """Push a whole run at once. A dry run leaves no trace, not even in the history."""
    if not dry_run:
        run_id = begin(database, source=source, kind=kind, actor=actor, listed_at=listed_at)
        for number, lines in enumerate(pages, start=1):
            put_page(database, run_id, number, lines)
        return finish(database, run_id, pages=len(pages), confirmed=confirmed, rest=rest)
    check_source_name(source)
    with database.session("syncer") as session, session.begin_nested() as trial:
        run_id = _begin(session, source, kind, actor)
        run = _locked(session, run_id, RunState.STAGING)
        for number, lines in enumerate(pages, start=1):
            _put_page(session, run, number, lines)
        result = _finish(session, run_id, len(pages), database.settings, confirmed=confirmed)
        trial.rollback()
    return replace(result, dry_run=True)


def confirm(database: Database, run_id: int, *, actor: str) -> Outcome:
    """Apply all of a waiting run, compared again with what is stored now.

    Raises Overtaken if another run of the source was applied since.
    """
    with database.session("syncer") as session:
        change = Change(session, actor=actor)
        run = _locked(session, run_id, RunState.WAITING)
        _refuse_overtaken(session, run)
        rows = stored_rows(session, run.source_id)
        held = rows.state
        if run.kind is RunKind.DELTA:  # a delta refers to the state before anything was narrowed
            then = rewind(session, run.source_id, _epochs(run))
            _refuse_changed(run, then.changed_since, "Push the delta again.")
            held = then.rows.state
        pushed = _pushed(change, run, held)
        difference = _write(change, run.source_id, rows, pushed.state)
        put_accounts(change, run.source_id, pushed.accounts)
        if run.difference.get("unlisted_wait"):  # the list is as old as the push
            change.mark_synced(run.source_id, at=run.started_at)
        run.difference = {**run.difference, "ended_by": actor}
        _end(change, run, RunState.APPLIED, pushed, difference, difference)
        session.execute(delete(SyncPage).where(SyncPage.run_id == run.id))
        result = _run_of(session, run)
    _alert(result, dry_run=False)
    return result


def drop(database: Database, run_id: int, *, actor: str) -> None:
    """Discard a run that waits or is being pushed. What it took away stays away."""
    with database.session("syncer") as session:
        run = _locked(session, run_id, RunState.WAITING, RunState.STAGING)
        run.difference = {**run.difference, "ended_by": actor}
        _drop(session, run)


def undo(database: Database, run_id: int, *, actor: str) -> Outcome:
    """Undo, under a new epoch, everything that the latest run of a source changed.

    Raises InputInvalid if it is not the latest, or if somebody else has changed the same since. A
    deleted document does not come back: it is listed as left out, to be loaded again.
    """
    with database.session("syncer") as session:
        change = Change(session, actor=actor)
        run = _locked(session, run_id, RunState.APPLIED, RunState.WAITING)
        _refuse_overtaken(session, run)
        then = rewind(session, run.source_id, _epochs(run))
        _refuse_changed(run, then.changed_since, "Push the source's permissions as they are now.")
        rows, wanted = stored_rows(session, run.source_id), then.rows.state
        added = {
            name: replace(node, gone=True)
            for name, node in rows.state.nodes.items()
            if name not in wanted.nodes
        }
        state = State(wanted.groups, {**added, **wanted.nodes})
        difference = _write(change, run.source_id, rows, state)
        if (synced_at := _synced_before(session, run)) is not None:
            change.mark_synced(run.source_id, at=synced_at)
        without_text = tuple(LeftOut(f"node {name}", "text", "deleted") for name in then.deleted)
        pushed = Pushed(State(), (), without_text)
        run.difference = {**run.difference, "ended_by": actor}
        _end(change, run, RunState.UNDONE, pushed, difference, difference)
        session.execute(delete(SyncPage).where(SyncPage.run_id == run.id))
        return _run_of(session, run)


# -- looking ----------------------------------------------------------------------------------


def runs(
    database: Database, *, source: str | None = None, limit: int = 20, before: int | None = None
) -> list[Run]:
    """List runs, the newest first; `before`: only those with a smaller id.

    Raises InputInvalid if the source does not exist.
    """
    with database.session("syncer") as session:
        statement = select(SyncRun).order_by(SyncRun.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(SyncRun.id < before)
        if source is not None:
            statement = statement.where(SyncRun.source_id == source_id_of(session, source))
        return [_run_of(session, one) for one in session.scalars(statement)]


def run(database: Database, run_id: int) -> Run:
    """Return a run. Raises InputInvalid if it does not exist."""
    with database.session("syncer") as session:
        return _run_of(session, _found(session, run_id))


def delete_old(database: Database) -> None:
    """Delete nodes that have been gone for long, with their text; drop unfinished pushes."""
    keep = timedelta(days=database.settings.keep_gone_days)
    with database.session("syncer") as session:
        before = session.scalars(select(func.now())).one() - keep
        for abandoned in session.scalars(
            select(SyncRun).where(SyncRun.state == RunState.STAGING, SyncRun.started_at < before)
        ):
            _drop(session, abandoned)
        if session.scalar(select(Node.id).where(Node.gone_at < before).limit(1)) is not None:
            Change(session, actor="sweep").delete_gone(before)


def is_newest(database: Database, run_id: int) -> bool:
    """Return whether no other run of the source was applied after this one."""
    with database.session("syncer") as session:
        return _newer(session, _found(session, run_id)) is None


# -- inside -----------------------------------------------------------------------------------


class WrongState(InputInvalid):
    """The run or the source is not in a state that allows this; the lines are fine."""


class PagesMissing(WrongState):
    """Some pages are missing; they can still be sent."""


class Overtaken(WrongState):
    """Another run of the source was applied meanwhile, so this list may be old."""


def _begin(
    session: Session, source: str, kind: RunKind, actor: str, listed_at: datetime | None = None
) -> int:
    if source == PROVIDER:
        raise InputInvalid(
            f"source: {PROVIDER!r} is reserved for the identity provider.",
            remedy="Use the name of the system that the documents are in.",
        )
    source_id = session.scalar(select(Source.id).where(Source.name == source))
    if source_id is None:
        source_id = Change(session, actor=actor).put_source(source)
    made = SyncRun(source_id=source_id, kind=kind, actor=actor)
    if listed_at is not None:
        made.started_at = listed_at
    session.add(made)
    session.flush()
    return made.id


def _put_page(session: Session, run: SyncRun, number: int, lines: Sequence[Any]) -> None:
    checked = check_page(number, lines, run.kind)
    session.execute(
        upsert(SyncPage)
        .values(run_id=run.id, number=number, lines=checked)
        .on_conflict_do_update(index_elements=["run_id", "number"], set_={"lines": checked})
    )


def _finish(
    session: Session,
    run_id: int,
    pages: int,
    settings: Settings,
    *,
    confirmed: bool,
    rest: Rest | None = None,
) -> Run:
    change = Change(
        session, actor=_found(session, run_id).actor
    )  # from here on, changes wait for each other
    run = _locked(session, run_id, RunState.STAGING)
    _check_pages(session, run, pages)
    _refuse_overtaken(session, run)
    lines = rest(session) if rest is not None else ()
    for number, at in enumerate(range(0, len(lines), LINES_A_PAGE), start=pages + 1):
        _put_page(session, run, number, lines[at : at + LINES_A_PAGE])
    rows = stored_rows(session, run.source_id)
    held = rows.state
    pushed = _pushed(change, run, held)
    with session.begin_nested() as trial:
        difference = _write(change, run.source_id, rows, pushed.state)
        waits_for = () if confirmed else reasons_to_wait(difference, settings)
        may_be_broken = not confirmed and _may_be_broken(run, difference, held, settings)
        if waits_for or may_be_broken:
            trial.rollback()
    unlisted: tuple[str, ...] = ()
    listed = pushed.state
    if may_be_broken:
        unlisted, listed = _listed_only(change, run, rows, difference, settings)
        waits_for = (*unlisted, *waits_for)
    applied = difference
    if waits_for:
        applied = _write(change, run.source_id, rows, narrowed(held, listed))
        if applied.widens:  # proved impossible, and checked nevertheless
            log.error("narrowing_widens", run_id=run.id, source_id=run.source_id)
            raise RuntimeError("taking access away would give access")
    elif may_be_broken:
        applied = _write(change, run.source_id, rows, pushed.state)
    put_accounts(change, run.source_id, pushed.accounts)
    if run.kind is RunKind.COMPLETE and not unlisted:
        change.mark_synced(run.source_id, at=run.started_at)
    _supersede(session, run)
    state = RunState.WAITING if waits_for else RunState.APPLIED
    _end(change, run, state, pushed, difference, applied, waits_for=waits_for)
    run.difference = {
        **run.difference,
        "mass_revocation": is_mass_revocation(applied, settings),
        "unlisted_wait": bool(unlisted),
    }
    session.flush()
    if state is RunState.APPLIED:
        session.execute(delete(SyncPage).where(SyncPage.run_id == run.id))
    return _run_of(session, run)


def _may_be_broken(run: SyncRun, difference: Difference, held: State, settings: Settings) -> bool:
    """Return whether a list leaves out enough that it may be a mistake."""
    if run.kind is not RunKind.COMPLETE:
        return False
    return bool(reasons_unlisted(difference, Difference(), held, settings))


def _listed_only(
    change: Change, run: SyncRun, rows: Rows, difference: Difference, settings: Settings
) -> tuple[tuple[str, ...], State]:
    """Return why what a list leaves out must wait, and the state without leaving it out.

    That state is the list read as a delta: what it lists, and everything else as it was.
    """
    listed = _pushed(change, run, rows.state, RunKind.DELTA).state
    if lacks_members(difference, rows.state, settings):
        listed = with_members(rows.state, listed)
    with change.session.begin_nested() as trial:
        by_name = _write(change, run.source_id, rows, listed)
        trial.rollback()
    reasons = reasons_unlisted(difference, by_name, rows.state, settings)
    return reasons, listed


def _write(change: Change, source_id: int, rows: Rows, wanted: State) -> Difference:
    """Apply a state to these rows of the source, and measure what that changed."""
    before = source_readers(change.session, source_id)
    apply(change, source_id, rows, wanted)
    after = source_readers(change.session, source_id)
    return measure(change.session, before, after, held=rows.state, wanted=wanted)


def _pushed(change: Change, run: SyncRun, held: State, kind: RunKind | None = None) -> Pushed:
    """Read the pushed lines; names of accounts become their principals, linked or not."""
    lines = _lines(change.session, run)
    accounts = change.accounts(run.source_id, named_in(lines))
    return read_push(lines, kind or run.kind, held, accounts)


def _lines(session: Session, run: SyncRun) -> Sequence[Line]:
    pages = session.scalars(
        select(SyncPage.lines).where(SyncPage.run_id == run.id).order_by(SyncPage.number)
    )
    return [read_line(line) for page in pages for line in page]


def _check_pages(session: Session, run: SyncRun, pages: int) -> None:
    numbers = set(session.scalars(select(SyncPage.number).where(SyncPage.run_id == run.id)))
    wanted = set(range(1, min(pages, PAGES) + 1))
    if missing := sorted(wanted - numbers):
        raise PagesMissing(
            f"pages: these of {pages} are missing: {_some(missing)}.",
            remedy="Send them, then finish again. Nothing was changed.",
        )
    if more := sorted(numbers - wanted):
        raise PagesMissing(
            f"pages: {pages} were announced, but these were sent too: {_some(more)}.",
            remedy="Finish with the right number of pages, or drop the run. Nothing was changed.",
        )


def _end(
    change: Change,
    run: SyncRun,
    state: RunState,
    pushed: Pushed,
    difference: Difference,
    applied: Difference,
    *,
    waits_for: tuple[str, ...] = (),
) -> None:
    """Record how the run ended, what it left out, and who gains and loses by it."""
    run.state = state
    run.epoch = change.epoch
    run.ended_at = _clock(change.session)
    run.left_out = [
        {"place": one.place, "name": one.name, "effect": one.effect}
        for one in pushed.left_out[:_LISTED]
    ]
    run.difference = {
        **run.difference,
        "full": difference.as_json(),
        "applied": applied.as_json(),
        "waits_for": list(waits_for),
        "left_out": len(pushed.left_out),
        "epochs": [*_epochs(run), change.epoch],
    }
    change.session.flush()


def _epochs(run: SyncRun) -> list[int]:
    """Return the epochs of the run's changes: two if it waited and was confirmed."""
    return list(run.difference.get("epochs", ()))


def _refuse(database: Database, run_id: int, reason: str) -> None:
    with database.session("syncer") as session:
        run = session.get_one(SyncRun, run_id, with_for_update=True)
        if run.state is RunState.STAGING:
            run.state = RunState.REFUSED
            run.ended_at = _clock(session)
            run.difference = {"refused": reason}
            session.execute(delete(SyncPage).where(SyncPage.run_id == run.id))


def _refuse_overtaken(session: Session, run: SyncRun) -> None:
    """Raise Overtaken if another run of the source was applied after this one began."""
    newer = _newer(session, run)
    if newer is not None:
        raise Overtaken(
            f"Run {newer} of the same source was applied after run {run.id} began.",
            remedy="List the source again and push the new list: the older one could bring back "
            "access that was taken away. Nothing was changed.",
        )


def _newer(session: Session, run: SyncRun) -> int | None:
    """Return another run of the source that was applied after this one ended, or began."""
    return session.scalar(
        select(func.max(SyncRun.id)).where(
            SyncRun.source_id == run.source_id,
            SyncRun.id != run.id,
            SyncRun.epoch.is_not(None),
            SyncRun.ended_at > (run.ended_at or run.started_at),
        )
    )


def _refuse_changed(run: SyncRun, changed: Sequence[str], remedy: str) -> None:
    if changed:
        raise InputInvalid(
            f"Since run {run.id} somebody else changed: {_some(changed)}.",
            remedy=f"{remedy} Nothing was changed.",
        )


def _supersede(session: Session, run: SyncRun) -> None:
    """Drop older runs of the source that still wait."""
    for older in session.scalars(
        select(SyncRun).where(
            SyncRun.source_id == run.source_id,
            SyncRun.state == RunState.WAITING,
            SyncRun.id != run.id,
        )
    ):
        _drop(session, older)


def _drop(session: Session, run: SyncRun) -> None:
    run.state = RunState.DROPPED
    if run.ended_at is None:
        run.ended_at = _clock(session)
    session.execute(delete(SyncPage).where(SyncPage.run_id == run.id))


def _found(session: Session, run_id: int) -> SyncRun:
    found = session.get(SyncRun, run_id) if 0 < run_id < 2**63 else None
    if found is None:
        raise InputInvalid(
            f"run: there is no run {run_id}.", remedy="`ken sync runs` lists the newest."
        )
    return found


def _locked(session: Session, run_id: int, *states: RunState) -> SyncRun:
    """Lock the run and return it. Raises WrongState if it is in another state."""
    _found(session, run_id)
    run = session.get_one(SyncRun, run_id, with_for_update=True, populate_existing=True)
    if run.state not in states:
        raise WrongState(
            f"Run {run_id} is {run.state.value}, not {' or '.join(s.value for s in states)}.",
            remedy=f"`ken sync show {run_id}` shows its result. Nothing was changed.",
        )
    return run


def _run_of(session: Session, run: SyncRun) -> Run:
    stored = run.difference
    return Run(
        id=run.id,
        source=session.get_one(Source, run.source_id).name,
        kind=run.kind,
        state=run.state,
        actor=run.actor,
        started_at=run.started_at,
        ended_at=run.ended_at,
        epoch=run.epoch,
        difference=Difference.from_json(stored["full"]) if "full" in stored else None,
        applied=Difference.from_json(stored["applied"]) if "applied" in stored else None,
        waits_for=tuple(stored.get("waits_for", ())),
        mass_revocation=stored.get("mass_revocation", False),
        unlisted_wait=stored.get("unlisted_wait", False),
        refused=stored.get("refused", ""),
        left_out=tuple(LeftOut(**one) for one in run.left_out),
        left_out_count=stored.get("left_out", 0),
        ended_by=stored.get("ended_by", ""),
    )


def _alert(run: Run, *, dry_run: bool) -> None:
    if run.unlisted_wait and run.state is RunState.WAITING and not dry_run:
        log.error("unlisted_wait", run_id=run.id, source=run.source)
    if run.mass_revocation and run.applied is not None and not dry_run:
        log.error(
            "mass_revocation",
            run_id=run.id,
            source=run.source,
            readings_lost=run.applied.pairs_lost,
            people=run.applied.people_losing,
            documents=run.applied.documents_losing,
        )


def _synced_before(session: Session, run: SyncRun) -> datetime | None:
    """Return when the source was synced before this run, if the run changed that."""
    before = session.scalars(
        select(Past.before)
        .where(
            Past.relation == "source",
            Past.epoch.in_(_epochs(run)),
            Past.key == [run.source_id],
        )
        .order_by(Past.id)
        .limit(1)
    ).one_or_none()
    synced_at = None if before is None else before["synced_at"]
    return None if synced_at is None else datetime.fromisoformat(synced_at)


def _clock(session: Session) -> datetime:
    """Return the current time, not the start of the transaction."""
    now: datetime = session.scalars(select(func.clock_timestamp())).one()
    return now


def _some(things: Sequence[object]) -> str:
    shown = ", ".join(map(str, things[:_NAMED]))
    return f"{shown} and {len(things) - _NAMED} more" if len(things) > _NAMED else shown
