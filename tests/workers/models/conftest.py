"""Servers of models, for as long as a test."""

from collections.abc import Callable, Iterator

import pytest

from tests.workers.models.servers import Kind, Server


@pytest.fixture
def serve() -> Iterator[Callable[[Kind], Server]]:
    running: list[Server] = []

    def start(kind: Kind) -> Server:
        running.append(Server(kind))
        return running[-1]

    yield start
    for server in running:
        server.close()
