"""Finds passages for given readers: the one way to text that anybody is shown.

An answer and a door for other programs both begin here. Three layers decide, each by itself: the
query, row-level security, and the plain rule over the raw rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from psycopg.errors import QueryCanceled
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from policies import Audience
from policies.explain import unreadable
from policies.freshness import any_source_out_of_date
from workers.answering import by_version
from workers.answering.across import by_best_sentence
from workers.answering.by_version import Vectors
from workers.answering.checking import disagree
from workers.answering.resolving import resolved
from workers.answering.retrieval import (
    EVERYTHING,
    Only,
    merged,
    retrieve,
    whole,
)
from workers.models.base import NOBODY, Passage, Profile
from workers.models.facets import facets_in, meant
from workers.models.parts import parts_of
from workers.observe import metrics
from workers.services import Services

log = structlog.get_logger()

PATIENCE_S = 10
"""For each statement of a search by meaning and by words; most take some milliseconds."""


@dataclass(frozen=True, slots=True)
class Found:
    """The best passages that all of an audience may read, best first."""

    passages: tuple[Passage, ...]
    out_of_date: bool
    """Whether a source was left out because its permissions are too old."""


def find(
    services: Services,
    question: str,
    audience: Audience,
    *,
    limit: int,
    profile: Profile = NOBODY,
    only: Only = EVERYTHING,
    whole_tables: bool = False,
) -> Found:
    """Search for each part of a question, among what all of the audience may read.

    The question is embedded before the snapshot opens: a revocation meanwhile counts. If a
    statement takes too long, it is searched again by meaning alone, where the codes of `services`
    bound the work. Raises LayersDisagree.
    """
    searches = [_search(part, profile) for part in parts_of(question)]
    once = partial(
        _once, services, searches, audience, limit=limit, only=only, whole_tables=whole_tables
    )
    try:
        found, out_of_date = once(by_words=True, patience_s=PATIENCE_S)
    except OperationalError as error:
        if not isinstance(error.orig, QueryCanceled):
            raise
        log.warning("search_cut")
        metrics.SEARCHES_CUT.inc()
        found, out_of_date = once(by_words=False, patience_s=None)
    passages = merged(
        [
            by_best_sentence(passages, one.words, services.multilingual)
            for one, passages in zip(searches, found, strict=True)
        ]
    )
    return Found(passages, out_of_date)


def _once(
    services: Services,
    searches: Sequence["_Search"],
    audience: Audience,
    *,
    limit: int,
    only: Only,
    whole_tables: bool,
    by_words: bool,
    patience_s: int | None,
) -> tuple[list[tuple[Passage, ...]], bool]:
    """Search in one snapshot, whose statements may take `patience_s`; what is found is checked
    again. Also return whether a source is out of date.
    """
    words = [one.words for one in searches]
    with by_version.snapshot(services, audience, words, patience_s=patience_s) as (
        session,
        vectors,
    ):
        found = [
            one.passages(
                services,
                session,
                audience,
                by,
                limit=limit,
                only=only,
                whole_tables=whole_tables,
                by_words=by_words or by.main.vector is None,
            )
            for one, by in zip(searches, vectors, strict=True)
        ]
        every = [passage for passages in found for passage in passages]
        refused = unreadable(session, audience, {one.document_id for one in every})
        if refused or not all(only.admits(one.source) for one in every):
            disagree("before_prompt")
        return found, any_source_out_of_date(session)


def read(
    services: Services, name: str, audience: Audience, *, sources: tuple[str, ...] | None
) -> tuple[Passage, ...]:
    """Return the chunks of a document in order, found by `SOURCE:ID`; none if the audience may not
    read it, as if there were none. Raises LayersDisagree.
    """
    with services.database.reading_for(audience) as session:
        found = whole(session, audience, name, sources)
        refused = unreadable(session, audience, {one.document_id for one in found})
        if refused or not all(Only(sources).admits(one.source) for one in found):
            disagree("before_prompt")
    return found


@dataclass(frozen=True, slots=True)
class _Search:
    """What is searched for, and what is known of the person."""

    words: str
    about: Profile

    def passages(
        self,
        services: Services,
        session: Session,
        audience: Audience,
        vectors: Vectors,
        *,
        limit: int,
        only: Only,
        whole_tables: bool,
        by_words: bool,
    ) -> tuple[Passage, ...]:
        return retrieve(
            session,
            audience,
            self.words,
            vectors.main.vector,
            model=vectors.main.model,
            slope=vectors.main.slope,
            offset=vectors.main.offset,
            multilingual=vectors.multilingual,
            comparison=vectors.comparison,
            limit=limit,
            whole_tables=whole_tables,
            profile=self.about,
            only=only,
            index=services.index,
            by_words=by_words,
        )


def _search(question: str, profile: Profile) -> _Search:
    """Make a question a search, with what it says of the person in the words of the profile."""
    about = meant(profile, facets_in(question, sites=profile.sites))
    return _Search(resolved(question, about), about)
