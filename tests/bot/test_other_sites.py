"""Pages of other sites cannot read or change the playground on a person's machine."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from bot.playground import building
from bot.playground.client import Playground
from bot.playground.pages import Page
from bot.playground.server import running
from bot.playground.workspace import read_workspace
from tests.bot.slack_world import WORLD

CANARY = "canary-4711"
ORDER = json.dumps({"channel": "general", "user": "alice", "text": CANARY}).encode()
POSTS = {"token": "xoxb-playground", "channel": "CGENERAL", "text": CANARY}
"""The token of every playground."""
BY_GET = f"/api/chat.postMessage?{urlencode(POSTS)}"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A playground with a bundle, and secret files next to it."""
    bundle = building.bundle(tmp_path)
    (bundle / "assets" / "deeper").mkdir(parents=True)
    (bundle / "assets" / "app.js").write_text("'the app'")
    (bundle / "assets" / "deeper" / "more.js").write_text(CANARY)
    (bundle / "index.html").write_text("<p>the page</p>")
    for place in (bundle, bundle.parent, tmp_path):
        (place / "secret.txt").write_text(CANARY)
    return tmp_path


@pytest.fixture
def playground(data_dir: Path) -> Iterator[Playground]:
    with running(read_workspace(WORLD), page=Page(data_dir=data_dir)) as url:
        yield Playground(url)


def ask(
    playground: Playground,
    path: str,
    headers: dict[str, str] | None = None,
    *,
    verb: str = "GET",
    body: bytes = b"",
) -> tuple[int, str]:
    """Send a request with exactly this path."""
    connection = http.client.HTTPConnection(playground.url.removeprefix("http://"), timeout=60)
    connection.putrequest(verb, path, skip_host="Host" in (headers or {}))
    for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def said(playground: Playground) -> list[str]:
    return [message.text for message in playground.messages("general")]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something-new"])
@pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket", "navigate"])
def test_an_image_a_script_and_a_link_of_another_site_change_nothing(
    playground: Playground, site: str, mode: str
) -> None:
    """`same-site` is another port of this machine."""
    for kind in ("image", "script", "document", "iframe"):
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": kind}
        assert ask(playground, BY_GET, headers)[0] == 403
        assert ask(playground, "/_page/seen?user=alice", headers)[0] == 403
        assert ask(playground, "/api/auth.revoke?token=xoxb-playground", headers)[0] == 403
    assert said(playground) == []


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "same-origin"}])
def test_the_bot_and_our_own_page_are_allowed(
    playground: Playground, headers: dict[str, str]
) -> None:
    assert ask(playground, BY_GET, headers)[0] == 200
    assert said(playground) == [CANARY]
    assert ask(playground, "/_double/say", headers, verb="POST", body=ORDER)[0] == 200


def test_a_link_leads_to_the_page_and_a_frame_does_not(playground: Playground) -> None:
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert ask(playground, "/", {**visit, "Sec-Fetch-Dest": "document"}) == (200, "<p>the page</p>")
    assert ask(playground, "/", {**visit, "Sec-Fetch-Dest": "iframe"})[0] == 403
    approve = "/oauth/v2/authorize?client_id=1.2&redirect_uri=http://127.0.0.1:1/&state=1"
    assert ask(playground, approve, {**visit, "Sec-Fetch-Dest": "document"})[0] == 302
    assert ask(playground, approve, {**visit, "Sec-Fetch-Dest": "iframe"})[0] == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", ""])
def test_a_form_of_another_site_changes_nothing(
    playground: Playground, kind: str, origin: str
) -> None:
    headers = {"Content-Type": kind, "Origin": origin}
    for path in ("/_double/say", "/api/chat.postMessage", "/response/1"):
        assert ask(playground, path, headers, verb="POST", body=ORDER)[0] == 403
    assert said(playground) == []


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost@evil.example",
        "127.0.0.1:80@evil.example",
        "127.0.0.2",
        "0.0.0.0",
        "",
    ],
)
def test_a_name_that_was_rebound_to_this_machine_is_refused(
    playground: Playground, host: str
) -> None:
    near = {"Host": host, "Sec-Fetch-Site": "same-origin"}
    for path in ("/", "/_page/seen?user=alice", "/_page/person?user=alice", BY_GET):
        assert ask(playground, path, near)[0] == 403
    assert said(playground) == []


def test_a_socket_of_another_site_is_refused_and_a_ticket_is_no_use_to_it(
    playground: Playground,
) -> None:
    opened = ask(playground, "/api/apps.connections.open?token=xapp-playground")[1]
    path = "/link?" + json.loads(opened)["url"].partition("?")[2]
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    for foreign in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert ask(playground, path, {**upgrade, **foreign})[0] == 403
    assert ask(playground, "/link?ticket=guessed", upgrade)[0] == 401


@pytest.mark.parametrize(
    "path",
    [
        "..",
        ".",
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "%2e%2e%2fsecret.txt",
        "..%5csecret.txt",
        "..%252fsecret.txt",
        "../../secret.txt",
        "../../../secret.txt",
        "..%2f..%2f..%2fsecret.txt",
        "deeper/more.js",
        "deeper%2fmore.js",
        "deeper",
        "app.js%00",
        "%2fetc%2fpasswd",
        "",
    ],
)
def test_only_what_lies_among_the_assets_is_served(playground: Playground, path: str) -> None:
    assert ask(playground, "/assets/app.js") == (200, "'the app'")
    status, body = ask(playground, f"/assets/{path}")
    assert status == 404
    assert CANARY not in body
