"""Servers of models, each of its own kind, and one that asks them."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.workers.answering.passages import passage
from workers.errors import ModelUnavailable
from workers.models.base import Sentence
from workers.models.openai import OpenAIAnswerer
from workers.settings import Settings

Json = dict[str, Any]

FACT = "Helmets hang beside the south door."

PASSAGES = (passage(FACT, document="safety"),)

DRAFT = {"sentences": [{"passage": 1, "quote": FACT, "text": "They hang beside the south door."}]}

SENTENCES = (Sentence("They hang beside the south door.", 1, FACT),)

WRITTEN = json.dumps(DRAFT)

CANTEEN = json.dumps(
    {
        "sentences": [
            {
                "passage": 1,
                "quote": "open from 11:30 to 14:00",
                "text": "From 11:30 to 14:00 on working days.",
            }
        ]
    }
)
"""What a model makes of the doctor's question."""

CANARY = "canary"


@dataclass(frozen=True)
class Reply:
    """What a server sends back: a status, a body, and what it calls it."""

    body: Any
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


Kind = Callable[[str, Json], Reply]
"""A kind of server: from the path and the body of a request to its answer."""


def responses(*texts: str, **more: Any) -> Reply:
    output = [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
        for text in texts
    ]
    return Reply({"object": "response", "status": "completed", "output": output, **more})


def chat(content: Any, finish: str | None = "stop", **message: Any) -> Reply:
    told = {"role": "assistant", "content": content, **message}
    choice = {"index": 0, "message": told, "finish_reason": finish}
    return Reply({"object": "chat.completion", "choices": [choice]})


def error(status: int, message: str = CANARY, **more: Any) -> Reply:
    return Reply({"error": {"message": message, **more}}, status)


def asked_for(body: Json) -> str:
    """What the model would write by its instructions alone."""
    told = json.dumps(body)
    return WRITTEN if FACT in told else CANTEEN if "canteen" in told else "ready"


def format_of(body: Json) -> str:
    chosen = body.get("response_format") or body.get("text", {}).get("format", {})
    return str(chosen.get("type", "text"))


def held(body: Json) -> str:
    """What it writes where the server holds it to the form that is asked for."""
    match format_of(body):
        case "json_schema":
            return '{"sentences": []}' if asked_for(body) == "ready" else asked_for(body)
        case "json_object":
            return '{"ready": true}' if asked_for(body) == "ready" else asked_for(body)
        case _:
            return asked_for(body)


def both(path: str, body: Json) -> Reply:
    """OpenAI, newer vLLM and Ollama."""
    return responses(held(body)) if path.endswith("/responses") else chat(held(body))


def ignoring(path: str, body: Json) -> Reply:
    """Takes the Responses API without its structured output; llama.cpp's server does."""
    return responses(asked_for(body)) if path.endswith("/responses") else chat(held(body))


def only_chat(path: str, body: Json) -> Reply:
    return error(404, "404 page not found") if path.endswith("/responses") else chat(held(body))


def streamed(content: str) -> Reply:
    """Chat Completions in events, in two pieces."""
    choices = [
        {"delta": {"role": "assistant", "content": content[:3]}},
        {"delta": {"content": content[3:]}},
        {"delta": {}, "finish_reason": "stop"},
    ]
    events = "".join(f"data: {json.dumps({'choices': [one]})}\n\n" for one in choices)
    return Reply(f"{events}data: [DONE]\n\n", content_type="text/event-stream")


class Server:
    """Of one kind, which may change; keeps what it was asked."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.asked: list[tuple[str, Json]] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Speaks(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append((self.path, body))
                outer.headers.append({k.casefold(): v for k, v in self.headers.items()})
                reply = outer.kind(self.path.partition("?")[0], body)
                raw = (
                    reply.body.encode()
                    if isinstance(reply.body, str)
                    else json.dumps(reply.body).encode()
                )
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", reply.content_type)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Speaks)
        self._http.daemon_threads = True
        self.host = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def questions(self) -> list[Json]:
        """Without those that were made up."""
        return [body for _, body in self.asked if FACT in json.dumps(body)]

    @property
    def made_up(self) -> list[Json]:
        return [body for _, body in self.asked if FACT not in json.dumps(body)]

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


Serve = Callable[[Kind], Server]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def connect(server: Server, path: str = "/v1", **more: Any) -> OpenAIAnswerer:
    settings = Settings(home=Path("unused"), model_base_url=server.host + path, **more)
    return OpenAIAnswerer.connect(settings)


def write(answerer: OpenAIAnswerer) -> tuple[Sentence, ...]:
    return answerer.write("Where are the helmets?", PASSAGES).sentences


def failure(answerer: OpenAIAnswerer) -> ModelUnavailable:
    with pytest.raises(ModelUnavailable) as caught:
        write(answerer)
    assert CANARY not in f"{caught.value!r} {caught.value.__cause__!r}"
    return caught.value


FOR_GOOD: dict[str, tuple[Reply, str]] = {
    "401": (error(401), "unauthorized"),
    "402": (error(402), "no_credit"),
    "403": (error(403), "forbidden"),
    "a redirect": (Reply("", 308, headers={"Location": "/elsewhere"}), "redirected"),
    "the model": (error(404, "model 'x' not found, try pulling it"), "model_not_found"),
    "the deployment": (error(404, CANARY, code="DeploymentNotFound"), "model_not_found"),
    "the path": (error(404, "404 page not found"), "no_api"),
    "the path, as a page": (Reply("<h1>Not Found</h1>", 404, "text/html"), "no_api"),
    "the quota": (error(429, CANARY, code="insufficient_quota"), "no_credit"),
    "the effort": (
        error(400, "Unsupported parameter: 'reasoning.effort'", param="reasoning.effort"),
        "parameter_reasoning",
    ),
    "the temperature": (
        error(400, "Unsupported value: 'temperature' does not support 0.5"),
        "parameter_temperature",
    ),
    "the key, as Gemini says it": (
        Reply([{"error": {"code": 400, "message": "API key not valid."}}], 400),
        "unauthorized",
    ),
    "the key, with status 200": (error(200, CANARY, code="invalid_api_key"), "unauthorized"),
    "the model, with status 200": (error(200, "model 'x' not found"), "model_not_found"),
    "the model, as Gemini says it": (
        Reply([{"error": {"code": 404, "message": "models/x is not found"}}], 404),
        "model_not_found",
    ),
    "the model, without an error": (Reply({"message": "unknown model x"}, 400), "model_not_found"),
    "the budget": (
        error(400, "max_tokens is too large: 4000. This model supports at most 512"),
        "too_long",
    ),
    "something else": (error(400), "bad_request"),
    "a page": (Reply("<html>Sign in</html>", content_type="text/html"), "no_json_body"),
    "another API": (Reply({"candidates": [CANARY]}), "no_answer_body"),
    "nothing": (Reply(None), "no_answer_body"),
}
