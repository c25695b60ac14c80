"""Threat 35: no address in a document, a message or a file makes Ken connect to anything."""

import socket
from collections.abc import Iterator
from threading import Thread

import pytest

from bot.playground.client import Playground
from policies.source import NamedPermissions
from tests.workers.sources.channels import Channels
from workers.ingest.pushed import File, Pushed


class Counter:
    """Listens on this machine, and counts who connects."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.hits = 0
        Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.hits += 1
            connection.close()


@pytest.fixture
def counter() -> Iterator[Counter]:
    found = Counter()
    yield found
    found.socket.close()


def test_no_address_in_what_is_pushed_or_said_is_fetched(
    channels: Channels, slack: Playground, counter: Counter
) -> None:
    """Plain, as a number, with a name, in a picture, a style, an entity, a relation and a file."""
    addresses = [
        f"http://127.0.0.1:{counter.port}/a",
        f"http://2130706433:{counter.port}/a",
        f"http://localhost:{counter.port}/a",
        f"http://user@127.0.0.1:{counter.port}/a",
        f"file://127.0.0.1:{counter.port}/etc/passwd",
    ]
    documents = [
        Pushed(
            id=f"{number}-{kind}",
            permissions=NamedPermissions(allow=("class:members",)),
            title="A page",
            content=content,
            url=address,
        )
        for number, address in enumerate(addresses)
        for kind, content in _with(address).items()
    ]
    answer = channels.pushing.put("wiki", documents, actor="test")
    assert {one.became.value for one in answer.results} == {"created"}

    for address in addresses:
        slack.say("CALL", "UALICE", f"See <{address}> and <{address}|this>.")
    channels.add("CALL")
    channels.crawl()

    assert counter.hits == 0
    connected = socket.create_connection(("127.0.0.1", counter.port))  # the counter does count
    assert connected.recv(1) == b""
    connected.close()
    assert counter.hits == 1


def _with(address: str) -> dict[str, str | File]:
    html = (
        f'<html><head><link rel="stylesheet" href="{address}"><base href="{address}"></head>'
        f'<body background="{address}"><img src="{address}"><iframe src="{address}"></iframe>'
        f'<script src="{address}"></script><p>Words of it.</p></body></html>'
    )
    entity = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{address}">]><a>Words &x; of it.</a>'
    return {
        "markdown": f"![picture]({address})\n\n[link]({address}) and words of it.",
        "html": File("a.html", html.encode()),
        "xml": File("a.html", entity.encode()),
        "svg": File("a.txt", f'<svg><image href="{address}"/></svg> words of it'.encode()),
    }
