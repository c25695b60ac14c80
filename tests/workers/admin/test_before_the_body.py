"""Threat 40: without a token nobody's body is read, and no body is read beyond its limit.

Over real sockets, with the bytes counted that the server took.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
import uvicorn

from tests.workers.admin.calls import Api
from workers.web.limits import LARGEST_BODY, BodyLimit
from workers.web.serving import HeadsInTime

PART = b"x" * 65_536
BUFFERS = 16_000_000
"""What the two kernels may hold of what nobody read."""
ENDLESS = 60_000_000
PLACES = ["/v1/sources/wiki/runs", "/scim/v2/Users", "/scim/v2/.search", "/v1/nowhere"]


@contextmanager
def serving(app: Any, **more: Any) -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="off", **more)
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()


@pytest.fixture
def port(api: Api) -> Iterator[int]:
    with serving(api.app, http=HeadsInTime) as port:
        yield port


def head(path: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def push(port: int, begun: bytes, *, chunked: bool) -> tuple[int, bytes]:
    """Sends without an end, whatever is answered: bytes taken, and the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(begun)
        part = b"10000\r\n" + PART + b"\r\n" if chunked else PART
        sent = 0
        try:
            while sent < ENDLESS:
                connection.sendall(part)
                sent += len(part)
            return sent, connection.recv(200)
        except OSError:
            return sent, b""


def answered(port: int, begun: bytes) -> bytes:
    """What is answered to a head alone, before a byte of the body."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(begun)
        answer = b""
        while b"\r\n\r\n" not in answer and (part := connection.recv(4000)):
            answer += part
        return answer


@pytest.mark.parametrize("length", ["Transfer-Encoding: chunked", "Content-Length: 200000000"])
@pytest.mark.parametrize("path", PLACES)
def test_without_a_token_the_answer_comes_before_the_body(
    port: int, path: str, length: str
) -> None:
    answer = answered(port, head(path, length))
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"connection: close" in answer
    assert b"application/problem+json" in answer or b"application/scim+json" in answer


@pytest.mark.parametrize("path", PLACES[:2])
def test_who_sends_on_is_hung_up_on(port: int, path: str) -> None:
    for begun, chunked in (
        (head(path, "Transfer-Encoding: chunked"), True),
        (head(path, "Content-Length: 200000000"), False),
    ):
        sent, _ = push(port, begun, chunked=chunked)
        assert sent < BUFFERS


@pytest.mark.parametrize("path", PLACES[:3])
def test_with_a_token_no_more_than_the_limit_is_read(api: Api, port: int, path: str) -> None:
    (header,) = api.token().items()
    token = ": ".join(header)
    answer = answered(port, head(path, token, f"Content-Length: {LARGEST_BODY + 1}"))
    assert answer.startswith(b"HTTP/1.1 413")
    sent, _ = push(port, head(path, token, "Transfer-Encoding: chunked"), chunked=True)
    assert sent < LARGEST_BODY + BUFFERS


@pytest.mark.parametrize("path", PLACES[:2])
def test_a_body_that_does_not_come_is_not_waited_for(api: Api, path: str) -> None:
    (header,) = api.token().items()
    impatient = BodyLimit(api.app, patience_s=0.05)
    begun = head(path, ": ".join(header), "Content-Length: 10") + b"{"
    with serving(impatient) as port:
        answer = answered(port, begun)
    assert answer.startswith(b"HTTP/1.1 408")


def test_a_head_that_does_not_come_is_not_waited_for(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HeadsInTime, "patience_s", 0.05)
    with serving(api.app, http=HeadsInTime) as port:
        for begun in (b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"):
            assert answered(port, begun) == b""
        whole = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        assert answered(port, whole).startswith(b"HTTP/1.1 200")
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(whole)
            assert connection.recv(4000).startswith(b"HTTP/1.1 200")
            connection.sendall(whole[:9])  # on the same connection, too
            assert connection.recv(4000) in (b"", b'{"status":"up"}')


def test_a_head_has_a_largest_size(api: Api) -> None:
    with serving(api.app, http=HeadsInTime, h11_max_incomplete_event_size=16_384) as port:
        assert answered(port, b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000).startswith(b"HTTP/1.1 400")
