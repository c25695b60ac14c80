"""A server with OpenAI's embeddings API, as its reference describes it, that can misbehave.

https://platform.openai.com/docs/api-reference/embeddings: `input` is a text or a list of them, each
answer names its text by `index`, `dimensions` shortens the vectors of newer models, and `usage`
counts the tokens.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.workers.library import WordEmbedder

Json = dict[str, Any]
Reply = tuple[int, Json | bytes, dict[str, str]]


class VectorServer:
    """Bags of words as vectors; keeps what it was asked."""

    model = "text-embedding-3-small"

    def __init__(self) -> None:
        self.words = WordEmbedder()
        self.asked: list[Json] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.next: list[Callable[[Json], Reply]] = []
        """What it does with the next requests, one each; then it answers again."""
        self.always: Callable[[Json], Reply] | None = None
        self.turn = 0
        """Which of several models stands behind the name."""
        self.most_texts = 2048
        self.url = ""

    def answer(self, body: Json) -> Reply:
        if body["model"] != self.model:
            return error(404, f"The model `{body['model']}` does not exist", "model_not_found")
        texts = body["input"]
        if isinstance(texts, str):
            texts = [texts]
        if not texts or "" in texts:
            return error(400, "'$.input' is invalid")
        if len(texts) > self.most_texts:
            return error(400, "This model's maximum context length is 8192 tokens")
        data = [
            {"object": "embedding", "index": at, "embedding": self.vector(one, body)}
            for at, one in enumerate(texts)
        ]
        tokens = sum(len(one.split()) for one in texts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return 200, {"object": "list", "data": data, "model": self.model, "usage": usage}, {}

    def vector(self, text: str, body: Json) -> list[float]:
        found = self.words.embed_one(text)
        turned = [*found[self.turn :], *found[: self.turn]]
        return [float(one) for one in turned[: body.get("dimensions", len(turned))]]


def error(status: int, message: str, code: str = "", **headers: str) -> Reply:
    shown = {"message": message, "type": "invalid_request_error", "code": code or None}
    return status, {"error": shown}, {name.replace("_", "-"): one for name, one in headers.items()}


@contextmanager
def serving(server: VectorServer) -> Iterator[VectorServer]:
    class Speaks(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append(body)
            server.paths.append(self.path)
            server.headers.append({k.casefold(): v for k, v in self.headers.items()})
            act = server.next.pop(0) if server.next else server.always or server.answer
            if not self.path.startswith("/v1/embeddings"):
                act = _nowhere
            status, reply, headers = act(body)
            raw = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(raw))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Speaks)
    server.url = f"http://127.0.0.1:{listening.server_port}/v1"
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


def _nowhere(_body: Json) -> Reply:
    return error(404, "404 page not found")
