"""This process's metrics: each is defined here, once, and counted where it happens.

No label holds a person, a channel, a document or anything that one of them wrote. Facts of the
database are read when asked for (workers/ops/facts.py). docs/operate.md has the table.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from workers.errors import SlackRefused

# A second series beside each metric, which nobody uses.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of `exposition`."""

_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 30, 60, 120, 300, 900, 3600)

# -- the bot ------------------------------------------------------------------------------------

EVENTS_RECEIVED = Counter("ken_events_received", "Requests from Slack", registry=REGISTRY)
EVENTS = Counter(
    "ken_events",
    "acknowledged; unknown: acknowledged, of a kind that Ken does not use; not_kept: Slack sends"
    " it again; signature, size: refused; malformed: refused, or acknowledged and dropped",
    ["outcome"],
    registry=REGISTRY,
)

# -- the door -----------------------------------------------------------------------------------

QUESTIONS_KEPT = Counter(
    "ken_questions_kept",
    "kept: stored; known: sent again by Slack, stored before; failed: PostgreSQL did not store it",
    ["outcome"],
    registry=REGISTRY,
)
RINGS_FAILED = Counter(
    "ken_rings_failed",
    "Rings that Redis did not accept; the sweeper rings again",
    registry=REGISTRY,
)
RUNG_AGAIN = Counter("ken_rung_again", "Rings that the sweeper sent", registry=REGISTRY)

# -- the worker ---------------------------------------------------------------------------------

QUESTIONS_ENDED = Counter(
    "ken_questions_ended",
    "answered, abstained or failed; for failed ones, the class of the error",
    ["state", "reason"],
    registry=REGISTRY,
)
QUESTION_SECONDS = Histogram(
    "ken_question_seconds",
    "From asked to ended, by the database's clock",
    ["state"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
LEASES_LOST = Counter(
    "ken_leases_lost", "Questions that another worker took over", registry=REGISTRY
)
SENTENCES_DROPPED = Counter(
    "ken_sentences_dropped",
    "Sentences of drafts that do not follow from their quote",
    ["reason"],
    registry=REGISTRY,
)
SECOND_LOOKS = Counter(
    "ken_second_looks",
    "Sentences about which the model was asked a second time",
    ["verdict"],
    registry=REGISTRY,
)
FINAL_CHECKS = Counter(
    "ken_final_checks",
    "Checks, before posting, that all of the audience may read the answer: passed, refused",
    ["verdict"],
    registry=REGISTRY,
)
SEARCHES_SHORT = Counter(
    "ken_searches_short",
    "Searches that found fewer passages than there are, and were made again without the index",
    registry=REGISTRY,
)
SEARCHES_CUT = Counter(
    "ken_searches_cut",
    "Searches that took too long, and were made again by meaning alone",
    registry=REGISTRY,
)
SEARCHES_BY_WORDS = Counter(
    "ken_searches_by_words",
    "Searches by words alone, because the server of the index's model did not answer",
    registry=REGISTRY,
)
EMBEDDING_FAILURES = Counter(
    "ken_embedding_failures",
    "Failed calls of the server of the index's model, by a constant reason",
    ["error"],
    registry=REGISTRY,
)
ANSWERS_REBUILT = Counter(
    "ken_answers_rebuilt",
    "Answers written again because permissions changed meanwhile",
    registry=REGISTRY,
)
LAYERS_DISAGREE = Counter(
    "ken_layers_disagree",
    "Cases in which two permission checks differ: a bug",
    ["layer"],
    registry=REGISTRY,
)
ERRANDS = Counter("ken_errands", "Errands that ended", ["kind", "outcome"], registry=REGISTRY)
ANSWERS_REVISED = Counter(
    "ken_answers_revised",
    "Posted answers that were changed afterwards: withdrawn, outdated, deleted",
    ["revision"],
    registry=REGISTRY,
)
MODEL_SECONDS = Histogram(
    "ken_model_seconds",
    "Calls of the language model, including those that failed",
    buckets=_SECONDS,
    registry=REGISTRY,
)
MODEL_FAILURES = Counter(
    "ken_model_failures",
    "Failed calls of the language model, by a constant reason",
    ["error"],
    registry=REGISTRY,
)
MODEL_DOWN = Gauge(
    "ken_model_down",
    "1: the server refuses every question until a setting is changed",
    registry=REGISTRY,
)
MODEL_TOKENS = Counter(
    "ken_model_tokens",
    "Tokens, by model and direction: input, output",
    ["model", "direction"],
    registry=REGISTRY,
)
MODEL_COST = Counter(
    "ken_model_cost",
    "What the model's tokens cost, in the currency of the prices that are set",
    ["model"],
    registry=REGISTRY,
)
QUOTED_INSTEAD = Counter(
    "ken_quoted_instead",
    "Answers that quote the documents because no model wrote them: failed, resting, budget",
    ["reason"],
    registry=REGISTRY,
)
SLACK_CALLS = Counter(
    "ken_slack_calls",
    "Calls of Slack's Web API, by method: ok, refused, unavailable",
    ["method", "outcome"],
    registry=REGISTRY,
)

# An alert on growth needs the 0 before the 1.
for _layer in ("before_prompt", "before_post", "after_post"):
    LAYERS_DISAGREE.labels(_layer)
for _outcome in ("acknowledged", "not_kept"):
    EVENTS.labels(_outcome)


def ended(state: str, reason: str | None, seconds: float) -> None:
    """Count a question that has ended; `reason` is the name of a class."""
    QUESTIONS_ENDED.labels(state, reason or "").inc()
    QUESTION_SECONDS.labels(state).observe(max(seconds, 0.0))


@contextmanager
def model_call() -> Iterator[None]:
    """Time a call of the model, however it ends."""
    started = perf_counter()
    try:
        yield
    finally:
        MODEL_SECONDS.observe(perf_counter() - started)


@contextmanager
def slack_call(method: str) -> Iterator[None]:
    """Count a call of Slack's Web API by its outcome."""
    outcome = "ok"
    try:
        yield
    except SlackRefused:
        outcome = "refused"
        raise
    except BaseException:
        outcome = "unavailable"
        raise
    finally:
        SLACK_CALLS.labels(method, outcome).inc()


def exposition() -> bytes:
    """Return all metrics in Prometheus's text format."""
    return generate_latest(REGISTRY)
