"""HTTP server of the double: /api/ for the bot, /link for Socket Mode, /_double/ for the rest.

It listens on 127.0.0.1 only.
"""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

from aiohttp import BasicAuth, web

from bot.playground.control.endpoints import add_control
from bot.playground.control.faults import Fault
from bot.playground.double import Access, Double
from bot.playground.events.responses import add_responses
from bot.playground.pages import Page, add_page
from bot.playground.workspace import Json, Workspace

HOST = "127.0.0.1"

_LARGEST_REQUEST = 10_000_000


class _Dropped(Exception):
    """A fault closes the connection without an answer."""


def create_server(double: Double, page: Page | None = None) -> web.Application:
    app = web.Application(client_max_size=_LARGEST_REQUEST)
    for verb in ("GET", "POST"):
        app.router.add_route(verb, "/api/{method}", _api(double))
    app.router.add_get("/link", _link(double))
    app.router.add_get("/oauth/v2/authorize", _approve(double))
    add_responses(app, double)
    add_control(app, double)
    add_page(app, double, page or Page())

    async def close(_: web.Application) -> None:
        double.wake()  # else the page's waiting request would hold up the stop
        await double.delivery.close()
        double.save()

    app.on_shutdown.append(close)
    return app


@contextmanager
def running(
    workspace: Workspace, access: Access | None = None, *, port: int = 0, page: Page | None = None
) -> Iterator[str]:
    """Run the double in a thread, for tests; yields its address, `http://127.0.0.1:PORT`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="playground")
    thread.start()

    async def start() -> tuple[web.AppRunner, int]:
        runner = web.AppRunner(
            create_server(Double(workspace, access or Access()), page), shutdown_timeout=1
        )
        await runner.setup()
        await web.TCPSite(runner, HOST, port).start()
        return runner, runner.addresses[0][1]

    runner, bound = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield f"http://{HOST}:{bound}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _api(double: Double) -> Handler:
    async def respond(request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        token, arguments = await _read(request)
        call: Json = {
            "method": name,
            "token": double.owner(token),
            "arguments": arguments,
            "http_method": request.method,
        }
        double.calls.append(call)
        try:
            response = await _answer(double, name, token, arguments)
        except _Dropped:
            call |= {"status": 0, "response": None}
            double.changed()
            if request.transport:
                request.transport.abort()
            return web.Response()
        if name == "apps.connections.open":
            _open_door(double, response[1], request.host)
        call |= {"status": response[0], "response": response[1]}
        double.changed()
        return web.json_response(response[1], status=response[0], headers=response[2])

    return respond


Answered = tuple[int, Json, dict[str, str]]


async def _answer(double: Double, name: str, token: str, arguments: Json) -> Answered:
    fault = double.faults.of_call(name)
    if fault and fault.kind == "delay":
        await asyncio.sleep(fault.seconds)
    elif fault and fault.kind == "drop_after":
        double.call(name, token, arguments)
        raise _Dropped
    elif fault and fault.kind == "stream_expired":
        double.end_stream(arguments)
    elif fault:
        return _faulty(fault)
    if double.faults.over_limit(name, str(arguments.get("channel"))):
        return _faulty(Fault(kind="ratelimited", retry_after=30))
    return 200, double.call(name, token, arguments), _scopes(double, token)


def _scopes(double: Double, token: str) -> dict[str, str]:
    known = double.tokens.of(token)
    return {"x-oauth-scopes": ",".join(known.scopes)} if known else {}


def _faulty(fault: Fault) -> Answered:
    if fault.kind == "ratelimited":
        headers = {"Retry-After": str(fault.retry_after)}
        return 429, {"ok": False, "error": "ratelimited"}, headers
    if fault.kind == "error":
        return 200, {"ok": False, "error": fault.error}, {}
    if fault.kind == "http":
        return fault.status, {"ok": False, "error": "internal_error"}, {}
    raise _Dropped


def _open_door(double: Double, answer: Json, host: str) -> None:
    if "url" in answer:
        ticket = str(answer["url"])
        double.tickets.add(ticket)
        answer["url"] = f"ws://{host}/link?ticket={ticket}"


async def _read(request: web.Request) -> tuple[str, Json]:
    """Return the token and the arguments, from the query, a form or a JSON body."""
    arguments: Json = dict(request.query)
    if request.content_type == "application/json":
        arguments |= _object(await request.text())
    else:
        arguments |= {name: str(value) for name, value in (await request.post()).items()}
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Basic":
        client = BasicAuth.decode(request.headers["Authorization"])
        arguments |= {"client_id": client.login, "client_secret": client.password}
    in_body = str(arguments.pop("token", ""))
    return (token if scheme == "Bearer" else in_body), arguments


def _object(raw: str) -> Json:
    try:
        body = json.loads(raw or "{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _link(double: Double) -> Handler:
    async def respond(request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in double.tickets:
            return web.Response(status=401)
        double.tickets.remove(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await double.delivery.serve_socket(socket)
        return socket

    return respond


def _approve(double: Double) -> Handler:
    """OAuth's approval page. Slack would ask a person here; the double approves at once."""

    async def respond(request: web.Request) -> web.StreamResponse:
        query = request.query
        if query.get("client_id") != double.access.client_id or "redirect_uri" not in query:
            return web.Response(status=400, text="invalid_client_id or redirect_uri")
        code = double.tokens.new_code(tuple(filter(None, query.get("scope", "").split(","))))
        back = {"code": code, "state": query.get("state", "")}
        raise web.HTTPFound(f"{query['redirect_uri']}?{urlencode(back)}")

    return respond
