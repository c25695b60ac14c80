"""Accounts that are linked to nobody, and whom they may belong to."""

from starlette.responses import Response

from policies.links import Place, unmatched
from workers.admin.page.rendering import back_to, render
from workers.admin.page.visits import NOTHING, PAGE_SIZE, Visit
from workers.admin.problems import Conflict, NotFound
from workers.errors import InputInvalid
from workers.people import linking


def show(visit: Visit) -> Response:
    is_external = visit.asked("external") == "yes"
    with visit.database.session("syncer") as session:
        found = unmatched(session, limit=PAGE_SIZE + 1, after=_place(visit), external=is_external)
    last = found[PAGE_SIZE - 1].place if len(found) > PAGE_SIZE else None
    return render(
        visit,
        "people.html",
        accounts=found[:PAGE_SIZE],
        last=last,
        is_first=not visit.asked("source"),
        is_external=is_external,
    )


def link(visit: Visit) -> Response:
    """Link an account to the user that its address alone identifies, as `ken link accept` does."""
    source, account, user_id = visit.sent("source"), visit.sent("account"), visit.sent_id("user")
    try:
        linked = linking.accept_one(visit.database, source, account, user_id, visit.admin.actor)
    except InputInvalid:
        raise NotFound(NOTHING) from None
    if not linked:
        raise Conflict(
            "The account is linked by now, or something speaks against this person. Look at the "
            "list again."
        )
    return back_to("/people", done="linked")


def mark(visit: Visit) -> Response:
    return _set_external(visit, external=True)


def unmark(visit: Visit) -> Response:
    return _set_external(visit, external=False)


def _set_external(visit: Visit, *, external: bool) -> Response:
    source, account = visit.sent("source"), visit.sent("account")
    try:
        linking.set_external(visit.database, source, account, visit.admin.actor, external=external)
    except InputInvalid:
        raise Conflict("There is no such account without a link. Look at the list again.") from None
    return back_to("/people", done="marked" if external else "unmarked")


def _place(visit: Visit) -> Place | None:
    source, account = visit.asked("source"), visit.asked("account")
    return (visit.asked("denied") == "yes", source, account) if source and account else None
