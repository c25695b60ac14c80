"""Vectors from a server: whole, in order and finite, or none; patient, and never for too long."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from tests.workers.models.vector_server import Json, Reply, VectorServer, error, serving
from workers.errors import InputInvalid, OperatorError, ServerUnavailable, TextRefused
from workers.models import pairs
from workers.models.by_name import REST_S, QuestionEmbedders
from workers.models.remote import RemoteEmbedder
from workers.settings import Settings

NAME = VectorServer.model
TEXTS = ["The first text", "A second one", "The third of them"]


@pytest.fixture
def server() -> Iterator[VectorServer]:
    with serving(VectorServer()) as one:
        yield one


@pytest.fixture
def known(server: VectorServer, tmp_path: Any) -> Settings:
    return Settings(
        home=tmp_path, embedding_base_url=server.url, embedding_api_key=SecretStr("sk-secret")
    )


class Clock:
    """Time that passes while one sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def connected(settings: Settings, clock: Clock, name: str = NAME) -> RemoteEmbedder:
    found = RemoteEmbedder.connect(settings, name)
    return RemoteEmbedder(
        found.name,
        found.client,
        found.address,
        settings,
        found.patience_s,
        found.learned,
        clock,
        clock.sleep,
    )


def changed(server: VectorServer, change: Callable[[list[Json]], Any]) -> Callable[[Json], Reply]:
    """A server whose list of vectors is changed before it is sent."""

    def act(body: Json) -> Reply:
        status, answered, headers = server.answer(body)
        assert isinstance(answered, dict)
        data = change(answered["data"])
        return status, {**answered, "data": answered["data"] if data is None else data}, headers

    return act


def test_each_text_gets_its_own_vector_of_length_one(server: VectorServer, known: Settings) -> None:
    embedder = connected(known, Clock())
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (3, embedder.dimension) == (3, 384)
    for text, vector in zip(TEXTS, vectors, strict=True):
        assert vector == pytest.approx(server.words.embed_one(text), abs=1e-6)
    assert server.asked == [{"model": NAME, "input": TEXTS, "encoding_format": "float"}]
    assert server.headers[0]["authorization"] == "Bearer sk-secret"
    assert embedder.take_tokens() == 10
    assert embedder.take_tokens() == 0


def test_many_texts_are_sent_in_batches_and_a_call_that_is_too_long_in_smaller_ones(
    server: VectorServer, known: Settings
) -> None:
    embedder = connected(known.model_copy(update={"embedding_batch": 2}), Clock())
    embedder.embed(TEXTS)
    assert [len(one["input"]) for one in server.asked] == [2, 1]
    server.most_texts, server.asked = 1, []
    vectors = embedder.embed(TEXTS)
    assert [len(one["input"]) for one in server.asked] == [2, 1, 1, 1]
    assert vectors[2] == pytest.approx(server.words.embed_one(TEXTS[2]), abs=1e-6)


def test_a_text_that_is_too_long_for_the_model_is_cut(
    server: VectorServer, known: Settings
) -> None:
    def short_only(body: Json) -> Reply:
        if any(len(one) > 500 for one in body["input"]):
            return error(400, "Please reduce: maximum context length is 128 tokens")
        return server.answer(body)

    server.always = short_only
    text = "word " * 300
    assert connected(known, Clock()).embed_one(text).shape == (384,)
    server.always = lambda body: error(400, "maximum context length is 1 token")
    with pytest.raises(InputInvalid, match="no text as long as a chunk"):
        connected(known, Clock()).embed_one(text)


def test_vectors_are_shortened_if_the_name_says_so(server: VectorServer, known: Settings) -> None:
    embedder = connected(known, Clock(), f"{NAME}@64")
    assert embedder.dimension == 64
    assert embedder.embed(TEXTS).shape == (3, 64)
    assert (server.asked[0]["model"], server.asked[0]["dimensions"]) == (NAME, 64)
    assert np.linalg.norm(embedder.embed_one("short")) == pytest.approx(1)


def test_an_answer_in_another_order_is_put_in_order(server: VectorServer, known: Settings) -> None:
    server.always = changed(server, lambda data: data[::-1])
    vectors = connected(known, Clock()).embed(TEXTS)
    assert vectors[0] == pytest.approx(server.words.embed_one(TEXTS[0]), abs=1e-6)


def _same_number(data: list[Json]) -> None:
    data[0]["index"] = 1


def _short_one(data: list[Json]) -> None:
    data[0]["embedding"] = data[0]["embedding"][:10]


def _with(value: Any) -> Callable[[list[Json]], None]:
    def change(data: list[Json]) -> None:
        data[1]["embedding"][7] = value

    return change


def _zero(data: list[Json]) -> None:
    data[2]["embedding"] = [0.0] * 384


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: data[:2], "another number of vectors"),
        (lambda data: [*data, data[0]], "another number of vectors"),
        (lambda data: [], "another number of vectors"),
        (lambda data: "none", "without vectors"),
        (_same_number, "do not say which text"),
        (_short_one, "different lengths"),
        (_with(float("nan")), "no number"),
        (_with(float("inf")), "no number"),
        (_with("0.5x"), "no number"),
        (_with(None), "no number"),
        (_zero, "without a direction"),
    ],
    ids=[
        *("fewer", "more", "none", "no list", "one number twice", "one is short", "NaN"),
        *("infinite", "text", "null", "zero"),
    ],
)
def test_an_answer_that_cannot_be_right_is_not_used(
    server: VectorServer, known: Settings, change: Any, why: str
) -> None:
    server.always = changed(server, change)
    clock = Clock()
    with pytest.raises(ServerUnavailable, match=why):
        connected(known, clock).embed(TEXTS)
    assert clock.now <= known.embedding_patience_s
    server.always = None
    server.next = [changed(server, change)]
    assert connected(known, Clock()).embed(TEXTS).shape == (3, 384), "tried again"


def test_vectors_of_another_length_than_before_are_another_model(
    server: VectorServer, known: Settings
) -> None:
    embedder = connected(known, Clock())
    embedder.embed(TEXTS)
    server.always = changed(
        server, lambda data: [{**one, "embedding": one["embedding"][:100]} for one in data]
    )
    with pytest.raises(InputInvalid, match="another length than before"):
        embedder.embed(TEXTS)


def test_it_waits_as_long_as_a_server_that_is_busy_asks(
    server: VectorServer, known: Settings
) -> None:
    server.next = [
        lambda _: error(429, "Rate limit reached", Retry_After="7"),
        lambda _: error(500, "oops"),
        lambda _: (200, b'{"data": [', {}),
        lambda _: error(503, "overloaded"),
    ]
    clock = Clock()
    assert connected(known, clock).embed(TEXTS).shape == (3, 384)
    assert clock.slept == [7.0, 1.0, 2.0, 4.0]


def test_it_gives_up_in_time_and_never_waits_beyond_it(
    server: VectorServer, known: Settings
) -> None:
    server.always = lambda _: error(429, "Rate limit reached", Retry_After="50")
    clock = Clock()
    with pytest.raises(ServerUnavailable, match="is busy"):
        connected(known, clock).embed(TEXTS)
    assert clock.slept == [50.0, 50.0]
    with pytest.raises(ServerUnavailable):
        connected(known, clock).within(4.0).embed(TEXTS)
    assert clock.slept == [50.0, 50.0], "a question does not wait"


@pytest.mark.parametrize(
    ("reply", "why", "remedy"),
    [
        (error(401, "Incorrect API key provided"), "does not accept the key", "EMBEDDING_API_KEY"),
        (error(429, "quota", "insufficient_quota"), "no credit", "Top it up"),
        (error(404, "The model `x` does not exist"), "does not know this model", "--model NAME"),
        (error(400, "does not support dimensions"), "cannot shorten", "--dimensions"),
        ((200, b"<html>", {}), "other than JSON", "KEN_EMBEDDING_BASE_URL"),
        ((302, b"", {"Location": "https://elsewhere.example"}), "redirect", "BASE_URL"),
    ],
    ids=["key", "credit", "model", "dimensions", "page", "redirect"],
)
def test_what_would_fail_again_is_named_at_once_with_what_to_do(
    server: VectorServer, known: Settings, reply: Reply, why: str, remedy: str
) -> None:
    server.always = lambda _: reply
    clock = Clock()
    with pytest.raises(InputInvalid, match=why) as refused:
        connected(known, clock).embed(TEXTS)
    assert remedy in refused.value.remedy
    assert clock.slept == []
    assert "sk-secret" not in f"{refused.value}{refused.value.remedy}"


def test_a_server_that_is_not_there_is_told(known: Settings) -> None:
    away = known.model_copy(update={"embedding_base_url": "http://127.0.0.1:9/v1"})
    with pytest.raises(ServerUnavailable, match="cannot be reached"):
        connected(away, Clock()).embed(TEXTS)


def test_without_a_server_another_model_than_the_embedded_is_refused(known: Settings) -> None:
    none = {"embedding_base_url": "", "embedding_api_key": SecretStr("")}
    with pytest.raises(InputInvalid, match="no server for others is set") as refused:
        RemoteEmbedder.connect(known.model_copy(update=none), NAME)
    assert "--model built-in" in refused.value.remedy
    with pytest.raises(InputInvalid, match="KEN_EMBEDDING_BASE_URL contains a name or a password"):
        RemoteEmbedder.connect(
            known.model_copy(update={"embedding_base_url": "https://me:pass@host/v1"}), NAME
        )


def test_a_question_waits_once_and_the_next_ones_do_not(
    server: VectorServer, known: Settings
) -> None:
    clock = Clock()
    asking = QuestionEmbedders(lambda settings, name: connected(settings, clock, name), clock)
    assert asking.embed(known, NAME, "Who?").shape == (384,)
    server.always = lambda _: error(500, "oops")
    with pytest.raises(ServerUnavailable):
        asking.embed(known, NAME, "Who?")
    asked = len(server.asked)
    with pytest.raises(ServerUnavailable, match="rests"):
        asking.embed(known, NAME, "Who?")
    assert len(server.asked) == asked
    server.always = None
    clock.now += REST_S
    assert asking.embed(known, NAME, "Who?").shape == (384,)


def test_a_question_that_the_server_filters_does_not_hold_up_the_next_ones(
    server: VectorServer, known: Settings
) -> None:
    asking = QuestionEmbedders(lambda settings, name: connected(settings, Clock(), name), Clock())
    server.next = [lambda _: error(400, "The response was filtered", "content_filter")]
    with pytest.raises(TextRefused, match="filters what it was sent"):
        asking.embed(known, NAME, "Who?")
    assert not asking.fails
    assert asking.embed(known, NAME, "Who?").shape == (384,)


def test_another_model_under_the_same_name_is_not_used_for_questions(
    server: VectorServer, known: Settings
) -> None:
    """Also where it becomes another one while the process runs, or has vectors of another length.
    A version that is built by the new one is used at once."""
    clock = Clock()
    before, shorter = (
        connected(known, Clock(), name).embed_one(pairs.PAIRS[0][1])
        for name in (NAME, f"{NAME}@64")
    )
    asking = QuestionEmbedders(clock=clock)
    assert asking.embed(known, NAME, "Who?", lambda: [*before], version=1).shape == (384,)
    server.turn = 5
    with pytest.raises(OperatorError, match="Another model answers"):
        asking.embed(known, NAME, "Who?", lambda: [*before], version=1)
    clock.now += REST_S
    with pytest.raises(OperatorError, match="Another model answers"):
        asking.embed(known, NAME, "Who?", lambda: [*shorter], version=2)
    clock.now += REST_S
    after = connected(known, Clock()).embed_one(pairs.PAIRS[0][1])
    assert asking.embed(known, NAME, "Who?", lambda: [*after], version=3).shape == (384,)


def test_a_question_and_the_look_at_its_model_share_one_call(
    server: VectorServer, known: Settings
) -> None:
    """So a question waits no longer than for one call, and no other question waits for it."""
    probe = connected(known, Clock()).embed_one(pairs.PAIRS[0][1])
    asking, server.asked = QuestionEmbedders(), []
    hung = threading.Event()

    def hang(body: Json) -> Reply:
        hung.set()
        assert answered.wait(60)
        return server.answer(body)

    answered = threading.Event()
    server.next = [hang]
    made: list[int] = []

    def ask() -> None:
        made.append(len(asking.embed(known, NAME, "Who?", lambda: [*probe])))

    first = threading.Thread(target=ask)
    first.start()
    try:
        assert hung.wait(60)
        ask()
        assert made == [384], "while the first one still waits"
    finally:
        answered.set()
        first.join()
    assert [one["input"] for one in server.asked] == [[pairs.PAIRS[0][1], "Who?"]] * 2
