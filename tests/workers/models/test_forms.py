"""How servers want to be asked: found out with a made-up question, each by a server of its kind."""

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.workers.models.servers import (
    PASSAGES,
    SENTENCES,
    Clock,
    Json,
    Kind,
    Reply,
    Serve,
    asked_for,
    both,
    chat,
    connect,
    error,
    failure,
    format_of,
    held,
    ignoring,
    only_chat,
    streamed,
    write,
)
from workers.errors import ModelUnavailable
from workers.models.failure import refused
from workers.models.openai import OpenAIAnswerer
from workers.settings import Settings


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


def streaming(path: str, body: Json) -> Reply:
    if not body.get("stream"):
        return error(400, "This model only supports stream mode, please enable it.")
    return streamed(held(body))


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
    assert (str(failure(answerer)), failure(answerer).transient) == ("server_error", True)
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
    assert (str(slow), slow.transient) == ("timeout", True)
    endless = failure(connect(serve(lambda path, body: Reply("{" * 4_100_000))))
    assert (str(endless), endless.transient) == ("body_too_large", False)


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
