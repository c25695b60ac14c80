"""What reaches a worker from the queue: rings of ours, and nothing that somebody else put there."""

import base64
import json
from typing import Any

import pytest

from workers.intake.doorbell import QUEUE, TASK, message
from workers.intake.queue import Transport, consuming
from workers.settings import Settings

TO_US = {"exchange": "", "routing_key": "ken"}
RING: dict[str, Any] = {
    "body": "W1s1XSwge30sIHt9XQ==",
    "content-type": "application/json",
    "headers": {"task": TASK, "id": "1", "lang": "py"},
    "properties": {"delivery_tag": "1", "delivery_info": TO_US, "body_encoding": "base64"},
}
FORGED: dict[str, Any] = {
    "nothing": None,
    "a list": [RING],
    "an empty envelope": {},
    "a pickle": {**RING, "content-type": "application/x-python-serialize"},
    "an unknown task": {**RING, "headers": {**RING["headers"], "task": "os.system"}},
    "a task of Celery's own": {**RING, "headers": {**RING["headers"], "task": "celery.chord"}},
    "a task without an id": {**RING, "headers": {"task": TASK, "lang": "py"}},
    "an old protocol": {**RING, "headers": {}},
    "a huge body": {**RING, "body": "A" * 10_001},
    "a body that is no text": {**RING, "body": {"canary": 1}},
    "no tag": {**RING, "properties": {"delivery_info": TO_US, "body_encoding": "base64"}},
    "a body of another shape": {**RING, "body": "WyJ4Il0="},
    "no place to lay it back to": {
        **RING,
        "properties": {"delivery_tag": "1", "delivery_info": {}, "body_encoding": "base64"},
    },
    "no properties": {name: part for name, part in RING.items() if name != "properties"},
}


@pytest.fixture
def delivered(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    came: list[object] = []
    monkeypatch.setattr(
        Transport.__mro__[1], "_deliver", lambda self, message, queue: came.append(message)
    )
    return came


def deliver(message: object) -> None:
    Transport._deliver(object.__new__(Transport), message, "ken")


def test_a_ring_of_ours_is_delivered(delivered: list[object]) -> None:
    rung = json.loads(message(TASK, 5))
    deliver(rung)
    deliver(RING)
    assert delivered == [rung, RING]


def test_a_ring_of_ours_says_what_celery_itself_would_write(
    settings: Settings, delivered: list[object]
) -> None:
    """Whatever Celery writes beside it is for its own tools, or for later."""
    celery = consuming(settings)
    with celery.connection_or_acquire() as connection:
        assert isinstance(connection.transport, Transport)
        client = connection.default_channel.client
        celery.send_task(TASK, args=[5], task_id="1", root_id="1", queue="test rings")
        theirs = json.loads(client.rpop("test rings"))
    ours = json.loads(message(TASK, 5))
    assert body(ours) == body(theirs)
    assert ours.keys() == theirs.keys()
    assert ours["headers"].keys() <= theirs["headers"].keys()
    assert ours["properties"].keys() <= theirs["properties"].keys()
    here = theirs["properties"]["delivery_info"]
    assert here == {"exchange": "", "routing_key": "test rings"}
    assert ours["properties"]["delivery_info"] == {"exchange": "", "routing_key": QUEUE}


def body(rung: dict[str, Any]) -> Any:
    return json.loads(base64.b64decode(rung["body"]))


@pytest.mark.parametrize("name", FORGED)
def test_what_is_no_ring_of_ours_is_dropped_and_not_logged(
    name: str, delivered: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad input: a message on the broker that we did not send."""
    deliver(FORGED[name])
    assert delivered == []
    captured = capsys.readouterr()
    logged = captured.out + captured.err
    assert "task_refused" in logged
    assert "canary" not in logged
    assert "os.system" not in logged
