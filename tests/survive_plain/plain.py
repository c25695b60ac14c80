"""A Slack assistant as one would first write it: Bolt, `task.delay`, a Celery worker, Redis.

    python -m tests.survive_plain.plain BROKER SLACK MODEL KIND      (the worker)

`plain` is Celery as it comes; `late` is what is advised against loss: acknowledge late.
"""

import json
import sys
from collections.abc import Callable
from typing import Any
from urllib.request import Request, urlopen

from celery import Celery
from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk import WebClient

from bot.playground.double import BOT_TOKEN, SIGNING_SECRET

QUEUE = "celery"
VISIBILITY_S = 1
"""Celery's is an hour; whatever it is, some task takes longer, or waits longer for its turn."""
LATE = {
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "broker_transport_options": {
        "visibility_timeout": VISIBILITY_S,
        "unacked_restore_interval": 1,  # looked for every second: the test has no 100 seconds
        "unacked_restore_throttle": 1,
    },
}


def create_app(broker: str, slack_url: str, model_url: str, kind: str) -> Celery:
    """With one task: ask the model, post what it says."""
    app = Celery("plain", broker=broker, set_as_current=False)
    app.conf.update(LATE if kind == "late" else {})
    slack = WebClient(BOT_TOKEN, base_url=slack_url)

    @app.task(name="answer", ignore_result=True)  # type: ignore[untyped-decorator]
    def answer(channel: str, ts: str, question: str) -> None:
        body = json.dumps({"input": f"[1] Wiki\nThirty days a year.\n\nQuestion: {question}"})
        with urlopen(Request(f"{model_url}/responses", body.encode())) as response:
            draft = json.load(response)["output"][0]["content"][0]["text"]
        text = json.loads(draft)["sentences"][0]["text"]
        slack.chat_postMessage(channel=channel, thread_ts=ts, text=text)

    return app


def create_bot(app: Celery, slack_url: str, failed: Callable[[Exception], None]) -> Any:
    """The WSGI application that hears Slack's events."""
    bolt = App(
        client=WebClient(BOT_TOKEN, base_url=slack_url),
        signing_secret=SIGNING_SECRET,
        token_verification_enabled=False,  # the double starts after us
    )

    @bolt.event("message")
    def on_message(event: dict[str, Any]) -> None:
        app.tasks["answer"].delay(event["channel"], event["ts"], event["text"])

    @bolt.error
    def on_error(error: Exception) -> None:
        failed(error)

    return SlackRequestHandler(bolt, path="/slack/events")


if __name__ == "__main__":
    words = "worker --concurrency=1 --loglevel=CRITICAL --without-gossip --without-mingle"
    create_app(*sys.argv[1:]).worker_main(words.split())
