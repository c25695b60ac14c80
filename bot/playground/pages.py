"""Serves the playground's web page and its data: `/`, `/assets/` and `/_page/`.

It is for one person at this machine: requests from other sites are refused.
"""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.playground import building
from bot.playground.control.order import InvalidOrder, user_named
from bot.playground.control.views_of_people import is_open_to, same_questions, seen_by
from bot.playground.double import Double
from bot.playground.workspace import Json
from workers.interface import OperatorError, Settings, load_settings
from workers.panel import channel_panel, person_panel

POLICY = "; ".join(
    [
        "default-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # slack-blocks-to-jsx writes style attributes
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_NAMES = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", re.IGNORECASE)
_SAME_ORIGIN = frozenset({"same-origin", "none"})
_LINKABLE = frozenset({"/", "/oauth/v2/authorize"})
_OTHER_SITE = "Requests from other sites are refused."
_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_NOT_BUILT = """<!doctype html><html lang="en"><title>Ken's playground</title>
<style>body{font:16px/1.5 sans-serif;max-width:40em;margin:4em auto;padding:0 1em}</style>
<h1>The page is not built</h1>
<p>The playground itself runs: the bot is connected to it, and <code>ken ask</code> works.</p>
<p>To build it, run <code>make demo</code> on a machine that can reach a package registry.</p>
"""
_NO_HOME = "This playground runs without a Ken home, so it cannot show documents and groups."


@dataclass(frozen=True, slots=True)
class Page:
    """Sources of the page. Without settings, its panel shows no permissions."""

    data_dir: Path | None = None
    """Where the bundle is looked up at each request: it may be built, or rebuilt, later."""
    settings: Settings | None = None
    tour: Path | None = None
    """Questions to try (JSON), as in examples/company/demo.json."""


def page_of(workspace: Path) -> Page:
    """Return the page with the bundle and settings of KEN_HOME; without it, neither."""
    tour = workspace.with_name("demo.json")
    if not os.environ.get("KEN_HOME"):
        return Page(tour=tour)
    settings = load_settings()
    return Page(data_dir=settings.home, settings=settings, tour=tour)


def add_page(app: web.Application, double: Double, page: Page) -> None:
    get = app.router.add_get
    get("/", _index(page))
    get(r"/assets/{name:[\w.-]+}", _asset(page))
    get("/_page/seen", _json_endpoint(lambda query: seen_by(double, query.get("user", ""))))
    get("/_page/same", _json_endpoint(lambda _query: same_questions(double)))
    get("/_page/tour", _json_endpoint(lambda _query: _tour(page)))
    get("/_page/person", _panel(double, page, _of_person))
    get("/_page/channel", _panel(double, page, _of_channel))
    app.middlewares.append(only_this_machine)
    app.on_response_prepare.append(_with_headers)


@web.middleware
async def only_this_machine(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse a site that rebound its name to this machine, and any request from another site.

    For a POST or a socket, the browser sends the page's origin; for an image, a script or a GET
    form, it sends Sec-Fetch-Site. GET matters too: the Web API accepts changes by GET, and its
    token is public. Another port of this machine counts as another site.
    """
    if not _NAMES.fullmatch(request.host):
        return web.json_response(
            {"error": "Open the playground at 127.0.0.1 or localhost."}, status=403
        )
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        return web.json_response({"error": _OTHER_SITE}, status=403)
    if request.headers.get("Sec-Fetch-Site", "none") not in _SAME_ORIGIN and not _is_visit(request):
        return web.json_response({"error": _OTHER_SITE}, status=403)
    return await handler(request)


def _is_visit(request: web.Request) -> bool:
    """Return whether the browser opens the page, or OAuth's approval, from a link."""
    mode, kind = (request.headers.get(f"Sec-Fetch-{name}") for name in ("Mode", "Dest"))
    return (mode, kind) == ("navigate", "document") and request.path in _LINKABLE


async def _with_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


def _index(page: Page) -> Any:
    async def respond(_: web.Request) -> web.Response:
        is_built = page.data_dir is not None and building.is_built(page.data_dir)
        text = (_bundle(page) / "index.html").read_text() if is_built else _NOT_BUILT
        return web.Response(
            text=text, content_type="text/html", headers={"Cache-Control": "no-store"}
        )

    return respond


def _asset(page: Page) -> Any:
    async def respond(request: web.Request) -> web.Response:
        path = _bundle(page) / "assets" / request.match_info["name"]
        if not path.is_file():
            raise web.HTTPNotFound
        kind = _KINDS.get(path.suffix, "application/octet-stream")
        return web.Response(body=path.read_bytes(), content_type=kind, charset="utf-8")

    return respond


def _bundle(page: Page) -> Path:
    return building.bundle(page.data_dir) if page.data_dir else Path("/nowhere")


def _json_endpoint(look: Callable[[Json], Json]) -> Any:
    async def respond(request: web.Request) -> web.Response:
        try:
            return web.json_response(look(dict(request.query)))
        except InvalidOrder as error:
            return web.json_response({"error": str(error)}, status=400)

    return respond


def _tour(page: Page) -> Json:
    if page.tour is None or not page.tour.is_file():
        return {"askers": [], "question": "", "more": []}
    tour = json.loads(page.tour.read_text(encoding="utf-8"))
    return {"askers": tour["askers"], "question": tour["question"], "more": tour["more"]}


def _panel(
    double: Double, page: Page, look: Callable[[Double, Settings, Json], Callable[[], Json]]
) -> Any:
    async def respond(request: web.Request) -> web.Response:
        if page.settings is None:
            return web.json_response({"error": _NO_HOME}, status=404)
        try:
            work = look(double, page.settings, dict(request.query))
            return web.json_response(await asyncio.to_thread(work))
        except InvalidOrder as error:
            return web.json_response({"error": str(error)}, status=400)
        except OperatorError as error:
            return web.json_response({"error": str(error)}, status=503)

    return respond


def _of_person(double: Double, settings: Settings, query: Json) -> Callable[[], Json]:
    user = user_named(double, query.get("user", ""))
    team = double.workspace.users[user].team_id
    return lambda: person_panel(settings, team, user)


def _of_channel(double: Double, settings: Settings, query: Json) -> Callable[[], Json]:
    """Return the panel of a channel that the acting person can open."""
    user = user_named(double, query.get("user", ""))
    channel = double.workspace.channels.get(query.get("channel", ""))
    if channel is None or not is_open_to(double.workspace, channel, user):
        raise InvalidOrder("no such channel, or this person cannot open it")
    return lambda: channel_panel(settings, channel.id)
