"""Lets a search use one version of the index, whole: which one, the question's vectors by its
models, and the snapshot in which it is the active one.

A question is embedded before the snapshot opens, so that a revocation meanwhile counts. If another
version became active in between, it is embedded again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from policies import Audience
from workers.answering.retrieval import Meaning, meaning_by
from workers.errors import OperatorError, TextRefused
from workers.index import versions
from workers.index.versions import Model, Version
from workers.models.by_name import REST_S, Resting
from workers.models.embedders import Comparison, Embedders
from workers.observe import metrics
from workers.services import Services

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Vectors:
    """A question by the models of one version."""

    main: Meaning
    multilingual: Meaning | None
    comparison: Comparison
    """Compares the question with a chunk that has no vector, by the embedded models."""


@contextmanager
def snapshot(
    services: Services,
    audience: Audience,
    questions: Sequence[str],
    *,
    patience_s: int | None = None,
) -> Iterator[tuple[Session, list[Vectors]]]:
    """Open a snapshot for an audience, with each question's vectors by the version active in it."""
    version = services.index.version
    while True:
        vectors = [_vectors(services, version, question) for question in questions]
        with services.database.reading_for(audience, patience_s=patience_s) as session:
            now = versions.active(session)
            if now == version:
                yield session, vectors
                return
        version = services.index.version = now


def _vectors(services: Services, version: Version | None, question: str) -> Vectors:
    comparison = Embedders(services.embedder, services.multilingual).compare_with(question)
    if version is None:
        main = Meaning(services.embedder.name, services.embedder.embed_one(question))
        return Vectors(main, meaning_by(services.multilingual, question), comparison)
    vector = _vector(services, version, version.model, question)
    more = version.multilingual
    return Vectors(
        Meaning(version.model.name, vector, version.slope, version.offset),
        Meaning(more.name, _vector(services, version, more, question)) if more else None,
        comparison,
    )


def _vector(
    services: Services, version: Version, model: Model, question: str
) -> NDArray[np.float32] | None:
    """Return a question's vector; None if its model does not answer: words alone find then."""
    for embedder in (services.embedder, services.multilingual):
        if embedder is not None and embedder.name == model.name:
            return embedder.embed_one(question)
    asked = services.question_embedders
    try:
        vector = asked.embed(
            services.settings,
            model.name,
            question,
            partial(_probe, services, version, model),
            version=version.id,
        )
    except OperatorError as error:
        metrics.SEARCHES_BY_WORDS.inc()
        if not isinstance(error, Resting):
            log.warning("searched_by_words", model=model.name, error=type(error).__name__)
        if not isinstance(error, Resting | TextRefused):
            _record(services, model, type(error).__name__, rest_s=REST_S)
        return None
    if asked.fails:
        asked.fails = False
        _record(services, model, "", rest_s=None)
    return vector


def _probe(services: Services, version: Version, model: Model) -> Sequence[float] | None:
    """Read by what the version's model is known; needed once in a process for each version."""
    if model != version.model:
        return None
    with services.database.session("answerer") as session:
        return versions.probe(session, version.id)


def _record(services: Services, model: Model, outcome: str, *, rest_s: float | None) -> None:
    """Record that a model's server began or ceased to fail, for `ken status` and the metrics."""
    given = {"model": model.name, "outcome": outcome, "rest_s": rest_s}
    try:
        with services.database.session("answerer") as session:
            session.execute(_RECORD, given)
    except SQLAlchemyError as error:
        log.warning("model_not_recorded", error=type(error).__name__)


# Records how a model of vectors answered, of nobody's account.
_RECORD = text("""
    INSERT INTO model_use (team_id, user_id, model, outcome, again_at)
    VALUES ('', '', :model, :outcome,
            now() + make_interval(secs => CAST(:rest_s AS double precision)))
""")
