"""Limits on what a request may send, before anything of it is read."""

import asyncio

from fastapi.exceptions import HTTPException
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 10_000_000
_PATIENCE_S = 60.0
"""Seconds for a whole body, from the first read."""
_LEFT_UNREAD = 65_536
"""Bytes that may still follow an answer; with more to come, the connection is closed."""


class BodyLimit:
    """Limits a body to `LARGEST_BODY` bytes, whatever its header says, and to `patience_s` seconds.

    The connection is closed if an answer was sent before the whole body had arrived. Below a path
    of `own_limit`, whose bodies are smaller, the app refuses what is declared too large. `larger`
    are the ends of paths whose bodies may be larger, and how large.
    """

    def __init__(
        self,
        app: ASGIApp,
        patience_s: float = _PATIENCE_S,
        own_limit: str = "/scim/",
        larger: tuple[tuple[str, ...], int] = ((), LARGEST_BODY),
    ) -> None:
        self.app = app
        self.patience_s = patience_s
        self.own_limit = own_limit
        self.larger_paths, self.larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        read, more, until = 0, True, 0.0
        is_larger = scope["path"].endswith(self.larger_paths)
        largest = self.larger if is_larger else LARGEST_BODY
        has_own_limit = bool(self.own_limit) and scope["path"].startswith(self.own_limit)

        async def counting() -> Message:
            nonlocal read, more, until
            if not has_own_limit and declared_length(scope) > largest:
                raise HTTPException(413)
            if not more:
                return await receive()
            now = asyncio.get_running_loop().time()
            until = until or now + self.patience_s
            try:
                message = await asyncio.wait_for(receive(), until - now)
            except TimeoutError:
                raise HTTPException(408) from None
            more = bool(message.get("more_body"))
            read += len(message.get("body", b""))
            if read > largest:
                raise HTTPException(413)
            return message

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and more and _may_send_much(scope, read):
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self.app(scope, counting, sending)


def declared_length(scope: Scope) -> int:
    """Return the declared length of the body in bytes, or 0 without a header."""
    for name, value in scope.get("headers", ()):
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0


def _may_send_much(scope: Scope, read: int) -> bool:
    is_chunked = any(name == b"transfer-encoding" for name, _ in scope.get("headers", ()))
    return is_chunked or declared_length(scope) - read > _LEFT_UNREAD


async def uncached(send: Send, message: Message) -> None:
    """Forbid caches to store an answer, which is for one caller only."""
    if message["type"] == "http.response.start":
        MutableHeaders(scope=message)["Cache-Control"] = "no-store"
    await send(message)


def authorization(scope: Scope) -> str | None:
    """Return the only `Authorization` header, or None if there is none or several."""
    found = [value for name, value in scope["headers"] if name == b"authorization"]
    return found[0].decode("latin-1") if len(found) == 1 else None
