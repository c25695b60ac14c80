"""No test reaches another machine."""

import socket
from contextlib import suppress
from pathlib import Path

import pytest

ELSEWHERE = "a test connects to"


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "slack.com"])
def test_a_connection_to_another_machine_fails_where_errors_are_caught(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.socket(family) as client,
        pytest.raises(pytest.fail.Exception, match=ELSEWHERE),
        suppress(Exception),
    ):
        client.connect((host, 443))


def test_this_machine_is_reached_by_each_of_its_names(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        for host in ("127.0.0.1", "localhost"):
            with socket.socket() as client:
                client.connect((host, server.getsockname()[1]))
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "door"))
        server.listen()
        client.connect(str(tmp_path / "door"))
