"""Tokens as a server says them, or as they are estimated where it lies or says nothing."""

import json
from typing import Any

import pytest

from tests.workers.models.servers import (
    DRAFT,
    FACT,
    PASSAGES,
    Clock,
    Json,
    Reply,
    Serve,
    chat,
    connect,
    failure,
    write,
)
from workers.models.base import Timed
from workers.models.usage import Usage, add, estimate, metered


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 120, "completion_tokens": 30}, (120, 30, False)),
        ({"input_tokens": 120, "output_tokens": 0}, (120, 0, False)),
        ({"prompt_tokens": -5, "completion_tokens": 30}, (2, 30, True)),
        ({"prompt_tokens": "many", "completion_tokens": 3.5}, (2, 1, True)),
        ({"prompt_tokens": True, "completion_tokens": 10**12}, (2, 1, True)),
        ({}, (2, 1, True)),
        (None, (2, 1, True)),
        ([1], (2, 1, True)),
    ],
)
def test_only_numbers_that_can_be_true_count(usage: Any, counted: tuple[int, int, bool]) -> None:
    with metered() as used:
        add({"usage": usage}, asked="asked", said="yes")
    assert (used.input_tokens, used.output_tokens, used.estimated) == counted


def test_a_text_with_half_a_character_is_estimated_too() -> None:
    assert estimate("\ud800 half") > 0
    assert estimate("") == 0


def test_nothing_is_counted_where_nobody_asks() -> None:
    add({"usage": {"prompt_tokens": 1}}, asked="", said="")
    with metered() as used:
        pass
    assert used == Usage()


def test_money_needs_both_prices() -> None:
    assert Usage(10**6, 2 * 10**6).cost(1.0, 3.0) == 7.0
    assert Usage(1, 1).cost(None, 3.0) is None
    assert Usage(1, 1).cost(1.0, None) is None


def test_what_an_answer_cost_is_counted_also_if_it_is_of_no_use(serve: Serve) -> None:
    cost = {"usage": {"prompt_tokens": 120, "completion_tokens": 30}}

    def kind(path: str, body: Json) -> Reply:
        made = chat("no draft" if useless else json.dumps(DRAFT))
        return Reply({**made.body, **cost})

    useless = False
    answerer = connect(serve(kind), model_api="chat-text")
    with metered() as used:
        write(answerer)
    assert (used.input_tokens, used.output_tokens) == (120, 30)
    useless = True
    with metered() as wasted:
        failure(answerer)
    assert wasted.input_tokens >= 120


# -- the deadline -------------------------------------------------------------------------------


def test_behind_the_deadline_no_request_is_made_and_before_it_one_is(serve: Serve) -> None:
    server = serve(lambda path, body: chat(json.dumps(DRAFT)))
    answerer = connect(server, model_api="chat-text")
    assert isinstance(answerer, Timed)
    with pytest.raises(Exception, match="timeout"):
        answerer.within(0.0).write("Where are the helmets?", PASSAGES)
    assert server.asked == []
    assert answerer.within(60.0).write("Where are the helmets?", PASSAGES).sentences
    assert FACT in str(server.asked)


def test_a_second_try_with_more_room_does_not_begin_behind_the_deadline(serve: Serve) -> None:
    clock = Clock()

    def kind(path: str, body: Json) -> Reply:
        clock.now += 40
        return chat('{"sentences": [', "length")

    server = serve(kind)
    answerer = connect(server, model_api="chat-text")
    object.__setattr__(answerer, "clock", clock)
    with pytest.raises(Exception, match=r"finish_length|timeout"):
        answerer.within(30.0).write("Where are the helmets?", PASSAGES)
    assert len(server.asked) == 1


# -- bodies that no honest server sends ---------------------------------------------------------


def test_ten_megabytes_are_not_read_to_their_end(serve: Serve) -> None:
    server = serve(lambda path, body: Reply('{"choices": "' + "x" * 10_000_000 + '"}'))
    assert str(failure(connect(server, model_api="chat-text"))) == "body_too_large"


@pytest.mark.parametrize(
    "content",
    [
        '{"sentences": [], "sentences": %s}',
        '{"sentences": [{"passage": 1e400, "quote": "x y z", "text": "x"}], "sentences": %s}',
    ],
)
def test_of_a_field_that_is_there_twice_the_last_counts_and_is_checked_like_any(
    serve: Serve, content: str
) -> None:
    written = content % json.dumps(DRAFT["sentences"])
    (sentence,) = write(connect(serve(lambda path, body: chat(written)), model_api="chat-text"))
    assert sentence.quote == FACT


def test_nul_and_half_a_character_pass_through_to_the_checks(serve: Serve) -> None:
    given = {"passage": 1, "quote": "Helmets hang beside", "text": "a\x00\ud800b"}
    written = json.dumps({"sentences": [given]})
    (sentence,) = write(connect(serve(lambda path, body: chat(written)), model_api="chat-text"))
    assert sentence.text == "a\x00\ud800b"
