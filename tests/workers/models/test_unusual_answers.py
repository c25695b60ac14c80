"""What servers answer that is odd, cut or refused, and what is made of it."""

import json

import pytest

from tests.workers.models.servers import (
    CANARY,
    DRAFT,
    FOR_GOOD,
    PASSAGES,
    SENTENCES,
    WRITTEN,
    Clock,
    Json,
    Kind,
    Reply,
    Serve,
    both,
    chat,
    connect,
    error,
    failure,
    responses,
    streamed,
    write,
)
from workers.errors import ModelUnavailable
from workers.observe.metrics import REGISTRY

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
    assert (str(error), error.transient) == (reason, False)
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


@pytest.mark.parametrize(("reply", "reason"), FOR_GOOD.values(), ids=FOR_GOOD)
def test_what_will_not_pass_ends_at_once_and_is_left_alone_for_a_minute(
    serve: Serve, reply: Reply, reason: str
) -> None:
    """Nobody's question takes the server away from all: it has to refuse the made-up one, too."""
    server, clock = serve(lambda path, body: reply), Clock()
    answerer = connect(server, model_reasoning_effort="low", model_temperature=0.5)
    object.__setattr__(answerer, "clock", clock)
    error = failure(answerer)
    assert (str(error), error.transient) == (reason, False)
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
    assert not caught.value.transient
    assert len(server.questions) <= 2
    assert write(answerer) == SENTENCES
