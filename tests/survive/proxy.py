"""A proxy in front of a server, which does to its connections what networks do."""

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

Address = Path | int
"""A unix socket, or a port of 127.0.0.1."""

_HOST = "127.0.0.1"
_NO_LINGER = struct.pack("ii", 1, 0)
"""Close with RST, and forget what was not sent."""


@dataclass(eq=False)
class _Link:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter

    def reset(self) -> None:
        for writer in (self.client, self.server):
            ours: socket.socket = writer.get_extra_info("socket")
            with suppress(OSError):
                ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            writer.transport.abort()


@dataclass
class Proxy:
    """All of it runs in one event loop; faults are set from there (`Background.call`)."""

    target: Address
    listen: Address = 0
    """Port 0: a free one, see `port`."""
    latency_s: float = 0.0
    half_open: bool = False
    """What the server says is swallowed; the connection stays."""
    refusing: bool = False
    cut_after: int | None = None
    """Of what the server says; then the connection is reset, once."""
    links: set[_Link] = field(default_factory=set)
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self._flowing.set()
        if isinstance(self.listen, Path):
            self._server = await asyncio.start_unix_server(self._serve, self.listen)
        else:
            self._server = await asyncio.start_server(self._serve, _HOST, self.listen)

    async def close(self) -> None:
        self.mend()
        self.reset()
        if self._server:
            self._server.close()

    @property
    def port(self) -> int:
        assert self._server
        return int(self._server.sockets[0].getsockname()[1])

    def stall(self) -> None:
        """Nothing gets through, and nothing is lost."""
        self._flowing.clear()

    def reset(self) -> None:
        """RST on every connection there is."""
        for link in list(self.links):
            link.reset()

    def mend(self) -> None:
        """Everything works again. A half-open connection is none: it ends here."""
        was_half_open, self.half_open = self.half_open, False
        self.latency_s, self.refusing, self.cut_after = 0.0, False, None
        self._flowing.set()
        if was_half_open:
            self.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.refusing:
                raise ConnectionRefusedError
            there, back = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, back)
        self.links.add(link)
        pumps = [
            asyncio.create_task(self._pump(reader, back, link, from_server=False)),
            asyncio.create_task(self._pump(there, writer, link, from_server=True)),
        ]
        await asyncio.wait(pumps)
        self.links.discard(link)
        for end in (writer, back):
            end.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(self.target)
        return await asyncio.open_connection(_HOST, self.target)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        link: _Link,
        *,
        from_server: bool,
    ) -> None:
        with suppress(OSError):
            while said := await reader.read(65_536):
                await self._flowing.wait()
                if self.latency_s:
                    await asyncio.sleep(self.latency_s)
                if from_server and self.half_open:
                    continue
                if from_server and self.cut_after is not None:
                    said = self._cut(said, writer, link)
                writer.write(said)
                await writer.drain()
        await self._flowing.wait()
        if writer.can_write_eof():
            with suppress(OSError):
                writer.write_eof()

    def _cut(self, said: bytes, writer: asyncio.StreamWriter, link: _Link) -> bytes:
        assert self.cut_after is not None
        left = self.cut_after - len(said)
        if left > 0:
            self.cut_after = left
            return said
        writer.write(said[: self.cut_after])
        self.cut_after = None
        link.reset()
        return b""
