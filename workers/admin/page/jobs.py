"""Jobs: how far they are, why they stopped, and what can be done."""

from collections.abc import Callable

from starlette.responses import Response

from workers.admin.page.rendering import back_to, render
from workers.admin.page.visits import NOTHING, PAGE_SIZE, Visit
from workers.admin.problems import Conflict, NotFound
from workers.errors import InputInvalid
from workers.jobs import rows
from workers.jobs.rows import JobFacts


def show_all(visit: Visit) -> Response:
    only_open = visit.asked("open") == "yes"
    found = rows.jobs(
        visit.database, limit=PAGE_SIZE + 1, open_only=only_open, before=visit.after or None
    )
    more = found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None
    return render(visit, "jobs.html", jobs=found[:PAGE_SIZE], more=more, only_open=only_open)


def show(visit: Visit) -> Response:
    return render(visit, "job.html", job=_found(visit))


def pause(visit: Visit) -> Response:
    return _ask(visit, rows.pause)


def resume(visit: Visit) -> Response:
    return _ask(visit, rows.resume)


def cancel(visit: Visit) -> Response:
    return _ask(visit, rows.cancel)


def _ask(visit: Visit, ask: Callable[..., JobFacts]) -> Response:
    job = _found(visit)
    try:
        ask(visit.database, job.id, actor=visit.admin.actor)
    except InputInvalid as error:
        raise Conflict(str(error)) from None
    return back_to(f"/jobs/{job.id}", done="asked")


def _found(visit: Visit) -> JobFacts:
    try:
        return rows.job(visit.database, visit.id)
    except InputInvalid:
        raise NotFound(NOTHING) from None
