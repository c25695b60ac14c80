"""Who may read what, and why: with a picture of the groups and folders that decide."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session
from starlette.responses import Response

from workers.admin import explaining
from workers.admin.explaining import moment, past_moment
from workers.admin.page.rendering import render
from workers.admin.page.visits import PAGE_SIZE, Visit
from workers.admin.routes_audit import NOT_KNOWN
from workers.errors import InputInvalid

_DAYS = ("from", "to")
Facts = Mapping[str, Any]


def show(visit: Visit) -> Response:
    """Show the forms alone."""
    return render(visit, "access.html", asked={}, answer="", **_NONE)


def why(visit: Visit) -> Response:
    def explain(session: Session, asked: Mapping[str, str]) -> Facts:
        at = past_moment(session, asked["at"] or None)
        named = (asked["person"], asked["document"], at)
        return {
            "facts": explaining.why(session, *named),
            "picture": explaining.picture(session, *named),
        }

    return _answer(visit, "why", ("person", "document", "at"), explain)


def who(visit: Visit) -> Response:
    def list_readers(session: Session, asked: Mapping[str, str]) -> Facts:
        at = past_moment(session, asked["at"] or None)
        facts = explaining.who(session, asked["document"], at)
        return {"facts": facts, **_page(visit, facts["people"])}

    return _answer(visit, "who", ("document", "at"), list_readers)


def shown(visit: Visit) -> Response:
    def list_answers(session: Session, asked: Mapping[str, str]) -> Facts:
        now = explaining.clock(session)
        since, until = (moment(asked[name], now) if asked[name] else None for name in _DAYS)
        facts = explaining.shown(session, asked["document"], since, until)
        return {"facts": facts, **_page(visit, facts["answers"][::-1])}

    return _answer(visit, "shown", ("document", *_DAYS), list_answers)


_NONE: Facts = {"facts": None, "picture": None, "rows": (), "more": None, "problem": ""}


def _answer(
    visit: Visit,
    question: str,
    fields: Sequence[str],
    explain: Callable[[Session, Mapping[str, str]], Facts],
) -> Response:
    """Answer a form. What is not known is answered without names that are alike."""
    asked = {name: visit.asked(name).strip() for name in fields}
    found: Facts = {}
    problem, status = "", 200
    with visit.database.snapshot("syncer") as session:
        try:
            found = explain(session, asked)
        except explaining.Unknown:
            problem, status = NOT_KNOWN, 404
        except InputInvalid as error:
            problem, status = f"{error} {error.remedy}", 422
    facts = {**_NONE, **found, "problem": problem, "asked": asked, "answer": question}
    return render(visit, "access.html", status=status, **facts)


def _page(visit: Visit, rows: Sequence[Any]) -> Facts:
    """A list that is made as a whole is paged by places."""
    end = visit.after + PAGE_SIZE
    return {"rows": rows[visit.after : end], "more": end if len(rows) > end else None}
