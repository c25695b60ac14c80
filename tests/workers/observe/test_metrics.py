"""Metrics: counted where it happens, described in docs/operate.md; alerts name no others."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from slack_bolt import BoltRequest
from sqlalchemy import text

from bot import listeners
from bot.app import create_app
from policies.described import Permissions
from tests.workers.slack_company import Company
from workers.errors import ModelUnavailable, SlackRefused, SlackUnavailable
from workers.models.base import Draft, Passage, Sentence
from workers.observe import metrics
from workers.ops import facts
from workers.settings import Settings

DOCS = Path(__file__).parents[3] / "docs"
BUDGET = "The budget is ten million euros."


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture
def since() -> Any:
    """How much a metric has grown in this test: the process counts on from test to test."""
    before = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in metrics.REGISTRY.collect()
        for sample in family.samples
    }
    return lambda name, **labels: (
        value(name, **labels) - before.get((name, tuple(sorted(labels.items()))), 0.0)
    )


def names(exposition: str) -> set[str]:
    """As somebody writes them in a query; a histogram by its name alone."""
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(exposition)
        if family.name.startswith("ken_")
    }


@pytest.fixture
def exposed(settings: Settings, company: Company) -> set[str]:
    """With a source and an access that was changed, so that nothing is absent."""
    company.person("alice")
    with company.library.database.session("syncer") as session:
        session.execute(
            text("UPDATE source SET synced_at = now(), max_staleness = interval '1 day'")
        )
    return names(facts.exposition(settings, company.library.database)().decode())


def test_the_docs_tell_of_every_metric_and_of_no_other(exposed: set[str]) -> None:
    section = (DOCS / "operate.md").read_text().partition("## Metrics")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `(ken_\w+)", section, re.MULTILINE))
    assert documented == exposed


def test_alerts_are_rules_over_metrics_that_exist(exposed: set[str]) -> None:
    (group,) = yaml.safe_load((DOCS / "alerts.yaml").read_text())["groups"]
    assert len(group["rules"]) > 5
    for rule in group["rules"]:
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["annotations"]["summary"].endswith(".")
        assert set(re.findall(r"ken_\w+", rule["expr"])) <= exposed
        outcomes = re.findall(r'(\w+)="(\w+)"', rule["expr"])
        assert set(outcomes) <= {("outcome", "not_kept"), ("state", "failed")}


def test_an_answer_is_counted_with_its_verdicts_and_its_time(company: Company, since: Any) -> None:
    alice = company.person("alice")
    company.library.document("budget", BUDGET, Permissions(allow=frozenset({alice})))

    def write(question: str, passages: tuple[Passage, ...]) -> Draft:
        return Draft((Sentence(BUDGET, 1, BUDGET), Sentence("Made up.", 1, "never written there")))

    company.model.write_next = write
    company.asked("DUALICE", "alice", "What is the budget?")
    assert since("ken_questions_ended_total", state="answered", reason="") == 1
    assert since("ken_question_seconds_count", state="answered") == 1
    assert since("ken_sentences_dropped_total", reason="quote") == 1
    assert since("ken_final_checks_total", verdict="passed") == 1
    assert since("ken_slack_calls_total", method="chat_postMessage", outcome="ok") == 1
    assert since("ken_questions_kept_total", outcome="kept") == 1


def test_a_question_that_fails_is_counted_by_the_class_of_its_error(
    company: Company, since: Any
) -> None:
    def fail(question: str, passages: tuple[Passage, ...]) -> Draft:
        raise ModelUnavailable("canary", transient=False)

    alice = company.person("alice")
    company.library.document("budget", BUDGET, Permissions(allow=frozenset({alice})))
    company.model.write_next = fail
    company.asked("DUALICE", "alice", "What is the budget?")
    assert since("ken_questions_ended_total", state="failed", reason="ModelUnavailable") == 1
    assert "canary" not in metrics.exposition().decode()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(SlackRefused("x"), "refused"), (SlackUnavailable("x"), "unavailable")],
)
def test_a_call_of_slack_is_counted_by_what_became_of_it(
    error: Exception, outcome: str, since: Any
) -> None:
    with pytest.raises(type(error)), metrics.slack_call("conversations_info"):
        raise error
    assert since("ken_slack_calls_total", method="conversations_info", outcome=outcome) == 1


@pytest.mark.parametrize(("fails", "outcome"), [(False, "acknowledged"), (True, "not_kept")])
def test_an_event_is_counted_by_the_response_that_slack_got(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, fails: bool, outcome: str, since: Any
) -> None:
    def keep(question: object) -> None:
        if fails:
            raise ValueError("not kept")

    monkeypatch.setattr(listeners, "ask", keep)
    body = {
        "type": "event_callback",
        "team_id": "T1",
        "event_id": "Ev1",
        "authorizations": [{"team_id": "T1", "user_id": "UKEN"}],
        "event": {
            **{"type": "message", "channel_type": "im", "channel": "D1", "user": "UALICE"},
            **{"ts": "1.1", "text": "canary"},
        },
    }
    status = create_app(settings).dispatch(BoltRequest(body=body, mode="socket_mode")).status
    assert (status == 200) is not fails
    assert since("ken_events_received_total") == 1
    assert since("ken_events_total", outcome=outcome) == 1


def test_what_never_happened_is_nought_and_not_absent() -> None:
    """An alert on growth needs the 0 before the 1."""
    for layer in ("before_prompt", "before_post"):
        assert (
            metrics.REGISTRY.get_sample_value("ken_layers_disagree_total", {"layer": layer})
            is not None
        )
