"""The admin page's server: signs administrators in, and lets each see and do what its role allows.

Every page but the one for signing in needs a session. A form counts only if it comes from this
page: its origin is this server's, and it carries its session's token.
"""

import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workers.admin.api_keys import Unauthorized
from workers.admin.page import (
    access,
    answers,
    jobs,
    overview,
    people,
    pushes,
    records,
    sessions,
    sources,
    tokens,
)
from workers.admin.page.rendering import BASE, back_to, render, render_outside, style
from workers.admin.page.sessions import AdminRole, SignedIn
from workers.admin.page.visits import NOTHING, Visit
from workers.admin.problems import Conflict, NotFound
from workers.database.sessions import Database
from workers.web.last_resort import LastResort

View = Callable[[Visit], Response]
_LARGEST_FORM = 20_000
_FIELDS = 50
_A_YEAR_S = 31_536_000
_POLICY = "; ".join(
    [
        "default-src 'none'",  # no script, from nowhere
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none at all, forms would come without their origin
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def page_app(database: Database) -> ASGIApp:
    """Return the app for `BASE`. It opens no connection before the first request."""
    door = _Door(database)
    routes = [
        Route("/style.css", _style),
        Route("/sign-in", _sign_in_form, methods=["GET"]),
        Route("/sign-in", door.sign_in, methods=["POST"]),
        Route("/sign-out", door.form(door.sign_out, AdminRole.VIEWER), methods=["POST"]),
    ]
    for path, view, role in _pages():
        routes.append(Route(path, door.page(view, role), methods=["GET"]))
    for path, view, role in _forms():
        routes.append(Route(path, door.form(view, role), methods=["POST"]))
    router = Router(routes, redirect_slashes=False)
    answering = ExceptionMiddleware(router, handlers=door.refusals)
    return _WithHeaders(LastResort(answering, answer=_fault_of_ours))


def _pages() -> Iterable[tuple[str, View, AdminRole]]:
    yield "/", overview.show, AdminRole.VIEWER
    yield "/sources", sources.show_all, AdminRole.VIEWER
    yield "/sources/unreadable", sources.show_unreadable, AdminRole.CONTENT
    yield "/pushes", pushes.show_all, AdminRole.VIEWER
    yield "/pushes/{id}", pushes.show, AdminRole.VIEWER
    yield "/jobs", jobs.show_all, AdminRole.VIEWER
    yield "/jobs/{id}", jobs.show, AdminRole.VIEWER
    yield "/answers", answers.show, AdminRole.VIEWER
    yield "/answers/feedback", answers.show_feedback, AdminRole.VIEWER
    yield "/usage", records.show_usage, AdminRole.VIEWER
    yield "/access", access.show, AdminRole.SECURITY
    yield "/access/why", access.why, AdminRole.SECURITY
    yield "/access/who", access.who, AdminRole.SECURITY
    yield "/access/shown", access.shown, AdminRole.SECURITY
    yield "/people", people.show, AdminRole.SECURITY
    yield "/audit", records.show_audit, AdminRole.SECURITY
    yield "/settings", records.show_settings, AdminRole.SECURITY
    yield "/tokens", tokens.show, AdminRole.SECURITY
    yield "/tokens/people", tokens.show_of_people, AdminRole.SECURITY
    yield "/tokens/sessions", tokens.show_sessions, AdminRole.SECURITY


def _forms() -> Iterable[tuple[str, View, AdminRole]]:
    yield "/sources/pause", sources.pause, AdminRole.CONTENT
    yield "/sources/resume", sources.resume, AdminRole.CONTENT
    yield "/pushes/{id}/confirm", pushes.confirm, AdminRole.SECURITY
    yield "/pushes/{id}/drop", pushes.drop, AdminRole.SECURITY
    yield "/pushes/{id}/undo", pushes.undo, AdminRole.SECURITY
    yield "/jobs/{id}/pause", jobs.pause, AdminRole.CONTENT
    yield "/jobs/{id}/resume", jobs.resume, AdminRole.CONTENT
    yield "/jobs/{id}/cancel", jobs.cancel, AdminRole.CONTENT
    yield "/people/link", people.link, AdminRole.SECURITY
    yield "/people/mark", people.mark, AdminRole.SECURITY
    yield "/people/unmark", people.unmark, AdminRole.SECURITY
    yield "/tokens/{id}/revoke", tokens.revoke, AdminRole.SECURITY
    yield "/tokens/people/{id}/revoke", tokens.revoke_of_person, AdminRole.SECURITY
    yield "/tokens/sessions/{id}/end", tokens.end_session, AdminRole.SECURITY


class ForeignForm(Exception):
    """A form that did not come from this page."""


class RoleTooLow(Exception):
    def __init__(self, visit: Visit) -> None:
        super().__init__()
        self.visit = visit


class _Door:
    """Lets requests in: finds their session, checks forms, and answers refusals."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._origin = _origin(database.settings.admin_page_url)
        self._is_secure = self._origin.startswith("https://")
        # with TLS, a browser takes this name only from this host, for its whole site
        self._cookie = "__Host-ken_admin" if self._is_secure else "ken_admin"
        self.refusals: Mapping[Any, Any] = {
            Unauthorized: self._unauthorized,
            RoleTooLow: _role_too_low,
            ForeignForm: _foreign_form,
            NotFound: _not_found,
            Conflict: _conflict,
            HTTPException: _refused,
            OperationalError: _unavailable,
            NoConnection: _unavailable,
        }

    def page(self, view: View, needed: AdminRole) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            return await run_in_threadpool(self._show, request, view, needed)

        return respond

    def form(self, view: View, needed: AdminRole) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            self._require_origin(request)
            admin = await run_in_threadpool(self._signed_in, request)  # before the body is read
            form = await _read_form(request)
            sent = form.get("form_token", "").encode()
            if not hmac.compare_digest(sent, admin.form_token.encode()):
                raise ForeignForm
            visit = _visit(self._database, request, admin, form)
            return await run_in_threadpool(_answer, request, visit, view, needed)

        return respond

    def _show(self, request: Request, view: View, needed: AdminRole) -> Response:
        visit = _visit(self._database, request, self._signed_in(request), {})
        return _answer(request, visit, view, needed)

    def _signed_in(self, request: Request) -> SignedIn:
        return sessions.find(self._database, request.cookies.get(self._cookie, ""))

    async def sign_in(self, request: Request) -> Response:
        """Use a link. A request that only looks at the address, as some mail programs do, does
        not use it.
        """
        self._require_origin(request)
        form = await _read_form(request)
        link = form.get("link", "")
        secret = await run_in_threadpool(sessions.begin, self._database, link)
        answer = back_to("/")
        answer.set_cookie(
            self._cookie,
            secret.get_secret_value(),
            path="/" if self._is_secure else BASE,
            secure=self._is_secure,
            httponly=True,
            samesite="strict",
        )
        return answer

    def sign_out(self, visit: Visit) -> Response:
        sessions.end(self._database, visit.admin.id, actor=visit.admin.actor)
        return back_to("/sign-in")

    def _require_origin(self, request: Request) -> None:
        """Browsers send the origin with each form."""
        host = request.headers.get("host", "")
        wanted = self._origin or f"http://{host}"
        if request.headers.get("origin") != wanted:
            raise ForeignForm

    def _unauthorized(self, request: Request, _error: Exception) -> Response:
        answer = render_outside("sign_in.html", status=401, link="", refused=_is_sign_in(request))
        answer.delete_cookie(
            self._cookie, path="/" if self._is_secure else BASE, secure=self._is_secure
        )
        return answer


def _visit(database: Database, request: Request, admin: SignedIn, form: Mapping[str, str]) -> Visit:
    path = request.scope["path"].removeprefix(BASE)
    return Visit(database, admin, path, request.path_params, dict(request.query_params), form)


def _answer(request: Request, visit: Visit, view: View, needed: AdminRole) -> Response:
    if not visit.admin.role.includes(needed):
        raise RoleTooLow(visit)
    request.state.visit = visit  # for refusals
    return view(visit)


def _sign_in_form(request: Request) -> Response:
    return render_outside("sign_in.html", link=request.query_params.get("link", ""), refused=False)


def _is_sign_in(request: Request) -> bool:
    return request.url.path == f"{BASE}/sign-in"


def _style(_request: Request) -> Response:
    keep = {"Cache-Control": f"public, max-age={_A_YEAR_S}, immutable"}
    return Response(style()[0], media_type="text/css", headers=keep)


def _origin(address: str) -> str:
    where = urlsplit(address)
    return f"{where.scheme}://{where.netloc}" if address else ""


async def _read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; of several with one name the last."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_FORM:
            raise HTTPException(413)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:
        raise HTTPException(422) from None


class _WithHeaders:
    """Puts the headers that guard a page on every answer; no cache stores one, but of the style."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, sending)


# -- refusals -------------------------------------------------------------------------------------


def _refusal(request: Request, status: int, title: str, words: str) -> Response:
    """Answer with the menu where the administrator is known."""
    visit = getattr(request.state, "visit", None)
    if visit is None:
        return render_outside("refused.html", status=status, title=title, words=words)
    return render(visit, "refused.html", status=status, title=title, words=words)


def _role_too_low(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RoleTooLow)
    words = f"Your role, {error.visit.admin.role}, does not include this."
    return render(error.visit, "refused.html", status=403, title="Not allowed", words=words)


def _foreign_form(request: Request, _error: Exception) -> Response:
    words = (
        "This form did not come from this page, or its session has ended. Open the page again and "
        "repeat it there. Behind a proxy, KEN_ADMIN_PAGE_URL must be the address in the browser."
    )
    return _refusal(request, 403, "Nothing was changed", words)


def _not_found(request: Request, _error: Exception) -> Response:
    return _refusal(request, 404, "Not found", NOTHING)


def _conflict(request: Request, error: Exception) -> Response:
    assert isinstance(error, Conflict)
    return _refusal(request, 409, "Nothing was changed", error.detail)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _not_found(request, error)
    return _refusal(request, error.status_code, "Not understood", "Nothing was changed.")


def _unavailable(_request: Request, _error: Exception) -> Response:
    words = (
        "The database does not answer. What you asked for may have been done in part; look before "
        "you repeat it."
    )
    return render_outside("refused.html", status=503, title="Not available", words=words)


def _fault_of_ours(reference: str) -> Response:
    words = (
        "Something went wrong on our side. What you asked for may have been done in part. The "
        f"admin API's log has more under {reference}."
    )
    return render_outside("refused.html", status=500, title="An error of Ken's", words=words)
