"""Tokens of programs and of people, and sessions of this page: what they allow, and their end."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from starlette.responses import Response

from workers.admin import api_keys
from workers.admin.page import sessions
from workers.admin.page.rendering import back_to, render
from workers.admin.page.visits import NOTHING, PAGE_SIZE, Visit
from workers.admin.problems import NotFound
from workers.errors import InputInvalid
from workers.people import person_tokens


class _Numbered(Protocol):
    @property
    def id(self) -> int: ...


T = TypeVar("T", bound=_Numbered)


def show(visit: Visit) -> Response:
    tokens, more = _page(visit, api_keys.tokens(visit.database))
    return render(visit, "tokens.html", tokens=tokens, more=more)


def show_of_people(visit: Visit) -> Response:
    tokens, more = _page(visit, person_tokens.tokens(visit.database))
    return render(visit, "person_tokens.html", tokens=tokens, more=more)


def show_sessions(visit: Visit) -> Response:
    found, more = _page(visit, sessions.sessions(visit.database))
    return render(visit, "sessions.html", sessions=found, more=more)


def revoke(visit: Visit) -> Response:
    try:
        api_keys.revoke(visit.database, visit.id, by=visit.admin.actor)
    except InputInvalid:
        raise NotFound(NOTHING) from None
    return back_to("/tokens", done="revoked")


def revoke_of_person(visit: Visit) -> Response:
    try:
        person_tokens.revoke(visit.database, visit.id, by=visit.admin.actor)
    except InputInvalid:
        raise NotFound(NOTHING) from None
    return back_to("/tokens/people", done="revoked")


def end_session(visit: Visit) -> Response:
    if not sessions.end(visit.database, visit.id, actor=visit.admin.actor):
        raise NotFound(NOTHING)
    return back_to("/tokens/sessions", done="ended")


def _page(visit: Visit, found: Sequence[T]) -> tuple[list[T], int | None]:
    """The newest come first. There are hundreds at most, so all are read."""
    rest = [one for one in found if not visit.after or one.id < visit.after]
    return rest[:PAGE_SIZE], rest[PAGE_SIZE - 1].id if len(rest) > PAGE_SIZE else None
