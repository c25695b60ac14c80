"""Streams and agent sessions: an answer while it is written."""

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.playground.client import Playground, Seen

METADATA = {"event_type": "ken_answer", "event_payload": {"question_id": "Q1"}}
FOR_ALICE: dict[str, Any] = {"recipient_user_id": "UALICE", "recipient_team_id": "T1"}
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "below"}}


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(SlackApiError) as caught:
        call()
    return str(caught.value.response["error"])


def task(status: str, **more: Any) -> dict[str, Any]:
    return {"type": "task_update", "id": "1", "title": "Searching", "status": status, **more}


@pytest.fixture
def root(playground: Playground) -> str:
    return playground.dm("alice", "what?").ts


@pytest.fixture
def stream(ken: WebClient, root: str) -> str:
    """An open stream in Alice's direct messages."""
    return str(ken.chat_startStream(channel="DUALICE", thread_ts=root)["ts"])


def shown(playground: Playground, ts: str) -> Seen:
    return next(message for message in playground.messages("DUALICE") if message.ts == ts)


def test_a_stream_grows_and_ends_as_a_message(
    playground: Playground, ken: WebClient, stream: str
) -> None:
    ken.chat_appendStream(channel="DUALICE", ts=stream, chunks=[task("in_progress")])
    ken.chat_appendStream(channel="DUALICE", ts=stream, markdown_text="**one** ")
    ken.chat_appendStream(channel="DUALICE", ts=stream, markdown_text="two")
    ken.chat_appendStream(channel="DUALICE", ts=stream, chunks=[task("complete", output="3 found")])

    message = shown(playground, stream)
    assert (message.streaming, message.text) == (True, "**one** two")
    assert [chunk["type"] for chunk in message.chunks] == ["task_update", "markdown_text"]
    assert message.chunks[0]["status"] == "complete"

    ken.chat_stopStream(channel="DUALICE", ts=stream, blocks=[SECTION], metadata=METADATA)
    message = shown(playground, stream)
    assert (message.streaming, message.chunks, message.metadata) == (False, [], METADATA)
    assert [block["type"] for block in message.blocks] == ["task_card", "markdown", "section"]
    assert message.blocks[0]["output"]["type"] == "rich_text"


def test_the_sdks_own_stream_runs_against_it(
    playground: Playground, ken: WebClient, root: str
) -> None:
    stream = ken.chat_stream(
        channel="CGENERAL",
        thread_ts=playground.say("general", "alice", "what?").ts,
        recipient_team_id="T1",
        recipient_user_id="UALICE",
        task_display_mode="plan",
    )
    stream.append(chunks=[{"type": "plan_update", "title": "Looking"}, task("in_progress")])
    stream.append(markdown_text="found")
    stream.stop(blocks=[SECTION], metadata=METADATA)

    *_, message = playground.messages("general")
    assert [block["type"] for block in message.blocks] == ["plan", "markdown", "section"]
    assert message.blocks[0]["tasks"][0]["status"] == "in_progress"
    assert message.metadata == METADATA


def test_a_stream_in_a_channel_needs_a_recipient(playground: Playground, ken: WebClient) -> None:
    ts = playground.say("general", "alice", "what?").ts

    def start(**more: Any) -> str:
        return refused(lambda: ken.chat_startStream(channel="CGENERAL", thread_ts=ts, **more))

    assert start() == "missing_recipient_user_id"
    assert start(recipient_user_id="UALICE") == "missing_recipient_team_id"
    assert start(recipient_user_id="UNOBODY", recipient_team_id="T1") == "user_not_found"
    assert start(recipient_user_id="UALICE", recipient_team_id="T2") == "team_not_found"
    assert ken.chat_startStream(channel="CGENERAL", thread_ts=ts, **FOR_ALICE)["ok"]


def test_a_stream_opens_only_where_ken_may_write(ken: WebClient, root: str) -> None:
    def start(channel: str, thread_ts: str = "") -> str:
        return refused(
            lambda: ken.chat_startStream(channel=channel, thread_ts=thread_ts, **FOR_ALICE)
        )

    assert start("CEMPTY") == "not_in_channel"
    assert start("CSECRET") == "channel_not_found"
    assert start("COLD") == "is_archived"
    assert start("CGENERAL", "1.000001") == "messaging_processing_failed"
    assert start("DUALICE") == "invalid_arguments"


def test_an_expired_stream_accepts_nothing_and_can_be_updated(
    playground: Playground, ken: WebClient, stream: str
) -> None:
    playground.fault("stream_expired", method="chat.appendStream")
    conflict = refused(lambda: ken.chat_update(channel="DUALICE", ts=stream, text="x"))
    assert conflict == "streaming_state_conflict"
    for _ in range(2):
        error = refused(
            lambda: ken.chat_appendStream(channel="DUALICE", ts=stream, markdown_text="x")
        )
        assert error == "message_not_in_streaming_state"
    assert (
        refused(lambda: ken.chat_stopStream(channel="DUALICE", ts=stream))
        == "message_not_in_streaming_state"
    )
    ken.chat_update(channel="DUALICE", ts=stream, text="whole")
    message = shown(playground, stream)
    assert (message.text, message.streaming, message.chunks) == ("whole", False, [])


def test_a_stopped_stream_accepts_nothing_and_can_be_ended(
    playground: Playground, ken: WebClient, root: str, stream: str
) -> None:
    assert playground.stop("alice", "DUALICE", root) == [stream]
    error = refused(lambda: ken.chat_appendStream(channel="DUALICE", ts=stream, markdown_text="x"))
    assert error == "stopped_by_user"
    ken.chat_stopStream(channel="DUALICE", ts=stream, markdown_text="Stopped.")
    assert shown(playground, stream).text == "Stopped."


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({}, "no_text"),
        ({"markdown_text": "x" * 12_001}, "invalid_arguments"),
        ({"chunks": {"type": "markdown_text"}}, "invalid_chunks"),
        ({"chunks": [{"type": "image"}]}, "invalid_chunks"),
        ({"chunks": [{"type": "markdown_text"}]}, "invalid_chunks"),
        ({"chunks": [task("done")]}, "invalid_chunks"),
        ({"chunks": [task("complete", colour="red")]}, "invalid_chunks"),
        ({"chunks": [task("complete", details="x" * 257)]}, "invalid_chunks"),
        ({"chunks": [task("complete", sources=[{"type": "url", "url": "x"}])]}, "invalid_chunks"),
        ({"chunks": [{"type": "blocks", "blocks": [{"type": "marquee"}]}]}, "invalid_chunks"),
    ],
)
def test_what_cannot_be_streamed_is_refused(
    ken: WebClient, stream: str, content: dict[str, Any], error: str
) -> None:
    assert refused(lambda: ken.chat_appendStream(channel="DUALICE", ts=stream, **content)) == error


def test_all_that_is_streamed_has_a_limit_together(ken: WebClient, stream: str) -> None:
    ken.chat_appendStream(channel="DUALICE", ts=stream, markdown_text="x" * 12_000)
    error = refused(lambda: ken.chat_appendStream(channel="DUALICE", ts=stream, markdown_text="x"))
    assert error == "msg_blocks_too_long"


def test_the_blocks_below_count_with_those_above(ken: WebClient, stream: str) -> None:
    ken.chat_appendStream(channel="DUALICE", ts=stream, markdown_text="x")
    divider = {"type": "divider"}

    def stop(number: int) -> str:
        return refused(
            lambda: ken.chat_stopStream(channel="DUALICE", ts=stream, blocks=[divider] * number)
        )

    assert stop(51) == "invalid_blocks"
    assert stop(50) == "msg_blocks_too_many"
    ken.chat_stopStream(channel="DUALICE", ts=stream, blocks=[divider] * 49)


def test_a_message_that_is_not_a_stream_cannot_be_appended_to(
    playground: Playground, ken: WebClient, root: str
) -> None:
    def append(ts: str) -> str:
        return refused(lambda: ken.chat_appendStream(channel="DUALICE", ts=ts, markdown_text="x"))

    own = str(ken.chat_postMessage(channel="DUALICE", text="x")["ts"])
    assert append(own) == "message_not_in_streaming_state"
    assert append(root) == "message_not_owned_by_app"
    assert append("1.000001") == "message_not_found"


def test_a_session_has_a_status_and_a_title(
    playground: Playground, ken: WebClient, root: str
) -> None:
    place = {"channel_id": "DUALICE", "thread_ts": root}

    def call(method: str, **more: Any) -> Any:
        return ken.api_call(f"agents.sessions.{method}", json={**place, **more})

    assert refused(lambda: call("rename", title="x")) == "session_not_found"
    assert call("setStatus", status="processing", title="Trip")["agent_status"] == "processing"
    call("rename", title="Holiday")
    assert playground.surfaces()["sessions"] == {
        f"DUALICE/{root}": {"status": "processing", "title": "Holiday"}
    }
    assert refused(lambda: call("setStatus", status="asleep")) == "invalid_status"
    assert refused(lambda: call("setStatus", status="active", thread_ts=None)) == (
        "thread_ts_required"
    )
