"""Has a draft written: by the model, else by the second one, else by quoting the documents.

A model is not called if a budget is spent or if it rests after failures. Passages that do not fit
its window are left out, the last ones first, and none is cut. Whoever asks waits until the deadline
at most: after it the documents are quoted, and the reply says so, or a notice says what failed.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from workers.answering.spending import Payer, may_call, record, rests, spent_budget
from workers.errors import ModelUnavailable, OverBudget
from workers.models.base import Answerer, Draft, Passage, Profile, Timed
from workers.models.embedded import QuotingAnswerer
from workers.models.prompt import INSTRUCTIONS, prompt
from workers.models.usage import estimate, metered
from workers.observe import metrics
from workers.services import Services
from workers.settings import Settings
from workers.wording.mark import N_
from workers.wording.text import gettext

log = structlog.get_logger()

NOT_ANSWERING = N_(
    "My language model did not answer in time, so these are the documents' own words."
)
BUDGET_OF_DAY = N_(
    "Today's budget for my language model is used up, so these are the documents' own words."
)
BUDGET_OF_MONTH = N_(
    "This month's budget for my language model is used up, so these are the documents' own words."
)
PATIENCE_S = 60.0
"""For this long after it was asked, a question is tried again after failures that may pass."""
_SHORTEST_TRY_S = 5.0
"""With less time than this left, no model is asked."""
_TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who waits for a draft, and until when by this process's clock."""

    payer: Payer
    asked_at: float
    deadline_s: float

    @property
    def left_s(self) -> float:
        return self.asked_at + self.deadline_s - time.monotonic()

    @property
    def patience_left_s(self) -> float:
        return min(self.left_s, self.asked_at + PATIENCE_S - time.monotonic())


@dataclass(frozen=True, slots=True)
class Written:
    """A draft, and what the reply says of how it came about."""

    draft: Draft
    passages: tuple[Passage, ...]
    """Those that the writer was shown: the first ones."""
    model: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Asking:
    """What a writer is asked."""

    question: str
    passages: tuple[Passage, ...]
    language: str
    profile: Profile

    def put_to(self, writer: Answerer, passages: tuple[Passage, ...]) -> Draft:
        given = {"language": self.language, "profile": self.profile}
        return writer.write(self.question, passages, **given)  # type: ignore[arg-type]


@dataclass(slots=True)
class _Failures:
    """What went wrong with the models that were to write."""

    errors: list[ModelUnavailable] = field(default_factory=list)
    reason: str = "resting"

    def add(self, error: ModelUnavailable) -> None:
        self.errors.append(error)
        self.reason = "failed"


def write(services: Services, asking: Asking, waiting: Waiting | None) -> Written:
    """Return a draft, by whoever can write one.

    `waiting`: nobody does in a rehearsal or an evaluation; then the model alone writes, and its
    failure is a failure. Raises ModelUnavailable, OverBudget.
    """
    first = services.answerer
    if waiting is None or not services.settings.writes_with_a_model:
        return Written(asking.put_to(first, asking.passages), asking.passages, first.name)
    budget = spent_budget(services.database, services.settings, waiting.payer)
    if budget is not None:
        log.info("over_budget", scope=budget.scope, span=budget.span)
        note = BUDGET_OF_DAY if budget.span == "day" else BUDGET_OF_MONTH
        return _quoted(services, asking, note, "budget") or _nothing_quoted(OverBudget())
    failures = _Failures()
    for writer, settings in _models(services):
        if waiting.left_s < _SHORTEST_TRY_S:
            break
        if not may_call(services.database, settings.model_name):
            continue
        try:
            return _written(services, writer, settings, asking, waiting)
        except ModelUnavailable as error:
            failures.add(error)
    return _without_a_model(services, asking, waiting, failures)


def _models(services: Services) -> Iterator[tuple[Answerer, Settings]]:
    yield services.answerer, services.settings
    others = services.settings.fallback_model
    if services.second is not None and others is not None:
        yield services.second, others


def _written(
    services: Services,
    writer: Answerer,
    settings: Settings,
    asking: Asking,
    waiting: Waiting,
) -> Written:
    """Ask one model, with fewer passages if they are too many for it; record what it cost."""
    passages = fitting(settings, asking)
    while True:
        held = _held(writer, waiting)
        with metered() as usage:
            try:
                draft = asking.put_to(held, passages)
            except ModelUnavailable as error:
                given = {"failure": str(error), "retry_after_s": error.retry_after_s}
                record(services.database, settings, waiting.payer, usage, **given)  # type: ignore[arg-type]
                if str(error) != _TOO_LONG or len(passages) < 2:
                    raise
                passages = passages[: len(passages) // 2]
                continue
        record(services.database, settings, waiting.payer, usage)
        return Written(draft, passages, settings.model_name)


def fitting(settings: Settings, asking: Asking) -> tuple[Passage, ...]:
    """Return as many passages, from the first on, as fit the model's window with its answer."""
    passages = asking.passages
    if not settings.model_window:
        return passages
    room = settings.model_window - settings.model_max_tokens - estimate(INSTRUCTIONS)
    while passages:
        asked = prompt(asking.question, passages, asking.language, asking.profile)
        if estimate(asked) <= room:
            break
        passages = passages[:-1]
    return passages or asking.passages[:1]  # then the server says whether it is too long


def _without_a_model(
    services: Services, asking: Asking, waiting: Waiting, failures: _Failures
) -> Written:
    """Put the question back if a failure may pass in time, else quote. Raises ModelUnavailable."""
    passing = [error for error in failures.errors if error.transient]
    for error in passing:
        if waiting.patience_left_s > max(error.retry_after_s or 0.0, _SHORTEST_TRY_S):
            raise error
    quoted = _quoted(services, asking, NOT_ANSWERING, failures.reason)
    if quoted is not None:
        return quoted
    reason = str(failures.errors[-1]) if failures.errors else failures.reason
    return _nothing_quoted(ModelUnavailable(reason, transient=False))


def _quoted(services: Services, asking: Asking, note: str, reason: str) -> Written | None:
    """Quote the documents, and say why; None if nothing in them answers."""
    quoting = QuotingAnswerer(services.embedder, services.multilingual)
    draft = asking.put_to(quoting, asking.passages)
    if not (draft.sentences or draft.pages):
        return None
    metrics.QUOTED_INSTEAD.labels(reason).inc()
    log.warning("quoted_instead", reason=reason)
    return Written(draft, asking.passages, quoting.name, gettext(note))


def _nothing_quoted(error: Exception) -> Written:
    raise error


def _held(writer: Answerer, waiting: Waiting) -> Answerer:
    """Hold a model to the deadline."""
    return writer.within(max(waiting.left_s, 0.0)) if isinstance(writer, Timed) else writer


@contextmanager
def helper(services: Services, waiting: Waiting | None) -> Iterator[Answerer | None]:
    """Yield the model for small calls beside the draft, and record what they cost.

    None if it may not be called, because a budget is spent or it rests.
    """
    settings = services.settings
    if waiting is None or not settings.writes_with_a_model:
        yield services.answerer
        return
    payer = waiting.payer
    is_free = not rests(services.database, settings.model_name) and waiting.left_s > 0
    if not is_free or spent_budget(services.database, settings, payer) is not None:
        yield None
        return
    with metered() as usage:
        yield _held(services.answerer, waiting)
    if usage.tokens:
        record(services.database, settings, payer, usage)
