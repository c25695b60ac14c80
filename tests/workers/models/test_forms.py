"""How servers want to be asked: found out with a made-up question, each by a server of its kind."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.workers.answering.passages import passage
from workers.cli import doctor
from workers.errors import ModelUnavailable
from workers.models import openai
from workers.models.base import Sentence
from workers.models.failure import explained, refused
from workers.models.openai import OpenAIAnswerer
from workers.observe.metrics import REGISTRY
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
            {"passage": 1, "quote": "open from 11:30 to 14:00", "text": "From 11:30 to 14:00."}
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


def only_json_mode(path: str, body: Json) -> Reply:
    if path.endswith("/responses"):
        return error(405)
    if format_of(body) == "json_schema":
        return error(400, "response_format: type 'json_schema' is not supported")
    return chat(held(body))


def only_text(path: str, body: Json) -> Reply:
    if path.endswith("/responses"):
        return error(501)
    if "response_format" in body:
        return error(422, "Unknown field: response_format", param="response_format")
    return chat(f"<think>Hm.</think>Sure:\n```json\n{asked_for(body)}\n```")


def streamed(content: str) -> Reply:
    """Chat Completions in events, in two pieces."""
    choices = [
        {"delta": {"role": "assistant", "content": content[:3]}},
        {"delta": {"content": content[3:]}},
        {"delta": {}, "finish_reason": "stop"},
    ]
    events = "".join(f"data: {json.dumps({'choices': [one]})}\n\n" for one in choices)
    return Reply(f"{events}data: [DONE]\n\n", content_type="text/event-stream")


def streaming(path: str, body: Json) -> Reply:
    if not body.get("stream"):
        return error(400, "This model only supports stream mode, please enable it.")
    return streamed(held(body))


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


@pytest.fixture
def serve() -> Iterator[Callable[[Kind], Server]]:
    running: list[Server] = []

    def start(kind: Kind) -> Server:
        running.append(Server(kind))
        return running[-1]

    yield start
    for server in running:
        server.close()


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


@pytest.mark.parametrize(
    ("kind", "form", "tried"),
    [
        (both, "responses", 1),
        (ignoring, "chat-schema", 2),
        (only_chat, "chat-schema", 2),
        (only_json_mode, "chat-json", 4),
        (only_text, "chat-text", 4),
    ],
)
def test_a_server_gets_the_form_that_it_holds_to_and_is_asked_for_it_once(
    serve: Serve, kind: Kind, form: str, tried: int
) -> None:
    server = serve(kind)
    answerer = connect(server)
    assert write(answerer) == SENTENCES
    assert answerer.look().dialect.form == form
    assert (len(server.made_up), len(server.questions)) == (tried, 1)
    assert write(answerer) == SENTENCES
    assert (len(server.made_up), len(server.questions)) == (tried, 2)


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("fails", ["/responses", "json_schema"])
def test_a_form_at_which_the_server_breaks_is_passed_over(
    serve: Serve, status: int, fails: str
) -> None:
    def kind(path: str, body: Json) -> Reply:
        broken = path.endswith(fails) or format_of(body) == fails
        return error(status) if broken else both(path, body)

    server = serve(kind)
    answerer = connect(server, "")
    assert write(answerer) == SENTENCES
    assert answerer.look().dialect.form == ("chat-schema" if fails == "/responses" else "chat-json")


def test_a_server_that_breaks_at_every_form_may_be_well_later(serve: Serve) -> None:
    server = serve(lambda path, body: error(503))
    answerer = connect(server, "")
    assert (str(failure(answerer)), failure(answerer).passing) == ("server_error", True)
    assert {path for path, _ in server.asked} == {"/v1/responses", "/v1/chat/completions"}
    server.kind = both
    assert write(answerer) == SENTENCES
    assert answerer.look().dialect.form == "responses"


def test_when_to_come_again_is_read_in_seconds_and_as_a_date() -> None:
    now, later = "Mon, 30 Nov 2026 10:00:00 GMT", "Mon, 30 Nov 2026 10:01:30 GMT"
    far = "Mon, 30 Nov 2099 10:00:00 GMT"

    def asked(**headers: str) -> float | None:
        found = refused(
            429, {name.replace("_", "-"): value for name, value in headers.items()}, None, {}
        )
        assert found is not None
        return found.retry_after_s

    assert asked(retry_after="7") == 7.0
    assert asked(retry_after=later, date=now) == 90.0
    assert asked(retry_after=now, date=later) == 0.0
    assert (asked(retry_after=far) or 0.0) > 1e6
    for odd in (
        "",
        "-1",
        "soon",
        "1e9",
        "Mon, 99 Nov 2026 10:00:00 GMT",
        now[:-3] + "+" + "9" * 30,
    ):
        assert asked(retry_after=odd, date=now) is None


def test_what_is_made_up_holds_no_word_of_a_question_or_a_document(serve: Serve) -> None:
    server = serve(only_text)
    write(connect(server))
    for body in server.made_up:
        assert "helmet" not in json.dumps(body).casefold()


def test_openai_itself_and_a_form_that_is_set_are_not_asked_first(serve: Serve) -> None:
    assert (
        OpenAIAnswerer.connect(Settings(home=Path("unused"), model_api_key=SecretStr("sk")))
        .look()
        .dialect.form
        == "responses"
    )
    server = serve(ignoring)
    for form in ("responses", "chat-schema", "chat-json", "chat-text"):
        assert write(connect(server, model_api=form)) == SENTENCES
    assert server.made_up == []


def test_a_server_that_has_changed_is_looked_at_again(serve: Serve) -> None:
    server, clock = serve(both), Clock()
    answerer = connect(server)
    object.__setattr__(answerer, "clock", clock)
    assert write(answerer) == SENTENCES
    server.kind = only_chat
    clock.now = 61.0
    assert write(answerer) == SENTENCES
    assert answerer.look().dialect.form == "chat-schema"


STRANGE: dict[str, Kind] = {
    "a fence": lambda path, body: responses(f"```json\n{WRITTEN}\n```"),
    "prose": lambda path, body: responses(f"Here it is:\n{WRITTEN}\nAnything else?"),
    "thoughts": lambda path, body: responses(f'<think>{{"sentences": []}}</think>{WRITTEN}'),
    "a second message": lambda path, body: responses("Let me see.", WRITTEN),
    "an empty first message": lambda path, body: responses("", WRITTEN),
    "in two parts": lambda path, body: responses(WRITTEN[:30], WRITTEN[30:]),
    "an item of thoughts": lambda path, body: Reply(
        {
            "output": [
                {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "{"}]},
                {"type": "message", "content": WRITTEN},
            ]
        }
    ),
    "a call of a tool": lambda path, body: Reply(
        {"output": [{"type": "function_call", "name": "answer", "arguments": WRITTEN}]}
    ),
    "no type, no status": lambda path, body: Reply(
        {"output": [{"content": [{"text": WRITTEN}]}]}, content_type="text/plain"
    ),
    "chat: parts": lambda path, body: chat([{"type": "text", "text": WRITTEN}]),
    "chat: a call of a tool": lambda path, body: chat(
        None, "tool_calls", tool_calls=[{"function": {"name": "a", "arguments": WRITTEN}}]
    ),
    "chat: an old call": lambda path, body: chat(
        None, "function_call", function_call={"name": "a", "arguments": WRITTEN}
    ),
    "chat: taken for thoughts": lambda path, body: chat("", reasoning_content=WRITTEN),
    "chat: thoughts beside": lambda path, body: chat(WRITTEN, reasoning="{"),
    "chat: an object": lambda path, body: chat(DRAFT),
    "chat: the second is whole": lambda path, body: Reply(
        {
            "choices": [
                {"message": {"content": WRITTEN[:20]}, "finish_reason": "length"},
                {"message": {"content": WRITTEN}, "finish_reason": "stop"},
            ]
        }
    ),
    "streamed": lambda path, body: Reply(
        'event: response.created\ndata: {"type": "response.created"}\n\n'
        "event: response.completed\ndata: "
        + json.dumps({"type": "response.completed", "response": responses(WRITTEN).body})
        + "\n\n",
        content_type="text/event-stream",
    ),
    "chat: streamed": lambda path, body: streamed(WRITTEN),
    "chat: streamed, without a reason for its end": lambda path, body: Reply(
        "data: "
        + json.dumps({"choices": [{"delta": {"content": WRITTEN}}]})
        + "\n\ndata: [DONE]\n\n"
    ),
    "chat: streamed, with a separator of lines in it": lambda path, body: Reply(
        "data: "
        + json.dumps(
            {"choices": [{"delta": {"content": f"\u2028{WRITTEN}"}, "finish_reason": "stop"}]},
            ensure_ascii=False,
        )
        + "\r\n\r\ndata: [DONE]"
    ),
    "chat: streamed, a call of a tool": lambda path, body: Reply(
        "".join(
            "data: "
            + json.dumps(
                {
                    "choices": [
                        {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": p}}]}}
                    ]
                }
            )
            + "\n\n"
            for p in (WRITTEN[:30], WRITTEN[30:])
        )
        + 'data: {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}\n\n'
    ),
    "chat: the second is not empty": lambda path, body: Reply(
        {"choices": [{"message": {"content": ""}}, {"message": {"content": WRITTEN}}]}
    ),
    "in a list": lambda path, body: Reply([responses(WRITTEN).body]),
    "as one text": lambda path, body: Reply({"status": "completed", "output_text": WRITTEN}),
}


@pytest.mark.parametrize("kind", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("form", ["auto", "responses"])
def test_the_answer_that_is_there_is_used(serve: Serve, kind: Kind, form: str) -> None:
    assert write(connect(serve(kind), model_api=form)) == SENTENCES


CUT: dict[str, tuple[Kind, str]] = {
    "said so": (
        lambda path, body: responses(
            WRITTEN, status="incomplete", incomplete_details={"reason": "max_output_tokens"}
        ),
        "status_incomplete/max_output_tokens",
    ),
    "before a word": (
        lambda path, body: Reply({"status": "incomplete", "output": []}),
        "status_incomplete/max_output_tokens",
    ),
    "chat": (lambda path, body: chat(WRITTEN, "length"), "finish_length"),
    "chat, as others say it": (lambda path, body: chat(WRITTEN, "MAX_TOKENS"), "finish_length"),
    "in silence": (lambda path, body: responses(WRITTEN[:-2]), "unterminated"),
}


@pytest.mark.parametrize(("kind", "reason"), CUT.values(), ids=CUT)
def test_a_cut_answer_is_asked_for_once_more_with_more_room_and_named(
    serve: Serve, kind: Kind, reason: str
) -> None:
    server = serve(kind)
    before = REGISTRY.get_sample_value("ken_model_failures_total", {"error": reason}) or 0.0
    error = failure(connect(server, model_api="responses", model_max_tokens=500))
    assert (str(error), error.passing) == (reason, False)
    assert [body["max_output_tokens"] for body in server.questions] == [500, 2000]
    after = REGISTRY.get_sample_value("ken_model_failures_total", {"error": reason})
    assert after == before + 1


def test_with_more_room_it_may_be_whole(serve: Serve) -> None:
    server = serve(
        lambda path, body: responses(
            WRITTEN, status="completed" if body["max_output_tokens"] > 4000 else "incomplete"
        )
    )
    assert write(connect(server, model_api="responses")) == SENTENCES
    assert len(server.questions) == 2


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


@pytest.mark.parametrize(("reply", "reason"), FOR_GOOD.values(), ids=FOR_GOOD)
def test_what_will_not_pass_ends_at_once_and_is_left_alone_for_a_minute(
    serve: Serve, reply: Reply, reason: str
) -> None:
    """Nobody's question takes the server away from all: it has to refuse the made-up one, too."""
    server, clock = serve(lambda path, body: reply), Clock()
    answerer = connect(server, model_reasoning_effort="low", model_temperature=0.5)
    object.__setattr__(answerer, "clock", clock)
    error = failure(answerer)
    assert (str(error), error.passing) == (reason, False)
    assert server.questions == []
    assert REGISTRY.get_sample_value("ken_model_down") == 1

    calls = len(server.asked)
    assert str(failure(answerer)) == reason
    assert len(server.asked) == calls

    server.kind = both
    clock.now = 61.0
    assert write(answerer) == SENTENCES
    assert REGISTRY.get_sample_value("ken_model_down") == 0


@pytest.mark.parametrize(
    "reply",
    [
        error(400),
        error(403),
        error(400, "This model's maximum context length is 4096", code="context_length_exceeded"),
        error(400, CANARY, code="content_filter"),
        chat("", "content_filter"),
        chat(None, refusal=CANARY),
        chat("I would rather not."),
        chat(""),
    ],
)
def test_what_is_this_questions_alone_bars_no_other(serve: Serve, reply: Reply) -> None:
    def kind(path: str, body: Json) -> Reply:
        return reply if "odd" in json.dumps(body) else both(path, body)

    server = serve(kind)
    answerer = connect(server)
    with pytest.raises(ModelUnavailable) as caught:
        answerer.write("What is odd?", PASSAGES)
    assert not caught.value.passing
    assert len(server.questions) <= 2
    assert write(answerer) == SENTENCES


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("whole", "stream"),
        ("store", None),
        ("max_tokens", "max_completion_tokens"),
        ("system", None),
        ("max_output_tokens", None),
    ],
)
def test_what_a_server_does_not_take_is_left_out_once_it_has_said_so(
    serve: Serve, name: str, instead: str | None
) -> None:
    def kind(path: str, body: Json) -> Reply:
        if name == "system" and body.get("messages", [{}])[0].get("role") == "system":
            return error(400, "System role not supported")
        if name == "whole":
            return streaming(path, body)
        if name in body:
            return error(400, f"Unsupported parameter: '{name}'", param=name)
        return both(path, body)

    server = serve(kind)
    form = "responses" if name == "max_output_tokens" else "chat-schema"
    answerer = connect(server, model_api=form)
    assert write(answerer) == SENTENCES
    refused = len(server.asked)
    assert write(answerer) == SENTENCES
    assert len(server.asked) == refused + 1
    assert instead is None or instead in server.questions[-1]


def test_what_an_asker_writes_takes_no_parameter_away(serve: Serve) -> None:
    """A server may quote a question in its error: only the made-up one teaches what is left out."""

    def kind(path: str, body: Json) -> Reply:
        if "store" in body.get("input", ""):
            return error(400, f"cannot read {body['input']!r}")
        return both(path, body)

    server = serve(kind)
    answerer = connect(server)
    with pytest.raises(ModelUnavailable):
        answerer.write("Is the store open?", PASSAGES)
    assert write(answerer) == SENTENCES
    assert server.questions[-1]["store"] is False


def test_of_many_questions_at_once_one_finds_the_form_out(serve: Serve) -> None:
    server = serve(ignoring)
    answerer = connect(server)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: write(answerer), range(4))) == [SENTENCES] * 4
    assert (len(server.made_up), len(server.questions)) == (2, 4)


def test_the_time_is_for_all_of_an_answer_and_a_body_without_end_is_none(serve: Serve) -> None:
    """A server that sends a little now and then would hold a worker for ever."""
    answerer = connect(serve(both), model_api="responses", model_timeout_s=60)
    ticks = count(step=70)
    object.__setattr__(answerer, "clock", lambda: float(next(ticks)))
    slow = failure(answerer)
    assert (str(slow), slow.passing) == ("timeout", True)
    endless = failure(connect(serve(lambda path, body: Reply("{" * 4_100_000))))
    assert (str(endless), endless.passing) == ("body_too_large", False)


def test_effort_budget_and_temperature_are_sent_as_they_are_set(serve: Serve) -> None:
    server = serve(both)
    more: Json = {
        "model_reasoning_effort": "high",
        "model_max_tokens": 700,
        "model_temperature": 0.2,
    }
    write(connect(server, model_api="responses", **more))
    write(connect(server, model_api="chat-text", **more))
    in_responses, in_chat = server.questions
    assert in_responses["reasoning"] == {"effort": "high"}
    assert in_responses["max_output_tokens"] == in_chat["max_tokens"] == 700
    assert in_chat["reasoning_effort"] == "high"
    assert in_responses["temperature"] == in_chat["temperature"] == 0.2
    write(connect(server, model_api="chat-text"))
    assert set(server.questions[-1]) == {"model", "store", "messages", "max_tokens"}


def test_azure_is_asked_by_deployment_with_its_own_header(serve: Serve) -> None:
    def kind(path: str, body: Json) -> Reply:
        is_chat = path == "/openai/deployments/gpt/chat/completions"
        return chat(held(body)) if is_chat else error(404, "Resource not found")

    server = serve(kind)
    path = "/openai/deployments/gpt?api-version=2025-04-01"
    answerer = connect(server, path, model_api_key=SecretStr("k"), model_name="gpt")
    assert write(answerer) == SENTENCES
    assert server.asked[-1][0].endswith("/chat/completions?api-version=2025-04-01")
    for headers in server.headers:
        assert headers["api-key"] == "k"
        assert "authorization" not in headers


def test_a_server_of_another_base_is_found(serve: Serve) -> None:
    def at_root(path: str, body: Json) -> Reply:
        return chat(held(body)) if path == "/chat/completions" else error(404, "Not Found")

    assert write(connect(serve(at_root), "")) == SENTENCES
    assert write(connect(serve(only_chat), "/")) == SENTENCES
    assert write(connect(serve(both), "/v1/responses")) == SENTENCES
    assert write(connect(serve(only_chat), "/v1/chat/completions/")) == SENTENCES


# -- the doctor ---------------------------------------------------------------------------------


def examined(server: Server, **more: Any) -> doctor.Finding:
    return doctor._model(Settings(home=Path("x"), model_base_url=server.host, **more))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (both, "by Responses API."),
        (
            ignoring,
            "by Chat Completions with a JSON schema (Responses API does not keep to a form).",
        ),
        (only_chat, "by Chat Completions with a JSON schema (there is no Responses API)."),
    ],
)
def test_doctor_says_how_it_is_asked_and_shows_a_verified_answer(
    serve: Serve, kind: Kind, said: str
) -> None:
    found = examined(serve(kind))
    assert (found.ok, found.warns) == (True, False)
    assert said in found.found
    assert "“From 11:30 to 14:00.” (verified" in found.found


def test_doctor_shows_nothing_that_no_passage_supports(serve: Serve) -> None:
    found = examined(serve(lambda path, body: responses(WRITTEN)))
    assert (found.ok, found.warns) == (True, True)
    assert "south door" not in found.found


@pytest.mark.parametrize(("reply", "reason"), FOR_GOOD.values(), ids=FOR_GOOD)
def test_doctor_says_what_is_wrong_and_what_to_do_and_nothing_of_the_servers_words(
    serve: Serve, reply: Reply, reason: str
) -> None:
    found = examined(
        serve(lambda path, body: reply), model_reasoning_effort="low", model_temperature=0.5
    )
    assert not found.ok
    assert f"({reason})" in found.found
    assert found.remedy
    assert CANARY not in found.found + found.remedy


def test_every_reason_has_words_for_an_operator() -> None:
    source = "".join(
        (Path(openai.__file__).parent / name).read_text()
        for name in ("openai.py", "forms.py", "failure.py")
    )
    fixed = re.findall(r'Failed\(Fault\.\w+, "(\w+)"', source)
    ended = re.findall(r'Ending\.\w+, "([\w/]+)"', source)
    assert len(fixed) > 5 < len(ended)
    unknown = explained("never heard of")
    assert [one for one in fixed + ended if explained(one) == unknown] == []
