"""The proxy does to a connection what it says, and after that lets everything through again."""

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.survive.proxy import Proxy

WAIT_S = 5


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while said := await reader.read(1000):
        writer.write(said)
    writer.close()


@asynccontextmanager
async def between() -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    proxy = Proxy(server.sockets[0].getsockname()[1])
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()
        server.close()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def of(cls, proxy: Proxy) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port))

    async def say(self, words: bytes) -> bytes:
        self.writer.write(words)
        return await asyncio.wait_for(self.reader.readexactly(len(words)), WAIT_S)

    async def hears_nothing(self, words: bytes) -> bool:
        self.writer.write(words)
        done, _ = await asyncio.wait([asyncio.ensure_future(self.reader.read(1000))], timeout=0.2)
        return not done


def played(scene: Callable[[Proxy], Awaitable[None]]) -> None:
    async def play() -> None:
        async with between() as proxy:
            await scene(proxy)

    asyncio.run(play())


def test_what_is_said_gets_through_both_ways() -> None:
    async def scene(proxy: Proxy) -> None:
        client = await Client.of(proxy)
        assert await client.say(b"hello") == b"hello"
        client.writer.write_eof()
        assert await asyncio.wait_for(client.reader.read(), WAIT_S) == b""

    played(scene)


def test_a_stall_holds_everything_and_loses_nothing() -> None:
    async def scene(proxy: Proxy) -> None:
        client = await Client.of(proxy)
        await client.say(b"before")
        proxy.stall()
        client.writer.write(b"held")
        hears = asyncio.ensure_future(client.reader.readexactly(4))
        done, _ = await asyncio.wait([hears], timeout=0.2)
        assert not done
        proxy.mend()
        assert await asyncio.wait_for(hears, WAIT_S) == b"held"

    played(scene)


def test_a_reset_is_one() -> None:
    async def scene(proxy: Proxy) -> None:
        client = await Client.of(proxy)
        await client.say(b"before")
        proxy.reset()
        with pytest.raises(ConnectionResetError) as error:
            await asyncio.wait_for(client.reader.read(), WAIT_S)
        assert error.value.errno == errno.ECONNRESET
        assert await (await Client.of(proxy)).say(b"after") == b"after"

    played(scene)


def test_half_open_swallows_answers_and_ends_the_connection_when_it_is_over() -> None:
    async def scene(proxy: Proxy) -> None:
        client = await Client.of(proxy)
        await client.say(b"before")
        proxy.half_open = True
        assert await client.hears_nothing(b"into the dark")
        proxy.mend()
        assert await (await Client.of(proxy)).say(b"after") == b"after"
        assert not proxy.links or len(proxy.links) == 1

    played(scene)


def test_a_refused_connection_ends_and_the_next_is_served_when_it_is_over() -> None:
    async def scene(proxy: Proxy) -> None:
        proxy.refusing = True
        refused = await Client.of(proxy)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await refused.say(b"hello")
        proxy.mend()
        assert await (await Client.of(proxy)).say(b"hello") == b"hello"

    played(scene)


def test_a_cut_lets_so_many_bytes_through() -> None:
    async def scene(proxy: Proxy) -> None:
        client = await Client.of(proxy)
        await client.say(b"before")
        proxy.cut_after = 7
        assert await client.say(b"12345") == b"12345"
        client.writer.write(b"6789")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await asyncio.wait_for(client.reader.readexactly(4), WAIT_S)
        assert await (await Client.of(proxy)).say(b"after") == b"after"

    played(scene)


def test_latency_is_added_to_each_way() -> None:
    async def scene(proxy: Proxy) -> None:
        client = await Client.of(proxy)
        await client.say(b"before")
        proxy.latency_s = 0.05
        clock = asyncio.get_running_loop().time
        start = clock()
        assert await client.say(b"slow") == b"slow"
        assert clock() - start >= 2 * proxy.latency_s

    played(scene)


def test_unix_sockets_are_served_too(tmp_path: Path) -> None:
    async def play() -> None:
        server = await asyncio.start_unix_server(echo, tmp_path / "server")
        proxy = Proxy(tmp_path / "server", tmp_path / "proxy")
        await proxy.start()
        client = Client(*await asyncio.open_unix_connection(tmp_path / "proxy"))
        assert await client.say(b"hello") == b"hello"
        await proxy.close()
        server.close()

    asyncio.run(play())


def test_without_a_server_behind_it_a_connection_ends(tmp_path: Path) -> None:
    async def play() -> None:
        proxy = Proxy(tmp_path / "nobody")
        await proxy.start()
        client = await Client.of(proxy)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await client.say(b"hello")
        await proxy.close()

    asyncio.run(play())
