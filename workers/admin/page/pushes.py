"""Pushes of permissions: what each would change for whom, and the decision about one that waits."""

from collections.abc import Callable

from starlette.responses import Response

from policies.tables.sources import RunState
from workers.admin.page.rendering import back_to, render
from workers.admin.page.visits import NOTHING, PAGE_SIZE, Visit
from workers.admin.problems import Conflict, NotFound
from workers.errors import InputInvalid
from workers.sync import runs
from workers.sync.runs import Run

_CAN_BE_UNDONE = (RunState.APPLIED, RunState.WAITING)
_CAN_BE_DROPPED = (RunState.STAGING, RunState.WAITING)


def show_all(visit: Visit) -> Response:
    source = visit.asked("source")
    try:
        found = runs.runs(
            visit.database,
            source=source or None,
            limit=PAGE_SIZE + 1,
            before=visit.after or None,
        )
    except InputInvalid:
        raise NotFound(NOTHING) from None
    more = found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None
    return render(visit, "pushes.html", runs=found[:PAGE_SIZE], more=more, source=source)


def show(visit: Visit) -> Response:
    run = _found(visit)
    is_newest = runs.is_newest(visit.database, run.id)
    return render(
        visit,
        "push.html",
        run=run,
        may_be_confirmed=run.state is RunState.WAITING and is_newest,
        may_be_dropped=run.state in _CAN_BE_DROPPED,
        may_be_undone=run.state in _CAN_BE_UNDONE and is_newest,
    )


def confirm(visit: Visit) -> Response:
    return _decide(visit, runs.confirm, "confirmed")


def drop(visit: Visit) -> Response:
    return _decide(visit, runs.drop, "dropped")


def undo(visit: Visit) -> Response:
    return _decide(visit, runs.undo, "undone")


def _decide(visit: Visit, decide: Callable[..., object], done: str) -> Response:
    """Of two administrators who decide at the same time, the second learns what the first did."""
    run = _found(visit)
    try:
        decide(visit.database, run.id, actor=visit.admin.actor)
    except InputInvalid as error:
        by = runs.run(visit.database, run.id).ended_by
        words = f"{error} {f'It was decided by {by}.' if by else ''}".strip()
        raise Conflict(words) from None
    return back_to(f"/pushes/{run.id}", done=done)


def _found(visit: Visit) -> Run:
    try:
        return runs.run(visit.database, visit.id)
    except InputInvalid:
        raise NotFound(NOTHING) from None
