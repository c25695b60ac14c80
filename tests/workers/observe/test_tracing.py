"""One question is one trace, from the event to the post, and no span says what was asked."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from slack_bolt import BoltRequest
from sqlalchemy import text

from bot.app import create_app
from policies.described import Permissions
from tests.workers.ops.collector import Collector, collecting
from tests.workers.slack_company import Company
from workers import interface
from workers.errors import ModelUnavailable
from workers.intake import store
from workers.models.base import Draft, Passage
from workers.observe import tracing
from workers.settings import Settings

WORDS = "canary question about the budget"
BUDGET = "The canary budget is ten million euros."


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector
        tracing.close()


@pytest.fixture
def company(company: Company, monkeypatch: pytest.MonkeyPatch) -> Company:
    """No Redis takes a ring: a question's row is all that the worker learns of it."""
    lost = company.services.settings.model_copy(
        update={"redis_url": SecretStr("redis://127.0.0.1:9")}
    )
    monkeypatch.setattr(interface, "_settings", lambda: lost)
    monkeypatch.setattr(store._bell, "silent_until", 0.0)
    alice = company.person("alice")
    company.library.document("budget", BUDGET, Permissions(allow=frozenset({alice})))
    return company


def traced(settings: Settings, collector: Collector, process: str) -> None:
    """From now on this is the other process: what it knows of the trace is what is stored."""
    tracing.close()
    tracing.configure(settings.model_copy(update={"otlp_endpoint": collector.url}), process)


def event(company: Company) -> int:
    """Slack sends alice's direct message to the bot's app: the question's id."""
    ts = company.slack.dm("alice", WORDS).ts
    body: dict[str, Any] = {
        "type": "event_callback",
        "team_id": "T1",
        "event_id": "Ev4711",
        "authorizations": [{"team_id": "T1", "user_id": "UKEN", "is_bot": True}],
        "event": {
            "type": "message",
            "channel_type": "im",
            "channel": "DUALICE",
            "user": "UALICE",
            "ts": ts,
            "text": WORDS,
        },
    }
    request = BoltRequest(body=json.dumps(body), mode="socket_mode")
    assert create_app(company.services.settings).dispatch(request).status == 200
    with company.library.database.session("ingress") as session:
        return int(session.scalars(text("SELECT id FROM question")).one())


def test_a_question_is_one_trace_across_the_bot_and_the_worker(
    company: Company, collector: Collector
) -> None:
    settings = company.services.settings
    traced(settings, collector, "bot")
    question_id = event(company)
    traced(settings, collector, "worker")
    company.work(question_id)
    tracing.close()

    assert company.state(question_id)[0] == "answered"
    steps = {(span.service, span.name) for span in collector.spans}
    assert steps == {
        *(("ken-bot", name) for name in ("event", "keep", "ring")),
        *(("ken-worker", name) for name in ("answer", "retrieve", "model", "verify")),
        *(("ken-worker", name) for name in ("check", "post")),
    }
    assert len({span.trace for span in collector.spans}) == 1
    top = collector.named("event")
    assert top.parent == ""
    assert {collector.named(name).parent for name in ("keep", "ring")} == {top.span}
    assert collector.named("answer").parent == collector.named("keep").span
    below = [collector.named(name) for name in ("retrieve", "model", "verify", "check", "post")]
    assert {span.parent for span in below} == {collector.named("answer").span}


def test_spans_hold_ids_counts_and_states_and_nothing_that_anybody_wrote(
    company: Company, collector: Collector
) -> None:
    """Threat 12: a trace is something that we emit."""
    settings = company.services.settings
    traced(settings, collector, "bot")
    question_id = event(company)
    traced(settings, collector, "worker")
    company.work(question_id)
    tracing.close()

    assert collector.named("event").attributes == {"ken.event_id": "Ev4711", "ken.status": 200}
    assert collector.named("retrieve").attributes == {"ken.passages": 1}
    assert b"canary" not in collector.raw
    assert b"lice" not in collector.raw  # nor who asked


def test_an_error_leaves_the_name_of_its_class_and_no_word(
    company: Company, collector: Collector
) -> None:
    def fail(question: str, passages: tuple[Passage, ...]) -> Draft:
        raise ModelUnavailable(f"cannot answer {question}", transient=False)

    company.model.write_next = fail
    traced(company.services.settings, collector, "worker")
    company.work(event(company))
    tracing.close()

    assert collector.named("model").attributes["ken.error"] == "ModelUnavailable"
    assert {span.events for span in collector.spans} == {0}
    assert {span.status_text for span in collector.spans} == {""}
    assert b"canary" not in collector.raw
    assert b"Traceback" not in collector.raw


def test_a_trace_that_cannot_be_read_is_a_new_one(settings: Settings, collector: Collector) -> None:
    """A row is data: whatever it holds, the question is answered."""
    traced(settings, collector, "worker")
    for stored in (None, "", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "ü" * 99):
        with tracing.continued(stored), tracing.span("answer"):
            assert tracing.trace_id()
    tracing.close()
    assert len({span.trace for span in collector.spans}) == 5
    assert {span.parent for span in collector.spans} == {""}


def test_without_an_endpoint_nothing_that_sends_is_imported(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from workers.interface import tracing, Settings
tracing.configure(Settings(home=Path(sys.argv[1])), "bot")
with tracing.continued("00-" + "1" * 32 + "-" + "1" * 16 + "-01"), tracing.span("a", b=1) as at:
    at.set(c=2)
    assert tracing.current() is None
tracing.close()
senders = ("opentelemetry.exporter", "opentelemetry.sdk.trace")  # redis imports other parts
print(sorted(name for name in sys.modules if name.startswith(senders)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_collector_that_is_away_stops_no_question_and_no_end(
    company: Company, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    away = Collector(url="http://127.0.0.1:9/v1/traces")
    traced(company.services.settings, away, "worker")
    with caplog.at_level(logging.WARNING):
        question_id = event(company)
        company.work(question_id)
        tracing.close()
    assert company.state(question_id)[0] == "answered"
    assert "canary" not in caplog.text
