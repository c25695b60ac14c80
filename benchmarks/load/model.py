"""A language model that takes a fixed time, and quotes a sentence of what it is given.

    python -m benchmarks.load.model PORT

POST /v1/responses as OpenAI's; POST /pace sets the time; GET /served lists when each was asked and
answered.
"""

import asyncio
import json
import re
import sys
import time
from typing import Any

from aiohttp import web

_FIRST = re.compile(r"\[1\] .*\n((?s:.*?))(?:\n\n\[2\] |\n\nQuestion: )")
_MOST_WORDS, _LEAST_WORDS = 20, 5


class PacedModel:
    def __init__(self) -> None:
        self.delay_s = 0.0
        self.served: list[tuple[float, float]] = []
        """By the clock on the wall."""

    async def respond(self, request: web.Request) -> web.Response:
        asked_at, due = time.time(), time.monotonic() + self.delay_s
        body = response(quote((await request.json())["input"]))
        await asyncio.sleep(due - time.monotonic())
        self.served.append((asked_at, time.time()))
        return web.json_response(body)

    async def pace(self, request: web.Request) -> web.Response:
        self.delay_s = float((await request.json())["delay_s"])
        self.served.clear()
        return web.json_response({})

    async def tell(self, _: web.Request) -> web.Response:
        return web.json_response(self.served)


def quote(prompt: str) -> str:
    """Some words of the first passage, as they stand there."""
    found = _FIRST.search(prompt)
    lines = [line.split() for line in found[1].splitlines()] if found else []
    long = [words for words in lines if len(words) >= _LEAST_WORDS]
    return " ".join((long or lines or [[]])[0][:_MOST_WORDS])


def response(quoted: str) -> dict[str, Any]:
    """https://platform.openai.com/docs/api-reference/responses/object"""
    draft = {"sentences": [{"text": quoted, "passage": 1, "quote": quoted}]}
    part = {"type": "output_text", "text": json.dumps(draft), "annotations": []}
    message = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant"}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "paced",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "output": [{**message, "content": [part]}],
    }


def main(port: int) -> None:
    model = PacedModel()
    app = web.Application()
    app.router.add_post("/v1/responses", model.respond)
    app.router.add_post("/pace", model.pace)
    app.router.add_get("/served", model.tell)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
