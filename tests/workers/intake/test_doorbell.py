"""A ring goes to the Redis that the address names, and to no other. `test_queue` has what it says.

The embedded Redis, over its socket and with its password, is rung by most other tests.
"""

import ipaddress
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from workers.errors import SettingsInvalid
from workers.intake import doorbell
from workers.settings import Settings


class Redis(socketserver.ThreadingTCPServer):
    """Takes commands, and replies to each in one line. With a certificate it speaks TLS alone."""

    daemon_threads = True

    def __init__(self, *replies: str, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Commands)
        self.replies = list(replies)
        self.commands: list[list[str]] = []
        self.tls = None
        if certificate is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Commands(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, Redis)
        connection = self.request
        try:
            if server.tls is not None:
                connection = server.tls.wrap_socket(connection, server_side=True)
            stream = connection.makefile("rwb")
            while counted := stream.readline():
                words = [_word(stream) for _ in range(int(counted[1:]))]
                server.commands.append(words)
                stream.write(f"{server.replies.pop(0)}\r\n".encode())
                stream.flush()
        except OSError:
            return  # a client that does not trust us


def _word(stream: BinaryIO) -> str:
    length = int(stream.readline()[1:])
    return stream.read(length + 2)[:-2].decode()


@contextmanager
def serving(*replies: str, certificate: Path | None = None) -> Iterator[Redis]:
    with Redis(*replies, certificate=certificate) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def at(address: str) -> Settings:
    return Settings(home=Path("unused"), redis_url=SecretStr(address))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Signed by itself, for 127.0.0.1; with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "redis.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def test_a_ring_is_one_message_in_the_queue() -> None:
    with serving(":1") as server:
        doorbell.send(at(f"redis://{server.place}"), doorbell.TASK, 5)
    ((command, queue, ring),) = server.commands
    assert (command, queue) == ("LPUSH", doorbell.QUEUE)
    assert json.loads(ring)["headers"]["task"] == doorbell.TASK


@pytest.mark.parametrize(
    ("who", "path", "greetings"),
    [
        (":p%40ss@", "", [["AUTH", "p@ss"]]),
        ("ken:p%40ss@", "/2", [["AUTH", "ken", "p@ss"], ["SELECT", "2"]]),
        ("", "/?db=3", [["SELECT", "3"]]),
        ("", "/", []),
    ],
)
def test_it_says_who_rings_and_where(who: str, path: str, greetings: list[list[str]]) -> None:
    with serving(*["+OK"] * len(greetings), ":7") as server:
        assert doorbell.waiting(at(f"redis://{who}{server.place}{path}")) == 7
    assert server.commands == [*greetings, ["LLEN", doorbell.QUEUE]]


def test_what_redis_refuses_is_an_error_without_its_words() -> None:
    with (
        serving("-NOAUTH canary", ":1") as server,
        pytest.raises(ConnectionError, match="NOAUTH") as refused,
    ):
        doorbell.send(at(f"redis://{server.place}"), doorbell.TASK, 5)
    assert "canary" not in str(refused.value)


def test_a_certificate_is_checked_unless_the_address_says_otherwise(certificate: Path) -> None:
    for options, works in (
        (f"ssl_cert_reqs=required&ssl_ca_certs={certificate}", True),
        ("ssl_cert_reqs=none", True),
        ("ssl_cert_reqs=required", False),
        ("", False),
    ):
        with serving(":4", certificate=certificate) as server:
            settings = at(f"rediss://{server.place}?{options}")
            if works:
                assert doorbell.waiting(settings) == 4
            else:
                with pytest.raises(ssl.SSLCertVerificationError):
                    doorbell.waiting(settings)
                assert server.commands == []


def test_a_certificate_of_another_host_is_refused(certificate: Path) -> None:
    with serving(":4", certificate=certificate) as server:
        place = server.place.replace("127.0.0.1", "localhost")
        with pytest.raises(ssl.SSLCertVerificationError):
            doorbell.waiting(at(f"rediss://{place}?ssl_ca_certs={certificate}"))
    assert server.commands == []


@pytest.mark.parametrize("address", ["nonsense", "http://127.0.0.1:1", "redis://host:port"])
def test_an_address_that_is_none_of_redis_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"address|[Pp]ort"):
        doorbell.send(at(address), doorbell.TASK, 5)


def test_without_an_address_nobody_is_rung() -> None:
    with pytest.raises(SettingsInvalid, match="KEN_REDIS_URL"):
        doorbell.send(at(""), doorbell.TASK, 5)
