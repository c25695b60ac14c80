"""Reads documents under row-level security as one Slack account, with a second check afterwards."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy.orm import Session

from policies import Audience
from policies.audience import Account, Readers
from policies.directory import resolve_audience
from policies.explain import unreadable
from workers.errors import LayersDisagree
from workers.observe import metrics
from workers.services import Services
from workers.slack.messenger import source_of_team

log = structlog.get_logger()


@contextmanager
def reading_as(
    services: Services, team_id: str, user_id: str
) -> Iterator[tuple[Session, Audience]]:
    """Open one snapshot under row-level security as this account; without a link, as a stranger."""
    readers = Readers(accounts=frozenset({Account(source_of_team(team_id), user_id)}))
    with services.database.session("answerer") as session:
        audience = resolve_audience(session, readers)
    with services.database.reading_for(audience) as session:
        yield session, audience


def require_agreement(session: Session, audience: Audience, document_ids: Iterable[int]) -> None:
    """Check in plain Python what the query and row-level security let through. Raises
    LayersDisagree.
    """
    if unreadable(session, audience, set(document_ids)):
        metrics.LAYERS_DISAGREE.labels("before_post").inc()
        log.error("layers_disagree", layer="before_post")
        raise LayersDisagree
