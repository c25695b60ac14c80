"""A language model's server (POST /v1/responses) that quotes what it is shown, or misbehaves.

As a model it is malicious: for every other question it repeats every passage of the prompt, so
that whatever was wrongly retrieved gets out.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from aiohttp import web

from tests.survive.checker import Told

Mode = Literal[
    "rate_limit", "error", "stall", "drip", "cut", "invalid_json", "refusal", "empty",
    "wrong_citation", "garbage", "unfinished",
]  # fmt: skip
MODES: tuple[Mode, ...] = get_args(Mode)

_PASSAGE = re.compile(r"^\[(\d+)\] .*\n((?:(?!^\[\d+\] ).*\n?)*)", re.MULTILINE)
_ASKED = re.compile(r"What is the (\w+) limit of Acme\? \(no\. (\d+)\)")


@dataclass
class Model:
    mode: Mode | None = None
    slow_s: float = 0.0
    told: list[Told] = field(default_factory=list)
    _mended: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application(client_max_size=10_000_000)
        app.router.add_post("/v1/responses", self._respond)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()

    async def close(self) -> None:
        self.mend()
        if self._runner:
            await self._runner.cleanup()

    @property
    def port(self) -> int:
        assert self._runner
        return int(self._runner.addresses[0][1])

    def misbehave(self, mode: Mode) -> None:
        self._mended.clear()
        self.mode = mode

    def mend(self) -> None:
        """As it should be; what waits for an answer gets it now."""
        self.mode, self.slow_s = None, 0.0
        self._mended.set()

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        shown = str(body["input"])
        if found := _ASKED.search(shown):
            self.told.append(Told(int(found[2]), json.dumps(body)))
        right = _said(json.dumps({"sentences": list(_sentences(shown))}))
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        match self.mode:
            case None:
                return web.json_response(right)
            case "stall":
                await self._mended.wait()
                return web.json_response(right)
            case "rate_limit":
                return _error(429, "rate_limit_exceeded", {"Retry-After": "1"})
            case "error":
                return _error(500, "server_error", {})
            case "drip" | "cut":
                return await self._in_pieces(request, json.dumps(right).encode())
            case wrong:
                return _wrong(wrong, right)

    async def _in_pieces(self, request: web.Request, raw: bytes) -> web.StreamResponse:
        """Drop by drop, or half of it and then the end of the connection."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.content_length = len(raw)
        await response.prepare(request)
        if self.mode == "cut":
            await response.write(raw[: len(raw) // 2])
            if request.transport:
                request.transport.abort()
            return response
        for at in range(0, len(raw), 64):
            await response.write(raw[at : at + 64])
            await asyncio.sleep(0.05)
        return response


def _wrong(mode: Mode, right: dict[str, Any]) -> web.Response:
    refused = {"type": "refusal", "refusal": "I cannot help with that."}
    uncited = {"text": "The limit is nine hundred.", "passage": 99, "quote": "nine hundred a year"}
    bodies: dict[str, Any] = {
        "refusal": _message(refused),
        "empty": _said(""),
        "wrong_citation": _said(json.dumps({"sentences": [uncited]})),
        "garbage": _said(json.dumps({"answers": [1, 2]})),
        "unfinished": {
            **right,
            "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"},
        },
    }
    if mode == "invalid_json":
        return web.Response(text='{"output": [', content_type="application/json")
    return web.json_response(bodies[mode])


def _sentences(shown: str) -> Iterator[dict[str, Any]]:
    """For questions of an even number every passage, else the one that answers it, if any."""
    asked = _ASKED.search(shown)
    for number, text in _PASSAGE.findall(shown.partition("\n\nQuestion: ")[0]):
        quote = text.strip()
        wanted = asked and (int(asked[2]) % 2 == 0 or f"The {asked[1]} limit" in quote)
        if wanted:
            yield {"text": quote, "passage": int(number), "quote": quote}


def _said(text: str) -> dict[str, Any]:
    return _message({"type": "output_text", "text": text, "annotations": []})


def _message(*content: dict[str, Any]) -> dict[str, Any]:
    """https://platform.openai.com/docs/api-reference/responses/object"""
    told = {
        "type": "message",
        "id": "msg_1",
        "status": "completed",
        "role": "assistant",
        "content": list(content),
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": "double",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "output": [told],
    }


def _error(status: int, code: str, headers: dict[str, str]) -> web.Response:
    body = {"error": {"message": "no", "type": code, "code": code, "param": None}}
    return web.json_response(body, status=status, headers=headers)
